"""What the child process of the embedded backend is told, and when it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ollama_facade.embedded.server import Launch, has_pooling

LAUNCH = Launch(
    model="/a b/ü.gguf",
    name="ü",
    key="secret",
    parent=1,
    threads=2,
    context_length=8192,
    parallel=2,
    chat_template="line\nline",
    temperature=0.2,
)


def test_a_launch_is_one_line_and_comes_back_as_it_was() -> None:
    line = LAUNCH.line()
    assert line.count(b"\n") == 1
    assert Launch.read(line) == LAUNCH


@pytest.mark.parametrize(
    ("content", "brings"),
    [(b"GGUF bert.pooling_type", True), (b"GGUF llama.context_length", False), (b"", False)],
)
def test_a_file_of_an_embedding_model_says_how_it_is_pooled(
    tmp_path: Path, content: bytes, brings: bool
) -> None:
    model = tmp_path / "model.gguf"
    model.write_bytes(content)
    assert has_pooling(str(model)) is brings


WAITING = """
import sys, threading
from ollama_facade.embedded.server import end_with_parent
end_with_parent(int(sys.argv[1]))
print("waiting", flush=True)
threading.Event().wait()
"""


def waiting(parent: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", WAITING, str(parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )


def test_the_child_ends_when_its_standard_input_does() -> None:
    with waiting(os.getpid()) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == b"waiting\n"
        child.stdin.close()
        assert child.wait(10) == 0


def test_the_child_ends_when_its_parent_was_gone_before_it_looked() -> None:
    with waiting(os.getpid() + 1) as child:
        assert child.wait(10) == 1
