"""
The settings of one queue. A policy is checked when it is built, and never fails later.

Every figure is a default. Durations are `timedelta`; bounds are written with each field.
"""

from callbackq.policy.caps import (
    Caps,
)
from callbackq.policy.hours import (
    Closure,
    Span,
    WeekHours,
    weekdays,
)
from callbackq.policy.keys import (
    CONFIRM_KEYS,
    KEYS_DEFAULT,
    KEYS_S2,
    Keys,
)
from callbackq.policy.queue import (
    AGENT_PRESENCE_MAX,
    PRIORITY_MAX,
    STRICT_CREDIT,
    QueuePolicy,
    check_policies,
)
from callbackq.policy.retries import (
    RETRIES_GENESYS,
    RETRIES_MINDFUL,
    RETRIES_S2,
    RETRY_PRESETS,
    RETRY_S2,
    ExponentialRest,
    NextBusinessDay,
    Rest,
    RetryPreset,
    RetryRule,
    RetryRules,
    SteppedRest,
)
from callbackq.policy.slots import (
    FixedSeats,
    SlotPolicy,
    StaffedSeats,
)
from callbackq.policy.words import (
    Acd,
    AfterRefusal,
    AllDeclined,
    CalledIn,
    Confirm,
    Duplicates,
    NumberChoice,
    PlaceAfter,
    PlaceFrom,
    Voicemail,
)

__all__ = [
    "AGENT_PRESENCE_MAX",
    "CONFIRM_KEYS",
    "KEYS_DEFAULT",
    "KEYS_S2",
    "PRIORITY_MAX",
    "RETRIES_GENESYS",
    "RETRIES_MINDFUL",
    "RETRIES_S2",
    "RETRY_PRESETS",
    "RETRY_S2",
    "STRICT_CREDIT",
    "Acd",
    "AfterRefusal",
    "AllDeclined",
    "CalledIn",
    "Caps",
    "Closure",
    "Confirm",
    "Duplicates",
    "ExponentialRest",
    "FixedSeats",
    "Keys",
    "NextBusinessDay",
    "NumberChoice",
    "PlaceAfter",
    "PlaceFrom",
    "QueuePolicy",
    "Rest",
    "RetryPreset",
    "RetryRule",
    "RetryRules",
    "SlotPolicy",
    "Span",
    "StaffedSeats",
    "SteppedRest",
    "Voicemail",
    "WeekHours",
    "check_policies",
    "weekdays",
]
