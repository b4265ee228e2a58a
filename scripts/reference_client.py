"""The page of the client, from the docstrings that `help` shows."""  # noqa: INP001 (a neighbour of a script that is run by its path)

import inspect
import re
import textwrap
from collections.abc import Callable
from itertools import groupby

from reference_codes import MADE

import ostinato
from ostinato import Producer
from ostinato.remote import REFUSED, RemoteTask

RECORDING = (
    Producer.record_pattern,
    Producer.record_pattern_application,
    Producer.soft_delete_pattern,
    Producer.update_pattern_effectiveness,
    Producer.recalculate_all_pattern_priorities,
)
OTHERS = (Producer.send, Producer.flush, Producer.close)


def page() -> str:
    """The page."""
    errors = "\n".join(f"| `{each.__name__}` | {_summary(each)} |" for each in map(_exported, ostinato.__all__) if each)
    return f"""# Reporting in Python

{MADE}

`pip install ostinato-client`, then `from ostinato import …`. What stands here, `help` shows too. How a producer with an
outbox is used and what it guarantees is on [a page of its own](../how-to/outbox.md).

## `Producer(settings=None)`

{_text(Producer)}

Without `settings`, a producer reads [the environment](settings.md).

{_methods(Producer, *RECORDING)}
{_methods(Producer, *OTHERS)}
### `producer.waiting`

{_summary(Producer.waiting)}

## `record_pattern.delay(…)`

Celery's own idiom, without an outbox: `from ostinato import record_pattern`, or any other of the names above, or
`apply_batch`.

{_text(RemoteTask)}

{_methods(RemoteTask, RemoteTask.delay)}
{_options()}
{_signatures()}
## Errors

| error | when |
|---|---|
{errors}
"""


def _options() -> str:
    refused = "\n".join(
        f"| {', '.join(f'`{option}`' for option, _ in options)} | {why} |"
        for why, options in groupby(REFUSED.items(), lambda each: each[1])
    )
    return f"""{_methods(RemoteTask, RemoteTask.apply_async)}
| option | why it is refused |
|---|---|
{refused}

Any other option is refused as well, but for `ignore_result=True`, `retry=False` and `serializer="json"`, which is what
happens in any case.
"""


def _signatures() -> str:
    return f"""{_methods(RemoteTask, RemoteTask.s)}
`record_pattern.si(…)` is the same.

| where a signature stands | what becomes of it |
|---|---|
| the last of a `chain`, the body of a `chord` | it is applied; what the tasks before it returned is not looked at |
| `link=`, `link_error=` | it is applied when the task has succeeded, or failed |
| one of a `group` | it is applied; the group's result never says so, because the worker keeps no results |
| in a `chain` before another task, in the head of a `chord` | it is quarantined, whole; what follows never runs |
| with `countdown`, `eta`, `expires`, `link`, `link_error` or stamps | it is quarantined, whole |

[The reason codes](reason-codes.md) of what is quarantined begin with `envelope_`.

Your application sends a signature to its own broker, which must be Ostinato's, with OSTINATO_BROKER_PREFIX as its
`global_keyprefix`. It declares nothing there. Leave `task_protocol`, `task_compression` and
`task_create_missing_queues` as Celery has them, and give no task of your own one of these names. On RabbitMQ, set
`confirm_publish` in `broker_transport_options`: a message that comes before the worker has made its queue is then an
error of the call.
"""


def _exported(name: str) -> type[Exception] | None:
    found = getattr(ostinato, name)
    return found if isinstance(found, type) and issubclass(found, Exception) else None


def _methods(owner: type, *methods: Callable[..., object]) -> str:
    word = "producer" if owner is Producer else "record_pattern"
    return "\n".join(_method(f"{word}.{each.__name__}", each) for each in methods)


def _method(name: str, method: Callable[..., object]) -> str:
    parameters = list(inspect.signature(method).parameters.values())[1:]
    said = _said(method)
    rows = "".join(
        f"| `{each.name}` | `{_type(each)}` | {_default(each)} | {said[each.name]} |\n"
        for each in parameters
        if each.name in said
    )
    table = f"| field | type | default | what it is |\n|---|---|---|---|\n{rows}\n" if rows else ""
    listed = "…" if said else ", ".join(filter(None, map(_written, parameters)))
    return f"### `{name}({listed})`\n\n{_text(method)}\n\n{table}".rstrip("\n") + "\n"


def _written(parameter: inspect.Parameter) -> str:
    if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        return ""
    if parameter.kind is inspect.Parameter.VAR_KEYWORD:
        return "…"
    return f"{parameter.name}={parameter.default}" if parameter.default is not parameter.empty else parameter.name


def _said(method: Callable[..., object]) -> dict[str, str]:
    section = (inspect.getdoc(method) or "").partition("Args:\n")[2].partition("\n\n")[0]
    return dict(re.findall(r"^    (\w+): (.+)$", section, re.MULTILINE))


def _text(described: object) -> str:
    """The docstring without the table of its fields; the sections of the answer and the errors as sentences."""
    documented = re.sub(r"Args:\n(    .+\n)+\n", "", inspect.getdoc(described) or "")
    documented = re.sub(r"^(Returns|Raises):\n    ", r"\1 ", documented, flags=re.MULTILINE).replace("``", "`")
    return "\n\n".join(textwrap.fill(each, 120, break_on_hyphens=False) for each in documented.split("\n\n"))


def _summary(described: object) -> str:
    return (inspect.getdoc(described) or "").partition("\n\n")[0]


def _type(parameter: inspect.Parameter) -> str:
    return re.sub(r"\b\w+\.", "", inspect.formatannotation(parameter.annotation)).replace("|", r"\|")


def _default(parameter: inspect.Parameter) -> str:
    return "required" if parameter.default is parameter.empty else f"`{parameter.default!r}`"
