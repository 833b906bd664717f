"""
How settings are written in files: read into the classes of `callbackq.policy`, written again, and described.

The classes say everything: their fields, types, defaults, docstrings and checks. Nothing is listed a second time.
"""

from __future__ import annotations

from callbackq.policy.forms.base import WRONG, Form, Refused, Schema, SingleForm
from callbackq.policy.forms.building import Forms
from callbackq.policy.forms.compound import ListForm, MapForm, OptionalForm, RecordForm, UnionForm
from callbackq.policy.forms.durations import duration_text, read_duration
from callbackq.policy.forms.nodes import Node, Place, Problems, node_of

__all__ = [
    "WRONG",
    "Form",
    "Forms",
    "ListForm",
    "MapForm",
    "Node",
    "OptionalForm",
    "Place",
    "Problems",
    "RecordForm",
    "Refused",
    "Schema",
    "SingleForm",
    "UnionForm",
    "duration_text",
    "node_of",
    "read_duration",
]
