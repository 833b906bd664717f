"""What is said where a package of the extras `otel` or `prometheus` is missing."""

from __future__ import annotations


def missing(error: ModuleNotFoundError, *, package: str, extra: str) -> ModuleNotFoundError:
    """Return an error that says how to install *package*; *error* itself, if it is another one that is missing."""
    found = (error.name or "").partition(".")[0]
    if found != package:
        return error
    msg = f"callbackq.adapters.telemetry needs {package}: pip install 'callbackq[{extra}]'"
    return ModuleNotFoundError(msg, name=package)
