"""One question for each feature, asked through the service; the same for every backend."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ollama_contract.matrix.listing import Found
from tests import raw

WAIT = 180.0
SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
    "AABJRU5ErkJggg=="
)
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "description": "The weather", "parameters": CITY},
}
WORKS = Found("works")


@dataclass(frozen=True)
class Asker:
    """The service over a backend, and the model to ask."""

    url: str
    model: str

    def post(self, path: str, **fields: Any) -> raw.Answer:
        """The answer to a body with the model in it."""
        return raw.ask(self.url, "POST", path, {"model": self.model, **fields}, WAIT)

    def chat(self, text: str, **fields: Any) -> raw.Answer:
        """The answer of `/api/chat`, not streamed and short unless told otherwise."""
        messages = [{"role": "user", "content": text}]
        given = {"messages": messages, "stream": False, "options": {"num_predict": 64}}
        return self.post("/api/chat", **{**given, **fields})


def judged(answer: raw.Answer, works: Callable[[], object], dropped: str = "") -> Found:
    """Whether it worked; else how the client was told: by an error, or by the header."""
    if answer.status >= 400:
        return refused(answer)
    named = (answer.header("Facade-Dropped") or "").split(", ")
    if dropped and dropped in named:
        return Found("no", f"the header `Facade-Dropped: {dropped}`")
    try:
        return WORKS if works() else Found("unknown", "an answer without it")
    except (KeyError, ValueError, IndexError, TypeError) as error:
        return Found("wrong", f"{type(error).__name__} in {answer.text[:80]!r}")


def refused(answer: raw.Answer) -> Found:
    """An honest error: one line of text, no page."""
    error = answer.lines()[-1].get("error")
    text = error.get("message") if isinstance(error, dict) else error
    honest = isinstance(text, str) and text and "\n" not in text and "<html" not in text
    return Found("no" if honest else "wrong", f"status {answer.status}: {shortened(str(text))}")


def shortened(text: str, limit: int = 120) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"


def ends_once(frames: list[Mapping[str, Any]]) -> bool:
    """Several frames, the last and no other of which ends the answer and has counts."""
    flags = [frame.get("done") for frame in frames]
    counted = ["eval_count" in frame for frame in frames]
    return len(frames) > 1 and flags == counted == [False] * (len(frames) - 1) + [True]


def chat(asker: Asker) -> Found:
    answer = asker.chat("What is the capital of France?")
    return judged(answer, lambda: answer.json()["message"]["content"] and answer.json()["done"])


def stream(asker: Asker) -> Found:
    answer = asker.chat("What is the capital of France?", stream=True)
    return judged(answer, lambda: ends_once(answer.lines()))


def called(answer: raw.Answer, count: int) -> bool:
    """So many calls with an object of arguments, in Ollama's form or OpenAI's."""
    body = answer.json()
    message = body["choices"][0]["message"] if "choices" in body else body["message"]
    functions = [call["function"] for call in message.get("tool_calls") or ()]
    given = [one["arguments"] for one in functions]
    objects = [json.loads(one) if isinstance(one, str) else one for one in given]
    return len([one for one in objects if one.get("city")]) >= count


def tools(asker: Asker, question: str = "How is the weather in Paris?", count: int = 1) -> Found:
    """On `/api/chat`; a model that only calls what it is made to call is asked on `/v1`."""
    answer = asker.chat(question, tools=[WEATHER])
    found = judged(answer, lambda: called(answer, count))
    if found.outcome != "unknown":
        return found
    messages = [{"role": "user", "content": question}]
    more = {"tool_choice": "required", "parallel_tool_calls": count > 1, "max_tokens": 128}
    forced = asker.post("/v1/chat/completions", messages=messages, tools=[WEATHER], **more)
    again = judged(forced, lambda: called(forced, count))
    return again if again.outcome == "works" else found


def parallel_tools(asker: Asker) -> Found:
    return tools(asker, "How is the weather in Paris, and how is it in Rome?", 2)


def images(asker: Asker) -> Found:
    messages = [{"role": "user", "content": "What is it?", "images": [PIXEL]}]
    answer = asker.chat("", messages=messages)
    return judged(answer, lambda: answer.json()["message"]["content"])


def json_format(asker: Asker) -> Found:
    """Asked again where the limit cut an object off: small models find no end."""
    for seed in (1, 2, 3, 4):
        options = {"num_predict": 300, "seed": seed}
        answer = asker.chat("A person as JSON", format="json", options=options)
        if answer.status >= 400 or not content(answer).startswith("{"):
            break
        if answer.json()["done_reason"] != "length":
            break
    return judged(answer, lambda: isinstance(parsed(content(answer)), dict), "format")


def content(answer: raw.Answer) -> str:
    """The text of a chat."""
    return str(answer.json()["message"]["content"])


def parsed(text: str) -> Any:
    """The JSON of a text, None where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def age_in(value: Any) -> Any:
    """What SCHEMA asks for."""
    return value.get("age") if isinstance(value, dict) else None


