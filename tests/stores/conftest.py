"""What the tests of the stores share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from callbackq.stores import postgres_session, sqlite_session
from stores.statements import statements_of


@pytest.fixture(scope="module", autouse=True)
def no_other_statement(request: pytest.FixtureRequest) -> Any:
    """Let the contract of stores run no statement that `test_plans.py` does not look at."""
    if not request.module.__name__.endswith("test_contract"):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        for dialect, session, names in (
            ("sqlite", sqlite_session.Session, ("write", "one", "all")),
            ("postgres", postgres_session.Session, ("write", "write_all", "fetch")),
        ):
            known = set(statements_of(dialect).values())
            for name in names:
                patch.setattr(session, name, _watched(getattr(session, name), known))
        yield


def _watched(run: Callable[..., Any], known: set[str]) -> Callable[..., Any]:
    def watched(session: Any, statement: str, *parameters: Any) -> Any:
        assert statement in known or "callbackq_" not in statement, (
            f"a statement that is no constant of its module: {statement}"
        )
        return run(session, statement, *parameters)

    return watched
