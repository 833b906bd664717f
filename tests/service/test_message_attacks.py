"""What hosts, providers and customers get wrong, or do on purpose: it costs no promise, and nobody is told wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import attrs
import pytest

from callbackq import (
    DEFAULT_TENANT,
    CallbackState,
    Commit,
    Dispatcher,
    Effect,
    InvalidText,
    MessageId,
    Outcome,
    Store,
)
from callbackq.core import outbox, outgoing
from callbackq.core.numbers import number_key
from callbackq.core.outbox import Born
from callbackq.model import Message, MessageKind, MessageState
from callbackq.phrasing import Writer
from callbackq.policy import Messages
from callbackq.posting import Postman
from callbackq.runners import ThreadRunner
from callbackq.runners.lines import MESSAGES_MAX
from callbackq.stores.memory_messages import Messages as Outbox
from callbackq.testing import NEVER_ANSWERS, Behaviour, FakeMessenger, FakeTelephony, Reaction, VirtualHost
from callbackq.writing import write
from scenarios.scene import seats
from service.hosts_network import wait_for
from service.letters import IN_MEMORY, answers, kinds_to, message_of, orders_in, post_office, writes
from service.scenes import BOB, EVE, HOUR, KIM, MINUTE, SECOND, promised, sign_in, subject_of

K, S = MessageKind, MessageState
NEW = "+12125550199"
BOTH = Messages(channels=("whatsapp", "sms"))


def booked(host: VirtualHost, callback_id: str) -> bool:
    return host.service.get(callback_id).scheduled_at is not None


def told(host: VirtualHost, callback_id: str, kind: MessageKind) -> str:
    """Return the text of the one message of a kind about a callback."""
    (text,) = (
        order.text for order in host.messenger.sent if (order.callback_id, order.kind) == (callback_id, kind)
    )
    return text


# ---------------------------------------------------------------------------- providers


def test_two_senders_with_one_id_are_two_messages(store: Store) -> None:
    """A provider counts the messages of each sender by itself."""
    host = post_office(store)
    for number in (BOB, EVE):
        promised(host, number)
    host.run_for(MINUTE)
    assert answers(host, "4", BOB, inbound_id="1") == [K.STATUS]
    assert answers(host, "4", EVE, inbound_id="1") == [K.STATUS]


def test_two_strangers_with_one_id_both_ask_for_a_callback(store: Store) -> None:
    """None is taken for the other."""
    host = post_office(store)
    assert answers(host, "call me", BOB, inbound_id="1") == [K.CONFIRMATION]
    assert answers(host, "call me", EVE, inbound_id="1") == [K.CONFIRMATION]


@pytest.mark.parametrize("text", ["4", f"new number {NEW}"])
def test_what_is_told_again_long_after_is_not_answered_again(store: Store, text: str) -> None:
    """The id of it was forgotten, but not the answer: nobody is refused for it, and no code is sent again."""
    host = post_office(store)
    promised(host)
    host.run_for(MINUTE)
    writes(host, text, BOB, inbound_id="first")
    said = len(host.messenger.sent)
    for n in range(20):
        writes(host, "thanks", BOB, inbound_id=f"later-{n}")
    writes(host, text, BOB, inbound_id="first")
    assert len(host.messenger.sent) == said


def test_two_who_share_a_number_are_both_known_though_nobody_knows_what_was_sent(store: Store) -> None:
    """The provider sent both, and said so of none: the answer cancels nobody's callback by guessing."""
    host = post_office(store)
    host.messenger.does(BOB, Reaction.FAILS_AFTER)
    first = host.service.request("support", number=BOB, customer_id="c-1").callback_id
    second = host.service.request("sales", number=BOB, customer_id="c-2").callback_id
    host.run_for(MINUTE)
    assert subject_of(host, store, first) != subject_of(host, store, second)
    assert answers(host, "9", BOB) == [K.WHICH]
    for one in (first, second):
        assert host.service.get(one).state is CallbackState.WAITING


