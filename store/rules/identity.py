"""Which sightings describe one thing: canonical text and content hashes (spec section 3). Pure."""

import hashlib
import re
import unicodedata

_SEPARATORS = re.compile(r"(?<=[^\W_])(?:\s+|_+|-+)(?=[^\W_])")
_PUNCTUATION = ".,;:!?'\"`"
_HASH_DIGITS = 32


def canonical_text(text: str | None) -> str:
    """The text without what varies between spellings of the same thing; missing and empty are both ``""``.

    NFKC and case-folded; underscores, white space and hyphens between word characters are one space; punctuation at
    either end of a word goes. What stands beside symbols stays (``C++``, ``C#``, ``exit code -1``).
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text or "").casefold())
    return " ".join(_bare(word) for word in _SEPARATORS.sub(" ", folded).split())


def content_hash(pattern_type: str, name: str, description: str | None, fingerprint: str | None) -> str:
    """The 32 hex digits that two spellings of the same thing share.

    Covers type, canonical name and canonical description; with a fingerprint, type and fingerprint only. Each part
    goes in with its length, so that no two splits of a text collide. An empty fingerprint is none.
    """
    texts = (fingerprint,) if fingerprint else (canonical_text(name), canonical_text(description))
    parts = ("fingerprint" if fingerprint else "text", pattern_type, *texts)
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:_HASH_DIGITS]


def _bare(word: str) -> str:
    # A word of nothing but punctuation has no ends to clean: "!" stays "!".
    return word.strip(_PUNCTUATION) or word
