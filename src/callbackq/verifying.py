"""Whether a number must be proved to be the customer's, and the proof, used once in the transaction of a request."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from callbackq.core import codes
from callbackq.errors import NotVerified, VerificationNotFound
from callbackq.ids import CallbackId, VerificationId
from callbackq.model import Channel
from callbackq.policy import QueuePolicy, Verify
from callbackq.ports import Transaction

_USUAL: Final = Verify()
PROOF_LIFE_MAX: Final = timedelta(hours=24)
"""The longest `Verify.proof_life`: so long after a code is over it may still be the proof of a request."""


def verify_of(policy: QueuePolicy) -> Verify:
    """Return how codes of a queue serve; where none is asked for, as usual, for hosts that send some all the same."""
    return policy.verify if policy.verify is not None else _USUAL


def proof_needed(policy: QueuePolicy, *, channel: Channel, is_typed: bool) -> bool:
    """
    Whether a number must be proved by a one-time code before it is promised a callback.

    Args:
        is_typed: whether a caller on the line gave it in place of the caller id.
    """
    verify = policy.verify
    return verify is not None and (channel in verify.channels or (is_typed and verify.typed))


def use_proof(
    tx: Transaction,
    verification_id: VerificationId | None,
    *,
    number_key: str,
    callback_id: str,
    policy: QueuePolicy,
    now: datetime,
) -> None:
    """
    Use up the proof of a number, for one callback. Two requests with one proof: one of them meets `Conflict`.

    Raises:
        NotVerified: none is given, or there is no such code; it was sent to another number; it was not entered, or
            too long ago; or it was used.
    """
    if verification_id is None:
        raise NotVerified("this number must be proved; allowed: with the id of a code that was sent to it")
    try:
        known = tx.verifications.get(verification_id)
    except VerificationNotFound:
        raise NotVerified("there is no such code; allowed: one that was sent to this number") from None
    life = verify_of(policy).proof_life
    used = codes.use(
        known, number_key=number_key, callback_id=CallbackId(callback_id), proof_life=life, now=now
    )
    tx.save(used)
