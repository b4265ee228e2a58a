"""What a producer has to know: where the broker is."""

import os
import ssl
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from ostinato.errors import ConfigurationError
from ostinato.settings.broker import BrokerSettings, socket_path
from ostinato.settings.broker_url import rabbit_location
from ostinato.settings.environment import read_settings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without any of our settings."""
    for name in [name for name in os.environ if name.startswith("OSTINATO_")]:
        monkeypatch.delenv(name)


def test_without_settings_the_broker_is_embedded_in_the_users_own_folder() -> None:
    """Nothing has to be set to begin with."""
    settings = read_settings(BrokerSettings)

    assert settings.embedded_broker
    assert settings.home.is_absolute()
    assert "ostinato" == settings.home.name


URLS = [
    *("redis://localhost:6379/0", "rediss://u:p@broker/1?ssl_cert_reqs=none", "redis+socket:///run/b.sock"),
    *(
        "amqp://u:p@broker",
        "amqp://broker:5672/fleet",
        "amqp://broker//",
        "amqps://broker/a%2Fb?ssl_cert_reqs=required",
    ),
]


@pytest.mark.parametrize("url", URLS)
def test_a_broker_at_a_url_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Redis, and RabbitMQ, with TLS and without; Redis behind a unix socket."""
    monkeypatch.setenv("OSTINATO_BROKER_URL", url)
    settings = read_settings(BrokerSettings)

    assert not settings.embedded_broker
    assert url == settings.broker_address


WRONG_URLS = [
    *("sqs://u:s3cret@broker", "localhost:6379", "redis", "//u:s3cret@broker", "redis://["),
    *(
        "redis://broker:99999/0",
        "redis://broker:0",
        "redis://u:s3cret",
        "rediss://u:s3cret@broker/first",
        "redis://b/-1",
    ),
    *(
        "amqp://u:s3cret@broker:0/v",
        "amqp://u:s3cret@b/v/w",
        "amqp://u:s3cret@b;amqp://c",
        "amqp://u:s3cret@b?heartbeat=1",
    ),
    *(
        f"redis{each}"
        for each in (
            "://b/0?ssl_cert_reqs=none",
            "://b?db=1",
            "+socket:///b.sock?db=1",
            "://u:s3#cret@b",
            "://b/0#s3cret",
        )
    ),
    *(
        f"rediss://b/0?{each}"
        for each in ("ssl_password=s3cret", "ssl_cert_reqs=CERT_NONE", "ssl_check_hostname=0", "ssl_ca_certs=/missing")
    ),
]


@pytest.mark.parametrize("url", WRONG_URLS)
def test_any_other_url_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """It names the setting, and no password."""
    monkeypatch.setenv("OSTINATO_BROKER_URL", url)

    with pytest.raises(ConfigurationError, match=r"^OSTINATO_BROKER_URL cannot be used: .*\.$") as refused:
        read_settings(BrokerSettings)
    assert "s3cret" not in str(refused.value)
    assert str(refused.value).isprintable()


def test_an_address_that_goes_on_behind_a_number_sign_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was meant to be a part of something, and the sentence says how to write it."""
    monkeypatch.setenv("OSTINATO_BROKER_URL", "redis://broker/0?ssl_password=s3#cret")

    with pytest.raises(ConfigurationError, match="write it as %23"):
        read_settings(BrokerSettings)


def test_certificates_are_verified_unless_the_url_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kombu, told nothing, trusts everybody."""
    monkeypatch.setenv("OSTINATO_BROKER_URL", "rediss://u:p@broker/1")

    assert "rediss://u:p@broker/1?ssl_cert_reqs=required" == read_settings(BrokerSettings).broker_address


def test_files_that_a_url_names_are_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As the home folder is; what a URL cannot hold as it is stands there as an escape."""
    (tmp_path / "my ca&co.pem").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OSTINATO_BROKER_URL", "rediss://broker?ssl_ca_certs=my%20ca%26co.pem&ssl_check_hostname=false")
    query = parse_qs(urlsplit(read_settings(BrokerSettings).broker_address).query)

    assert {
        "ssl_cert_reqs": ["required"],
        "ssl_ca_certs": [str(tmp_path / "my ca&co.pem")],
        "ssl_check_hostname": ["false"],
    } == query


@pytest.mark.parametrize("prefix", ["", "fleet-2.", "a:b_C"])
def test_a_prefix_may_have_letters_digits_and_separators(monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    """Without one, the keys are the queue's own."""
    monkeypatch.setenv("OSTINATO_BROKER_PREFIX", prefix)

    assert prefix == read_settings(BrokerSettings).broker_prefix


