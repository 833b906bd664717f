"""
Checkers that trust nobody: they hold what was told and what happened against what was promised.

The rule: nothing here is taken from callbackq, not even a word. A checker reads three accounts by the names of
their fields: the carrier's own log of legs, the world's journal of what happened to people, and the store's
history and rows. Each check is one function that returns what it found; finding nothing is an empty list.
Every check is one pass in the order of the account, O(n log n) at most.

A *line of the carrier* has `at`, `what` (dialed, ringing, answered, bridged, ended), `leg_id`, `role`, `number`,
`callback_id`, `cause`. A *line of the world* has `at`, `what` (joined, promised, connected), `call_id`,
`callback_id`, `leg_id`, `skills`. An *event* has `at`, `kind`, `entity`, `state` and the fields of its kind.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, time
from heapq import heappop, heappush
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import attrs

LOST = "promise lost"
NEVER_CONNECTED = "promise said to be kept, and was not"
LEG_TWICE = "leg dialed twice"
NUMBER_TWICE = "number on two live legs"
DIALED_AGAIN = "dialed after being connected"
ATTEMPTS = "attempts over the maximum"
OVERTAKEN = "place overtaken"
TWO_ACTIVE = "two active callbacks of one person"
IN_FLIGHT = "more attempts in flight than agents"
AGENT_TWICE = "agent in two attempts"
ENTRY = "entry time rewritten"
IDLE = "agent left free beside a ready place"
AFTER_HOURS = "dialed outside the permitted hours"

_BY_US = ("agent_unavailable", "cancelled_by_us")
_NOT_YET_JOINED = ("intended", "agent_on_line", "confirming", "customer_on_line", "joining")


@attrs.frozen(kw_only=True)
class Finding:
    """
    One thing that must not happen, and did.

    Args:
        check: which rule was broken; one of this module's constants.
        what: what was seen, in words; numbers are masked.
        which: the id of the leg, callback, place or agent.
        at: when.
    """

    check: str
    what: str
    which: str
    at: datetime | None

    def __str__(self) -> str:
        when = self.at.isoformat() if self.at else "at the end"
        return f"{self.check}: {self.which}: {self.what} ({when})"


@attrs.frozen(kw_only=True)
class Evidence:
    """
    The three accounts of one run, and what it was run with.

    Args:
        carrier: the carrier's log, in its order.
        world: the world's journal, in order of time.
        history: every event of the store, oldest first.
        callbacks: every callback's row, as it is at the end.
        ended_at: when the run was over.
        attempts_max: how often policy lets one callback be dialed.
    """

    carrier: Sequence[Any]
    world: Sequence[Any]
    history: Sequence[Any]
    callbacks: Sequence[Any]
    ended_at: datetime
    attempts_max: int


@attrs.frozen
class Findings:
    """All that was found, counted in the three words that matter most to a customer."""

    all: tuple[Finding, ...]

    @property
    def lost(self) -> int:
        """How many promises were neither kept nor ended nor are still due."""
        return self.count(LOST, NEVER_CONNECTED)

    @property
    def double_dialed(self) -> int:
        """How often a customer was, or could have been, called once too often."""
        return self.count(LEG_TWICE, NUMBER_TWICE, DIALED_AGAIN)

    @property
    def overtaken(self) -> int:
        """How often a later place was served while an earlier one of its class was ready."""
        return self.count(OVERTAKEN)

    def count(self, *checks: str) -> int:
        """Count what these checks found."""
        return sum(finding.check in checks for finding in self.all)


def check_all(evidence: Evidence) -> Findings:
    """Run every check."""
    world, carrier, history = evidence.world, evidence.carrier, evidence.history
    return Findings(
        (
            *legs_dialed_twice(carrier),
            *numbers_on_two_legs(carrier),
            *dialed_after_connected(carrier, world=world),
            *attempts_over_max(
                carrier,
                attempts_max=evidence.attempts_max,
                world=world,
                by_us=_ended_by_us(evidence.history),
                announced={one.customer_leg_id for one in history if getattr(one, "announces", None)},
            ),
            *places_overtaken(history),
            *two_active_callbacks(history),
            *attempts_above_agents(history),
            *entries_rewritten(history, callbacks=evidence.callbacks, world=world),
            *promises_lost(world, callbacks=evidence.callbacks, ended_at=evidence.ended_at),
            *agents_left_free(history, world=world),
        )
    )


# ---------------------------------------------------------------------------- the carrier's log


def legs_dialed_twice(carrier: Iterable[Any]) -> list[Finding]:
    """A leg id is dialed at most once."""
    findings: list[Finding] = []
    seen: dict[str, datetime] = {}
    for line in carrier:
        if line.what != "dialed":
            continue
        if line.leg_id in seen:
            what = f"dialed before, at {seen[line.leg_id].isoformat()}"
            findings.append(Finding(check=LEG_TWICE, what=what, which=line.leg_id, at=line.at))
        seen[line.leg_id] = line.at
    return findings


def numbers_on_two_legs(carrier: Iterable[Any]) -> list[Finding]:
    """Never two live customer legs to one number."""
    findings: list[Finding] = []
    live: defaultdict[str, set[str]] = defaultdict(set)
    for line in carrier:
        if line.role != "customer" or line.number is None:
            continue
        legs = live[line.number]
        if line.what == "dialed":
            others = legs - {line.leg_id}
            if others:
                what = f"{_masked(line.number)} is on {min(others)} already"
                findings.append(Finding(check=NUMBER_TWICE, what=what, which=line.leg_id, at=line.at))
            legs.add(line.leg_id)
        elif line.what == "ended":
            legs.discard(line.leg_id)
    return findings


def dialed_after_connected(carrier: Iterable[Any], *, world: Iterable[Any]) -> list[Finding]:
    """Who was connected for a promise is not dialed for it again, unless somebody said that it was no conversation."""
    lines = list(world)
    connected = {line.leg_id for line in lines if line.what == "connected" and line.leg_id is not None}
    corrected = _corrections(lines, "corrected", "settled")
    done: dict[str, datetime] = {}
    findings: list[Finding] = []
    for line in carrier:
        if line.what == "bridged" and line.leg_id in connected:
            done[line.callback_id] = line.at
        elif line.what == "dialed" and line.role == "customer" and line.callback_id in done:
            if any(done[line.callback_id] <= at <= line.at for at in corrected[line.callback_id]):
                continue
            what = f"{_masked(line.number)} was connected before, for {line.callback_id}"
            findings.append(Finding(check=DIALED_AGAIN, what=what, which=line.leg_id, at=line.at))
    return findings


def _corrections(world: Iterable[Any], *words: str) -> defaultdict[str, list[datetime]]:
    """Return when a person said of each callback that it was no conversation, or that the number was another."""
    corrected: defaultdict[str, list[datetime]] = defaultdict(list)
    for line in world:
        if line.what in words:
            corrected[line.callback_id].append(line.at)
    return corrected


def attempts_over_max(
    carrier: Sequence[Any],
    *,
    attempts_max: int,
    world: Iterable[Any] = (),
    told: Mapping[str, datetime] | None = None,
    by_us: Mapping[str, datetime] = MappingProxyType({}),
    announced: Collection[str] = (),
) -> list[Finding]:
    """
    No callback's customer is dialed more often than policy allows, and once more to be told that nobody takes it.

    A leg that we took back before it rang does not count, nor one while whose owner was calling us; and after a
    person's correction counting begins anew.

    Args:
        told: when it was first told of a leg that it rings or is answered, where such a word may be lost.
        by_us: legs of attempts of which it is said that they ended because of us, or of the agent; and when.
        announced: legs of attempts that connect nobody, and only tell the customer something.
    """
    lines = list(world)
    taken_back = _taken_back(carrier, lines, told, by_us)
    corrected = _corrections(lines, "corrected")
    dialed: Counter[tuple[str, bool]] = Counter()
    findings: list[Finding] = []
    for line in carrier:
        if line.what != "dialed" or line.role != "customer" or line.leg_id in taken_back:
            continue
        said = corrected.get(line.callback_id, [])
        tells = line.leg_id in announced
        while said and said[0] <= line.at:
            said.pop(0)
            dialed[line.callback_id, False] = 0
        dialed[line.callback_id, tells] += 1
        count, allowed = dialed[line.callback_id, tells], 1 if tells else attempts_max
        if count > allowed:
            what = f"dialed {count} times{' to be told' if tells else ''}; allowed: {allowed}"
            findings.append(Finding(check=ATTEMPTS, what=what, which=line.callback_id, at=line.at))
    return findings


def _ended_by_us(history: Iterable[Any]) -> dict[str, datetime]:
    """Return the customers' legs of attempts that ended because of us, or of the agent; and when."""
    legs: dict[str, str] = {}
    by_us: dict[str, datetime] = {}
    for event in history:
        if event.kind == "attempt_started":
            legs[event.attempt_id] = event.customer_leg_id
        elif event.kind == "attempt_ended" and event.disposition in _BY_US:
            by_us[legs[event.attempt_id]] = event.at
    return by_us


