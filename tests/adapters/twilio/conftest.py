"""A Twilio for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.twilio.far_end import TwilioFarEnd


@pytest.fixture
def end() -> Iterator[TwilioFarEnd]:
    """The adapter, the web app, and the double, with nothing going on."""
    end = TwilioFarEnd()
    yield end
    end.close()
