"""Asks a service as programs with LlamaIndex do; prints JSON."""

import json
import sys

from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.ollama import Ollama

url, model = sys.argv[1:]


def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


llm = Ollama(base_url=url, model=model, temperature=0, request_timeout=60)
tool = FunctionTool.from_defaults(get_weather)
called = llm.chat_with_tools([tool], user_msg="What is the weather in Paris?")
calls = llm.get_tool_calls_from_response(called, error_on_no_tool_call=False)
reported = {
    "calls": [{"name": call.tool_name, "args": call.tool_kwargs} for call in calls],
    "answer": llm.chat([ChatMessage(role="user", content="Say hello.")]).message.content,
    "streamed": [piece.delta for piece in llm.stream_chat([ChatMessage(content="Say hello.")])],
    "completed": llm.complete("Say hello.").text,
}
json.dump(reported, sys.stdout)
