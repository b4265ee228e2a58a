"""What must always hold in any order (spec section 7), searched for a stream of messages for which it does not."""

import pytest

from tests.integration.store import checks
from tests.integration.store.checks import Check
from tests.integration.store.trials import SEARCHED, Bound, Laboratory

pytestmark = SEARCHED


@pytest.mark.parametrize(
    "check",
    [
        checks.order_is_free,
        checks.late_is_as_good_as_on_time,
        checks.merges_keep_the_totals,
        checks.batches_are_as_good_as_single_messages,
    ],
    ids=lambda check: check.__name__,
)
def test_it_holds(check: Check, laboratory: Laboratory, bound: Bound) -> None:
    """Whenever messages come and however they are dealt out into batches (spec 4, 7: order-free, late is as good)."""
    check(laboratory, bound(50))
