"""
Checkers of the outbox: the provider's own account of what it took, held against what callbackq's rows say.

The rule of `checkers` holds here too: nothing is taken from callbackq but the accounts.

A *line of the provider* has `at`, `what` (taken, undelivered) and `send_id`. `undelivered` is what it said for
certain of a message that it had taken: only that permits another send of the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from callbackq.testing.checkers import Finding, Findings

SENT_TWICE = "message sent twice"
TOLD_TWICE = "cause told twice"
NO_INTENT = "message sent that nobody gave out"
AFTER_OPT_OUT = "message sent after an opt-out"
UNACCOUNTED = "message not accounted for"
END_UNTRUE = "message said to have ended otherwise"
UNSEEN = "message forgotten"


@attrs.frozen(kw_only=True)
class OutboxEvidence:
    """
    The accounts of one run of an outbox.

    Args:
        provider: the provider's lines, in its order.
        history: every event of the store, oldest first.
        messages: every message's row, as it is at the end.
        ended_at: when the run was over.
        in_flight_max: so long after an opt-out a message may still be taken that was on its way.
        settled_by_hand: the ids of messages whose end a person said.
    """

    provider: Sequence[Any]
    history: Sequence[Any]
    messages: Sequence[Any]
    ended_at: datetime
    in_flight_max: timedelta = timedelta(0)
    settled_by_hand: frozenset[str] = frozenset()


def check_outbox(evidence: OutboxEvidence) -> Findings:
    """Run every check of the outbox. Cost: one pass over each account."""
    provider, history, messages = evidence.provider, evidence.history, evidence.messages
    return Findings(
        (
            *sends_taken_twice(provider),
            *causes_told_twice(provider, messages=messages),
            *sent_without_intent(provider, history=history),
            *sent_after_opt_out(
                provider, history=history, messages=messages, in_flight_max=evidence.in_flight_max
            ),
            *unaccounted(messages, ended_at=evidence.ended_at),
            *forgotten(messages, history=history),
            *ends_untrue(provider, messages=messages, settled_by_hand=evidence.settled_by_hand),
        )
    )


def sends_taken_twice(provider: Iterable[Any]) -> list[Finding]:
    """No send id reaches the provider twice: it need not know how to leave out the second."""
    counted = Counter(str(line.send_id) for line in provider if line.what == "taken")
    return [
        Finding(check=SENT_TWICE, what=f"{count} times", which=send_id, at=None)
        for send_id, count in counted.items()
        if count > 1
    ]


def causes_told_twice(provider: Iterable[Any], *, messages: Iterable[Any]) -> list[Finding]:
    """What one cause tells is taken once; again only where the provider said that it did not arrive."""
    rows = list(messages)
    findings: list[Finding] = []
    causes = Counter(str(row.cause) for row in rows)
    for cause, count in causes.items():
        if count > 1:
            findings.append(Finding(check=TOLD_TWICE, what=f"{count} messages", which=cause, at=None))
    cause_of: dict[str, str] = {str(row.message_id): str(row.cause) for row in rows}
    standing: dict[str, str] = {}
    for line in provider:
        send_id = str(line.send_id)
        cause = cause_of.get(_message_of(send_id), send_id)
        before = standing.get(cause)
        if line.what == "undelivered":
            if before == send_id:
                del standing[cause]
            continue
        if before is not None:
            findings.append(
                Finding(check=TOLD_TWICE, what=f"by {send_id} after {before}", which=cause, at=line.at)
            )
        standing[cause] = send_id
    return findings


def sent_without_intent(provider: Iterable[Any], *, history: Iterable[Any]) -> list[Finding]:
    """Before the provider takes a message, the history says that it was given out: once for each send."""
    given: dict[str, datetime] = {}
    findings: list[Finding] = []
    for event in history:
        if event.kind != "message_sending":
            continue
        send_id = f"{event.message_id}.{event.sends_count}"
        if send_id in given:
            findings.append(Finding(check=NO_INTENT, what="given out twice", which=send_id, at=event.at))
        given[send_id] = event.at
    findings += [
        Finding(check=NO_INTENT, what="taken", which=line.send_id, at=line.at)
        for line in provider
        if line.what == "taken" and (line.send_id not in given or line.at < given[line.send_id])
    ]
    return findings


def sent_after_opt_out(
    provider: Iterable[Any], *, history: Iterable[Any], messages: Iterable[Any], in_flight_max: timedelta
) -> list[Finding]:
    """Who wants no messages gets none, but one that confirms it."""
    said: defaultdict[str, list[tuple[datetime, bool]]] = defaultdict(list)
    for event in history:
        if event.kind == "opt_out_changed":
            said[event.number_key].append((event.at, event.messages_at is not None))
    rows = {row.message_id: row for row in messages}
    findings: list[Finding] = []
    confirmed: Counter[tuple[str, datetime]] = Counter()
    for line in provider:
        row = rows.get(_message_of(line.send_id))
        if line.what != "taken" or row is None:
            continue
        words = [word for word in said.get(row.address_key, ()) if word[0] <= line.at]
        if not words or not words[-1][1]:
            continue
        at = words[-1][0]
        if row.message_kind == "opted_out":
            confirmed[row.address_key, at] += 1
            if confirmed[row.address_key, at] > 1:
                findings.append(
                    Finding(check=AFTER_OPT_OUT, what="confirmed again", which=line.send_id, at=line.at)
                )
        elif line.at - at > in_flight_max:
            what = f"{row.message_kind}, {(line.at - at).total_seconds():.0f} s later"
            findings.append(Finding(check=AFTER_OPT_OUT, what=what, which=line.send_id, at=line.at))
    return findings


def unaccounted(messages: Iterable[Any], *, ended_at: datetime) -> list[Finding]:
    """Every message has ended, or waits for a stated time that is to come."""
    findings: list[Finding] = []
    for row in messages:
        if row.state == "ended":
            if row.ended_as is None or row.ended_at is None or row.due_at is not None:
                findings.append(
                    Finding(check=UNACCOUNTED, what="ended without an end", which=row.message_id, at=ended_at)
                )
        elif row.due_at is None or row.due_at < ended_at:
            what = f"{row.state}, due {row.due_at}"
            findings.append(Finding(check=UNACCOUNTED, what=what, which=row.message_id, at=ended_at))
    return findings


def forgotten(messages: Iterable[Any], *, history: Iterable[Any]) -> list[Finding]:
    """Whatever was queued has a row still."""
    known = {row.message_id for row in messages}
    return [
        Finding(check=UNSEEN, what=str(event.message_kind), which=event.message_id, at=event.at)
        for event in history
        if event.kind == "message_queued" and event.message_id not in known
    ]


def ends_untrue(
    provider: Iterable[Any], *, messages: Iterable[Any], settled_by_hand: frozenset[str] = frozenset()
) -> list[Finding]:
    """
    No row says that a message was sent which the provider never had, nor that one was not which it has taken.

    Not looked at: ends that a person said, and ends that say that nobody knows.
    """
    taken: set[str] = set()
    undelivered: set[str] = set()
    for line in provider:
        (undelivered if line.what == "undelivered" else taken).add(line.send_id)
    has_it = {_message_of(send_id) for send_id in taken - undelivered}
    findings: list[Finding] = []
    for row in messages:
        if row.message_id in settled_by_hand:
            continue
        if row.ended_as in ("sent", "delivered") and not any(
            f"{row.message_id}.{number}" in taken for number in range(1, row.sends_count + 1)
        ):
            what = f"{row.ended_as}, and was never taken"
        elif row.ended_as in ("withdrawn", "failed") and row.message_id in has_it:
            what = f"{row.ended_as} ({row.problem}), and was taken"
        else:
            continue
        findings.append(Finding(check=END_UNTRUE, what=what, which=row.message_id, at=row.ended_at))
    return findings


def _message_of(send_id: str) -> str:
    return send_id.rpartition(".")[0]
