"""The quarantine as the person on call uses it: listed, shown, replayed, edited, discarded."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from ostinato.messages.routing import QUEUE
from tests.product import Product
from tests.samples.envelopes import body, envelope, text
from tests.waiting import wait_until


def listed(product: Product, *options: str) -> list[dict[str, Any]]:
    """What `quarantine list` shows."""
    return list(product.cli("quarantine", "list", "--json", *options).json())


def refused(product: Product, raw: bytes) -> dict[str, Any]:
    """Put an item on the queue that cannot be applied; what the quarantine then shows of it."""
    known = {each["id"] for each in listed(product)}
    product.client.lpush(QUEUE, raw)
    wait_until(lambda: {each["id"] for each in listed(product)} != known, why="it is in the quarantine")
    [row] = [each for each in listed(product) if each["id"] not in known]
    return row


def state(product: Product, key: str) -> str:
    """What became of a message in the quarantine."""
    return str(product.cli("quarantine", "show", key, "--json").json()["state"])


def too_long() -> tuple[bytes, str]:
    """An item on the queue whose message has too long a name, and the text of that message."""
    sent = text(pattern_name="x" * 501)
    return json.dumps(envelope(body([sent]))).encode(), sent


@pytest.mark.long
def test_the_list_says_by_its_exit_code_whether_there_is_something_new(running: Product) -> None:
    """0 without new messages; 1 with some, each with its reason, until it is replayed or discarded."""
    assert (0, "[]\n", "") == running.cli("quarantine", "list", "--json")
    raw, sent = too_long()
    row = refused(running, raw)
    assert ("pattern_name_length", "validation", sent) == (row["reason_code"], row["source"], row["raw"])
    told = running.cli("quarantine", "list", env={"COLUMNS": "200"})
    assert 1 == told.code
    assert row["id"][:8] in told.out
    assert "1 new in the quarantine." in told.out
    assert 0 == running.cli("quarantine", "discard", row["id"][:8], "--note", "a test").code
    assert (0, []) == (running.cli("quarantine", "list").code, listed(running))
    [resolved] = [each for each in listed(running, "--resolved") if each["id"] == row["id"]]
    assert ("discarded", "a test") == (resolved["state"], resolved["note"])
    assert "a test" in running.cli("quarantine", "show", row["id"][:6]).out


def test_nothing_is_cut_off_on_a_narrow_terminal(running: Product) -> None:
    """Neither the text, which has no blanks to break it at, nor the reason code."""
    row = refused(running, too_long()[0])
    shown, told = (running.cli("quarantine", *words).out for words in (("show", row["id"]), ("list",)))
    assert "x" * 501 in "".join(shown.split())
    assert "pattern_name_length" in told
    assert "…" not in shown + told
    running.cli("quarantine", "discard", row["id"])


def test_a_message_that_is_replayed_as_it_is_comes_back(running: Product) -> None:
    """As new, whether the task or the transport had refused it, for whatever reason; the ledger counts it once."""
    for raw in (too_long()[0], json.dumps(envelope(body(["no JSON"]))).encode(), b"no message at all"):
        row = refused(running, raw)
        ledger = running.store.stats()
        for _ in range(2):
            assert 0 == running.cli("quarantine", "replay", row["id"]).code
        wait_until(lambda: running.cli("quarantine", "list").code == 1, why="it is back")
        assert 0 == running.cli("recalculate", "--wait").code
        stats = running.store.stats()
        assert (ledger.received + 1, ledger.quarantined) == (stats.received, stats.quarantined)
        assert [row["id"]] == [each["id"] for each in listed(running)]
        running.cli("quarantine", "discard", row["id"])


def test_a_message_is_edited_and_applied_once(running: Product, tmp_path: Path) -> None:
    """However often it is replayed; another id than its own is refused, and nothing is sent."""
    row = refused(running, too_long()[0])
    applied = running.store.stats().applied
    mended = json.loads(row["raw"]) | {"pattern_name": "short"}
    editor = editing(tmp_path, json.dumps(mended))
    for _ in range(2):
        assert 0 == running.cli("quarantine", "replay", row["id"], "--edit", env=editor).code
    running.wait_for(applied=applied + 1)
    assert "replayed" == state(running, row["id"])
    other = editing(tmp_path, text(pattern_name="short"))
    code, out, err = running.cli("quarantine", "replay", row["id"], "--edit", env=other)
    assert (2, "") == (code, out)
    assert err.startswith(f"The id has to stay {row['message_id']}")
    missing = running.cli("quarantine", "replay", row["id"], "--edit", env={"EDITOR": "/no/editor"})
    assert 2 == missing.code
    assert "set EDITOR" in missing.err


def test_a_message_with_the_id_of_another_is_edited_to_have_its_own(running: Product, tmp_path: Path) -> None:
    """With the old id it would come back for ever; nothing is sent then."""
    first = json.loads(text(pattern_name="first"))
    sent = running.store.stats()
    running.client.lpush(QUEUE, json.dumps(envelope(body([json.dumps(first)]))).encode())
    running.wait_for(applied=sent.applied + 1)
    row = refused(running, json.dumps(envelope(body([json.dumps(first | {"pattern_name": "second"})]))).encode())
    assert ("id_reuse", first["id"]) == (row["reason_code"], row["message_id"])
    same = editing(tmp_path, row["raw"])
    code, out, err = running.cli("quarantine", "replay", row["id"], "--edit", env=same)
    assert (2, "") == (code, out)
    assert err.startswith(f"The id {first['id']} belongs to another message")
    own = {name: value for name, value in json.loads(row["raw"]).items() if name not in {"id", "occurred_at"}}
    editor = editing(tmp_path, json.dumps(own))
    for _ in range(2):
        assert 0 == running.cli("quarantine", "replay", row["id"], "--edit", env=editor).code
    running.wait_for(applied=sent.applied + 2, duplicates=sent.duplicates + 1)
    assert ("replayed", sent.quarantined) == (state(running, row["id"]), running.store.stats().quarantined)


def editing(folder: Path, content: str) -> dict[str, str]:
    """The environment with an editor that makes every file that content."""
    encoded = base64.b64encode(content.encode()).decode()
    script = folder / "editor.sh"
    script.write_text(f'#!/bin/sh\necho {encoded} | base64 -d > "$1"\n', encoding="utf-8")
    script.chmod(0o755)
    return {"EDITOR": str(script)}


def test_what_is_not_there_is_not_found(running: Product) -> None:
    """A sentence and exit code 1, for too short a name too."""
    for name in ("0" * 32, "ab"):
        code, out, err = running.cli("quarantine", "show", name)
        assert (1, "") == (code, out)
        assert err.startswith("No message in the quarantine is called")
