"""The commands of a FreeSWITCH that is not there: what it does for `api` and `bgapi`, and what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from callbackq.testing.doubles.esl_callcenter import EslCallcenter
from callbackq.testing.doubles.esl_channels import EslChannels, EslPhone
from callbackq.testing.doubles.esl_words import addresses, braces, separated

_NO_CHANNEL: Final = "-ERR No such channel!\n"
_NO_SESSION: Final = "-ERR Cannot locate session!\n"
_INVALID: Final = "-ERR Invalid uuid\n"
_OK: Final = "+OK\n"


class EslCommands:
    """
    Runs commands. One that is not known is answered as the real one would.

    Attributes:
        given: all commands, in their order.
        expanded: values in which `${…}` would have run something.
        transferred: callers who were sent on, by channel, and whereto.
    """

    def __init__(
        self, phones: EslChannels, callcenter: EslCallcenter, *, phone_of: Callable[[str], EslPhone]
    ) -> None:
        self._phones: Final = phones
        self._callcenter: Final = callcenter
        self._phone_of: Final = phone_of
        self.given: Final[list[str]] = []
        self.expanded: Final[list[str]] = []
        self.transferred: Final[dict[str, str]] = {}
        self._global: Final[dict[str, str]] = {}
        self._answers: Final[Mapping[str, Callable[[list[str]], str]]] = {
            "uuid_exists": self._exists,
            "uuid_dump": self._dump,
            "uuid_kill": self._kill,
            "uuid_bridge": self._bridge,
            "uuid_broadcast": self._broadcast,
            "uuid_break": self._break,
            "uuid_send_dtmf": self._send_dtmf,
            "uuid_record": self._record,
            "uuid_transfer": self._transfer,
            "uuid_setvar": self._setvar,
            "uuid_getvar": self._getvar,
            "global_setvar": self._global_setvar,
            "global_getvar": self._global_getvar,
            "show": self._show,
        }

    def run(self, command: str, *, job: str | None = None) -> str | None:
        """Answer `api` or, with the id of a *job*, `bgapi`; None: the job is over later."""
        self.given.append(command)
        name, _, rest = command.strip().partition(" ")
        words = separated(rest)
        if name == "originate":
            return self._originate(words, job=job or "")
        if name == "callcenter_config" and self._callcenter.is_loaded:
            return self._callcenter.config(words)
        answer = self._answers.get(name)
        return f"-ERR {name} Command not found!\n" if answer is None else answer(words)

    def _originate(self, words: list[str], *, job: str) -> str | None:
        if not 2 <= len(words) <= 7:
            return "-USAGE: originate <call url> <exten>|&<application_name>(<app_args>)\n"
        variables, dialed = braces(words[0])
        self.expanded.extend(value for value in (*variables.values(), dialed) if "${" in value)
        for address in addresses(dialed):
            self._phones.place(address, self._phone_of(address), variables, job=job)
        return None

    def _show(self, words: list[str]) -> str:
        if words != ["channels", "as", "json"]:
            return "-USAGE: show …\n"
        rows = [{"uuid": one.channel, "name": one.address} for one in self._phones.listed()]
        rows += [{"uuid": one.channel, "name": "sofia/caller"} for one in self._callcenter.members.values()]
        return json.dumps({"row_count": len(rows), "rows": rows} if rows else {"row_count": 0})

    def _exists(self, words: list[str]) -> str:
        return "true" if self._phones.get(words[0] if words else "") else "false"

    def _dump(self, words: list[str]) -> str:
        one = self._phones.get(words[0])
        return _NO_CHANNEL if one is None else json.dumps({"Event-Name": "CHANNEL_DATA", **one.data()})

    def _kill(self, words: list[str]) -> str:
        one = self._phones.get(words[0])
        if one is None:
            return _NO_CHANNEL
        self._phones.end(one, words[1] if len(words) > 1 else "NORMAL_CLEARING")
        return _OK

    def _bridge(self, words: list[str]) -> str:
        one, other = self._phones.get(words[0]), self._phones.get(words[1])
        if one is None or other is None or not self._phones.bridge(one, other):
            return _INVALID
        return f"+OK {other.channel}\n"

    def _broadcast(self, words: list[str]) -> str:
        one = self._phones.get(words[0])
        if one is None:
            return "-ERR invalid uuid\n"
        self._phones.broadcast(one, words[1])
        return "+OK Message sent\n"

    def _break(self, words: list[str]) -> str:
        one = self._phones.get(words[0])
        if one is None:
            return _NO_CHANNEL
        self._phones.stop(one)
        return _OK

    def _send_dtmf(self, words: list[str]) -> str:
        one = self._phones.get(words[0])
        if one is None:
            return _NO_SESSION
        one.heard += words[1].replace("w", "").replace("W", "")
        return f"+OK {one.channel} sent DTMF {words[1]}.\n"

    def _record(self, words: list[str]) -> str:
        one = self._phones.get(words[0])
        if one is None:
            return _NO_SESSION
        one.recordings.append(words[2])
        return "+OK Success\n"

    def _transfer(self, words: list[str]) -> str:
        channel = words[0]
        if self._phones.get(channel) is None and channel not in self._callcenter.callers:
            return _NO_CHANNEL
        self.transferred[channel] = words[1]
        if words[1].startswith("m:^:callcenter:"):
            self._callcenter.enter_again(channel, words[1].rpartition(":")[2])
        return _OK

    def _setvar(self, words: list[str]) -> str:
        variables = self._callcenter.callers.get(words[0])
        if variables is None:
            return _NO_CHANNEL
        variables[words[1]] = words[2] if len(words) > 2 else ""
        return _OK

    def _getvar(self, words: list[str]) -> str:
        one = self._phones.get(words[0])
        if one is None:
            there = {member.channel for member in self._callcenter.members.values()}
            return "_undef_" if words[0] in there else _NO_CHANNEL
        return one.variables.get(words[1], "_undef_")

    def _global_setvar(self, words: list[str]) -> str:
        name, _, value = " ".join(words).partition("=")
        self._global[name] = value
        return "+OK"

    def _global_getvar(self, words: list[str]) -> str:
        return self._global.get(words[0], "")
