"""Signed links: read as they were made, until they are too old, and by nobody else's key."""

from __future__ import annotations

import string
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta, timezone
from hashlib import blake2b
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.links import make_link_token, read_link_token
from callbackq.errors import InvalidText, NotVerified
from callbackq.ids import CallbackId, TenantId
from core.samples import CALLBACK_ID, LAW, START, D, H, S

KEY: Final = bytes(range(32))
TENANT: Final = TenantId("acme")
UNTIL: Final = START + D
ALPHABET: Final = string.ascii_letters + string.digits + "-_"


def make(callback_id: str = CALLBACK_ID, *, tenant: str = TENANT, until: datetime = UNTIL) -> str:
    return make_link_token(CallbackId(callback_id), tenant_id=TenantId(tenant), expires_at=until, key=KEY)


def read(token: str, *, tenant: str = TENANT, key: bytes = KEY, now: datetime = START) -> CallbackId:
    return read_link_token(token, tenant_id=TenantId(tenant), key=key, now=now)


def sealed(told: bytes) -> str:
    """Return a token that says anything, under the digest that belongs to it."""
    text = bytes([0, 0, 0, 4]) + b"acme" + told
    digest = blake2b(text, key=KEY, person=b"callbackq link", digest_size=16).digest()
    return urlsafe_b64encode(told + digest).rstrip(b"=").decode()


@LAW
@given(
    st.text(min_size=1, max_size=64).filter(lambda text: text.isprintable()),
    st.timedeltas(min_value=-9999 * D, max_value=99_999 * D),
)
def test_a_token_is_read_as_it_was_made(callback_id: str, life: timedelta) -> None:
    """Any id; of characters that need no quoting in an address."""
    until = START + life
    token = make(callback_id, until=until)
    assert set(token) <= set(ALPHABET)
    assert read(token, now=until - timedelta(seconds=1)) == callback_id


def test_the_same_link_is_the_same_token() -> None:
    """What was sent once stays readable: its bytes are no matter of chance, of the clock or of the version."""
    assert make() == make()
    assert make() == sealed(b"\x01\x00\x69\x5c\xc1\x00cb_1") == "AQBpXMEAY2JfMbxQorIfZCHJ94tJ4D4hGiU"


def test_it_can_be_used_until_its_time() -> None:
    """And not a moment longer; parts of a second are cut off."""
    token = make(until=UNTIL + timedelta(milliseconds=900))
    assert read(token, now=UNTIL - timedelta(microseconds=1)) == CALLBACK_ID
    for late in (UNTIL, UNTIL + S, UNTIL + 365 * D):
        with pytest.raises(NotVerified, match="too old"):
            read(token, now=late)


def test_the_time_is_an_instant_in_any_zone() -> None:
    """Not what a clock shows there."""
    east = UNTIL.astimezone(timezone(9 * H))
    assert make(until=east) == make()


@LAW
@given(st.data())
def test_a_changed_byte_is_refused(data: st.DataObject) -> None:
    """Whichever of them, and whatever it becomes: by no token can another moment or callback be reached."""
    content = bytearray(urlsafe_b64decode(make() + "="))
    index = data.draw(st.integers(0, len(content) - 1))
    content[index] ^= data.draw(st.integers(1, 255))
    with pytest.raises(InvalidText):
        read(urlsafe_b64encode(bytes(content)).rstrip(b"=").decode())


@LAW
@given(st.data())
def test_a_changed_character_is_refused(data: st.DataObject) -> None:
    """Also one that decodes to the same bytes: each link has one spelling."""
    token = make()
    index = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(sorted(set(ALPHABET) - {token[index]})))
    with pytest.raises(InvalidText):
        read(token[:index] + other + token[index + 1 :])


def test_there_is_one_spelling() -> None:
    """The last character has bits that say nothing, and they must be nothing."""
    token = make()
    content = urlsafe_b64decode(token + "=")
    twins = [token[:-1] + last for last in ALPHABET if urlsafe_b64decode(token[:-1] + last + "=") == content]
    assert len(twins) == 4
    for twin in set(twins) - {token}:
        with pytest.raises(InvalidText):
            read(twin)


@LAW
@given(st.text(max_size=80) | st.text(alphabet=ALPHABET, max_size=80) | st.binary(max_size=80).map(str))
def test_what_is_no_token_is_refused(text: str) -> None:
    """Whatever stands in an address: an error of ours, and no other."""
    with pytest.raises(InvalidText):
        read(text)


@pytest.mark.parametrize(
    "spoiled",
    [
        "",
        "A",
        "AAAAA",
        make() + "=",
        make() + "A",
        make() + "\n",
        " " + make(),
        make()[:-1],
        make()[1:],
        make() * 20,
        make()[:-22],
        "\uff21" + make()[1:],
    ],
)
def test_a_token_that_is_longer_or_shorter_is_none(spoiled: str) -> None:
    """Nor with padding, blanks or letters that look alike; nor one without its digest."""
    with pytest.raises(InvalidText):
        read(spoiled)


def test_a_token_is_of_one_tenant_and_one_key() -> None:
    """The same callback of another tenant has another one, and nothing can move from tenant to token."""
    with pytest.raises(InvalidText):
        read(make(), tenant="other")
    with pytest.raises(InvalidText):
        read(make(), tenant="acm")
    with pytest.raises(InvalidText):
        read(make(), key=bytes(32))


def test_one_of_ours_of_another_version_is_refused() -> None:
    """A later version can tell its own from these; a digest alone does not make one."""
    with pytest.raises(InvalidText):
        read(sealed(b"\x02" + bytes(5) + b"cb_1"))
    with pytest.raises(InvalidText):
        read(sealed(b""))


def test_a_forged_one_is_refused_whether_or_not_it_is_too_old() -> None:
    """Who has no key learns nothing about what is too old."""
    old = make(until=START - D)
    with pytest.raises(NotVerified):
        read(old)
    with pytest.raises(InvalidText):
        read(old, tenant="other")


def test_errors_hold_nothing_of_the_token() -> None:
    """A link can be used by whoever reads a log."""
    token = make()
    for spoiled, now in ((token[:-1], START), (token, UNTIL)):
        with pytest.raises((InvalidText, NotVerified)) as caught:
            read(spoiled, now=now)
        assert token[4:12] not in str(caught.value)
        assert CALLBACK_ID not in str(caught.value)
