"""What must always hold of counts (spec section 7), searched for a stream of messages for which it does not."""

import pytest

from tests.integration.store import checks
from tests.integration.store.checks import Check
from tests.integration.store.trials import SEARCHED, Bound, Laboratory

pytestmark = SEARCHED


@pytest.mark.parametrize(
    "check",
    [
        checks.exactly_once,
        checks.every_message_is_accounted_for,
        checks.a_transaction_is_all_or_nothing,
        checks.a_bad_message_costs_only_itself,
        checks.one_recalculation_for_each_slot,
    ],
    ids=lambda check: check.__name__,
)
def test_it_holds(check: Check, laboratory: Laboratory, bound: Bound) -> None:
    """Each message counts once or is kept, through any repetition, crash or clock (spec 4, 5, 7)."""
    check(laboratory, bound(50))
