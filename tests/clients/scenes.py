"""What the scripted backend says to the clients that are programs of their own."""

from __future__ import annotations

from typing import Any

CALLED: dict[str, Any] = {
    "chunks": [{"tool_calls": [{"name": "get_weather", "arguments": {"city": "Paris"}}]}]
}
LIT: dict[str, Any] = {
    "chunks": [
        {
            "tool_calls": [
                {
                    "name": "HassTurnOn",
                    "arguments": {"name": "Lamp", "domain": ["input_boolean"]},
                }
            ]
        }
    ]
}
# By the folder that `fetch` makes: the script, the model that is asked for, the backend's turns.
SCENES: dict[str, tuple[str, str, list[dict[str, Any]]]] = {
    "open-webui": ("open_webui_asks.py", "gen:latest", [CALLED, {}]),
    "home-assistant": ("home_assistant_asks.py", "gen:latest", [{}, LIT, {}]),
    "n8n": ("n8n_asks.cjs", "gen", [CALLED, {}]),
}
