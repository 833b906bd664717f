"""`EslSettings`: where the FreeSWITCH is, and how people, sounds and trunks are named in it."""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Callable, Mapping
from datetime import timedelta
from string import Formatter
from types import MappingProxyType
from typing import Final, Self, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

import attrs

from callbackq.adapters.connection import Waits
from callbackq.adapters.freeswitch import words
from callbackq.effects import ConnectCall, Dial, Prompt
from callbackq.errors import AdapterError, ConfigurationError, DialRefused
from callbackq.model import Role

Endpoint: TypeAlias = str | Mapping[str, str] | Callable[[Dial], str]
"""A template, a table by agent id or number, or a function of the order: each says what FreeSWITCH dials."""

PORT_DEFAULT: Final = 8021
_PORT_MAX: Final = 65_535
_DIALS_PER_S_MIN: Final = 0.1
_DIALS_PER_S_MAX: Final = 1_000.0
_FIELDS: Final = frozenset({"agent_id", "number", "digits", "route", "queue"})
_SOUND_FIELDS: Final = frozenset({"prompt", "language", "text"})
_TIMES: Final = (
    ("request_time_max", timedelta(seconds=0.1), timedelta(minutes=1)),
    ("prompt_time_max", timedelta(seconds=1), timedelta(minutes=10)),
    ("heartbeat", timedelta(seconds=0.1), timedelta(minutes=5)),
    ("digits_after", timedelta(0), timedelta(seconds=30)),
    ("list_lag", timedelta(0), timedelta(seconds=5)),
)


class Detector(enum.StrEnum):
    """Which module finds out who answered."""

    AMD = "amd"
    """`mod_amd`, which is built on its own: it listens for 1 to 5 s, and knows persons and machines."""
    AVMD = "avmd"
    """`mod_avmd`, which comes with FreeSWITCH: it hears the beep of a machine, and knows no persons."""


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


def _no_sounds() -> Mapping[Prompt, str]:
    return MappingProxyType({})


