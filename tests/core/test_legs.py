"""The two legs of an attempt: their ids and numbers, orders to dial, clocks, and what they hear at the end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from callbackq.core import legs
from callbackq.core.legs import Context
from callbackq.core.numbers import number_key
from callbackq.effects import Dial, HangUp, Play, Prompt
from callbackq.ids import AgentId, LegId
from callbackq.model import AttemptState, DueReason, LegState, Mode, Role
from callbackq.policy import QueuePolicy
from core.samples import (
    AGENT_LEG,
    CUSTOMER_LEG,
    NUMBER,
    START,
    SUPPORT,
    M,
    S,
    a_callback,
    a_subject,
    an_attempt,
    changed,
    shown,
)

POLICY = QueuePolicy(queue=SUPPORT, agent_ring_time=20 * S, ring_time=45 * S, hang_up_time_max=10 * S)
NOW = START + M
CONTEXT = Context(callback=a_callback(), subject=a_subject(), policy=POLICY, now=NOW)
MOBILE, OFFICE = "+12125550124", "+12125550125"
_A, _L = AttemptState, LegState


def with_policy(**settings: Any) -> Context:
    return attrs.evolve(CONTEXT, policy=attrs.evolve(POLICY, **settings))


# ---------------------------------------------------------------------------- ids


@pytest.mark.parametrize(
    ("agents_rung_count", "leg_id"),
    [
        (0, "leg_agent"),
        (1, "leg_agent"),
        (2, "leg_agent.2"),
        (3, "leg_agent.3"),
        (12, "leg_agent.12"),
    ],
)
def test_each_agent_has_a_leg_of_their_own(agents_rung_count: int, leg_id: str) -> None:
    """The first has the id that was recorded at the start, the n-th the same with `.n`."""
    assert legs.agent_leg_id(an_attempt(agents_rung_count=agents_rung_count)) == leg_id


@pytest.mark.parametrize(
    ("leg_id", "first"),
    [
        ("leg_7.2", "leg_7"),
        ("leg_7.12", "leg_7"),
        ("a.b.3", "a.b"),
        ("leg_7", None),
        ("leg_7.", None),
        ("leg_7.0", None),
        ("leg_7.02", None),
        ("leg_7.x", None),
        ("leg_7.2 ", None),
        (".2", None),
        ("leg_7." + "9" * 10, None),
    ],
)
def test_a_later_agents_leg_leads_to_its_attempt(leg_id: str, first: str | None) -> None:
    """By the id of the first agent's leg; anything else is an id of its own."""
    assert legs.first_leg_id(LegId(leg_id)) == first


@pytest.mark.parametrize("agents_rung_count", [2, 3, 99])
def test_the_leg_of_any_later_agent_is_found_again(agents_rung_count: int) -> None:
    """What is dialed under an id is reported under it."""
    attempt = an_attempt(agents_rung_count=agents_rung_count)
    assert legs.first_leg_id(legs.agent_leg_id(attempt)) == attempt.agent_leg_id


@pytest.mark.parametrize(
    ("agents_rung_count", "agent_leg", "leg_id", "found"),
    [
        (1, _L.RINGING, "leg_agent", _L.RINGING),
        (2, _L.RINGING, "leg_agent.2", _L.RINGING),
        (1, _L.RINGING, "leg_customer", _L.ANSWERED),
        (0, _L.NONE, "leg_agent", _L.NONE),
        # Of an earlier agent; also when the next one is not found yet.
        (2, _L.RINGING, "leg_agent", None),
        (3, _L.RINGING, "leg_agent.2", None),
        (1, _L.NONE, "leg_agent", None),
        (2, _L.NONE, "leg_agent.2", None),
        # Of none.
        (1, _L.RINGING, "leg_agent.2", None),
        (1, _L.RINGING, "another", None),
    ],
)
def test_the_state_of_a_leg(
    agents_rung_count: int, agent_leg: LegState, leg_id: str, found: LegState | None
) -> None:
    """Of the customer's leg, or of the agent's who is rung now; nothing is known of the legs of earlier agents."""
    attempt = an_attempt(agents_rung_count=agents_rung_count, agent_leg=agent_leg, customer_leg=_L.ANSWERED)
    assert legs.leg_of(attempt, LegId(leg_id)) is found


