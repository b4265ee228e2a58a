"""How the pages are taken apart for the tests that run them (tests/acceptance/test_pages.py)."""

import pytest

from tests.readers.pages import Block, Command, Program, blocks, fits, steps

PAGE = """# A page

```console
$ A=1 B='x' say hello   # exit code 3 if nobody is there
hello
…
$ tee file <<END
> one
> END
^C
Stopped.
```

Save this as `first.py`:

```python
print(1)
```

And this runs as it stands:

```python
print(2)
```
"""


def test_what_is_typed_and_shown_is_told_apart() -> None:
    """Each command with what is below it, over several lines, and with ^C; then the examples in Python."""
    said, tee, interrupt, program = steps("page.md", PAGE)

    assert Command("page.md:4", "A=1 B='x' say hello   # exit code 3 if nobody is there", "hello\n…") == said
    assert isinstance(said, Command)
    assert ("say hello", "A=1 B='x' ", {0, 3}) == (said.bare, said.variables, said.codes)
    assert Command("page.md:7", "tee file <<END\none\nEND", "") == tee
    assert Command("page.md:10", "^C", "Stopped.") == interrupt
    assert Program("page.md:22", "print(2)\n") == program


def test_a_block_with_a_files_name_is_that_file() -> None:
    """Where the sentence before it ends with the name; it is not run by itself."""
    assert [Block("page.md", 16, "python", "print(1)\n", "first.py")] == [
        block for block in blocks("page.md", PAGE) if block.file
    ]


@pytest.mark.parametrize(
    ("shown", "written", "fit"),
    [
        ("a", "a\n", True),
        ("a", "a  \n\n", True),
        ("a", "ab\n", False),
        ("a", "a\nb\n", False),
        ("a…", "abc\n", True),
        ("a…d", "abc\n", False),
        ("a\n…\nd", "a\nb\nc\nd\n", True),
        ("a\n…\nd", "a\nd\n", True),
        ("a\n…\nd", "a\nb\n", False),
        ("…", "", True),
        ("a.c", "abc\n", False),
    ],
)
def test_what_is_shown_is_compared(shown: str, written: str, *, fit: bool) -> None:
    """Every line, but for spaces at its end; … stands for anything in a line, and alone for any lines."""
    assert fit == fits(shown, written)


def test_a_line_without_a_command_is_a_mistake() -> None:
    """It would be compared with nothing."""
    with pytest.raises(AssertionError, match=r"page\.md:2: a line before the first command: x"):
        list(steps("page.md", "```console\nx\n```\n"))
