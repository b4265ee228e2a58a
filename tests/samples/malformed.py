"""Malformed messages of every layer, each with the reason code for which it is kept."""

import gzip
import json
import pickle
from typing import NamedTuple

from ostinato.messages.models import RecordPatternApplication
from tests.samples.envelopes import Json, body, envelope, text, without
from tests.samples.wire_texts import DELETE, DIGITS, batch_of

GOOD = body([text()])
GOOD_PROPERTIES: Json = envelope(GOOD)["properties"]
LATER = "2099-01-01T00:00:00Z"
PICKLED = envelope(pickle.dumps([[text()], {}, {}])) | {"content-type": "application/x-python-serialize"}
APPLICATION = json.loads(
    RecordPatternApplication(pattern_id="x", execution_id="x", pattern_led_to_success=True).content()
)


def application(**fields: object) -> str:
    """The JSON text of an application, good but for these fields."""
    return json.dumps({**APPLICATION, **fields})


def nested(depth: int) -> str:
    """A body with an argument of lists in lists, this many deep."""
    return f"[{'[' * (depth - 1)}{']' * (depth - 1)}, {{}}, {{}}]"


def properties(**fields: object) -> Json:
    """An envelope with these properties, good otherwise."""
    return envelope(GOOD) | {"properties": GOOD_PROPERTIES | fields}


def marked(kind: str, value: object) -> Json:
    """What Celery's JSON reads as a value of another type."""
    return {"__type__": kind, "__value__": value}


_LONG_COUNT = application().replace('"retry_count_after": 0', f'"retry_count_after": {DIGITS}')

_SIGHTINGS = {
    "nothing": ("", "not_json"),
    "null": ("null", "not_an_object"),
    "text": ('"text"', "not_an_object"),
    "number": ("7", "not_an_object"),
    "id null": (text(id=None), "id_type"),
    "id no UUID": (text(id="1"), "id_type"),
    "no tags but a text": (text(context_tags="a"), "context_tags_type"),
    "many tags": (text(context_tags=["a"] * 65), "context_tags_count"),
    "sheet too high": (text(provenance={"sheet_num": 2**31}), "sheet_num_range"),
    "escapes for a terminal": (text(pattern_name="\x1b[31m"), "pattern_name_characters"),
    "time without zone": (text(occurred_at="2026-01-31T12:00:00"), "occurred_at_type"),
    "no JSON": ("{", "not_json"),
    "deeply nested": ("[" * 50_000, "not_json"),
    "no object": ("[1]", "not_an_object"),
    "unknown field": (text(colour="red"), "unknown_field"),
    "field missing": (json.dumps(without(json.loads(text()), "pattern_name")), "pattern_name_missing"),
    "id missing": (json.dumps(without(json.loads(text()), "id")), "id_missing"),
    "long name": (text(pattern_name="x" * 501), "pattern_name_length"),
    "NUL": (text(pattern_name="\0"), "pattern_name_characters"),
    "lone surrogate": (text(pattern_name="\ud800"), "pattern_name_characters"),
    "other kind": (text(kind="soft_delete_pattern"), "kind_value"),
    "large": (text(description="x" * 128_000), "message_too_large"),
}

_APPLICATIONS = {
    "no boolean but a text": (application(pattern_led_to_success="false"), "pattern_led_to_success_type"),
    "no boolean but a number": (application(pattern_led_to_success=1), "pattern_led_to_success_type"),
    "not a number": (application(grounding_confidence=float("nan")), "grounding_confidence_range"),
    "infinite": (application(grounding_confidence=float("inf")), "grounding_confidence_range"),
    "above one": (application(grounding_confidence=1.000001), "grounding_confidence_range"),
    "number below zero": (application(retry_count_after=-1), "retry_count_after_range"),
    "number too high": (application(retry_count_after=1_000_001), "retry_count_after_range"),
    "long integer": (_LONG_COUNT, "retry_count_after_type"),
    "unknown mode": (application(application_mode="guessing"), "application_mode_value"),
}

