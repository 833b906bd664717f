"""
Signed links: what stands in a message, so that the customer can change or cancel one callback without a password.

A token names one callback of one tenant until a moment, under a keyed digest: whoever has no key can neither make one
nor change one. It is no secret of the callback's alone: who reads the message can use it, as with the message itself.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from datetime import datetime
from typing import Final

from callbackq.errors import InvalidText, NotVerified
from callbackq.ids import CallbackId, TenantId

_PERSON: Final = b"callbackq link"
"""Keeps these digests apart from those of numbers and codes, which have the same key."""
_VERSION: Final = b"\x01"
_EXPIRY_BYTES: Final = 5
"""Seconds since 1970: enough for 34,000 years."""
_DIGEST_BYTES: Final = 16
_HEAD_BYTES: Final = len(_VERSION) + _EXPIRY_BYTES
_TOKEN_MAX: Final = 500
_ALPHABET: Final = re.compile(r"[A-Za-z0-9_\-]+", re.ASCII)


def make_link_token(callback_id: CallbackId, *, tenant_id: TenantId, expires_at: datetime, key: bytes) -> str:
    """
    Return the token of a link to one callback: letters, digits, `-` and `_`.

    Args:
        expires_at: from then on it is too old; whole seconds, parts of one are cut off.
        key: the store's pepper, 32 bytes.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 10, 15, tzinfo=UTC)
    >>> token = make_link_token(CallbackId("cb_1"), tenant_id=TenantId("a"), expires_at=at, key=bytes(32))
    >>> len(token)
    35
    """
    seconds = int(expires_at.timestamp()).to_bytes(_EXPIRY_BYTES)
    told = _VERSION + seconds + callback_id.encode()
    return _text_of(told + _digest(told, tenant_id=tenant_id, key=key))


def read_link_token(token: str, *, tenant_id: TenantId, key: bytes, now: datetime) -> CallbackId:
    """
    Return the callback that a token names.

    There is one token for each content: another spelling of the same bytes is none.

    Raises:
        InvalidText: it is no token of ours, or of another tenant, or was changed.
        NotVerified: it was one, and is too old.
    """
    bytes_ = _bytes_of(token)
    told, digest = bytes_[:-_DIGEST_BYTES], bytes_[-_DIGEST_BYTES:]
    is_ours = hmac.compare_digest(digest, _digest(told, tenant_id=tenant_id, key=key))
    if not is_ours or not told.startswith(_VERSION):
        raise InvalidText("the link is none of ours, or was changed; allowed: as it was sent")
    if now.timestamp() >= int.from_bytes(told[len(_VERSION) : _HEAD_BYTES]):
        raise NotVerified("the link is too old; allowed: one that was sent lately")
    return CallbackId(told[_HEAD_BYTES:].decode())


def _digest(told: bytes, *, tenant_id: TenantId, key: bytes) -> bytes:
    tenant = tenant_id.encode()
    text = (
        len(tenant).to_bytes(4) + tenant + told
    )  # With its length, so that nothing can move between the two.
    return hashlib.blake2b(text, key=key, person=_PERSON, digest_size=_DIGEST_BYTES).digest()


def _text_of(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes_of(token: str) -> bytes:
    """Return the bytes of a token; none where it is not the one spelling of them."""
    if len(token) > _TOKEN_MAX or _ALPHABET.fullmatch(token) is None:
        return b""
    try:
        content = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except Error:
        return b""
    return content if _text_of(content) == token else b""