def test_an_answer_that_goes_by_another_channel_is_answered_there(store: Store) -> None:
    """The times were refused by the first channel: their numbers mean the same on the second."""
    host = post_office(store, messages=BOTH, slots=seats(3, horizon=48 * HOUR))
    one = promised(host)
    host.run_for(MINUTE)
    host.messenger.does(BOB, Reaction.IMPOSSIBLE, Reaction.ACCEPTS)
    assert answers(host, "2", BOB, channel="whatsapp") == [K.RESCHEDULE]
    assert host.messenger.last.channel == "sms"
    assert answers(host, "1", BOB, channel="sms") == [K.CONFIRMATION]
    assert booked(host, one)


def test_the_question_which_keeps_its_wish_on_another_channel(store: Store) -> None:
    """What is to be done with the callback that is chosen there was said on the first one."""
    host = post_office(store, messages=BOTH)
    ids = {queue: promised(host, queue=queue) for queue in ("support", "sales")}
    host.run_for(MINUTE)
    host.messenger.does(BOB, Reaction.IMPOSSIBLE, Reaction.ACCEPTS)
    assert answers(host, "9", BOB, channel="whatsapp") == [K.WHICH]
    first = host.messenger.last.text.partition("1) ")[2].partition(",")[0]
    writes(host, "1", BOB, channel="sms")
    assert host.service.get(ids[first]).outcome is Outcome.CANCELLED


def test_a_code_that_is_asked_for_by_another_channel_proves_the_number_there(store: Store) -> None:
    """The same code, and the same number."""
    host = post_office(store, messages=BOTH)
    one = promised(host)
    host.run_for(MINUTE)
    host.messenger.does(BOB, Reaction.IMPOSSIBLE, Reaction.ACCEPTS)
    writes(host, f"new number {NEW}", BOB, channel="whatsapp")
    assert (host.messenger.last.kind, host.messenger.last.channel) == (K.ENTER_CODE, "sms")
    writes(host, host.messenger.sent_to(NEW)[0].text.split()[0], BOB, channel="sms")
    assert subject_of(host, store, one).number == NEW


def test_the_id_of_what_was_written_is_kept_as_a_digest(store: Store) -> None:
    """WhatsApp's ids hold the number of who wrote, in base64."""
    host = post_office(store)
    promised(host)
    host.run_for(MINUTE)
    writes(host, "4", BOB, inbound_id="wamid.HBgLMTIxMjU1NTAxMDE")
    key = number_key(BOB, tenant_id=DEFAULT_TENANT, pepper=store.pepper)
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        found = tx.conversations.find(f"sms/{key}")
    assert found is not None
    assert len(found.heard_ids) == 1
    assert "wamid" not in str(found)


# ---------------------------------------------------------------------------- careless hosts


def test_a_zone_that_this_machine_does_not_know_costs_no_message(store: Store) -> None:
    """Quiet hours go by the number then."""
    host = post_office(store)
    one = promised(host)
    host.run_for(MINUTE)
    subject = subject_of(host, store, one)
    with store.transaction(DEFAULT_TENANT, commit=Commit.FLUSHED) as tx:
        tx.save(attrs.evolve(subject, version=subject.version + 1, zone="America/Moonbase"))
    host.run_for(3 * HOUR)
    host.service.cancel(one)
    host.run_for(MINUTE)
    assert kinds_to(host, BOB) == [K.CONFIRMATION, K.CANCELLED]


@pytest.mark.parametrize("token", [None, 7, b"token", "", "x" * 5_000, "\n"])
def test_what_is_no_token_at_all_is_refused(store: Store, token: Any) -> None:
    """It comes from the world, as whatever the host's page makes of it."""
    with pytest.raises(InvalidText):
        post_office(store).service.open_link(token)


