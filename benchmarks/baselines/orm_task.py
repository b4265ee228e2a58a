"""The Celery application that most people would write: one message a task, one session of SQLAlchemy's ORM a task."""

from sqlalchemy import create_engine, event, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import DeclarativeBase, Mapped, Session
from sqlalchemy.pool import ConnectionPoolEntry

from benchmarks.baselines.plain_celery import plain_app
from ostinato.identity import pattern_id
from ostinato.settings.environment import read_settings
from ostinato.sqlite_driver import sqlite_driver
from store.database import tables
from store.rules.identity import content_hash
from store.rules.scoring import WINDOW, Evidence, score
from worker.clock import now
from worker.settings import Settings

app = plain_app("orm")
engine = create_engine(read_settings(Settings).store_address, module=sqlite_driver())


@event.listens_for(engine, "connect")
def _set_up(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA busy_timeout=30000"):
        connection.execute(statement)


class Model(DeclarativeBase):
    """The product's tables, mapped."""


class Pattern(Model):
    """A row of patterns."""

    __table__ = tables.patterns

    id: Mapped[str]
    occurrence_count: Mapped[int]
    led_to_success_count: Mapped[int]
    led_to_failure_count: Mapped[int]
    first_seen: Mapped[int]
    last_seen: Mapped[int]
    last_confirmed: Mapped[int]
    recent: Mapped[float]
    grounding: Mapped[float]
    effectiveness_score: Mapped[float]
    priority_score: Mapped[float]
    variance: Mapped[float]


class Application(Model):
    """A row of applications."""

    __table__ = tables.applications

    id: Mapped[str]
    pattern_id: Mapped[str]
    occurred_at: Mapped[int]
    pattern_led_to_success: Mapped[bool]
    grounding_confidence: Mapped[float | None]


@app.task(name="record_pattern", shared=False)
def record_pattern(pattern_type: str, pattern_name: str) -> None:
    """One sighting: is it there already? Then count, else insert."""
    key, at = pattern_id(pattern_type, pattern_name), now()
    with Session(engine) as session, session.begin():
        pattern = session.get(Pattern, key)
        if pattern is None:
            session.add(_first_seen(key, pattern_type, pattern_name, at))
        else:
            pattern.occurrence_count += 1
            pattern.first_seen = min(pattern.first_seen, at)
            pattern.last_seen = max(pattern.last_seen, at)


@app.task(name="record_pattern_application", shared=False)
def record_pattern_application(id: str, pattern_id: str, execution_id: str, pattern_led_to_success: bool) -> None:  # noqa: A002, FBT001 - the message's fields
    """One application, and the scores that follow."""
    at = now()
    with Session(engine) as session, session.begin():
        pattern = session.get_one(Pattern, pattern_id)
        session.add(
            Application(
                id=id,
                pattern_id=pattern_id,
                execution_id=execution_id,
                occurred_at=at,
                applied_at=at,
                pattern_led_to_success=pattern_led_to_success,
                retry_count_before=0,
                retry_count_after=0,
                application_mode="exploitation",
            )
        )
        pattern.led_to_success_count += pattern_led_to_success
        pattern.led_to_failure_count += not pattern_led_to_success
        if pattern_led_to_success:
            pattern.last_confirmed = max(pattern.last_confirmed, at)
        _score(session, pattern, at)


def _score(session: Session, pattern: Pattern, at: int) -> None:
    of = Application
    newest = select(of).where(of.pattern_id == pattern.id).order_by(of.occurred_at.desc(), of.id.desc()).limit(WINDOW)
    window = session.scalars(newest).all()
    grounded = [each.grounding_confidence for each in window if each.grounding_confidence is not None]
    pattern.recent = sum(each.pattern_led_to_success for each in window) / len(window)
    pattern.grounding = sum(grounded) / len(grounded) if grounded else 1.0
    counts = (pattern.occurrence_count, pattern.led_to_success_count, pattern.led_to_failure_count)
    evidence = Evidence(*counts, pattern.recent, pattern.grounding, pattern.last_confirmed, pattern.variance)
    scores = score(evidence, at)
    pattern.effectiveness_score, pattern.priority_score = scores.effectiveness, scores.priority


def _first_seen(key: str, pattern_type: str, pattern_name: str, at: int) -> Pattern:
    return Pattern(
        id=key,
        pattern_type=pattern_type,
        pattern_name=pattern_name,
        stamps={},
        content_hash=content_hash(pattern_type, pattern_name, None, None),
        occurrence_count=1,
        led_to_success_count=0,
        led_to_failure_count=0,
        first_seen=at,
        last_seen=at,
        last_confirmed=at,
        active=True,
        window=(),
        recent=0.0,
        grounding=1.0,
        effectiveness_score=0.5,
        priority_score=0.5,
        variance=0.0,
        trust_score=0.5,
        trust_calculated_at=at,
        quarantine_status="pending",
    )
