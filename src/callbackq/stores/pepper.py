"""The secret that keys the digests of phone numbers: what may be one, and what is kept of it with the rows."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Final

from callbackq.errors import ConfigurationError

PEPPER_BYTES: Final = 32


def check_pepper(pepper: object) -> None:
    """Check a pepper of the host. Raises: ConfigurationError."""
    if pepper is None or (isinstance(pepper, bytes) and len(pepper) == PEPPER_BYTES):
        return
    shown = f"{len(pepper)} bytes" if isinstance(pepper, bytes) else type(pepper).__name__
    raise ConfigurationError("pepper", shown, f"{PEPPER_BYTES} bytes")


def row_of_new_pepper(pepper: bytes | None) -> tuple[str, str]:
    """Return what new tables keep in `callbackq_meta`: a pepper made at random, or a fingerprint of the host's."""
    if pepper is None:
        return "pepper", os.urandom(PEPPER_BYTES).hex()
    return "pepper_fingerprint", _fingerprint(pepper)


def agreed_pepper(meta: Mapping[str, str], given: bytes | None, *, made: str) -> bytes:
    """
    Return the pepper that the rows were made with. Another one would make every number a stranger.

    Args:
        meta: the rows of `callbackq_meta`.
        given: what the host passed.
        made: what was made with it, in words.

    Raises:
        ConfigurationError: the host passed another one, or none where the store does not keep it.
    """
    stored = meta.get("pepper")
    pepper = bytes.fromhex(stored) if given is None and stored is not None else given
    fingerprint = _fingerprint(bytes.fromhex(stored)) if stored is not None else meta["pepper_fingerprint"]
    if pepper is None or _fingerprint(pepper) != fingerprint:
        was = "none" if given is None else "another one"
        raise ConfigurationError("pepper", was, f"the one that the {made} made with")
    return pepper


def _fingerprint(pepper: bytes) -> str:
    return hashlib.sha256(b"callbackq pepper " + pepper).hexdigest()
