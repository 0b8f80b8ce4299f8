"""What reaches the backend is what Ollama sends to its runner's own chat route.

Ollama sends every option with its default; only those that somebody set have to arrive here. What
the runner alone understands (`cache_prompt`, `n_keep`, …) is left out of the comparison.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.golden.recordings import Case, comparable
from tests.golden.replaying import Bed

# Ollama's option -> the runner's parameter -> OpenAI's parameter
PARAMETERS = {
    "temperature": ("temperature", "temperature"),
    "top_p": ("top_p", "top_p"),
    "seed": ("seed", "seed"),
    "stop": ("stop", "stop"),
    "frequency_penalty": ("frequency_penalty", "frequency_penalty"),
    "presence_penalty": ("presence_penalty", "presence_penalty"),
    "num_predict": ("n_predict", "max_tokens"),
}
# -1 means no limit, and the runner's limit of ten contexts is its own.
UNLIMITED = (-1, 1000000000)
# A backend refuses these roles; what goes out instead is tested with the messages.
ODD_ROLES = ("messages/native-null-message", "messages/native-role-*")
ASKED = [
    pytest.param(case, id=case.name)
    for case in comparable()
    if case.asked_bodies and not case.rendered
]


@pytest.fixture(scope="module")
def heard(bed: Bed) -> dict[str, Any]:
    return {}


def reached(case: Case, bed: Bed, heard: dict[str, Any]) -> dict[str, Any]:
    """The first request that the case made the service send."""
    if case.name not in heard:
        _, requested = bed.replay_and_listen(case)
        assert requested, f"{case.name}: the backend was not asked"
        heard[case.name] = requested[0].body
    return dict(heard[case.name])


def plain(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message without what only one side has.

    The runner's calls carry an `index`, and its tool results a `name`; a strict backend wants the
    ids that the runner does without.
    """
    retained = {key: value for key, value in message.items() if key not in ("name", "tool_call_id")}
    if retained.get("tool_calls"):
        retained["tool_calls"] = [call_without_id(call) for call in retained["tool_calls"]]
        retained["content"] = retained.get("content") or ""
    return retained


def call_without_id(call: Mapping[str, Any]) -> dict[str, Any]:
    function = dict(call["function"])
    function["arguments"] = json.loads(function["arguments"])
    return {"type": call.get("type"), "function": function}


def without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_none(inner) for key, inner in value.items() if inner is not None}
    return [without_none(inner) for inner in value] if isinstance(value, list) else value


def odd(case: Case) -> bool:
    from tests.golden.recordings import fits

    return fits(case.name, ODD_ROLES)


@pytest.mark.parametrize("case", ASKED)
def test_the_messages_arrive(case: Case, bed: Bed, heard: dict[str, Any]) -> None:
    ours, theirs = reached(case, bed, heard)["messages"], case.asked_bodies[0]["messages"]
    if odd(case):
        assert [one.get("content") or "" for one in ours] == [one["content"] for one in theirs]
    else:
        assert [plain(one) for one in ours] == [plain(one) for one in theirs]


@pytest.mark.parametrize("case", ASKED)
def test_every_tool_result_names_a_call_of_the_message_before_it(
    case: Case, bed: Bed, heard: dict[str, Any]
) -> None:
    called: set[str] = set()
    for message in reached(case, bed, heard)["messages"]:
        called |= {call["id"] for call in message.get("tool_calls") or []}
        if message["role"] == "tool":
            assert message["tool_call_id"] in called


@pytest.mark.parametrize("case", ASKED)
def test_the_tools_and_the_format_arrive(case: Case, bed: Bed, heard: dict[str, Any]) -> None:
    ours, theirs = reached(case, bed, heard), case.asked_bodies[0]
    assert without_none(ours.get("tools")) == without_none(theirs.get("tools"))
    assert without_none(ours.get("response_format")) == without_none(theirs.get("response_format"))


@pytest.mark.parametrize("case", ASKED)
def test_the_options_that_were_set_arrive(case: Case, bed: Bed, heard: dict[str, Any]) -> None:
    ours, theirs = reached(case, bed, heard), case.asked_bodies[0]
    given = case.request["body"].get("options") or {}
    for option, (theirs_name, ours_name) in PARAMETERS.items():
        value = given.get(option)
        if option == "num_predict" and value in UNLIMITED:
            assert ours.get(ours_name, value) == value
        elif value in (None, []):
            assert not ours.get(ours_name), option
        else:
            got = ours.get(ours_name, ours.get("max_completion_tokens"))
            assert (
                got == pytest.approx(theirs[theirs_name])
                if not isinstance(value, list)
                else (got == theirs[theirs_name])
            ), option


@pytest.mark.parametrize("case", ASKED)
def test_the_wish_to_think_arrives(case: Case, bed: Bed, heard: dict[str, Any]) -> None:
    think = case.request["body"].get("think")
    ours = reached(case, bed, heard)
    wish = (ours.get("chat_template_kwargs") or {}).get("enable_thinking")
    if think is not None:
        assert wish is bool(think)
    if isinstance(think, str):
        effort = ours.get(
            "reasoning_effort", (ours.get("chat_template_kwargs") or {}).get("reasoning_effort")
        )
        assert effort == think


@pytest.mark.parametrize("case", ASKED)
def test_usage_is_asked_for_on_a_stream(case: Case, bed: Bed, heard: dict[str, Any]) -> None:
    ours = reached(case, bed, heard)
    assert ours["model"] == case.request["body"]["model"]
    assert ours.get("stream") is not True or ours["stream_options"]["include_usage"] is True
