"""Logs, metrics and traces: one story with one id on all nodes, the names of the figures, and nobody's number."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace.status import StatusCode
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from callbackq import (
    CallbackId,
    CallbackService,
    CallId,
    ConfigurationError,
    Disposition,
    Duplicates,
    MemoryStore,
    Outcome,
    QueuePolicy,
    SQLiteStore,
    Store,
    TenantId,
)
from callbackq.adapters.telemetry import EventLog, Measures, Totals
from callbackq.adapters.telemetry import measures as measures_module
from callbackq.adapters.telemetry.logs import Style
from callbackq.adapters.telemetry.measures import FIGURES, Family, Kind, board_families
from callbackq.adapters.telemetry.metrics import observe
from callbackq.adapters.telemetry.needed import missing
from callbackq.adapters.telemetry.prometheus import BoardCollector
from callbackq.adapters.telemetry.traces import StoryTracer, trace_id_of
from callbackq.core.metrics import DEFINITIONS
from callbackq.events import CallJoined
from callbackq.model.board import Board
from callbackq.testing import ANSWERS, NEVER_ANSWERS, START, ManualClock, VirtualHost
from callbackq.testing.builders import make_event

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
BOB, EVE = "+12125550101", "+12125550102"
POLICY = QueuePolicy(queue="support", calling=None)
DAY = timedelta(days=1)


class Told:
    """A log that is kept."""

    def __init__(self, **how: Any) -> None:
        self.records: list[logging.LogRecord] = []
        self.log = logging.Logger("told")
        handler = logging.Handler()
        handler.emit = self.records.append  # type: ignore[method-assign]
        self.log.addHandler(handler)
        self.listener = EventLog(log=self.log, **how)


def new_host(store: Store, *listeners: Any) -> VirtualHost:
    return VirtualHost(store, [POLICY], listeners=listeners)


def play(host: VirtualHost) -> tuple[str, str]:
    """Let one live caller take a callback that is answered at the second attempt; and one from the web be missed."""
    host.telephony.person(BOB, NEVER_ANSWERS, ANSWERS)
    host.telephony.person(EVE, NEVER_ANSWERS)
    service = host.service
    service.agent_available("ann", queues=["support"])
    service.call_joined("support", call_id="busy")
    host.run_for(timedelta(0))
    service.call_joined("support", call_id=f"SIP/{BOB}/7", number=BOB, name="Bob Miller")
    host.clock.advance(30 * SECOND)
    service.offer(f"SIP/{BOB}/7", asked=True)
    first = service.request("support", call_id=f"SIP/{BOB}/7", context={"topic": "a secret"}).callback_id
    host.clock.advance(MINUTE)
    service.call_left("busy")
    host.run_for(HOUR)
    second = service.request("support", number=EVE).callback_id
    host.run_for(2 * DAY)
    return first, second


# ---------------------------------------------------------------------------- logs


def test_each_event_is_one_line_without_personal_data() -> None:
    """Neither numbers, names, agents nor what somebody wrote; in text, in JSON, and in the record's fields."""
    pairs, as_json = Told(), Told(style="json", level=logging.WARNING)
    host = new_host(MemoryStore(), pairs.listener, as_json.listener)
    callback_id, _ = play(host)
    host.service.report_score(callback_id, score=4.5, resolved=True, by="Carol")
    whole = "\n".join([record.getMessage() + str(record.__dict__["callbackq"]) for record in pairs.records])
    for secret in (BOB[1:], EVE[1:], "Miller", "secret", "=ann", "'ann'", "Carol"):
        assert secret not in whole
    assert "call_id=SIP/+1…01/7" in whole
    lines = [json.loads(record.getMessage()) for record in as_json.records]
    assert {record.levelno for record in as_json.records} == {logging.WARNING}
    assert lines == [record.__dict__["callbackq"] for record in pairs.records]
    ended = next(line for line in lines if line["event"] == "callback_ended")
    assert (ended["callback_id"], ended["outcome"], ended["state"]) == (callback_id, "completed", "ended")
    scored = next(line for line in lines if line["event"] == "callback_scored")
    assert (scored["score"], scored["resolved"]) == (4.5, True)
    assert "by" not in scored
    assert " resolved=true" in "\n".join(record.getMessage() for record in pairs.records)


