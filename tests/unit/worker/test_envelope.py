"""What a queued message must look like before Celery may take it apart (spec section 4: each kind is a task)."""

import json
from base64 import b64encode
from typing import Any

import pytest
from celery import Celery
from hypothesis import given
from hypothesis import strategies as st

from ostinato.errors import MalformedMessage
from ostinato.messages.models import MESSAGES
from ostinato.messages.wire import BATCH_BYTES
from worker.broker.envelope import opened

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


PROPERTIES: dict[str, object] = {
    "correlation_id": "an id",
    "reply_to": "",
    "delivery_info": {"exchange": "", "routing_key": "ostinato"},
    "priority": 0,
    "body_encoding": "base64",
}


def queued(
    headers: object = HEADERS,
    body: object = BODY,
    content_type: object = "application/json",
    content_encoding: object = "utf-8",
    properties: object = PROPERTIES,
) -> bytes:
    """The queue item of these parts; a body of text or bytes is in base64, any other as it is."""
    data = body.encode(errors="surrogatepass") if isinstance(body, str) else body
    parts = {
        "body": b64encode(data).decode() if isinstance(data, bytes) else data,
        "headers": headers,
        "content-type": content_type,
        "content-encoding": content_encoding,
        "properties": properties,
    }
    return json.dumps(parts, default=repr).encode()


def reason_of(raw: bytes) -> str | None:
    """The reason code for which a queue item is not taken, None if it is taken."""
    try:
        found = opened(raw)
    except MalformedMessage as error:
        return error.reason_code
    assert json.loads(raw) == found
    return None


def reason_for(*parts: object, **named: object) -> str | None:
    """The same for these parts."""
    return reason_of(queued(*parts, **named))


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
        ("stamped_headers", ["x"], "envelope_stamped_headers"),
        ("shadow", ["x"], "envelope_headers"),
        ("argsrepr", 7, "envelope_headers"),
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
    """A text of the most bytes a batch may have, each of which takes six in JSON (spec 4, limits)."""
    largest = json.dumps([["\x7f" * (BATCH_BYTES - 100)], {}, {}]).replace("\x7f", "\\u007f")

    assert reason_for(body=largest) is None
    assert "envelope_too_large" == reason_for(body=" " * (6 * BATCH_BYTES + 50_000))


def test_what_goes_with_the_body_is_short() -> None:
    """A header that is shown everywhere may not be as long as a batch."""
    assert reason_for({**HEADERS, "argsrepr": "x" * 60_000}) is None
    assert "envelope_too_large" == reason_for({**HEADERS, "argsrepr": "x" * 64_000})


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "envelope_not_json"),
        (b"{", "envelope_not_json"),
        (b"\xff", "envelope_not_json"),
        (b"[" * 100_000, "envelope_not_json"),
        (b"7" * 5_000, "envelope_not_json"),
        (b"null", "envelope_not_an_object"),
        (b"[]", "envelope_not_an_object"),
        (b'"text"', "envelope_not_an_object"),
        (b"7", "envelope_not_an_object"),
        (b"{}", "envelope_properties"),
        (b'{"properties": []}', "envelope_properties"),
        (b" " * 5_000_000, "envelope_too_large"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_message_of_a_queue_is_refused(raw: bytes, code: str) -> None:
    """Any value may be there."""
    assert code == reason_of(raw)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("delivery_info", None, "envelope_properties"),
        ("delivery_info", "x", "envelope_properties"),
        ("priority", "high", "envelope_properties"),
        ("reply_to", 7, "envelope_properties"),
        ("correlation_id", {}, "envelope_properties"),
        ("body_encoding", "rot13", "envelope_body_encoding"),
        ("body_encoding", [], "envelope_body_encoding"),
    ],
)
def test_the_properties_are_those_of_a_producer(name: str, value: object, code: str) -> None:
    """Kombu would die of others."""
    assert code == reason_for(properties={**PROPERTIES, name: value})


def test_a_body_may_be_written_as_it_is() -> None:
    """Without an encoding; then it is not in base64."""
    plain = json.loads(queued(properties={**PROPERTIES, "body_encoding": None})) | {"body": BODY}
    assert reason_of(json.dumps(plain).encode()) is None
    assert "envelope_body" == reason_of(json.dumps({**plain, "properties": PROPERTIES}).encode())


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=5), each, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(HEADERS)), ANYTHING, max_size=3), ANYTHING, ANYTHING)
def test_nothing_that_is_queued_is_an_error_of_ours(changes: dict[str, object], body: object, written: object) -> None:
    """Every envelope is either taken or has a problem with a reason code."""
    codes = {reason_for(HEADERS | changes), reason_for(HEADERS, body), reason_for(HEADERS, BODY, written, written)}

    assert all(code is None or code.isidentifier() for code in codes)


@pytest.mark.parametrize(("deep", "reason"), [(98, None), (99, "envelope_body"), (900, "envelope_body")])
def test_arguments_that_not_all_code_can_read_are_refused(deep: int, reason: str | None) -> None:
    """A hundred lists in each other are taken: the body, its arguments, and these."""
    assert reason == reason_of(queued(body=f"[[{'[' * deep}{']' * deep}], {{}}, {json.dumps(FOLLOWING)}]"))
