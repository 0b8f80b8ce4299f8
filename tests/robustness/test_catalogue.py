"""Every row of docs/reliability.md has its test, and every numbered test its row."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "reliability.md"


def test_every_row_of_the_catalogue_has_a_test_and_every_test_a_row() -> None:
    rows = [
        int(number)
        for number in re.findall(r"^\| (\d+) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    ]
    assert rows == list(range(1, 99))
    text = "".join(path.read_text("utf-8") for path in sorted(HERE.glob("test_*.py")))
    tested = {int(number) for number in re.findall(r"^def test_r(\d\d)_\w", text, re.MULTILINE)}
    assert tested == set(rows)


def test_every_test_that_a_promise_names_is_there() -> None:
    promises = re.findall(r"^\| P(\d) \|.*\| (.*) \|$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert [number for number, _ in promises] == [str(number) for number in range(1, 10)]
    for _, named in promises:
        for path in re.findall(r"`(tests/[^`]+)`", named):
            assert (HERE.parents[1] / path).is_file()
