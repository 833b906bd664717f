"""From the types of a class of settings to the forms of its fields."""

from __future__ import annotations

import enum
import re
import typing
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from types import NoneType, UnionType
from typing import Any, Final

import attrs

from callbackq.policy.forms.base import (
    DateForm,
    DurationForm,
    Form,
    InstantForm,
    PlainForm,
    SingleForm,
    TimeForm,
    WordForm,
)
from callbackq.policy.forms.compound import ListForm, MapForm, OptionalForm, RecordForm, UnionForm

_SINGLE: Final[Mapping[Any, SingleForm]] = {
    **{kind: PlainForm(kind) for kind in (bool, int, float, str)},
    timedelta: DurationForm(),
    time: TimeForm(),
    date: DateForm(),
    datetime: InstantForm(),
}


class Forms:
    """
    Makes the forms of classes, each once.

    Args:
        by_type: forms of types that are written in another way than their fields would be.
        by_field: the same of single fields, by class and name; None: no file may name it.
    """

    def __init__(
        self,
        *,
        by_type: Mapping[Any, Form] | None = None,
        by_field: Mapping[tuple[type[Any], str], Form | None] | None = None,
    ) -> None:
        self._made: Final[dict[Any, Form]] = {**_SINGLE, **(by_type or {})}
        self._by_field: Final = dict(by_field or {})

    def of(self, kind: Any) -> Form:
        """
        Return the form of a type.

        Raises:
            TypeError: there is none.
        """
        if kind not in self._made:
            self._made[kind] = self._new(kind)
        return self._made[kind]

    def record(self, kind: type[Any]) -> RecordForm:
        """Return the form of a class of settings."""
        form = self.of(kind)
        assert isinstance(form, RecordForm)
        return form

    def _new(self, kind: Any) -> Form:
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin in {typing.Union, UnionType}:
            return self._union(arguments)
        if origin in {tuple, frozenset}:
            return ListForm(self.of(arguments[0]), kind=origin)
        if origin is not None and issubclass(origin, Mapping):
            return MapForm(self._single(arguments[0]), self.of(arguments[1]))
        if isinstance(kind, type) and issubclass(kind, enum.StrEnum):
            return WordForm(kind)
        if isinstance(kind, type) and attrs.has(kind):
            return self._record(kind)
        msg = f"no form for {kind!r}"
        raise TypeError(msg)

    def _record(self, kind: type[Any]) -> RecordForm:
        hints = typing.get_type_hints(kind)
        fields: dict[str, Form] = {}
        for attribute in attrs.fields(kind):
            own = self._by_field.get((kind, attribute.name), ...)
            if own is not None:
                is_own = isinstance(own, Form)
                fields[attribute.name] = own if is_own else self.of(hints[attribute.name])
        return RecordForm(kind, name=_snake(kind.__name__), fields=fields)

    def _single(self, kind: Any) -> SingleForm:
        form = self.of(kind)
        assert isinstance(form, SingleForm)
        return form

    def _union(self, kinds: tuple[Any, ...]) -> Form:
        forms = [self.of(kind) for kind in kinds if kind is not NoneType]
        if len(forms) == 1:
            found: Form = forms[0]
        else:
            single = [form for form in forms if isinstance(form, SingleForm)]
            records = [form for form in forms if isinstance(form, RecordForm)]
            found = UnionForm(single[0] if single else None, records)
        return OptionalForm(found) if NoneType in kinds else found


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
