"""The longest texts that messages may have, in each kind of database (spec section 4)."""

from ostinato.identity import pattern_id
from tests.integration.store.bench import Bench, application, sighting

# Four bytes in UTF-8, so that indexes have to hold the most there can be.
WIDE = "\U0001f3b5"


def test_the_longest_texts_are_kept(bench: Bench) -> None:
    """All at their limits, and of the widest characters; they can be asked for (spec 4, 8)."""
    tags = [WIDE * 197 + f"{number:03}" for number in range(64)]
    kind, name, long = WIDE * 100, WIDE * 500, WIDE * 10_000
    key = pattern_id(kind, name)
    bench.apply(
        sighting(
            name,
            pattern_type=kind,
            description=long,
            suggested_action=long,
            context_tags=tags,
            provenance={"job_hash": WIDE * 200},
            instrument_name=WIDE * 200,
            fingerprint=WIDE * 200,
        ),
        application(key, execution_id=WIDE * 200),
    )

    (found,) = bench.store.patterns(pattern_type=kind, instrument_name=WIDE * 200, context_tags=tags[-1:])
    assert (key, name, long, tuple(tags)) == (found.id, found.pattern_name, found.description, found.context_tags)
    assert WIDE * 200 == bench.store.applications(key)[0].execution_id
