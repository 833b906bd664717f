"""
Who calls: patience, need and habits of each caller, drawn in the order of arrival.

The rule: every caller takes the same number of draws, whatever becomes of them. So two runs of one seed, with
callbacks and without, see the same people.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random
from typing import Final

import attrs

from callbackq.errors import ConfigurationError
from callbackq.masking import repr_masked

TRIES_DRAWN: Final = 3
AT_ANY_HOUR: Final = None
"""
For `QueuePolicy.calling` of every contact center whose people are drawn: they live nowhere, and no law is about them.

Their numbers are of one region, and their days begin when a log or a curve says so. The hours of real places would
hold back callbacks that nothing in such a day can explain.
"""


class Response(enum.StrEnum):
    """What a customer does when the phone rings."""

    ANSWERS = "answers"
    MISSES = "misses"
    IS_BUSY = "is_busy"
    REJECTS = "rejects"


@attrs.frozen(kw_only=True)
class Try:
    """
    What happens when this caller is called back for the first, second … time.

    Args:
        response: what the customer does, after `ring`.
        agent_declines: whether the agent who is rung for it declines, so that the customer is not dialed.
    """

    response: Response = Response.ANSWERS
    ring: timedelta = timedelta(0)
    agent_declines: bool = False


@attrs.frozen(kw_only=True)
class Caller:
    """
    One person who calls once.

    Args:
        joins_at: when the caller enters the queue.
        patience: how long the caller stays on hold; for ever if None.
        service: how long the conversation takes, live or called back.
        acceptance: 0 to 1; an offer is accepted if the center's `accept_ratio` is above it.
        tries: what happens when called back; the last one again after that.
    """

    call_id: str
    number: str = attrs.field(repr=repr_masked)
    joins_at: datetime
    patience: timedelta | None
    service: timedelta
    acceptance: float = 1.0
    tries: tuple[Try, ...] = (Try(),)
    queue: str = "support"
    priority: int | None = None
    skills: tuple[str, ...] = ()


def _ratio(_temper: Temper, field: attrs.Attribute[float], value: float) -> None:
    if not 0 <= value <= 1:
        raise ConfigurationError(field.name, value, "0 to 1")


@attrs.frozen(kw_only=True)
class Temper:
    """
    What the people of a center are like.

    The share that answers is 0.93, as Hathaway, Emadi and Deshpande found at a US bank (Management Science,
    2020); service times are those of an Israeli bank (Brown et al., JASA 100, 2005): lognormal, mean 185 s,
    standard deviation 238 s. Patience is exponential with the mean found there.

    Args:
        answer_ratio: share of dialings that are answered.
        busy_ratio: share of the others that are busy; the rest ring out.
        decline_ratio: share of reservations that the agent declines.
        patience_mean: of an exponential patience; None waits for ever.
        service_mean, service_sd: of a lognormal service time.
        service_max: longer ones are cut here.
        ring_min, ring_max: how long the phone rings before an answer, uniform.
    """

    answer_ratio: float = attrs.field(default=0.93, validator=_ratio)
    busy_ratio: float = attrs.field(default=0.25, validator=_ratio)
    decline_ratio: float = attrs.field(default=0.0, validator=_ratio)
    patience_mean: timedelta | None = timedelta(seconds=450)
    service_mean: timedelta = timedelta(seconds=185)
    service_sd: timedelta = timedelta(seconds=238)
    service_max: timedelta = timedelta(hours=2)
    ring_min: timedelta = timedelta(seconds=6)
    ring_max: timedelta = timedelta(seconds=22)


def draw_callers(arrivals: Iterable[datetime], *, temper: Temper, random: Random) -> list[Caller]:
    """Return one caller for each arrival, in order. Cost: about 10 µs each."""
    mean, spread = temper.service_mean.total_seconds(), temper.service_sd.total_seconds()
    sigma = math.sqrt(math.log(1 + (spread / mean) ** 2))
    mu = math.log(mean) - sigma**2 / 2
    callers: list[Caller] = []
    for index, joins_at in enumerate(arrivals, 1):
        acceptance, patience = random.random(), random.expovariate(1.0)
        service = timedelta(seconds=random.lognormvariate(mu, sigma))
        callers.append(
            Caller(
                call_id=f"call-{index:06d}",
                number=fictional_number(index),
                joins_at=joins_at,
                patience=temper.patience_mean * patience if temper.patience_mean else None,
                service=min(service, temper.service_max),
                acceptance=acceptance,
                tries=draw_tries(temper, random=random),
            )
        )
    return callers


def draw_tries(temper: Temper, *, random: Random) -> tuple[Try, ...]:
    """Return what happens when a caller is called back: always the same number of draws."""
    tries: list[Try] = []
    for _ in range(TRIES_DRAWN):
        answer, busy, ring, decline = (random.random() for _ in range(4))
        response = Response.IS_BUSY if busy < temper.busy_ratio else Response.MISSES
        tries.append(
            Try(
                response=Response.ANSWERS if answer < temper.answer_ratio else response,
                ring=temper.ring_min + (temper.ring_max - temper.ring_min) * ring,
                agent_declines=decline < temper.decline_ratio,
            )
        )
    return tuple(tries)


_AREAS: Final = (
    "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251 "
    "252 253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 "
    "319 320 321 323 325 330 331 334 336 337 339 346 347 351 352 360 361 385 386 401 402 404 405 406 407 408 409 "
    "410 412 413 414 415 417 419 423 424 425 430 432 434 435 440 443 458 469 470 475 478 479 480 484 501 502 503 "
    "504 505 507 508 509 510 512 513 515 516 517 518 520 530 531 534 539 540 541 551 559 561 562 563 567 570 571 "
    "573 574 575 580 585 586 601 602 603 605 606 607 608 609 610 612 614 615 616 617 618 619 620 623 626 630 631 "
    "636 641 646 650 651 657 660 661 662 667 678 681 682 701 702 703 704 706 707 708 712 713 714 715 716 717 718 "
    "719 720 724 727 731 732 734 737 740 747 754 757 760 762 763 765 769 770 772 773 774 775 779 781 785 786 801 "
    "802 803 804 805 806 808 810 812 813 814 815 816 817 818 828 830 831 832 843 845 847 848 850 856 857 858 859 "
    "860 862 863 864 865 870 872 878 901 903 904 906 907 908 909 910 912 913 914 915 916 917 918 919 920 925 928 "
    "929 931 936 937 938 940 941 947 949 951 952 954 956 959 970 971 972 973 978 979 980 985 989"
)
_AREA_CODES: Final = tuple(_AREAS.split())


def fictional_number(index: int) -> str:
    """
    Return the number of the *index*-th person: valid in form, and nobody's for the first 30,000.

    The lines 555-0100 to 555-0199 of every area of the United States are kept for fiction; further people
    get other lines of 555, of which hardly any is in use. Nobody is dialed in a simulation.

    >>> fictional_number(0), fictional_number(1)
    ('+12015550100', '+12025550100')
    """
    line, area = divmod(index, len(_AREA_CODES))
    return f"+1{_AREA_CODES[area]}555{(100 + line) % 10_000:04d}"