def test_a_log_that_nobody_reads_costs_nothing() -> None:
    """Below the level no line is made; and a style that there is not is refused."""
    quiet = Told(level=logging.DEBUG)
    quiet.log.setLevel(logging.INFO)
    new_host(MemoryStore(), quiet.listener).service.call_joined("support", call_id="one")
    assert quiet.records == []
    with pytest.raises(ValueError, match="xml"):
        EventLog(style="xml")  # type: ignore[arg-type]
    assert Style("json") is Style.JSON


def test_a_text_with_spaces_is_quoted() -> None:
    """So that pairs can be told apart."""
    told = Told()
    host = VirtualHost(MemoryStore(), [POLICY], tenant_id='house "north"', listeners=[told.listener])
    host.service.call_joined("support", call_id="one")
    assert r'tenant_id="house \"north\""' in told.records[0].getMessage()


def test_what_a_pbx_writes_makes_no_line_of_its_own() -> None:
    """Of an event that came into the store by another way than by a command."""
    told = Told()
    told.listener((make_event(CallJoined, call_id=CallId("one\ncallback_ended")),))
    assert told.records[0].getMessage().count("\n") == 0


# ---------------------------------------------------------------------------- traces


def spans_of(exporter: InMemorySpanExporter) -> dict[str, list[ReadableSpan]]:
    found: dict[str, list[ReadableSpan]] = {}
    for span in exporter.get_finished_spans():
        found.setdefault(span.name, []).append(span)
    return found


def new_tracer(store: Store, **how: Any) -> tuple[StoryTracer, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    return StoryTracer(store, SimpleSpanProcessor(exporter), **how), exporter


def seconds(span: ReadableSpan) -> float:
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.end_time - span.start_time) / 1e9


def test_a_callback_is_one_trace_from_the_live_call_to_the_outcome() -> None:
    """The hold, each stay in a state, each attempt with its legs; times are those of history."""
    store = MemoryStore()
    tracer, exporter = new_tracer(store)
    callback_id, other_id = play(new_host(store, tracer))
    trace_id = trace_id_of(TenantId("default"), CallbackId(callback_id))
    own = {
        name: [span for span in spans if span.context.trace_id == trace_id]
        for name, spans in spans_of(exporter).items()
    }
    [root] = own["callback"]
    assert root.parent is None
    assert root.start_time == int(START.timestamp()) * 10**9
    assert (root.attributes or {})["callbackq.outcome"] == "completed"
    assert root.status.status_code is StatusCode.UNSET
    assert next(event.name for event in root.events) == "callback_requested"
    [hold] = own["live call"]
    assert (seconds(hold), (hold.attributes or {})["callbackq.offers_count"]) == (30.0, 1)
    assert next(seconds(span) for span in own["waiting"]) == 60.0
    assert len(own["resting"]) == 1
    first, second = own["attempt"]
    assert [(one.attributes or {})["callbackq.number"] for one in (first, second)] == [1, 2]
    assert (first.attributes or {})["callbackq.disposition"] == "no_answer"
    assert (second.attributes or {})["callbackq.disposition"] == "connected"
    assert len(own["customer leg"]) == len(own["agent leg"]) == 2
    [talk] = own["conversation"]
    assert seconds(talk) == 180.0
    assert talk.parent is not None
    assert talk.parent.span_id == second.context.span_id
    for name in ("live call", "waiting", "resting", "attempt"):
        assert {span.parent.span_id for span in own[name] if span.parent} == {root.context.span_id}
    [lost] = [span for span in spans_of(exporter)["callback"] if span.context.trace_id != trace_id]
    assert lost.context.trace_id == trace_id_of(TenantId("default"), CallbackId(other_id))
    assert lost.status.status_code is StatusCode.ERROR
    assert (lost.attributes or {})["callbackq.outcome"] in {str(Outcome.UNREACHED), str(Outcome.EXPIRED)}


def test_no_span_tells_who_somebody_is() -> None:
    """Whatever stands in names, attributes and events."""
    store = MemoryStore()
    tracer, exporter = new_tracer(store)
    play(new_host(store, tracer))
    whole = "".join(span.to_json() for span in exporter.get_finished_spans())
    for secret in (BOB[1:], EVE[1:], "Miller", "secret", '"ann"'):
        assert secret not in whole


