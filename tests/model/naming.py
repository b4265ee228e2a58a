"""Identity in plain Python (spec section 3): ids, and what makes two sightings the same thing."""

import hashlib
import unicodedata
from functools import cache

_ENDS = frozenset(".,;:!?'\"`")


def id_of(pattern_type: str, name: str) -> str:
    """The first 16 hex digits of SHA-256 over type, colon and normalised name."""
    words: list[str] = [""]
    for letter in name.lower():
        if letter.isspace():
            words.append("")
        else:
            words[-1] += letter
    normalised = " ".join(word for word in words if word)
    return hashlib.sha256((pattern_type + ":" + normalised).encode("utf-8")).hexdigest()[:16]


def likeness(pattern_type: str, name: str, description: str | None, fingerprint: str | None) -> tuple[str | None, ...]:
    """What two sightings of the same thing have in common; the content hash is this, digested."""
    if fingerprint:
        return (pattern_type, fingerprint)
    return (pattern_type, canonical(name), canonical(description or ""))


@cache
def canonical(text: str) -> str:
    """NFKC, case-folded, separators between word characters one space, the ends of words bare."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    spaced = ""
    at = 0
    while at < len(folded):
        end = _end_of_run(folded, at)
        between = 0 < at and end < len(folded) and folded[at - 1].isalnum() and folded[end].isalnum()
        spaced += " " if between and end > at else folded[at : max(end, at + 1)]
        at = max(end, at + 1)
    return " ".join(map(_bare, spaced.split()))


def _end_of_run(text: str, at: int) -> int:
    """Where the run of one kind of separator that begins here ends; here, if none does."""
    kind = _kind(text[at])
    end = at
    while kind and end < len(text) and _kind(text[end]) == kind:
        end += 1
    return end


def _kind(letter: str) -> str:
    return " " if letter.isspace() else letter if letter in "_-" else ""


def _bare(word: str) -> str:
    kept = [at for at, letter in enumerate(word) if letter not in _ENDS]
    return word[kept[0] : kept[-1] + 1] if kept else word
