"""Messages: the outbox, found by cause, by callback, by address and by what the provider calls them; conversations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

import pytest

from callbackq.errors import Conflict, MessageNotFound, StaleVersion, UniquenessViolated
from callbackq.ids import CallbackId, MessageId, QueueName
from callbackq.model import SMS, Conversation, Message, MessageEnd, MessageState, Question
from callbackq.ports import Commit, Store, Transaction
from callbackq.testing.builders import (
    QUEUE,
    make_callback,
    make_conversation,
    make_message,
    make_subject,
    next_version,
)
from callbackq.testing.clock import START
from callbackq.testing.store_contract.base import (
    OTHER_TENANT,
    TENANT,
    THREADS,
    ContractBase,
    PlannedError,
    ask,
    at_once,
    fail_after,
    put,
)

_HOUR: Final = timedelta(hours=1)
_MINE: Final = CallbackId("cb_1")
_OTHER: Final = CallbackId("cb_2")
_SALES: Final = QueueName("sales")
_SENT: Final[dict[str, Any]] = {"channel": SMS, "address_key": "ann", "sends_count": 1}

_Question = Callable[[Transaction], object]

QUESTIONS: Final[dict[str, _Question]] = {
    "get": lambda tx: tx.messages.get(MessageId("ms_1")),
    "by_cause": lambda tx: tx.messages.by_cause("c"),
    "by_provider": lambda tx: tx.messages.by_provider(SMS, "p"),
    "of_callback": lambda tx: tx.messages.of_callback(_MINE, limit=1)[0],
    "waiting_of": lambda tx: tx.messages.waiting_of(_MINE)[0],
    "last_to": lambda tx: tx.messages.last_to("ann", limit=1)[0],
    "uncertain": lambda tx: tx.messages.uncertain(limit=1)[0],
    "due": lambda tx: tx.messages.due(now=START + 99 * _HOUR, limit=1)[0],
}
"""Every question that finds a message, for the one that `_known` makes."""


def _known(state: MessageState = MessageState.WAITING) -> Message:
    return make_message("ms_1", cause="c", provider_key="p", sent_at=START, state=state, **_SENT)


def _ids(messages: Sequence[Message]) -> list[str]:
    return [message.message_id for message in messages]


class MessageContract(ContractBase):
    """The outbox."""

    # ------------------------------------------------------------------------ causes

    def test_a_cause_is_told_of_once(self, store: Store) -> None:
        """Two messages cannot tell of one thing, whatever they are about; the refused block goes on."""
        first = make_message("ms_1", cause="c")
        put(store, first)
        with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            with pytest.raises(UniquenessViolated, match="ms_2: another message tells of this cause"):
                tx.save(make_message("ms_2", cause="c", callback_id=_OTHER, queue=_SALES))
            tx.save(make_message("ms_3", cause="d"))
        assert ask(store, lambda tx: tx.messages.by_cause("c")) == first
        assert _ids(ask(store, lambda tx: tx.messages.of_callback(_MINE, limit=9))) == ["ms_3", "ms_1"]

    @pytest.mark.parametrize("state", MessageState)
    def test_a_cause_is_never_free_again(self, store: Store, state: MessageState) -> None:
        """Sent, in doubt or withdrawn: what was told of is not told of twice."""
        first = make_message("ms_1", cause="c")
        now = next_version(first, state=state)
        put(store, first, now)
        with pytest.raises(UniquenessViolated, match="cause"):
            put(store, make_message("ms_2", cause="c"))
        assert ask(store, lambda tx: tx.messages.by_cause("c")) == now
        assert ask(store, lambda tx: tx.messages.by_cause("d")) is None
        with pytest.raises(MessageNotFound):
            ask(store, lambda tx: tx.messages.get(MessageId("ms_2")))

    def test_a_cause_cannot_be_taken_over_by_a_change(self, store: Store) -> None:
        """The rule holds for later versions too."""
        second = make_message("ms_2", cause="d")
        put(store, make_message("ms_1", cause="c"), second)
        with pytest.raises(UniquenessViolated, match="cause"):
            put(store, next_version(second, cause="c"))
        assert ask(store, lambda tx: tx.messages.by_cause("d")) == second

    def test_of_many_who_tell_of_one_thing_at_once_one_does(self, store: Store) -> None:
        """Whoever looks first and then writes, in many threads: there is one message."""

        def tell(number: int) -> bool:
            try:
                with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
                    if tx.messages.by_cause("c") is not None:
                        return False
                    tx.save(make_message(f"ms_{number}", cause="c"))
            except Conflict:
                return False
            return True

        assert sum(at_once(tell)) == 1
        assert len(ask(store, lambda tx: tx.messages.of_callback(_MINE, limit=99))) == 1

    # ------------------------------------------------------------------------ what is found by what

    def test_a_message_is_found_by_what_its_provider_calls_it(self, store: Store) -> None:
        """By channel and name together, as they are now; two channels may use one name."""
        first = make_message("ms_1", provider_key="p", **_SENT)
        mail = make_message("ms_2", channel="email", provider_key="p")
        put(store, first, mail, make_message("ms_3", channel=SMS), make_message("ms_4", provider_key="p"))
        assert ask(store, lambda tx: tx.messages.by_provider(SMS, "p")) == first
        assert ask(store, lambda tx: tx.messages.by_provider("email", "p")) == mail
        assert ask(store, lambda tx: tx.messages.by_provider("push", "p")) is None
        assert ask(store, lambda tx: tx.messages.by_provider(SMS, "")) is None
        again = next_version(first, provider_key="q")
        put(store, again)
        assert ask(store, lambda tx: tx.messages.by_provider(SMS, "p")) is None
        assert ask(store, lambda tx: tx.messages.by_provider(SMS, "q")) == again

    def test_of_several_that_a_provider_calls_the_same_the_highest_id_is_found(self, store: Store) -> None:
        """A provider that counts from the start again is no reason to fail; ended or not."""
        named = {"channel": SMS, "provider_key": "p"}
        put(store, *(make_message(f"ms_{n}", **named) for n in (2, 9, 5)))
        put(store, make_message("ms_91", channel=SMS, provider_key="p1"))
        last = next_version(make_message("ms_9", **named), state=MessageState.ENDED)
        put(store, last)
        assert ask(store, lambda tx: tx.messages.by_provider(SMS, "p")) == last

    def test_messages_about_a_callback_come_latest_first(self, store: Store) -> None:
        """By `created_at`, then by the highest id; ended or not; no more than asked for; nobody else's."""
        ended = {"state": MessageState.ENDED, "ended_as": MessageEnd.SENT, "ended_at": START}
        put(
            store,
            make_message("ms_2", created_at=START + _HOUR),
            make_message("ms_9", created_at=START - _HOUR),
            make_message("ms_3", created_at=START + _HOUR, **ended),
            make_message("ms_4", created_at=START + 2 * _HOUR, callback_id=_OTHER),
            make_message("ms_5", created_at=START + 2 * _HOUR, callback_id=None),
            make_message("ms_6", created_at=START + 2 * _HOUR, callback_id=CallbackId("cb_11")),
        )
        assert _ids(ask(store, lambda tx: tx.messages.of_callback(_MINE, limit=9))) == [
            "ms_3",
            "ms_2",
            "ms_9",
        ]
        assert _ids(ask(store, lambda tx: tx.messages.of_callback(_MINE, limit=2))) == ["ms_3", "ms_2"]
        assert _ids(ask(store, lambda tx: tx.messages.of_callback(_OTHER, limit=9))) == ["ms_4"]
        assert ask(store, lambda tx: tx.messages.of_callback(CallbackId("cb_9"), limit=9)) == []

    def test_those_that_wait_come_by_id(self, store: Store) -> None:
        """Only while they are WAITING: what was given out cannot be withdrawn any more."""
        rows = {
            state: make_message(f"ms_{9 - number}", state=state) for number, state in enumerate(MessageState)
        }
        waiting = rows[MessageState.WAITING]
        put(store, *rows.values(), make_message("ms_1"), make_message("ms_2", callback_id=_OTHER))
        put(store, make_message("ms_3", callback_id=None))
        assert _ids(ask(store, lambda tx: tx.messages.waiting_of(_MINE))) == ["ms_1", "ms_9"]
        put(store, next_version(waiting, state=MessageState.SENDING))
        assert _ids(ask(store, lambda tx: tx.messages.waiting_of(_MINE))) == ["ms_1"]
        put(store, next_version(rows[MessageState.SENDING], state=MessageState.WAITING))
        assert _ids(ask(store, lambda tx: tx.messages.waiting_of(_MINE))) == ["ms_1", "ms_8"]
        assert _ids(ask(store, lambda tx: tx.messages.waiting_of(_OTHER))) == ["ms_2"]
        assert ask(store, lambda tx: tx.messages.waiting_of(CallbackId("cb_9"))) == []

    def test_what_an_address_was_sent_comes_latest_first(self, store: Store) -> None:
        """By `sent_at`, then by the highest id; what was not sent is not among it."""
        put(
            store,
            make_message("ms_2", sent_at=START + _HOUR, **_SENT),
            make_message("ms_9", sent_at=START - _HOUR, **_SENT),
            make_message("ms_3", sent_at=START + _HOUR, state=MessageState.ENDED, **_SENT),
            make_message("ms_4", state=MessageState.SENDING, **_SENT),
            make_message("ms_5", sent_at=START, channel=SMS, address_key="anna"),
            make_message("ms_6", sent_at=START),
        )
        assert _ids(ask(store, lambda tx: tx.messages.last_to("ann", limit=9))) == ["ms_3", "ms_2", "ms_9"]
        assert _ids(ask(store, lambda tx: tx.messages.last_to("ann", limit=1))) == ["ms_3"]
        assert _ids(ask(store, lambda tx: tx.messages.last_to("anna", limit=9))) == ["ms_5"]
        assert ask(store, lambda tx: tx.messages.last_to("bob", limit=9)) == []

    def test_those_of_which_nobody_knows_come_by_due_time(self, store: Store) -> None:
        """Then by id, over all queues, and only in state UNCERTAIN."""
        unknown = {"state": MessageState.UNCERTAIN}
        first = make_message("ms_4", due_at=START, **unknown)
        put(
            store,
            make_message("ms_3", due_at=START + _HOUR, **unknown),
            make_message("ms_2", due_at=START + _HOUR, queue=_SALES, **unknown),
            first,
            make_message("ms_1", due_at=START),
        )
        assert _ids(ask(store, lambda tx: tx.messages.uncertain(limit=9))) == ["ms_4", "ms_2", "ms_3"]
        assert _ids(ask(store, lambda tx: tx.messages.uncertain(limit=2))) == ["ms_4", "ms_2"]
        put(store, next_version(first, state=MessageState.ENDED, ended_as=MessageEnd.UNCERTAIN))
        assert _ids(ask(store, lambda tx: tx.messages.uncertain(limit=9))) == ["ms_2", "ms_3"]

    def test_a_message_is_due_in_its_queue(self, store: Store) -> None:
        """Also one that is about no callback; whoever serves other queues does not see it."""
        message = make_message("ms_1", callback_id=None, due_at=START + _HOUR)
        put(store, message)
        late = START + 2 * _HOUR
        assert ask(store, lambda tx: tx.next_due_at()) == START + _HOUR
        assert ask(store, lambda tx: tx.next_due_at(queues=[QUEUE])) == START + _HOUR
        assert ask(store, lambda tx: tx.next_due_at(queues=[_SALES])) is None
        assert ask(store, lambda tx: tx.messages.due(now=late, limit=9, queues=[_SALES])) == []
        assert ask(store, lambda tx: tx.messages.due(now=late, limit=9, queues=[QUEUE])) == [message]
        put(store, next_version(message, state=MessageState.ENDED))
        assert ask(store, lambda tx: tx.next_due_at()) is None

    def test_choices_and_channels_keep_their_order(self, store: Store) -> None:
        """The numbers in a message mean what they meant when it was sent."""
        message = make_message("ms_1", choices=("b", "a", "b"), channels_over=("sms", "email"))
        put(store, message)
        found = ask(store, lambda tx: tx.messages.get(MessageId("ms_1")))
        assert (found.choices, found.channels_over) == (("b", "a", "b"), ("sms", "email"))

    # ------------------------------------------------------------------------ transactions

    @pytest.mark.parametrize("question", QUESTIONS)
    def test_a_transaction_finds_what_it_wrote(self, store: Store, question: str) -> None:
        """By every question, at once; and the next transaction too."""
        state = MessageState.UNCERTAIN if question == "uncertain" else MessageState.WAITING
        row, asked = _known(state), QUESTIONS[question]
        with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            tx.save(row)
            assert asked(tx) == row
        assert ask(store, asked) == row

    @pytest.mark.parametrize("question", QUESTIONS)
    def test_what_is_undone_was_never_there(self, store: Store, question: str) -> None:
        """A rollback brings back the row, and each list in which it stands."""
        state = MessageState.UNCERTAIN if question == "uncertain" else MessageState.WAITING
        row, asked = _known(state), QUESTIONS[question]
        put(store, row)
        gone = {"cause": "d", "provider_key": None, "callback_id": None, "address_key": None, "sent_at": None}

        def write(tx: Transaction) -> None:
            tx.save(next_version(row, state=MessageState.ENDED, ended_at=START, **gone))
            tx.save(make_message("ms_2", cause="c"))

        with pytest.raises(PlannedError):
            fail_after(store, write)
        assert ask(store, asked) == row
        with pytest.raises(MessageNotFound):
            ask(store, lambda tx: tx.messages.get(MessageId("ms_2")))

    def test_messages_and_the_callback_they_tell_of_are_written_together(self, store: Store) -> None:
        """A block that fails leaves neither."""

        def write(tx: Transaction) -> None:
            tx.save(make_callback("cb_1"))
            tx.save(make_message("ms_1"))
            tx.save(make_conversation("k"))

        with pytest.raises(PlannedError):
            fail_after(store, write, commit=Commit.FLUSHED)
        assert ask(store, lambda tx: tx.messages.of_callback(_MINE, limit=9)) == []
        assert ask(store, lambda tx: tx.conversations.find("k")) is None
        with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            write(tx)
        assert _ids(ask(store, lambda tx: tx.messages.waiting_of(_MINE))) == ["ms_1"]
        assert ask(store, lambda tx: tx.conversations.find("k")) == make_conversation("k")

    def test_who_only_reads_sends_nothing(self, store: Store) -> None:
        """Neither a new message nor a change of one is written."""
        row = make_message("ms_1")
        put(store, row)
        with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
            for refused in (make_message("ms_2"), next_version(row, state=MessageState.SENDING)):
                with pytest.raises(RuntimeError, match="READ_ONLY"):
                    tx.save(refused)
        assert ask(store, lambda tx: tx.messages.waiting_of(_MINE)) == [row]


