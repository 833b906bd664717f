"""
Every figure, once.

"Callbacks" are all that were promised, through whatever channel, but those that were merged into another one: that is
the same promise. Live calls count by when they entered, callbacks by when they were asked for. `DEFINITIONS` holds the
figures by name, in the order in which they are shown; the reference page is made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from callbackq.core.metrics.costs import COSTS
from callbackq.core.metrics.counts import ANSWERED_WITHIN, PUNCTUAL_WITHIN, QUEUED_AFTER, Counts
from callbackq.core.metrics.definition import Definition
from callbackq.core.metrics.working import Worked, number, ratio, told
from callbackq.model.figures import FigureGroup, FigureUnit, HostFigures, Target

_G, _U = FigureGroup, FigureUnit
_QUEUED_S = int(QUEUED_AFTER.total_seconds())
_WITHIN_S = int(ANSWERED_WITHIN.total_seconds())
_PUNCTUAL_MIN = int(PUNCTUAL_WITHIN.total_seconds() // 60)

_SCORES: Final = "report scores, by `service.report_score(callback_id, score=...)`"
_RESOLUTION: Final = "report what was resolved, by `service.report_score(callback_id, resolved=...)`"


def _occupancy(counts: Counts, host: HostFigures) -> Worked:
    talk_s = (counts.call_talk_us + counts.callback_talk_us + counts.connecting_us) / 1e6
    if host.staffed_s is None:
        return Worked(None, talk_s, None, told("staffed_s") + "; it counts for the whole alone")
    if talk_s > host.staffed_s or not host.staffed_s:
        return Worked(None, talk_s, host.staffed_s, "staffed_s is less than the time that agents were busy")
    return Worked(talk_s / host.staffed_s, talk_s, host.staffed_s)


def _score(counts: Counts, _host: HostFigures) -> Worked:
    total = counts.score_millionths / 1e6
    if not counts.scored:
        return Worked(None, total, 0.0, _SCORES)
    return Worked(total / counts.scored, total, float(counts.scored))


def _talk_time(counts: Counts, _host: HostFigures) -> Worked:
    talks = counts.call_talks + counts.callback_talks
    talk_s = (counts.call_talk_us + counts.callback_talk_us) / 1e6
    return Worked(talk_s / talks if talks else None, talk_s, float(talks))


def _contacts(counts: Counts, _host: HostFigures) -> Worked:
    return Worked(float(counts.call_contacts + counts.callbacks))


def _billable(counts: Counts, _host: HostFigures) -> Worked:
    return Worked((counts.call_talk_us + counts.callback_talk_us) / 1e6)


def _open(counts: Counts, _host: HostFigures) -> Worked:
    return Worked(float(counts.callbacks - counts.settled))


def _outcome(name: str, title: str, formula: str, *, choice: str | None = None) -> Definition:
    return Definition(
        name=name,
        title=title,
        group=_G.SUCCESS,
        unit=_U.COUNT,
        formula=formula,
        source="the outcomes of callbacks",
        choice=choice,
        work=number(name),
    )


_VOLUME: Final = (
    Definition(
        name="inbound_calls",
        title="Total inbound calls",
        group=_G.VOLUME,
        unit=_U.COUNT,
        formula="live calls that joined a queue",
        source="S2",
        work=number("inbound"),
    ),
    Definition(
        name="queued_calls",
        title="Calls that had to wait",
        group=_G.VOLUME,
        unit=_U.COUNT,
        formula=f"live calls that no agent took within {_QUEUED_S} s, and whose wait is over",
        source="S2",
        choice=f"S2 does not say how long a wait makes a queued call: here it is more than {_QUEUED_S} s",
        work=number("queued"),
    ),
    Definition(
        name="offers",
        title="Callback offers presented",
        group=_G.VOLUME,
        unit=_U.COUNT,
        formula="live calls to which a callback was offered, once or more often",
        denominator="inbound_calls",
        source="S2",
        choice="a caller to whom it is offered twice counts once: else the share could pass 1",
        target=Target(more_than=0.30, of="inbound_calls", source="S2"),
        work=number("offered", of="inbound"),
    ),
    Definition(
        name="accepted",
        title="Callbacks accepted",
        group=_G.VOLUME,
        unit=_U.COUNT,
        formula="live calls to which a callback was offered, and which became one by the caller's wish",
        denominator="offers",
        source="S2",
        target=Target(more_than=0.70, of="offers", source="S2"),
        work=number("accepted", of="offered"),
    ),
    Definition(
        name="callbacks",
        title="Callbacks promised",
        group=_G.VOLUME,
        unit=_U.COUNT,
        formula="callbacks, through all channels",
        source="callbackq",
        work=number("callbacks"),
    ),
    Definition(
        name="scheduled",
        title="Scheduled callbacks requested",
        group=_G.VOLUME,
        unit=_U.COUNT,
        formula="callbacks for a chosen time",
        source="S2",
        choice="as it is by now: one that was given a time later is scheduled",
        work=number("scheduled"),
    ),
    Definition(
        name="immediate_executed",
        title="Immediate callbacks executed",
        group=_G.VOLUME,
        unit=_U.COUNT,
        formula="callbacks without a chosen time whose customer was dialed, once or more often",
        source="S2",
        choice="executed means dialed, whatever came of it: S2 has the answer rate for the rest",
        work=number("immediate_executed"),
    ),
    Definition(
        name="executed",
        title="Callbacks executed",
        group=_G.VOLUME,
        unit=_U.COUNT,
        formula="callbacks whose customer was dialed, once or more often",
        source="callbackq",
        work=number("executed"),
    ),
    Definition(
        name="answered",
        title="Callbacks answered",
        group=_G.VOLUME,
        unit=_U.COUNT,
        formula="callbacks whose customer answered an attempt: no machine, no fax, nobody else",
        source="callbackq",
        work=number("answered"),
    ),
    Definition(
        name="completed",
        title="Callbacks completed",
        group=_G.VOLUME,
        unit=_U.COUNT,
        formula="callbacks in which agent and customer could hear each other",
        source="callbackq",
        work=number("completed"),
    ),
    Definition(
        name="contacts",
        title="Contacts",
        group=_G.VOLUME,
        unit=_U.COUNT,
        formula=(
            "callbacks, and live calls that became none: a callback, the call it was made from, all its attempts, and "
            "calls of a customer who waited for it are one contact"
        ),
        source="S4",
        choice="other products count the first call as abandoned, and each attempt as a call of its own",
        work=_contacts,
    ),
    Definition(
        name="attempts",
        title="Attempts",
        group=_G.VOLUME,
        unit=_U.COUNT,
        formula="attempts to connect an agent and a customer; announcements are none",
        source="callbackq",
        work=number("attempts"),
    ),
    Definition(
        name="served_calls",
        title="Live calls served",
        group=_G.VOLUME,
        unit=_U.COUNT,
        formula="live calls that an agent took",
        source="callbackq",
        work=number("served"),
    ),
    Definition(
        name="abandoned_calls",
        title="Live calls abandoned",
        group=_G.VOLUME,
        unit=_U.COUNT,
        formula="live calls whose caller hung up before an agent came, and asked for no callback",
        source="S2, S4",
        choice=(
            "nothing that happens to a callback is an abandon. Who hung up and was called back unasked, by "
            "`abandoned_wait_min`, has abandoned the live call"
        ),
        work=number("abandoned"),
    ),
    Definition(
        name="merged",
        title="Requests merged",
        group=_G.VOLUME,
        unit=_U.COUNT,
        formula="requests for a callback by people who had one: they are the same promise, and in no other figure",
        source="callbackq",
        work=number("merged"),
    ),
)

_SUCCESS: Final = (
    Definition(
        name="adoption_rate",
        title="Callback adoption rate",
        group=_G.SUCCESS,
        unit=_U.RATIO,
        formula="queued calls that became callbacks by the caller's wish ÷ queued calls",
        denominator="queued_calls",
        source="S2",
        target=Target(more_than=0.40, source="S2"),
        work=ratio("adopted", "queued"),
    ),
    Definition(
        name="acceptance_rate",
        title="Callback acceptance rate",
        group=_G.SUCCESS,
        unit=_U.RATIO,
        formula="accepted ÷ offers",
        denominator="offers",
        source="S2",
        target=Target(more_than=0.70, source="S2"),
        work=ratio("accepted", "offered"),
    ),
    Definition(
        name="answer_rate",
        title="Callback answer rate",
        group=_G.SUCCESS,
        unit=_U.RATIO,
        formula="callbacks whose customer answered an attempt ÷ callbacks that were dialed; of those that have ended",
        denominator="executed callbacks that have ended",
        source="S2",
        choice="counted by callback, not by attempt: who answers the second attempt was reached",
        target=Target(more_than=0.85, source="S2"),
        work=ratio("answered_settled", "executed_settled"),
    ),
    Definition(
        name="resolution_rate",
        title="Callback-to-resolution rate",
        group=_G.SUCCESS,
        unit=_U.RATIO,
        formula="completed callbacks reported as resolved ÷ completed callbacks of which it was reported",
        denominator="completed callbacks with a reported resolution",
        source="S2",
        target=Target(more_than=0.90, source="S2"),
        work=ratio("resolved", "resolution_known", missing=_RESOLUTION),
    ),
    Definition(
        name="first_call_resolution",
        title="First-call resolution (callbacks)",
        group=_G.SUCCESS,
        unit=_U.RATIO,
        formula=(
            "completed callbacks reported as resolved that follow on no earlier one ÷ completed callbacks of which it "
            "was reported"
        ),
        denominator="completed callbacks with a reported resolution",
        source="S2",
        choice=(
            "a callback that was asked for soon after another one (`follows_id`) is not the first call, however it "
            "ends, and a ticket that was opened again (`service.reopen_ticket`) was not resolved; so this is at most "
            "the resolution rate"
        ),
        target=Target(more_than=0.80, source="S2"),
        work=ratio("resolved_at_first", "resolution_known", missing=_RESOLUTION),
    ),
    Definition(
        name="csat",
        title="Callback CSAT",
        group=_G.SUCCESS,
        unit=_U.SCORE,
        formula="mean of the scores that were reported of callbacks",
        denominator="callbacks with a reported score",
        source="S2",
        choice="the target of 4.5 is of 5; with another `scores_max` it is the same share of that",
        target=Target(more_than=4.5, source="S2"),
        work=_score,
    ),
    Definition(
        name="abandon_rate",
        title="Abandoned call rate",
        group=_G.SUCCESS,
        unit=_U.RATIO,
        formula="live calls abandoned ÷ live calls whose wait is over",
        denominator="live calls that were served, became a callback, or ended in another way",
        source="S2",
        choice=(
            "S2 says with callbacks: so who took one stands below the line. The abandon ratio of the glossary, which "
            "planning uses, leaves them out"
        ),
        target=Target(less_than=0.05, source="S2"),
        work=ratio("abandoned", "decided"),
    ),
    Definition(
        name="hold_to_callback_rate",
        title="Hold-to-callback conversion rate",
        group=_G.SUCCESS,
        unit=_U.RATIO,
        formula="accepted ÷ offers",
        denominator="offers",
        source="S2",
        choice="S2's own day has 85 of 120 = 71 %: it is the acceptance rate under another name",
        target=Target(more_than=0.70, source="S2"),
        work=ratio("accepted", "offered"),
    ),
    Definition(
        name="completion_rate",
        title="Callbacks completed, of all that ended",
        group=_G.SUCCESS,
        unit=_U.RATIO,
        formula="completed callbacks ÷ callbacks that have ended",
        denominator="callbacks that have ended",
        source="callbackq",
        work=ratio("completed", "settled"),
    ),
    Definition(
        name="service_level",
        title=f"Service level ({_WITHIN_S} s)",
        group=_G.SUCCESS,
        unit=_U.RATIO,
        formula=f"live calls that an agent took within {_WITHIN_S} s ÷ live calls whose wait is over",
        denominator="live calls that were served, became a callback, or ended in another way",
        source="the field",
        choice="every abandoned caller stands below the line, and so does who took a callback",
        work=ratio("answered_within", "decided"),
    ),
    Definition(
        name="occupancy",
        title="Occupancy",
        group=_G.SUCCESS,
        unit=_U.RATIO,
        formula="(time in conversations + time that agents were kept for attempts) ÷ HostFigures.staffed_s",
        denominator="the time that agents were signed in, as the host gives it",
        source="the field",
        choice=(
            "agents have a history by agent and none by time, so it would be read from end to end: the staffed time "
            "comes from the host. Wrap-up is not in it"
        ),
        work=_occupancy,
    ),
    Definition(
        name="attempts_per_success",
        title="Attempts per completed callback",
        group=_G.SUCCESS,
        unit=_U.COUNT,
        formula="attempts whose customer was dialed ÷ completed callbacks",
        denominator="completed",
        source="callbackq",
        work=ratio("dials", "completed"),
    ),
    _outcome("cancelled", "Cancelled", "callbacks that the customer or somebody for them cancelled"),
    _outcome("expired", "Expired", "callbacks whose life was over before they were done"),
    _outcome("unreached", "Not reached", "callbacks given up after the attempts that policy allows"),
    _outcome(
        "declined_by_agents",
        "Declined by agents",
        "callbacks that agents declined until policy gave up",
        choice="other products call this abandoned; here no callback is",
    ),
    _outcome("refused_by_rule", "Refused by a rule", "callbacks that a rule forbade for good"),
    _outcome(
        "served_elsewhere",
        "Served in another way",
        "callbacks whose customer called in, or was reached by somebody in another way",
    ),
    Definition(
        name="callbacks_open",
        title="Not ended yet",
        group=_G.SUCCESS,
        unit=_U.COUNT,
        formula="callbacks that have not ended: their figures will still change",
        source="callbackq",
        work=_open,
    ),
)

_WAITS: Final = (
    Definition(
        name="callback_wait",
        title="Avg callback wait time",
        group=_G.WAITS,
        unit=_U.SECONDS,
        formula="mean time from the request until both can hear each other, of callbacks without a chosen time",
        denominator="completed callbacks without a chosen time",
        source="S2",
        choice="the wait of a customer ends with the conversation, not with the first attempt",
        target=Target(less_than=900.0, source="S2"),
        work=ratio("wait_us", "waits"),
    ),
    Definition(
        name="request_to_call",
        title="Avg time from callback request to call",
        group=_G.WAITS,
        unit=_U.SECONDS,
        formula=(
            "mean time from the request until the first attempt that dialed the customer, of callbacks without a "
            "chosen time"
        ),
        denominator="executed callbacks without a chosen time",
        source="S2",
        target=Target(less_than=900.0, source="S2"),
        work=ratio("first_call_us", "first_calls"),
    ),
    Definition(
        name="speed_of_answer",
        title="Avg speed of answer (live calls)",
        group=_G.WAITS,
        unit=_U.SECONDS,
        formula="mean wait of live calls that an agent took",
        denominator="served_calls",
        source="the field",
        work=ratio("answer_wait_us", "served"),
    ),
    Definition(
        name="talk_time",
        title="Avg conversation",
        group=_G.WAITS,
        unit=_U.SECONDS,
        formula="mean time in conversation, of live calls and of callbacks",
        denominator="conversations that are over",
        source="the field",
        choice="it is the talk of the AHT; wrap-up is not in it",
        work=_talk_time,
    ),
    Definition(
        name="billable_time",
        title="Served time",
        group=_G.WAITS,
        unit=_U.SECONDS,
        formula="time in conversations, of live calls and of callbacks",
        source="S4",
        choice="only served time is billable: no wait, no attempt, no ringing",
        work=_billable,
    ),
    Definition(
        name="hold_time_saved",
        title="Time on hold saved",
        group=_G.WAITS,
        unit=_U.SECONDS,
        formula=(
            "time from the request until both can hear each other, of completed callbacks that were made from a live "
            "call and have no chosen time: so long the callers would have held"
        ),
        source="S2",
        work=number("hold_saved_us"),
    ),
)

_PROMISES: Final = (
    Definition(
        name="punctuality",
        title="Punctual at the chosen time",
        group=_G.PROMISES,
        unit=_U.RATIO,
        formula=f"completed callbacks connected within {_PUNCTUAL_MIN} min of the chosen time ÷ completed callbacks "
        "with one",
        denominator="completed callbacks for a chosen time",
        source="callbackq",
        work=ratio("punctual", "timed"),
    ),
    Definition(
        name="lateness",
        title="Avg lateness at the chosen time",
        group=_G.PROMISES,
        unit=_U.SECONDS,
        formula="mean time from the chosen time until both can hear each other; negative where they were early",
        denominator="completed callbacks for a chosen time",
        source="callbackq",
        work=ratio("late_us", "timed"),
    ),
    Definition(
        name="quote_error",
        title="Avg error of quoted waits",
        group=_G.PROMISES,
        unit=_U.SECONDS,
        formula="mean distance between the wait that was quoted and the one that came",
        denominator="completed callbacks without a chosen time to which a wait was quoted",
        source="callbackq",
        work=ratio("quote_distance_us", "quoted"),
    ),
    Definition(
        name="quote_bias",
        title="Bias of quoted waits",
        group=_G.PROMISES,
        unit=_U.SECONDS,
        formula="mean of the quoted wait less the one that came; positive where it was shorter than said",
        denominator="completed callbacks without a chosen time to which a wait was quoted",
        source="callbackq",
        work=ratio("quote_error_us", "quoted"),
    ),
    Definition(
        name="quote_coverage",
        title="Waits within the quoted range",
        group=_G.PROMISES,
        unit=_U.RATIO,
        formula="waits within the range that was quoted ÷ waits for which one was",
        denominator="completed callbacks without a chosen time to which a range was quoted",
        source="callbackq",
        work=ratio("within_range", "ranged"),
    ),
    Definition(
        name="overtakes",
        title="Places overtaken",
        group=_G.PROMISES,
        unit=_U.COUNT,
        formula="places that were ready when one of their class behind them was served: once for each",
        source="callbackq",
        work=number("overtakes"),
    ),
    Definition(
        name="overtaking_rate",
        title="Served before somebody ahead",
        group=_G.PROMISES,
        unit=_U.RATIO,
        formula="live calls and callbacks that overtook somebody ÷ those that were served or attempted",
        denominator="live calls that an agent took, and callbacks that were attempted",
        source="callbackq",
        work=ratio("overtaking", "started"),
    ),
)

DEFINITIONS: Final[Mapping[str, Definition]] = MappingProxyType(
    {one.name: one for one in (*_VOLUME, *_SUCCESS, *_WAITS, *_PROMISES, *COSTS)}
)
"""All figures by name, in the order in which they are shown."""
