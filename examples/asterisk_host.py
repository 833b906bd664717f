"""
A host for Asterisk: callers of a queue press 1, hang up, keep their place, and are called back.

With `CALLBACKQ_ARI_URL`, `…_USER` and `…_PASSWORD` it serves your Asterisk until it is stopped, with the agents named
in `CALLBACKQ_AGENTS`. Without, it rehearses with one that is not there. Asterisk's files are in the folder `asterisk`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import time
from pathlib import Path

import callbackq as cq
from callbackq.adapters.asterisk.ari import AriSettings, AriTelephony, CallerEvent, CallerRequest
from callbackq.aio import AsyncCallbackService
from callbackq.runners import AsyncRunner
from callbackq.testing.doubles.ari import AriDouble, AriPhone


class Host:
    """One queue, and the Asterisk that makes the calls."""

    def __init__(self, settings: AriSettings, store: cq.Store) -> None:
        service = cq.CallbackService(store, [cq.QueuePolicy(queue="support")], clock=cq.SystemClock())
        self.callbacks = AsyncCallbackService(service)
        self.telephony = AriTelephony(settings, on_caller=self.hear)
        self.runner = AsyncRunner(self.callbacks, self.telephony)
        self.telephony.attach(self.runner)

    async def hear(self, event: CallerEvent) -> None:
        """A caller left Asterisk's queue by the key 1."""
        if isinstance(event, CallerRequest):
            try:
                await self.callbacks.request(
                    event.queue, number=event.number, entered_at=event.entered_at, request_key=event.call_id
                )
            except cq.CallbackqError as error:
                print("not promised:", type(error).__name__)
                await self.telephony.send_back(event.call_id, context="queue-again", extension=event.queue)
            else:
                print("promised, in the place of", event.entered_at)
                await self.telephony.dismiss(event.call_id, sound="sound:callbackq/promised")


async def serve(settings: AriSettings, folder: Path, rehearsal: AriDouble | None = None) -> None:
    store = cq.SQLiteStore(folder / "callbacks.db")
    host = Host(settings, store)
    async with host.callbacks, host.telephony, host.runner:
        for agent in os.environ.get("CALLBACKQ_AGENTS", "7001").split(","):
            await host.callbacks.agent_available(agent, queues=["support"])
        if rehearsal is None:
            await asyncio.Event().wait()
        else:
            since = str(int(time.time()) - 300)
            rehearsal.world.come_in("callback-request", "support", since, number="+12125550101")
            while not (ended := await host.callbacks.find(states=["ended"])):
                await asyncio.sleep(0.02)
            print("outcome:", ended[0].outcome)
    store.close()


async def rehearse() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with AriDouble() as asterisk:
            asterisk.world.phone_of = lambda *_: AriPhone(answers_after_s=0.05, talks_s=0.2)
            login = {"username": asterisk.username, "password": asterisk.password}
            await serve(AriSettings(url=asterisk.url, **login), Path(folder), asterisk)


if __name__ == "__main__":
    if "CALLBACKQ_ARI_URL" in os.environ:
        logging.basicConfig(level=logging.INFO)
        asyncio.run(serve(AriSettings.from_env(os.environ), Path()))
    else:
        asyncio.run(rehearse())