@pytest.mark.parametrize(
    ("leg_id", "role"),
    [("leg_customer", Role.CUSTOMER), ("leg_agent", Role.AGENT), ("leg_agent.2", Role.AGENT)],
)
def test_whose_leg_it_is(leg_id: str, role: Role) -> None:
    """There is one customer, and there may have been several agents."""
    assert legs.role_of(an_attempt(agents_rung_count=3), LegId(leg_id)) is role


def test_is_live() -> None:
    """A leg is in the world from the intent to dial until its end."""
    assert [leg for leg in LegState if legs.is_live(leg)] == [_L.INTENDED, _L.RINGING, _L.ANSWERED]


# ---------------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("index", "number", "extension"),
    [(0, NUMBER, "7"), (1, MOBILE, None), (2, OFFICE, None), (3, NUMBER, "7")],
)
def test_which_number_is_dialed(index: int, number: str, extension: str | None) -> None:
    """The main one, then the others in turn; they may have become fewer since. Only the main one has an extension."""
    subject = a_subject(alternatives=(MOBILE, OFFICE))
    assert legs.numbers_of(subject) == (NUMBER, MOBILE, OFFICE)
    assert legs.number_at(subject, index) == number
    attempt = an_attempt(number_index=index)
    assert legs.extension_of(attempt, subject) == extension
    _, dial = legs.ring_customer(attempt, attrs.evolve(CONTEXT, subject=subject))
    assert (dial.number, dial.extension, dial.alternative) == (number, extension, index > 0)


def test_a_person_without_an_extension_has_none() -> None:
    """There is nothing to press."""
    assert legs.extension_of(an_attempt(), a_subject(extension=None)) is None


@pytest.mark.parametrize(
    ("index", "wrong", "expected"),
    [
        # The one that is next, where it is not known to be wrong.
        (0, (), 0),
        (1, (), 1),
        (2, (NUMBER, MOBILE), 2),
        (1, (NUMBER,), 1),
        # The next one in turn that is right; after the last comes the main one.
        (0, (NUMBER,), 1),
        (0, (NUMBER, MOBILE), 2),
        (1, (MOBILE,), 2),
        (1, (MOBILE, OFFICE), 0),
        (2, (OFFICE,), 0),
        (2, (OFFICE, NUMBER), 1),
        # None is right: it stays, and is not dialed.
        (0, (NUMBER, MOBILE, OFFICE), 0),
        (2, (OFFICE, MOBILE, NUMBER), 2),
        # The person has fewer numbers by now.
        (4, (), 1),
        (3, (NUMBER,), 1),
        (5, (NUMBER, MOBILE, OFFICE), 2),
        # A number that the person has no more.
        (0, ("+12125550199",), 0),
    ],
)
def test_the_number_that_is_dialed_is_not_known_to_be_wrong(
    index: int, wrong: tuple[str, ...], expected: int
) -> None:
    """C9: it may have become wrong by another callback of the same person; nothing else of the callback changes."""
    subject = a_subject(alternatives=(MOBILE, OFFICE), wrong_numbers=wrong)
    before = a_callback(number_index=index)
    assert legs.with_usable_number(before, subject) == attrs.evolve(before, number_index=expected)


@pytest.mark.parametrize("wrong", [(), (NUMBER,)])
def test_who_has_one_number_is_dialed_at_it(wrong: tuple[str, ...]) -> None:
    """There is no other; whether it is dialed at all is not asked here."""
    subject = a_subject(wrong_numbers=wrong)
    for index in (0, 1, 7):
        assert legs.with_usable_number(a_callback(number_index=index), subject) == a_callback()


PEPPER = b"a secret of the house"


def key_of_number(number: str) -> str:
    return number_key(number, tenant_id=an_attempt().tenant_id, pepper=PEPPER)


