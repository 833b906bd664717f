"""
A policy of your own: how long to ring, how often to try, how long to rest, who goes first.

A policy is checked when it is built. What contradicts itself is refused there, with the field, the value and what
is allowed; nothing is left to fail in the night.
"""

from __future__ import annotations

from datetime import timedelta

from callbackq import RETRY_S2, ConfigurationError, Disposition, MemoryStore, QueuePolicy, RetryRule, Role
from callbackq.testing import IS_BUSY, NEVER_ANSWERS, START, Carried, VirtualHost

MINUTE = timedelta(minutes=1)

patient = QueuePolicy(
    queue="support",
    ring_time=timedelta(seconds=30),
    attempts_max=4,
    retry_rules={
        **RETRY_S2,  # keep what is not named here
        Disposition.NO_ANSWER: RetryRule(retries_max=2, rest=15 * MINUTE),
        Disposition.BUSY: RetryRule(retries_max=3, rest=1 * MINUTE),
    },
    priority_credit=10 * MINUTE,  # one step of priority is worth ten minutes of waiting
    wrap_up=timedelta(seconds=20),
)

print("A customer who is busy twice, and then does not pick up:")
host = VirtualHost(MemoryStore(), [patient])
host.telephony.person("+12125550101", IS_BUSY, IS_BUSY, NEVER_ANSWERS)
receipt = host.service.request("support", number="+1 212 555 0101")
host.service.agent_available("ann", queues=["support"])
host.run_for(timedelta(hours=2))
for entry in host.telephony.log:
    if entry.role is Role.CUSTOMER and entry.what is Carried.DIALED:
        print("  dialed after", entry.at - START)
callback = host.service.get(receipt.callback_id)
print(f"  {callback.outcome} after {callback.attempts_count} attempts; the last: {callback.last_disposition}")

print("Policies that cannot be:")
wrong = (
    {"ring_time": timedelta(seconds=5)},
    {"attempts_max": 0},
    {"callback_life": timedelta(minutes=3)},
    {"retry_rules": {Disposition.CONNECTED: RetryRule(retries_max=1)}},
    {"retry_rules": {Disposition.UNKNOWN: RetryRule(retries_max=1, rest=timedelta(seconds=10))}},
)
for settings in wrong:
    try:
        QueuePolicy(queue="support", **settings)  # type: ignore[arg-type]
    except ConfigurationError as error:
        print(f"  {error.field}: {error}")