@attrs.frozen(kw_only=True)
class EslSettings:
    """
    How to reach FreeSWITCH's event socket (ESL), and what things are called there.

    Args:
        url: such as `esl://127.0.0.1:8021`. A password in it, `esl://:secret@…`, is taken out of it.
        password: as in `event_socket.conf.xml`.
        insecure: speak also with another machine than this one. The event socket has no encryption: the password, and
            all that is said of calls, can be read on the way. Use a tunnel instead, whose end is on this machine.
        customer: what is dialed for a customer. A template has `{number}` (E.164, with the dial prefix of the queue's
            policy before it), `{digits}` (the same without the plus), `{route}` and `{queue}`.
        agent: what is dialed for an agent: a template with `{agent_id}`, a table by agent id, or a function.
        route: what `{route}` is where the policy says nothing: the name of the gateway.
        customer_on_agents_phone: whether the agent's phone shows the customer's number and name as the caller.
        variables: of every channel, besides those that are set anyway. Values are taken as they are.
        codecs: which codecs a callback of a `media` asks for, such as `{"video": "PCMU,H264"}`.
        dials_per_s_max: no faster than this are legs placed, 0.1 to 1,000: FreeSWITCH refuses what goes beyond
            `sessions-per-second` of `switch.conf.xml`, which is 30 in a stock installation and counts all calls.
        progress_is_ringing: whether early media (SIP 183) counts as a phone that rings. Many trunks send nothing else.
        detector: who finds out who answered, where a queue's policy has `detect`; None: nobody is listened to.
        sound: what is played for a prompt that has no own one in *sounds*: a file, or whatever FreeSWITCH can play or
            speak, with `{prompt}`, `{language}` and `{text}`. None: nothing.
        sounds: the same by prompt.
        language: what `{language}` is for customers of whom none is known.
        recordings: the folder for recordings, on the machine of FreeSWITCH, absolute; None: nothing is recorded.
        recording_format: such as `wav`.
        request_time_max: how long one command may take. 0.1 s to 1 min.
        prompt_time_max: what plays longer is ended. 1 s to 10 min.
        digits_after: how long after the answer the keys of an extension are pressed, in steps of half a second.
        list_lag: how far FreeSWITCH's list of channels may be behind: so long a snapshot waits before it reads it. 0 to
            5 s. (1.11.1 was 0.11 to 0.24 s behind, both with what had come and with what had gone.)
        heartbeat: how often it is asked whether the other side still hears. 0.1 s to 5 min.
        waits: between two tries to connect.

    Raises:
        ConfigurationError: a value is out of its bounds; or another machine, and not *insecure*.

    >>> EslSettings(url="esl://:secret@127.0.0.1:8021")
    EslSettings(url='esl://127.0.0.1:8021')
    """

    url: str = f"esl://127.0.0.1:{PORT_DEFAULT}"
    password: str = attrs.field(default="", repr=False)
    insecure: bool = attrs.field(default=False, repr=False)
    customer: Endpoint = attrs.field(default="sofia/gateway/{route}/{number}", repr=False)
    agent: Endpoint = attrs.field(default="user/{agent_id}", repr=False)
    route: str = attrs.field(default="trunk", repr=False)
    customer_on_agents_phone: bool = attrs.field(default=True, repr=False)
    variables: Mapping[str, str] = attrs.field(factory=_nothing, repr=False)
    codecs: Mapping[str, str] = attrs.field(factory=_nothing, repr=False)
    dials_per_s_max: float = attrs.field(default=25.0, repr=False)
    progress_is_ringing: bool = attrs.field(default=True, repr=False)
    detector: Detector | None = attrs.field(
        default=None, converter=attrs.converters.optional(Detector), repr=False
    )
    sound: str | None = attrs.field(default="callbackq/{language}/{prompt}.wav", repr=False)
    sounds: Mapping[Prompt, str] = attrs.field(factory=_no_sounds, repr=False)
    language: str = attrs.field(default="en", repr=False)
    recordings: str | None = attrs.field(default="/var/lib/freeswitch/recordings", repr=False)
    recording_format: str = attrs.field(default="wav", repr=False)
    request_time_max: timedelta = attrs.field(default=timedelta(seconds=8), repr=False)
    prompt_time_max: timedelta = attrs.field(default=timedelta(seconds=60), repr=False)
    digits_after: timedelta = attrs.field(default=timedelta(seconds=0.5), repr=False)
    list_lag: timedelta = attrs.field(default=timedelta(seconds=0.3), repr=False)
    heartbeat: timedelta = attrs.field(default=timedelta(seconds=10), repr=False)
    waits: Waits = attrs.field(factory=Waits, repr=False)

    def __attrs_post_init__(self) -> None:
        parts = _parts_of(self.url)
        if parts.password is not None:
            object.__setattr__(self, "password", self.password or unquote(parts.password))
        netloc = parts.netloc.rpartition("@")[2]
        if parts.port is None:
            netloc = f"{netloc}:{PORT_DEFAULT}"
        object.__setattr__(self, "url", f"esl://{netloc}")
        self._check()

    @classmethod
    def from_env(cls, environ: Mapping[str, str], **others: object) -> Self:
        """
        Read `CALLBACKQ_ESL_URL` and `CALLBACKQ_ESL_PASSWORD`; what is given as *others* goes before.

        Raises:
            ConfigurationError: a variable is missing, or is nothing that can be used. Its value is not shown.

        >>> EslSettings.from_env({"CALLBACKQ_ESL_URL": "esl://127.0.0.1", "CALLBACKQ_ESL_PASSWORD": "secret"})
        EslSettings(url='esl://127.0.0.1:8021')
        """
        found: dict[str, object] = {}
        for field, name in (("url", "CALLBACKQ_ESL_URL"), ("password", "CALLBACKQ_ESL_PASSWORD")):
            value = environ.get(name, "").strip()
            if value:
                found[field] = value
        found |= others
        if "url" not in found:
            raise ConfigurationError(
                "CALLBACKQ_ESL_URL", None, "the address of the event socket, such as esl://127.0.0.1:8021"
            )
        return cls(**found)  # type: ignore[arg-type]

    @property
    def host(self) -> str:
        """The machine."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port."""
        return urlsplit(self.url).port or PORT_DEFAULT

    def endpoint_of(self, order: Dial) -> str:
        """
        Return what FreeSWITCH is to dial for an order.

        Raises:
            DialRefused: nothing can be: a value that it is made of is missing, or could be read as more than a name.
        """
        for_agent = order.role is Role.AGENT
        how = self.agent if for_agent else self.customer
        if isinstance(how, str):
            number = f"{order.dial_prefix or ''}{order.number}"
            values = {"agent_id": order.agent_id or "", "number": number, "digits": number.replace("+", "")}
            return _filled(how, values | {"route": order.route or self.route, "queue": order.queue})
        if callable(how):
            return how(order)
        found = how.get(order.agent_id or "" if for_agent else order.number)
        if found is None:
            raise DialRefused(f"the table of endpoints has none for this {order.role}")
        return found

    def contact_of(self, order: ConnectCall) -> str:
        """
        Return what FreeSWITCH is to dial for an agent who is to be given a live caller.

        Raises:
            AdapterError: nothing can be.
        """
        if isinstance(self.agent, str):
            number = order.number or ""
            values = {"agent_id": order.agent_id, "number": number, "digits": number.replace("+", "")}
            found: str | None = _filled(self.agent, values | {"route": self.route, "queue": order.queue})
        else:
            found = None if callable(self.agent) else self.agent.get(order.agent_id)
        if found is None or any(one in found for one in " '\\^\r\n"):
            raise AdapterError("there is no address for this agent: use a template or a table for `agent`")
        return found

    def sound_of(self, prompt: Prompt, *, text: str | None, language: str | None) -> str | None:
        """Return what is played for a prompt; None if it has nothing, or needs a text and there is none."""
        found = self.sounds.get(prompt, self.sound)
        if found is None or ("{text}" in found and not text):
            return None
        spoken_in = language if language and language.replace("-", "").isalnum() else self.language
        filled = found.replace("{prompt}", prompt.value).replace("{language}", spoken_in)
        return filled.replace("{text}", words.speakable(text or ""))

    def _check(self) -> None:
        for field, low, high in _TIMES:
            time: timedelta = getattr(self, field)
            if not low <= time <= high:
                raise ConfigurationError(f"EslSettings.{field}", time, f"{low} to {high}")
        if not _DIALS_PER_S_MIN <= self.dials_per_s_max <= _DIALS_PER_S_MAX:
            raise ConfigurationError("EslSettings.dials_per_s_max", self.dials_per_s_max, "0.1 to 1,000")
        if "\n" in self.password or "\r" in self.password or not self.password:
            raise ConfigurationError("EslSettings.password", "…", "a password of one line, and not empty")
        if not self.insecure and not _is_of_this_machine(self.host):
            raise ConfigurationError(
                "EslSettings.url",
                self.url,
                "an address of this machine, for the event socket is not encrypted: use a tunnel, or say insecure=True",
            )
        for field, template, fields in (
            ("customer", self.customer, _FIELDS),
            ("agent", self.agent, _FIELDS),
            ("sound", self.sound, _SOUND_FIELDS),
            *((f"sounds[{prompt}]", sound, _SOUND_FIELDS) for prompt, sound in self.sounds.items()),
        ):
            if isinstance(template, str):
                _check_template(f"EslSettings.{field}", template, fields)
        self._check_words()

    def _check_words(self) -> None:
        for name, value in (*self.variables.items(), *self.codecs.items()):
            if not (words.is_name(name) and words.is_trusted_value(value)):
                raise ConfigurationError(
                    "EslSettings.variables",
                    name,
                    "names of letters, digits and _, and values without quotes or braces",
                )
        if self.recordings is not None and not self.recordings.startswith("/"):
            raise ConfigurationError("EslSettings.recordings", self.recordings, "an absolute path, or None")
        for field in ("recording_format", "language"):
            word: str = getattr(self, field)
            if not word.replace("-", "").isalnum():
                raise ConfigurationError(f"EslSettings.{field}", word, "letters and digits")


def _parts_of(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_right = parts.scheme == "esl" and bool(parts.hostname) and 1 <= (parts.port or 1) <= _PORT_MAX
    except ValueError:
        parts, is_right = SplitResult("", "", "", "", ""), False
    if not is_right:
        raise ConfigurationError("EslSettings.url", "…", "such as esl://127.0.0.1:8021")
    return parts


def _is_of_this_machine(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _check_template(name: str, template: str, allowed: frozenset[str]) -> None:
    try:
        used = {field for _, field, _, _ in Formatter().parse(template) if field is not None}
    except ValueError:
        used = {"?"}
    if not used <= allowed or any(one in template for one in "\r\n\0"):
        raise ConfigurationError(
            name, template, "one line with " + ", ".join(f"{{{field}}}" for field in sorted(allowed))
        )


def _filled(template: str, values: Mapping[str, str]) -> str:
    used = {field for _, field, _, _ in Formatter().parse(template) if field is not None}
    try:
        return template.format_map({name: words.address_part(values[name], what=name) for name in used})
    except words.NotSayable as error:
        raise DialRefused(str(error)) from None
