"""The scores of many patterns, computed by the database: the rule of `scoring`, over columns."""

from sqlalchemy import ColumnElement, Double, and_, case, cast, func, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from store.database.tables import patterns
from store.rules.scoring import EARLIEST, LARGEST_COUNT, LATEST, Evidence, Number, Scores, Truth, seed

_OF = patterns.c
_EVIDENCE = Evidence(
    _OF.occurrence_count,
    _OF.led_to_success_count,
    _OF.led_to_failure_count,
    _OF.recent,
    _OF.grounding,
    _OF.last_confirmed,
    _OF.variance,
)
_COUNTS = (_OF.occurrence_count, _OF.led_to_success_count, _OF.led_to_failure_count)
_SHARES = (_OF.recent, _OF.grounding, _OF.variance)

possible: ColumnElement[bool] = and_(
    *(count.between(0, LARGEST_COUNT) for count in _COUNTS),
    *(share.between(0.0, 1.0) for share in _SHARES),
    _OF.last_confirmed.between(EARLIEST, LATEST),
)
"""Whether messages can produce a row's values; other rows have no scores."""


def scores_at(now: int) -> Scores:
    """Both scores at ``now`` (microseconds), as expressions over a row of `patterns`."""
    return seed(_EVIDENCE, now, _Sql())


class _Larger(FunctionElement[float]):
    type: TypeEngine[float] = Double()
    inherit_cache = True


class _Smaller(FunctionElement[float]):
    type: TypeEngine[float] = Double()
    inherit_cache = True


@compiles(_Larger)
def _larger(element: _Larger, compiler: SQLCompiler, **options: object) -> str:
    return f"greatest({compiler.process(element.clauses, **options)})"


@compiles(_Smaller)
def _smaller(element: _Smaller, compiler: SQLCompiler, **options: object) -> str:
    return f"least({compiler.process(element.clauses, **options)})"


# With two arguments, SQLite's max and min are what other databases call greatest and least.
@compiles(_Larger, "sqlite")
def _larger_sqlite(element: _Larger, compiler: SQLCompiler, **options: object) -> str:
    return f"max({compiler.process(element.clauses, **options)})"


@compiles(_Smaller, "sqlite")
def _smaller_sqlite(element: _Smaller, compiler: SQLCompiler, **options: object) -> str:
    return f"min({compiler.process(element.clauses, **options)})"


class _Sql:
    def larger(self, one: Number, other: Number, /) -> Number:
        return _Larger(literal(one, Double), cast(other, Double))

    def smaller(self, one: Number, other: Number, /) -> Number:
        return _Smaller(literal(one, Double), cast(other, Double))

    def log10(self, value: Number, /) -> Number:
        return func.log10(cast(value, Double), type_=Double)

    def power(self, base: float, exponent: Number, /) -> Number:
        return func.power(literal(base, Double), cast(exponent, Double), type_=Double)

    def either(self, condition: Truth, then: Number, otherwise: Number) -> Number:
        return case((condition, then), else_=otherwise)
