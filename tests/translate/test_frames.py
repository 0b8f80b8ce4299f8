import pytest

from ollama_facade.translate.apis.ollama_chat import chat_final, chat_frame
from ollama_facade.translate.apis.ollama_generate import generate_final, generate_frame
from ollama_facade.translate.deltas import Completion, OutputDelta, Timings, ToolCall, Usage
from ollama_facade.translate.logprobs import read_logprobs
from ollama_facade.translate.metrics import Moments, metrics

MOMENTS = Moments(started=100, sent=130, first=200, ended=1000)


def test_chat_frames_have_ollamas_keys_in_ollamas_order() -> None:
    probabilities = [{"token": "a", "logprob": -1.0, "bytes": [97]}]
    frame = chat_frame("m", "T", OutputDelta("a", "Hm", probabilities))
    assert list(frame) == ["model", "created_at", "message", "done", "logprobs"]
    assert frame["message"] == {"role": "assistant", "content": "a", "thinking": "Hm"}
    assert list(frame["message"]) == ["role", "content", "thinking"]


def test_the_final_chat_frame_carries_tool_calls_and_then_metrics() -> None:
    call = ToolCall(0, "call_1", "f", {"x": 1})
    frame = chat_final("m", "T", Completion("stop", OutputDelta(), [call]), {"total_duration": 5})
    assert list(frame) == [
        "model",
        "created_at",
        "message",
        "done",
        "done_reason",
        "total_duration",
    ]
    function = {"index": 0, "name": "f", "arguments": {"x": 1}}
    assert frame["message"]["tool_calls"] == [{"id": "call_1", "function": function}]


def test_generate_puts_context_before_metrics_and_logprobs_last() -> None:
    probabilities = [{"token": "a", "logprob": -1.0}]
    ending = Completion("stop", OutputDelta("a", "", probabilities))
    frame = generate_final("m", "T", ending, {"total_duration": 5}, [1, 2])
    assert list(frame) == [
        "model", "created_at", "response", "done", "done_reason", "context",
        "total_duration", "logprobs",
    ]  # fmt: skip
    assert "context" not in generate_final("m", "T", ending, {}, [])
    assert "thinking" not in generate_frame("m", "T", OutputDelta("a"))


def test_metrics_without_usage_have_durations_and_no_counts() -> None:
    assert metrics(Completion("stop", OutputDelta()), MOMENTS) == {
        "total_duration": 900,
        "load_duration": 30,
        "prompt_eval_duration": 70,
        "eval_duration": 800,
    }


def test_llama_cpps_own_durations_win_and_zero_counts_are_left_out() -> None:
    ending = Completion(
        "stop", OutputDelta(), usage=Usage(8, 0), timings=Timings(8, 0, 12_500_000, 40_250_000)
    )
    found = metrics(ending, MOMENTS)
    assert found["prompt_eval_duration"] == 12_500_000
    assert found["eval_duration"] == 40_250_000
    assert found["prompt_eval_count"] == 8
    assert "eval_count" not in found


def test_a_whole_answer_without_timings_has_only_the_sum() -> None:
    found = metrics(Completion("stop", OutputDelta()), Moments(started=100, sent=130, ended=1000))
    assert "prompt_eval_duration" not in found
    assert found["eval_duration"] == 870


@pytest.mark.parametrize(
    ("logprobs", "found"),
    (
        (None, []),
        ({"content": None}, []),
        ({"content": [{"token": "a", "logprob": -1, "bytes": None, "top_logprobs": []}]},
         [{"token": "a", "logprob": -1, "bytes": [97]}]),
        ({"content": [{"token": "", "logprob": -1}]}, [{"token": "", "logprob": -1}]),
        ({"content": [{"token": 5}, "x"]}, []),
        ({"tokens": ["é"], "token_logprobs": [-0.5], "top_logprobs": [{"a": -2, "é": -0.5}]},
         [{"token": "é", "logprob": -0.5, "bytes": [195, 169], "top_logprobs": [
             {"token": "é", "logprob": -0.5, "bytes": [195, 169]},
             {"token": "a", "logprob": -2, "bytes": [97]}]}]),
    ),
)  # fmt: skip
def test_logprobs_of_both_endpoints_have_ollamas_shape(
    logprobs: object, found: list[object]
) -> None:
    assert read_logprobs({"logprobs": logprobs}) == found
