"""What phone systems say, read as causes: every cell that was measured, every row of the tables, and any nonsense."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callbackq.causes import (
    ANSWERED_BY,
    ASTERISK,
    FREESWITCH,
    Q850,
    SIP,
    SIP_DECIDES,
    TWILIO,
    TWILIO_ERRORS,
    CauseRow,
    amd_answered_by,
    ari_cause,
    freeswitch_cause,
    q850_cause,
    sip_cause,
    twilio_cause,
)
from callbackq.core.attempt import CUSTOMER_DISPOSITION
from callbackq.model import AnsweredBy, Cause, Disposition

LAW = settings(derandomize=True, deadline=None, max_examples=300)
BOTH = pytest.mark.parametrize("rang", [True, False], ids=["rang", "silent"])

Facts = dict[str, bool]
SILENT: Facts = {"rang": False, "answered": False, "by_us": False}
RANG: Facts = {"rang": True, "answered": False, "by_us": False}
ANSWERED: Facts = {"rang": True, "answered": True, "by_us": False}
KILLED: Facts = {"rang": True, "answered": False, "by_us": True}
KILLED_LATE: Facts = {"rang": True, "answered": True, "by_us": True}

C, D = Cause, Disposition

# ---------------------------------------------------------------------------- what was measured

MEASURED_ON_ASTERISK = [
    # what the customer does, what was seen before, cause, tech_cause, the cause, the disposition
    ("answers, later normal end", ANSWERED, 16, None, C.NORMAL, D.ANSWERED_THEN_LEFT),
    ("busy, 486", SILENT, 17, 486, C.BUSY, D.BUSY),
    ("busy, 600", SILENT, 17, 600, C.BUSY, D.BUSY),
    ("busy on a Local channel", SILENT, 17, None, C.BUSY, D.BUSY),
    ("declines, 603", RANG, 21, 603, C.REJECTED, D.REJECTED),
    ("declines, 403", RANG, 21, 403, C.REJECTED, D.REJECTED),
    ("declines on a Local channel", RANG, 21, None, C.REJECTED, D.REJECTED),
    ("our timeout while ringing", RANG, 19, 480, C.NO_ANSWER, D.NO_ANSWER),
    ("our timeout on a Local channel", RANG, 19, None, C.NO_ANSWER, D.NO_ANSWER),
    ("480 after ringing", RANG, 19, 480, C.NO_ANSWER, D.NO_ANSWER),
    ("480 at once", SILENT, 19, 480, C.UNREACHABLE, D.UNREACHABLE),
    ("dialplan cause 19, silent", SILENT, 19, None, C.UNREACHABLE, D.UNREACHABLE),
    ("408 after ringing", RANG, 18, 408, C.NO_ANSWER, D.NO_ANSWER),
    ("408, silent", SILENT, 18, 408, C.UNREACHABLE, D.UNREACHABLE),
    ("dialplan cause 18", RANG, 18, None, C.NO_ANSWER, D.NO_ANSWER),
    ("unknown number, 404", SILENT, 1, 404, C.INVALID_NUMBER, D.INVALID_NUMBER),
    ("unknown number, 484", SILENT, 28, 484, C.INVALID_NUMBER, D.INVALID_NUMBER),
    ("unknown number, 410", SILENT, 22, 410, C.INVALID_NUMBER, D.INVALID_NUMBER),
    ("congestion, 503", SILENT, 34, 503, C.CONGESTED, D.CONGESTED),
    ("congestion on a Local channel", SILENT, 34, None, C.CONGESTED, D.CONGESTED),
    ("500", SILENT, 38, 500, C.FAILED, D.NETWORK_FAILURE),
    ("502", SILENT, 27, 502, C.UNREACHABLE, D.UNREACHABLE),
    ("488", SILENT, 58, 488, C.FAILED, D.NETWORK_FAILURE),
    ("607", RANG, 127, 607, C.REJECTED, D.REJECTED),
    ("487, cancelled in between", RANG, 127, 487, C.CANCELLED, D.UNKNOWN),
    ("127 on a Local channel", RANG, 127, None, C.UNKNOWN, D.UNKNOWN),
    ("subscriber absent", SILENT, 20, None, C.UNREACHABLE, D.UNREACHABLE),
    ("dead SIP peer", SILENT, 19, 480, C.UNREACHABLE, D.UNREACHABLE),
    ("we DELETE while ringing", KILLED, 16, None, C.CANCELLED, D.UNKNOWN),
    ("DELETE reason=busy", KILLED, 17, None, C.CANCELLED, D.UNKNOWN),
    ("DELETE reason=no_answer", KILLED, 19, None, C.CANCELLED, D.UNKNOWN),
    ("DELETE reason=timeout", KILLED, 18, None, C.CANCELLED, D.UNKNOWN),
    ("DELETE reason=rejected", KILLED, 21, None, C.CANCELLED, D.UNKNOWN),
    ("DELETE reason=congestion", KILLED, 34, None, C.CANCELLED, D.UNKNOWN),
    ("DELETE reason=answered_elsewhere", KILLED, 26, None, C.CANCELLED, D.UNKNOWN),
    ("DELETE reason=failure", KILLED, 38, None, C.CANCELLED, D.UNKNOWN),
    ("DELETE reason=interworking", KILLED, 127, None, C.CANCELLED, D.UNKNOWN),
    ("DELETE reason=unallocated", KILLED, 1, None, C.CANCELLED, D.UNKNOWN),
    ("DELETE, forgotten by whom", RANG, 16, None, C.CANCELLED, D.UNKNOWN),
    ("DELETE as it is answered", KILLED_LATE, 16, None, C.NORMAL, D.ANSWERED_THEN_LEFT),
    ("answering machine", ANSWERED, 16, None, C.NORMAL, D.ANSWERED_THEN_LEFT),
    ("no such Local extension", SILENT, 0, None, C.FAILED, D.NETWORK_FAILURE),
]

MEASURED_ON_FREESWITCH = [
    # what the customer does, what was seen before, hangup cause, SIP, the cause, the disposition
    ("answered", ANSWERED, "NORMAL_CLEARING", None, C.NORMAL, D.ANSWERED_THEN_LEFT),
    ("answered, recv_bye", ANSWERED, "NORMAL_CLEARING", 200, C.NORMAL, D.ANSWERED_THEN_LEFT),
    ("486", SILENT, "USER_BUSY", 486, C.BUSY, D.BUSY),
    ("603", RANG, "CALL_REJECTED", 603, C.REJECTED, D.REJECTED),
    ("our timeout", RANG, "NO_ANSWER", 487, C.NO_ANSWER, D.NO_ANSWER),
    ("our timeout, never rang", SILENT, "NO_ANSWER", 487, C.UNREACHABLE, D.UNREACHABLE),
    ("480 after ringing", RANG, "NO_USER_RESPONSE", 480, C.NO_ANSWER, D.NO_ANSWER),
    ("480 at once", SILENT, "NO_USER_RESPONSE", 480, C.UNREACHABLE, D.UNREACHABLE),
    ("404", SILENT, "UNALLOCATED_NUMBER", 404, C.INVALID_NUMBER, D.INVALID_NUMBER),
    ("503", SILENT, "NORMAL_TEMPORARY_FAILURE", 503, C.CONGESTED, D.CONGESTED),
    ("503, the job alone", SILENT, "NORMAL_TEMPORARY_FAILURE", None, C.CONGESTED, D.CONGESTED),
    ("408 after ringing", RANG, "RECOVERY_ON_TIMER_EXPIRE", 408, C.NO_ANSWER, D.NO_ANSWER),
    ("408, silent", SILENT, "RECOVERY_ON_TIMER_EXPIRE", 408, C.UNREACHABLE, D.UNREACHABLE),
    # Asterisk waits for its timeout here, and the leg is UNREACHABLE. FreeSWITCH says no more than 503.
    ("closed port", SILENT, "NORMAL_TEMPORARY_FAILURE", 503, C.CONGESTED, D.CONGESTED),
    # Asterisk says 0 here, which may be anything. This name is a network's word for a number as well.
    ("no such exten", SILENT, "NO_ROUTE_DESTINATION", None, C.INVALID_NUMBER, D.INVALID_NUMBER),
    ("no such endpoint type", SILENT, "CHAN_NOT_IMPLEMENTED", None, C.FAILED, D.NETWORK_FAILURE),
    ("no such profile", SILENT, "INVALID_PROFILE", None, C.FAILED, D.NETWORK_FAILURE),
    ("machine", ANSWERED, "NORMAL_CLEARING", None, C.NORMAL, D.ANSWERED_THEN_LEFT),
    ("uuid_kill while ringing", KILLED, "NORMAL_CLEARING", None, C.CANCELLED, D.UNKNOWN),
    ("uuid_kill USER_BUSY", KILLED, "USER_BUSY", None, C.CANCELLED, D.UNKNOWN),
    ("uuid_kill NO_ANSWER", KILLED, "NO_ANSWER", None, C.CANCELLED, D.UNKNOWN),
    ("uuid_kill CALL_REJECTED", KILLED, "CALL_REJECTED", 487, C.CANCELLED, D.UNKNOWN),
    ("uuid_kill as it is answered, +OK", KILLED_LATE, "NORMAL_CLEARING", 200, C.NORMAL, D.ANSWERED_THEN_LEFT),
    (
        "uuid_kill as it is answered, -ERR",
        KILLED_LATE,
        "-ERR NORMAL_CLEARING\n",
        None,
        C.NORMAL,
        D.ANSWERED_THEN_LEFT,
    ),
    ("uuid_kill, forgotten by whom", RANG, "NORMAL_CLEARING", None, C.CANCELLED, D.UNKNOWN),
]


@pytest.mark.parametrize(
    ("facts", "cause", "tech_cause", "expected", "disposition"),
    [row[1:] for row in MEASURED_ON_ASTERISK],
    ids=[row[0] for row in MEASURED_ON_ASTERISK],
)
def test_what_asterisk_says(
    facts: Facts, cause: int, tech_cause: int | None, expected: Cause, disposition: Disposition
) -> None:
    """As measured; also where the numbers come as text."""
    found = ari_cause(cause, tech_cause=tech_cause, **facts)
    assert found is expected
    assert CUSTOMER_DISPOSITION[found] is disposition
    as_text = None if tech_cause is None else f" {tech_cause}"
    assert ari_cause(str(cause), tech_cause=as_text, **facts) is expected


@pytest.mark.parametrize(
    ("facts", "name", "sip", "expected", "disposition"),
    [row[1:] for row in MEASURED_ON_FREESWITCH],
    ids=[row[0] for row in MEASURED_ON_FREESWITCH],
)
def test_what_freeswitch_says(
    facts: Facts, name: str, sip: int | None, expected: Cause, disposition: Disposition
) -> None:
    """As measured; also in lower case, and as the result of a job."""
    found = freeswitch_cause(name, sip=sip, **facts)
    assert found is expected
    assert CUSTOMER_DISPOSITION[found] is disposition
    assert freeswitch_cause(name.lower(), sip=sip, **facts) is expected
    if not name.startswith("-"):
        assert freeswitch_cause(f"-ERR {name}\n", sip=sip, **facts) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("HUMAN", AnsweredBy.HUMAN),
        ("MACHINE", AnsweredBy.MACHINE),
        ("NOTSURE", AnsweredBy.UNKNOWN),
        ("HANGUP", AnsweredBy.UNKNOWN),
        ("", AnsweredBy.UNKNOWN),
        (None, AnsweredBy.UNKNOWN),
        ("human", AnsweredBy.HUMAN),
        ("machine_end_beep", AnsweredBy.MACHINE),
        ("fax", AnsweredBy.FAX),
        ("LONGGREETING-1500-1500", AnsweredBy.UNKNOWN),
    ],
)
def test_who_answered(status: str | None, expected: AnsweredBy) -> None:
    """The results of both detectors; no result is no knowledge."""
    assert amd_answered_by(status) is expected


def test_every_detected_result_is_lower_case() -> None:
    """Or it would never be found."""
    assert all(amd_answered_by(f" {result.upper()} ") is who for result, who in ANSWERED_BY.items())


# ---------------------------------------------------------------------------- both PBXs alike

# SIP code -> what Asterisk's PJSIP channel, and FreeSWITCH's sofia, make of it.
SAID: dict[int, tuple[int, str]] = {
    401: (21, "CALL_REJECTED"),
    402: (127, "CALL_REJECTED"),
    403: (21, "CALL_REJECTED"),
    404: (1, "UNALLOCATED_NUMBER"),
    405: (127, "SERVICE_UNAVAILABLE"),
    406: (127, "SERVICE_NOT_IMPLEMENTED"),
    407: (21, "CALL_REJECTED"),
    408: (18, "RECOVERY_ON_TIMER_EXPIRE"),
    410: (22, "NUMBER_CHANGED"),
    413: (127, "INTERWORKING"),
    414: (127, "INTERWORKING"),
    415: (127, "SERVICE_NOT_IMPLEMENTED"),
    416: (127, "INTERWORKING"),
    420: (3, "INTERWORKING"),
    421: (127, "INTERWORKING"),
    423: (127, "INTERWORKING"),
    480: (19, "NO_USER_RESPONSE"),
    481: (127, "NORMAL_TEMPORARY_FAILURE"),
    482: (127, "EXCHANGE_ROUTING_ERROR"),
    483: (19, "EXCHANGE_ROUTING_ERROR"),
    484: (28, "INVALID_NUMBER_FORMAT"),
    485: (1, "NO_ROUTE_DESTINATION"),
    486: (17, "USER_BUSY"),
    487: (127, "ORIGINATOR_CANCEL"),
    488: (58, "INCOMPATIBLE_DESTINATION"),
    491: (127, "NORMAL_UNSPECIFIED"),
    493: (127, "NORMAL_UNSPECIFIED"),
    500: (38, "NORMAL_TEMPORARY_FAILURE"),
    501: (29, "SERVICE_NOT_IMPLEMENTED"),
    502: (27, "NETWORK_OUT_OF_ORDER"),
    503: (34, "NORMAL_TEMPORARY_FAILURE"),
    504: (102, "RECOVERY_ON_TIMER_EXPIRE"),
    505: (127, "INTERWORKING"),
    513: (34, "INTERWORKING"),
    600: (17, "USER_BUSY"),
    603: (21, "CALL_REJECTED"),
    604: (1, "NO_ROUTE_DESTINATION"),
    606: (58, "INCOMPATIBLE_DESTINATION"),
    607: (127, "UNWANTED"),
    608: (127, "CALL_REJECTED"),
}


@BOTH
@pytest.mark.parametrize("sip", SAID)
def test_both_pbxs_read_one_sip_code_alike(sip: int, rang: bool) -> None:
    """And as the code itself is read."""
    facts = {**SILENT, "rang": rang}
    q850, name = SAID[sip]
    found = ari_cause(q850, tech_cause=sip, **facts)
    assert found is freeswitch_cause(name, sip=sip, **facts)
    assert found is sip_cause(sip, **facts)


@BOTH
@pytest.mark.parametrize("sip", SAID)
def test_both_pbxs_agree_without_the_sip_code(sip: int, rang: bool) -> None:
    """One never blames the customer where the other blames the network, but for what is listed."""
    facts = {**SILENT, "rang": rang}
    q850, name = SAID[sip]
    found = {ari_cause(q850, **facts), freeswitch_cause(name, **facts)}
    vague = {C.FAILED, C.CONGESTED, C.UNKNOWN}
    # Why not: Asterisk has a word of its own for a loop and for an extension of the protocol, and 127 for the rest.
    differing = {402, 420, 483, 487, 502, 607, 608}
    assert (len(found) == 1 or found <= vague) is (sip not in differing)


@pytest.mark.parametrize("sip", sorted(SIP_DECIDES))
def test_what_is_not_the_customers_doing_never_ends_a_callback(sip: int) -> None:
    """Whatever the PBX calls it."""
    q850, name = SAID[sip]
    assert ari_cause(q850, tech_cause=sip, **RANG) is C.FAILED
    assert freeswitch_cause(name, sip=sip, **RANG) is C.FAILED


def test_the_pbx_is_believed_when_it_speaks_of_the_customer() -> None:
    """It may rest on the reason that a carrier sent beside a coarse SIP code."""
    assert freeswitch_cause("USER_BUSY", sip=503, **SILENT) is C.BUSY
    assert ari_cause(1, tech_cause=500, **SILENT) is C.INVALID_NUMBER


def test_a_sip_code_of_the_answer_says_nothing_of_the_end() -> None:
    """FreeSWITCH shows the 200 of the answer also where the media failed later."""
    assert freeswitch_cause("MEDIA_TIMEOUT", sip=200, **ANSWERED) is C.FAILED
    assert freeswitch_cause("NETWORK_OUT_OF_ORDER", sip=487, **RANG) is C.FAILED


def test_a_sip_code_helps_where_the_pbx_says_nothing_that_is_known() -> None:
    """A code that is not in the table, or 0."""
    assert ari_cause(999, tech_cause=486, **SILENT) is C.BUSY
    assert ari_cause(0, tech_cause=404, **SILENT) is C.INVALID_NUMBER
    assert freeswitch_cause("NEW_NAME", sip="603", **RANG) is C.REJECTED


# ---------------------------------------------------------------------------- SIP and Q.850, by RFC 3398

RFC_3398: dict[int, int] = {
    400: 41,
    401: 21,
    402: 21,
    403: 21,
    404: 1,
    405: 63,
    406: 79,
    407: 21,
    408: 102,
    410: 22,
    413: 127,
    414: 127,
    415: 79,
    416: 127,
    420: 127,
    421: 127,
    423: 127,
    480: 18,
    481: 41,
    482: 25,
    483: 25,
    484: 28,
    485: 1,
    486: 17,
    500: 41,
    501: 79,
    502: 38,
    503: 41,
    504: 102,
    505: 127,
    513: 127,
    600: 17,
    603: 21,
    604: 1,
}
NOT_TOLD = (
    "127 says only that the cause could not be told; the SIP code tells that our request was the trouble"
)
OURS = "our own account or password is refused, and 21 reads as if the customer had declined"
NOT_CONGESTED = "41 is a shortage that passes; this is an error of a server"
DIFFERING = {
    400: NOT_CONGESTED,
    401: OURS,
    402: OURS,
    407: OURS,
    413: NOT_TOLD,
    414: NOT_TOLD,
    416: NOT_TOLD,
    420: NOT_TOLD,
    421: NOT_TOLD,
    423: NOT_TOLD,
    481: NOT_CONGESTED,
    500: NOT_CONGESTED,
    502: "a gateway to the telephone network answers 502 for 27, destination out of order (the RFC's other table)",
    505: NOT_TOLD,
    513: NOT_TOLD,
}


@BOTH
@pytest.mark.parametrize("sip", RFC_3398)
def test_sip_and_its_q850_code_mean_the_same(sip: int, rang: bool) -> None:
    """But for what is listed, each with its reason."""
    facts = {**SILENT, "rang": rang}
    same = sip_cause(sip, **facts) is q850_cause(RFC_3398[sip], **facts)
    assert same is (sip not in DIFFERING)


def test_every_code_of_the_rfc_has_its_row() -> None:
    """On both sides, and no exception is listed in vain."""
    assert set(RFC_3398) <= set(SIP)
    assert set(RFC_3398.values()) <= set(Q850)
    assert set(DIFFERING) <= set(RFC_3398)
    assert sip_cause(502, **SILENT) is q850_cause(27, **SILENT)


@pytest.mark.parametrize(
    ("code", "facts", "expected"),
    [
        (1, SILENT, C.INVALID_NUMBER),
        (3, SILENT, C.INVALID_NUMBER),
        (16, RANG, C.CANCELLED),
        (16, ANSWERED, C.NORMAL),
        (17, RANG, C.BUSY),
        (18, RANG, C.NO_ANSWER),
        (19, SILENT, C.UNREACHABLE),
        (20, RANG, C.UNREACHABLE),
        (21, RANG, C.REJECTED),
        (31, RANG, C.UNKNOWN),
        (31, ANSWERED, C.NORMAL),
        (34, SILENT, C.CONGESTED),
        (38, ANSWERED, C.FAILED),
        (42, SILENT, C.CONGESTED),
        (102, ANSWERED, C.FAILED),
        (27, ANSWERED, C.FAILED),
        (127, SILENT, C.UNKNOWN),
        (128, SILENT, C.UNKNOWN),
        (0, SILENT, C.UNKNOWN),
    ],
)
def test_samples_of_q850(code: int, facts: Facts, expected: Cause) -> None:
    """0 is no code of Q.850: only Asterisk says it."""
    assert q850_cause(code, **facts) is expected


@pytest.mark.parametrize(
    ("code", "facts", "expected"),
    [
        (200, ANSWERED, C.NORMAL),
        (403, SILENT, C.REJECTED),
        (404, SILENT, C.INVALID_NUMBER),
        (408, SILENT, C.UNREACHABLE),
        (408, RANG, C.NO_ANSWER),
        (408, ANSWERED, C.FAILED),
        (480, RANG, C.NO_ANSWER),
        (480, SILENT, C.UNREACHABLE),
        (486, SILENT, C.BUSY),
        (487, RANG, C.CANCELLED),
        (488, SILENT, C.FAILED),
        (502, SILENT, C.UNREACHABLE),
        (503, SILENT, C.CONGESTED),
        (600, RANG, C.BUSY),
        (603, RANG, C.REJECTED),
        (604, SILENT, C.INVALID_NUMBER),
        (699, SILENT, C.UNKNOWN),
        (180, RANG, C.UNKNOWN),
    ],
)
def test_samples_of_sip(code: int, facts: Facts, expected: Cause) -> None:
    """A code that is not known is not guessed by its class: 600 is busy, and 699 need not be."""
    assert sip_cause(code, **facts) is expected


# ---------------------------------------------------------------------------- Twilio

TWILIO_SAYS: list[tuple[str, dict[str, Any], Cause]] = [
    ("completed", {}, C.NORMAL),
    ("completed", {"sip": "200"}, C.NORMAL),
    ("completed", {"by_us": True}, C.NORMAL),
    ("busy", {}, C.BUSY),
    ("busy", {"sip": "486"}, C.BUSY),
    ("busy", {"sip": 603}, C.REJECTED),
    ("no-answer", {"rang": True}, C.NO_ANSWER),
    ("no-answer", {}, C.UNREACHABLE),
    ("no-answer", {"rang": True, "sip": 487}, C.NO_ANSWER),
    ("no-answer", {"rang": True, "sip": 480}, C.NO_ANSWER),
    ("no-answer", {"sip": 480}, C.UNREACHABLE),
    ("no-answer", {"rang": True, "by_us": True}, C.CANCELLED),
    ("failed", {}, C.FAILED),
    ("failed", {"sip": 404}, C.INVALID_NUMBER),
    ("failed", {"sip": 503}, C.CONGESTED),
    ("failed", {"sip": 487}, C.FAILED),
    ("failed", {"error": 13224}, C.UNREACHABLE),
    ("failed", {"error": "13227", "sip": 403}, C.FAILED),
    ("failed", {"error": 32009}, C.UNREACHABLE),
    ("failed", {"error": 10004}, C.CONGESTED),
    ("failed", {"error": 99999, "sip": 486}, C.BUSY),
    ("canceled", {"rang": True}, C.CANCELLED),
    ("canceled", {"sip": 486}, C.CANCELLED),
    (" No-Answer ", {"rang": True}, C.NO_ANSWER),
    ("in-progress", {"sip": 200}, C.UNKNOWN),
    ("queued", {}, C.UNKNOWN),
]


@pytest.mark.parametrize(("status", "more", "expected"), TWILIO_SAYS)
def test_what_twilio_says(status: str, more: dict[str, Any], expected: Cause) -> None:
    """The status, made finer by the SIP code and by the error."""
    assert twilio_cause(status, **{"rang": False, "by_us": False, **more}) is expected


# ---------------------------------------------------------------------------- every row

Reader = Callable[..., Cause]


def _by_error(code: int, **facts: bool) -> Cause:
    return twilio_cause("failed", error=code, rang=facts["rang"], by_us=facts["by_us"])


def _by_status(status: str, **facts: bool) -> Cause:
    return twilio_cause(status, rang=facts["rang"], by_us=facts["by_us"])


TABLES: list[tuple[str, Mapping[Any, CauseRow], Reader]] = [
    ("q850", Q850, q850_cause),
    ("q850 of asterisk", Q850, ari_cause),
    ("asterisk", ASTERISK, ari_cause),
    ("sip", SIP, sip_cause),
    ("freeswitch", FREESWITCH, freeswitch_cause),
    ("twilio", TWILIO, _by_status),
    ("twilio errors", TWILIO_ERRORS, _by_error),
]
ROWS = [
    pytest.param(code, row, read, id=f"{name} {code}")
    for name, table, read in TABLES
    for code, row in table.items()
]


@pytest.mark.parametrize(("code", "row", "read"), ROWS)
def test_every_row_is_reachable(code: int | str, row: CauseRow, read: Reader) -> None:
    """By its own code, also as text in any case and with spaces around it."""
    silent = row.unrung or row.cause
    for written in (code, f" {code}\n", str(code).lower(), str(code).upper()):
        assert read(written, **RANG) is row.cause
        assert read(written, **SILENT) is silent


@pytest.mark.parametrize(("code", "row", "read"), ROWS)
def test_every_row_holds_together(code: int | str, row: CauseRow, read: Reader) -> None:
    """It has words; ringing parts no answer from unreachable; the network's fault is one after an answer as well."""
    assert row.words == row.words.strip()
    assert "|" not in row.words
    if row.unrung is not None:
        assert (row.cause, row.unrung) in {(C.NO_ANSWER, C.UNREACHABLE), (C.UNKNOWN, C.FAILED)}
    assert row.fault or row.cause not in {C.FAILED, C.CONGESTED}
    if read not in (_by_status, _by_error):
        assert read(code, **ANSWERED) is (C.FAILED if row.fault else C.NORMAL)
        assert read(code, **KILLED) is C.CANCELLED
        assert read(code, **KILLED_LATE) is C.NORMAL


