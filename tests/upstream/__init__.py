"""A scripted OpenAI-compatible server on a real socket, in its own thread.

    with Upstream() as upstream:
        upstream.script([say("Hel", "lo"), pause(0.1), cut()])  # what happens, step by step
        upstream.turns([{"chunks": ["Hello"], "finish": "limit"}])  # what is said, in few words
        ...                                            # ask a service at upstream.base_url
        upstream.asked[0].body["messages"]  # what came
        upstream.wait_for_hang_up(1.0)  # the client left

`python -m tests.upstream --port 18500` runs it by itself; `POST /_turns` then sets the turns and
`GET /_asked` shows what came.
"""

from tests.upstream.answers import MODELS, embedding
from tests.upstream.connection import Asked, Connection, Scenario, Step
from tests.upstream.server import Upstream
from tests.upstream.steps import (
    answer,
    cut,
    done,
    drip,
    event,
    finish,
    flood,
    garbage,
    heartbeat,
    opened,
    pause,
    raw,
    reset,
    say,
    sliced,
    stall,
    think,
    tool_call,
    usage,
)
from tests.upstream.turns import Turn, turn_scenario

__all__ = [
    "MODELS",
    "Asked",
    "Connection",
    "Scenario",
    "Step",
    "Turn",
    "Upstream",
    "answer",
    "cut",
    "done",
    "drip",
    "embedding",
    "event",
    "finish",
    "flood",
    "garbage",
    "heartbeat",
    "opened",
    "pause",
    "raw",
    "reset",
    "say",
    "sliced",
    "stall",
    "think",
    "tool_call",
    "turn_scenario",
    "usage",
]