@pytest.mark.parametrize(
    ("begun_for", "index", "numbers", "has_changed"),
    [
        (NUMBER, 0, (NUMBER,), False),
        (NUMBER, 0, (NUMBER, MOBILE), False),
        (MOBILE, 1, (NUMBER, MOBILE), False),
        (NUMBER, 0, (OFFICE,), True),
        (NUMBER, 0, (OFFICE, NUMBER), True),
        (MOBILE, 1, (NUMBER, OFFICE), True),
        # They have fewer numbers by now: the other one, or the same one at another place.
        (MOBILE, 1, (NUMBER,), True),
        (MOBILE, 1, (MOBILE,), False),
    ],
)
def test_a_number_that_was_changed_since_the_attempt_began(
    begun_for: str, index: int, numbers: tuple[str, ...], has_changed: bool
) -> None:
    """By its digest, which is what was locked; without the pepper nothing can be told."""
    begun = an_attempt(number_index=index, number_key=key_of_number(begun_for))
    subject = a_subject(number=numbers[0], alternatives=numbers[1:])
    context = attrs.evolve(CONTEXT, subject=subject, pepper=PEPPER)
    assert legs.number_has_changed(begun, context) is has_changed
    assert not legs.number_has_changed(begun, attrs.evolve(context, pepper=b""))


def test_a_context_shows_no_pepper() -> None:
    """K5: with it the digests of numbers could be found again."""
    context = attrs.evolve(CONTEXT, pepper=PEPPER)
    assert CONTEXT.pepper == b""
    for part in ("pepper", "secret"):
        assert part not in repr(context)


# ---------------------------------------------------------------------------- orders to dial


def test_ringing_an_agent() -> None:
    """The leg is intended, counted, and has its clock: as long as it may ring, and as long as it may take to say so."""
    before = an_attempt(agent_leg=_L.NONE, agents_rung_count=1, agent_until_at=None, version=1)
    after, dial = legs.ring_agent(before, CONTEXT)
    assert changed(before, attrs.evolve(after, version=2)) == {
        "agent_leg": _L.INTENDED,
        "agents_rung_count": 2,
        "agent_until_at": NOW + 30 * S,
    }
    assert (dial.leg_id, dial.role, dial.ring_time) == (f"{AGENT_LEG}.2", Role.AGENT, 20 * S)


def test_ringing_a_customer() -> None:
    """The same for the customer, who is rung once."""
    before = an_attempt()
    after, dial = legs.ring_customer(before, CONTEXT)
    assert changed(before, attrs.evolve(after, version=2)) == {
        "customer_leg": _L.INTENDED,
        "customer_until_at": NOW + 55 * S,
    }
    assert (dial.leg_id, dial.role, dial.ring_time) == (CUSTOMER_LEG, Role.CUSTOMER, 45 * S)


def test_a_customer_rings_while_no_agent_is_there_yet() -> None:
    """Whose agent is looked for is dialed for none."""
    _, dial = legs.ring_customer(an_attempt(agent_id=None), CONTEXT)
    assert dial.agent_id is None


@pytest.mark.parametrize(
    ("own", "of_queue", "shown_number"), [("+1", "+2", "+1"), (None, "+2", "+2"), (None, None, None)]
)
def test_the_number_to_show(own: str | None, of_queue: str | None, shown_number: str | None) -> None:
    """The callback's own, or else the queue's."""
    context = with_policy(caller_id=of_queue)
    context = attrs.evolve(context, callback=a_callback(caller_id=own))
    assert legs.ring_customer(an_attempt(), context)[1].caller_id == shown_number


@pytest.mark.parametrize(("on_record", "differs"), [(None, None), (NUMBER, False), (MOBILE, True)])
def test_whether_the_number_differs_from_the_records(on_record: str | None, differs: bool | None) -> None:
    """Nothing is said where the host's records have none."""
    context = attrs.evolve(CONTEXT, subject=a_subject(record_number=on_record))
    assert legs.ring_agent(an_attempt(), context)[1].number_differs is differs


@pytest.mark.parametrize("detect", [False, True])
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("extension", [None, "7"])
def test_what_answered_is_found_out_where_it_says_something(
    detect: bool, role: Role, extension: str | None
) -> None:
    """Of a customer's leg, if policy asks for it, and not before an extension: a machine is expected there."""
    context = attrs.evolve(with_policy(detect=detect), subject=a_subject(extension=extension))
    ring = legs.ring_agent if role is Role.AGENT else legs.ring_customer
    dial: Dial = ring(an_attempt(), context)[1]
    assert dial.detect is (detect and role is Role.CUSTOMER and extension is None)


