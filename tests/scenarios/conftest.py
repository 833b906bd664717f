"""Every scenario is played on every store, and ends with the law of history: fold(history) == rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from callbackq import Store
from scenarios.scene import AFTERNOON, SLOTS, Scene
from service.conftest import store
from untraced import untraced

__all__ = ["store"]  # The fixture: memory, SQLite and PostgreSQL.


@pytest.fixture(autouse=True)
def databases_untraced(request: pytest.FixtureRequest) -> Iterator[None]:
    """Trace the tests on the store in memory alone: on the others they are the same."""
    with untraced(when=any(kind in request.node.name for kind in ("sqlite", "postgres"))):
        yield


@pytest.fixture
def make_scene(store: Store) -> Callable[..., Scene]:
    """Open a support center as the handbook has it, with settings changed as asked."""
    return lambda **settings: Scene(store, **settings)


@pytest.fixture
def scene(make_scene: Callable[..., Scene]) -> Scene:
    """A support center as the handbook has it: customer and agent are dialed at once."""
    return make_scene()


@pytest.fixture
def booked(make_scene: Callable[..., Scene]) -> Scene:
    """One with slots, at 1:40 PM in New York; 2:00, 2:30, 3:15 and 4:00 PM are the next ones that are free."""
    scene = make_scene(now=AFTERNOON, **SLOTS)
    scene.fills("2:15 PM", "2:45 PM", "3:00 PM", "3:30 PM", "3:45 PM")
    return scene


@pytest.fixture
def patient(make_scene: Callable[..., Scene]) -> Scene:
    """One in which the customer's phone rings for its full time though the agent is there, and not for three rings."""
    return make_scene(ring_on_max=None)
