"""The URL of a broker, in the form that kombu, redis-py and py-amqp all read in the same way."""

import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

_RABBIT = ("amqp", "amqps")
SCHEMES = ("redis", "rediss", "redis+socket", *_RABBIT)
_SECURE = ("rediss", "amqps")
# What may follow the port, and how to write the whole.
_DATABASE = (
    re.compile(r"/?[0-9]{0,9}"),
    "redis://HOST:PORT/NUMBER, with a port up to 65535 and the number of a database",
)
_VHOST = re.compile(r"/?(/|[^/;]*)"), "amqp://HOST:PORT/VHOST, with a port up to 65535 and the name of a virtual host"
_PATHS = {"redis": _DATABASE, "rediss": _DATABASE, "amqp": _VHOST, "amqps": _VHOST}
_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
# Only values that mean the same to kombu and to redis-py: redis-py does not know kombu's CERT_REQUIRED.
_CHOICES = {"ssl_cert_reqs": ("required", "optional", "none"), "ssl_check_hostname": ("true", "false")}
# Without any option kombu trusts every certificate.
_VERIFIED = {"ssl_cert_reqs": "required"}


def broker_url(url: str) -> str:
    """The URL, completed: certificates are verified unless it says otherwise, and paths are absolute.

    ValueError if not all of these libraries understand it; its text says what to do, and contains no password.
    """
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ValueError(f"begin it with {', '.join(f'{each}://' for each in SCHEMES)}")
    if parts.scheme in _PATHS:
        path, form = _PATHS[parts.scheme]
        if not (_has_port(parts) and path.fullmatch(parts.path)):
            raise ValueError(f"write it as {form}")
    options = _options(parts)
    if parts.scheme not in _SECURE:
        if options:
            raise ValueError(
                "nothing may stand behind a question mark, except where it begins with rediss:// or amqps://"
            )
        return url
    written = urlencode({**_VERIFIED, **{name: _checked(name, options) for name in options}}, quote_via=quote)
    return parts._replace(query=written).geturl()


def is_rabbit(address: str) -> bool:
    """Whether a checked URL is that of a RabbitMQ server; any other is that of a Redis or Valkey server."""
    return urlsplit(address).scheme in _RABBIT


def rabbit_location(address: str) -> tuple[str, dict[str, Any] | bool]:
    """The checked URL of a RabbitMQ server as kombu takes it, without options, and what those say about TLS."""
    parts = urlsplit(address)
    url = parts._replace(query="").geturl()
    if parts.scheme not in _SECURE:
        return url, False
    options = dict(parse_qsl(parts.query))
    named = {name.removeprefix("ssl_"): options[name] for name in _FILES if name in options}
    required = ssl.VerifyMode[f"CERT_{options['ssl_cert_reqs'].upper()}"]
    # py-amqp verifies the name that it is given; None stands for the host of the URL.
    checked = required != ssl.CERT_NONE and options.get("ssl_check_hostname") != "false"
    return url, {**named, "cert_reqs": required, **({"server_hostname": None} if checked else {})}


def _has_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:  # its text is not passed on: a part of a password may stand in it
        return False


def _options(parts: SplitResult) -> dict[str, str]:
    if parts.fragment:
        # An unescaped # in a password would end the host here, and be no error.
        raise ValueError("it has a # in it: write it as %23")
    return dict(parse_qsl(parts.query, keep_blank_values=True))


def _checked(name: str, options: Mapping[str, str]) -> str:
    value = options[name]
    if name in _FILES:
        path = Path(value).expanduser().absolute()
        try:
            path.read_bytes()
        except OSError as error:
            raise ValueError(f"{name} names {path}, which cannot be read: {error.strerror}") from None
        return str(path)
    if name not in _CHOICES:
        raise ValueError(f"behind the question mark may stand {', '.join((*_FILES, *_CHOICES))}")
    if value not in _CHOICES[name]:
        raise ValueError(f"{name} is one of {', '.join(_CHOICES[name])}")
    return value
