"""
The dashboard: which figures stand under which heading, in which order, and what their rows are called.

The rows and their words follow the dashboard of S2, so that both can be laid side by side; what S2 does not have comes
behind them. Terminal and page print the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from callbackq.model.figures import Figure, FigureGroup, FigureSet, HostFigures
from callbackq.reporting.formats import MARKS, NOTHING, Formats, Verdict, money, percent, score, verdict

Step = tuple[str, float]
"""A step of the funnel: what it is called, and how many came so far."""


VOLUME: Final = ("inbound_calls", "offers", "accepted", "scheduled", "immediate_executed")
"""The rows of S2's volume, in its order."""
SUCCESS: Final = (
    "adoption_rate",
    "answer_rate",
    "resolution_rate",
    "first_call_resolution",
    "request_to_call",
    "callback_wait",
    "csat",
    "abandon_rate",
    "hold_to_callback_rate",
)
"""The rows of S2's two tables of success, in their order."""
_BEHIND: Final = ("acceptance_rate", "completion_rate", "service_level", "occupancy")
TILES: Final = (
    "adoption_rate",
    "acceptance_rate",
    "answer_rate",
    "callback_wait",
    "abandon_rate",
    "csat",
    "service_level",
    "net_saved",
)
"""What stands at the top of the page, large."""
_FUNNEL: Final = (
    ("Live calls", "inbound_calls"),
    ("Were offered a callback", "offers"),
    ("Accepted it", "accepted"),
)
_FUNNEL_OF_CALLBACKS: Final = (
    ("Callbacks promised, through all channels", "callbacks"),
    ("Were called back", "executed"),
    ("Answered", "answered"),
    ("Talked to an agent", "completed"),
)
_OUTCOMES: Final = (
    ("Talked to an agent", "completed"),
    ("Served in another way", "served_elsewhere"),
    ("Cancelled", "cancelled"),
    ("Not reached", "unreached"),
    ("Expired", "expired"),
    ("Declined by agents", "declined_by_agents"),
    ("Refused by a rule", "refused_by_rule"),
    ("Not ended yet", "callbacks_open"),
)
_SHARES: Final = {"inbound_calls": "of inbound", "offers": "of offered"}
"""What a target means a share of, in S2's words."""
HOW_TO_TELL: Final = (
    "HostFigures come from `--cost NAME=VALUE`, `--preset` or `--settings` of `callbackq report`, or from `host` of "
    "`service.figures`."
)
"""How somebody who reads the page, and is no developer, gives what only the host knows."""


@attrs.frozen(kw_only=True)
class Cell:
    """A value, and whether it meets the target."""

    text: str
    verdict: Verdict = Verdict.NONE

    @property
    def marked(self) -> str:
        """The value, and in words whether it meets the target."""
        return (
            f"{self.text} {said(self.verdict)}"
            if self.verdict in {Verdict.MET, Verdict.NOT_MET}
            else self.text
        )


@attrs.frozen(kw_only=True)
class Row:
    """
    A figure, for the stretches that the section's columns name.

    Args:
        verdict: of the last of the cells.
        missing: what has to be given for it to have a value.
    """

    name: str
    title: str
    cells: tuple[Cell, ...]
    target: str
    verdict: Verdict
    missing: str | None = None


