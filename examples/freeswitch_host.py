"""
A host for FreeSWITCH: callers of a queue press 1, hang up, keep their place, and are called back.

With `CALLBACKQ_ESL_URL` and `…_PASSWORD` it serves your FreeSWITCH until it is stopped. Without, it rehearses with one
that is not there. FreeSWITCH's files are in the folder `freeswitch`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from pathlib import Path

import callbackq as cq
from callbackq.adapters.freeswitch import CallcenterQueues, CallcenterTelephony, CcCaller, EslSettings
from callbackq.aio import AsyncCallbackService
from callbackq.runners import AsyncRunner
from callbackq.testing.doubles.esl import EslDouble, EslPhone


class Host:
    """One queue of mod_callcenter, whose agents and callers are known to callbackq."""

    def __init__(self, settings: EslSettings, store: cq.Store) -> None:
        policy = cq.QueuePolicy(queue="support", acd=cq.Acd.HOST)
        self.callbacks = AsyncCallbackService(cq.CallbackService(store, [policy], clock=cq.SystemClock()))
        self.queues = CallcenterQueues(self.callbacks, {"support@default": "support"}, on_exit=self.hear)
        self.telephony = CallcenterTelephony(settings, self.queues)
        self.runner = AsyncRunner(self.callbacks, self.telephony)
        self.telephony.attach(self.runner)

    async def hear(self, caller: CcCaller) -> None:
        """A caller left the queue by the key 1."""
        answer = await self.callbacks.request_spoken("support", call_id=caller.call_id)
        if answer.success:
            print("promised, in the place of", caller.entered_at)
            await self.queues.say_goodbye(caller, "callbackq/en/promised.wav")
        else:
            print("not promised:", type(answer.error).__name__)
            await self.queues.put_back(caller)


async def serve(settings: EslSettings, folder: Path, rehearsal: EslDouble | None = None) -> None:
    store = cq.SQLiteStore(folder / "callbacks.db")
    host = Host(settings, store)
    async with host.callbacks, host.telephony, host.runner:
        if rehearsal is None:
            await asyncio.Event().wait()
        else:
            await call_in(rehearsal)
            while not (ended := await host.callbacks.find(states=["ended"])):
                await asyncio.sleep(0.02)
            print("outcome:", ended[0].outcome)
    store.close()


async def call_in(freeswitch: EslDouble) -> None:
    caller = freeswitch.callcenter.join("support@default", number="+12125550101", waited_s=300)
    await asyncio.sleep(0.1)
    freeswitch.callcenter.leave(caller, key="1")


async def rehearse() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with EslDouble(phone_of=lambda _: EslPhone(answers_after_s=0.05, talks_s=0.2)) as freeswitch:
            freeswitch.callcenter.queue("support@default", agents=["1000"])
            freeswitch.callcenter.set_status("1000", "Available")
            settings = EslSettings(url=freeswitch.url, password=freeswitch.password)
            await serve(settings, Path(folder), freeswitch)


if __name__ == "__main__":
    if "CALLBACKQ_ESL_URL" in os.environ:
        logging.basicConfig(level=logging.INFO)
        asyncio.run(serve(EslSettings.from_env(os.environ), Path()))
    else:
        asyncio.run(rehearse())
