"""Which sightings are one pattern (spec section 3)."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.identity import normalised_name, pattern_id
from store.rules.identity import canonical_text, content_hash

WORDS = st.lists(st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), min_size=1, max_size=5)
BLANKS = st.text("\t\n\r\x0b\x0c \u0085\u00a0\u1680\u2003\u2028\u2029\u3000", min_size=1, max_size=3)


def named(name: str, description: str | None = None) -> str:
    """The content hash of a name."""
    return content_hash("T", name, description, None)


@pytest.mark.parametrize(
    "name",
    [
        "  File   NOT\tCreated ",
        "file not created",
        "FILE\u00a0NOT\u00a0CREATED",
        "\n\tfile\r\nnot\u3000\u2003created\u2028",
    ],
)
def test_white_space_and_case_do_not_change_a_name(name: str) -> None:
    """Each run of white space is one space, ends are stripped, letters are lower case (spec 3, normalised name)."""
    assert "file not created" == normalised_name(name)
    assert "bc26dc4af26e61ff" == pattern_id("T", name)


@given(WORDS, BLANKS, BLANKS)
def test_the_id_of_a_name_depends_on_its_words_only(words: list[str], between: str, around: str) -> None:
    """Whatever white space stands between and around the words, the id is the same (spec 3, pattern id)."""
    spelt = around + between.join(word.upper() for word in words) + around

    assert " ".join(words) == normalised_name(spelt)
    assert pattern_id("T", " ".join(words)) == pattern_id("T", spelt)


@pytest.mark.parametrize("other", ["t", " T", "T ", "T\u00a0", ""])
def test_the_type_is_used_as_given(other: str) -> None:
    """A type is neither stripped nor folded, so another spelling of it is another pattern (spec 3, pattern id)."""
    assert pattern_id("T", "n") != pattern_id(other, "n")


def test_two_splits_at_a_colon_share_an_id() -> None:
    """Ids stay as they are, because existing stores have them (spec 3, pattern id)."""
    assert pattern_id("a:b", "c") == pattern_id("a", "b:c")
    assert content_hash("a:b", "c", None, None) != content_hash("a", "b:c", None, None)


@pytest.mark.parametrize(
    "name",
    [
        "File-not-created",
        "file_not_created",
        "File not created.",
        "file__not--created",
        " file\tnot\u00a0created\n",
        "`file` 'not' \"created\"",
        "file, not: created;!?",
        "ﬁle not created",
        "ＦＩＬＥ＿ｎｏｔ－ｃｒｅａｔｅｄ！",  # noqa: RUF001 - full-width letters are the point
        "FILE_Not created...",
    ],
)
def test_spellings_of_one_name_share_a_hash(name: str) -> None:
    """Case, separators, punctuation at the ends of words and compatibility forms do not count (spec 3)."""
    assert named("file not created") == named(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C++", "C"),
        ("C++", "C#"),
        ("C#", "C"),
        ("exit code -1", "exit code 1"),
        ("a - b", "a b"),
        ("a.b", "a b"),
        ("--force", "force"),
        ("_private", "private"),
        ("(file)", "file"),
        ("don't", "dont"),
        ("s\u0131ra", "sira"),
        ("1.0", "10"),
        ("!", "?"),
    ],
)
def test_what_is_not_spelling_keeps_hashes_apart(one: str, other: str) -> None:
    """Symbols, signs and letters of their own stay what they are (spec 3, content hash)."""
    assert named(one) != named(other)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("C++", "c++"),
        ("C#.", "c#"),
        ("exit code -1", "exit code -1"),
        ("Straße", "strasse"),
        ("İstanbul", "i\u0307stanbul"),
        ("\u017fet", "set"),
        ("x²", "x2"),
        ("Name\u2122 of \u210c", "nametm of h"),
        ("...", "..."),
        ("", ""),
        (None, ""),
    ],
)
def test_canonical_text(text: str | None, canonical: str) -> None:
    """NFKC and case-folded, separators between word characters one space, outer punctuation gone (spec 3)."""
    assert canonical == canonical_text(text)


@given(st.text(max_size=40))
def test_composed_and_decomposed_text_is_the_same(text: str) -> None:
    """A text in NFC, NFD, NFKC or NFKD has one canonical form (spec 3, content hash)."""
    forms = {canonical_text(unicodedata.normalize(form, text)) for form in ("NFC", "NFD", "NFKC", "NFKD")}

    assert {canonical_text(text)} == forms


def test_composed_and_decomposed_names_have_two_ids_and_one_hash() -> None:
    """The id knows case and white space only, the hash knows that both are the same word (spec 3)."""
    composed, decomposed = "caf\u00e9", "cafe\u0301"

    assert pattern_id("T", composed) != pattern_id("T", decomposed)
    assert named(composed) == named(decomposed)


@given(WORDS, st.lists(st.sampled_from([" ", "_", "-", "\t", "  ", "--", "\u00a0"]), min_size=5, max_size=5))
def test_any_separator_between_words_is_one_space(words: list[str], separators: list[str]) -> None:
    """Underscores, white space and hyphens between word characters become one space (spec 3, content hash)."""
    joined = "".join(word + separator for word, separator in zip(words, separators, strict=False))

    assert " ".join(words) == canonical_text(joined[: -len(separators[len(words) - 1])])


def test_missing_and_empty_descriptions_are_equal() -> None:
    """A description counts when it says something (spec 3, content hash)."""
    assert named("n", None) == named("n", "")
    assert named("n", None) != named("n", "d")
    assert named("n", "No such file.") == named("n", "no_such-FILE")


def test_a_fingerprint_replaces_name_and_description() -> None:
    """The hash then covers type and fingerprint only (spec 3, fingerprint)."""
    marked = content_hash("T", "one", "d", "f")

    assert marked == content_hash("T", "another", None, "f")
    assert marked != content_hash("U", "one", "d", "f")
    assert marked != content_hash("T", "one", "d", "F")
    assert marked != content_hash("T", "f", None, None)


def test_an_empty_fingerprint_is_none() -> None:
    """It would otherwise merge whatever has one (spec 3, fingerprint)."""
    assert content_hash("T", "n", "d", None) == content_hash("T", "n", "d", "")


@given(st.text("ab :\0", max_size=4), st.text("ab :\0", max_size=4), st.text("ab :\0", max_size=4))
def test_no_two_splits_of_a_text_collide(one: str, two: str, three: str) -> None:
    """Each part goes into the hash with its length (spec 3, content hash)."""
    parts = (one, canonical_text(two), canonical_text(three))
    moved = (one + two[:1], canonical_text(two[1:]), canonical_text(three))

    hashes = {content_hash(kind, name, description, None) for kind, name, description in (parts, moved)}
    assert len({parts, moved}) == len(hashes)


def test_hashes_stay_what_stores_have() -> None:
    """32 hex digits that no later version may change (spec 3, content hash)."""
    assert "2cc3d981d0f1cd85560f24526348e82c" == content_hash("T", "file not created", None, None)
    assert "5b3d3e90cf6bc34e876b9647a60b3346" == content_hash("T", "file not created", "No such file", "f")