def test_nodes_that_share_a_store_go_on_with_one_trace(tmp_path: Path) -> None:
    """One node took the request, another one called: it alone tells the story, with the ids that anybody would use."""
    path = tmp_path / "callbacks.db"
    with_store = SQLiteStore(path)
    web_tracer, web_exporter = new_tracer(with_store)
    calling = SQLiteStore(path)
    tracer, exporter = new_tracer(calling)
    host = new_host(calling, tracer)
    web = CallbackService(
        with_store, [POLICY], clock=host.clock, ids=host.service.ids, listeners=[web_tracer]
    )
    callback_id = web.request("support", number=BOB).callback_id
    host.service.agent_available("ann", queues=["support"])
    host.run_for(10 * MINUTE)
    assert web_exporter.get_finished_spans() == ()
    found = spans_of(exporter)
    assert {name: len(spans) for name, spans in found.items()} == {
        "callback": 1,
        "waiting": 1,
        "attempt": 1,
        "agent leg": 1,
        "customer leg": 1,
        "conversation": 1,
    }
    ids = {span.context.trace_id for spans in found.values() for span in spans}
    assert ids == {trace_id_of(TenantId("default"), CallbackId(callback_id))}
    for store in (with_store, calling):
        store.close()


def test_a_callback_that_follows_another_is_linked_to_it() -> None:
    """And one that was merged, to the one that took its place."""
    store = MemoryStore()
    tracer, exporter = new_tracer(store)
    host = VirtualHost(store, [attrs.evolve(POLICY, duplicates=Duplicates.MERGE)], listeners=[tracer])
    first = host.service.request("support", number=BOB).callback_id
    assert host.service.request("support", number=BOB, request_key="again").callback_id == first
    host.service.cancel(first)
    follows = host.service.request("support", number=BOB).callback_id
    host.service.cancel(follows)
    links = {
        (span.attributes or {})["callbackq.callback_id"]: [link.context.trace_id for link in span.links]
        for span in spans_of(exporter)["callback"]
    }
    followed = host.service.get(follows).follows_id
    assert followed is not None
    of_first, of_followed = (trace_id_of(TenantId("default"), CallbackId(one)) for one in (first, followed))
    assert links == {first: [], "cb_000002": [of_first], follows: [of_followed]}


def test_some_callbacks_can_be_left_out() -> None:
    """The same ones wherever they are heard of."""
    store = MemoryStore()
    none, none_exporter = new_tracer(store, ratio=0.0)
    half, half_exporter = new_tracer(store, ratio=0.5)
    host = new_host(store, none, half)
    wanted = set()
    for number in range(30):
        callback_id = host.service.request("support", number=f"+121255502{number:02}").callback_id
        host.service.cancel(callback_id)
        trace_id = trace_id_of(TenantId("default"), callback_id)
        wanted |= {trace_id} if trace_id >> 127 == 0 else set()
    assert none_exporter.get_finished_spans() == ()
    assert {span.context.trace_id for span in half_exporter.get_finished_spans()} == wanted
    assert 0 < len(wanted) < 30


def test_a_history_that_cannot_be_read_is_no_trace_and_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    """The command is done all the same."""
    closed = MemoryStore()
    tracer, exporter = new_tracer(closed)
    closed.close()
    host = new_host(MemoryStore(), tracer)
    callback_id = host.service.request("support", number=BOB).callback_id
    host.service.cancel(callback_id)
    assert host.service.get(callback_id).outcome is Outcome.CANCELLED
    assert exporter.get_finished_spans() == ()
    assert "a trace could not be made: StoreUnavailable" in caplog.text


def test_what_was_pruned_is_told_as_far_as_it_is_there() -> None:
    """Of another store nothing is known: no span, and no error."""
    tracer, exporter = new_tracer(MemoryStore())
    host = new_host(MemoryStore(), tracer)
    host.service.agent_available("ann", queues=["support"])
    host.service.request("support", number=BOB)
    host.run_for(10 * MINUTE)
    assert exporter.get_finished_spans() == ()


def test_a_clock_that_goes_back_makes_no_span_of_less_than_nothing() -> None:
    """Whoever draws it would refuse the whole trace."""
    store = MemoryStore()
    tracer, exporter = new_tracer(store)
    before, after = (
        CallbackService(store, [POLICY], clock=ManualClock(at), listeners=[tracer])
        for at in (START + MINUTE, START)
    )
    callback_id = before.request("support", number=BOB).callback_id
    after.cancel(callback_id)
    spans = exporter.get_finished_spans()
    assert {span.name for span in spans} == {"callback", "waiting"}
    assert min(seconds(span) for span in spans) >= 0


