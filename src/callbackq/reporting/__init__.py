"""Reports for people and for programs: figures as JSON, as CSV, and as one page of HTML that needs nothing else."""

from callbackq.reporting.dashboard import Cell, Row, Section, Stretch, said, sections, targets_met
from callbackq.reporting.formats import Formats, Verdict
from callbackq.reporting.page import as_html
from callbackq.reporting.plain import as_csv, as_dict, as_json
from callbackq.reporting.times import short_stretch, stretch

__all__ = [
    "Cell",
    "Formats",
    "Row",
    "Section",
    "Stretch",
    "Verdict",
    "as_csv",
    "as_dict",
    "as_html",
    "as_json",
    "said",
    "sections",
    "short_stretch",
    "stretch",
    "targets_met",
]
