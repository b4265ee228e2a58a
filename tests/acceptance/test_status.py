"""`ostinato status` without a worker, and with large numbers."""

import json
import sqlite3
from contextlib import closing

from tests.product import Product

MISSING = (
    "No worker takes messages: start one by `ostinato up` or `celery -A worker worker`, or see the log of one that "
    "runs.\n"
)
MANY = 123_456_789


def test_without_a_worker_it_says_what_to_do(embedded: Product) -> None:
    """To people; programs read `worker`. Exit code 0: what was asked is answered."""
    assert 0 == embedded.cli("migrate").code
    code, out, err = embedded.cli("status")
    assert (0, MISSING) == (code, err)
    assert "does not answer" in out.splitlines()[-1]
    code, out, err = embedded.cli("status", "--json")
    assert (0, "", False) == (code, err, json.loads(out)["worker"])


def test_large_numbers_fit_into_80_columns(embedded: Product) -> None:
    """Every fact is on one line, its number in groups of three digits."""
    assert 0 == embedded.cli("migrate").code
    with closing(sqlite3.connect(embedded.home / "store.db")) as store, store:
        store.execute("UPDATE counters SET value = ?", (MANY,))
    lines = embedded.cli("status", env={"COLUMNS": "80"}).out.splitlines()
    ledger = "= applied + parked + quarantined + discarded"
    assert ["0", *ledger.split()] == lines[2].removeprefix("received").split()
    assert 80 >= len(lines[2].rstrip()) + len(f"{MANY:,}") - 1
    assert f"{MANY:,}" == lines[3].removeprefix("applied").strip()
    assert all(line[:22].strip() for line in lines), "none of them goes on in the next"
