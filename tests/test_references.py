"""Follows every reference in code and documents: sections, rows, recordings, files, links.

A reference is `NAME.md §6.4`, `NAME.md row 64`, `NAME.md §2 rule 8` or `NAME.md §5.2 #9`. It means
a numbered heading, a row of a table, or an item of a list in that file. Without a name it means the
one file that its docstring, comment or section named before, or its own page if that has numbers.
"""

from __future__ import annotations

import ast
import fnmatch
import io
import json
import re
import subprocess
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.test_architecture import LAYERS

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "proxy" / "ollama_facade"
GOLDEN = ROOT / "tests" / "golden" / "data"
SEARCHED = ("proxy", "openapi", "contract_tests", "tests", "bench", "docs", "deploy")
THIS = Path(__file__).relative_to(ROOT).as_posix()

FOREIGN = frozenset(("docs/api.md",))
"""Documents of other projects that are spoken of."""

_FILE = re.compile(r"(?<![\w/.-])(?P<path>(?:\.\./|[\w-]+/)*[\w-]+\.md)\b")
_SECTION = re.compile(
    r"§\s?(?P<first>\d+(?:\.\d+)*)(?:\s?[-\u2013]\s?§?(?P<last>\d+(?:\.\d+)*))?"
    r"(?:,? rules? (?P<rules>\d+(?:(?:, | and )\d+)*)|,? (?P<items>#\d+(?:(?:, | and )#\d+)*))?"
)
_ROWS = re.compile(r"\b[Rr]ows?\s(?P<rows>\d+(?:(?:\s?[-\u2013]\s?|,\s| and | to )\d+)*)")
_PROMISE = re.compile(r"\bP(?P<promise>[1-9])\b")
_STANDARD = re.compile(r"\b(?:RFC \d+|WHATWG|POSIX|ECMA-\d+)\s$")
_BETWEEN = re.compile(r"[\s`)\](\[,;·:]*(?:(?:and|to|or|with|rows?)[\s`(]*)?")
_CASES = re.compile(r"\b[Gg]olden(?: cases?)?:?\s((?:`?[a-z_0-9]+/[\w*-]+`?(?:,\s| and )?)+)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def tracked(*endings: str) -> Iterator[Path]:
    """Yields the files of the repository with one of the endings, untracked ones included."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in sorted(set(listing.splitlines())):
        path = ROOT / name
        if name.endswith(endings) and name != THIS and path.is_file():
            yield path


MARKDOWN = tuple(tracked(".md"))


@dataclass(frozen=True)
class Page:
    """What references to a Markdown file can mean."""

    sections: dict[str, str] = field(default_factory=dict)
    """The text of each numbered heading, up to the next heading of its rank."""
    rows: frozenset[int] = frozenset()
    """The numbers of table rows that begin with a number."""
    promises: frozenset[str] = frozenset()
    """The numbers of P1, P2 and so on."""
    anchors: frozenset[str] = frozenset()
    """The fragments under which a link finds a heading, as GitHub makes them."""


@cache
def page(path: Path) -> Page:
    """Reads the numbered headings and rows of a Markdown file."""
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = list(re.finditer(r"^(#+) (.+)$", text, re.MULTILINE))
    sections: dict[str, str] = {}
    for index, heading in enumerate(headings):
        number = re.match(r"(\d+(?:\.\d+)*)\.? ", heading[2])
        following = (later for later in headings[index + 1 :] if len(later[1]) <= len(heading[1]))
        end = next((later.start() for later in following), len(text))
        if number:
            sections[number[1]] = text[heading.end() : end]
    return Page(
        sections,
        frozenset(int(number) for number in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)),
        frozenset(_PROMISE.findall(text)),
        frozenset(slug(heading[2]) for heading in headings),
    )


def slug(heading: str) -> str:
    """Returns the fragment that GitHub gives a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def resolve(name: str, source: Path) -> Path | None:
    """Returns the file of the repository that a document's name means, or None."""
    for base in (source.parent, ROOT):
        if (base / name).resolve() in MARKDOWN:
            return (base / name).resolve()
    named = [path for path in MARKDOWN if path.as_posix().endswith(f"/{name}")]
    return named[0] if len(named) == 1 else None


@dataclass(frozen=True)
class Text:
    """A docstring, a comment, or a section of a document."""

    path: Path
    line: int
    text: str

    def place(self, offset: int) -> str:
        line = self.line + self.text.count("\n", 0, offset)
        return f"{self.path.relative_to(ROOT)}:{line}"


_ANYTHING = re.compile(r"§|\.md\b|\b[Rr]ows?\s\d|\b[Gg]olden\b|`\w+/")


@cache
def texts(path: Path) -> tuple[Text, ...]:
    """Returns every text of a file that a person reads, if the file refers to anything."""
    content = path.read_text("utf-8")
    return tuple(split(path, content)) if _ANYTHING.search(content) else ()


def split(path: Path, content: str) -> Iterator[Text]:
    """Yields the docstrings and comments of a module, the paragraphs or sections of a document."""
    if path.suffix == ".py":
        yield from python_texts(path, content)
    elif path.suffix == ".yaml":
        for part in re.finditer(r"(?:.+\n?)+", content):
            yield Text(path, content.count("\n", 0, part.start()) + 1, part[0])
    else:
        for part in re.finditer(r"(?:\A|^#+ ).*?(?=^#+ |\Z)", content, re.MULTILINE | re.DOTALL):
            yield Text(path, content.count("\n", 0, part.start()) + 1, part[0])


def python_texts(path: Path, content: str) -> Iterator[Text]:
    """Yields docstrings, strings that hold a reference, and comments, adjacent lines together."""
    tree = ast.parse(content)
    documentation = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, str) and (node in documentation or "§" in value or ".md row" in value):
            yield Text(path, node.lineno, value)
    block: list[str] = []
    last = -1
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type == tokenize.COMMENT:
            if token.start[0] != last + 1 and block:
                yield Text(path, last - len(block) + 1, "\n".join(block))
                block = []
            block.append(token.string)
            last = token.start[0]
    if block:
        yield Text(path, last - len(block) + 1, "\n".join(block))