@pytest.mark.parametrize("prefix", ["*", "a b", "[a]", "é", "x" * 65, "a\n"])
def test_any_other_prefix_is_refused(monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    """What means something in a pattern of keys, too."""
    monkeypatch.setenv("OSTINATO_BROKER_PREFIX", prefix)

    with pytest.raises(ConfigurationError, match=r"^OSTINATO_BROKER_PREFIX cannot be used: .*\.$"):
        read_settings(BrokerSettings)


def test_an_empty_url_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a compose file passes a variable that is not set."""
    monkeypatch.setenv("OSTINATO_BROKER_URL", "")

    assert read_settings(BrokerSettings).embedded_broker


def test_settings_show_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """However they are printed."""
    monkeypatch.setenv("OSTINATO_BROKER_URL", "redis://user:s3cret@broker")
    settings = read_settings(BrokerSettings)

    assert settings.broker_address.endswith("s3cret@broker")
    assert "s3cret" not in f"{settings!r} {settings}"


def test_a_home_folder_is_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """So that processes with different working folders mean the same one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))

    monkeypatch.setenv("OSTINATO_HOME", "here")
    assert tmp_path / "here" == read_settings(BrokerSettings).home
    monkeypatch.setenv("OSTINATO_HOME", "~/there")
    assert tmp_path / "me" / "there" == read_settings(BrokerSettings).home


def test_a_home_folder_may_have_any_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a URL cannot hold as it is stands in the broker's address as an escape."""
    home = tmp_path / "ho me%20#?ö"
    monkeypatch.setenv("OSTINATO_HOME", str(home))
    address = urlsplit(read_settings(BrokerSettings).broker_address)

    assert "redis+socket" == address.scheme
    assert str(socket_path(home)) == unquote(address.path)


def test_a_socket_lies_in_the_home_folder() -> None:
    """Where everybody looks for it."""
    assert Path("/srv/ostinato/broker.sock") == socket_path(Path("/srv/ostinato"))


@pytest.mark.parametrize("letter", ["x", "ö"])
def test_a_socket_of_a_deep_home_folder_lies_where_its_path_is_short(letter: str) -> None:
    """Paths of sockets are limited in bytes; each home folder still has a socket of its own."""
    homes = [Path("/srv") / (letter * count) for count in range(1, 200)]
    paths = [socket_path(home) for home in homes]
    moved = [path for path in paths if not path.is_relative_to("/srv")]

    assert len(homes) == len(set(paths))
    assert all(len(os.fsencode(path)) <= 100 for path in paths if path not in moved)
    assert {Path(tempfile.gettempdir()) / f"ostinato-{os.getuid()}"} == {path.parent for path in moved}
    assert paths == [socket_path(home) for home in homes]


@pytest.mark.parametrize("occupied", ["by a file", "by a link", "by a folder for all"])
def test_a_folder_of_sockets_that_is_not_this_users_alone_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, occupied: str
) -> None:
    """Another user, who made it first, could stand in for the broker."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder, home = tmp_path / f"ostinato-{os.getuid()}", Path("/srv") / ("x" * 120)
    assert folder == socket_path(home).parent
    folder.mkdir(mode=0o700)
    assert folder == socket_path(home).parent
    folder.rmdir()
    if occupied == "by a file":
        folder.touch(mode=0o600)
    elif occupied == "by a link":
        folder.symlink_to(tmp_path)
    else:
        folder.mkdir()
        folder.chmod(0o777)
    with pytest.raises(ConfigurationError, match=f"{folder} is not this user's alone"):
        socket_path(home)


TLS = {
    "amqp://u:p@broker:5672/v": ("amqp://u:p@broker:5672/v", False),
    "amqps://broker/v": ("amqps://broker/v", {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": None}),
    "amqps://broker?ssl_check_hostname=false": ("amqps://broker", {"cert_reqs": ssl.CERT_REQUIRED}),
    "amqps://broker?ssl_cert_reqs=none": ("amqps://broker", {"cert_reqs": ssl.CERT_NONE}),
}


@pytest.mark.parametrize(("url", "expected"), TLS.items())
def test_what_the_url_of_rabbitmq_says_about_tls_is_said_to_kombu(url: str, expected: tuple[str, object]) -> None:
    """The certificate and the name in it are verified unless the URL says otherwise."""
    assert expected == rabbit_location(BrokerSettings(broker_url=url).broker_address)


def test_rabbitmq_has_virtual_hosts_and_no_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prefix that nothing would heed is refused."""
    monkeypatch.setenv("OSTINATO_BROKER_URL", "amqp://broker")
    monkeypatch.setenv("OSTINATO_BROKER_PREFIX", "fleet.")

    with pytest.raises(ConfigurationError, match=r"^OSTINATO_BROKER_PREFIX cannot be used: RabbitMQ has virtual hosts"):
        read_settings(BrokerSettings)
