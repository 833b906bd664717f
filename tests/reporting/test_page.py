"""The page: what a screen reader needs is there, nothing is fetched or run, and every colour can be read."""

from __future__ import annotations

import re
from itertools import pairwise

import attrs
import pytest

from callbackq.model.figures import S2_HOST, FigureSet, FiguresReport, Grain
from callbackq.reporting import Stretch, as_html
from callbackq.reporting.palette import DARK, LIGHT, READ
from reporting.made_up import empty, s2_week
from reporting.pages import Element, parse

EVIL = "<script>alert('1')</script>\" onload=\"x` & </style>"


def whole_page(report: FiguresReport) -> str:
    day = Stretch(title="Fri 9 Jan", figures=report.periods[0] if report.periods else report.whole)
    return as_html(report, host=S2_HOST, stretches=(day, Stretch(title="Its week", figures=report.whole)))


@pytest.fixture(scope="module", params=["a week", "nothing"])
def page(request: pytest.FixtureRequest) -> Element:
    """The tree of a page."""
    return parse(whole_page(s2_week() if request.param == "a week" else empty()))


# ---------------------------------------------------------------------------- read aloud


def test_the_page_has_a_language_a_title_and_landmarks(page: Element) -> None:
    """One each of header, main and footer; the first link leads to the figures."""
    assert page.first("html").attributes["lang"] == "en"
    assert page.first("title").text == "Callbacks, Monday 5 January 2026 to Friday 9 January 2026"
    assert [len(list(page.all(tag))) for tag in ("header", "main", "footer")] == [1, 1, 1]
    assert page.first("a").attributes["href"] == f"#{page.first('main').attributes['id']}"