def numbers(text: str) -> Iterator[int]:
    """Yields the numbers of `8`, `8 and 10`, `23-27`, `29 to 32, 60`."""
    for first, last in re.findall(r"(\d+)(?:\s?(?:[-\u2013]| to )\s?(\d+))?", text):
        yield from range(int(first), int(last or first) + 1)


@dataclass
class Follower:
    """Follows the references of one text, from left to right."""

    text: Text
    violations: list[str] = field(default_factory=list)
    _named: list[Path] = field(default_factory=list)
    _last: Path | None = None
    _end: int = -1

    def follow(self) -> list[str]:
        found = [
            *_FILE.finditer(self.text.text),
            *_SECTION.finditer(self.text.text),
            *_ROWS.finditer(self.text.text),
            *_PROMISE.finditer(self.text.text),
        ]
        for match in sorted(found, key=re.Match.start):
            if match.re is _FILE:
                self._name(match)
            elif not _STANDARD.search(self.text.text[: match.start()]):
                self._refer(match)
        return self.violations

    def _report(self, match: re.Match[str], reason: str) -> None:
        self.violations.append(f"{self.text.place(match.start())}: {reason}")

    def _name(self, match: re.Match[str]) -> None:
        name = match["path"]
        path = resolve(name, self.text.path)
        if path is None and name not in FOREIGN:
            self._report(match, f"{name} is not in the repository")
        if path is not None and path not in self._named:
            self._named.append(path)
        self._last, self._end = path, match.end()

    def _refer(self, match: re.Match[str]) -> None:
        between = self.text.text[self._end : match.start()] if self._end >= 0 else "?"
        if match.re is _PROMISE and not _BETWEEN.fullmatch(between):
            return
        target = self._last if _BETWEEN.fullmatch(between) else self._loose()
        self._last, self._end = target, match.end()
        if target is None:
            if self._named or self._end < 0 or not _BETWEEN.fullmatch(between):
                many = ", of several named before" if len(self._named) > 1 else ""
                self._report(match, f"{match[0]!r} without the name of a file{many}")
            return
        if match.re is _PROMISE:
            if match["promise"] not in page(target).promises:
                self._report(match, f"{target.name} has no {match[0]}")
        elif match.re is _ROWS:
            if missing := sorted(set(numbers(match["rows"])) - page(target).rows):
                self._report(match, f"{target.name} has no row {missing}")
        else:
            self._section(match, target)

    def _loose(self) -> Path | None:
        own = self.text.path
        if own.suffix == ".md" and (page(own).sections or page(own).rows):
            return own
        return self._named[0] if len(self._named) == 1 else None

    def _section(self, match: re.Match[str], target: Path) -> None:
        sections = page(target).sections
        for number in filter(None, (match["first"], match["last"])):
            full = number
            if number not in sections and "." in match["first"] and number == match["last"]:
                full = f"{match['first'].rpartition('.')[0]}.{number}"
            if full not in sections:
                self._report(match, f"{target.name} has no §{number}")
                return
        section = sections[match["first"]]
        for rule in numbers(match["rules"] or ""):
            if not re.search(rf"^{rule}\. ", section, re.MULTILINE):
                self._report(match, f"{target.name} §{match['first']} has no rule {rule}")
        for item in numbers(match["items"] or ""):
            if not re.search(rf"^\| {item} \|", section, re.MULTILINE):
                self._report(match, f"{target.name} §{match['first']} has no row {item}")


