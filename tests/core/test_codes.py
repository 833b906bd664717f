"""One-time codes: what is read, what is right, how often it may be tried, and for what it is used."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core import codes
from callbackq.core.codes import Verdict
from callbackq.core.numbers import number_key
from callbackq.errors import NotVerified
from callbackq.ids import DEFAULT_TENANT, CallbackId, TenantId, VerificationId
from callbackq.model import Verification
from callbackq.policy import Verify
from core.samples import LAW, START, SUPPORT, M

PEPPER = bytes(range(32))
ID, OTHER_ID = VerificationId("vf_1"), VerificationId("vf_2")
MINE, THEIRS = "a" * 32, "b" * 32
FOR = CallbackId("cb_1")
RIGHT, WRONG = "042042", "424242"
US = timedelta(microseconds=1)
VERIFY = Verify()


def digest(
    code: str, *, verification_id: str = ID, tenant_id: str = DEFAULT_TENANT, pepper: bytes = PEPPER
) -> str:
    return codes.hash_code(
        code, verification_id=VerificationId(verification_id), tenant_id=TenantId(tenant_id), pepper=pepper
    )


def sent(**changes: Any) -> Verification:
    known = Verification(
        tenant_id=DEFAULT_TENANT,
        verification_id=ID,
        version=4,
        number_key=MINE,
        queue=SUPPORT,
        code_hash=digest(RIGHT),
        sent_at=START,
        expires_at=START + 10 * M,
    )
    return attrs.evolve(known, **changes)


def entered(known: Verification, code: str, *, at: timedelta = M) -> tuple[Verification, Verdict]:
    return codes.check(known, code, policy=VERIFY, pepper=PEPPER, now=START + at)


def used(known: Verification, *, number_key: str = MINE, at: timedelta = 2 * M) -> Verification:
    return codes.use(
        known, number_key=number_key, callback_id=FOR, proof_life=VERIFY.proof_life, now=START + at
    )


# ---------------------------------------------------------------------------- made and read


@LAW
@given(st.integers(4, 10), st.data())
def test_each_code_comes_of_one_chance(length: int, data: st.DataObject) -> None:
    """So all are as likely: the code is the number that was drawn, with its zeros."""
    chance = data.draw(st.integers(0, codes.chances_of(length) - 1))
    code = codes.new_code(chance, length=length)
    assert len(code) == length
    assert int(code) == chance
    assert codes.read_code(code) == code


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("042042", "042042"),
        (" 042 042\n", "042042"),
        ("042-042", "042042"),
        ("042\u2011042", "042042"),
        ("042\u202f042", "042042"),
        ("\uff10\uff14\uff12\uff10\uff14\uff12", "042042"),
        ("\u0660\u0664\u0662\u0660\u0664\u0662", "042042"),
        ("042042#", None),
        ("O42042", None),
        ("\u2070\u2074\u00b2042", None),
        ("\u2460\u2461\u2462\u2463", None),
        ("042.042", None),
        ("+042042", None),
        ("0b1010", None),
        ("", None),
        (" - ", None),
        ("0" * 65, None),
        ("\x00", None),
        ("\ud800", None),
    ],
)
def test_digits_are_read_as_people_enter_them(text: str, read: str | None) -> None:
    """Of every script, in groups. Nothing else is a digit, and nothing is left out silently."""
    assert codes.read_code(text) == read


def test_digest_depends_on_all() -> None:
    """On code, id, tenant and pepper; and no boundary between them can be moved."""
    base = digest(RIGHT)
    others = {
        digest(WRONG),
        digest(RIGHT, verification_id=OTHER_ID),
        digest(RIGHT, tenant_id="acme"),
        digest(RIGHT, pepper=bytes(32)),
        digest("0" + RIGHT, verification_id="vf_"),
    }
    assert len(others) == 5
    assert base not in others
    assert digest(RIGHT) == base
    assert RIGHT not in base
    assert base != number_key(f"{ID}\x00{RIGHT}", tenant_id=DEFAULT_TENANT, pepper=PEPPER)


# ---------------------------------------------------------------------------- entered


def test_right_code_proves() -> None:
    """Once, however it is written; and again while it can be entered: a reply may be lost."""
    after, verdict = entered(sent(), "042-042")
    assert verdict is Verdict.RIGHT
    assert after == sent(version=5, verified_at=START + M)
    assert entered(after, RIGHT, at=5 * M) == (after, Verdict.RIGHT)


@pytest.mark.parametrize("code", [WRONG, "", "42042", "0420420", "abc", "\ud800", "0" * 1_000_000])
def test_wrong_code_counts_as_a_try(code: str) -> None:
    """Whatever was entered instead of it."""
    after, verdict = entered(sent(), code)
    assert (after, verdict) == (sent(version=5, tries_count=1), Verdict.WRONG)
    assert codes.tries_left(after, policy=VERIFY) == 2


def test_last_try_may_be_right() -> None:
    """Three wrong ones are too many; two are not."""
    assert entered(sent(tries_count=2), RIGHT)[1] is Verdict.RIGHT
    after, verdict = entered(sent(tries_count=2), WRONG)
    assert verdict is Verdict.WRONG
    assert after.code_hash is None
    assert codes.tries_left(after, policy=VERIFY) == 0
    assert entered(after, RIGHT) == (after, Verdict.VOID)


def test_policy_with_fewer_tries_holds_for_codes_that_were_sent() -> None:
    """Somebody lowers the limit while a code is out: one more wrong one ends it, and none are left below none."""
    one = Verify(tries_max=1)
    after, _ = codes.check(sent(tries_count=2), WRONG, policy=one, pepper=PEPPER, now=START + M)
    assert after.code_hash is None
    assert codes.tries_left(sent(tries_count=2), policy=one) == 0


def test_code_ends_at_its_time() -> None:
    """Right just before, too late then; and a late one is not counted."""
    assert entered(sent(), RIGHT, at=10 * M - US)[1] is Verdict.RIGHT
    assert entered(sent(), RIGHT, at=10 * M) == (sent(), Verdict.EXPIRED)
    assert entered(sent(), WRONG, at=10 * M) == (sent(), Verdict.EXPIRED)


def test_void_code_cannot_be_entered() -> None:
    """It could not be sent, perhaps."""
    gone = codes.void(sent())
    assert gone == sent(version=5, code_hash=None)
    assert entered(gone, RIGHT) == (gone, Verdict.VOID)
    assert codes.tries_left(gone, policy=VERIFY) == 0


def test_wrong_code_takes_no_proof_away() -> None:
    """The number was proved; the tries are counted all the same."""
    proved, _ = entered(sent(tries_count=2), RIGHT)
    after, verdict = entered(proved, WRONG)
    assert verdict is Verdict.WRONG
    assert after.code_hash is None
    assert used(after).callback_id == FOR


@LAW
@given(st.lists(st.sampled_from([WRONG, "", "1"]), min_size=3, max_size=6), st.integers(1, 10))
def test_never_more_tries_than_allowed(tries: list[str], tries_max: int) -> None:
    """After so many wrong ones the right one is of no use, and before it is."""
    policy, known = Verify(tries_max=tries_max), sent()
    for code in tries:
        known, _ = codes.check(known, code, policy=policy, pepper=PEPPER, now=START)
    _, verdict = codes.check(known, RIGHT, policy=policy, pepper=PEPPER, now=START)
    assert (verdict is Verdict.RIGHT) == (len(tries) < tries_max)
    assert known.tries_count == min(len(tries), tries_max)


# ---------------------------------------------------------------------------- used


def test_proof_is_used_once() -> None:
    """For one callback; the code is gone with it."""
    proved, _ = entered(sent(), RIGHT)
    after = used(proved)
    assert after == attrs.evolve(proved, version=6, used_at=START + 2 * M, callback_id=FOR, code_hash=None)
    with pytest.raises(NotVerified, match="used for another request"):
        used(after)
    assert entered(after, RIGHT)[1] is Verdict.VOID


def test_proof_is_of_one_number() -> None:
    """Whatever else holds."""
    proved, _ = entered(sent(), RIGHT)
    with pytest.raises(NotVerified, match="another number"):
        used(proved, number_key=THEIRS)


def test_code_that_was_only_sent_proves_nothing() -> None:
    """It has to be entered."""
    with pytest.raises(NotVerified, match="not entered yet"):
        used(sent())


def test_proof_grows_old() -> None:
    """From when the code was entered; a clock that went back lengthens nothing."""
    proved, _ = entered(sent(), RIGHT, at=5 * M)
    assert used(proved, at=35 * M).used_at == START + 35 * M
    assert used(proved, at=-25 * M).used_at == START - 25 * M
    for at in (35 * M + US, -25 * M - US):
        with pytest.raises(NotVerified, match="too long ago; allowed: within 0:30:00"):
            used(proved, at=at)


def test_record_shows_no_digest() -> None:
    """Nor does anything that is logged with it."""
    assert digest(RIGHT) not in repr(sent())