# ---------------------------------------------------------------------------- metrics


def values_of(registry: CollectorRegistry) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Scrape, and read the text as Prometheus does."""
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def one(values: dict[str, Any], name: str, **labels: str) -> float:
    wanted = {"tenant": "default", "queue": "support", **labels}
    value: float = values[name][tuple(sorted(wanted.items()))]
    return value


@pytest.fixture
def played() -> tuple[VirtualHost, Totals]:
    """A host that has played one story, and what was counted of it."""
    totals = Totals()
    host = new_host(MemoryStore(), totals)
    play(host)
    return host, totals


def test_prometheus_reads_the_board_and_the_figures(played: tuple[VirtualHost, Totals]) -> None:
    """Gauges of this moment, counters, and a sum over a count for each share and mean: those of the figures."""
    host, totals = played
    registry = CollectorRegistry()
    registry.register(BoardCollector(Measures(host.service, totals=totals)))
    host.service.call_joined("support", call_id="held", number="+12125550177")
    host.service.pause("support", dialing=True)
    values = values_of(registry)
    board = host.service.board().queue("support")
    assert one(values, "callbackq_calls_waiting") == board.calls_waiting_count
    assert one(values, "callbackq_dialing_paused") == 1
    assert one(values, "callbackq_agents", state="free") == board.agents.free_count
    assert one(values, "callbackq_callbacks_open", state="waiting") == board.callbacks_waiting_count
    assert values["callbackq_store_up"] == {(("tenant", "default"),): 1.0}
    report = host.service.figures(from_at=START, until_at=START + 30 * DAY)
    figures = {figure.name: figure for figure in report.whole.figures}
    assert one(values, "callbackq_inbound_calls_total", channel="live_call") == figures["inbound_calls"].value
    for name in ("completed", "unreached", "attempts"):
        total = sum(values[f"callbackq_{name}_total"].values())
        assert total == figures[name].value
    for name in ("answer_rate", "callback_wait"):
        unit = "_seconds" if name == "callback_wait" else ""
        assert sum(values[f"callbackq_{name}{unit}_sum"].values()) == figures[name].numerator
        assert sum(values[f"callbackq_{name}{unit}_count"].values()) == figures[name].denominator


def test_labels_are_bounded_and_name_nobody(played: tuple[VirtualHost, Totals]) -> None:
    """Tenant, queue, channel and state; no number in any text; names that Prometheus takes, each once."""
    host, totals = played
    registry = CollectorRegistry()
    registry.register(BoardCollector(Measures(host.service, totals=totals)))
    text = generate_latest(registry).decode()
    labels = set(re.findall(r'[{,](\w+)="', text))
    assert labels == {"tenant", "queue", "channel", "state"}
    assert not re.search(r"\d{7}", text.replace("e+", ""))
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"callbackq_[a-z_]+", name) for name in names)


def test_every_figure_is_measured_but_those_that_are_named(played: tuple[VirtualHost, Totals]) -> None:
    """With the text of its definition: nothing is defined twice."""
    host, totals = played
    left_out = {name for name, one in DEFINITIONS.items() if one not in FIGURES}
    costs = {name for name, one in DEFINITIONS.items() if one.group == "cost"}
    assert left_out == costs | {"callbacks_open", "occupancy", "quote_bias", "lateness"}
    families = {family.name: family for family in Measures(host.service, totals=totals).look()}
    known = {family.name: family for family in Measures(host.service).catalogue()}
    assert set(families) == set(known)
    for definition in FIGURES:
        assert families[definition.name].text.endswith(definition.formula)
        assert families[definition.name].kind is known[definition.name].kind is not Kind.GAUGE


def test_several_tenants_share_a_registry() -> None:
    """Each family is there once, and the tenants are told apart."""
    store = MemoryStore()
    services = [
        CallbackService(store, [POLICY], clock=VirtualHost(store, []).clock, tenant_id=name) for name in "ab"
    ]
    services[1].call_joined("support", call_id="one")
    registry = CollectorRegistry()
    registry.register(BoardCollector(*(Measures(service) for service in services)))
    values = values_of(registry)["callbackq_calls_waiting"]
    assert {dict(labels)["tenant"]: value for labels, value in values.items()} == {"a": 0.0, "b": 1.0}


def test_a_store_that_cannot_be_read_is_told_and_breaks_no_scrape(
    played: tuple[VirtualHost, Totals], caplog: pytest.LogCaptureFixture
) -> None:
    """What was counted is still there."""
    host, totals = played
    registry = CollectorRegistry()
    registry.register(BoardCollector(Measures(host.service, totals=totals)))
    host.service.store.close()
    values = values_of(registry)
    assert values["callbackq_store_up"] == {(("tenant", "default"),): 0.0}
    assert "callbackq_calls_waiting" not in values
    assert sum(values["callbackq_completed_total"].values()) == 1
    assert "the board cannot be read: StoreUnavailable" in caplog.text


def test_counters_do_not_fall_when_a_person_corrects_what_was_counted(
    played: tuple[VirtualHost, Totals],
) -> None:
    """Prometheus would take it for a restart, and count all of it again."""
    host, totals = played
    measures = Measures(host.service, totals=totals)

    def completed() -> float:
        families = {family.name: family for family in measures.look()}
        return sum(sample.value for sample in families["completed"].samples)

    assert completed() == 1
    host.service.set_disposition("cb_000001", Disposition.WRONG_PERSON, by="carol")
    report = host.service.figures(from_at=START, until_at=START + 30 * DAY)
    assert report.whole.figure("completed").value == 0
    assert completed() == 1


def test_old_stories_are_let_go_of_and_stay_counted() -> None:
    """Also where the history is read, again and again from a little before its end."""
    totals, reader = Totals(kept_for=DAY), Totals(kept_for=DAY)
    host = new_host(MemoryStore(), totals)
    measures, follows = (
        Measures(host.service, totals=totals),
        Measures(host.service, totals=reader, follow=True),
    )
    counted: list[tuple[float, float]] = []
    for number in range(3):
        callback_id = host.service.request("support", number=f"+1212555020{number}").callback_id
        host.service.cancel(callback_id)
        counted += [
            (_sum_of(measures.look(), "cancelled"), _sum_of(follows.look(), "cancelled")) for _ in range(2)
        ]
        host.clock.advance(3 * DAY)
    assert counted == [(1, 1)] * 2 + [(2, 2)] * 2 + [(3, 3)] * 2
    assert totals._live.stories_count <= 1
    newcomer = Measures(host.service, totals=Totals(kept_for=DAY), follow=True)
    assert _sum_of(newcomer.look(), "cancelled") == 0


def test_what_comes_too_late_is_kept_once() -> None:
    """Each look hears the last events again; one whose story is not followed any more waits there for nothing."""
    host = new_host(MemoryStore())
    reader = Totals(kept_for=DAY)
    measures = Measures(host.service, totals=reader, follow=True)
    callback_id = host.service.request("support", number=BOB).callback_id
    measures.look()
    host.clock.advance(3 * DAY)
    measures.look()
    host.service.cancel(callback_id)
    for _ in range(3):
        measures.look()
    assert reader._live.unknown_count == 1


def test_what_was_committed_late_under_a_lower_number_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on PostgreSQL: so the last events are read again."""
    monkeypatch.setattr(measures_module, "_AGAIN", 5)
    host = new_host(MemoryStore())
    asked: list[int] = []

    def feed(_live: object, *, after: int) -> int:
        asked.append(after)
        return 7

    monkeypatch.setattr(host.service, "feed_figures", feed)
    totals = Totals()
    for _ in range(2):
        totals.read(host.service)
    assert asked == [0, 2]


