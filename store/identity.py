"""Which sightings are one pattern: ids, canonical text and content hashes (spec section 3). Pure."""

import hashlib
import re
import unicodedata
import zlib

_SEPARATORS = re.compile(r"(?<=[^\W_])(?:\s+|_+|-+)(?=[^\W_])")
_PUNCTUATION = ".,;:!?'\"`"
_HASH_DIGITS = 32
ID_DIGITS = 16
SLOTS = 64


def normalised_name(name: str) -> str:
    """The name in lower case, each run of white space one space, ends stripped."""
    return " ".join(name.lower().split())


def pattern_id(pattern_type: str, pattern_name: str) -> str:
    """The id of a pattern: 16 lower-case hex digits, the same for every spelling of one normalised name.

    The first digits of SHA-256 over ``type + ":" + normalised name`` in UTF-8. The type is used as given. A producer
    can compute the id before it sends anything.
    """
    text = f"{pattern_type}:{normalised_name(pattern_name)}"
    return hashlib.sha256(text.encode()).hexdigest()[:ID_DIGITS]


def slot_of(pattern_id: str) -> int:
    """Which of the `SLOTS` parts of all patterns an id belongs to: what is in different parts can be done at once."""
    return zlib.crc32(pattern_id.encode(errors="surrogatepass")) % SLOTS


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
