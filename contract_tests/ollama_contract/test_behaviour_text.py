"""What options and fields of a generation do to the text."""

from __future__ import annotations

import json

import pytest

from ollama_contract.checking import demand, expect, not_applicable
from ollama_contract.exchange import Asker
from ollama_contract.requests import COUNT, GENERATING, PNG, asking, text_of, thought_of
from ollama_contract.target import Target

SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "integer"}},
    "required": ["answer"],
    "additionalProperties": False,
}

pytestmark = pytest.mark.needs("completion")
both = pytest.mark.parametrize("path", GENERATING)
ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@both
@ways
def test_a_stop_string_ends_the_text_before_it(
    path: str, stream: bool, ask: Asker, target: Target
) -> None:
    free = text_of(ask("POST", path, asking(target, path, COUNT, 24)).json())
    if len(free) < 8:
        not_applicable(f"the model says too little to be stopped: {free!r}")
    stop = free[len(free) // 2 : len(free) // 2 + 2]
    body = asking(target, path, COUNT, 24, stream=stream, options={"stop": [stop]})
    answer = ask("POST", path, body)
    demand(answer.status == 200, "status 200", answer.status)
    values = answer.lines() if stream else [answer.json()]
    text = "".join(map(text_of, values))
    expect(stop not in text, f"a text that ends before the stop string {stop!r}", text)
    if free.startswith(text) and len(text) < len(free):
        end = values[-1]
        expect(end.get("done_reason") == "stop", "done_reason stop at a stop string", end)


@both
@ways
@pytest.mark.parametrize("format", ["json", SCHEMA], ids=["json", "schema"])
def test_a_format_is_kept(
    path: str, format: object, stream: bool, ask: Asker, target: Target
) -> None:
    prompt = "How many legs has a cat? Answer as a JSON object with the key answer."
    answer = ask("POST", path, asking(target, path, prompt, 96, format=format, stream=stream))
    demand(answer.status == 200, "status 200", f"{answer.status} {answer.body[:300]!r}")
    values = answer.lines() if stream else [answer.json()]
    text = "".join(map(text_of, values)).strip()
    demand(text.startswith("{"), "a JSON object as text, as format asks for", text)
    if values[-1].get("done_reason") != "stop":
        return
    try:
        stated = json.loads(text)
    except ValueError:
        demand(False, "a text that is JSON, as format asks for", text)
    if format is SCHEMA:
        right = isinstance(stated.get("answer"), int) and set(stated) == {"answer"}
        expect(right, f"a text that fits the schema {json.dumps(SCHEMA)}", text)


@both
@ways
@pytest.mark.needs("logprobs")
def test_logprobs_tell_of_every_token(path: str, stream: bool, ask: Asker, target: Target) -> None:
    body = asking(target, path, COUNT, 6, stream=stream, logprobs=True, top_logprobs=2)
    answer = ask("POST", path, body)
    demand(answer.status == 200, "status 200", answer.status)
    values = answer.lines() if stream else [answer.json()]
    entries = [one for value in values for one in value.get("logprobs") or ()]
    demand(entries, "logprobs where they are asked for", values[-1])
    for entry in entries:
        expect(entry["logprob"] <= 0, "a logprob of at most 0", entry)
        top = entry.get("top_logprobs")
        expect(isinstance(top, list) and 1 <= len(top) <= 2, "the 2 top_logprobs asked for", entry)
        if "\ufffd" not in entry["token"]:
            right = bytes(entry.get("bytes") or ()) == entry["token"].encode()
            expect(right, "bytes that are those of the token", entry)
    text, joined = "".join(map(text_of, values)), "".join(entry["token"] for entry in entries)
    expect(text.strip() in joined, "tokens that add up to the text", (joined, text))
    plain = ask("POST", path, asking(target, path, COUNT, 2))
    expect(b'"logprobs"' not in plain.body, "no logprobs unless they are asked for", plain.body)


@both
@pytest.mark.needs("thinking")
@ways
def test_thoughts_are_beside_the_text(path: str, stream: bool, ask: Asker, target: Target) -> None:
    answer = ask(
        "POST", path, asking(target, path, "What is 2 + 3?", 200, think=True, stream=stream)
    )
    demand(answer.status == 200, "status 200", answer.status)
    values = answer.lines() if stream else [answer.json()]
    thought, text = "".join(map(thought_of, values)), "".join(map(text_of, values))
    expect(thought, "the thoughts under thinking", values[-1])
    expect(
        "<think>" not in text and "</think>" not in text, "no tags of thoughts in the text", text
    )
    written = [bool(text_of(value)) for value in values if text_of(value) or thought_of(value)]
    expect(written == sorted(written), "all thoughts before the text", values)
    silent = ask("POST", path, asking(target, path, "What is 2 + 3?", 8, think=False))
    expect(not thought_of(silent.json()), "no thoughts with think: false", silent.body)


@both
def test_thinking_is_refused_where_a_model_cannot(path: str, ask: Asker, target: Target) -> None:
    if "thinking" in target.abilities:
        not_applicable("the model can think")
    answer = ask("POST", path, asking(target, path, think=True))
    if answer.status == 200:
        not_applicable("the server leaves it to the model, although it does not claim thinking")
    wanted = f'"{target.model}" does not support thinking'
    expect((answer.status, answer.error()) == (400, wanted), f"400 {wanted}", answer.body)


@both
def test_an_image_is_taken_or_refused(path: str, ask: Asker, target: Target) -> None:
    body = asking(target, path, "What is in the picture?", 4)
    holder = body["messages"][0] if path == "/api/chat" else body
    holder["images"] = [PNG]
    answer = ask("POST", path, body)
    if "vision" in target.abilities:
        expect(answer.status == 200, "an image is taken", answer.body[:300])
    elif answer.status != 200:
        expect(answer.error(), "an image is refused with the error as text", answer.body[:300])
    holder["images"] = [f"data:image/png;base64,{PNG}"]
    answer = ask("POST", path, body)
    wanted = "illegal base64 data at input byte 4"
    expect((answer.status, answer.error()) == (400, wanted), f"400 {wanted}", answer.body[:300])


def test_a_context_carries_the_conversation(ask: Asker, target: Target) -> None:
    path = "/api/generate"
    first = ask("POST", path, asking(target, path, "Remember the word banana.", 4)).json()
    context = first.get("context")
    right = isinstance(context, list) and context and all(type(one) is int for one in context)
    demand(right, "a context of numbers in the last line", first)
    alone = ask("POST", path, asking(target, path, "Which word?", 2)).json()
    after = ask("POST", path, asking(target, path, "Which word?", 2, context=context))
    demand(after.status == 200, "a context is taken back", after.body[:300])
    counts = [one.get("prompt_eval_count", 0) for one in (alone, after.json())]
    expect(counts[1] > counts[0], "a context that is read with the prompt", counts)


def test_a_system_text_is_read(ask: Asker, target: Target) -> None:
    path = "/api/generate"
    alone = ask("POST", path, asking(target, path, "Hello", 1)).json()
    more = ask("POST", path, asking(target, path, "Hello", 1, system="Be brief. " * 30)).json()
    counts = [one.get("prompt_eval_count", 0) for one in (alone, more)]
    expect(counts[1] > counts[0], "a system text that is read with the prompt", counts)


def test_raw_goes_without_template_and_context(ask: Asker, target: Target) -> None:
    path = "/api/generate"
    answer = ask("POST", path, asking(target, path, "1, 2, 3,", 4, raw=True))
    demand(answer.status == 200, "raw is taken", answer.body[:300])
    expect("context" not in answer.json(), "no context of a raw answer", answer.body)
    answer = ask("POST", path, asking(target, path, "x", 4, raw=True, system="s"))
    wanted = "raw mode does not support template, system, or context"
    expect((answer.status, answer.error()) == (400, wanted), f"400 {wanted}", answer.body[:300])


def test_a_suffix_is_taken_or_refused(ask: Asker, target: Target) -> None:
    path = "/api/generate"
    answer = ask("POST", path, asking(target, path, "def add(a, b):", 4, suffix="return c"))
    if "insert" in target.abilities:
        expect(answer.status == 200, "a suffix is taken", answer.body[:300])
        return
    right = answer.status in (400, 501) and " support" in answer.error()
    expect(right, "400 … does not support insert, or like it", answer.body[:300])


@both
@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 0.7, "top_k": 40, "top_p": 0.9, "min_p": 0.05, "typical_p": 0.9},
        {"repeat_penalty": 1.1, "presence_penalty": 0.5, "frequency_penalty": 0.5, "seed": 42},
        {"num_ctx": 2048, "num_keep": 4, "repeat_last_n": 33, "stop": []},
        {"nonsense": 1, "mirostat": 2, "num_predict": 3.9, "seed": None},
    ],
    ids=["sampling", "penalties", "context", "unknown"],
)
def test_options_are_taken(
    path: str, options: dict[str, object], ask: Asker, target: Target
) -> None:
    answer = ask(
        "POST", path, asking(target, path, "Hi", None, options={"num_predict": 2, **options})
    )
    expect(answer.status == 200, f"the options {options} are taken", answer.body[:300])