@pytest.mark.parametrize("mode", Mode)
def test_a_dial_says_in_which_mode(mode: Mode) -> None:
    """An agent who is rung while a customer holds has less time than one who is rung first."""
    assert legs.ring_agent(an_attempt(mode=mode), CONTEXT)[1].mode is mode


# ---------------------------------------------------------------------------- clocks


@pytest.mark.parametrize(
    ("state", "agent", "customer", "due"),
    [
        (_A.INTENDED, 30, None, (30, DueReason.AGENT_RING_OVER)),
        (_A.INTENDED, None, 55, (55, DueReason.RING_OVER)),
        (_A.INTENDED, 30, 55, (30, DueReason.AGENT_RING_OVER)),
        (_A.INTENDED, 60, 55, (55, DueReason.RING_OVER)),
        (_A.AGENT_ON_LINE, None, 55, (55, DueReason.RING_OVER)),
        (_A.CONFIRMING, 30, 10, (10, DueReason.CONFIRM_OVER)),
        (_A.CONFIRMING, 5, 10, (5, DueReason.AGENT_RING_OVER)),
        (_A.CUSTOMER_ON_LINE, 30, 29, (29, DueReason.CUSTOMER_HOLD_OVER)),
        # At the same moment the customer goes first: nobody waits for another agent who may wait no longer.
        (_A.CUSTOMER_ON_LINE, 30, 30, (30, DueReason.CUSTOMER_HOLD_OVER)),
    ],
)
def test_an_attempt_is_due_at_the_earlier_clock(
    state: AttemptState, agent: int | None, customer: int | None, due: tuple[int, DueReason]
) -> None:
    """Each leg has its own, before they are joined."""
    at = {
        name: None if seconds is None else START + seconds * S
        for name, seconds in (("agent_until_at", agent), ("customer_until_at", customer))
    }
    clocked = legs.clocked(an_attempt(state=state, **at))
    assert (clocked.due_at, clocked.due_reason) == (START + due[0] * S, due[1])
    assert {name: getattr(clocked, name) for name in at} == at


def test_the_whole_attempt_waits_for_one_thing() -> None:
    """From joining on: one deadline, whatever clocks the legs had; and what else is to be changed with it."""
    before = an_attempt(customer_until_at=START + S)
    after = legs.wait_for(
        before, _A.CONNECTED, CONTEXT, timedelta(hours=4), DueReason.TALK_OVERDUE, connected_at=NOW
    )
    assert changed(before, attrs.evolve(after, version=2)) == {
        "state": _A.CONNECTED,
        "agent_until_at": None,
        "customer_until_at": None,
        "due_at": NOW + timedelta(hours=4),
        "due_reason": DueReason.TALK_OVERDUE,
        "connected_at": NOW,
    }


# ---------------------------------------------------------------------------- what a leg hears


def test_a_leg_is_hung_up_without_a_word() -> None:
    """There is neither text nor language."""
    assert legs.hang_up(CUSTOMER_LEG, None, CONTEXT) == HangUp(leg_id=CUSTOMER_LEG)


def test_a_prompt_comes_in_words_too() -> None:
    """In the customer's language, by the policy's own words where it has some."""
    words = {"fr": {Prompt.PLEASE_HOLD: "Un instant.", Prompt.CALL_LATER: "Plus tard."}}
    context = attrs.evolve(with_policy(prompts=words), subject=a_subject(language="fr-CA"))
    assert legs.play(CUSTOMER_LEG, Prompt.PLEASE_HOLD, context) == Play(
        leg_id=CUSTOMER_LEG, prompt=Prompt.PLEASE_HOLD, text="Un instant.", language="fr-CA"
    )
    assert legs.hang_up(CUSTOMER_LEG, Prompt.CALL_LATER, context) == HangUp(
        leg_id=CUSTOMER_LEG, prompt=Prompt.CALL_LATER, text="Plus tard.", language="fr-CA"
    )


WORDS = {
    "fr": {Prompt.COULD_NOT_CONNECT: "Désolés."},
    "de": {Prompt.COULD_NOT_CONNECT: "Leider nicht.", Prompt.NO_LONGER_NEEDED: "Nicht mehr nötig."},
}


