"""
Random conversations: customers who write whatever comes to their mind, in worlds in which much goes wrong.

`converse` plays as many as are asked for, with hypothesis (the extra `testing`); `machine_of` gives the machine itself,
for any store. All chance follows from a seed and the number of the part; a part is the same in every process.

What is held to be true, by `message_checkers`, at every step: a text changes nothing that is somebody else's; after an
opt-out nothing is sent but one confirmation, where the policy has it confirmed; nothing is sent twice; whatever is sent
is true at that moment, goes to the customer's own address, and keeps the quiet hours; nobody is answered without end.
At the end each message has ended, history gives every row, and neither tells of a person.
"""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from itertools import count
from multiprocessing import get_context
from typing import Final

import attrs

from callbackq.testing.conversation_world import Tally

EXAMPLES: Final = 80
"""So many worlds in one part."""
STEPS: Final = 40
"""So many things at most that happen in one world, texts of several customers at once among them."""
_AHEAD: Final = 3


@attrs.frozen(kw_only=True)
class Part:
    """What came of one part. `failure` is the example that failed, as text; None if none did."""

    number: int
    tally: Tally
    failure: str | None = None


@attrs.frozen(kw_only=True)
class ConversationsReport:
    """What came of many parts."""

    seed: int
    parts_count: int = 0
    tally: Tally = attrs.field(factory=Tally)
    failed: Part | None = None


def one_part(seed: int, number: int, *, examples: int | None = None, shrunk: bool = True) -> Part:
    """
    Play the *number*-th part of a seed: some hundred conversations. Never raises.

    Args:
        examples: in so many worlds; EXAMPLES unless given.
        shrunk: whether an example that fails is made as short as it can be, which takes minutes.
    """
    from hypothesis import HealthCheck, Phase, Verbosity, settings
    from hypothesis import seed as seeded
    from hypothesis.stateful import run_state_machine_as_test

    from callbackq.testing.conversation_machine import machine_of

    tallies: list[Tally] = []
    machine = seeded(seed * 1_000_003 + number)(machine_of(done=tallies.append))
    how = settings(
        max_examples=examples or EXAMPLES,
        stateful_step_count=STEPS,
        database=None,
        deadline=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink) if shrunk else (Phase.generate,),
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=(
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.filter_too_much,
            HealthCheck.large_base_example,
        ),
        verbosity=Verbosity.normal,
    )
    failure = None
    try:
        run_state_machine_as_test(machine, settings=how)
    except Exception as error:
        failure = "".join(traceback.format_exception(error))
    return Part(number=number, tally=_sum_of(tallies), failure=failure)


def _sum_of(tallies: list[Tally]) -> Tally:
    whole = Tally()
    for tally in tallies:
        whole += tally
    return whole


def converse(
    seed: int,
    *,
    conversations: int,
    processes: int = 1,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> ConversationsReport:
    """
    Play part after part, until there were so many conversations; or until one failed.

    Args:
        processes: how many parts at once; 1 plays all in this process.
        progress: told how many conversations there were, and of how many.

    Cost: some ms for each conversation and process.
    """
    report = ConversationsReport(seed=seed)
    with closing(_parts(seed, processes)) as parts:
        for part in parts:
            report = attrs.evolve(
                report,
                parts_count=report.parts_count + 1,
                tally=report.tally + part.tally,
                failed=part if part.failure is not None else None,
            )
            progress(min(report.tally.conversations, conversations), conversations)
            if report.failed is not None or report.tally.conversations >= conversations:
                break
    return report


def _parts(seed: int, processes: int) -> Generator[Part]:
    """Give what came of each part, in their order, without end."""
    numbers: Iterator[int] = count()
    if processes == 1:
        yield from (one_part(seed, number) for number in numbers)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        begun: deque[Future[Part]] = deque()
        try:
            while True:
                while len(begun) < _AHEAD * processes:
                    begun.append(pool.submit(one_part, seed, next(numbers)))
                yield begun.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
