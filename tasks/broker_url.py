"""The URL of a broker, as it has to be for the two libraries that read it: kombu and redis-py."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

SCHEMES = ("redis", "rediss", "redis+socket")
_NETWORKED = ("redis", "rediss")
_DATABASE = re.compile(r"/?[0-9]{0,9}")
_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
# What both libraries read, and read as the same: kombu's CERT_REQUIRED means nothing to redis-py.
_CHOICES = {"ssl_cert_reqs": ("required", "optional", "none"), "ssl_check_hostname": ("true", "false")}
# Without any option kombu trusts every certificate.
_VERIFIED = {"ssl_cert_reqs": "required"}


def broker_url(url: str) -> str:
    """The URL with what it leaves open about TLS filled in: certificates are verified, and paths are absolute.

    ValueError, with what to do and without a password, if it is none that both libraries understand.
    """
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ValueError(f"begin it with {', '.join(f'{each}://' for each in SCHEMES)}")
    if parts.scheme in _NETWORKED and not (_has_port(parts) and _DATABASE.fullmatch(parts.path)):
        raise ValueError("write it as redis://HOST:PORT/NUMBER, with a port up to 65535 and the number of a database")
    options = _options(parts)
    if parts.scheme != "rediss":
        if options:
            raise ValueError("nothing may stand behind a question mark, except where it begins with rediss://")
        return url
    written = urlencode({**_VERIFIED, **{name: _checked(name, options) for name in options}}, quote_via=quote)
    return parts._replace(query=written).geturl()


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
