"""Which sightings describe one thing: canonical text and content hashes (spec section 3). Pure."""

import hashlib
import re
import unicodedata

_SEPARATORS = re.compile(r"(?<=[^\W_])(?:\s+|_+|-+)(?=[^\W_])")
_PUNCTUATION = ".,;:!?'\"`"
_HASH_DIGITS = 32


def canonical_text(text: str | None) -> str:
    """The text without what differs between spellings of the same thing; ``""`` for a missing or empty text.

    NFKC and case-folded. Underscores, white space and hyphens between word characters become one space. Punctuation at
    either end of a word is removed. Everything beside symbols stays (``C++``, ``C#``, ``exit code -1``).
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text or "").casefold())
    return " ".join(_bare(word) for word in _SEPARATORS.sub(" ", folded).split())


def content_hash(pattern_type: str, name: str, description: str | None, fingerprint: str | None) -> str:
    """32 hex digits, the same for two spellings of the same thing.

    Covers type, canonical name and canonical description; with a fingerprint, type and fingerprint only. Each part is
    hashed with its length, so that no two splits of a text collide. An empty fingerprint counts as none.
    """
    texts = (fingerprint,) if fingerprint else (canonical_text(name), canonical_text(description))
    parts = ("fingerprint" if fingerprint else "text", pattern_type, *texts)
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:_HASH_DIGITS]


def _bare(word: str) -> str:
    # A word of punctuation only stays as it is: "!" is "!".
    return word.strip(_PUNCTUATION) or word