def _taken_back(
    carrier: Iterable[Any],
    world: Iterable[Any],
    told: Mapping[str, datetime] | None,
    by_us: Mapping[str, datetime],
) -> set[str]:
    """Return the customers' legs that we ended before they rang, or because the customer was calling us just then."""
    calling: defaultdict[str, list[datetime]] = defaultdict(list)
    whose: dict[str, str] = {}
    for line in world:
        if line.what == "joined":
            calling[line.number].append(line.at)
        elif line.what == "promised":
            whose[line.callback_id] = line.number
    dialed_at: dict[str, datetime] = {}
    rang_at, taken_back = dict(told or {}), set[str]()
    for line in carrier:
        if line.role != "customer":
            continue
        if line.what == "dialed":
            dialed_at[line.leg_id] = line.at
        elif line.what in ("ringing", "answered") and told is None:
            rang_at.setdefault(line.leg_id, line.at)
        elif line.what == "ended":
            since: Any = dialed_at.get(line.leg_id, line.at)
            until: Any = max(line.at, by_us.get(line.leg_id, line.at))
            called = any(since <= at <= until for at in calling.get(whose.get(line.callback_id, ""), ()))
            rang = rang_at.get(line.leg_id, line.at) < line.at
            if called or (not rang and (line.cause == "cancelled" or line.leg_id in by_us)):
                taken_back.add(line.leg_id)
    return taken_back


