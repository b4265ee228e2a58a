"""Telling a running Ostinato: messages from files, a soft delete, a recalculation."""

import json
import os
import sys
from typing import Any

from ostinato.identity import pattern_id
from ostinato.messages.models import ApplyBatch
from ostinato.messages.routing import QUEUE
from tests.product import Product
from tests.waiting import ended, wait_until
from worker.cli.demo.sample import sample_lines


def line(pattern_type: str, name: str) -> str:
    """A sighting as a line of JSON."""
    return f"{json.dumps({'kind': 'record_pattern', 'pattern_type': pattern_type, 'pattern_name': name})}\n"


def listed(product: Product, *options: str) -> list[dict[str, Any]]:
    """The patterns that `patterns list` shows with these options."""
    return list(product.cli("patterns", "list", "--json", *options).json())


def test_send_reports_each_bad_line_and_sends_the_rest(running: Product) -> None:
    """By its number, with the reason; a blank line counts as a line, but not as a message; exit code 1."""
    file = running.elsewhere / "messages.jsonl"
    good = line("bad lines", "file not created").encode()
    file.write_bytes(good + b"\n{\n" + good + b'{"kind": "drop_pattern"}\n\xff\n[]')
    quarantined = running.store.stats().quarantined
    code, out, err = running.cli("send", str(file))
    assert (1, "sent 2, bad 4\n") == (code, out)
    assert [
        ["line 3", "not_json"],
        ["line 5", "unknown_kind"],
        ["line 6", "not_utf8"],
        ["line 7", "not_an_object"],
    ] == [each.split(": ")[:2] for each in err.splitlines() if each]
    wait_until(lambda: [2] == [each["occurrence_count"] for each in listed(running, "--type", "bad lines")], why="both")
    assert quarantined == running.store.stats().quarantined


def test_send_takes_standard_input(running: Product) -> None:
    """Exit code 0 and one line on standard output, also if there is nothing to send."""
    assert (0, "sent 2, bad 0\n") == running.cli("send", "-", stdin=2 * line("input", "x"))[:2]
    assert (0, "sent 0, bad 0\n") == running.cli("send", "-")[:2]


def test_send_waits_for_no_line_with_what_it_has(embedded: Product) -> None:
    """So that what is piped into it arrives as it happens."""
    pipe = embedded.elsewhere / "pipe"
    os.mkfifo(pipe)
    with (
        pipe.open("r+b", buffering=0) as writing,
        embedded.start("send", sys.executable, "-m", "worker.cli", "send", str(pipe)) as sending,
    ):
        for number in (1, 2):
            writing.write(line("piped", "as it happens").encode())
            wait_until(lambda number=number: embedded.client.llen(QUEUE) == number, why="it is sent")
        writing.close()
        assert 0 == ended(sending)
    assert embedded.log("send").endswith("sent 2, bad 0\n")


def test_delete_takes_a_pattern_out_of_the_way(running: Product) -> None:
    """Until it is asked for by --include-inactive; its row stays, and says so."""
    key = pattern_id("deleted", "no longer seen")
    running.cli("send", "-", stdin=line("deleted", "no longer seen"))
    wait_until(lambda: listed(running, "--type", "deleted"), why="the pattern is there")
    code, out, err = running.cli("patterns", "delete", key[:8])
    assert (0, "", 1) == (code, err, len(out.splitlines()))
    assert out.startswith(f"The soft delete of {key} (no longer seen) is on its way, as message ")
    wait_until(lambda: not listed(running, "--type", "deleted"), why="the pattern is out of the way")
    [pattern] = listed(running, "--type", "deleted", "--include-inactive")
    assert (key, False) == (pattern["id"], pattern["active"])


def test_recalculate_waits_until_it_is_done(running: Product) -> None:
    """Afterwards a pattern that was only sighted has the score of the unproven, and the status a new time."""
    before = running.cli("status", "--json").json()["last_recalculation"]
    running.cli("send", "-", stdin=line("fresh", "only sighted"))
    assert (0, "Every pattern's scores are recomputed.\n", "") == running.cli("recalculate", "--wait")
    assert before < running.cli("status", "--json").json()["last_recalculation"]
    [pattern] = listed(running, "--type", "fresh")
    assert [0.55, 0.33] == [round(pattern[name], 9) for name in ("effectiveness_score", "priority_score")]


def test_recalculate_does_not_wait_unless_asked(running: Product) -> None:
    """It says under which id its message is on its way."""
    code, out, err = running.cli("recalculate")
    assert (0, "", 1) == (code, err, len(out.splitlines()))
    assert out.startswith("The recalculation is on its way, as message ")


def test_recalculate_gives_up_after_the_timeout(embedded: Product) -> None:
    """Where no worker runs, it says so with exit code 1."""
    assert 0 == embedded.cli("migrate").code
    code, out, err = embedded.cli("recalculate", "--wait", "--timeout", "0.1")
    assert (1, "") == (code, out)
    assert err.startswith("It is not done yet; see `ostinato status`")


def test_send_takes_the_sample(embedded: Product) -> None:
    """All its 4,176 messages are on the queue, in batches of at most 500."""
    sample = "".join(f"{each}\n" for each in sample_lines())
    assert (0, "sent 4176, bad 0\n") == embedded.cli("send", "-", stdin=sample)[:2]
    items = [json.loads(raw)["headers"] for raw in embedded.client.lrange(QUEUE, 0, -1)]
    sizes = [int(each["argsrepr"].split()[0]) for each in items]
    assert ({ApplyBatch.KIND}, 4176) == ({each["task"] for each in items}, sum(sizes))
    assert 500 >= max(sizes)
