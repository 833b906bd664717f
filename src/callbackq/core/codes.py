"""One-time codes: made of chance that is given, kept as keyed digests, tried a few times, and used once."""

from __future__ import annotations

import enum
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final
from unicodedata import decimal

import attrs

from callbackq.errors import NotVerified
from callbackq.ids import CallbackId, TenantId, VerificationId
from callbackq.model import Verification
from callbackq.policy import Verify

_PERSON: Final = b"callbackq code"
"""Keeps these digests apart from those of numbers, which have the same key."""
_ENTERED_MAX: Final = 64
_BETWEEN: Final = frozenset(" -\u00a0\u2009\u202f\u2010\u2011\u2013")
"""What may stand between digits: spaces and hyphens."""


class Verdict(enum.StrEnum):
    """What became of a code that was entered."""

    RIGHT = "right"
    WRONG = "wrong"
    """Counted: there is one try less."""
    EXPIRED = "expired"
    """It came too late. Not counted."""
    VOID = "void"
    """It was used, or tried too often, or never sent. Not counted."""


def chances_of(length: int) -> int:
    """
    Return how many codes of this length there are: what chance is drawn from.

    >>> chances_of(6)
    1000000
    """
    return int(10**length)


def new_code(chance: int, *, length: int) -> str:
    """
    Return the code that belongs to a number drawn at random, each as likely as any other.

    Args:
        chance: from 0 to before `chances_of(length)`.

    >>> new_code(42, length=6)
    '000042'
    """
    return f"{chance:0{length}d}"


def hash_code(code: str, *, verification_id: VerificationId, tenant_id: TenantId, pepper: bytes) -> str:
    """
    Return a keyed digest of a code. Without *pepper* it tells nothing, few as the codes are.

    The same code has another digest under another id.

    >>> len(
    ...     hash_code(
    ...         "000042", verification_id=VerificationId("vf_1"), tenant_id=TenantId("a"), pepper=bytes(32)
    ...     )
    ... )
    32
    """
    text = f"{tenant_id}\x00{verification_id}\x00{code}"
    return hashlib.blake2b(text.encode(), key=pepper, person=_PERSON, digest_size=16).hexdigest()


def read_code(entered: str) -> str | None:
    """
    Return the digits of a code as people enter it, or None if it can be none.

    Decimal digits of every script are read, full-width and Arabic ones too; spaces and hyphens between them are left
    out. Anything else is no code: no superscripts, no letters that look like digits.

    >>> read_code("123-456"), read_code("\uff11\uff12\uff13 \u0664\u0665\u0666"), read_code("12345O")
    ('123456', '123456', None)
    """
    if len(entered) > _ENTERED_MAX:
        return None
    digits = [decimal(character, -1) for character in entered.strip() if character not in _BETWEEN]
    return "".join(map(str, digits)) if digits and min(digits) >= 0 else None


def check(
    verification: Verification, entered: str, *, policy: Verify, pepper: bytes, now: datetime
) -> tuple[Verification, Verdict]:
    """
    Return what a code that was entered is worth, and the record to be saved where it is another one.

    Digests are compared, in a time that tells nothing of them. The right code again, while it can be entered, is
    right again. A wrong one after it counts as a try, and takes nothing away from the proof.
    """
    if verification.code_hash is None:
        return verification, Verdict.VOID
    if now >= verification.expires_at:
        return verification, Verdict.EXPIRED
    digest = hash_code(
        read_code(entered) or "",
        verification_id=verification.verification_id,
        tenant_id=verification.tenant_id,
        pepper=pepper,
    )
    if hmac.compare_digest(digest, verification.code_hash):
        if verification.verified_at is not None:
            return verification, Verdict.RIGHT
        return attrs.evolve(verification, version=verification.version + 1, verified_at=now), Verdict.RIGHT
    tries = verification.tries_count + 1
    code_hash = verification.code_hash if tries < policy.tries_max else None
    tried = attrs.evolve(
        verification, version=verification.version + 1, tries_count=tries, code_hash=code_hash
    )
    return tried, Verdict.WRONG


def tries_left(verification: Verification, *, policy: Verify) -> int:
    """Return how often a code may still be tried. None is left where the code is void."""
    if verification.code_hash is None:
        return 0
    return max(0, policy.tries_max - verification.tries_count)


def void(verification: Verification) -> Verification:
    """Return the same with a code that nobody can enter any more."""
    return attrs.evolve(verification, version=verification.version + 1, code_hash=None)


def use(
    verification: Verification,
    *,
    number_key: str,
    callback_id: CallbackId,
    proof_life: timedelta,
    now: datetime,
) -> Verification:
    """
    Return the record of a proof that is used up, for one callback.

    Args:
        number_key: the keyed digest of the number that it has to prove.

    Raises:
        NotVerified: it proves another number; or the code was not entered; or the proof was used, or is too old.
    """
    if not hmac.compare_digest(verification.number_key, number_key):
        raise NotVerified("the code was sent to another number; allowed: one that was sent to this one")
    if verification.used_at is not None:
        raise NotVerified("the code was used for another request; allowed: once")
    if verification.verified_at is None:
        raise NotVerified("the code was sent, and was not entered yet; allowed: once it was")
    if abs(now - verification.verified_at) > proof_life:
        raise NotVerified(f"the code was entered too long ago; allowed: within {proof_life}")
    return attrs.evolve(
        verification, version=verification.version + 1, used_at=now, callback_id=callback_id, code_hash=None
    )
