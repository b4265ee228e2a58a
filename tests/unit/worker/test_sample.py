"""The sample is as its module's docstring says, and every line is a valid message."""

import gzip
import json
from importlib import resources

import pytest

import worker.cli.demo.sample
from ostinato.identity import pattern_id
from ostinato.messages.models import RecordPattern, RecordPatternApplication
from store.rules.identity import content_hash
from worker.cli.demo.sample import sample_lines

SIGHTINGS = 3133
APPLICATIONS = 1043


@pytest.fixture(scope="module")
def messages() -> list[dict[str, object]]:
    """Every line of the sample, parsed."""
    return [json.loads(line) for line in sample_lines()]


@pytest.fixture(scope="module")
def sightings() -> list[RecordPattern]:
    """The sample's sightings, in order."""
    return [RecordPattern.model_validate_json(line) for line in sample_lines() if '"record_pattern"' in line]


@pytest.fixture(scope="module")
def applications() -> list[RecordPatternApplication]:
    """The sample's applications, in order."""
    kind = '"record_pattern_application"'
    return [RecordPatternApplication.model_validate_json(line) for line in sample_lines() if kind in line]


def test_each_line_is_an_object_of_one_of_two_kinds(messages: list[dict[str, object]]) -> None:
    """Both kinds have just the fields that a producer gives, and neither an id nor a time of their own."""
    given = {str(one["kind"]): frozenset(one) for one in messages}
    unsaid = {"id", "occurred_at", "fingerprint"}

    assert {"record_pattern", "record_pattern_application"} == given.keys()
    assert given["record_pattern"] == RecordPattern.model_fields.keys() - unsaid
    assert given["record_pattern_application"] == RecordPatternApplication.model_fields.keys() - unsaid
    assert set(given.values()) == {frozenset(one) for one in messages}


def test_every_line_is_valid(
    messages: list[dict[str, object]],
    sightings: list[RecordPattern],
    applications: list[RecordPatternApplication],
) -> None:
    """Every line is valid, and the counts are the documented ones."""
    expected = SIGHTINGS, APPLICATIONS

    assert expected == (len(sightings), len(applications))
    assert sum(expected) == len(messages)


def test_the_documented_figures_are_the_measured_ones(
    sightings: list[RecordPattern], applications: list[RecordPatternApplication]
) -> None:
    """The module's docstring gives the right numbers of sightings, rules, applications and successes."""
    rules = {one.pattern_id for one in sightings}
    applied = {one.pattern_id for one in applications}
    successes = sum(one.pattern_led_to_success for one in applications)
    expected = 360, 170, 895
    text = worker.cli.demo.sample.__doc__ or ""

    assert expected == (len(rules), len(applied), successes)
    assert f"{SIGHTINGS:,} sightings of {len(rules)} rules" in text
    assert f"{APPLICATIONS:,} applications of {len(applied)} rules" in text
    assert f"{successes} are ({successes / APPLICATIONS:.1%})".replace("%", " %") in text


def test_a_rule_is_one_pattern(sightings: list[RecordPattern]) -> None:
    """A rule's sightings share one id, and no two rules describe the same thing, so nothing merges."""
    ids = {one.pattern_name.split()[0]: one.pattern_id for one in sightings}
    hashes = {content_hash(one.pattern_type, one.pattern_name, one.description, None) for one in sightings}

    assert 360 == len(ids) == len({one.pattern_id for one in sightings}) == len(hashes)


def test_an_application_follows_the_sighting_it_names() -> None:
    """Each application has the id of a rule sighted before, except twelve, which stay parked."""
    seen: dict[str, str] = {}
    parked: list[str] = []
    for line in sample_lines():
        one = json.loads(line)
        code = one["pattern_name"] if one["kind"] == "record_pattern" else one["execution_id"].split(":")[0]
        if one["kind"] == "record_pattern":
            seen[pattern_id(one["pattern_type"], one["pattern_name"])] = code.split()[0]
        elif one["pattern_id"] in seen:
            assert code == seen[one["pattern_id"]]
        else:
            parked.append(code)

    expected = 12, 7
    assert expected == (len(parked), len(set(parked)))
    assert set(parked).isdisjoint(seen.values())


def test_each_application_happens_once_and_says_what_it_measured(
    applications: list[RecordPatternApplication],
) -> None:
    """No execution is recorded twice, a success leaves no finding, and the confidence is the share of findings gone."""
    assert len(applications) == len({one.execution_id for one in applications})
    for one in applications:
        gone = max(0.0, 1 - one.retry_count_after / one.retry_count_before)
        assert one.grounding_confidence == round(gone, 4)
        assert one.validation_passed
        assert not (one.pattern_led_to_success and one.retry_count_after)


def test_the_sample_is_small_and_carries_no_time() -> None:
    """The packed file stays below a megabyte, and its header has no date that would change its bytes."""
    packed = resources.files(worker.cli.demo).joinpath("ruff-stdlib.jsonl.gz").read_bytes()

    assert len(packed) <= 1_000_000
    assert bytes(4) == packed[4:8]
    assert "\n".join([*sample_lines(), ""]) == gzip.decompress(packed).decode()
