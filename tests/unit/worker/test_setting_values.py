"""A setting that cannot work is refused in words: what to write, with an example, and without what a secret said."""

import pytest

from ostinato.errors import ConfigurationError
from ostinato.settings.environment import read_settings
from worker.settings import Settings

MEMORY = "write a whole number and mb or gb, as in 512mb or 2gb"
AUTH = "write USER:PASSWORD, both without spaces and USER without a colon, as in ada:correct-horse"
PREFIX = "write at most 64 letters, digits and signs out of . _ : -, as in fleet-2"
REFUSED = [
    *[("BROKER_MEMORY", each, MEMORY) for each in ("lots", "0mb", "1.5gb", "2GB", "1gb\n")],
    *[("FLOWER_AUTH", each, AUTH) for each in ("s3cret", "a b:s3cret", "ada:s3cret s3cret", ":s3cret", "s3cret:")],
    *[("BROKER_PREFIX", each, PREFIX) for each in ("*", "a b", "x" * 65)],
]


@pytest.mark.parametrize(("name", "value", "said"), REFUSED)
def test_a_refusal_says_what_to_write(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    """In words, not as a regular expression."""
    monkeypatch.setenv(f"OSTINATO_{name}", value)

    with pytest.raises(ConfigurationError) as refused:
        read_settings(Settings)
    assert f"OSTINATO_{name} cannot be used: {said}." == str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"), [("BROKER_MEMORY", "512mb"), ("FLOWER_AUTH", "ada:a:b"), ("BROKER_PREFIX", "a.B_1:-")]
)
def test_what_it_says_is_taken(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """As it is."""
    monkeypatch.setenv(f"OSTINATO_{name}", value)

    assert value == getattr(read_settings(Settings), name.lower())
