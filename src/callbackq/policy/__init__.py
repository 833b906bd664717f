"""
The settings of one queue. A policy is checked when it is built, and never fails later.

Every figure is a default. Durations are `timedelta`; bounds are written with each field.
"""

from callbackq.policy.calling import (
    CallingPolicy,
)
from callbackq.policy.caps import (
    Caps,
)
from callbackq.policy.catalogue import (
    Catalogue,
    Dates,
    Wording,
    catalogue_of_gettext,
    read_catalogue,
)
from callbackq.policy.hours import (
    Closure,
    Span,
    WeekHours,
    weekdays,
)
from callbackq.policy.jurisdictions import (
    CallingRule,
    built_in_rules,
    read_rules,
)
from callbackq.policy.keypad import (
    KeypadPhrase,
    KeypadPolicy,
)
from callbackq.policy.keys import (
    CONFIRM_KEYS,
    KEYS_DEFAULT,
    KEYS_S2,
    Keys,
)
from callbackq.policy.limits import (
    LIMITS_GENESYS,
    Limit,
    RequestLimits,
)
from callbackq.policy.linting import (
    Finding,
    lint,
)
from callbackq.policy.messages import (
    Messages,
)
from callbackq.policy.numbers import (
    NumberPolicy,
    RegionRule,
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
from callbackq.policy.verifying import (
    Verify,
)
from callbackq.policy.words import (
    Access,
    Acd,
    AfterRefusal,
    AllDeclined,
    CalledIn,
    Confirm,
    Duplicates,
    DuplicateScope,
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
    "LIMITS_GENESYS",
    "PRIORITY_MAX",
    "RETRIES_GENESYS",
    "RETRIES_MINDFUL",
    "RETRIES_S2",
    "RETRY_PRESETS",
    "RETRY_S2",
    "STRICT_CREDIT",
    "Access",
    "Acd",
    "AfterRefusal",
    "AllDeclined",
    "CalledIn",
    "CallingPolicy",
    "CallingRule",
    "Caps",
    "Catalogue",
    "Closure",
    "Confirm",
    "Dates",
    "DuplicateScope",
    "Duplicates",
    "ExponentialRest",
    "Finding",
    "FixedSeats",
    "KeypadPhrase",
    "KeypadPolicy",
    "Keys",
    "Limit",
    "Messages",
    "NextBusinessDay",
    "NumberChoice",
    "NumberPolicy",
    "PlaceAfter",
    "PlaceFrom",
    "QueuePolicy",
    "RegionRule",
    "RequestLimits",
    "Rest",
    "RetryPreset",
    "RetryRule",
    "RetryRules",
    "SlotPolicy",
    "Span",
    "StaffedSeats",
    "SteppedRest",
    "Verify",
    "Voicemail",
    "WeekHours",
    "Wording",
    "built_in_rules",
    "catalogue_of_gettext",
    "check_policies",
    "lint",
    "read_catalogue",
    "read_rules",
    "weekdays",
]
