"""
A web form for callbacks: the number is looked at, proved by a code, and limited.

Nothing here listens on a network: `submit` is what your web framework calls.
"""

from __future__ import annotations

from datetime import timedelta

import callbackq as cq


class Phones:
    """Stands in for your gateway of text messages, and for the customer who reads them."""

    last = ""

    def send(self, order: cq.CodeOrder) -> None:
        self.last = order.code


phones = Phones()
policy = cq.QueuePolicy(
    queue="support",
    numbers=cq.NumberPolicy(
        regions={"US": cq.RegionRule(), "CA": cq.RegionRule()},
        other_regions=cq.RegionRule(access=cq.Access.REFUSE, alternatives=("email", "chat")),
    ),
    verify=cq.Verify(channels={cq.Channel.WEB}),
    duplicates=cq.Duplicates.ASK,
    limits=cq.RequestLimits(per_source=cq.Limit(3, timedelta(hours=1))),
)
service = cq.CallbackService(cq.MemoryStore(), [policy], clock=cq.SystemClock(), codes=phones)


def submit(number: str, *, source: str, on_duplicate: cq.Duplicates | None = None) -> str:
    """Take one form: what the customer reads afterwards."""
    try:
        sent = service.send_code("support", number=number)
        service.enter_code(sent.verification_id, code=phones.last)  # what the customer read, and typed
        receipt = service.request(
            "support",
            number=number,
            source=source,
            verification_id=sent.verification_id,
            on_duplicate=on_duplicate,
        )
    except cq.NumberRefused as refused:
        instead = (
            f", but you can reach us by {' or '.join(refused.alternatives)}" if refused.alternatives else ""
        )
        return f"We do not call that number{instead}."
    except cq.DuplicateCallback as waiting:
        return f"We call you already. Do you want to {', '.join(waiting.choices)}?"
    except cq.TooManyRequests as limit:
        return f"Too many requests ({limit.limit}). Please try again later."
    return (
        f"We call {receipt.number_masked}. You are number {receipt.position.number}."
        if receipt.position
        else ""
    )


print(submit("(212) 555-0101", source="203.0.113.7"))
print(submit("212-555-0101", source="203.0.113.7"))
print(submit("2125550101", source="203.0.113.7", on_duplicate=cq.Duplicates.REPLACE))
print(submit("+1 900 555 1234", source="203.0.113.7"))
print(submit("+44 20 7946 0958", source="203.0.113.7"))
print(submit("(212) 555-0102", source="203.0.113.7"))
print(submit("(212) 555-0103", source="203.0.113.7"))

found = service.callbacks_of(number="+12125550101")
print("of that number:", ", ".join(str(one.outcome or one.state) for one in found))
print("erased:", service.erase(number="+12125550101").subjects_count)
print("the history is whole:", service.verify_history().is_whole)
