"""
Phone numbers: read, normalised to E.164, and turned into keys.

`phonenumbers` is imported on first use. Results are kept in a bounded cache: the same number costs once.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final

import attrs

from callbackq.errors import InvalidNumber
from callbackq.masking import mask_number, repr_masked

INPUT_MAX: Final = 64
_CACHE_SIZE: Final = 65_536


@attrs.frozen
class PhoneNumber:
    """A number in E.164, and the extension that is dialed after the answer."""

    e164: str = attrs.field(repr=repr_masked)
    extension: str | None = attrs.field(default=None, repr=False)

    @property
    def identity(self) -> str:
        """The default identity of the person behind the number. The extension tells persons apart."""
        return f"tel:{self.e164};ext={self.extension}" if self.extension else f"tel:{self.e164}"


def read_number(text: object, *, region: str) -> PhoneNumber:
    """
    Read a number as people and PBXs write it.

    Args:
        text: at most 64 characters. A number without a country code is read as one of *region*.
        region: two capital letters, such as `US`.

    Raises:
        InvalidNumber: it is no number, or not a valid one of its country. Shows it masked.

    Cost: tens of microseconds the first time, less than one while it is in the cache.

    >>> read_number("(212) 555-0123 ext. 7", region="US").identity
    'tel:+12125550123;ext=7'
    >>> read_number("anonymous", region="US")
    Traceback (most recent call last):
    ...
    callbackq.errors.InvalidNumber: … is not a phone number
    """
    if not isinstance(text, str):
        raise InvalidNumber(f"a number is {type(text).__name__}; allowed: text")
    if not 1 <= len(text) <= INPUT_MAX:
        raise InvalidNumber(f"a number has {len(text)} characters; allowed: 1 to {INPUT_MAX}")
    return _read(text, region)


@lru_cache(maxsize=_CACHE_SIZE)
def _read(text: str, region: str) -> PhoneNumber:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise InvalidNumber(f"{mask_number(text)} is not a phone number") from error
    if not phonenumbers.is_valid_number(parsed):
        raise InvalidNumber(f"{mask_number(text)} is not a valid number of its country")
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return PhoneNumber(e164, parsed.extension or None)


def number_key(e164: str, *, tenant_id: str, pepper: bytes) -> str:
    """
    Return a keyed digest of a number: equal for equal numbers of one tenant, and telling nothing without *pepper*.

    >>> len(number_key("+12125550123", tenant_id="acme", pepper=bytes(32)))
    32
    """
    return hashlib.blake2b(f"{tenant_id}\x00{e164}".encode(), key=pepper, digest_size=16).hexdigest()
