"""Facts of a PBX in any order, twice and late: what is reported is of one call."""

from __future__ import annotations

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from callbackq.adapters.legs import LegBook, Seen, why
from callbackq.causes import ari_cause
from callbackq.ids import LegId
from callbackq.model import AnsweredBy, Cause, LegSnapshot, LegState, Report, ReportKind, Role
from callbackq.testing.telephony_contract.base import check_reports

ONE, OTHER = LegId("leg_agent"), LegId("leg_customer")
NORMAL = why(Cause.NORMAL)


def book_of_two(*, answered: bool = True) -> LegBook:
    book = LegBook()
    for leg_id, role in ((ONE, Role.AGENT), (OTHER, Role.CUSTOMER)):
        assert book.begin(leg_id, role=role)
        if answered:
            assert book.answered(leg_id) is not None
    return book


FACTS = {
    "rang": lambda book, leg_id: book.rang(leg_id),
    "answered": lambda book, leg_id: book.answered(leg_id),
    "detected": lambda book, leg_id: book.detected(leg_id, AnsweredBy.HUMAN),
    "pressed": lambda book, leg_id: book.pressed(leg_id, "1"),
    "played": lambda book, leg_id: book.played(leg_id),
    "joined": lambda book, _: book.joined(ONE, OTHER),
    "parted": lambda book, leg_id: book.parted(leg_id),
    "ended": lambda book, leg_id: book.ended(leg_id, NORMAL),
    "hanging_up": lambda book, leg_id: book.hanging_up(leg_id),
    "found": lambda book, leg_id: book.found(
        {leg_id: LegSnapshot(state=LegState.ANSWERED)}, asked_of=book.live()
    ),
    "begun": lambda book, leg_id: book.begin(leg_id, role=Role.CUSTOMER),
}


@given(st.lists(st.tuples(st.sampled_from(sorted(FACTS)), st.sampled_from([ONE, OTHER])), max_size=30))
def test_reports_are_of_one_call_whatever_is_said(facts: list[tuple[str, LegId]]) -> None:
    book = book_of_two(answered=False)
    reports: list[Report] = []
    found: set[LegId] = set()
    for fact, leg_id in facts:
        said = FACTS[fact](book, leg_id)
        if fact == "found":
            found.update(leg.leg_id for leg in book.live() if leg.answered)
        if isinstance(said, Report):
            reports.append(said)
    # What a snapshot said of an answer is not reported again.
    known = [Report(leg_id=leg_id, kind=ReportKind.ANSWERED) for leg_id in sorted(found)]
    check_reports([*known, *(report for report in reports if report.kind is not ReportKind.RINGING)])
    ends = [report.leg_id for report in reports if report.kind is ReportKind.ENDED]
    assert len(ends) == len(set(ends))
    for leg_id in (ONE, OTHER):
        kinds = [report.kind for report in reports if report.leg_id == leg_id]
        assert kinds.count(ReportKind.ANSWERED) <= 1
        assert kinds.count(ReportKind.RINGING) <= 1
        assert not book.begin(leg_id, role=Role.CUSTOMER)


def test_an_answer_after_a_hang_up_is_swallowed_and_makes_the_end_ours() -> None:
    book = book_of_two(answered=False)
    assert book.hanging_up(OTHER)
    assert book.answered(OTHER) is None
    assert book.pressed(OTHER, "1") is None
    ended = book.ended(OTHER, partial(ari_cause, 16))
    assert ended is not None
    assert ended.cause in (Cause.NORMAL, Cause.CANCELLED)
    assert book.ended(OTHER, NORMAL) is None


def test_the_end_is_read_in_the_light_of_what_is_known() -> None:
    seen: list[tuple[bool, bool, bool]] = []

    def read(*, rang: bool, answered: bool, by_us: bool) -> Cause:
        seen.append((rang, answered, by_us))
        return Cause.NO_ANSWER

    book = book_of_two(answered=False)
    book.rang(OTHER)
    ended = book.ended(OTHER, read, raw_cause="19")
    assert ended == Report(leg_id=OTHER, kind=ReportKind.ENDED, cause=Cause.NO_ANSWER, raw_cause="19")
    assert seen == [(True, False, False)]


