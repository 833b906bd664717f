"""Each value of a preset is what its document says, stands in one place, and says in a comment what it stands for."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from callbackq import (
    KEYS_S2,
    LIMITS_GENESYS,
    RETRIES_GENESYS,
    RETRIES_MINDFUL,
    RETRIES_S2,
    RETRY_PRESETS,
    ConfigurationError,
    QueuePolicy,
)
from callbackq.model.figures import HostFigures
from callbackq.policy import presetting
from callbackq.policy.presetting import preset_names, preset_part, preset_text, preset_title, read_preset
from callbackq.settings import settings_of

AGAIN_AT_ONCE = {"retries_max": 1, "number": "other"}
OURS = {
    "invalid_number": AGAIN_AT_ONCE,
    "wrong_person": AGAIN_AT_ONCE,
    "declined_by_customer": {"retries_max": 1, "rest": "15 min"},
    "agent_unavailable": {"retries_max": 1, "last_notice": "no_agent"},
}
"""What no document says, and every preset of retries has."""


def again(rest: str) -> dict[str, Any]:
    """Return the rules of a product that tries twice more, whatever happened."""
    failed = (
        "no_answer",
        "busy",
        "unreachable",
        "congested",
        "network_failure",
        "answered_then_left",
        "unknown",
    )
    twice = {"retries_max": 2, "rest": rest}
    return {**dict.fromkeys(failed, twice), "machine": {**twice, "voicemail": "nothing"}, **OURS}


DOCUMENTS: dict[str, dict[str, Any]] = {
    # The handbook: IVR callback flow, callback execution, retry and no-answer logic, edge cases, dashboard.
    "s2": {
        "queue": {
            "mode": "simultaneous",
            "place_from": "requested",
            "offer_wait_min": "2 min",
            "virtual_wait_max": "45 min",
            "response_window": "10 min",
            "customer_hold_max": "30 s",
            "ring_on_max": "18 s",
            "ring_time": "45 s",
            "detect": True,
            "attempts_max": 2,
            "survey": True,
            "no_shows_max": 3,
            "other_channels": ["email", "chat"],
            "keys": {
                "1": "stay",
                "*": "stay",
                "hold": "stay",
                "2": "callback_now",
                "callback": "callback_now",
                "3": "schedule",
                "schedule": "schedule",
            },
            "keypad": {"confirm": True},
            "verify": {"typed": True, "channels": ["web"]},
            "slots": {"seats": False, "length": "30 min", "horizon": "4 h", "remind_before": "15 min"},
            "messages": {"channels": ["sms"]},
            "retry_rules": {
                "no_answer": {
                    "retries_max": 1,
                    "rest": "2 min",
                    "last_notice": "unreached",
                    "follow_up_within": "24 h",
                },
                "busy": {"retries_max": 1, "rest": "3 min"},
                "machine": {"retries_max": 0, "voicemail": "prompt", "last_notice": "unreached"},
                "unreachable": {"retries_max": 1, "rest": "5 min"},
                "congested": {"retries_max": 1, "rest": "5 min"},
                "network_failure": {"retries_max": 1, "rest": "5 min"},
                "unknown": {"retries_max": 1, "rest": "5 min"},
                "answered_then_left": {"retries_max": 1, "rest": "2 min"},
                **OURS,
            },
        },
        "figures": {
            "currency": "$",
            "cost_of_abandon": 10,
            "abandons_avoided_ratio": 0.4,
            "retention_per_score_point": 1 / 6,
            "scores_max": 5,
        },
    },
    # Talkdesk: priority, the agent's answer, all agents decline, error in request, extension, voicemail.
    "talkdesk": {
        "queue": {
            "mode": "agent_first",
            "place_from": "entered",
            "priority_credit": "366 days",
            "after_refusal": "hang_up",
            "all_declined": "tell",
            "attempts_max": 1,
            "messages": False,
            "keypad": {"extension": True},
            "retry_rules": {"machine": {"voicemail": "agent"}},
        }
    },
    # PortSIP: key 3, the star, the hash key, the agent first, the offer by time-out.
    "portsip": {
        "queue": {
            "mode": "agent_first",
            "place_from": "entered",
            "offer_wait_min": False,
            "after_refusal": "keep_holding",
            "keys": {"3": "callback_now", "*": "stay"},
            "keypad": {"confirm": False},
        }
    },
    # Contaqt: 90 seconds into the call, several requests of one customer, calling again after a missed callback.
    "contaqt": {
        "queue": {
            "offer_waited_min": "90 s",
            "offer_wait_min": False,
            "duplicates": "refuse",
            "called_in": "restore",
        }
    },
    # The glossary: the position is kept, the customer is called and then connected, alternative numbers, voicemail.
    "glossary": {
        "queue": {
            "place_from": "entered",
            "mode": "customer_first",
            "messages": {"answers": True},
            "retry_rules": {
                "no_answer": {"number": "next", "last_notice": "unreached"},
                "machine": {"voicemail": "prompt"},
            },
        }
    },
    "genesys": {
        "queue": {
            "attempts_max": 3,
            "limits": {
                "per_number": [{"most": 6, "period": "24 h"}],
                "in_queue": [{"most": 500, "period": "300 s"}, {"most": 1000, "period": "3600 s"}],
            },
            "retry_rules": again("300 s"),
        }
    },
    "mindful": {"queue": {"attempts_max": 3, "retry_rules": again("5 min")}},
}


def of(name: str) -> QueuePolicy:
    """Return the policy of a queue that says nothing but a preset."""
    return settings_of(f'[queue.a]\npreset = "{name}"').policies[0]


def test_there_is_a_document_for_each_preset() -> None:
    assert set(preset_names()) == set(DOCUMENTS)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_preset_says_what_its_document_says(name: str) -> None:
    """Each value, and no other."""
    found = tomllib.loads(preset_text(name))
    about = found.pop("about")
    assert found == DOCUMENTS[name]
    assert about == {"name": name, "title": preset_title(name)}


def paths(data: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in data.items():
        if isinstance(value, dict):
            yield from paths(value, (*path, key))
        else:
            yield (*path, key), value


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_policy_on_a_preset_has_its_values(name: str) -> None:
    """What it says is what the policy has, when it is written whole; nothing is lost on the way."""
    from callbackq.settings.writing import policy_data

    whole = dict(paths(policy_data(of(name), whole=True)))
    said = dict(paths(DOCUMENTS[name]["queue"]))
    same = {"300 s": "5 min", "3600 s": "1 h"}
    for path, value in said.items():
        expected = value
        if path == ("limits", "in_queue"):
            expected = [{**one, "period": same[one["period"]]} for one in value]
        assert whole[path] == same.get(value, value) if isinstance(value, str) else whole[path] == expected, (
            path
        )


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_value_says_what_it_stands_for(name: str) -> None:
    """A comment stands before it, or before its table, or before the section of tables that are alike."""
    is_said = is_table_said = is_section_said = False
    bare: list[str] = []
    for line in preset_text(name).split("[queue]")[1].splitlines():
        if line.startswith("#"):
            is_said, is_section_said = True, is_section_said or line.startswith("# ----")
        elif line.startswith("["):
            is_table_said, is_said = is_said, False
        elif line:
            bare += [] if is_said or is_table_said or is_section_said else [line]
            is_said = False
    assert bare == []


def test_what_python_calls_a_preset_comes_from_the_same_files() -> None:
    """Keys, limits and retries."""
    assert of("s2").keys == KEYS_S2
    assert of("genesys").limits == LIMITS_GENESYS
    for name, preset in (("s2", RETRIES_S2), ("genesys", RETRIES_GENESYS), ("mindful", RETRIES_MINDFUL)):
        assert (of(name).attempts_max, of(name).retry_rules) == (preset.attempts_max, preset.rules)
        assert RETRY_PRESETS[name] is preset


def test_the_figures_of_the_handbook_are_a_preset() -> None:
    found = settings_of('[queue.a]\n[figures]\npreset = "s2"\ncost_of_abandon = 12').figures
    assert found == HostFigures(
        currency="$",
        cost_of_abandon=12,
        abandons_avoided_ratio=0.4,
        retention_per_score_point=1 / 6,
        scores_max=5,
    )


def test_the_handbook_s_words_for_answers_are_not_chosen_for_you() -> None:
    """Reply CANCEL unsubscribes: whoever wants that says so."""
    messages = of("s2").messages
    assert messages is not None
    assert messages.wording == "digits"


def test_there_is_no_other_preset() -> None:
    with pytest.raises(LookupError):
        preset_text("s3")
    with pytest.raises(LookupError):
        preset_part("portsip", "figures")


def test_a_damaged_preset_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    presetting.preset_node.cache_clear()
    monkeypatch.setattr(presetting, "preset_text", lambda _name: "[queue]\nattempts_max = true")
    with pytest.raises(ConfigurationError, match="attempts_max is True"):
        read_preset(int, "mindful", "queue", "attempts_max")
    presetting.preset_node.cache_clear()
