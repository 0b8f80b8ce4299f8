"""Messages, and which result answers which call (inference.md §2.6, §6.3)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.translate.dialect_table import dialect
from ollama_facade.translate.messages import chat_messages
from ollama_facade.translate.models import Model
from tests.golden.recordings import Case, cases

PLAIN = Model("m:latest", "m", digest="", modified_at=0)
SYS = Model(
    "sys:latest",
    "gen",
    system="You are a pirate.",
    messages=({"role": "user", "content": "Ahoy?"}, {"role": "assistant", "content": "Ahoy!"}),
    digest="",
    modified_at=0,
)
IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSnc"


def sent(*messages: Any, model: Model = PLAIN, row: str = "default") -> list[dict[str, Any]]:
    return chat_messages(messages, model, dialect(row))


def call(name: str, identifier: str = "", **arguments: Any) -> dict[str, Any]:
    given = {"function": {"name": name, "arguments": arguments}}
    return {"id": identifier, **given} if identifier else given


def called(*calls: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": "", "tool_calls": list(calls)}


def result(content: str, **more: str) -> dict[str, Any]:
    return {"role": "tool", "content": content, **more}


def answers(messages: list[dict[str, Any]]) -> dict[str, str]:
    """The content of each result -> the name of the function that it answers."""
    names = {
        made["id"]: made["function"]["name"]
        for message in messages
        for made in message.get("tool_calls") or ()
    }
    return {
        message["content"]: names[message["tool_call_id"]]
        for message in messages
        if message["role"] == "tool"
    }


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"role": "user", "content": "Hi"}, {"role": "user", "content": "Hi"}),
        ({"role": "USER", "content": "Hi"}, {"role": "user", "content": "Hi"}),
        ({"role": "developer", "content": "Hi"}, {"role": "developer", "content": "Hi"}),
        ({"content": "Hi"}, {"role": "", "content": "Hi"}),
        ({"role": "user"}, {"role": "user", "content": ""}),
        ({"role": "user", "content": None}, {"role": "user", "content": ""}),
        (None, {"role": "", "content": ""}),
        (
            {"role": "user", "content": "Hi", "name": "bob", "refusal": None, "x": 1},
            {"role": "user", "content": "Hi"},
        ),
        (
            {"role": "assistant", "content": "x", "thinking": "th"},
            {"role": "assistant", "content": "x"},
        ),
    ],
)
def test_a_message_is_sent_with_its_fields(message: Any, expected: dict[str, Any]) -> None:
    assert sent(message) == [expected]


RECORDED = [
    case
    for case in cases().values()
    if case.asked_bodies
    and not case.rendered
    and case.path == "/api/chat"
    and case.name != "chat/truncation-native"  # the runner's tokenizer decides what falls out
]


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case.name)
def test_messages_are_sent_as_recorded(case: Case) -> None:
    ours = sent(*case.request["body"]["messages"], row="llamacpp")
    theirs = case.asked_bodies[0]["messages"]
    for one in theirs:
        for made in one.get("tool_calls") or ():
            del made["index"]
    for mine, recorded in zip(ours, theirs, strict=True):
        if "tool_call_id" not in recorded:
            mine.pop("tool_call_id", None)
        for made, other in zip(
            mine.get("tool_calls") or (), recorded.get("tool_calls") or (), strict=True
        ):
            other.setdefault("id", made["id"])
        assert mine == recorded


def test_the_models_text_comes_first_unless_the_request_begins_with_its_own() -> None:
    user = {"role": "user", "content": "Hi"}
    own = {"role": "System", "content": "Be brief."}
    contents = [message["content"] for message in sent(user, model=SYS)]
    assert contents == ["You are a pirate.", "Ahoy?", "Ahoy!", "Hi"]
    contents = [message["content"] for message in sent(own, user, model=SYS)]
    assert contents == ["Ahoy?", "Ahoy!", "Be brief.", "Hi"]
    contents = [message["content"] for message in sent(user, own, model=SYS)]
    assert contents == ["You are a pirate.", "Ahoy?", "Ahoy!", "Hi", "Be brief."]


def test_images_follow_the_text() -> None:
    url = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}}
    assert sent({"role": "user", "content": "What?", "images": [IMAGE]})[0]["content"] == [
        {"type": "text", "text": "What?"},
        url,
    ]
    assert sent({"role": "user", "images": [IMAGE, IMAGE]})[0]["content"] == [url, url]
    assert sent({"role": "user", "content": "x", "images": []})[0]["content"] == "x"


def test_arguments_become_text_in_the_order_of_their_keys() -> None:
    [message] = sent(called(call("f", city="Zürich", a=1, Z=None, b={"y": "<", "x": 2.0})))
    [made] = message["tool_calls"]
    assert made["type"] == "function"
    assert made["function"] == {
        "name": "f",
        "arguments": '{"city":"Zürich","a":1,"Z":null,"b":{"y":"<","x":2.0}}',
    }


@pytest.mark.parametrize("arguments", [None, {}])
def test_no_arguments_are_an_empty_object(arguments: Any) -> None:
    [message] = sent(called({"function": {"name": "f", "arguments": arguments}}))
    assert message["tool_calls"][0]["function"]["arguments"] == "{}"
    assert message["content"] == ""


def test_ids_of_the_client_are_sent() -> None:
    messages = sent(
        called(call("a", "c1"), call("b", "c2")),
        result("2", tool_call_id="c2"),
        result("1", tool_call_id="c1"),
    )
    assert [made["id"] for made in messages[0]["tool_calls"]] == ["c1", "c2"]
    assert [message["tool_call_id"] for message in messages[1:]] == ["c2", "c1"]


@pytest.mark.parametrize(
    ("calls", "results", "expected"),
    [
        (
            [call("a"), call("b")],
            [result("B", tool_name="b"), result("A", tool_name="a")],
            {"A": "a", "B": "b"},
        ),
        ([call("a"), call("b")], [result("A"), result("B")], {"A": "a", "B": "b"}),
        (
            [call("a"), call("b")],
            [result("B"), result("A", tool_name="a")],
            {"A": "a", "B": "b"},
        ),
        (
            [call("a", "c1"), call("b", "c2")],
            [result("B"), result("A", tool_call_id="c1")],
            {"A": "a", "B": "b"},
        ),
        (
            [call("a"), call("b")],
            [result("A", tool_call_id="lost"), result("B", tool_call_id="lost too")],
            {"A": "a", "B": "b"},
        ),
        ([call("a")], [result("A", tool_name="other")], {"A": "a"}),
    ],
)
def test_a_result_finds_its_call(
    calls: list[Any], results: list[Any], expected: dict[str, str]
) -> None:
    assert answers(sent(called(*calls), *results)) == expected


def test_parallel_calls_of_one_function_are_answered_in_order() -> None:
    messages = sent(
        called(call("w", city="Paris"), call("w", city="Rome")),
        result("11", tool_name="w"),
        result("24", tool_name="w"),
    )
    first, second = messages[0]["tool_calls"]
    assert first["id"] != second["id"]
    assert [message["tool_call_id"] for message in messages[1:]] == [first["id"], second["id"]]


def test_each_turn_is_matched_by_itself() -> None:
    messages = sent(
        called(call("a")),
        result("1", tool_name="a"),
        {"role": "assistant", "content": "One."},
        called(call("a")),
        result("2", tool_name="a"),
    )
    ids = [made["id"] for message in messages for made in message.get("tool_calls") or ()]
    assert len(set(ids)) == 2
    assert [message["tool_call_id"] for message in messages if message["role"] == "tool"] == ids


def test_new_ids_differ_from_those_of_the_client() -> None:
    messages = sent(
        called(call("a", "call00001"), call("b")), result("x", tool_call_id="call00002")
    )
    assert [made["id"] for made in messages[0]["tool_calls"]] == ["call00001", "call00003"]


def test_a_result_without_a_call_has_its_id_or_a_new_one() -> None:
    [given] = sent(result("1", tool_call_id="c9"))
    assert given == {"role": "tool", "content": "1", "tool_call_id": "c9"}
    [made] = sent(result("1"))
    assert made["tool_call_id"]


def test_thoughts_are_sent_with_their_calls_where_the_backend_requires_it() -> None:
    turns = (
        {"role": "assistant", "thinking": "hm", "tool_calls": [call("f")]},
        {"role": "assistant", "tool_calls": [call("f")]},
        {"role": "assistant", "thinking": "hm", "content": "a"},
    )
    insisting, other = sent(*turns, row="deepseek"), sent(*turns, row="vllm")
    assert [one.get("reasoning_content") for one in insisting] == ["hm", "", None]
    assert not any("reasoning_content" in one for one in other)


def test_the_name_of_a_tool_is_sent_where_the_backend_has_it() -> None:
    history = [called(call("a")), result("1", tool_name="a")]
    assert "name" not in sent(*history)[1]
    assert sent(*history, row="llamacpp")[1]["name"] == "a"


NAMES = st.sampled_from(["a", "b", ""])
IDS = st.sampled_from(["", "c1", "c2"])
MESSAGES = st.one_of(
    st.none(),
    st.fixed_dictionaries({"role": st.sampled_from(["user", "system", "assistant"])}),
    st.lists(st.builds(call, NAMES, IDS) | st.none(), min_size=1, max_size=3).map(
        lambda calls: called(*calls)  # type: ignore[arg-type]
    ),
    st.builds(lambda name, one: result("r", tool_name=name, tool_call_id=one), NAMES, IDS),
)


@given(st.lists(MESSAGES, max_size=10))
def test_one_message_for_each_and_results_answer_what_was_called(messages: list[Any]) -> None:
    ours = sent(*messages)
    assert [message["role"] for message in ours] == [
        (message or {}).get("role", "") for message in messages
    ]
    blocks: list[tuple[list[str], list[str]]] = [([], [])]
    for message in ours:
        assert message["content"] is not None
        if message.get("tool_calls"):
            blocks.append(([made["id"] for made in message["tool_calls"]], []))
        elif message["role"] == "tool":
            blocks[-1][1].append(message["tool_call_id"])
    for announced, answered in blocks:
        assert all(announced)
        assert all(answered)
        unanswered = [*announced]
        for identifier in answered:
            if identifier in unanswered:
                unanswered.remove(identifier)
        assert len(unanswered) == max(0, len(announced) - len(answered))
