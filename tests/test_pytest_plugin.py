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


def test_a_hosts_test_of_messages(tmp_path: Path) -> None:
    """I6, M6: what customers were sent, and what they answer, with the codes that prove a new number."""
    (tmp_path / "conftest.py").write_text(
        "import pytest\nfrom callbackq import QueuePolicy\nfrom callbackq.policy import Messages\n"
        "@pytest.fixture\ndef callback_policies():\n"
        "    return [QueuePolicy(queue='support', messages=Messages(quiet_from=None, quiet_until=None))]\n",
        encoding="utf-8",
    )
    (tmp_path / "test_host.py").write_text(
        "from datetime import timedelta\n"
        "def test_messages(callback_service, virtual_host, fake_messenger, fake_codes):\n"
        "    receipt = callback_service.request('support', number='+12125550101')\n"
        "    virtual_host.run_for(timedelta(minutes=1))\n"
        "    assert fake_messenger.kinds(receipt.callback_id) == ['confirmation']\n"
        "    assert virtual_host.messenger is fake_messenger\n"
        "    sent = callback_service.send_code('support', number='+12125550101')\n"
        "    code = fake_codes.code_for('+12125550101')\n"
        "    callback_service.enter_code(sent.verification_id, code=code)\n"
        "    assert virtual_host.reply('9', sender='+12125550101').callback_id == receipt.callback_id\n",
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
