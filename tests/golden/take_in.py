"""Turns a folder of recordings (one JSON file a case) into the lines of `data/`, one file an area.

    python -m tests.golden.take_in FOLDER

What the runner was asked is kept only where a test reads it; of the rest only the paths stay,
because they tell whether Ollama rendered a Go template or handed the messages on.
"""

import fnmatch
import json
import sys
from pathlib import Path

DATA = Path(__file__).parent / "data"
ASKED_IN_FULL = ("options/*", "messages/*", "think/*", "chat/native-*")
GENERATING = ("/completion", "/v1/chat/completions")


def compact(case: dict) -> dict:
    """One recording as it is kept."""
    retained = {
        key: case[key] for key in ("name", "request", "response", "script", "note") if key in case
    }
    requested = [one for one in case.get("runner_requests", []) if one["path"] in GENERATING]
    if requested:
        retained["asked"] = [one["path"] for one in requested]
    if any(fnmatch.fnmatchcase(case["name"], pattern) for pattern in ASKED_IN_FULL):
        bodies = [one["body"] for one in requested if one["path"] == "/v1/chat/completions"]
        if bodies:
            retained["asked_bodies"] = bodies
    return retained


def take_in(folder: Path) -> dict[str, int]:
    """Writes every area; gives how many cases each has."""
    counts = {}
    DATA.mkdir(exist_ok=True)
    for area in sorted(path for path in folder.iterdir() if path.is_dir()):
        cases = [json.loads(path.read_text("utf-8")) for path in sorted(area.glob("*.json"))]
        lines = [
            json.dumps(compact(case), ensure_ascii=False, separators=(",", ":")) for case in cases
        ]
        (DATA / f"{area.name}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
        counts[area.name] = len(cases)
    return counts


if __name__ == "__main__":
    print(take_in(Path(sys.argv[1])))  # noqa: T201
