"""Whether Twilio can be reached: growing waits, few words, and TLS that is checked."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from socket import create_server
from typing import cast

import pytest

from adapters.twilio.far_end import PUBLIC_URL, Recorder
from callbackq.adapters.connection import LoginRefused
from callbackq.adapters.twilio import TwilioSettings
from callbackq.adapters.twilio.api import TwilioApi, TwilioUnreachable, TwilioUnsure
from callbackq.adapters.twilio.chores import Chores
from callbackq.adapters.twilio.reach import Reach
from callbackq.adapters.twilio.telling import Teller
from callbackq.errors import AdapterError, TelephonyDown
from callbackq.testing.doubles.twilio import ACCOUNT_SID, AUTH_TOKEN

CERTIFICATE = Path(__file__).parents[1] / "asterisk" / "ami_localhost.pem"
"""One that nobody vouches for."""


class Later:
    """Chores that are done when the test says so."""

    def __init__(self) -> None:
        self.waits_s: list[float] = []
        self._chore: Callable[[], object] | None = None

    def later(self, wait_s: float, chore: Callable[[], object]) -> None:
        """Note the wait."""
        self.waits_s.append(wait_s)
        self._chore = chore

    def go_on(self) -> None:
        """Do what is due next."""
        assert self._chore is not None
        self._chore()


class Api:
    """An API that fails as it is told."""

    error: AdapterError | None = TwilioUnreachable("Twilio cannot be reached")

    def check(self) -> None:
        """Fail, or not."""
        if self.error is not None:
            raise self.error


def test_no_hot_loop(caplog: pytest.LogCaptureFixture) -> None:
    """Waits double up to half a minute, half of each by chance; the log has few words; it recovers by itself."""
    api, later, recorder, back = Api(), Later(), Recorder(), list[str]()
    chores = cast("Chores", later)
    teller = Teller(chores, nobody_has=lambda _leg_id: None)
    teller.attach(recorder)
    reach = Reach(cast("TwilioApi", api), chores, teller, came_back=lambda: back.append("back"))
    with caplog.at_level(logging.INFO):
        reach.open()
        for _ in range(30):
            later.go_on()
    for number, wait_s in enumerate(later.waits_s):
        whole_s = min(30.0, 0.5 * 2**number)
        assert whole_s / 2 <= wait_s <= whole_s
    assert len(caplog.records) == 5
    assert recorder.said == ["down"]
    with pytest.raises(TelephonyDown):
        reach.asked(api.check)
    assert recorder.said == ["down"], "it is said once"
    api.error = LoginRefused("another token")
    later.go_on()
    assert later.waits_s[-1] == 30.0
    assert not reach.is_up
    api.error = None
    later.go_on()
    assert (recorder.said, back, reach.is_up) == (["down", "up"], ["back"], True)


def test_tls_is_checked() -> None:
    """A server whose certificate nobody vouches for is told nothing: certainly nothing was done."""
    heard: list[bytes] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def serve() -> None:
            connection, _ = server.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as secured:
                    heard.append(secured.recv(100))
            except OSError:
                connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        api = TwilioApi(settings_at(f"https://127.0.0.1:{server.getsockname()[1]}"))
        with pytest.raises(TwilioUnreachable, match="SSLError"):
            api.create_call(to="+12125550101", from_="+12125550100")
        thread.join(10)
        api.close()
    assert not any(heard)


def test_a_server_that_speaks_no_tls() -> None:
    """It is none: what was said to it nobody can know, and so it is uncertain."""
    with create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4_000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        api = TwilioApi(settings_at(f"https://127.0.0.1:{server.getsockname()[1]}"))
        with pytest.raises((TwilioUnreachable, TwilioUnsure)):
            api.create_call(to="+12125550101", from_="+12125550100")
        thread.join(10)
        api.close()


def settings_at(base_url: str) -> TwilioSettings:
    """Return the settings for a server."""
    return TwilioSettings(
        account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, public_url=PUBLIC_URL, base_url=base_url
    )
