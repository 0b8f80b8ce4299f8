"""Grades the service by hand: a table of areas, and what differs.

python -m tests.golden.run [--area chat,embed] [--only 'chat/native-*'] [--all] [-v]
"""

from __future__ import annotations

import argparse
import collections
import fnmatch
import sys
import tempfile
from pathlib import Path

from tests.golden.grading import GRADES, Graded
from tests.golden.recordings import Case, comparable, decision
from tests.golden.replaying import Bed


def table(results: list[tuple[Case, Graded]]) -> str:
    """One row an area: how many cases have each grade, are decided otherwise, and are wrong."""
    areas: dict[str, collections.Counter[str]] = {}
    for case, graded in results:
        counted = areas.setdefault(case.area, collections.Counter())
        counted[graded.grade] += 1
        listed, passed = decision(case.name) is not None, graded.grade in GRADES[:3]
        counted["decided"] += listed
        counted["wrong"] += listed == passed
    columns = ("area", "cases", *GRADES, "decided", "wrong")
    rows = []
    total: collections.Counter[str] = collections.Counter()
    for area, counted in [*sorted(areas.items()), ("total", total)]:
        cases = sum(counted[grade] for grade in GRADES)
        rows.append([area, cases, *(counted[name] for name in (*GRADES, "decided", "wrong"))])
        total += counted
    return "\n".join("".join(f"{cell!s:>11}" for cell in row) for row in [columns, *rows])


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--area", default="")
    parser.add_argument("--only", default="*")
    parser.add_argument("--all", action="store_true", help="also the routes that do not exist yet")
    parser.add_argument("-v", "--verbose", action="store_true")
    given = parser.parse_args()
    areas, results = set(filter(None, given.area.split(","))), []
    with tempfile.TemporaryDirectory() as folder, Bed(Path(folder)) as bed:
        for case in comparable(later=given.all):
            wanted = any(fnmatch.fnmatchcase(case.name, one) for one in given.only.split(","))
            if not wanted or (areas and case.area not in areas):
                continue
            graded = bed.replay(case)
            results.append((case, graded))
            if graded.grade in GRADES[3:] or (given.verbose and graded.grade != "exact"):
                listed = " (decided)" if decision(case.name) else ""
                sys.stdout.write(f"{graded.grade:8}{case.name}{listed} {graded.notes}\n")
                for line in graded.differences[:6]:
                    sys.stdout.write(f"          {line[:500]}\n")
    sys.stdout.write(table(results) + "\n")


if __name__ == "__main__":
    main()
