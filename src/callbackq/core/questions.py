"""
What was asked: what the last message that was sent makes of the next text, and what is kept of one that was heard.

The last message decides. One that offers times, asks for a number or a code, or which callback is meant, leaves a
question open for `Messages.question_life`; any other closes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs

from callbackq.ids import CallbackId, TenantId, VerificationId
from callbackq.model import Conversation, MessageKind, Question, ReplyWish
from callbackq.policy import Messages

HEARD_MAX: Final = 20
"""So many ids of messages are remembered."""
CONVERSATION_LIFE: Final = timedelta(days=30)
"""A conversation is forgotten when nothing was said for so long."""
_TIMES_ASKED_BY: Final = frozenset(
    {MessageKind.RESCHEDULE, MessageKind.SLOTS_FULL, MessageKind.OTHER_TIMES, MessageKind.LATE}
)


def new_conversation(tenant_id: TenantId, conversation_key: str, *, now: datetime) -> Conversation:
    """Begin a conversation. It is not stored: its version is 0."""
    return Conversation(
        tenant_id=tenant_id,
        conversation_key=conversation_key,
        version=0,
        over_at=now + CONVERSATION_LIFE,
    )


def said(
    conversation: Conversation,
    *,
    message_kind: MessageKind,
    callback_id: CallbackId | None,
    choices: Sequence[str] = (),
    wish: ReplyWish | None = None,
    verification_id: VerificationId | None = None,
    now: datetime,
    policy: Messages,
) -> Conversation:
    """
    Note what the last message that was sent means for the next text.

    Args:
        callback_id: what the message is about. choices: what its numbers mean, as `Message.choices`.
        wish: of WHICH: what is to be done with the callback that is chosen.
        verification_id: of ENTER_CODE: the code that was sent.
    """
    last_id = conversation.last_callback_id if callback_id is None else callback_id
    kept = attrs.evolve(
        conversation,
        version=conversation.version + 1,
        last_callback_id=last_id,
        over_at=now + CONVERSATION_LIFE,
    )
    until_at = now + policy.question_life
    if _stays_open(conversation, message_kind, callback_id):
        return attrs.evolve(kept, until_at=until_at)
    question = _question_of(message_kind, callback_id=callback_id, choices=choices)
    if question is None:
        return closed(kept)
    return attrs.evolve(
        kept,
        question=question,
        wish=wish if question is Question.WHICH_CALLBACK else None,
        callback_id=None if question is Question.WHICH_CALLBACK else callback_id,
        choices=tuple(choices),
        verification_id=verification_id if question is Question.WHICH_CODE else None,
        until_at=until_at,
    )


def _stays_open(
    conversation: Conversation, message_kind: MessageKind, callback_id: CallbackId | None
) -> bool:
    """Whether what was asked can still be answered: a number or a code that was wrong is given again."""
    return (
        message_kind in {MessageKind.NUMBER_REFUSED, MessageKind.HELP}
        and conversation.question in {Question.WHICH_NUMBER, Question.WHICH_CODE}
        and callback_id in {None, conversation.callback_id}
    )


def _question_of(
    message_kind: MessageKind, *, callback_id: CallbackId | None, choices: Sequence[str]
) -> Question | None:
    if message_kind is MessageKind.WHICH and choices:
        return Question.WHICH_CALLBACK
    if message_kind in _TIMES_ASKED_BY and choices:
        return Question.WHICH_TIME
    if callback_id is None:
        return None
    if message_kind is MessageKind.NEW_NUMBER:
        return Question.WHICH_NUMBER
    return Question.WHICH_CODE if message_kind is MessageKind.ENTER_CODE else None


def closed(conversation: Conversation) -> Conversation:
    """Return it without a question."""
    return attrs.evolve(
        conversation,
        question=None,
        wish=None,
        callback_id=None,
        choices=(),
        verification_id=None,
        until_at=None,
    )


def with_heard(
    conversation: Conversation, *, inbound_id: str, policy: Messages, now: datetime
) -> Conversation:
    """Note that something was heard: a question that is over is forgotten, and after a pause the count of answers."""
    paused = conversation.heard_at is None or now - conversation.heard_at >= policy.question_life
    heard = attrs.evolve(
        conversation,
        version=conversation.version + 1,
        tries_count=0 if paused else conversation.tries_count,
        heard_ids=(*conversation.heard_ids, inbound_id)[-HEARD_MAX:],
        heard_at=now,
        over_at=now + CONVERSATION_LIFE,
    )
    return heard if heard.until_at is not None and now < heard.until_at else closed(heard)
