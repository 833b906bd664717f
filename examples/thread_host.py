"""
Real time: callbackq's own threads drive a toy telephony whose people answer within 0.1 s.

`ThreadRunner` does all that waits. Your code calls the service from wherever it is, and hands the reports of the
telephony to `runner.report`. The promises are in a file.
"""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path

import callbackq as cq

started_s = time.monotonic()


def say(text: str) -> None:
    print(f"{time.monotonic() - started_s:5.2f} s  {text}")


class ToyTelephony:
    """People who answer at once and talk for a moment. Reports come from threads of their own."""

    runner: cq.ThreadRunner
    """Set by `main`: the runner needs the telephony, and the telephony the runner."""

    def dial(self, order: cq.Dial) -> None:
        say(f"dialing the {order.role}")
        self._report(0.05, order.leg_id, cq.ReportKind.RINGING)
        self._report(0.1, order.leg_id, cq.ReportKind.ANSWERED)

    def bridge(self, order: cq.Bridge) -> None:
        say("joining the two")
        self._report(0.01, order.customer_leg_id, cq.ReportKind.BRIDGED)
        self._report(0.3, order.customer_leg_id, cq.ReportKind.ENDED)

    def hang_up(self, order: cq.HangUp) -> None:
        say("hanging up a leg")
        self._report(0.01, order.leg_id, cq.ReportKind.ENDED)

    def play(self, order: cq.Play) -> None:
        say(f"playing {order.prompt}")

    def stop_play(self, order: cq.StopPlay) -> None: ...

    def send_digits(self, order: cq.SendDigits) -> None:
        say(f"pressing {order.digits}")

    def connect_call(self, order: cq.ConnectCall) -> None:
        say(f"putting {order.call_id} through to {order.agent_id}")

    def _report(self, seconds: float, leg_id: cq.LegId, kind: cq.ReportKind) -> None:
        report = cq.Report(leg_id=leg_id, kind=kind, cause=cq.Cause.NORMAL)
        threading.Timer(seconds, self.runner.report, [report]).start()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = cq.SQLiteStore(Path(folder) / "callbacks.db")
        service = cq.CallbackService(store, [cq.QueuePolicy(queue="support")], clock=cq.SystemClock())
        telephony = ToyTelephony()
        telephony.runner = cq.ThreadRunner(service, telephony)
        with telephony.runner:
            receipt = service.request("support", number="+1 212 555 0101")
            say(f"promised a callback to {receipt.number_masked}")
            service.agent_available("ann", queues=["support"])
            while service.get(receipt.callback_id).state is not cq.CallbackState.ENDED:
                time.sleep(0.02)
            say(f"outcome: {service.get(receipt.callback_id).outcome}")
            time.sleep(0.5)  # The conversation goes on a little.
        store.close()


if __name__ == "__main__":
    main()
