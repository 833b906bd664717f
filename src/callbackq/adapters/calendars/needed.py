"""What is said where a package of the extra `calendars` is missing."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def needed(module: str) -> ModuleType:
    """
    Import a module of a package that the extra `calendars` brings.

    Raises:
        ModuleNotFoundError: the package is not installed. Says how to install it.
    """
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        msg = f"callbackq.adapters.calendars needs {package}: pip install 'callbackq[calendars]'"
        raise ModuleNotFoundError(msg, name=package) from None