@IN_MEMORY
def test_a_node_that_sends_none_does_not_read_the_whole_outbox_in_each_step(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand wait for a node that is not there: each step looks at some, and in the end all are withdrawn."""
    host = post_office(store)
    one = promised(host)
    callback, now = host.service.get(one), host.clock.now()
    with store.transaction(DEFAULT_TENANT, commit=Commit.FLUSHED) as tx:
        for number in range(1_000):
            born = Born(
                kind=K.STATUS,
                cause=f"cause-{number}",
                queue=callback.queue,
                callback_id=callback.callback_id,
                subject_id=callback.subject_id,
                is_answer=True,
                due_at=now,
                best_before_at=now + HOUR,
            )
            message_id = MessageId(f"ms_x{number:06d}")
            write(tx, outbox.queue(born, tenant_id=DEFAULT_TENANT, message_id=message_id, now=now))
    looked_at: list[int] = []
    due = Outbox.due

    def counted(table: Outbox, **asked: Any) -> list[Message]:
        looked_at.append(len(found := due(table, **asked)))
        return found

    monkeypatch.setattr(Outbox, "due", counted)
    node = Dispatcher(host.service)
    assert orders_in(node.step(host.clock.now(), messages=False)) == []
    assert 0 < max(looked_at) < 500
    host.clock.advance(HOUR)
    for _ in range(25):
        node.step(host.clock.now(), messages=False)
    left = [
        each.state for each in host.service.messages_of(one, limit=1_000) if each.message_kind is K.STATUS
    ]
    assert left == [S.ENDED] * 1_000


@IN_MEMORY
def test_a_slow_messenger_is_given_no_more_than_can_soon_be_sent(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is given out is uncertain if the process dies: the others wait in the outbox, and are sent all the same."""
    host = post_office(store, pending_max=1_000)
    ids = [promised(host, f"+1212555{4000 + who}") for who in range(400)]
    asked: list[bool] = []
    step = Dispatcher.step

    def noted(self: Dispatcher, now: datetime, **can: bool) -> tuple[Effect, ...]:
        asked.append(can["messages"])
        return step(self, now, **can)

    monkeypatch.setattr(Dispatcher, "step", noted)
    slow = FakeMessenger()
    slow.does(None, Reaction.HANGS)
    with ThreadRunner(host.service, FakeTelephony(host.clock), messenger=slow, threads_max=2):
        wait_for(lambda: False in asked, "a step that gives out none")
        states = [message_of(host, one, K.CONFIRMATION).state for one in ids]
        assert MESSAGES_MAX <= states.count(S.SENDING) < MESSAGES_MAX + 50
        slow.release()
        wait_for(lambda: len(slow.sent) == len(ids), "all of them")
    assert len({order.send_id for order in slow.sent}) == len(slow.orders) == len(ids)


# ---------------------------------------------------------------------------- mistakes of our own


def broken(*_given: Any, **_more: Any) -> Any:
    raise ArithmeticError("a mistake")


@pytest.mark.parametrize("rule", ["births", "untrue"])
def test_a_mistake_about_messages_costs_no_promise(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, rule: str
) -> None:
    """The promise is made, taken back, and kept; only what would have been written about it is missing."""
    host = post_office(store)
    held = promised(host, EVE)
    monkeypatch.setattr(outgoing, rule, broken)
    host.service.change_number(held, KIM)
    host.service.cancel(held)
    kept = promised(host)
    sign_in(host, "ann")
    host.run_for(HOUR)
    assert host.service.get(held).outcome is Outcome.CANCELLED
    assert host.service.get(kept).outcome is Outcome.COMPLETED
    assert host.messenger.sent == []
    assert "ArithmeticError" in caplog.text
    assert BOB not in caplog.text


@pytest.mark.parametrize(("owner", "method"), [(Writer, "text"), (Postman, "note_said")])
def test_a_message_that_cannot_be_given_out_does_not_hold_up_the_others(
    store: Store, monkeypatch: pytest.MonkeyPatch, owner: type, method: str
) -> None:
    """There are more of them than a step gives out, and they were due first."""
    host = post_office(store)
    bad = {promised(host, f"+1212555{3000 + who}") for who in range(51)}
    host.clock.advance(SECOND)
    promised(host)
    as_it_is: Callable[..., Any] = getattr(owner, method)

    def fails(self: Any, *given: Any, **more: Any) -> Any:
        about = {getattr(each, "callback_id", None) for each in (*given, *more.values())}
        return broken() if about & bad else as_it_is(self, *given, **more)

    monkeypatch.setattr(owner, method, fails)
    host.run_for(SECOND)
    assert kinds_to(host, BOB) == [K.CONFIRMATION]
    assert len(host.messenger.sent) == 1
    assert {message_of(host, one, K.CONFIRMATION).problem for one in bad} == {"cannot_be_written"}


# ---------------------------------------------------------------------------- customers


@pytest.mark.parametrize(("slots", "offered"), [(None, False), (seats(3), True)])
def test_another_time_is_offered_only_where_there_is_one(store: Store, slots: Any, offered: bool) -> None:
    """A queue without slots has no times: nobody is told to answer 2, and who does is told the truth."""
    host = post_office(store, slots=slots)
    one = promised(host)
    host.run_for(MINUTE)
    texts = [told(host, one, K.CONFIRMATION)]
    for text in ("4", "what is this about, please?"):
        writes(host, text, BOB)
        texts.append(host.messenger.last.text)
    assert [order.kind for order in host.messenger.sent[-2:]] == [K.STATUS, K.HELP]
    assert all("9 to cancel" in text for text in texts)
    assert [" 2 " in text for text in texts] == [offered] * 3
    writes(host, "2", BOB)
    assert (host.messenger.last.kind, "already" in host.messenger.last.text) == (K.RESCHEDULE, False)


@pytest.mark.parametrize("requests", [True, False])
def test_who_was_not_reached_is_offered_a_new_time_only_if_they_can_ask(store: Store, requests: bool) -> None:
    """Where nobody may ask for a callback by message, the text names the telephone alone."""
    host = post_office(store, agents=["ann"], messages=Messages(requests=requests), attempts_max=1)
    host.telephony.person(BOB, NEVER_ANSWERS)
    one = promised(host)
    host.run_for(HOUR)
    assert ("Reply 2" in told(host, one, K.UNREACHED)) is requests


@pytest.mark.parametrize(("queue", "kind"), [("support", K.RESCHEDULE), ("sales", K.CONFIRMATION)])
def test_a_new_time_is_of_the_queue_that_was_written_about(
    store: Store, queue: str, kind: MessageKind
) -> None:
    """Both queues have one number to write to. Only one of them has slots: in the other there is a place in line."""
    host = post_office(store, agents=["ann"], slots=seats(1), attempts_max=1)
    host.telephony.person(BOB, NEVER_ANSWERS)
    one = promised(host, queue=queue)
    host.run_for(3 * HOUR)
    assert host.service.get(one).outcome is Outcome.UNREACHED
    before = len(host.messenger.sent)
    host.reply("2", sender=BOB, queue="support")
    host.run_for(SECOND)
    assert host.messenger.kinds()[before] is kind


@pytest.mark.parametrize(
    ("text", "kind", "outcome"),
    [
        ("9", K.CANCELLED, Outcome.CANCELLED),
        ("do not call me", K.CANCELLED, Outcome.CANCELLED),
        ("4", K.STATUS, Outcome.COMPLETED),
        ("3", K.NEW_NUMBER, Outcome.COMPLETED),
        ("2", K.RESCHEDULE, Outcome.COMPLETED),
    ],
)
def test_what_is_written_while_the_phone_rings(
    store: Store, text: str, kind: MessageKind, outcome: Outcome
) -> None:
    """Who cancels is rung no more; all else leaves the call as it is."""
    host = post_office(store, agents=["ann"])
    host.telephony.person(BOB, Behaviour(answers_after=25 * SECOND, talks_for=5 * MINUTE))
    one = promised(host)
    host.run_for(10 * SECOND)
    assert answers(host, text, BOB) == [kind]
    host.run_for(SECOND)
    assert bool(host.telephony.live_legs()) is (outcome is Outcome.COMPLETED)
    host.run_for(HOUR)
    assert host.service.get(one).outcome is outcome
    assert host.telephony.dialed(BOB) == 1


def test_a_new_number_is_not_taken_while_the_phone_rings(store: Store) -> None:
    """It is said so, and the call goes on."""
    host = post_office(store, agents=["ann"], messages=Messages(verify_new_number=False))
    host.telephony.person(BOB, Behaviour(answers_after=25 * SECOND, talks_for=5 * MINUTE))
    one = promised(host)
    host.run_for(10 * SECOND)
    assert answers(host, f"new number {NEW}", BOB) == [K.NOT_POSSIBLE]
    host.run_for(HOUR)
    assert host.service.get(one).outcome is Outcome.COMPLETED
    assert host.telephony.dialed(NEW) == 0
