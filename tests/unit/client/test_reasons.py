"""The reason codes have one home."""

import re
from pathlib import Path

from ostinato.reasons import Reason

ROOT = Path(__file__).parents[3]
HOME = ROOT / "client" / "ostinato" / "reasons.py"
PRODUCT = {
    path: path.read_text(encoding="utf-8")
    for folder in ("client/ostinato", "store", "tasks", "worker")
    for path in (ROOT / folder).rglob("*.py")
    if path != HOME
}


def test_each_code_is_given_somewhere() -> None:
    """And each has its own name as its text, and a sentence."""
    given = {name for text in PRODUCT.values() for name in re.findall(r"Reason\.([A-Z_0-9]+)", text)}

    assert {each.name for each in Reason} == given
    assert {each.name.lower() for each in Reason} == {str(each) for each in Reason}
    assert [] == [each for each in Reason if not each.meaning.endswith(".")]


def test_no_code_is_written_as_a_text() -> None:
    """A message is refused for a member of the enumeration, or for a field."""
    literal = re.compile(r"""(MalformedMessage\(|reason_code=)f?["']""")

    assert [] == [path for path, text in PRODUCT.items() for _ in literal.findall(text) if "{name}_" not in text]