def dialed_after_hours(
    carrier: Iterable[Any],
    *,
    weeks: Mapping[str, Mapping[str, Mapping[int, Sequence[tuple[time, time]]]]],
    asked: Mapping[str, Sequence[tuple[datetime, datetime]]] = MappingProxyType({}),
) -> list[Finding]:
    """
    No customer is dialed while the clock of a place forbids it, unless a call was asked for at about that time.

    Args:
        weeks: for each number: the zones in which it may be, by IANA key; for each of them the days of the week, 0 is
            Monday, with the spans in which it may be dialed, from one time of day until just before another; midnight
            as the end is that of the day. A day that is missing is closed. A number that is missing is always open.
        asked: for each callback: from when until when its customer is called at any hour.
    """
    findings: list[Finding] = []
    for line in carrier:
        if line.what != "dialed" or line.role != "customer":
            continue
        if any(from_at <= line.at < until_at for from_at, until_at in asked.get(line.callback_id, ())):
            continue
        for zone, week in weeks.get(line.number, {}).items():
            local = line.at.astimezone(ZoneInfo(zone))
            spans, clock = week.get(local.weekday(), ()), local.time()
            if not any(opens <= clock and (clock < closes or closes == time(0)) for opens, closes in spans):
                what = f"{_masked(line.number)} was dialed on a {local:%A at %H:%M:%S} in {zone}"
                findings.append(Finding(check=AFTER_HOURS, what=what, which=line.leg_id, at=line.at))
                break
    return findings


# ---------------------------------------------------------------------------- the order of the line


@attrs.define
class _Place:
    """What the history has said of one place so far."""

    key: tuple[str, str]
    queue: str
    priority: int
    lane: int
    ranked_at: datetime
    place_id: str
    ready: bool = False

    def learn(self, event: Any) -> None:
        """Take over what the event says anew."""
        for name in ("queue", "priority", "lane", "ranked_at", "place_id"):
            setattr(self, name, getattr(event, name, getattr(self, name)))
        self.ready = event.state == "waiting"


_Class = tuple[str, int, int]
_FIRST_WORDS = ("call_joined", "callback_requested")
_SERVED = ("call_taken", "callback_attempted")


