"""Which callers are offered callbacks while the feature is rolled out: a stable share of them, or named segments."""

from __future__ import annotations

import math

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.offering import in_rollout, rollout_share
from callbackq.ids import QueueName
from callbackq.policy import QueuePolicy
from core.samples import LAW, POLICY, SUPPORT

PEPPER = bytes(range(32))
SALES = QueueName("sales")


def share_of(
    identity: str, *, pepper: bytes = PEPPER, tenant_id: str = "acme", queue: QueueName = SUPPORT
) -> float:
    return rollout_share(identity, pepper=pepper, tenant_id=tenant_id, queue=queue)


def policy_with(ratio: float, *segments: str) -> QueuePolicy:
    return attrs.evolve(POLICY, offer_ratio=ratio, offer_segments=segments)


def callers(count: int) -> list[str]:
    return [f"tel:+1212555{number:04}" for number in range(count)]


def test_the_share_of_a_caller_never_changes() -> None:
    """A7: the same on every node and in every release: these figures are written down once and for all."""
    assert share_of("tel:+12125550123") == 0.20045219577028028
    assert share_of("call-1") == 0.91159002113714


@LAW
@given(identity=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_a_share_is_from_0_to_1(identity: str) -> None:
    """A7: 1 itself is out, so a ratio of 1 takes everybody; any text is an identity."""
    share = share_of(identity)
    assert 0 <= share < 1
    assert share == share_of(identity)
    assert in_rollout(share, segments=(), policy=policy_with(1.0))
    assert not in_rollout(share, segments=(), policy=policy_with(0.0))


def test_tenant_queue_and_pepper_make_other_shares() -> None:
    """A7: who is in the rollout of one queue is not always the same person; nobody can tell without the pepper."""
    who = "tel:+12125550123"
    shares = {
        share_of(who),
        share_of(who, queue=SALES),
        share_of(who, tenant_id="bolt"),
        share_of(who, pepper=bytes(32)),
    }
    assert len(shares) == 4


@pytest.mark.parametrize("ratio", [0.01, 0.1, 0.25, 0.5, 0.9])
def test_the_ratio_is_the_share_of_callers(ratio: float) -> None:
    """A7: of 20,000 callers, within four standard errors (se = sqrt(p (1 - p) / n), at most 0.35 % of all)."""
    count = 20_000
    standard_error = math.sqrt(ratio * (1 - ratio) / count)
    policy = policy_with(ratio)
    found = sum(in_rollout(share_of(f"tel:{n}"), segments=(), policy=policy) for n in range(count)) / count
    assert abs(found - ratio) < 4 * standard_error


def test_shares_are_spread_evenly() -> None:
    """A7: the largest distance to an even spread, over 10,000 callers, is what chance allows (Kolmogorov, 0.1 %)."""
    count = 10_000
    shares = sorted(share_of(caller) for caller in callers(count))
    distance = max(
        max((index + 1) / count - share, share - index / count) for index, share in enumerate(shares)
    )
    assert distance * math.sqrt(count) < 1.95


@LAW
@given(
    identity=st.text(alphabet="0123456789", max_size=15),
    ratios=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    segments=st.sets(st.sampled_from(["gold", "silver"])),
)
def test_a_higher_ratio_only_adds_callers(
    identity: str, ratios: tuple[float, float], segments: set[str]
) -> None:
    """A7: nobody who was offered callbacks loses them when the percentage goes up."""
    low, high = sorted(ratios)
    share = share_of(identity)
    for named in ((), ("gold",)):
        was_in = in_rollout(share, segments=segments, policy=policy_with(low, *named))
        is_in = in_rollout(share, segments=segments, policy=policy_with(high, *named))
        assert is_in or not was_in


def test_the_ratio_itself_is_out() -> None:
    """A7: a ratio of a half takes shares below a half."""
    assert in_rollout(0.4999, segments=(), policy=policy_with(0.5))
    assert not in_rollout(0.5, segments=(), policy=policy_with(0.5))


@pytest.mark.parametrize(
    ("named", "segments", "expected"),
    [
        ((), (), True),
        ((), ("gold",), True),
        (("gold",), (), False),
        (("gold",), ("silver",), False),
        (("gold",), ("silver", "gold"), True),
        (("gold", "silver"), ("silver",), True),
        (("gold",), ("Gold",), False),
    ],
)
def test_segments(named: tuple[str, ...], segments: tuple[str, ...], expected: bool) -> None:
    """A7: where the policy names segments, the caller needs one of them; and the percentage holds within them."""
    assert in_rollout(0.3, segments=segments, policy=policy_with(0.5, *named)) is expected
    assert not in_rollout(0.7, segments=segments, policy=policy_with(0.5, *named))
