"""The secret that keys the digests of phone numbers: what may be one."""

from __future__ import annotations

from typing import Final

from callbackq.errors import ConfigurationError

PEPPER_BYTES: Final = 32


def check_pepper(pepper: object) -> None:
    """Check a pepper of the host. Raises: ConfigurationError."""
    if pepper is None or (isinstance(pepper, bytes) and len(pepper) == PEPPER_BYTES):
        return
    shown = f"{len(pepper)} bytes" if isinstance(pepper, bytes) else type(pepper).__name__
    raise ConfigurationError("pepper", shown, f"{PEPPER_BYTES} bytes")
