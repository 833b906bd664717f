"""What a double does to its own events: the same for a seed, and as often as it was told."""

from __future__ import annotations

from callbackq.testing.doubles.mischief import BAD_DAY, Mischief


def test_who_is_honest_sends_each_event_once_and_now() -> None:
    mischief = Mischief(1)
    assert {mischief.times_s() for _ in range(100)} == {(0.0,)}
    assert mischief.shuffled("abc") == ["a", "b", "c"]


def test_a_seed_is_repeated() -> None:
    one, other = (Mischief(7, rates=BAD_DAY) for _ in range(2))
    assert [one.times_s() for _ in range(50)] == [other.times_s() for _ in range(50)]
    assert one.shuffled(range(9)) == other.shuffled(range(9))


def test_a_bad_day_is_as_bad_as_it_says() -> None:
    mischief = Mischief(3, rates=BAD_DAY)
    sent = [mischief.times_s() for _ in range(4_000)]
    assert sum(len(times) for times in sent) == 4_000 + mischief.doubled_count
    assert 140 <= mischief.doubled_count <= 260  # 5 % of them; the standard error is 14.
    assert 140 <= mischief.delayed_count <= 260
    assert all(wait_s <= 0.41 for times in sent for wait_s in times)


def test_events_go_now_or_later() -> None:
    said: list[str] = []
    waiting: list[tuple[float, str]] = []
    honest, bad = Mischief(1), Mischief(1, rates=BAD_DAY)
    honest.send("a", now=said.append, later=lambda wait_s, event: waiting.append((wait_s, event)))
    assert (said, waiting) == (["a"], [])
    bad.send("b", now=said.append, later=lambda wait_s, event: waiting.append((wait_s, event)))
    assert said == ["a"]
    assert [event for _, event in waiting][:1] == ["b"]