def test_what_is_due_later_is_not_overdue() -> None:
    """And what should have been done long ago is, by how much."""
    overdue = {
        seconds: board_families(
            Board(
                tenant_id=TenantId("a"),
                at=START,
                queues=(),
                next_wakeup_at=START + timedelta(seconds=seconds),
            )
        )[-1]
        for seconds in (60, -60)
    }
    assert {family.name for family in overdue.values()} == {"wakeup_overdue"}
    assert {seconds: family.samples[0].value for seconds, family in overdue.items()} == {60: 0.0, -60: 60.0}


def _sum_of(families: list[Family], name: str) -> float:
    return sum(sample.value for family in families if family.name == name for sample in family.samples)


def test_a_reader_of_the_history_counts_what_other_nodes_did(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener would hear half of it. What was read is not read again, but for the last of it."""
    monkeypatch.setattr(measures_module, "_AGAIN", 5)
    store = MemoryStore()
    host = new_host(store)
    web = CallbackService(store, [POLICY], clock=host.clock, ids=host.service.ids)
    measures = Measures(web, totals=Totals(), follow=True)
    for number in range(4):
        web.request("support", number=f"+1212555020{number}")
    assert _sum_of(measures.look(), "callbacks") == 4
    host.service.agent_available("ann", queues=["support"])
    host.run_for(HOUR)
    assert _sum_of(measures.look(), "completed") == 4
    assert _sum_of(measures.look(), "attempts") == 4


def test_opentelemetry_has_the_same_measures(played: tuple[VirtualHost, Totals]) -> None:
    """One look at the store for a whole collection, and the next one a second later at the earliest."""
    host, totals = played
    looks: list[int] = []

    class Counted(Measures):
        def look(self) -> list[Family]:
            looks.append(1)
            return super().look()

    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader], shutdown_on_exit=False)
    observe(provider.get_meter("callbackq"), Counted(host.service, totals=totals))
    host.service.call_joined("support", call_id="held")
    data = reader.get_metrics_data()
    assert data is not None
    metrics = {one.name: one for one in data.resource_metrics[0].scope_metrics[0].metrics}
    [waiting] = metrics["callbackq.calls_waiting"].data.data_points
    assert waiting.value == 1  # type: ignore[union-attr]
    assert dict(waiting.attributes or {}) == {"tenant": "default", "queue": "support"}
    assert metrics["callbackq.callback_wait.sum"].unit == "s"
    assert sum(point.value for point in metrics["callbackq.completed"].data.data_points) == 1  # type: ignore[union-attr]
    shares = [metrics[f"callbackq.answer_rate.{part}"].data.data_points for part in ("sum", "count")]
    assert [sum(point.value for point in points) for points in shares] == [1, 2]  # type: ignore[union-attr]
    assert len(looks) == 1
    reader.get_metrics_data()
    assert len(looks) == 1
    host.clock.advance(SECOND)
    reader.get_metrics_data()
    assert len(looks) == 2
    provider.shutdown()


def test_a_clock_that_goes_back_makes_no_old_look_fresh() -> None:
    """For as long as it was ahead, nothing would be measured any more."""
    host = new_host(MemoryStore())
    looks: list[int] = []

    class Counted(Measures):
        clock = host.clock

        def look(self) -> list[Family]:
            looks.append(1)
            return super().look()

    measures = Counted(host.service)
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader], shutdown_on_exit=False)
    observe(provider.get_meter("callbackq"), measures)
    reader.get_metrics_data()
    Counted.clock = ManualClock(START - HOUR)
    reader.get_metrics_data()
    assert len(looks) == 2
    provider.shutdown()


def test_settings_without_sense_are_refused() -> None:
    """A share above all of them, and a time in which nothing can be followed."""
    for ratio in (1.5, -0.1, float("nan")):
        with pytest.raises(ConfigurationError, match=r"StoryTracer\.ratio"):
            new_tracer(MemoryStore(), ratio=ratio)
    with pytest.raises(ConfigurationError, match=r"Totals\.kept_for"):
        Totals(kept_for=timedelta(0))


# ---------------------------------------------------------------------------- without the packages


@pytest.mark.parametrize(
    ("module", "package", "extra"),
    [
        ("prometheus", "prometheus_client", "prometheus"),
        ("metrics", "opentelemetry", "otel"),
        ("traces", "opentelemetry", "otel"),
    ],
)
def test_without_its_package_a_module_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, module: str, package: str, extra: str
) -> None:
    """When it is imported, in one sentence; the others can be used."""
    name = f"callbackq.adapters.telemetry.{module}"
    monkeypatch.delitem(sys.modules, name, raising=False)
    for known in [known for known in sys.modules if known.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, known)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModuleNotFoundError, match=re.escape(f"pip install 'callbackq[{extra}]'")):
        __import__(name)


def test_an_error_within_a_package_is_not_taken_for_its_absence() -> None:
    """It is said as it is."""
    other = ModuleNotFoundError("No module named 'other'", name="other.part")
    assert missing(other, package="opentelemetry", extra="otel") is other
