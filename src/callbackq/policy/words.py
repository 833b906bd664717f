"""The choices of a policy, each in its own lower-case text."""

from __future__ import annotations

import enum


class Duplicates(enum.StrEnum):
    """What happens when a person who already has a callback asks for one more."""

    REFUSE = "refuse"
    """Refused, with the id of the one they have."""
    MERGE = "merge"
    """One goes on, with the better place of the two and the context of both: the older, or the one that is in line."""
    REPLACE = "replace"
    """The one they have is over, and the new one stands where it is asked for."""
    ALLOW = "allow"
    """They have both."""
    ASK = "ask"
    """Refused, unless the request says which of the others it wants: ask the customer."""


class DuplicateScope(enum.StrEnum):
    """Which other callbacks of a person are duplicates."""

    QUEUE = "queue"
    EVERYWHERE = "everywhere"
    """Those of every queue with this setting."""


class Access(enum.StrEnum):
    """Whether numbers of a region are called."""

    ALLOW = "allow"
    TIERS = "tiers"
    """For customers of some tiers only."""
    REFUSE = "refuse"


class PlaceFrom(enum.StrEnum):
    """From when a live caller's callback holds its place in line."""

    ENTERED = "entered"
    """From entering the queue: hanging up costs nothing."""
    REQUESTED = "requested"
    """From asking for the callback: behind everybody who waits by then."""


class PlaceAfter(enum.StrEnum):
    """Where in line a callback stands again after it was out of it."""

    KEEP = "keep"
    """Where it stood: by the time of entering the queue."""
    FRONT = "front"
    """Before all that wait, except those of a better priority where priority is strict."""
    END = "end"
    """Behind all of its priority that wait by then."""


class Acd(enum.StrEnum):
    """Who gives live callers to agents."""

    CALLBACKQ = "callbackq"
    """callbackq chooses who is next, live caller or callback, and says so with a `ConnectCall`."""
    HOST = "host"
    """The host's own ACD does. callbackq is told, and gives an agent a callback when no earlier live caller waits."""


class AfterRefusal(enum.StrEnum):
    """What the host does with a live caller whose request was refused."""

    KEEP_HOLDING = "keep_holding"
    HANG_UP = "hang_up"


class CalledIn(enum.StrEnum):
    """What happens when a customer who waits for a callback, or has just missed one, calls in."""

    RESTORE = "restore"
    """The live call has the place of the callback, and the callback is over."""
    KEEP_BOTH = "keep_both"
    """The live call has the place of the callback, which stays in line, and ends when an agent takes the call."""
    TELL = "tell"
    """The live call stands where a new one stands; the host is told of the callback."""


class AllDeclined(enum.StrEnum):
    """What becomes of a callback which every agent who could serve it has declined."""

    KEEP_WAITING = "keep_waiting"
    TELL = "tell"
    """The customer is called, by no agent, and told so; then it ends as declined by agents."""
    END = "end"
    """It ends as declined by agents, and the customer is told by a notice."""


class Confirm(enum.StrEnum):
    """Of whom it is asked, when the customer's phone is answered, to press a key before being connected."""

    NEVER = "never"
    UNLESS_HUMAN = "unless_human"
    """Of whoever is not known to be a person."""
    ALWAYS = "always"


class Voicemail(enum.StrEnum):
    """What a machine hears that answers."""

    NOTHING = "nothing"
    PROMPT = "prompt"
    """The prompt `voicemail`."""
    AGENT = "agent"
    """The agent, who is joined to it and speaks; the prompt where none is on the line yet."""


class NumberChoice(enum.StrEnum):
    """Which of a person's numbers is dialed next."""

    SAME = "same"
    NEXT = "next"
    """The next one, and the first again after the last."""
    OTHER = "other"
    """One that was not tried yet; if there is none, it is not tried again."""
