"""What may be among the ranked, as a question to the store."""

from store.reading.ranking import Filters


def test_the_same_tags_are_the_same_question() -> None:
    """In whatever order, and however often, they are given."""
    filters = Filters(context_tags=("b", "a", "b"))
    assert Filters(context_tags=("a", "b")) == filters
    assert ("a", "b") == filters.context_tags