def test_every_cause_is_said_by_somebody() -> None:
    """By each of the systems that can."""
    for _, table, _ in TABLES[:1] + TABLES[3:5]:
        said = {row.cause for row in table.values()} | {row.unrung for row in table.values()}
        assert said >= set(Cause) - {C.NORMAL, C.UNKNOWN}
    assert set(CUSTOMER_DISPOSITION) == set(Cause)


@pytest.mark.parametrize("table", [table for _, table, _ in TABLES], ids=[name for name, _, _ in TABLES])
def test_tables_cannot_be_changed(table: dict[Any, CauseRow]) -> None:
    """Neither a table nor a row."""
    code, row = next(iter(table.items()))
    with pytest.raises(TypeError):
        table[code] = row
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        row.words = "other"  # type: ignore[misc]


# ---------------------------------------------------------------------------- nonsense

HOSTILE: list[Any] = [
    None,
    -1,
    -(10**30),
    10**30,
    10**5000,
    True,
    False,
    1.5,
    float("nan"),
    "",
    " ",
    "nonsense",
    "1 7",
    "17x",
    "+17",
    "-17",
    "9" * 6000,
    "\u0661\u0667",  # Digits, but not ours.
    "\u00b2",
    "\x00",
    b"17",
    [],
    {},
    object(),
]


