"""What keys and words mean: a caller's, who is offered a callback, and a customer's, who is called back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from callbackq.errors import ConfigurationError
from callbackq.model import Choice, Confirmation
from callbackq.policy.checks import NAMES_ALLOWED, Frozen, check_member, is_name
from callbackq.policy.presetting import read_preset_map


class Keys(Frozen[str, Choice]):
    """
    What a caller's key or word means, in lower case. Nobody can change it; it can be hashed and pickled.

    Raises:
        ConfigurationError: a key is no text of 1 to 64 characters, or means two things; or a meaning is no `Choice`.

    >>> Keys({"3": Choice.CALLBACK_NOW})["3"]
    <Choice.CALLBACK_NOW: 'callback_now'>
    """

    __slots__ = ()

    def __init__(self, choices: Mapping[str, Choice]) -> None:
        held: dict[str, Choice] = {}
        for said, choice in choices.items():
            if not is_name(said):
                raise ConfigurationError("keys", said, f"keys and words, {NAMES_ALLOWED}")
            check_member(f"keys[{said!r}]", choice, Choice)
            if held.setdefault(" ".join(said.lower().split()), choice) is not choice:
                raise ConfigurationError(f"keys[{said!r}]", choice, "one meaning for each key or word")
        super().__init__(held)


KEYS_DEFAULT: Final[Mapping[str, Choice]] = Keys({"3": Choice.CALLBACK_NOW, "*": Choice.STAY})
"""Key 3 asks for a callback at any time; the star declines one."""

KEYS_S2: Final[Mapping[str, Choice]] = Keys(read_preset_map(Mapping[str, Choice], "s2", "queue", "keys"))
"""The preset `s2`, after the menu of the support handbook: 1 hold, 2 or "callback" now, 3 or "schedule" a time."""


def own_keys(keys: Mapping[str, Choice]) -> Mapping[str, Choice]:
    """Copy the host's keys, so that none can change after the check."""
    if not isinstance(keys, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError("keys", keys, "Choice by key or word")
    return Keys(keys)


CONFIRM_KEYS: Final[Mapping[str, Confirmation]] = Frozen(
    {"1": Confirmation.ACCEPTED, "2": Confirmation.LATER, "3": Confirmation.CANCEL}
)
"""When called back: 1 connect me, 2 call me later, 3 do not call again."""


def own_confirm_keys(keys: Mapping[str, Confirmation]) -> Mapping[str, Confirmation]:
    """Copy the host's keys, so that none can change after the check."""
    if not isinstance(keys, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError("confirm_keys", keys, "Confirmation by key")
    for key, meaning in keys.items():
        check_member(f"confirm_keys[{key!r}]", meaning, Confirmation)
        if not is_name(key) or key != key.strip() or meaning is Confirmation.SILENT:
            raise ConfigurationError(f"confirm_keys[{key!r}]", meaning, "a key, and what it means")
    if Confirmation.ACCEPTED not in keys.values():
        raise ConfigurationError("confirm_keys", dict(keys), "a key that accepts, among them")
    return Frozen(keys)
