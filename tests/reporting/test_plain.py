"""A report as JSON and CSV: nothing is lost, and nothing is run by a spreadsheet."""

from __future__ import annotations

import csv
import io
import json

import attrs

from callbackq.model.figures import FiguresReport
from callbackq.reporting import as_csv, as_json
from callbackq.reporting.plain import BINS, COLUMNS, PARTS
from reporting.made_up import empty, s2_week


def rows_of(report: FiguresReport) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(as_csv(report), newline="")))


def test_json_holds_every_field_and_every_figure() -> None:
    """By the names of the classes; figures by their own."""
    report = s2_week()
    found = json.loads(as_json(report))
    assert list(found) == [field.name for field in attrs.fields(FiguresReport)]
    assert list(found["whole"]["figures"]) == [figure.name for figure in report.whole.figures]
    assert found["whole"]["figures"]["offers"]["target"] == {
        "more_than": 0.3, "less_than": None, "of": "inbound_calls", "source": "S2",
    }  # fmt: skip
    assert found["whole"]["figures"]["resolution_rate"]["value"] is None
    assert found["periods"][0]["from_at"] == "2026-01-09T00:00:00+00:00"
    assert found["attempts"][1] == {"number": 2, "count": 82, "answered_count": 38, "connected_count": 36}
    assert found["grain"] == "day"


def test_csv_holds_every_figure_of_every_part() -> None:
    """In the order of the report, one in a row; and each number of the charts."""
    report = s2_week()
    rows = rows_of(report)
    parts = [report.whole, *report.periods, *report.queues]
    wanted = [(part.label, figure.name) for part in parts for figure in part.figures]
    assert [(row["label"], row["name"]) for row in rows if row["group"]] == wanted
    offers = next(row for row in rows if row["name"] == "offers")
    assert [offers[name] for name in ("part", "unit", "value", "denominator", "more_than", "is_met")] == [
        "whole", "count", "680", "1850", "0.3", "true",
    ]  # fmt: skip
    first = [row for row in rows if row["part"] == "attempts" and row["label"] == "number 1"]
    assert [(row["name"], row["value"]) for row in first] == [
        ("count", "430"), ("answered_count", "340"), ("connected_count", "331"),
    ]  # fmt: skip
    assert {row["part"] for row in rows} == {"whole", *PARTS, *BINS} - {"channels"}
    assert tuple(rows[0]) == COLUMNS


def test_what_a_spreadsheet_would_run_is_text() -> None:
    """Names of queues are the host's, and may begin with anything."""
    week = s2_week()
    evil = attrs.evolve(week.queues[0], label="=cmd()", queue='@sum, "x"\n')  # type: ignore[arg-type]
    queues = [row for row in rows_of(attrs.evolve(week, queues=(evil,))) if row["part"] == "queues"]
    assert {(row["label"], row["queue"]) for row in queues} == {("'=cmd()", '\'@sum, "x"\n')}


def test_nothing_at_all_is_a_report_too() -> None:
    """With a heading and no rows."""
    assert rows_of(empty()) == []
    assert as_csv(empty()).split("\r\n") == [",".join(COLUMNS), ""]
    assert json.loads(as_json(empty()))["whole"]["figures"] == {}
