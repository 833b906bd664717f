"""The fixtures that a host's own tests use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from callbackq import CallbackService, CallbackState, Outcome
from callbackq.testing import NEVER_ANSWERS, FakeTelephony, ManualClock

BOB = "+12125550101"
RunUntil = Callable[[datetime | Callable[[], bool]], None]


def test_a_hosts_test(
    callback_service: CallbackService,
    fake_telephony: FakeTelephony,
    manual_clock: ManualClock,
    run_until: RunUntil,
) -> None:
    """M6: clock, network, service and run_until play together, as a host would use them."""
    fake_telephony.person(BOB, NEVER_ANSWERS)
    receipt = callback_service.request("support", number=BOB)
    callback_service.agent_available("ann", queues=["support"])
    run_until(lambda: callback_service.get(receipt.callback_id).state is CallbackState.RESTING)
    run_until(manual_clock.now() + timedelta(minutes=5))
    assert callback_service.get(receipt.callback_id).outcome is Outcome.UNREACHED
    assert fake_telephony.dialed(BOB) == 2


def test_plugin_loads_nothing_before_a_fixture_is_used(tmp_path: Path) -> None:
    """M6: a host whose tests use no fixture loads the library's names, but no fakes and nothing slow."""
    code = (
        "import sys, callbackq.pytest_plugin; "
        "heavy = {'phonenumbers', 'hypothesis', 'asyncio', 'callbackq.testing'} & set(sys.modules); "
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_policies_can_be_overridden(tmp_path: Path) -> None:
    """M6: a host's conftest names its own queues."""
    (tmp_path / "conftest.py").write_text(
        "import pytest\nfrom callbackq import QueuePolicy\n"
        "@pytest.fixture\ndef callback_policies():\n    return [QueuePolicy(queue='sales')]\n",
        encoding="utf-8",
    )
    (tmp_path / "test_host.py").write_text(
        "def test_sales(callback_service):\n"
        "    assert callback_service.request('sales', number='+12125550101').queue == 'sales'\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