@attrs.frozen(kw_only=True)
class Section:
    """Rows under one heading; `columns` name the stretches of the cells."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@attrs.frozen(kw_only=True)
class Stretch:
    """A stretch of time of its own column, and what stands above it."""

    title: str
    figures: FigureSet


def said(one: Verdict) -> str:
    """Write a verdict with its mark: it can be seen without its colour, and read aloud."""
    return f"{MARKS[one]} {one.value}" if one is not Verdict.NONE else ""


def sections(
    stretches: Sequence[Stretch], formats: Formats, *, host: HostFigures | None = None
) -> tuple[Section, ...]:
    """
    Return the dashboard.

    Args:
        stretches: the columns of the volume; the last one is that of all other figures too.
        formats: how figures are written.
        host: what the host has said; the cost impact begins with it.

    Returns:
        S2's volume, success and cost impact, and then all figures that it does not have.
    """
    figures = stretches[-1].figures.figures
    first = (*VOLUME, *SUCCESS, *_BEHIND)

    def rest(*groups: FigureGroup) -> list[str]:
        return [one.name for one in figures if one.group in groups and one.name not in first]

    whole = stretches[-1:]
    made = (
        _section("Volume", stretches, VOLUME, formats),
        _section("Success", whole, (*SUCCESS, *_BEHIND), formats),
        _with_assumed(_section("Cost impact", whole, rest(FigureGroup.COST), formats), host, formats),
        _section("Waits", whole, rest(FigureGroup.WAITS), formats),
        _section("Promises", whole, rest(FigureGroup.PROMISES), formats),
        _section("Contacts and outcomes", whole, rest(FigureGroup.VOLUME, FigureGroup.SUCCESS), formats),
    )
    return tuple(one for one in made if one.rows)


def lacks_host_figures(section: Section) -> bool:
    """Whether a figure of it has no value, or no whole one, for want of what only the host knows."""
    return any("HostFigures" in (row.missing or "") for row in section.rows)


def funnel_steps(whole: FigureSet) -> tuple[tuple[Step, ...], ...]:
    """Return the steps from a call to a conversation: of live calls first, and then of callbacks."""
    values = {one.name: one.value for one in whole.figures}
    return tuple(
        tuple((words, value) for words, name in steps if (value := values.get(name)) is not None)
        for steps in (_FUNNEL, _FUNNEL_OF_CALLBACKS)
    )


def outcomes_of(whole: FigureSet) -> tuple[Step, ...]:
    """Return what became of the callbacks, and of how many."""
    values = {one.name: one.value for one in whole.figures}
    return tuple((words, value) for words, name in _OUTCOMES if (value := values.get(name)) is not None)


def targets_met(whole: FigureSet) -> tuple[int, int]:
    """Return how many of S2's targets are met, and how many there are of which that is known."""
    judged = [one for one in whole.figures if one.name in {*VOLUME, *SUCCESS} and one.is_met is not None]
    return sum(one.is_met is True for one in judged), len(judged)


def cell(figure: Figure, formats: Formats) -> Cell:
    """Write a figure, as in a table: with its share, where its target is one."""
    text = formats.value(figure)
    if figure.target is not None and figure.target.of is not None and figure.denominator:
        text = f"{text} ({formats.share(figure)})"
    return Cell(text=text, verdict=verdict(figure))


def _section(title: str, stretches: Sequence[Stretch], names: Sequence[str], formats: Formats) -> Section:
    known = {figure.name for figure in stretches[-1].figures.figures}
    return Section(
        title=title,
        columns=tuple(one.title for one in stretches),
        rows=tuple(_row(name, stretches, formats) for name in names if name in known),
    )


def _row(name: str, stretches: Sequence[Stretch], formats: Formats) -> Row:
    figures = [stretch.figures.figure(name) for stretch in stretches]
    figure = figures[-1]
    of = _SHARES.get(figure.target.of, figure.target.of) if figure.target and figure.target.of else ""
    return Row(
        name=name,
        title=figure.title,
        cells=tuple(cell(one, formats) for one in figures),
        target=formats.target(figure, of=of),
        verdict=verdict(figure),
        missing=figure.missing,
    )


def _with_assumed(section: Section, host: HostFigures | None, formats: Formats) -> Section:
    """Put in front what the host has said: everything below follows from it."""
    if host is None:
        return section
    told = (
        ("One abandoned call costs", money(host.cost_of_abandon, currency=formats.currency)),
        ("Who took a callback and would have given up", percent(host.abandons_avoided_ratio, places=0)),
        ("A minute of a line costs", money(host.cost_of_line_minute, currency=formats.currency)),
        ("An hour of an agent costs", money(host.cost_of_agent_hour, currency=formats.currency)),
        ("More customers stay, for each point of CSAT", percent(host.retention_per_score_point)),
        ("CSAT of customers who are not called back", score(host.score_without, best=host.scores_max)),
        ("A customer is worth", money(host.value_of_customer, currency=formats.currency)),
    )
    assumed = tuple(
        Row(
            name="",
            title=f"{title} (as told)",
            cells=(Cell(text=text),),
            target=NOTHING,
            verdict=Verdict.NONE,
        )
        for title, text in told
        if text != NOTHING
    )
    return attrs.evolve(section, rows=(*assumed, *section.rows))