class _Places:
    """Follows live calls and callbacks through the history."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], _Place] = {}

    def follow(self, event: Any) -> tuple[_Place, bool] | None:
        """Return the place that an event tells of, and whether it was ready before; None for other events."""
        if event.entity not in ("call", "callback"):
            return None
        key = (str(event.entity), event.call_id if event.entity == "call" else event.callback_id)
        place = self._known.get(key)
        if place is None:
            place = self._known[key] = _Place(
                key, event.queue, event.priority, event.lane, event.ranked_at, event.place_id
            )
        was_ready = place.ready
        if event.kind in _FIRST_WORDS or hasattr(event, "ranked_at"):
            place.learn(event)
        else:
            place.ready = event.state == "waiting"
        return place, was_ready


def places_overtaken(history: Iterable[Any]) -> list[Finding]:
    """
    No place is served while an earlier one of its class (queue, priority, lane) is ready.

    Earlier is by `ranked_at`, then by `place_id`; ready is WAITING, as the history says. One finding for each
    service that passed somebody; it names the first who was passed.
    """
    places, findings = _Places(), list[Finding]()
    lines: defaultdict[_Class, list[tuple[datetime, str, tuple[str, str]]]] = defaultdict(list)
    ready: dict[tuple[str, str], tuple[_Class, datetime]] = {}
    for event in history:
        followed = places.follow(event)
        if followed is None:
            continue
        place, was_ready = followed
        class_ = place.queue, place.priority, place.lane
        line = lines[class_]
        if event.kind in _SERVED and was_ready:
            while line and ready.get(line[0][2]) != (class_, line[0][0]):
                heappop(line)
            if line and line[0][:2] < (place.ranked_at, place.place_id):
                what = f"passed by {place.place_id}, which is ranked from {place.ranked_at.isoformat()}"
                findings.append(Finding(check=OVERTAKEN, what=what, which=line[0][1], at=event.at))
        if place.ready:
            ready[place.key] = class_, place.ranked_at
            heappush(line, (place.ranked_at, place.place_id, place.key))
        else:
            ready.pop(place.key, None)
    return findings


# ---------------------------------------------------------------------------- promises


def two_active_callbacks(history: Iterable[Any]) -> list[Finding]:
    """Never two callbacks of one person in one queue that have not ended; one that is merged at once was none."""
    active: dict[tuple[str, str], str] = {}
    whose: dict[str, tuple[str, str]] = {}
    met: dict[str, Finding] = {}
    for event in history:
        if event.kind == "callback_requested":
            person, which = (event.queue, event.subject_id), event.callback_id
            if person in active:
                what = f"{active[person]} has not ended"
                met[which] = Finding(check=TWO_ACTIVE, what=what, which=which, at=event.at)
            active[person], whose[which] = which, person
        elif event.kind == "callback_ended" and active.get(whose[event.callback_id]) == event.callback_id:
            person, found = whose[event.callback_id], met.get(event.callback_id)
            del active[person]
            if found is not None and found.at == event.at and f"{event.merged_into_id} " in found.what:
                active[person] = event.merged_into_id
                del met[event.callback_id]
    return list(met.values())


def entries_rewritten(
    history: Iterable[Any], *, callbacks: Iterable[Any], world: Iterable[Any]
) -> list[Finding]:
    """When a caller first entered the queue is never written anew: not by a callback, and not in its row."""
    joined = {line.call_id: line.at for line in world if line.what == "joined"}
    entered: dict[tuple[str, str], datetime] = {}
    findings: list[Finding] = []

    def hold(key: tuple[str, str], said: datetime, at: datetime | None) -> None:
        first = entered.setdefault(key, said)
        if said != first:
            what = f"entered at {first.isoformat()}, and then at {said.isoformat()}"
            findings.append(Finding(check=ENTRY, what=what, which=key[1], at=at))

    for call_id, at in joined.items():
        entered["call", call_id] = at
    for event in history:
        said = getattr(event, "entered_at", None)
        if said is None:
            continue
        if getattr(event, "call_id", None) is not None:
            hold(("call", event.call_id), said, event.at)
        if event.entity == "callback":
            hold(("callback", event.callback_id), said, event.at)
    for row in callbacks:
        hold(("callback", row.callback_id), row.entered_at, None)
    return findings


def promises_lost(world: Iterable[Any], *, callbacks: Iterable[Any], ended_at: datetime) -> list[Finding]:
    """
    Every promise was kept, or ended with an outcome, or is due at a stated time to come.

    What the row says is believed only so far: one that says completed, of a person whom the world never saw
    connected, is a finding too.
    """
    rows = {row.callback_id: row for row in callbacks}
    promised: dict[str, datetime] = {}
    connected: set[str] = set()
    for line in world:
        if line.what == "promised":
            promised[line.callback_id] = line.at
        elif line.what == "connected" and line.callback_id is not None:
            connected.add(line.callback_id)
    findings: list[Finding] = []
    for callback_id, at in promised.items():
        row = rows.get(callback_id)
        if row is None:
            findings.append(Finding(check=LOST, what="there is no such row", which=callback_id, at=at))
        elif row.outcome == "completed":
            if callback_id not in connected:
                what = "nobody was connected"
                findings.append(Finding(check=NEVER_CONNECTED, what=what, which=callback_id, at=row.ended_at))
        elif row.outcome is not None or callback_id in connected:
            continue
        elif row.due_at is None or row.due_at <= ended_at:
            what = f"{row.state}, and nothing is to happen any more"
            findings.append(Finding(check=LOST, what=what, which=callback_id, at=at))
    return findings


# ---------------------------------------------------------------------------- agents


def attempts_above_agents(history: Iterable[Any]) -> list[Finding]:
    """
    Attempts in flight never exceed the agents who are reserved or available; and each has his own.

    One whose agent declined, and which looks for another, has none.
    """
    in_flight, state = dict[str, str](), dict[str, str]()
    there, findings = 0, list[Finding]()
    for event in history:
        if event.entity == "agent":
            before = state.get(event.agent_id)
            state[event.agent_id] = event.state
            there += (event.state in ("available", "reserved")) - (before in ("available", "reserved"))
        elif event.entity == "attempt" and event.state in (*_NOT_YET_JOINED, "ending"):
            if not hasattr(event, "agent_id"):
                continue
            others = [one for one, agent in in_flight.items() if agent == event.agent_id]
            if event.agent_id is None:
                in_flight.pop(event.attempt_id, None)
                continue
            if event.state == "ending" and event.attempt_id not in in_flight:
                continue  # They talked: the agent was busy, and is not counted.
            if event.attempt_id not in in_flight and others:
                what = f"{event.agent_id} is in {others[0]} already"
                findings.append(Finding(check=AGENT_TWICE, what=what, which=event.attempt_id, at=event.at))
            in_flight[event.attempt_id] = event.agent_id
        elif event.entity == "attempt":
            in_flight.pop(event.attempt_id, None)
        else:
            continue
        if len(in_flight) > there:
            what = f"{len(in_flight)} in flight, {there} agents reserved or available"
            which = getattr(event, "attempt_id", None) or event.agent_id
            findings.append(Finding(check=IN_FLIGHT, what=what, which=which, at=event.at))
    return findings


@attrs.define
class _Floor:
    """Who is free and what is ready, as the history says. Places that need the same are counted together."""

    needs: Mapping[str, frozenset[str]]
    agents: dict[str, tuple[frozenset[str], frozenset[str]]] = attrs.field(
        factory=dict[str, tuple[frozenset[str], frozenset[str]]]
    )
    free: set[str] = attrs.field(factory=set[str])
    ready: dict[tuple[str, frozenset[str]], dict[str, None]] = attrs.field(
        factory=dict[tuple[str, frozenset[str]], dict[str, None]]
    )
    told: set[tuple[str, str]] = attrs.field(factory=set[tuple[str, str]])

    def agent(self, event: Any) -> None:
        """Note what an agent does now."""
        if event.kind == "agent_signed_in":
            self.agents[event.agent_id] = frozenset(event.queues), frozenset(event.skills)
        if event.state == "available":
            self.free.add(event.agent_id)
        else:
            self.free.discard(event.agent_id)

    def place(self, place: _Place) -> None:
        """Note whether a place is ready now."""
        group = place.queue, self.needs.get(place.place_id, frozenset[str]())
        if place.ready:
            self.ready.setdefault(group, {})[place.key[1]] = None
        elif group in self.ready:
            self.ready[group].pop(place.key[1], None)
            if not self.ready[group]:
                del self.ready[group]

    def left_free(self, at: datetime) -> list[Finding]:
        """Return who is free beside a place that he can serve, at the end of an instant. Says each pair once."""
        findings: list[Finding] = []
        for (queue, needed), places in self.ready.items():
            first = next(iter(places))
            for agent_id in sorted(self.free):
                queues, skills = self.agents[agent_id]
                if queue in queues and needed <= skills and (agent_id, first) not in self.told:
                    self.told.add((agent_id, first))
                    what = f"{first} is ready, and he can serve it"
                    findings.append(Finding(check=IDLE, what=what, which=agent_id, at=at))
        return findings


def agents_left_free(history: Iterable[Any], *, world: Iterable[Any]) -> list[Finding]:
    """
    When an instant is over, nobody is free who could serve a place that is ready.

    Which skills a place needs is taken from the world's journal, by the id under which it joined.
    """
    joined = (line for line in world if line.what == "joined")
    floor = _Floor({line.call_id: frozenset(line.skills) for line in joined if line.skills})
    places, findings = _Places(), list[Finding]()
    now: datetime | None = None
    for event in history:
        if now is not None and event.at != now and floor.free and floor.ready:
            findings += floor.left_free(now)
        now = event.at
        followed = places.follow(event)
        if followed is not None:
            floor.place(followed[0])
        elif event.entity == "agent":
            floor.agent(event)
    if now is not None:
        findings += floor.left_free(now)
    return findings


def _masked(number: str | None) -> str:
    """Show the two last digits only."""
    return f"…{number[-2:]}" if number and len(number) > 5 else "…"
