"""Dashboard, alert rules and scrape configuration fit what a worker serves, and lead to pages that exist."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import promql_parser
import pytest
import yaml
from promql_parser import AggregateExpr, Expr, VectorSelector

from worker.observability.metrics.declared import METRICS

ROOT = Path(__file__).resolve().parents[3]
PROMETHEUS = ROOT / "monitoring" / "prometheus"
RULES: list[dict[str, Any]] = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"][0]["rules"]
ALERTS = {str(rule["alert"]): rule for rule in RULES}
CONFIGURATION: dict[str, Any] = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
DASHBOARD: dict[str, Any] = json.loads((ROOT / "monitoring" / "grafana" / "ostinato.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
# Prometheus's own, and those of its client for Python.
OTHERS = {"up", "process_start_time_seconds", "process_resident_memory_bytes", "process_cpu_seconds_total"}
# A Prometheus server adds them to each.
EVERYWHERE = {"job", "instance"}
SERIES = {name: each for each in METRICS for name in each.series}

T = TypeVar("T")
each_alert = pytest.mark.parametrize("name", ALERTS)


def expressions() -> Iterator[str]:
    """Every expression of rules and panels; Grafana's own variable stands for some minutes."""
    yield from (str(rule["expr"]) for rule in RULES)
    for panel in PANELS:
        yield from (str(target["expr"]).replace("$__rate_interval", "5m") for target in panel["targets"])


def parts(expression: str, kind: type[T]) -> list[T]:
    """The parts of this kind that an expression has; ValueError where it is none."""
    found: list[T] = []

    def visit(part: Expr) -> None:
        if isinstance(part, kind):
            found.append(part)

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


def names(expression: str) -> set[str | None]:
    """The metrics that an expression is about."""
    return {each.name for each in parts(expression, VectorSelector)}


def grouped(expression: str) -> set[str]:
    """The labels that an expression groups by."""
    modifiers = [each.modifier for each in parts(expression, AggregateExpr)]
    return {label for modifier in modifiers if modifier is not None for label in modifier.labels}


def chosen(expression: str) -> set[str]:
    """The labels that an expression chooses by."""
    return {matcher.name for each in parts(expression, VectorSelector) for matcher in each.matchers.matchers}


@pytest.mark.parametrize("expression", [*expressions()])
def test_an_expression_is_promql_about_metrics_that_exist(expression: str) -> None:
    """It parses, and every metric and label in it is one that a worker serves."""
    found = names(expression)

    assert found
    assert SERIES.keys() | OTHERS >= found
    known = {label for name, each in SERIES.items() if name in found for label in each.labels} | EVERYWHERE
    assert known >= chosen(expression)
    assert (known | {"le"} if "_bucket" in expression else known) >= grouped(expression)


@each_alert
def test_an_alert_says_what_it_is_and_what_to_do(name: str) -> None:
    """A summary, a description, a severity, and a heading of the page that says what to do."""
    rule = ALERTS[name]
    page, _, heading = str(rule["annotations"]["runbook_url"]).partition("#")

    assert {"summary", "description", "runbook_url"} == rule["annotations"].keys()
    assert all(rule["annotations"].values())
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert name.lower() == heading
    assert f"\n## {name}\n" in (ROOT / page).read_text(encoding="utf-8")


@each_alert
def test_an_alert_comes_whatever_the_schedule_is(name: str) -> None:
    """None waits for as long as a day, which is only how often scores are recalculated where nobody set that."""
    ((amount, unit),) = re.findall(r"^(\d+)([mh])$", str(ALERTS[name].get("for", "0m")))

    assert int(amount) * {"m": 1, "h": 60}[unit] <= 120


@each_alert
def test_an_alert_speaks_of_labels_that_it_has(name: str) -> None:
    """What its text names is left of the expression's labels."""
    rule = ALERTS[name]
    spoken = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
    expression = str(rule["expr"])

    assert (grouped(expression) if parts(expression, AggregateExpr) else EVERYWHERE) >= spoken


def test_every_heading_is_an_alert() -> None:
    """The page is about these alerts, in their order."""
    page = (ROOT / "docs" / "how-to" / "alerts.md").read_text(encoding="utf-8")

    assert [*ALERTS] == re.findall(r"^## (\w+)$", page, re.MULTILINE)
    assert len(ALERTS) == page.count("**It means**") == page.count("**Look**")


def test_the_rules_go_by_the_name_of_the_job() -> None:
    """The configuration reads the rules beside it, and asks on the loopback address only."""
    (job,) = CONFIGURATION["scrape_configs"]
    jobs = set(re.findall(r'job="(\w+)"', "".join(expressions())))

    assert {job["job_name"]} == jobs
    assert all((PROMETHEUS / each).is_file() for each in CONFIGURATION["rule_files"])
    assert ["127.0.0.1:9321"] == job["static_configs"][0]["targets"]


def test_a_panel_says_what_it_shows() -> None:
    """Each has a title of its own, a description, and a place where no other is; all ask the Prometheus chosen."""
    assert len(PANELS) == len({panel["title"] for panel in PANELS}) == len({panel["id"] for panel in PANELS})
    assert all(panel["description"] for panel in PANELS)
    sources = [each["datasource"] for panel in PANELS for each in (panel, *panel["targets"])]
    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)
    assert ["datasource"] == [each["name"] for each in DASHBOARD["templating"]["list"]]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in PANELS)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert {x for x, _ in cells} == set(range(24))


def test_prometheus_itself_takes_them() -> None:
    """Where its own checker is installed: rules and configuration."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("there is no promtool: it comes with Debian's package prometheus")
    for check, file in (("rules", "alerts.yml"), ("config", "prometheus.yml")):
        checked = subprocess.run(
            [promtool, "check", check, file], cwd=PROMETHEUS, capture_output=True, text=True, check=False
        )
        assert 0 == checked.returncode, checked.stdout + checked.stderr