class ConversationContract(ContractBase):
    """What was said last to and by each address."""

    def test_a_conversation_goes_on_from_what_was_said_last(self, store: Store) -> None:
        """There is none until somebody says something; then the last is kept, with all that was asked."""
        assert ask(store, lambda tx: tx.conversations.find("k")) is None
        first = make_conversation("k", heard_ids=("sms_2", "sms_1"), heard_at=START)
        put(store, first)
        assert ask(store, lambda tx: tx.conversations.find("k")) == first
        asked = next_version(
            first, question=Question.WHICH_TIME, callback_id=_MINE, choices=("b", "a"), until_at=START + _HOUR
        )
        put(store, asked)
        assert ask(store, lambda tx: tx.conversations.find("k")) == asked
        answered = next_version(asked, question=None, callback_id=None, choices=(), until_at=None)
        put(store, answered)
        assert ask(store, lambda tx: tx.conversations.find("k")) == answered
        assert ask(store, lambda tx: tx.conversations.find("l")) is None

    def test_two_who_heard_at_once_do_not_both_go_on(self, store: Store) -> None:
        """The second to write is refused, first row or later one, and what the first wrote stands."""
        first = make_conversation("k", heard_ids=("sms_1",))
        put(store, first)
        with pytest.raises(UniquenessViolated):
            put(store, make_conversation("k", heard_ids=("sms_2",)))
        second = next_version(first, heard_ids=("sms_2", "sms_1"))
        put(store, second)
        with pytest.raises(StaleVersion):
            put(store, next_version(first, heard_ids=("sms_3", "sms_1")))
        assert ask(store, lambda tx: tx.conversations.find("k")) == second

    @pytest.mark.parametrize("is_new", [True, False], ids=["a new one", "one that goes on"])
    def test_nothing_that_was_heard_is_lost(self, store: Store, *, is_new: bool) -> None:
        """Many threads hear something at once, and try again when they were late: all of it is there."""
        if not is_new:
            put(store, make_conversation("k"))
        put(store, make_subject("su_1"))

        def hear(number: int) -> None:
            while True:
                try:
                    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
                        found = tx.conversations.find("k")
                        tx.save(_having_heard(found, f"sms_{number}"))
                except Conflict:
                    continue
                return

        at_once(hear)
        found = ask(store, lambda tx: tx.conversations.find("k"))
        assert found is not None
        assert sorted(found.heard_ids) == sorted(f"sms_{number}" for number in range(THREADS))
        assert found.version == THREADS + (0 if is_new else 1)

    def test_what_is_over_is_forgotten(self, store: Store) -> None:
        """The longest over first, at most so many; what is over at the moment itself stays."""
        put(store, *(make_conversation(f"k{n}", over_at=START + n * _HOUR) for n in (3, 1, 2, 0)))
        before = START + 3 * _HOUR
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            assert tx.conversations.forget(over_before=before, limit=2) == 2
            assert [_is_there(tx, f"k{n}") for n in range(4)] == [False, False, True, True]
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            assert tx.conversations.forget(over_before=before, limit=2) == 1
            assert tx.conversations.forget(over_before=before, limit=2) == 0
        assert ask(store, lambda tx: [_is_there(tx, f"k{n}") for n in range(4)]) == [
            False,
            False,
            False,
            True,
        ]

    def test_a_conversation_that_goes_on_is_over_later(self, store: Store) -> None:
        """Only the time of the newest version counts."""
        first = make_conversation("k", over_at=START)
        put(store, first, next_version(first, over_at=START + 2 * _HOUR))
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            assert tx.conversations.forget(over_before=START + _HOUR, limit=9) == 0

    def test_a_forgotten_one_begins_anew(self, store: Store) -> None:
        """From version 1; and what a rollback gives back is as it was."""
        old = next_version(make_conversation("k"), heard_ids=("sms_1",))
        put(store, make_conversation("k"), old)
        late = START + 99 * _HOUR
        with pytest.raises(PlannedError):
            fail_after(store, lambda tx: tx.conversations.forget(over_before=late, limit=9))
        assert ask(store, lambda tx: tx.conversations.find("k")) == old
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            tx.conversations.forget(over_before=late, limit=9)
            tx.save(make_conversation("k"))
        assert ask(store, lambda tx: tx.conversations.find("k")) == make_conversation("k")

    def test_tries_are_never_fewer_than_none(self, store: Store) -> None:
        """Else there would be more of them."""
        with pytest.raises(ValueError, match="cannot count -1"):
            put(store, make_conversation("k", tries_count=-1))
        assert ask(store, lambda tx: tx.conversations.find("k")) is None

    def test_a_conversation_is_never_due(self, store: Store) -> None:
        """Time alone does not change it."""
        put(store, make_conversation("k"))
        assert ask(store, lambda tx: tx.next_due_at()) is None

    def test_who_only_reads_forgets_no_conversation(self, store: Store) -> None:
        """Deleting is writing."""
        put(store, make_conversation("k"))
        with pytest.raises(RuntimeError, match="READ_ONLY"):
            ask(store, lambda tx: tx.conversations.forget(over_before=START + 99 * _HOUR, limit=9))
        assert ask(store, lambda tx: tx.conversations.find("k")) == make_conversation("k")

    def test_nobody_forgets_another_tenant_s_conversation(self, store: Store) -> None:
        """Nor finds it."""
        put(store, make_conversation("k"))
        with store.transaction(OTHER_TENANT, commit=Commit.RELAXED) as tx:
            assert tx.conversations.forget(over_before=START + 99 * _HOUR, limit=9) == 0
            assert tx.conversations.find("k") is None
        assert ask(store, lambda tx: tx.conversations.find("k")) == make_conversation("k")


def _is_there(tx: Transaction, conversation_key: str) -> bool:
    return tx.conversations.find(conversation_key) is not None


def _having_heard(conversation: Conversation | None, heard_id: str) -> Conversation:
    if conversation is None:
        return make_conversation("k", heard_ids=(heard_id,))
    return next_version(conversation, heard_ids=(heard_id, *conversation.heard_ids))
