"""
An AGI script: a caller of an Asterisk queue who pressed the key for a callback keys in the number, and is promised one.

In the dialplan: `AGI(agi_request.py,/var/lib/callbackq/callbacks.db,support,${CBQ_ENTERED})`. Without arguments, it is
shown what goes to Asterisk and comes from there: AGI is a line for each command, and a line for its answer.
"""

from __future__ import annotations

import sys
import time
from contextlib import closing
from datetime import UTC, datetime

import callbackq as cq
from callbackq.core.keypad import KeepHolding, begin, press, silence

POLICY = cq.QueuePolicy(queue="support", acd=cq.Acd.HOST)


class Caller:  # By AGI.
    def __init__(self, hears, says) -> None:
        self._hears, self._says = hears, says
        lines = iter(lambda: hears.readline().strip(), "")
        self.about = dict(line.split(": ", 1) for line in lines if ": " in line)

    def do(self, command: str) -> int:
        self._says.write(command + "\n")
        self._says.flush()
        answer = self._hears.readline()
        result = int(answer.removeprefix("200 result=").split()[0]) if answer.startswith("200") else -1
        if result < 0 and not command.startswith("STREAM"):  # A recording that is missing is -1, too.
            raise SystemExit("the caller hung up")
        return result

    def hear(self, says) -> None:
        for say in says:
            self.do(f'STREAM FILE callbackq/{say.phrase.value} ""')
            for digits in (*getattr(say, "groups", ()), "".join(getattr(say, "digits", ()))):
                if digits:
                    self.do(f'SAY DIGITS {digits} ""')


def take_request(caller: Caller, service: cq.CallbackService, queue: str, entered: str) -> None:
    call_id, number = caller.about["agi_uniqueid"], caller.about.get("agi_callerid")
    step = begin(caller_id=number, region=POLICY.default_region, numbers=POLICY.numbers)
    while step.done is None:
        caller.hear(step.say)
        key = caller.do("WAIT FOR DIGIT 5000")
        step = press(step.dialogue, chr(key)) if key else silence(step.dialogue)
    promised = False
    if not isinstance(step.done, KeepHolding):
        at = datetime.fromtimestamp(int(entered), UTC)  # Changes nothing where AsteriskQueues said it before.
        service.call_joined(queue, call_id=call_id, number=number, entered_at=at)
        answer = service.request_spoken(queue, call_id=call_id, number=step.done.text)
        caller.hear(answer.says)
        promised = answer.success
    caller.do(f"SET VARIABLE CALLBACKQ_PROMISED {'YES' if promised else 'NO'}")


class Played:
    """A caller who presses keys, in place of Asterisk."""

    def __init__(self, keys: str) -> None:
        self._keys, self._answers = iter(keys), ["agi_uniqueid: 1.1", "agi_callerid: 2125550101", ""]
        self.flush, self.readline = lambda: None, lambda: self._answers.pop(0) + "\n"

    def write(self, command: str) -> None:
        print(command, end="")
        self._answers.append(f"200 result={ord(next(self._keys)) if command.startswith('WAIT') else 0}")


if __name__ == "__main__":
    played = Played("2125550199#1") if len(sys.argv) < 4 else None
    path, queue, entered = sys.argv[1:4] if played is None else ("", "support", f"{time.time() - 90:.0f}")
    with closing(cq.MemoryStore() if played else cq.SQLiteStore(path)) as store:
        asked = cq.CallbackService(store, [POLICY], clock=cq.SystemClock())
        take_request(Caller(played or sys.stdin, played or sys.stdout), asked, queue, entered)