_BATCHES = {
    "no messages": (batch_of(), "messages_count"),
    "too many messages": (batch_of(*[DELETE] * 501), "messages_count"),
    "messages no list": (batch_of(messages={}), "messages_count"),
    "unknown field": (batch_of(DELETE, colour="red"), "unknown_field"),
    "large": (batch_of(DELETE, *[{"x": "y" * 100_000}] * 6), "batch_too_large"),
}


TEXTS: dict[str, tuple[str, str, str]] = {
    f"{task}: {name}": (task, *each)
    for task, texts in (
        ("record_pattern", _SIGHTINGS),
        ("record_pattern_application", _APPLICATIONS),
        ("apply_batch", _BATCHES),
    )
    for name, each in texts.items()
}
"""Name: task, argument, reason code."""

# 200 MB, were it ever unpacked.
BOMB = gzip.compress(b" " * 200_000_000)
# As Celery's producers before version 4 sent a task: everything in the body.
OLD_BODY = json.dumps({"task": "record_pattern", "id": "x", "args": [text()], "kwargs": {}, "retries": 0, "eta": None})

ENVELOPES: dict[str, tuple[Json, str]] = {
    "message of an older Celery": (envelope(OLD_BODY) | {"headers": {}}, "unknown_task"),
    "headers no object": (envelope(GOOD) | {"headers": [1]}, "envelope_headers"),
    "task missing": (envelope(GOOD) | {"headers": {"id": "x"}}, "unknown_task"),
    "task no text": (envelope(GOOD) | {"headers": {"id": "x", "task": 7}}, "unknown_task"),
    "task id missing": (envelope(GOOD) | {"headers": {"task": "record_pattern"}}, "envelope_id"),
    "task id no text": (envelope(GOOD, id=7), "envelope_id"),
    "properties no object": (envelope(GOOD) | {"properties": "x"}, "envelope_properties"),
    "delivery info no object": (properties(delivery_info=7), "envelope_properties"),
    "priority no number": (properties(priority="high"), "envelope_properties"),
    "unknown body encoding": (properties(body_encoding="rot13"), "envelope_body_encoding"),
    "body no base64": (envelope(GOOD) | {"body": "%%%"}, "envelope_body"),
    "body no text": (envelope(GOOD) | {"body": {}}, "envelope_body"),
    "body a list of one": (envelope("[1]"), "envelope_body"),
    "body of four": (envelope("[[], {}, {}, {}]"), "envelope_body"),
    "compressed": (envelope(BOMB, compression="application/x-gzip"), "envelope_compression"),
    "unknown task": (envelope(GOOD, task="drop_pattern"), "unknown_task"),
    "task of Celery's own": (envelope(GOOD, task="celery.backend_cleanup"), "unknown_task"),
    "no headers": (without(envelope(GOOD), "headers"), "envelope_headers"),
    "no task id": (envelope(GOOD, id=None), "envelope_id"),
    "unknown content type": (envelope(GOOD) | {"content-type": "application/yaml"}, "envelope_content_type"),
    "pickle": (PICKLED, "envelope_content_type"),
    "unknown encoding": (envelope(GOOD) | {"content-encoding": "utf-16"}, "envelope_content_type"),
    "eta": (envelope(GOOD, eta=LATER), "envelope_eta"),
    "expires": (envelope(GOOD, expires=LATER), "envelope_expires"),
    "group": (envelope(GOOD, group="x"), "envelope_group"),
    "retries no number": (envelope(GOOD, retries="x"), "envelope_retries"),
    "time limit": (envelope(GOOD, timelimit=[1, 1]), "envelope_timelimit"),
    "callbacks": (envelope(body([text()], callbacks=[{"task": "x"}])), "envelope_callbacks"),
    "chord": (envelope(body([text()], chord={"task": "x"})), "envelope_chord"),
    "body no JSON": (envelope("{"), "envelope_body"),
    "body no UTF-8": (envelope(b"\xff\xfe"), "envelope_body"),
    # The worker's own look at it comes a few calls before Celery's, and less deep in Python's stack.
    **{f"arguments nested {depth} times": (envelope(nested(depth)), "envelope_body") for depth in (101, 600, 950, 955)},
    "body no triple": (envelope("{}"), "envelope_body"),
    "body in UTF-16": (envelope(GOOD.encode("utf-16")), "envelope_body"),
    "body with a byte order mark": (envelope(GOOD.encode("utf-8-sig")), "envelope_body"),
    "body with half a character": (envelope(GOOD.encode().replace(b"test", b"\xed\xa0\x80")), "envelope_body"),
    "bytes for Celery": (envelope(body([marked("bytes", "{}")])), "envelope_body"),
    "bytes for Celery, named": (envelope(body([text()], marked("bytes", "x"))), "envelope_body"),
    "no time for Celery": (envelope(body([marked("datetime", "x")])), "envelope_body"),
    "of no type for Celery": (envelope(body([[marked("x", 1)]])), "envelope_body"),
    "bytes instead of what follows": (envelope(json.dumps([[text()], {}, marked("bytes", "x")])), "envelope_body"),
    "what follows is unknown": (envelope(body([text()], headers=[1])), "envelope_body"),
    "a name of Celery's own": (envelope(body([text()], {"self": 1})), "envelope_body"),
    "no body": (without(envelope(GOOD), "body"), "envelope_body"),
}

