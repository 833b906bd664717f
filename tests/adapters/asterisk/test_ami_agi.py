"""The AGI script of the examples, with a caller at the other end of its two streams."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from callbackq import Acd, CallbackService, CallState, MemoryStore, QueuePolicy, SQLiteStore, SystemClock

SCRIPT = Path(__file__).resolve().parents[3] / "examples" / "agi_request.py"


class Channel:
    """Asterisk's side: an answer for each command, and the keys of the caller one by one."""

    def __init__(self, keys: str, *, number: str = "2125550101", hangs_up: bool = False) -> None:
        self.commands: list[str] = []
        self._keys = list(keys)
        self._hangs_up = hangs_up
        self._answers = [
            "agi_request: x",
            "agi_uniqueid: 17.1",
            f"agi_callerid: {number}",
            "agi_arg_1: a: b",
            "",
        ]

    def answer(self, command: str) -> str:
        self.commands.append(command.rstrip("\n"))
        if command.startswith("STREAM FILE"):
            return "200 result=-1 endpos=0"  # As of a recording that is missing.
        if not command.startswith("WAIT FOR DIGIT"):
            return "200 result=0"
        return f"200 result={ord(self._keys.pop(0)) if self._keys else -self._hangs_up}"

    def write(self, command: str) -> None:
        self._answers.append(self.answer(command))

    def readline(self) -> str:
        return self._answers.pop(0) + "\n"

    def flush(self) -> None: ...


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The example, as a module."""
    spec = importlib.util.spec_from_file_location("agi_request", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def service() -> CallbackService:
    policy = QueuePolicy(queue="support", acd=Acd.HOST)
    return CallbackService(MemoryStore(), [policy], clock=SystemClock())


def talk(script: ModuleType, service: CallbackService, channel: Channel, *, waited_s: int = 0) -> list[str]:
    """Let the script talk to a caller; return its commands."""
    entered = str(int(service.now().timestamp()) - waited_s)
    script.take_request(script.Caller(channel, channel), service, "support", entered)
    return channel.commands


@pytest.mark.parametrize("is_known", [False, True])
def test_a_caller_keys_in_a_number_and_is_promised_a_callback(
    script: ModuleType, service: CallbackService, is_known: bool
) -> None:
    """With the time of entering of the dialplan; or the place that AsteriskQueues has told of."""
    if is_known:
        service.call_joined("support", call_id="17.1", number="2125550101")
    commands = talk(script, service, Channel("2125550199#1"), waited_s=300)
    assert commands[-1] == "SET VARIABLE CALLBACKQ_PROMISED YES"
    assert 'SAY DIGITS 0199 ""' in commands
    call = service.call("17.1")
    assert call.callback_id is not None
    assert service.receipt(call.callback_id).number_masked == "+1…99"
    waited_s = (service.now() - service.get(call.callback_id).entered_at).total_seconds()
    assert waited_s < 100 if is_known else waited_s >= 300


@pytest.mark.parametrize(("keys", "number"), [("*", "2125550101"), ("", "2125550101"), ("#", "unknown")])
def test_who_keeps_holding_is_promised_nothing(
    script: ModuleType, service: CallbackService, keys: str, number: str
) -> None:
    """By the star, by silence, or because there is no number to call: the place is kept, and the dialplan told."""
    service.call_joined("support", call_id="17.1")
    commands = talk(script, service, Channel(keys, number=number))
    assert commands[-1] == "SET VARIABLE CALLBACKQ_PROMISED NO"
    assert service.call("17.1").state is CallState.WAITING


def test_who_hangs_up_ends_the_script(script: ModuleType, service: CallbackService) -> None:
    """In words, and without a promise."""
    service.call_joined("support", call_id="17.1")
    with pytest.raises(SystemExit, match="the caller hung up"):
        talk(script, service, Channel("21255", hangs_up=True))
    assert service.call("17.1").state is CallState.WAITING


def test_a_dead_channel_ends_the_script(script: ModuleType, service: CallbackService) -> None:
    """Asterisk permits nothing any more, or is gone."""
    for last in ("511 Command Not Permitted on a dead channel", ""):
        channel = Channel("#")
        channel.answer = lambda _command, line=last: line  # type: ignore[method-assign]
        with pytest.raises(SystemExit, match="the caller hung up"):
            talk(script, service, channel)


def test_it_speaks_over_its_standard_streams(tmp_path: Path) -> None:
    """As Asterisk starts it: a process, with the file that callbackq's own process has open."""
    store = SQLiteStore(tmp_path / "callbacks.db")
    service = CallbackService(store, [QueuePolicy(queue="support", acd=Acd.HOST)], clock=SystemClock())
    service.call_joined("support", call_id="17.1", number="2125550101")
    channel = Channel("#")
    command = [sys.executable, str(SCRIPT), str(tmp_path / "callbacks.db"), "support", "1767605400"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, encoding="utf-8", stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        for line in iter(channel.readline, "\n"):
            process.stdin.write(line)
        process.stdin.write("\n")
        process.stdin.flush()
        for line in process.stdout:
            process.stdin.write(channel.answer(line) + "\n")
            process.stdin.flush()
        assert process.stderr.read() == ""
    assert process.returncode == 0
    assert channel.commands[-1] == "SET VARIABLE CALLBACKQ_PROMISED YES"
    assert service.call("17.1").callback_id is not None
    store.close()