@pytest.mark.parametrize(
    "code", HOSTILE, ids=lambda it: repr(it)[:20] if not isinstance(it, int) else "number"
)
@pytest.mark.parametrize("facts", [SILENT, RANG, ANSWERED], ids=["silent", "rang", "answered"])
def test_what_is_not_known_is_unknown(code: Any, facts: Facts) -> None:
    """Never an error, never a guess; a truth value is no number."""
    assert q850_cause(code, **facts) is C.UNKNOWN
    assert sip_cause(code, **facts) is C.UNKNOWN
    assert ari_cause(code, tech_cause=code, **facts) is C.UNKNOWN
    assert freeswitch_cause(code, sip=code, **facts) is C.UNKNOWN
    assert twilio_cause(code, sip=code, error=code, rang=facts["rang"], by_us=False) is C.UNKNOWN
    assert amd_answered_by(code) is AnsweredBy.UNKNOWN
    assert ari_cause(17, tech_cause=code, **RANG) is C.BUSY
    assert freeswitch_cause("USER_BUSY", sip=code, **RANG) is C.BUSY
    assert twilio_cause("busy", sip=code, error=code, rang=True, by_us=False) is C.BUSY


CODES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-1, 830),
    st.floats(),
    st.binary(),
    st.text(),
    st.integers(-1, 830).map(str),
    st.sampled_from([*FREESWITCH, *TWILIO, *ANSWERED_BY]),
    st.sampled_from([*Q850, *SIP, *TWILIO_ERRORS]),
)


@LAW
@given(code=CODES, sip=CODES, error=CODES, rang=st.booleans(), answered=st.booleans(), by_us=st.booleans())
def test_anything_is_read_as_a_cause(
    code: Any, sip: Any, error: Any, rang: bool, answered: bool, by_us: bool
) -> None:
    """No function raises, and what we asked for is never blamed on anybody else."""
    facts = {"rang": rang, "answered": answered, "by_us": by_us}
    found = [
        q850_cause(code, **facts),
        sip_cause(code, **facts),
        ari_cause(code, tech_cause=sip, **facts),
        freeswitch_cause(code, sip=sip, **facts),
    ]
    assert all(isinstance(cause, Cause) for cause in found)
    if by_us:
        assert set(found) == {C.NORMAL if answered else C.CANCELLED}
    elif answered:
        assert set(found) <= {C.NORMAL, C.FAILED, C.UNKNOWN}
    said = twilio_cause(code, sip=sip, error=error, rang=rang, by_us=by_us)
    assert said in ({C.NORMAL, C.CANCELLED} if by_us else set(Cause))
    assert isinstance(amd_answered_by(code), AnsweredBy)