def test_headings_are_in_order(page: Element) -> None:
    """One of the first level, and no level is left out on the way down."""
    levels = [int(heading.tag[1]) for heading in page.all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_picture_has_a_name_and_a_description(page: Element) -> None:
    """And what only repeats words is hidden from who listens."""
    ids = {element.attributes["id"]: element for element in page.all() if "id" in element.attributes}
    for picture in page.all("svg"):
        if picture.attributes.get("aria-hidden") == "true":
            assert not list(picture.all("text"))
            continue
        assert picture.attributes["role"] == "img"
        title, description = (ids[name] for name in picture.attributes["aria-labelledby"].split())
        assert (title.tag, description.tag) == ("title", "desc")
        assert title.text
        assert description.text.endswith(".")


def test_every_picture_has_its_table(page: Element) -> None:
    """What is drawn can be read, in a part that can be opened."""
    for drawn in page.all("figure"):
        assert len(list(drawn.all("details"))) == len(
            [svg for svg in drawn.all("svg") if "role" in svg.attributes]
        )
        for details in drawn.all("details"):
            assert details.children[0].tag == "summary"
            assert len(list(details.all("table"))) == 1


def test_every_table_has_a_caption_and_headings_with_a_scope(page: Element) -> None:
    """The first cell of each row is its heading, and no row is longer or shorter than the headings."""
    for table in page.all("table"):
        assert table.children[0].tag == "caption"
        assert table.children[0].text
        columns = list(table.first("thead").all("th"))
        assert {head.attributes["scope"] for head in columns} == {"col"}
        assert all(head.text for head in columns)
        for row in table.first("tbody").all("tr"):
            cells = list(row.all("th", "td"))
            assert cells[0].attributes.get("scope") == "row"
            assert sum(int(cell.attributes.get("colspan", "1")) for cell in cells) == len(columns)


def test_ids_are_unique_and_lead_somewhere(page: Element) -> None:
    """Whatever names another element by its id."""
    ids = [element.attributes["id"] for element in page.all() if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    named = " ".join(element.attributes.get("aria-labelledby", "") for element in page.all()).split()
    named += [element.attributes["href"].removeprefix("#") for element in page.all("a")]
    assert set(named) <= set(ids)


def test_what_can_be_scrolled_can_be_reached_by_keyboard(page: Element) -> None:
    """Wide tables stand in a group of their own, with a name."""
    for table in page.all("table"):
        assert table.parent is not None
        assert table.parent.attributes["tabindex"] == "0"
        assert table.parent.attributes["role"] == "group"
        assert table.parent.attributes["aria-label"]


def test_verdicts_are_told_in_words() -> None:
    """Neither by colour alone nor by a sign alone: each mark has its word, and signs are not read aloud."""
    marks = [
        one for one in parse(whole_page(s2_week())).all("span") if "mark" in one.attributes.get("class", "")
    ]
    assert {mark.words[-1].strip() for mark in marks} == {"met", "not met", "no value"} - {"no value"}
    signs = {mark.children[0].text for mark in marks}
    assert signs == {"✓", "✗"}
    assert {mark.children[0].attributes["aria-hidden"] for mark in marks} == {"true"}


# ---------------------------------------------------------------------------- nothing else is needed


def test_nothing_is_fetched_and_nothing_runs(page: Element) -> None:
    """And the browser is told so."""
    assert list(page.all("script", "link", "img", "iframe", "object", "form", "base", "video")) == []
    for element in page.all():
        assert not [
            name for name in element.attributes if name.startswith("on") or name in {"src", "srcset", "style"}
        ]
        assert element.attributes.get("href", "#").startswith("#")
    style = " ".join(element.text for element in page.all("style"))
    assert not re.search(r"url\(|@import|https?:|expression", style)
    policies = [one.attributes["content"] for one in page.all("meta") if "http-equiv" in one.attributes]
    assert policies == [
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    ]  # fmt: skip


def test_whatever_comes_from_a_report_is_escaped() -> None:
    """Names of queues and of parts, zones, what is missing: none of them makes an element or an attribute."""
    week = s2_week()
    figures = tuple(attrs.evolve(one, title=EVIL, missing=EVIL) for one in week.whole.figures)
    evil = FigureSet(label=EVIL, figures=figures)
    report = attrs.evolve(week, zone=EVIL, whole=evil, periods=(evil,), queues=(evil,), channels=(evil,))
    stretches = (Stretch(title=EVIL, figures=evil), Stretch(title=EVIL, figures=evil))
    text = as_html(report, host=attrs.evolve(S2_HOST, currency=EVIL), stretches=stretches)
    assert "<script" not in text
    tree = parse(text)
    assert not [element for element in tree.all() if "onload" in element.attributes]
    assert text.count("</style>") == 1
    assert EVIL in tree.first("main").text


def test_the_page_says_how_to_give_what_is_missing() -> None:
    """Once, below the figures that want it; and not where nothing is missing."""
    week = s2_week()
    lacking = tuple(
        attrs.evolve(one, missing="give cost_of_abandon in HostFigures") if one.name == "net_saved" else one
        for one in week.whole.figures
    )
    for figures, times in ((lacking, 1), (tuple(attrs.evolve(one, missing=None) for one in lacking), 0)):
        page = as_html(attrs.evolve(week, whole=attrs.evolve(week.whole, figures=figures)), host=S2_HOST)
        assert page.count("HostFigures come from <code>--cost NAME=VALUE</code>") == times
        [row] = (row for row in parse(page).all("tr") if row.text.startswith("Saved, less what it cost"))
        assert [cell.text for cell in row.all("td")] == ["$1,812"]  # A part of it is known.


def test_a_page_of_some_queues_says_so() -> None:
    """Escaped, as all else; and one of all queues says nothing."""
    heads = [parse(as_html(s2_week(), queues=queues)).first("header") for queues in (["support", EVIL], [])]
    assert [f"Only of support, {EVIL}" in head.text for head in heads] == [True, False]


def test_whose_clocks_are_meant_stands_at_the_foot() -> None:
    """Of one zone, or of each queue's own."""
    one, several = (
        parse(as_html(attrs.evolve(s2_week(), zone=zone))).first("footer").text
        for zone in ("Europe/Berlin", "Europe/Berlin, UTC")
    )
    assert "Times are those of Europe/Berlin." in one
    assert "those of each queue's own clocks (Europe/Berlin, UTC); all other times are UTC." in several


def test_what_has_no_value_has_no_tile_and_what_has_no_base_no_share() -> None:
    """Large dashes say nothing; and of no calls at all no share can be taken."""
    week = s2_week()
    bare = {"value": 0.0, "numerator": 0.0, "denominator": 0.0, "is_met": None}
    figures = tuple(
        attrs.evolve(one, value=None, is_met=None)
        if one.name == "csat"
        else attrs.evolve(one, **bare)
        if one.name == "offers"
        else one
        for one in week.whole.figures
    )
    page = parse(as_html(attrs.evolve(week, whole=attrs.evolve(week.whole, figures=figures))))
    assert "Callback CSAT" not in [name.text for tile in page.all("li") for name in tile.all("span")]
    [row] = (row for row in page.all("tr") if row.text.startswith("Callback offers presented"))
    assert row.first("td").text == "0"


def test_one_is_no_plural() -> None:
    """At the top of the page."""
    week = attrs.evolve(s2_week(), calls_count=1, callbacks_count=2, not_ended_count=1)
    header = parse(as_html(week)).first("header").text
    assert "1 live call and 2 callbacks. 1 callback not ended yet" in header


def test_the_same_report_gives_the_same_page() -> None:
    """To the letter."""
    assert whole_page(s2_week()) == whole_page(s2_week())


def test_long_periods_are_cut_to_the_last_ones() -> None:
    """And it is said."""
    week = s2_week(grain=Grain.HOUR_OF_WEEK)
    report = attrs.evolve(
        week, periods=tuple(attrs.evolve(week.periods[0], label=f"part {number}") for number in range(100))
    )
    tree = parse(as_html(report))
    shown = next(one for one in tree.all("table") if one.children[0].text.startswith("By hour of week"))
    assert shown.children[0].text == "By hour of week: the last 62 of 100"
    assert [row.first("th").text for row in shown.first("tbody").all("tr")][::61] == ["part 38", "part 99"]


# ---------------------------------------------------------------------------- colours


def linear(colour: str) -> tuple[float, float, float]:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return red, green, blue


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """As WCAG 2 defines it."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mixed(over: str, under: str, share: float) -> str:
    parts = [
        round(share * int(over[at : at + 2], 16) + (1 - share) * int(under[at : at + 2], 16))
        for at in (1, 3, 5)
    ]
    return "#" + "".join(f"{part:02x}" for part in parts)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_every_colour_can_be_read(colours: dict[str, str]) -> None:
    """4.5 to 1 at least, also for marks: on the page, on a card, and where the area of late callbacks is tinted."""
    assert list(colours) == list(LIGHT)
    tinted = mixed(colours["back-pale"], colours["paper"], 0.45)
    worst = {
        (name, ground): contrast(colours[name], ground)
        for name in READ
        for ground in (colours["page"], colours["paper"], tinted)
    }
    assert min(worst.values()) >= 4.5, worst


# How a colour is seen by who lacks one of three kinds of cones: Vienot, Brettel and Mollon (1999), linear RGB.
SEEN_WITHOUT = {
    "red": ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0)),
    "green": ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0)),
}


def seen(colour: str, cone: str) -> list[float]:
    parts = (
        sum(weight * part for weight, part in zip(row, linear(colour), strict=True))
        for row in SEEN_WITHOUT[cone]
    )
    return [max(0.0, part) ** 0.45 for part in parts]


@pytest.mark.parametrize("cone", list(SEEN_WITHOUT))
@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_the_two_kinds_of_callers_are_told_apart_by_everybody(colours: dict[str, str], cone: str) -> None:
    """On hold and called back: the distance is at least a quarter of that from black to white."""
    hold, back = (seen(colours[name], cone) for name in ("hold", "back"))
    distance = sum((one - other) ** 2 for one, other in zip(hold, back, strict=True)) ** 0.5
    assert distance >= 0.25 * 3**0.5
