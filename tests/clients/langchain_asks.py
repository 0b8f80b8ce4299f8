"""Asks a service as programs with LangChain do; prints JSON."""

import json
import sys

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_ollama import ChatOllama, OllamaEmbeddings, OllamaLLM

url, model = sys.argv[1:]


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


chat = ChatOllama(base_url=url, model=model, temperature=0, validate_model_on_init=True)
question = HumanMessage("What is the weather in Paris?")
called = chat.bind_tools([get_weather]).invoke([question])
turns = [question, called]
turns += [
    ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])
    for call in called.tool_calls
]
answered = chat.invoke(turns)
schema = {"title": "Capital", "type": "object", "properties": {"capital": {"type": "string"}}}
reported = {
    "calls": [{"name": call["name"], "args": call["args"]} for call in called.tool_calls],
    "answer": answered.content,
    "usage": answered.usage_metadata["output_tokens"],
    "streamed": [piece.content for piece in chat.stream("Say hello.")],
    "structured": chat.with_structured_output(schema, method="json_schema").invoke("France?"),
    "completed": OllamaLLM(base_url=url, model=model).invoke("Say hello."),
    "vectors": [
        len(one)
        for one in OllamaEmbeddings(base_url=url, model="emb").embed_documents(["one", "two"])
    ],
}
json.dump(reported, sys.stdout)
