import pytest

from ollama_facade.errors import BackendError
from ollama_facade.translate.deltas import ToolCallDelta
from ollama_facade.translate.tool_calls import ToolCalls, as_go


def assembled(parts: list[ToolCallDelta]) -> list[tuple[str, str, dict[str, object]]]:
    calls = ToolCalls()
    for part in parts:
        calls.feed(part)
    return [(call.id, call.name, dict(call.arguments)) for call in calls.finish()]


A, B = '{"city":"Paris"}', '{"zone":"UTC"}'
TWO = [("a", "weather", {"city": "Paris"}), ("b", "time", {"zone": "UTC"})]

STREAMS = {
    "arguments in pieces": [
        ToolCallDelta(0, "a", "weather", '{"city":'),
        ToolCallDelta(0, "", "", '"Paris"}'),
        ToolCallDelta(1, "b", "time", B),
    ],
    "pieces interleaved": [
        ToolCallDelta(0, "a", "weather", '{"city":'),
        ToolCallDelta(1, "b", "time", '{"zone":'),
        ToolCallDelta(0, "", "", '"Paris"}'),
        ToolCallDelta(1, "", "", '"UTC"}'),
    ],
    "index from one": [ToolCallDelta(1, "a", "weather", A), ToolCallDelta(2, "b", "time", B)],
    "no index": [
        ToolCallDelta(None, "a", "weather", '{"city":'),
        ToolCallDelta(None, "", "", '"Paris"}'),
        ToolCallDelta(None, "b", "time", B),
    ],
    "one index, two ids": [ToolCallDelta(0, "a", "weather", A), ToolCallDelta(0, "b", "time", B)],
    "id in a later piece": [
        ToolCallDelta(0, "", "weather", '{"city":'),
        ToolCallDelta(0, "a", "", '"Paris"}'),
        ToolCallDelta(1, "b", "time", B),
    ],
    "name in a later piece": [
        ToolCallDelta(0, "a", "", '{"city":'),
        ToolCallDelta(0, "", "weather", '"Paris"}'),
        ToolCallDelta(1, "b", "time", B),
    ],
    "name and id in every piece": [
        ToolCallDelta(0, "a", "weather", '{"city":'),
        ToolCallDelta(0, "a", "weather", '"Paris"}'),
        ToolCallDelta(1, "b", "time", B),
    ],
}


@pytest.mark.parametrize("form", STREAMS)
def test_every_form_of_backends_gives_the_same_two_calls(form: str) -> None:
    assert assembled(STREAMS[form]) == TWO


def test_complete_calls_with_one_index_and_no_ids_are_two_calls() -> None:
    calls = assembled([ToolCallDelta(0, "", "weather", A), ToolCallDelta(0, "", "time", B)])
    assert [(name, arguments) for _, name, arguments in calls] == [c[1:] for c in TWO]


def test_a_missing_id_is_made_as_ollama_makes_them() -> None:
    [(made, _, _)] = assembled([ToolCallDelta(0, "", "weather", A)])
    assert made.startswith("call_")
    assert len(made) == len("call_") + 8


@pytest.mark.parametrize("arguments", ("", "  ", "null", "{}"))
def test_no_arguments_are_an_empty_object(arguments: str) -> None:
    assert assembled([ToolCallDelta(0, "a", "f", arguments)]) == [("a", "f", {})]


@pytest.mark.parametrize("arguments", ("[1]", "5", '"x"', '{"a":', "nonsense"))
def test_arguments_that_are_no_object_are_an_error_that_names_the_tool(arguments: str) -> None:
    with pytest.raises(BackendError, match='invalid tool call arguments for "f"'):
        assembled([ToolCallDelta(0, "a", "f", arguments)])


def test_a_call_without_a_name_is_an_error() -> None:
    with pytest.raises(BackendError, match="without a name"):
        assembled([ToolCallDelta(0, "a", "", "{}")])


def test_only_the_top_level_preserves_the_order_of_keys() -> None:
    [(_, _, arguments)] = assembled(
        [ToolCallDelta(0, "a", "f", '{"b":{"z":1,"a":2},"a":[{"y":1,"x":2}]}')]
    )
    assert list(arguments) == ["b", "a"]
    assert list(arguments["b"]) == ["a", "z"]  # type: ignore[call-overload]
    assert list(arguments["a"][0]) == ["x", "y"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("value", "shown"),
    ((3.0, "3"), (3.5, "3.5"), (True, "True"), (12345678901234567890, "12345678901234567000")),
)
def test_numbers_are_printed_as_go_prints_its_floats(value: object, shown: str) -> None:
    assert str(as_go(value)) == shown
