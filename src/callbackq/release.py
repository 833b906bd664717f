"""The release of callbackq: nodes say which one they run."""

from __future__ import annotations

from typing import Final

__version__: Final[str] = "0.1.0"
"""The version of the package."""
