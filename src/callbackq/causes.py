"""
What the codes of phone systems mean: Q.850, SIP, Asterisk, FreeSWITCH and Twilio, each read as a `Cause`.

An adapter reports why a leg ended. The tables here are data, and one function for each system reads its codes:

>>> ari_cause(17, tech_cause=486, rang=True, answered=False, by_us=False)
<Cause.BUSY: 'busy'>
>>> freeswitch_cause("USER_BUSY", sip=486, rang=True, answered=False, by_us=False)
<Cause.BUSY: 'busy'>

Three facts that no code holds are arguments of each function, for your adapter knows them from earlier events:

* `rang`: the phone was heard to ring. "Nobody picked up" and "cannot be reached" often have the same code, and this
  alone tells them apart.
* `answered`: the leg was answered. From then on every ordinary end is `Cause.NORMAL`.
* `by_us`: you had asked for the end. Before an answer that is `Cause.CANCELLED`, whatever code comes back: a PBX
  repeats the reason that it was given.

A code that is not in a table is `Cause.UNKNOWN`. Nothing here raises, whatever it is given, and text that holds a
number is read as the number. Each call costs one or two look-ups.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias, TypeVar

import attrs

from callbackq.model import AnsweredBy, Cause

__all__ = [
    "ANSWERED_BY",
    "ASTERISK",
    "FREESWITCH",
    "Q850",
    "SIP",
    "SIP_DECIDES",
    "TWILIO",
    "TWILIO_ERRORS",
    "CauseRow",
    "Code",
    "amd_answered_by",
    "ari_cause",
    "freeswitch_cause",
    "q850_cause",
    "sip_cause",
    "twilio_cause",
]

Code: TypeAlias = int | str | None
"""A code as it arrives: a number, the same as text, or nothing."""

_KeyT = TypeVar("_KeyT", int, str)


@attrs.frozen
class CauseRow:
    """
    What one code means.

    Args:
        words: the short name of the code.
        cause: why a leg ended that was not answered.
        unrung: the same, where the phone was never heard to ring; None if that makes no difference.
        fault: after an answer this code is a lost connection, `Cause.FAILED`, and no ordinary end.
    """

    words: str
    cause: Cause = attrs.field(kw_only=True)
    unrung: Cause | None = attrs.field(default=None, kw_only=True)
    fault: bool = attrs.field(default=False, kw_only=True)


def _rows(
    names: Mapping[_KeyT, str], *, cause: Cause, unrung: Cause | None = None, fault: bool = False
) -> dict[_KeyT, CauseRow]:
    return {
        code: CauseRow(words, cause=cause, unrung=unrung, fault=fault or cause in _OF_THE_NETWORK)
        for code, words in names.items()
    }


def _table(rows: dict[_KeyT, CauseRow]) -> Mapping[_KeyT, CauseRow]:
    return MappingProxyType(dict(sorted(rows.items())))


_OF_THE_NETWORK: Final = frozenset({Cause.FAILED, Cause.CONGESTED})
_SAYS_NOTHING_NEW: Final = frozenset({Cause.NORMAL, Cause.CANCELLED})

# ---------------------------------------------------------------------------- Q.850

Q850: Final = _table(
    _rows(
        {
            1: "unallocated number",
            3: "no route to destination",
            5: "misdialled trunk prefix",
            22: "number changed",
            28: "invalid number format, or address incomplete",
        },
        cause=Cause.INVALID_NUMBER,
    )
    | _rows(
        {16: "normal call clearing", 26: "non-selected user clearing: answered elsewhere"},
        cause=Cause.CANCELLED,
    )
    | _rows({17: "user busy"}, cause=Cause.BUSY)
    | _rows(
        {18: "no user responding", 19: "no answer from user"},
        cause=Cause.NO_ANSWER,
        unrung=Cause.UNREACHABLE,
    )
    | _rows({102: "recovery on timer expiry"}, cause=Cause.NO_ANSWER, unrung=Cause.UNREACHABLE, fault=True)
    | _rows({4: "send special information tone", 20: "subscriber absent"}, cause=Cause.UNREACHABLE)
    | _rows({27: "destination out of order"}, cause=Cause.UNREACHABLE, fault=True)
    | _rows(
        {
            21: "call rejected",
            24: "call rejected by a feature at the destination",
            54: "incoming calls barred",
            55: "incoming calls barred within the closed user group",
        },
        cause=Cause.REJECTED,
    )
    | _rows(
        {
            8: "preemption",
            9: "preemption, circuit reserved for reuse",
            34: "no circuit available",
            41: "temporary failure",
            42: "switching equipment congestion",
            44: "requested circuit not available",
            45: "preempted",
            46: "precedence call blocked",
            47: "resource unavailable",
        },
        cause=Cause.CONGESTED,
    )
    | _rows(
        {
            2: "no route to transit network",
            6: "channel unacceptable",
            7: "call awarded, delivered in an established channel",
            23: "redirection to new destination",
            25: "exchange routing error",
            29: "facility rejected",
            38: "network out of order",
            43: "access information discarded",
            49: "quality of service not available",
            50: "facility not subscribed",
            52: "outgoing calls barred",
            53: "outgoing calls barred within the closed user group",
            57: "bearer capability not authorized",
            58: "bearer capability not available",
            63: "service or option not available",
            65: "bearer capability not implemented",
            66: "channel type not implemented",
            69: "facility not implemented",
            70: "only restricted digital information available",
            79: "service or option not implemented",
            81: "invalid call reference",
            82: "identified channel does not exist",
            87: "user not member of closed user group",
            88: "incompatible destination",
            95: "invalid message",
            96: "mandatory information element missing",
            97: "message type does not exist",
            98: "message not compatible with call state, or type does not exist",
            99: "information element does not exist",
            100: "invalid information element contents",
            101: "message not compatible with call state",
            103: "parameter does not exist, passed on",
            111: "protocol error",
        },
        cause=Cause.FAILED,
    )
    | _rows(
        {30: "response to status enquiry", 31: "normal, unspecified", 127: "interworking, unspecified"},
        cause=Cause.UNKNOWN,
    )
)
"""Q.850 code -> what it means. 45, 52 and 54 are national codes that PBXs use as well."""

# ---------------------------------------------------------------------------- SIP

SIP: Final = _table(
    _rows({200: "OK"}, cause=Cause.NORMAL)
    | _rows(
        {
            301: "Moved Permanently",
            404: "Not Found",
            410: "Gone",
            484: "Address Incomplete",
            485: "Ambiguous",
            604: "Does Not Exist Anywhere",
        },
        cause=Cause.INVALID_NUMBER,
    )
    | _rows({486: "Busy Here", 600: "Busy Everywhere"}, cause=Cause.BUSY)
    | _rows({480: "Temporarily Unavailable"}, cause=Cause.NO_ANSWER, unrung=Cause.UNREACHABLE)
    | _rows(
        {408: "Request Timeout", 504: "Server Time-out"},
        cause=Cause.NO_ANSWER,
        unrung=Cause.UNREACHABLE,
        fault=True,
    )
    | _rows({430: "Flow Failed", 502: "Bad Gateway"}, cause=Cause.UNREACHABLE, fault=True)
    | _rows(
        {
            403: "Forbidden",
            433: "Anonymity Disallowed",
            603: "Decline",
            607: "Unwanted",
            608: "Rejected",
        },
        cause=Cause.REJECTED,
    )
    | _rows({487: "Request Terminated"}, cause=Cause.CANCELLED)
    | _rows({503: "Service Unavailable"}, cause=Cause.CONGESTED)
    | _rows(
        {
            300: "Multiple Choices",
            302: "Moved Temporarily",
            305: "Use Proxy",
            380: "Alternative Service",
            400: "Bad Request",
            401: "Unauthorized",
            402: "Payment Required",
            405: "Method Not Allowed",
            406: "Not Acceptable",
            407: "Proxy Authentication Required",
            413: "Request Entity Too Large",
            414: "Request-URI Too Long",
            415: "Unsupported Media Type",
            416: "Unsupported URI Scheme",
            417: "Unknown Resource-Priority",
            420: "Bad Extension",
            421: "Extension Required",
            422: "Session Interval Too Small",
            423: "Interval Too Brief",
            428: "Use Identity Header",
            436: "Bad Identity Info",
            437: "Unsupported Credential",
            438: "Invalid Identity Header",
            440: "Max-Breadth Exceeded",
            481: "Call Does Not Exist",
            482: "Loop Detected",
            483: "Too Many Hops",
            488: "Not Acceptable Here",
            489: "Bad Event",
            491: "Request Pending",
            493: "Undecipherable",
            494: "Security Agreement Required",
            500: "Server Internal Error",
            501: "Not Implemented",
            505: "Version Not Supported",
            513: "Message Too Large",
            580: "Precondition Failure",
            606: "Not Acceptable",
        },
        cause=Cause.FAILED,
    )
)
"""SIP response code to our INVITE -> what it means."""

SIP_DECIDES: Final = frozenset({401, 402, 407, 420, 483})
"""
SIP codes that are believed rather than the PBX's own word for them.

