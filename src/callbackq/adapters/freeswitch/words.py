"""
How things are said to FreeSWITCH: channel ids, dial strings, variables, and commands in which no value can be another.

FreeSWITCH reads one line several times: as words, as a list in braces, as name and value, and it fills in `${…}`, which
can run commands. So nothing that comes from outside is escaped and hoped for: in a *variable* each character that is
not known to be harmless becomes a space, and an *address* with such a one is refused, for any other address would ring
somebody else's phone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final
from uuid import UUID, uuid5

from callbackq.errors import AdapterError
from callbackq.ids import LegId

_NAMESPACE: Final = UUID("6f0b1f5e-3a55-5d0b-9a52-3f1a5c1f7e11")
"""Of all legs of callbackq, for ever: a node that starts again finds the channels that it had dialed."""

LEG_VARIABLE: Final = "callbackq_leg_id"
VALUE_SIZE_MAX: Final = 500
"""In characters: what is longer is cut, for it is shown on telephones."""
_HARMLESS: Final = frozenset(" -_.+@/#*()?")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_ADDRESS_PART: Final = re.compile(r"[A-Za-z0-9_.@+*#-]{1,128}")
_CHANNEL: Final = re.compile(r"[A-Za-z0-9_.@:-]{1,128}")
_LETTERS_MARKS_NUMBERS: Final = frozenset("LMN")


class NotSayable(AdapterError):
    """A value cannot be part of an address or a command. Nothing was done."""


def channel_of(leg_id: LegId) -> str:
    """
    Return the id of the channel of a leg: always the same, so that it is found after any restart.

    >>> channel_of(LegId("leg_1")) == channel_of(LegId("leg_1")) != channel_of(LegId("leg_2"))
    True
    """
    return str(uuid5(_NAMESPACE, leg_id))


def harmless(value: str) -> str:
    """
    Return *value* as it may stand in a variable: letters of any language, digits, and what means nothing here.

    >>> harmless("O'Neil, Zoë"), harmless("x}sofia/gateway/evil/1,${system(reboot)}")
    ('O Neil Zoë', 'x sofia/gateway/evil/1 system(reboot)')
    """
    kept = (one if _is_harmless(one) else " " for one in unicodedata.normalize("NFC", value[:VALUE_SIZE_MAX]))
    return " ".join("".join(kept).split())


def speakable(text: str) -> str:
    """
    Return *text* as it may be given to a voice: as `harmless`, and with the marks by which it is spoken well.

    >>> speakable("We're sorry, ${x}.")
    'We’re sorry, x .'
    """
    marked = text.replace("'", "’")[:2_000]
    kept = (one if _is_harmless(one) or one in ",!’" else " " for one in unicodedata.normalize("NFC", marked))
    return " ".join("".join(kept).split())


def address_part(value: str, *, what: str) -> str:
    """
    Return *value*, which may stand in an address.

    Raises:
        NotSayable: it holds anything but letters, digits and `_ . @ + * # -`, or is empty or too long.
    """
    if not _ADDRESS_PART.fullmatch(value):
        raise NotSayable(
            f"{what} cannot be part of an address of FreeSWITCH; allowed: 1 to 128 of A-Z a-z 0-9 _ . @ + * # -"
        )
    return value


def channel_id(value: str) -> str:
    """Return *value*, which may be the id of a channel. Raises: NotSayable."""
    if not is_channel_id(value):
        raise NotSayable("this is not the id of a channel of FreeSWITCH")
    return value


def is_channel_id(value: str) -> bool:
    """Whether *value* can be the id of a channel."""
    return _CHANNEL.fullmatch(value) is not None


def variables(values: Mapping[str, str]) -> str:
    r"""
    Write variables in braces. Names that could not be one are left out; values are written as they are.

    >>> variables(
    ...     {"origination_caller_id_name": "Ann Smith", "absolute_codec_string": "PCMU,PCMA", "a b": "c"}
    ... )
    "{origination_caller_id_name='Ann Smith',absolute_codec_string=PCMU\\,PCMA}"
    """
    return "{" + ",".join(_assigned(name, value) for name, value in values.items() if is_name(name)) + "}"


def is_name(name: str) -> bool:
    """Whether *name* can be the name of a variable."""
    return _NAME.fullmatch(name) is not None


def is_trusted_value(value: str) -> bool:
    """Whether the host's own settings may give this as the value of a variable."""
    return not any(one in value for one in "\r\n\0'\"\\{}[]<>$|") and ":_:" not in value


def one_line(command: str) -> str:
    """
    Return *command*, which is one line.

    Raises:
        NotSayable: it would be several commands.
    """
    if any(one in command for one in "\r\n\0"):
        raise NotSayable("a command of FreeSWITCH must be one line")
    return command


def _assigned(name: str, value: str) -> str:
    written = value.replace(",", "\\,")
    return f"{name}='{written}'" if " " in written else f"{name}={written}"


def _is_harmless(one: str) -> bool:
    return one in _HARMLESS or unicodedata.category(one)[0] in _LETTERS_MARKS_NUMBERS