RAW = {
    "number": (b"7", "envelope_not_an_object"),
    "nothing": (b"", "envelope_not_json"),
    "no JSON": (b"hello\r\n\x1b[31m", "envelope_not_json"),
    "no UTF-8": (b"\xff\xfe", "envelope_not_json"),
    "deeply nested": (b"[" * 100_000, "envelope_not_json"),
    "long integer": (b"7" * 5_000, "envelope_not_json"),
    "null": (b"null", "envelope_not_an_object"),
    "list": (b"[1]", "envelope_not_an_object"),
    "text": (b'"text"', "envelope_not_an_object"),
    "no properties": (json.dumps(without(envelope(GOOD), "properties")).encode(), "envelope_properties"),
    "no delivery info": (json.dumps(envelope(GOOD) | {"properties": {}}).encode(), "envelope_properties"),
    "long header": (json.dumps(envelope(GOOD, argsrepr="x" * 3_000_000)).encode(), "envelope_too_large"),
}

ARGUMENTS: dict[str, tuple[list[object], Json]] = {
    "none": ([], {}),
    "two": (["{}", "{}"], {}),
    "no text": ([{"kind": "record_pattern"}], {}),
    "named": ([], {"text": "{}"}),
    "one and a named one": (["{}"], {"colour": "red"}),
}

# What producers may say beside a good message, and Celery would take for what it knows of the task itself.
FOREIGN_HEADERS: dict[str, object] = {
    "headers": [1],
    "args": 7,
    "chain": [{"task": "x"}],
    "callbacks": [1],
    "errbacks": ["x"],
    "chord": 1,
    "called_directly": True,
    "delivery_info": "x",
    "properties": None,
    "ignore_result": {},
    "x-of-a-proxy": {"a": [1, None]},
}


class Unfit(NamedTuple):
    """A malformed message as it is on a queue of Redis, and what the quarantine must have of it."""

    item: bytes
    raw: bytes
    reason: str
    source: str = "transport"


def unfit() -> dict[str, Unfit]:
    """Every malformed message, by a name for it."""
    texts = {
        name: Unfit(
            json.dumps(envelope(body([sent]), task=task)).encode(),
            sent.encode(errors="surrogatepass"),
            reason,
            f"validation of {task}",
        )
        for name, (task, sent, reason) in TEXTS.items()
    }
    arguments = {
        f"arguments: {name}": Unfit(
            json.dumps(envelope(body(*each))).encode(),
            json.dumps(each).encode(),
            "wrong_arguments",
            "validation of record_pattern",
        )
        for name, each in ARGUMENTS.items()
    }
    envelopes = {f"envelope: {name}": (json.dumps(sent).encode(), reason) for name, (sent, reason) in ENVELOPES.items()}
    whole = envelopes | {f"raw: {name}": each for name, each in RAW.items()}
    return {**texts, **arguments, **{name: Unfit(raw, raw, reason) for name, (raw, reason) in whole.items()}}