PBXs call a password that your provider refused, or an unpaid bill, "rejected"; Asterisk calls an unsupported extension
of the protocol "no route", and a loop "no answer". None of that is the customer's doing.
"""

# ---------------------------------------------------------------------------- Asterisk

ASTERISK: Final[Mapping[int, CauseRow]] = MappingProxyType(
    {0: CauseRow("not said, as for a missing extension", cause=Cause.UNKNOWN, unrung=Cause.FAILED)}
)
"""
What Asterisk says besides Q.850.

Code 0 says nothing, and was measured where a dialplan has no such extension. It is not read as an invalid number, for
that ends a callback: a mistake in your own dialplan must not cost customers their promise.
"""

# ---------------------------------------------------------------------------- FreeSWITCH

_FREESWITCH_Q850: Final = {
    "UNALLOCATED_NUMBER": 1,
    "NO_ROUTE_TRANSIT_NET": 2,
    "NO_ROUTE_DESTINATION": 3,
    "CHANNEL_UNACCEPTABLE": 6,
    "CALL_AWARDED_DELIVERED": 7,
    "NORMAL_CLEARING": 16,
    "USER_BUSY": 17,
    "NO_USER_RESPONSE": 18,
    "NO_ANSWER": 19,
    "SUBSCRIBER_ABSENT": 20,
    "CALL_REJECTED": 21,
    "NUMBER_CHANGED": 22,
    "REDIRECTION_TO_NEW_DESTINATION": 23,
    "EXCHANGE_ROUTING_ERROR": 25,
    "DESTINATION_OUT_OF_ORDER": 27,
    "INVALID_NUMBER_FORMAT": 28,
    "FACILITY_REJECTED": 29,
    "RESPONSE_TO_STATUS_ENQUIRY": 30,
    "NORMAL_UNSPECIFIED": 31,
    "NORMAL_CIRCUIT_CONGESTION": 34,
    "NETWORK_OUT_OF_ORDER": 38,
    "NORMAL_TEMPORARY_FAILURE": 41,
    "SWITCH_CONGESTION": 42,
    "ACCESS_INFO_DISCARDED": 43,
    "REQUESTED_CHAN_UNAVAIL": 44,
    "PRE_EMPTED": 45,
    "FACILITY_NOT_SUBSCRIBED": 50,
    "OUTGOING_CALL_BARRED": 52,
    "INCOMING_CALL_BARRED": 54,
    "BEARERCAPABILITY_NOTAUTH": 57,
    "BEARERCAPABILITY_NOTAVAIL": 58,
    "SERVICE_UNAVAILABLE": 63,
    "BEARERCAPABILITY_NOTIMPL": 65,
    "CHAN_NOT_IMPLEMENTED": 66,
    "FACILITY_NOT_IMPLEMENTED": 69,
    "SERVICE_NOT_IMPLEMENTED": 79,
    "INVALID_CALL_REFERENCE": 81,
    "INCOMPATIBLE_DESTINATION": 88,
    "INVALID_MSG_UNSPECIFIED": 95,
    "MANDATORY_IE_MISSING": 96,
    "MESSAGE_TYPE_NONEXIST": 97,
    "WRONG_MESSAGE": 98,
    "IE_NONEXIST": 99,
    "INVALID_IE_CONTENTS": 100,
    "WRONG_CALL_STATE": 101,
    "RECOVERY_ON_TIMER_EXPIRE": 102,
    "MANDATORY_IE_LENGTH_ERROR": 103,
    "PROTOCOL_ERROR": 111,
    "INTERWORKING": 127,
}

FREESWITCH: Final = _table(
    {name: Q850[code] for name, code in _FREESWITCH_Q850.items()}
    | {"NONE": ASTERISK[0]}
    | _rows(
        {
            "ORIGINATOR_CANCEL": "cancelled, also by somebody in between",
            "LOSE_RACE": "another leg of the same command was answered first",
            "PICKED_OFF": "picked up by another phone",
            "MANAGER_REQUEST": "hung up by an operator's command",
            "BLIND_TRANSFER": "transferred",
            "ATTENDED_TRANSFER": "transferred",
        },
        cause=Cause.CANCELLED,
    )
    | _rows({"BUSY_EVERYWHERE": "busy everywhere"}, cause=Cause.BUSY)
    | _rows(
        {"DECLINE": "declined", "UNWANTED": "call unwanted", "REJECT_ALL": "rejected for all destinations"},
        cause=Cause.REJECTED,
    )
    | _rows({"DOES_NOT_EXIST_ANYWHERE": "does not exist anywhere"}, cause=Cause.INVALID_NUMBER)
    | _rows(
        {"ALLOTTED_TIMEOUT": "the time allotted to the call is over"},
        cause=Cause.NO_ANSWER,
        unrung=Cause.UNREACHABLE,
    )
    | _rows(
        {
            "PROGRESS_TIMEOUT": "no sign of progress in time",
            "USER_NOT_REGISTERED": "the phone is not registered",
        },
        cause=Cause.UNREACHABLE,
    )
    | _rows({"BOWOUT": "a loopback leg took itself out of the call"}, cause=Cause.UNKNOWN)
    | _rows(
        {
            "BAD_IDENTITY_INFO": "bad identity info",
            "CRASH": "the PBX crashed",
            "GATEWAY_DOWN": "the gateway is down",
            "INVALID_GATEWAY": "no such gateway",
            "INVALID_IDENTITY": "invalid identity",
            "INVALID_PROFILE": "no such profile",
            "INVALID_URL": "the dial string is no address",
            "MEDIA_TIMEOUT": "no media came in time",
            "NOT_ACCEPTABLE": "not acceptable",
            "NO_IDENTITY": "identity missing",
            "NO_PICKUP": "nothing to pick up",
            "SRTP_READ_ERROR": "encrypted media could not be read",
            "STALE_DATE": "identity out of date",
            "SYSTEM_SHUTDOWN": "the PBX is shutting down",
            "UNSUPPORTED_CERTIFICATE": "unsupported certificate",
            "USER_CHALLENGE": "our own credentials were asked for",
        },
        cause=Cause.FAILED,
    )
)
"""
Name of a hangup cause -> what it means.

