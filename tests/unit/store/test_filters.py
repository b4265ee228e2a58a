"""The filters of the ranking."""

from store.reading.ranking import Filters


def test_filters_with_the_same_tags_are_equal() -> None:
    """The order and repetition of tags do not matter."""
    filters = Filters(context_tags=("b", "a", "b"))
    assert Filters(context_tags=("a", "b")) == filters
    assert ("a", "b") == filters.context_tags
