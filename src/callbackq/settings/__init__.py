"""
Settings from files: TOML that says what Python says, read with file, line and key in every error.

The classes of `callbackq.policy` are the one list of settings: the reading of files, their JSON Schema and their
reference page are made from them.
"""

from __future__ import annotations

from callbackq.settings.model import RunnerSettings, Settings, TenantSettings
from callbackq.settings.reading import read_settings, settings_of
from callbackq.settings.schema import json_schema
from callbackq.settings.writing import to_toml

__all__ = [
    "RunnerSettings",
    "Settings",
    "TenantSettings",
    "json_schema",
    "read_settings",
    "settings_of",
    "to_toml",
]
