"""What a queued message must look like before Celery may take it apart (spec section 4: each kind is a task)."""

import json
from typing import Any

import pytest
from celery import Celery
from hypothesis import given
from hypothesis import strategies as st

from tasks.messages import MESSAGES
from tasks.wire import BATCH_BYTES
from worker.envelope import Envelope, problem_with

HEADERS: dict[str, object] = {
    "lang": "py",
    "task": "record_pattern",
    "id": "01900000-0000-7000-8000-000000000001",
    "eta": None,
    "expires": None,
    "group": None,
    "retries": 0,
    "timelimit": [None, None],
}
FOLLOWING: dict[str, object] = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
BODY = json.dumps([["{}"], {}, FOLLOWING])


def reason_for(
    headers: object = HEADERS,
    body: object = BODY,
    content_type: object = "application/json",
    content_encoding: object = "utf-8",
) -> str | None:
    """The reason code for which a message is not taken, None if it is."""
    problem = problem_with(Envelope(headers, body, content_type, content_encoding))
    return None if problem is None else problem.reason_code


@pytest.mark.parametrize("kind", MESSAGES)
def test_what_celery_itself_sends_is_taken(kind: str) -> None:
    """A producer needs nothing of ours but the name of a task (spec 4)."""
    app = Celery(set_as_current=False)
    sent: Any = app.amqp.as_task_v2("an id", kind, args=("{}",), create_sent_event=False)

    assert reason_for({**sent.headers, "unknown": "header"}, json.dumps(sent.body)) is None
    assert reason_for(sent.headers, json.dumps(sent.body).encode()) is None


@pytest.mark.parametrize("headers", [None, [], "text", 7], ids=repr)
def test_there_are_headers(headers: object) -> None:
    """Celery cannot tell a task without them."""
    assert "envelope_headers" == reason_for(headers)


@pytest.mark.parametrize(
    "task", [None, "", "celery.backend_cleanup", "Record_pattern", 7, ["record_pattern"], {}], ids=repr
)
def test_the_task_is_one_of_the_six(task: object) -> None:
    """Celery would drop any other with a line in the log (spec 7: nothing is dropped)."""
    assert "unknown_task" == reason_for({**HEADERS, "task": task})
    assert "unknown_task" == reason_for({})


@pytest.mark.parametrize("value", [None, 7, [], {}], ids=repr)
def test_a_task_has_an_id(value: object) -> None:
    """Of text; which one is the producer's business."""
    assert "envelope_id" == reason_for({**HEADERS, "id": value})


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("eta", "2030-01-01T00:00:00Z", "envelope_eta"),
        ("expires", 1, "envelope_expires"),
        ("compression", "application/x-gzip", "envelope_compression"),
        ("group", "a group", "envelope_group"),
        ("retries", "1", "envelope_retries"),
        ("retries", None, "envelope_retries"),
        ("timelimit", [1, None], "envelope_timelimit"),
        ("timelimit", "soon", "envelope_timelimit"),
    ],
)
def test_nothing_may_make_a_message_late_or_go(name: str, value: object, code: str) -> None:
    """A message is applied once, as soon as it arrives (spec 7, exactly once)."""
    assert code == reason_for({**HEADERS, name: value})


@pytest.mark.parametrize(
    ("content_type", "content_encoding"),
    [
        ("application/x-python-serialize", "binary"),
        ("application/json", "binary"),
        ("application/json", None),
        ("text/plain", "utf-8"),
        (None, None),
        ([], {}),
    ],
)
def test_the_body_is_json_in_utf_8(content_type: object, content_encoding: object) -> None:
    """No pickle anywhere near a message."""
    assert "envelope_content_type" == reason_for(content_type=content_type, content_encoding=content_encoding)


@pytest.mark.parametrize(
    "body",
    [
        None,
        7,
        [],
        "",
        "{",
        "null",
        "{}",
        "[]",
        "[[], {}]",
        "[[], {}, {}, {}]",
        "[{}, [], {}]",
        "[[], {}, null]",
        "[1]",
        b"\xff",
        "\ud800",
        "[" * 100_000,
        "7" * 5_000,
    ],
    ids=lambda body: repr(body)[:20],
)
def test_the_body_is_arguments_named_arguments_and_what_follows(body: object) -> None:
    """Anything else would make Celery raise."""
    assert "envelope_body" == reason_for(body=body)


@pytest.mark.parametrize("name", FOLLOWING)
def test_nothing_follows_a_message(name: str) -> None:
    """A message has its own effect only."""
    body = json.dumps([["{}"], {}, {**FOLLOWING, name: ["something"]}])

    assert f"envelope_{name}" == reason_for(body=body)


def test_the_largest_batch_fits_however_it_is_escaped() -> None:
    """A text of so many bytes, each of which takes six in JSON; what is larger cannot be a batch (spec 4, limits)."""
    largest = json.dumps([["\x7f" * (BATCH_BYTES - 100)], {}, {}]).replace("\x7f", "\\u007f")

    assert reason_for(body=largest) is None
    assert "envelope_too_large" == reason_for(body=" " * (6 * BATCH_BYTES + 1))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=5), each, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(HEADERS)), ANYTHING, max_size=3), ANYTHING, ANYTHING)
def test_nothing_that_is_queued_is_an_error_of_ours(changes: dict[str, object], body: object, written: object) -> None:
    """Whatever an envelope holds, it is taken or has a problem with a reason code."""
    codes = {reason_for(HEADERS | changes), reason_for(HEADERS, body), reason_for(HEADERS, BODY, written, written)}

    assert all(code is None or code.isidentifier() for code in codes)