def schema(asker: Asker) -> Found:
    answer = asker.chat("How old is she?", format=SCHEMA)
    return judged(answer, lambda: isinstance(age_in(parsed(content(answer))), int), "format")


def thinking(asker: Asker) -> Found:
    answer = asker.chat("Hi", think=True)
    return judged(answer, lambda: answer.json()["message"].get("thinking"), "think")


def logprobs(asker: Asker) -> Found:
    answer = asker.chat("Hi", logprobs=True, top_logprobs=2)
    return judged(
        answer, lambda: len(answer.json().get("logprobs", [{}])[0].get("top_logprobs", ())) == 2,
        "logprobs",
    )  # fmt: skip


def embeddings(asker: Asker) -> Found:
    answer = asker.post("/api/embed", input=["a", "b"])
    lengths = [sum(x * x for x in one) for one in answer.json().get("embeddings", ())]
    return judged(answer, lambda: len([one for one in lengths if abs(one - 1) < 0.001]) == 2)


def raw_prompt(asker: Asker) -> Found:
    options = {"num_predict": 8}
    answer = asker.post("/api/generate", prompt="Once upon", raw=True, stream=True, options=options)
    return judged(answer, lambda: ends_once(answer.lines()))


def suffix(asker: Asker) -> Found:
    """That it is heeded cannot be seen in an answer; the prompt that was counted tells it."""
    given = {"prompt": "def f(", "stream": False, "options": {"num_predict": 4}}
    answer = asker.post("/api/generate", suffix="return " * 40, **given)
    return judged(answer, lambda: answer.json().get("prompt_eval_count", 0) > 30, "suffix")


def metadata(asker: Asker) -> Found:
    answer = asker.post("/api/show")
    facts = answer.json().get("model_info", {})
    return judged(answer, lambda: any(key.endswith(".context_length") for key in facts))


def errors(asker: Asker) -> Found:
    """A model that is not there has Ollama's words; what the backend refuses is an honest error."""
    missing = Asker(asker.url, "no-such-model").chat("Hi")
    if (missing.status, missing.json()) != (404, {"error": "model 'no-such-model' not found"}):
        return Found("wrong", missing.text[:120])
    answer = asker.chat("fail:limit", format={"type": "nonsense"}, options={"num_predict": 1})
    found = refused(answer) if answer.status >= 400 else WORKS
    return Found("wrong", found.reported) if found.outcome == "wrong" else WORKS


def v1_chat(asker: Asker) -> Found:
    messages = [{"role": "user", "content": "Hi"}]
    answer = asker.post("/v1/chat/completions", messages=messages, max_tokens=8, stream=True)
    return judged(
        answer, lambda: answer.text.endswith("data: [DONE]\n\n") and "delta" in answer.text
    )


def v1_completions(asker: Asker) -> Found:
    answer = asker.post("/v1/completions", prompt="Once upon", max_tokens=8)
    return judged(answer, lambda: answer.json()["choices"][0]["text"])


def v1_embeddings(asker: Asker) -> Found:
    answer = asker.post("/v1/embeddings", input="a")
    return judged(answer, lambda: len(answer.json()["data"][0]["embedding"]) > 4)


def v1_responses(asker: Asker) -> Found:
    answer = asker.post("/v1/responses", input="Hi", max_output_tokens=16)
    return judged(answer, lambda: output_text(answer.json()))


def output_text(response: Mapping[str, Any]) -> str:
    """The text of a response."""
    messages = [one for one in response["output"] if one["type"] == "message"]
    return str(messages[0]["content"][0]["text"])


def v1_messages(asker: Asker) -> Found:
    messages = [{"role": "user", "content": "Hi"}]
    answer = asker.post("/v1/messages", messages=messages, max_tokens=16)
    return judged(
        answer, lambda: [one["text"] for one in answer.json()["content"] if one["type"] == "text"]
    )


PROBES: Mapping[str, Callable[[Asker], Found]] = {
    "chat": chat,
    "stream": stream,
    "tools": tools,
    "parallel tools": parallel_tools,
    "images": images,
    "json": json_format,
    "schema": schema,
    "thinking": thinking,
    "logprobs": logprobs,
    "embeddings": embeddings,
    "raw": raw_prompt,
    "suffix": suffix,
    "metadata": metadata,
    "errors": errors,
    "v1 chat completions": v1_chat,
    "v1 completions": v1_completions,
    "v1 embeddings": v1_embeddings,
    "v1 responses": v1_responses,
    "v1 messages": v1_messages,
}
"""The features in the order of the table."""
