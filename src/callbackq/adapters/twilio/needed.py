"""What is said where the package of the extra `twilio` is missing."""

from __future__ import annotations

from typing import Final

_PACKAGES: Final = frozenset({"requests", "twilio", "urllib3"})
"""The package, and what it brings."""


def missing(error: ModuleNotFoundError) -> ModuleNotFoundError:
    """Return an error that says how to install the package; *error* itself, if it is another one that is missing."""
    found = (error.name or "").partition(".")[0]
    if found not in _PACKAGES:
        return error
    msg = f"callbackq.adapters.twilio needs {found}: pip install 'callbackq[twilio]'"
    return ModuleNotFoundError(msg, name=found)