def report(violations: list[str]) -> None:
    assert not violations, f"{len(violations)} references lead nowhere:\n" + "\n".join(violations)


def searched(*endings: str) -> Iterator[Path]:
    """Yields the files in which references are followed."""
    for path in tracked(*endings):
        parts = path.relative_to(ROOT).parts
        if len(parts) == 1 or parts[0] in SEARCHED:
            yield path


@cache
def cases() -> frozenset[str]:
    """Returns the names of all recordings."""
    return frozenset(
        json.loads(line)["name"]
        for path in sorted(GOLDEN.glob("*.jsonl"))
        for line in path.read_text("utf-8").split("\n")
        if line
    )


def test_every_section_row_and_rule_is_there() -> None:
    report(
        [
            violation
            for path in searched(".py", ".yaml", ".md")
            for text in texts(path)
            for violation in Follower(text).follow()
        ]
    )


def is_case(name: str) -> bool:
    """Tells whether a recording has this name; `*` stands for any letters."""
    return name in cases() or ("*" in name and bool(fnmatch.filter(cases(), name)))


def test_every_recording_that_is_named_is_there() -> None:
    areas = {case.partition("/")[0] for case in cases()}
    violations = []
    for path in searched(".py", ".yaml", ".md"):
        api_page = path.parent == ROOT / "docs" / "ollama-api"
        for text in texts(path):
            named = [
                (match.start(), name)
                for match in _CASES.finditer(text.text)
                for name in re.findall(r"[a-z_0-9]+/[\w*-]+", match[1])
            ]
            if api_page:
                quoted = re.finditer(r"`(([a-z_0-9]+)/[a-z0-9-]+)`", text.text)
                named += [(match.start(), match[1]) for match in quoted if match[2] in areas]
            violations += [
                f"{text.place(start)}: no golden case {name}"
                for start, name in named
                if not is_case(name)
            ]
    report(violations)


def test_every_relative_link_leads_somewhere() -> None:
    violations = []
    for path in MARKDOWN:
        content = re.sub(r"`[^`\n]*`", "", path.read_text("utf-8"))
        for target in _LINK.findall(content):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, fragment = unquote(target).partition("#")
            file = (path.parent / name).resolve() if name else path
            if not file.exists():
                violations.append(f"{path.relative_to(ROOT)}: no file {target}")
            elif fragment and file.suffix == ".md" and fragment not in page(file).anchors:
                violations.append(f"{path.relative_to(ROOT)}: no heading {target}")
    report(violations)


