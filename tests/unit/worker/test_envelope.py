"""What a queued message must look like before Celery may take it apart (spec section 4: each kind is a task)."""

import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import pytest
from celery import Celery
from hypothesis import given
from hypothesis import strategies as st

from ostinato.errors import MalformedMessage
from ostinato.messages.models import MESSAGES
from ostinato.messages.wire import BATCH_BYTES
from tests.samples.envelopes import Json
from tests.samples.malformed import ENVELOPES, RAW
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


ODD_HEADERS: list[tuple[str, str, tuple[object, ...]]] = [
    ("unknown_task", "task", (None, "", "Record_pattern", ["record_pattern"], {})),
    ("envelope_id", "id", ([], {})),
    ("envelope_stamped_headers", "stamped_headers", (["x"],)),
    ("envelope_headers", "shadow", (["x"],)),
    ("envelope_headers", "argsrepr", (7,)),
    ("envelope_retries", "retries", ("1", None)),
    ("envelope_timelimit", "timelimit", ([1, None], "soon")),
]
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
    """What lies on the queue for these parts; a body of text or bytes is in base64, any other as it is."""
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
    """The reason code for which what lies on the queue is not taken, None if it is."""
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


@pytest.mark.parametrize(("whole", "code"), ENVELOPES.values(), ids=ENVELOPES)
def test_an_unfit_envelope_has_a_reason_code(whole: Json, code: str) -> None:
    """Celery would raise, drop it, or make it late or go (spec 7: applied once, nothing is dropped)."""
    assert code == reason_of(json.dumps(whole).encode())


@pytest.mark.parametrize(("raw", "code"), [*RAW.values(), (b" " * 5_000_000, "envelope_too_large")])
def test_what_is_no_message_of_a_queue_is_refused(raw: bytes, code: str) -> None:
    """Whatever it is instead."""
    assert code == reason_of(raw)


@pytest.mark.parametrize(("code", "name", "values"), ODD_HEADERS)
def test_a_header_that_celery_reads_has_its_type(code: str, name: str, values: Sequence[object]) -> None:
    """Any other has a reason code."""
    assert {code} == {reason_for({**HEADERS, name: each}) for each in values}


def test_other_parts_have_their_types_too() -> None:
    """Headers, content type and encoding, the body, what follows a message in it, and the properties of a producer."""
    no_headers: list[object] = [None, [], "text", 7]
    assert {"envelope_headers"} == {reason_for(each) for each in no_headers}
    utf, plain = "utf-8", "application/json"
    types: list[tuple[object, object]] = [(plain, "binary"), (plain, None), ("text/plain", utf), (None, None), ([], {})]
    assert {"envelope_content_type"} == {reason_for(content_type=one, content_encoding=other) for one, other in types}
    bodies: list[object] = [None, 7, [], "", "null", "[]", "[[], {}]", "[{}, [], {}]", "[[], {}, null]", "\ud800"]
    assert {"envelope_body"} == {reason_for(body=body) for body in [*bodies, "[" * 100_000, "7" * 5_000]}
    for name in FOLLOWING:
        assert f"envelope_{name}" == reason_for(body=json.dumps([["{}"], {}, {**FOLLOWING, name: ["something"]}]))
    odd: dict[str, tuple[object, ...]] = {"delivery_info": (None, "x"), "reply_to": (7,), "correlation_id": ({},)}
    for name, values in odd.items():
        assert {"envelope_properties"} == {reason_for(properties={**PROPERTIES, name: each}) for each in values}
    assert "envelope_body_encoding" == reason_for(properties={**PROPERTIES, "body_encoding": []})


def test_the_largest_batch_fits_however_it_is_escaped() -> None:
    """A text of that many bytes, each of which takes six in JSON; what is larger cannot be a batch (spec 4, limits)."""
    largest = json.dumps([["\x7f" * (BATCH_BYTES - 100)], {}, {}]).replace("\x7f", "\\u007f")

    assert reason_for(body=largest) is None
    assert "envelope_too_large" == reason_for(body=" " * (6 * BATCH_BYTES + 50_000))


def test_what_goes_with_the_body_is_short() -> None:
    """A header that is shown everywhere may not be as long as a batch."""
    assert reason_for({**HEADERS, "argsrepr": "x" * 60_000}) is None
    assert "envelope_too_large" == reason_for({**HEADERS, "argsrepr": "x" * 64_000})


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
    """Whatever an envelope holds, it is taken or has a problem with a reason code."""
    codes = {reason_for(HEADERS | changes), reason_for(HEADERS, body), reason_for(HEADERS, BODY, written, written)}

    assert all(code is None or code.isidentifier() for code in codes)


@pytest.mark.parametrize(("deep", "reason"), [(98, None), (99, "envelope_body"), (900, "envelope_body")])
def test_arguments_that_not_all_code_can_read_are_refused(deep: int, reason: str | None) -> None:
    """A hundred lists in each other are taken: the body, its arguments, and these."""
    assert reason == reason_of(queued(body=f"[[{'[' * deep}{']' * deep}], {{}}, {json.dumps(FOLLOWING)}]"))