def test_nobody_is_joined_to_a_leg_that_is_going() -> None:
    for spoil in ("hanging_up", "ended"):
        book = book_of_two()
        FACTS[spoil](book, OTHER)
        assert book.joined(ONE, OTHER) is None


def test_two_are_joined_once_and_parted_once() -> None:
    book = book_of_two()
    joined = book.joined(ONE, OTHER)
    assert joined == Report(leg_id=OTHER, kind=ReportKind.BRIDGED)
    assert book.joined(ONE, OTHER) is None
    parted = book.parted(ONE)
    assert parted == Report(leg_id=ONE, kind=ReportKind.UNBRIDGED)
    assert book.parted(OTHER) is None
    assert book.joined(ONE, OTHER) is not None


def test_who_is_left_alone_by_an_end_is_joined_to_nobody() -> None:
    book = book_of_two()
    book.joined(ONE, OTHER)
    book.ended(OTHER, NORMAL)
    left = book.get(ONE)
    assert left is not None
    assert left.joined_to is None


def test_who_is_joined_to_another_is_joined_to_nobody_else() -> None:
    book, third = book_of_two(), LegId("leg_third")
    book.begin(third, role=Role.AGENT)
    book.answered(third)
    book.joined(ONE, OTHER)
    assert book.joined(third, OTHER) == Report(leg_id=OTHER, kind=ReportKind.BRIDGED)
    assert book.parted(ONE) is None
    assert book.parted(third) == Report(leg_id=third, kind=ReportKind.UNBRIDGED)


def test_a_leg_that_was_refused_is_never_dialed_again_and_has_no_end() -> None:
    book = LegBook()
    book.begin(ONE, role=Role.AGENT)
    book.refused(ONE)
    assert book.ended(ONE, NORMAL) is None
    assert not book.begin(ONE, role=Role.AGENT)
    assert not book.is_live(ONE)


def test_what_the_pbx_no_longer_has_is_over_but_not_what_was_dialed_meanwhile() -> None:
    book = book_of_two()
    asked_of = book.live()
    late = LegId("leg_late")
    book.begin(late, role=Role.CUSTOMER)
    strange = LegId("leg_of_an_earlier_process")
    book.found(
        {OTHER: LegSnapshot(state=LegState.ANSWERED), strange: LegSnapshot(state=LegState.RINGING)},
        asked_of=asked_of,
    )
    assert {leg.leg_id for leg in book.live()} == {OTHER, late, strange}
    assert book.ended(ONE, NORMAL) is None
    assert book.answered(strange) is not None
    assert not book.begin(strange, role=Role.CUSTOMER)


def test_an_old_answer_of_the_pbx_wakes_no_leg_that_is_over() -> None:
    book = book_of_two()
    book.ended(ONE, NORMAL)
    book.found({ONE: LegSnapshot(state=LegState.ANSWERED)}, asked_of=book.live())
    assert not book.is_live(ONE)


def test_a_recording_is_named_by_what_comes_after() -> None:
    book = book_of_two()
    book.recorded(OTHER, "rec-1")
    joined, ended = book.joined(ONE, OTHER), book.ended(OTHER, NORMAL)
    assert joined is not None
    assert ended is not None
    assert joined.recording_id == ended.recording_id == "rec-1"


def test_so_many_legs_that_are_over_are_remembered() -> None:
    book = LegBook(ended_kept_max=2)
    for number in range(5):
        leg_id = LegId(f"leg_{number}")
        book.begin(leg_id, role=Role.AGENT)
        book.ended(leg_id, NORMAL)
    assert [book.get(LegId(f"leg_{number}")) is not None for number in range(5)] == [False] * 3 + [True] * 2


def test_what_was_heard_before_is_not_new_until_it_is_forgotten() -> None:
    seen = Seen(kept_max=2)
    assert [seen.is_new(fact) for fact in ("a", "b", "a", "c", "a")] == [True, True, False, True, True]