FOLDERS = ("", "proxy/ollama_facade", "tests", "tests/robustness", "contract_tests/ollama_contract")
"""Where a file that a document names may lie, besides beside the document."""


_NAMED_FILES = re.compile(r"`((?:[\w.-]+/)*[\w-]+\.(?:py|yaml|yml|jsonl?|svg|lock|go))`")
_NAMED_PATHS = re.compile(r"`((?:proxy|tests|openapi|docs|bench|deploy|contract_tests)/[\w./-]*)`")


def test_every_file_that_a_document_names_is_there() -> None:
    violations = []
    for path in MARKDOWN:
        if path.parent.name == "ollama-api" and path.name != "README.md":
            continue  # the paths there are Ollama's
        content = path.read_text("utf-8")
        places = [path.parent, *(ROOT / folder for folder in FOLDERS)]
        missing = {
            name
            for name in _NAMED_FILES.findall(content)
            if not any((place / name).exists() for place in places)
        }
        missing.update(name for name in _NAMED_PATHS.findall(content) if not (ROOT / name).exists())
        violations += [f"{path.relative_to(ROOT)}: no file {name}" for name in sorted(missing)]
    report(violations)


DESIGN = (ROOT / "docs" / "design.md").read_text("utf-8")


def test_the_layers_of_the_design_page_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| (\d+) \| (`[^|]+) \|", DESIGN, re.MULTILINE)
    drawn = {int(number): frozenset(re.findall(r"`(\w+)`", names)) for number, names in rows}
    assert drawn == dict(enumerate(LAYERS))
    assert list(drawn) == sorted(drawn, reverse=True)


def test_every_package_is_in_the_layers() -> None:
    packages = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert packages | modules == set().union(*LAYERS)


def test_both_catalogues_of_faults_have_the_same_rows() -> None:
    faults, reliability = (
        page(ROOT / "docs" / name) for name in ("ollama-api/faults.md", "reliability.md")
    )
    assert faults.rows == reliability.rows
    assert faults.promises == reliability.promises


def test_the_glossary_has_at_most_25_words() -> None:
    glossary = page(ROOT / "docs" / "design.md").sections["1"]
    words = re.findall(r"^\| \*\*(.+?)\*\* \|", glossary, re.MULTILINE)
    assert 10 <= len(words) <= 25
    assert len(set(words)) == len(words)


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("(inference.md §6.4)", []),
        ("(inference.md §6.4, §11.4; management.md §1.7)", []),
        ("(faults.md row 64)", []),
        ("(faults.md rows 51-57)", []),
        ("(faults.md rows 29 to 32, P3)", []),
        ("(inference.md §1, rule 9) and (inference.md §5.2 #15)", []),
        ("(management.md §4.1-4.4)", []),
        ("as in inference.md; see §6.4", []),
        ("(RFC 9112 §3.2.2)", []),
        ("(§6.4)", ["'§6.4' without the name of a file"]),
        ("row 12", ["'row 12' without the name of a file"]),
        (
            "inference.md and management.md: so §4",
            ["'§4' without the name of a file, of several named before"],
        ),
        ("(inference.md §6.9)", ["inference.md has no §6.9"]),
        ("(faults.md rows 97-99)", ["faults.md has no row [99]"]),
        ("(inference.md §1, rule 99)", ["inference.md §1 has no rule 99"]),
        ("(faults.md P6)", []),
        ("(faults.md rows 29 to 32, P9) and P0", []),
        ("(inference.md P6)", ["inference.md has no P6"]),
        ("(nowhere.md §1)", ["nowhere.md is not in the repository"]),
    ],
)
def test_a_reference_is_read_as_it_is_meant(text: str, reasons: list[str]) -> None:
    found = Follower(Text(PACKAGE / "errors.py", 1, text)).follow()
    assert [violation.partition(": ")[2] for violation in found] == reasons
