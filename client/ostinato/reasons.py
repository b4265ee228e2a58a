"""Reason codes: why a message can never be applied. Pure."""

from enum import StrEnum
from typing import Self


class Reason(StrEnum):
    """The codes that are about a message as a whole, each with its ``meaning``, a sentence for people.

    The code of a wrong field is made of the field's name and of what is wrong: `pattern_name_length`.
    """

    NOT_JSON = "not_json", "The text is not JSON, or its objects and lists are nested too deeply."
    NOT_AN_OBJECT = "not_an_object", "The text, or a message of a batch, is JSON but not an object."
    UNKNOWN_KIND = "unknown_kind", "`kind` of a message in a batch is missing, or a batch may not hold it."
    UNKNOWN_FIELD = "unknown_field", "There is a field that the kind does not have."
    MESSAGE_TOO_LARGE = "message_too_large", "The text has more bytes in UTF-8 than a message may have."
    BATCH_TOO_LARGE = "batch_too_large", "The text has more bytes in UTF-8 than a batch may have."
    MESSAGES_COUNT = "messages_count", "`messages` is not a list, or has too few or too many messages."
    WRONG_ARGUMENTS = "wrong_arguments", "The task has other arguments than one JSON text."
    ID_REUSE = "id_reuse", "A message with this id and another content was applied before."
    UNEXPECTED_ERROR = (
        "unexpected_error",
        "Applying it raised an error that the worker does not expect: a defect. `reason_detail` names its type.",
    )
    UNKNOWN_TASK = "unknown_task", "The task's name is not one of the kinds."
    ENVELOPE_NOT_JSON = "envelope_not_json", "The item on the queue is not JSON."
    ENVELOPE_NOT_AN_OBJECT = "envelope_not_an_object", "The item on the queue is JSON, but not an object."
    ENVELOPE_PROPERTIES = (
        "envelope_properties",
        "There are no properties, or not the properties that Celery's producers send.",
    )
    ENVELOPE_BODY_ENCODING = "envelope_body_encoding", "The body has another encoding than base64."
    ENVELOPE_HEADERS = "envelope_headers", "There are no headers, or one of Celery's headers is not a text."
    ENVELOPE_ID = "envelope_id", "The task has no id."
    ENVELOPE_ETA = "envelope_eta", "The message is to be run later (`eta`, `countdown`)."
    ENVELOPE_EXPIRES = "envelope_expires", "The message has a time at which it expires."
    ENVELOPE_COMPRESSION = "envelope_compression", "The body is compressed."
    ENVELOPE_GROUP = "envelope_group", "The task is part of a group."
    ENVELOPE_STAMPED_HEADERS = "envelope_stamped_headers", "The task is stamped."
    ENVELOPE_RETRIES = "envelope_retries", "`retries` is not a whole number."
    ENVELOPE_TIMELIMIT = "envelope_timelimit", "The task has a time limit of its own."
    ENVELOPE_CONTENT_TYPE = "envelope_content_type", "The body is not `application/json` in `utf-8`."
    ENVELOPE_BODY = (
        "envelope_body",
        "There is no body, it is not JSON, nested too deeply, or not what Celery's protocol 2 has there.",
    )
    ENVELOPE_TOO_LARGE = (
        "envelope_too_large",
        "The item on the queue is larger than that of any batch, or its parts beside the body are too large.",
    )
    ENVELOPE_CALLBACKS = "envelope_callbacks", "Another task is to follow it (`link`)."
    ENVELOPE_ERRBACKS = "envelope_errbacks", "Another task is to follow its failure (`link_error`)."
    ENVELOPE_CHAIN = "envelope_chain", "The rest of a chain is to follow it."
    ENVELOPE_CHORD = "envelope_chord", "The body of a chord is to follow it."
    DELIVERY_LIMIT = (
        "delivery_limit",
        "On RabbitMQ: each worker that took it ended before it was done, as often as the queue allows.",
    )
    DEAD_LETTER = (
        "dead_letter",
        "On RabbitMQ: the broker gave it up, because it had a time to live, or because of a policy of yours.",
    )
    NOT_UTF8 = "not_utf8", "A line is not UTF-8. Only `ostinato send` gives this code: it does not send such a line."

    _value_: str
    meaning: str

    def __new__(cls, code: str, meaning: str) -> Self:
        """Make a text that is the code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member