@pytest.mark.parametrize(
    ("of", "language", "text", "spoken"),
    [
        (Role.CUSTOMER, "fr-CA", "Désolés.", "fr-CA"),
        (Role.CUSTOMER, None, "Leider nicht.", "de"),
        (Role.AGENT, "fr-CA", "Leider nicht.", "de"),
        (Role.AGENT, None, "Leider nicht.", "de"),
    ],
)
def test_an_agent_hears_the_language_of_the_house(
    of: Role, language: str | None, text: str, spoken: str
) -> None:
    """Whatever the customer speaks; who has no language of their own hears it too."""
    context = attrs.evolve(with_policy(prompts=WORDS, language="de"), subject=a_subject(language=language))
    told = legs.hang_up(CUSTOMER_LEG, Prompt.COULD_NOT_CONNECT, context, of=of)
    assert told == HangUp(leg_id=CUSTOMER_LEG, prompt=Prompt.COULD_NOT_CONNECT, text=text, language=spoken)
    both = legs.hang_ups(
        an_attempt(agent_leg=_L.ANSWERED, customer_leg=_L.ANSWERED),
        context,
        to_agent=Prompt.NO_LONGER_NEEDED,
        to_customer=Prompt.COULD_NOT_CONNECT,
    )
    words = [getattr(effect, "text", None) for effect in both]
    assert words == ["Nicht mehr nötig.", "Désolés." if language else "Leider nicht."]
    assert getattr(both[0], "language", None) == "de"


def test_what_is_played_to_who_has_no_language() -> None:
    """The house's, in words and by its name: for adapters that play files."""
    context = attrs.evolve(
        with_policy(prompts={"de": {Prompt.PLEASE_HOLD: "Moment."}}, language="de"),
        subject=a_subject(language=None),
    )
    played = legs.play(CUSTOMER_LEG, Prompt.PLEASE_HOLD, context)
    assert (played.text, played.language) == ("Moment.", "de")


@pytest.mark.parametrize(
    ("own", "of_queue", "number"),
    [("+1", "+2", "+1"), ("+1", None, "+1"), (None, "+2", "+2"), (None, None, "our number")],
)
def test_the_number_that_is_said_is_the_one_that_is_shown(
    own: str | None, of_queue: str | None, number: str
) -> None:
    """A machine is told to call the number from which the customer was called; and whose callback it is."""
    callback = a_callback(caller_id=own, owner_id=AgentId("bob"))
    context = attrs.evolve(with_policy(caller_id=of_queue), callback=callback)
    text = legs.hang_up(CUSTOMER_LEG, Prompt.VOICEMAIL, context).text
    assert text is not None
    assert text.startswith("Hello, this is bob from our team.")
    assert text.endswith(f"Please call us at {number}.")


@pytest.mark.parametrize(
    ("agent_leg", "customer_leg", "told"),
    [
        (_L.ANSWERED, _L.ANSWERED, ["leg_agent.2 customer_left", "leg_customer could_not_connect"]),
        (_L.RINGING, _L.INTENDED, ["leg_agent.2", "leg_customer"]),
        (_L.ANSWERED, _L.NONE, ["leg_agent.2 customer_left"]),
        (_L.ENDED, _L.ANSWERED, ["leg_customer could_not_connect"]),
        (_L.NONE, _L.RINGING, ["leg_customer"]),
        (_L.ENDED, _L.ENDED, []),
    ],
)
def test_who_is_hung_up_and_what_they_hear(
    agent_leg: LegState, customer_leg: LegState, told: list[str]
) -> None:
    """What may be in the world is hung up; only a leg that was answered hears anything."""
    attempt = an_attempt(agents_rung_count=2, agent_leg=agent_leg, customer_leg=customer_leg)
    effects = legs.hang_ups(
        attempt, CONTEXT, to_agent=Prompt.CUSTOMER_LEFT, to_customer=Prompt.COULD_NOT_CONNECT
    )
    assert shown(effects) == [f"HangUp {line}" for line in told]
    assert shown(legs.hang_ups(attempt, CONTEXT)) == [f"HangUp {line.split()[0]}" for line in told]
