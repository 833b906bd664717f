"""`QueueSettings`: which queues of app_queue callbackq serves, and who their members are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Final, TypeAlias

import attrs

from callbackq.adapters.asterisk.agents import AgentOf, agent_of_interface
from callbackq.errors import ConfigurationError
from callbackq.ids import QueueName
from callbackq.policy import Acd, QueuePolicy

Skills: TypeAlias = Mapping[str, Sequence[str]] | Callable[[str], Sequence[str]]
"""What each agent knows: a table by agent id, or a function of it."""

_TIMES: Final = (
    ("exit_time_max", timedelta(seconds=0.1), timedelta(minutes=30)),
    ("busy_after", timedelta(0), timedelta(minutes=1)),
    ("stale_after", timedelta(seconds=0.1), timedelta(hours=1)),
    ("resync_every", timedelta(seconds=0.1), timedelta(hours=1)),
)
_REASON_MAX: Final = 32


def _names(queues: Mapping[str, str] | Sequence[str]) -> Mapping[str, QueueName]:
    if isinstance(queues, str):
        raise ConfigurationError("QueueSettings.queues", queues, "a list of names, or a table of them")
    if isinstance(queues, Sequence):
        return MappingProxyType({name: QueueName(name) for name in queues})
    return MappingProxyType({pbx_queue: QueueName(queue) for pbx_queue, queue in queues.items()})


def _agent_of(agents: Mapping[str, str] | AgentOf) -> AgentOf:
    if callable(agents):
        return agents
    table = dict(agents)
    return lambda member: table.get(member.interface)


def _skills_of(skills: Skills) -> Callable[[str], Sequence[str]]:
    if callable(skills):
        return skills
    table = {agent_id: tuple(known) for agent_id, known in skills.items()}
    return lambda agent_id: table.get(agent_id, ())


def _none_known(_agent_id: str) -> Sequence[str]:
    return ()


@attrs.frozen(kw_only=True)
class QueueSettings:
    """
    Which queues of app_queue callbackq serves, and who their members are.

    Args:
        queues: the names of `queues.conf`; or a table of them with the names that callbackq's policies have.
        agents: which agent a member is: a table by interface (such as `PJSIP/ann`), or a function of the `Member`;
            None for a member of whom callbackq is told nothing. The middle of the interface, unless given: `ann`.
        skills: what each agent knows: a table by agent id, or a function of it.
        wrap_up: `wrapuptime` of a queue, by its name in `queues.conf`: AMI tells that of single members only.
        pause_reason: pauses of ours have a reason that begins with it. Another one for each installation that uses the
            same Asterisk: 1 to 32 letters, digits, `-` and `_`.
        put_back: `context,extension,priority` of the dialplan at which a caller enters a queue again. See the how-to.
        exit_time_max: who left a queue, and neither hung up nor came back, loses the place after it. 0.1 s to 30 min.
        busy_after: a phone that is in use for so long, without a call that callbackq knows of, makes its agent
            unavailable. Up to 1 min.
        stale_after: where Asterisk cannot be reached for so long, nobody is available. 0.1 s to 1 h.
        resync_every: how often everything is read anew. 0.1 s to 1 h.

    Raises:
        ConfigurationError: a value is out of its bounds.

    >>> QueueSettings(queues=["support"]).queues["support"]
    'support'
    """

    queues: Mapping[str, QueueName] = attrs.field(converter=_names)
    agents: AgentOf = attrs.field(default=agent_of_interface, converter=_agent_of, repr=False)
    skills: Callable[[str], Sequence[str]] = attrs.field(
        default=_none_known, converter=_skills_of, repr=False
    )
    wrap_up: Mapping[str, timedelta] = attrs.field(factory=dict[str, timedelta])
    pause_reason: str = "callbackq"
    put_back: str = "callbackq-put-back,s,1"
    exit_time_max: timedelta = timedelta(minutes=2)
    busy_after: timedelta = timedelta(seconds=3)
    stale_after: timedelta = timedelta(minutes=1)
    resync_every: timedelta = timedelta(minutes=1)

    def __attrs_post_init__(self) -> None:
        for name, least, most in _TIMES:
            duration: timedelta = getattr(self, name)
            if not least <= duration <= most:
                raise ConfigurationError(f"QueueSettings.{name}", duration, f"{least} to {most}")
        reason = self.pause_reason
        if not 1 <= len(reason) <= _REASON_MAX or not reason.replace("-", "").replace("_", "").isalnum():
            allowed = f"1 to {_REASON_MAX} letters, digits, - and _"
            raise ConfigurationError("QueueSettings.pause_reason", reason, allowed)
        if not self.queues:
            raise ConfigurationError("QueueSettings.queues", dict(self.queues), "at least one queue")
        if self.put_back.count(",") != 2 or not all(self.put_back.split(",")):
            raise ConfigurationError("QueueSettings.put_back", self.put_back, "context,extension,priority")

    def check_policies(self, policies: Mapping[QueueName, QueuePolicy]) -> None:
        """
        Check that callbackq knows that app_queue serves the live callers.

        Raises:
            ConfigurationError: a queue has no policy; or its policy lets callbackq connect live callers.
        """
        for pbx_queue, queue in self.queues.items():
            policy = policies.get(queue)
            if policy is None:
                raise ConfigurationError(
                    "QueueSettings.queues", queue, f"queues that have a policy: {sorted(policies)}"
                )
            if policy.acd is not Acd.HOST:
                field = f"QueuePolicy.acd of {queue}"
                raise ConfigurationError(
                    field, policy.acd.value, f"host: app_queue serves the callers of {pbx_queue}"
                )


def queue_arguments(queue: str, *, position: int, version: int | None) -> str:
    """
    Return the arguments of `Queue()` that put a caller at a position.

    It is the ninth argument since Asterisk 21, and was the tenth before, when there was one for a macro. In the other
    place it is ignored, and the caller stands at the end.

    Args:
        version: the first number of Asterisk's version; None: a branch, which is newer.

    >>> queue_arguments("support", position=1, version=22), queue_arguments("support", position=1, version=20)
    ('support,,,,,,,,1', 'support,,,,,,,,,1')
    """
    commas = 8 if version is None or version >= 21 else 9
    return f"{queue}{',' * commas}{position}"