Names with a Q.850 number mean what that means. Give the name and never `hangup_cause_q850`: FreeSWITCH shows all names
of its own there as 16, also a decline.
"""

# ---------------------------------------------------------------------------- Twilio

TWILIO: Final = _table(
    _rows({"completed": "was answered, and ended"}, cause=Cause.NORMAL)
    | _rows({"busy": "busy signal"}, cause=Cause.BUSY)
    | _rows({"no-answer": "ended without an answer"}, cause=Cause.NO_ANSWER, unrung=Cause.UNREACHABLE)
    | _rows({"failed": "could not be completed as dialed"}, cause=Cause.FAILED)
    | _rows({"canceled": "cancelled while queued or ringing"}, cause=Cause.CANCELLED)
)
"""Final status of a call -> what it means. The others (`queued`, `ringing`, `in-progress`) end nothing."""

TWILIO_ERRORS: Final = _table(
    _rows({10004: "call concurrency limit exceeded"}, cause=Cause.CONGESTED)
    | _rows({13226: "invalid country code"}, cause=Cause.INVALID_NUMBER)
    | _rows(
        {
            10001: "account not active",
            13214: "invalid caller id",
            13225: "forbidden number",
            13227: "no permission for this country",
            32011: "your SIP infrastructure did not answer",
            32205: "no permission for this country",
            32224: "forwarded call blocked",
        },
        cause=Cause.FAILED,
    )
    # 13224 also comes for a valid number whose carrier has an outage: it must not end a promise.
    | _rows(
        {13224: "number invalid or out of reach", 32009: "SIP user not registered"}, cause=Cause.UNREACHABLE
    )
)
"""Error code of a call that was placed -> what it means. An error in the reply to your request is a refused dial."""

# ---------------------------------------------------------------------------- who answered

ANSWERED_BY: Final[Mapping[str, AnsweredBy]] = MappingProxyType(
    {
        "human": AnsweredBy.HUMAN,
        "machine": AnsweredBy.MACHINE,
        "machine_start": AnsweredBy.MACHINE,
        "machine_end_beep": AnsweredBy.MACHINE,
        "machine_end_silence": AnsweredBy.MACHINE,
        "machine_end_other": AnsweredBy.MACHINE,
        "fax": AnsweredBy.FAX,
        "notsure": AnsweredBy.UNKNOWN,
        "hangup": AnsweredBy.UNKNOWN,
        "unknown": AnsweredBy.UNKNOWN,
    }
)
"""Result of a detector of answering machines, in lower case: `AMDSTATUS` of Asterisk, `AnsweredBy` of Twilio."""


def amd_answered_by(status: str | None) -> AnsweredBy:
    """
    Say who answered, by the result of a detector of answering machines. A result that is not known is UNKNOWN.

    >>> amd_answered_by("MACHINE"), amd_answered_by("NOTSURE"), amd_answered_by(None)
    (<AnsweredBy.MACHINE: 'machine'>, <AnsweredBy.UNKNOWN: 'unknown'>, <AnsweredBy.UNKNOWN: 'unknown'>)
    """
    return ANSWERED_BY.get(_text(status).lower(), AnsweredBy.UNKNOWN)


# ---------------------------------------------------------------------------- reading a code


def q850_cause(code: Code, *, rang: bool, answered: bool, by_us: bool) -> Cause:
    """
    Read a Q.850 code where no SIP code is known.

    >>> q850_cause(19, rang=True, answered=False, by_us=False)
    <Cause.NO_ANSWER: 'no_answer'>
    >>> q850_cause(19, rang=False, answered=False, by_us=False)
    <Cause.UNREACHABLE: 'unreachable'>
    """
    return _cause(Q850.get(_number(code)), rang=rang, answered=answered, by_us=by_us)


def sip_cause(code: Code, *, rang: bool, answered: bool, by_us: bool) -> Cause:
    """
    Read the SIP response that ended our INVITE.

    >>> sip_cause(603, rang=True, answered=False, by_us=False)
    <Cause.REJECTED: 'rejected'>
    >>> sip_cause("404", rang=False, answered=False, by_us=False)
    <Cause.INVALID_NUMBER: 'invalid_number'>
    """
    return _cause(SIP.get(_number(code)), rang=rang, answered=answered, by_us=by_us)


def ari_cause(cause: Code, *, tech_cause: Code = None, rang: bool, answered: bool, by_us: bool) -> Cause:
    """
    Read the `cause` of Asterisk's `ChannelDestroyed`. Never read an outcome from a `dialstatus`.

    Args:
        tech_cause: the SIP code that came with it, where there is one. It is looked at where the cause speaks of the
            network, or says nothing.
        rang: RINGING was seen. A phone that is not there has the same cause as one that nobody picked up.
        answered: the channel was Up.
        by_us: you had sent DELETE. A status 204 says only that the channel will end: it may still be answered.

    HTTP status 500 `Allocation failed` comes with no event, and is no cause: raise `DialRefused`.

    >>> ari_cause(127, tech_cause=607, rang=True, answered=False, by_us=False)
    <Cause.REJECTED: 'rejected'>
    >>> ari_cause(17, rang=True, answered=False, by_us=True)
    <Cause.CANCELLED: 'cancelled'>
    >>> ari_cause(16, rang=True, answered=True, by_us=False)
    <Cause.NORMAL: 'normal'>
    """
    number = _number(cause)
    row = ASTERISK.get(number) or Q850.get(number)
    return _cause(_finer(row, sip=tech_cause, answered=answered), rang=rang, answered=answered, by_us=by_us)


def freeswitch_cause(
    hangup_cause: str | None, *, sip: Code = None, rang: bool, answered: bool, by_us: bool
) -> Cause:
    """
    Read a `Hangup-Cause` of FreeSWITCH, or what follows `-ERR` in the result of a job.

    Args:
        sip: the SIP code, `sip_term_status` or `sip_invite_failure_status`. It is looked at where the cause speaks of
            the network, or says nothing.
        rang: CHANNEL_PROGRESS was seen.
        answered: CHANNEL_ANSWER was seen. Do not ask the job: it may say `-ERR` although that had come.
        by_us: you had sent `uuid_kill`.

    >>> freeswitch_cause("NO_USER_RESPONSE", sip=480, rang=False, answered=False, by_us=False)
    <Cause.UNREACHABLE: 'unreachable'>
    >>> freeswitch_cause("-ERR NORMAL_CLEARING", rang=True, answered=True, by_us=True)
    <Cause.NORMAL: 'normal'>
    """
    row = FREESWITCH.get(_text(hangup_cause).upper().removeprefix("-ERR").strip())
    return _cause(_finer(row, sip=sip, answered=answered), rang=rang, answered=answered, by_us=by_us)


def twilio_cause(
    status: str | None, *, sip: Code = None, error: Code = None, rang: bool, by_us: bool
) -> Cause:
    """
    Read the final `CallStatus` of Twilio. Whether the call was answered is in the status.

    Args:
        sip: `SipResponseCode`, if there is one: it is finer than the status.
        error: `ErrorCode`, if there is one: it is finer than both.
        rang: the status callback `ringing` came; subscribe to it.
        by_us: you had asked for the end.

    >>> twilio_cause("busy", sip="603", rang=True, by_us=False)
    <Cause.REJECTED: 'rejected'>
    >>> twilio_cause("failed", error=13226, rang=False, by_us=False)
    <Cause.INVALID_NUMBER: 'invalid_number'>
    """
    row = TWILIO.get(_text(status).lower())
    answered = row is not None and row.cause is Cause.NORMAL
    if row is not None and row.cause not in _SAYS_NOTHING_NEW:
        said = TWILIO_ERRORS.get(_number(error)) or SIP.get(_number(sip))
        row = said if said is not None and said.cause not in _SAYS_NOTHING_NEW else row
    return _cause(row, rang=rang, answered=answered, by_us=by_us)


def _cause(row: CauseRow | None, *, rang: bool, answered: bool, by_us: bool) -> Cause:
    if by_us:
        return Cause.NORMAL if answered else Cause.CANCELLED
    if row is None:
        return Cause.UNKNOWN
    if answered:
        return Cause.FAILED if row.fault else Cause.NORMAL
    return row.cause if rang or row.unrung is None else row.unrung


def _finer(row: CauseRow | None, *, sip: Code, answered: bool) -> CauseRow | None:
    """
    Return the row of the SIP code, where that says more than the PBX's own *row*.

    What the PBX says of the customer stands: it may rest on a Q.850 reason that came beside the SIP code. What it says
    of the network is coarse. The SIP code of an answered leg is the 200 of its answer, and says nothing of its end.
    """
    code = _number(sip)
    said = SIP.get(code)
    if said is None or answered:
        return row
    if row is None or row.cause is Cause.UNKNOWN or code in SIP_DECIDES:
        return said
    return said if row.cause in _OF_THE_NETWORK and said.cause not in _SAYS_NOTHING_NEW else row


def _number(code: Code) -> int:
    """Return the code as a number; -1, which no table has, where it is none."""
    if isinstance(code, int) and not isinstance(code, bool):
        return code
    text = _text(code)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else -1


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
