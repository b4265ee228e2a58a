"""Queued messages made by hand, as Celery's own producers make them, and as they do not."""

import base64
import json
from typing import Any
from uuid import uuid4

from ostinato.messages.models import RecordPattern
from ostinato.messages.routing import QUEUE

Json = dict[str, Any]


def text(**fields: object) -> str:
    """The JSON text of a sighting, good but for these fields."""
    good = json.loads(RecordPattern(pattern_type="test", pattern_name="made by hand").content())
    return json.dumps({**good, **fields})


def body(args: object, kwargs: object = None, **embedded: object) -> str:
    """The body that carries these arguments, as JSON."""
    follows = {"callbacks": None, "errbacks": None, "chain": None, "chord": None, **embedded}
    return json.dumps([args, kwargs or {}, follows])


def envelope(content: str | bytes, *, task: str = "record_pattern", **headers: object) -> Json:
    """What lies on the queue for a task with this body; good but for these headers."""
    raw = content.encode() if isinstance(content, str) else content
    task_id = str(uuid4())
    return {
        "body": base64.b64encode(raw).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"lang": "py", "task": task, "id": task_id, "root_id": task_id, "parent_id": None, **headers},
        "properties": {
            "correlation_id": task_id,
            "reply_to": "",
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": QUEUE},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid4()),
        },
    }


def without(whole: Json, *names: str) -> Json:
    """The same without some of its parts."""
    return {key: value for key, value in whole.items() if key not in names}
