"""What only looks on must not harm what it looks at: its errors are logged, and go no further."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import TracebackType

import structlog

_log = structlog.get_logger()


class Isolation:
    """Keeps errors of those who look on to themselves. Each kind of error is logged once for each of them."""

    def __init__(self) -> None:
        self._said: set[tuple[str, type[Exception]]] = set()

    @contextmanager
    def keeping(self, who: str) -> Generator[None]:
        """Inside is only what belongs to who looks on; an error ends it, and nothing else."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody else has to know what to do about it
            if (who, type(error)) not in self._said:
                self._said.add((who, type(error)))
                _log.exception("watch_failed", watch=who)

    @contextmanager
    def around(self, who: str, begin: Callable[[], AbstractContextManager[None]]) -> Generator[None]:
        """Inside is what is looked at: it runs, and its errors come out, whether or not who looks on can begin or end.

        Who looks on is told of these errors, and cannot take them for itself.
        """
        with ExitStack() as stack:
            with self.keeping(who):
                context = begin()
                context.__enter__()

                def end(
                    kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                ) -> None:
                    with self.keeping(who):
                        context.__exit__(kind, error, trace)

                stack.push(end)
            yield
