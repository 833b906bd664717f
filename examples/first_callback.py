"""
Your first callback: a caller on hold hangs up, keeps the place in line, and is called back.

Time is virtual and the phone network is a fake, so an hour takes a millisecond. Everything else is the real engine.
The tutorial "Your first callback" explains it line by line.
"""

from datetime import timedelta

from callbackq import CallbackState, MemoryStore, QueuePolicy
from callbackq.testing import VirtualHost

host = VirtualHost(MemoryStore(), [QueuePolicy(queue="support")])
service = host.service

service.call_joined("support", call_id="call-1", number="+1 212 555 0101")  # a caller is on hold
receipt = service.request("support", call_id="call-1")  # and asks for a callback
print("promised:", receipt.callback_id, "to", receipt.number_masked)

host.run_for(timedelta(minutes=10))  # nobody is there yet
print(service.explain(receipt.callback_id).text)

service.agent_available("ann", queues=["support"])  # an agent comes
host.run_until(lambda: service.get(receipt.callback_id).state is CallbackState.ENDED)
print("outcome:", service.get(receipt.callback_id).outcome)

for entry in host.telephony.log:
    if entry.role:  # a leg, not the agent's reservation
        print(f"{entry.at:%H:%M:%S} {entry.role:<8} {entry.what}")
