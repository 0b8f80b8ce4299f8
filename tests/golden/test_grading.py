"""The grader itself: a recording is `exact` to itself, and a planted defect is found."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable

import pytest

from tests.golden import speech
from tests.golden.grading import GRADES, Live, grade
from tests.golden.headers import recorded_headers
from tests.golden.numbers import read, write
from tests.golden.recordings import Case, cases, comparable

COMPARED = tuple(comparable(later=True))
Defect = Callable[[Case, Live], Live | None]


def recorded(case: Case) -> Live:
    """The recorded answer as if the service had given it."""
    headers, response = recorded_headers(case), case.response
    cut, chunks = bool(response.get("connection_cut")), len(response.get("lines", []))
    return Live(response["status"], headers, case.text(), cut, chunks)


def test_every_recording_is_exact_to_itself() -> None:
    others = [
        case.name for case in cases().values() if grade(case, recorded(case)).grade != "exact"
    ]
    assert others == []


def test_every_script_can_be_said_by_a_backend() -> None:
    for case in COMPARED:
        assert speech.turns(case), case.name


def swapped(pattern: str, replacement: str) -> Defect:
    """The first match becomes something else; does not apply where there is none."""

    def plant(case: Case, live: Live) -> Live | None:
        text = re.sub(pattern, replacement, live.text, count=1)
        return dataclasses.replace(live, text=text) if text != live.text else None

    return plant


def another_status(case: Case, live: Live) -> Live:
    return dataclasses.replace(live, status=418)


def no_last_frame(case: Case, live: Live) -> Live | None:
    if "lines" not in case.response or '"done":true' not in live.text:
        return None
    return dataclasses.replace(live, text="".join(live.text.splitlines(keepends=True)[:-1]))


def no_cors_header(case: Case, live: Live) -> Live | None:
    headers = {k: v for k, v in live.headers.items() if k != "access-control-allow-origin"}
    return dataclasses.replace(live, headers=headers) if headers != live.headers else None


def a_cors_header_too_many(case: Case, live: Live) -> Live | None:
    if any(name.startswith("access-") for name in live.headers):
        return None
    headers = {**live.headers, "access-control-allow-origin": "*"}
    return dataclasses.replace(live, headers=headers)


def another_error(text: str) -> Defect:
    def plant(case: Case, live: Live) -> Live | None:
        plain = live.status >= 400 and re.match(r'\{"error":"[^"]', live.text)
        return dataclasses.replace(live, text=text) if plain else None

    return plant


def other_key_order(case: Case, live: Live) -> Live | None:
    value = read(live.text) if not {"lines", "events"} & case.response.keys() else ""
    if not isinstance(value, dict) or len(value) < 2:
        return None
    text = write(dict(list(value.items())[::-1]))
    return dataclasses.replace(live, text=text + ("\n" if live.text.endswith("\n") else ""))


def spaces_in_lines(case: Case, live: Live) -> Live | None:
    if not case.response.get("lines"):
        return None
    lines = [json.dumps(json.loads(line)) + "\n" for line in case.response["lines"]]
    return dataclasses.replace(live, text="".join(lines))


def two_frames_in_one(case: Case, live: Live) -> Live | None:
    frames = case.documents() if "lines" in case.response and case.path == "/api/generate" else []
    texts = [frame.get("response") and not frame.get("thinking") for frame in frames[:2]]
    if len(frames) < 3 or not all(texts) or frames[1]["done"] or "logprobs" in frames[0]:
        return None
    first = frames[0] | {"response": frames[0]["response"] + frames[1]["response"]}
    lines = [write(read(json.dumps(frame))) + "\n" for frame in [first, *frames[2:]]]
    return dataclasses.replace(live, text="".join(lines))


BAD = ("shape", "differs")
DEFECTS: list[tuple[Defect, tuple[str, ...]]] = [
    (another_status, ("differs",)),
    (no_last_frame, ("differs",)),
    (no_cors_header, ("differs",)),
    (a_cors_header_too_many, ("differs",)),
    (another_error('{"error":"something else"}'), ("shape",)),
    (another_error('{"detail":"something else"}'), ("differs",)),
    (other_key_order, ("equal",)),
    (spaces_in_lines, ("equal",)),
    (two_frames_in_one, ("frames",)),
    (swapped(r'"done_reason":"stop"', '"done_reason":"length"'), BAD),
    (swapped(r'"eval_count":(\d)', r'"eval_count":1\1'), BAD),
    (swapped(r'"prompt_eval_count":(\d)', r'"prompt_eval_count":1\1'), BAD),
    (swapped(r'("created_at":"[^"Z]*)Z"', r'\1"'), BAD),
    (swapped(r'"total_duration":\d+', '"total_duration":0'), BAD),
    (swapped(r'"load_duration":\d+,?', ""), BAD),
    (swapped(r'"eval_duration":40250000', '"eval_duration":99'), ("equal",)),
    (swapped(r'"context":\[[\d,]+\],', ""), ("equal",)),
    (swapped(r'"(content|response|text)":"(Hel|one|a )', r'"\1":"X'), BAD),
    (swapped(r'"model":"(gen|native|tools|think|emb)"', '"model":"other"'), BAD),
    (swapped(r"(\[-?\d\.\d)\d", r"\g<1>9"), BAD),
    (swapped(r'"id":"[^"]+"', '"id":5'), BAD),
]


@pytest.mark.parametrize(("plant", "right"), DEFECTS)
def test_a_planted_defect_gets_the_grade_it_deserves(plant: Defect, right: tuple[str, ...]) -> None:
    planted = [(case, live) for case in COMPARED if (live := plant(case, recorded(case)))]
    assert len(planted) > 5
    wrong = [
        (case.name, found)
        for case, live in planted
        if (found := grade(case, live).grade) not in right
    ]
    assert wrong == []
    assert set(right) <= set(GRADES)
