"""Rows 86 to 98: what happens to the process, and around it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from proxy.clock import SECOND, Clock
from proxy.http.app import build
from proxy.settings import load
from tests import raw
from tests.http.asgi import served
from tests.robustness.bench import CHAT, Bench, error_of, frames_of
from tests.robustness.buggy import PLACES
from tests.service import CANARY, OURS, ROOT, Service, free_port, wait_until
from tests.upstream import Connection, Upstream, done, drip, finish, opened, pause, say, stall

END = [finish(), done()]
STOPPED = "server is shutting down"


@contextmanager
def asking(
    service: Service, value: Mapping[str, Any] = CHAT, path: str = "/api/chat"
) -> Iterator[raw.RawClient]:
    host = {"Host": f"localhost:{service.port}"}
    with raw.RawClient("127.0.0.1", service.port, 10) as client:
        client.send(raw.request_bytes("POST", path, host, json.dumps(value).encode()))
        yield client


def ended(service: Service, seconds: float = 10) -> int:
    assert service.process is not None
    status = service.process.wait(seconds)
    assert "Traceback" not in service.output(), service.output()
    return status


def signalled(service: Service, number: int = signal.SIGTERM) -> float:
    assert service.process is not None
    service.process.send_signal(number)
    return time.monotonic()


def test_r86_streams_that_end_in_time_are_whole_and_nothing_new_is_begun(
    upstream: Upstream,
) -> None:
    upstream.script([say("Hel"), pause(0.8), say("lo"), finish(), done()])
    with Service({"OPENAI_BASE_URL": upstream.base_url}) as service, asking(service) as client:
        upstream.wait_for_request()
        began = signalled(service)
        wait_until(lambda: service.ask("GET", "/readyz").status == 503, 2)
        late = service.ask("POST", "/api/chat", CHAT)
        assert (late.status, error_of(late)) == (503, STOPPED)
        assert service.ask("GET", "/healthz").status == 200
        answered = client.read_answer()
        assert frames_of(answered) == "Hello"
        assert answered.lines()[-1]["done"] is True
        assert ended(service) == 143
        assert time.monotonic() - began < 5
        with pytest.raises(OSError, match="refused"):
            service.ask("GET", "/")


ROUTES = {
    "/api/chat": (CHAT, b'{"error":"server is shutting down"}\n'),
    "/api/generate": (
        {"model": "native", "prompt": "Hi"},
        b'{"error":"server is shutting down"}\n',
    ),
    "/v1/chat/completions": (
        {**CHAT, "stream": True},
        b'data: {"error":{"message":"server is shutting down","type":"api_error",'
        b'"param":null,"code":null}}\n\n',
    ),
    "/v1/messages": ({**CHAT, "stream": True, "max_tokens": 9}, b"event: error\n"),
}


def test_r86_streams_that_take_too_long_are_told_and_end_properly(upstream: Upstream) -> None:
    upstream.script([drip("a", 0.02)])
    settings = {"OPENAI_BASE_URL": upstream.base_url, "FACADE_DRAIN_TIMEOUT": "0.3"}
    with Service(settings) as service, ExitStack() as stack:
        clients = {
            path: stack.enter_context(asking(service, value, path))
            for path, (value, _) in ROUTES.items()
        }
        whole = stack.enter_context(asking(service, {**CHAT, "stream": False}))
        heads = {path: client.read_head() for path, client in clients.items()}
        upstream.wait_for_request(count=5)
        began = signalled(service)
        for path, client in clients.items():
            answered = heads[path]
            for _ in client.read_body(answered):
                pass
            assert not answered.cut
            assert ROUTES[path][1] in answered.body
            assert STOPPED.encode() in answered.body.rstrip().split(b"\n")[-1]
        answered = whole.read_answer()
        assert (answered.status, error_of(answered)) == (503, STOPPED)
        assert ended(service) == 143
        assert time.monotonic() - began < 5


def test_r86_a_second_signal_ends_all_at_once(upstream: Upstream) -> None:
    upstream.script([drip("a", 0.02)])
    with Service({"OPENAI_BASE_URL": upstream.base_url}) as service, asking(service) as client:
        client.read_head()
        began = signalled(service)
        wait_until(lambda: service.ask("GET", "/readyz").status == 503, 2)
        signalled(service)
        assert service.process is not None
        assert service.process.wait(5) in (143, -signal.SIGTERM)
        assert time.monotonic() - began < 3


def test_r87_without_descriptors_nothing_breaks_for_good(upstream: Upstream) -> None:
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)
    service = Service({"OPENAI_BASE_URL": upstream.base_url})
    with service:
        assert service.process is not None
        resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (48, soft[1]))
        with ExitStack() as stack:
            for _ in range(80):
                with suppress(OSError):
                    stack.enter_context(socket.create_connection(("127.0.0.1", service.port), 1))
            for _ in range(3):
                with suppress(OSError, raw.NoAnswerError):
                    answered = raw.ask(service.url, "POST", "/api/chat", CHAT, timeout=0.3)
                    assert answered.status in (200, 500, 502, 503)
                    assert answered.lines()

        def well() -> bool:
            with suppress(OSError, raw.NoAnswerError):
                answered = raw.ask(service.url, "POST", "/api/chat", CHAT, timeout=2)
                return answered.status == 200 and answered.lines()[-1].get("done") is True
            return False

        wait_until(well, 10, "it does not recover")
        written = service.output()
        assert "too many files are open" in written
        assert "Traceback" not in written, written[-3000:]


CROWD = 1000


async def crowd(port: int) -> Counter[str]:
    """So many streams at once; what became of them."""

    async def one() -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        host = {"Host": "localhost", "Connection": "close"}
        writer.write(raw.request_bytes("POST", "/api/chat", host, json.dumps(CHAT).encode()))
        came = await reader.read()
        writer.close()
        whole = came.endswith(b"0\r\n\r\n") and came.count(b'"done":true') == 1
        texts = re.findall(rb'"content":"([^"]*)"', came)
        return "whole" if whole and b"".join(texts) == b"ab" else came[-200:].decode()

    return Counter(await asyncio.gather(*(one() for _ in range(CROWD))))


def test_r88_a_thousand_streams_at_once_leave_nothing_behind(upstream: Upstream) -> None:
    """All of them are under way at the same time, and none fails; then all of that once more."""
    settings = {
        "OPENAI_BASE_URL": upstream.base_url,
        "OLLAMA_MAX_QUEUE": str(CROWD),
        "FACADE_LOG_LEVEL": "error",
    }
    opener = opened(headers={"Connection": "close"})
    memory, descriptors = [], []
    with Service(settings) as service, ThreadPoolExecutor() as pool:
        bench = Bench(upstream, service)

        def under_way() -> int:
            return int(bench.metric("facade_requests_in_flight"))

        for _ in range(2):
            gate = Gate()
            bench.script([opener, say("a"), gate.passed, say("b"), *END])
            became = pool.submit(asyncio.run, crowd(service.port))
            try:
                upstream.wait_for_request(30, CROWD)
                assert under_way() == CROWD
            finally:
                gate.open()
            assert became.result(30) == {"whole": CROWD}
            wait_until(lambda: under_way() == 0, 5)
            memory.append(bench.forget_peak())
            descriptors.append(bench.count_descriptors())
    assert memory[1] - memory[0] < 20, memory
    assert max(descriptors) < 64, descriptors


class Gate:
    """Holds the backend's streams up until all of them are there."""

    def __init__(self) -> None:
        self._opened = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def passed(self, _: Connection) -> None:
        """The step of a scenario."""
        self._loop = asyncio.get_running_loop()
        await self._opened.wait()

    def open(self) -> None:
        """Lets all of them go on."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._opened.set)


BUG = "internal server error"
BUGGY = {
    "/api/chat": ({}, f'{{"error":"{BUG}"}}'),
    "/v1/chat/completions": ({}, f'data: {{"error":{{"message":"{BUG}"'),
    "/v1/messages": ({"max_tokens": 9}, f'"message":"{BUG}"'),
}
"""What a body needs on each route, and how its stream tells of a bug."""


@pytest.fixture(scope="module")
def buggy() -> Iterator[Bench]:
    with Upstream() as upstream:
        settings = {"OPENAI_BASE_URL": upstream.base_url, "FACADE_LOG_FORMAT": "json"}
        with Service(settings, module="tests.robustness.buggy") as service:
            yield Bench(upstream, service)


@pytest.mark.parametrize("path", BUGGY)
@pytest.mark.parametrize("place", PLACES)
def test_r89_a_bug_is_a_500_or_a_line_and_one_traceback(
    buggy: Bench, place: str, path: str
) -> None:
    more, line = BUGGY[path]
    buggy.script([say("Hel"), pause(0.05), say("lo"), pause(0.05), finish(), done()])
    buggy.news()
    messages = [{"role": "user", "content": f"bug {place} hidden-in-a-body"}]
    answered = buggy.post({"model": "native", "messages": messages, "stream": True, **more}, path)
    if place == "first":
        assert answered.status == 500
        assert BUG in answered.text
    else:
        assert (answered.status, answered.cut) == (200, False)
        assert line in answered.text.rstrip().splitlines()[-1]
        assert '"done":true' not in answered.text
    one_traceback(buggy)
    assert buggy.chat([say("a"), finish(), done()]).lines()[-1]["done"] is True


def one_traceback(buggy: Bench) -> None:
    """The log tells of the bug once, and of the request in its one line, but not what was asked."""
    wait_until(lambda: not buggy.metric("facade_requests_in_flight"), 5)
    written = buggy.news()
    assert written.count('"exception":') == 1, written
    assert written.count("ZeroDivisionError: planted") == 1
    assert "hidden-in-a-body" not in written


def test_r89_a_bug_in_a_whole_answer_and_in_the_door_is_a_500(buggy: Bench) -> None:
    buggy.news()
    body = {**CHAT, "messages": [{"role": "user", "content": "bug first"}], "stream": False}
    for headers, value in (({}, body), ({"Host": "bug.localhost"}, CHAT)):
        answered = buggy.post(value, headers=headers)
        assert answered.status == 500, answered.text
        assert error_of(answered) == BUG
        one_traceback(buggy)
    assert buggy.chat().lines()[-1]["done"] is True


def test_r90_a_killed_service_starts_again_at_the_same_place(upstream: Upstream) -> None:
    first = Service({"OPENAI_BASE_URL": upstream.base_url})
    upstream.script([drip("a", 0.02)])
    with first, asking(first) as client:
        client.read_head()
        signalled(first, signal.SIGKILL)
        with suppress(OSError):
            client.file.read()
        assert first.process is not None
        assert first.process.wait(5) == -signal.SIGKILL
        upstream.wait_for_hang_up(2)
    upstream.turns([{}])
    second = Service({"OPENAI_BASE_URL": upstream.base_url})
    second.port = first.port
    with second:
        assert second.ask("POST", "/api/chat", CHAT).lines()[-1]["done"] is True


class Jumping(Clock):
    """A wall clock that goes back a day each time it is looked at."""

    jumps = 0

    def wall(self) -> int:
        self.jumps += 1
        return super().wall() - self.jumps * 86_400 * SECOND


def test_r91_a_wall_clock_that_jumps_does_not_show_in_durations(upstream: Upstream) -> None:
    app = build(load({"OPENAI_BASE_URL": upstream.base_url}), Jumping())
    with served(app, "on") as port:
        last = raw.ask(f"http://127.0.0.1:{port}", "POST", "/api/chat", CHAT).lines()[-1]
    for name in ("total_duration", "load_duration", "eval_duration", "prompt_eval_duration"):
        assert 0 <= last.get(name, 0) < 5 * SECOND


def bare(upstream: Upstream, port: int, **more: str) -> dict[str, str]:
    """As little environment as a container gives."""
    return {
        "OPENAI_BASE_URL": upstream.base_url,
        "OLLAMA_HOST": f"127.0.0.1:{port}",
        "OPENAI_API_KEY": CANARY,
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }


def answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None
    with suppress(OSError, raw.NoAnswerError):
        return raw.ask(url, "GET", "/", timeout=5).status == 200
    return False


UNPRIVILEGED = """
import os, resource, sys
from pathlib import Path
def steps(path):
    return Path(path).resolve().parents
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
os.chdir("/")
parents = [sys.executable, *sys.path[1:2], *sys.path[-1:]]
readable = all(os.stat(part).st_mode & 1 for path in parents for part in steps(path))
if os.getuid() == 0 and readable:
    os.setgid(54321)
    os.setuid(54321)
sys.argv = ["proxy", "serve"]
import runpy
runpy.run_module("proxy", run_name="__main__")
"""


def test_r92_it_serves_as_nobody_who_may_write_nothing(upstream: Upstream, tmp_path: Path) -> None:
    """No file may grow; there is no home, no language, no terminal.

    The user has no name where root starts it and the interpreter is for everybody.
    """
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-c", UNPRIVILEGED],
        cwd="/",
        env=bare(upstream, port, LANG="C", TMPDIR=str(tmp_path / "missing")),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            try:
                wait_until(lambda: answers(url, process), 20)
            except (AssertionError, TimeoutError):
                process.kill()
                assert process.stdout is not None
                pytest.fail(process.stdout.read().decode())
            answered = raw.ask(url, "POST", "/api/chat", CHAT)
            assert answered.lines()[-1]["done"] is True
        finally:
            process.terminate()
        assert process.wait(10) == 143


def refusal(settings: Mapping[str, str], *arguments: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    done = subprocess.run(
        [sys.executable, "-m", "proxy", "serve", *arguments],
        cwd=ROOT,
        env={**kept, **settings},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_r93_what_cannot_start_says_why_in_one_line() -> None:
    url = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        table = {
            "OPENAI_BASE_URL": {},
            "OPENAI_BASE_URL: ": {"OPENAI_BASE_URL": "localhost:8000"},
            "FACADE_MAX_BODY: ": {**url, "FACADE_MAX_BODY": "much"},
            "OLLAMA_HOST: ": {**url, "OLLAMA_HOST": taken},
            "FACADE_METRICS_HOST: ": {
                **url,
                "OLLAMA_HOST": "127.0.0.1:0",
                "FACADE_METRICS_HOST": taken,
            },
            "FACADE_METRICS_HOST: it must be": {**url, "FACADE_METRICS_HOST": "9090"},
        }
        for named, settings in table.items():
            assert named in refusal(settings)


def test_r94_a_backend_that_is_down_at_the_start_may_come_later() -> None:
    port = free_port()
    settings = {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "FACADE_MODELS_TTL": "0"}
    with Service(settings) as service:
        answered = service.ask("POST", "/api/chat", CHAT)
        assert (answered.status, error_of(answered)) == (502, "backend unreachable")
        assert service.ask("GET", "/readyz").status == 503
        assert service.ask("GET", "/healthz").status == 200
        with Upstream(port=port):
            wait_until(lambda: service.ask("GET", "/readyz").status == 200, 5)
            assert service.ask("POST", "/api/chat", CHAT).status == 200


def test_r95_the_environment_of_others_changes_nothing(upstream: Upstream, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as trap:
        proxy = f"http://127.0.0.1:{trap.getsockname()[1]}"
        (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login a password {CANARY}\n")
        settings = {
            **dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"), proxy),
            "NO_PROXY": "",
            "HOME": str(tmp_path),
            "NETRC": str(tmp_path / ".netrc"),
            "SSL_CERT_FILE": str(tmp_path / "missing.pem"),
            "OPENAI_LOG": "debug",
            "OPENAI_CUSTOM_HEADERS": "X-Evil: yes",
            "OPENAI_WEBHOOK_SECRET": "x",
            "OPENAI_BASE_URL": upstream.base_url,
        }
        with Service(settings) as service:
            assert service.ask("POST", "/api/chat", CHAT).lines()[-1]["done"] is True
            assert CANARY not in service.output()
        trap.settimeout(0.05)
        with pytest.raises(TimeoutError):
            trap.accept()
    [asked] = upstream.generations()
    assert "x-evil" not in asked.headers
    assert asked.headers["authorization"] == f"Bearer {CANARY}"


def test_r96_nobody_writes_into_the_log(bench: Bench) -> None:
    for name in ("a\nb", "\x1b[2Jx", "x" * 500_000, "\u202e", '","status":200'):
        bench.post({"model": name, "messages": []})
    bench.get("/api/%0d%0aX:y")
    lines = bench.service.output()[-20_000:].splitlines()[1:]
    for line in lines:
        found = json.loads(line)
        assert len(line) < 2000
        assert len(found.get("model", "")) <= 200


def test_r97_a_log_that_nobody_reads_holds_nobody_up(upstream: Upstream) -> None:
    reading, writing = os.pipe()
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    with subprocess.Popen(
        [sys.executable, "-m", "proxy", "serve"],
        cwd=ROOT,
        env={**kept, **bare(upstream, port)},
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=writing,
        start_new_session=True,
    ) as process:
        os.set_blocking(writing, False)
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: answers(url, process), 20)
            with suppress(BlockingIOError):
                while True:
                    os.write(writing, b"x" * 4096)
            for _ in range(5):
                assert raw.ask(url, "POST", "/api/chat", CHAT, 5).lines()[-1]["done"] is True
            os.close(reading)
            for _ in range(5):
                assert raw.ask(url, "POST", "/api/chat", CHAT, 5).lines()[-1]["done"] is True
        finally:
            process.terminate()
            os.close(writing)
        assert process.wait(10) == 143


def test_r98_what_the_dependencies_do_under_faults_is_held(upstream: Upstream) -> None:
    """The habits of the SDK and its HTTP client that this service is built on."""
    import openai

    client = openai.OpenAI(base_url=upstream.base_url, api_key="x", max_retries=0, timeout=5)
    with client:
        upstream.script([say("a")])
        stream = client.chat.completions.create(model="native", messages=[], stream=True)
        # A cut stream ends quietly in the SDK: that is why its bytes are read here.
        assert [chunk.choices[0].delta.content for chunk in stream] == ["a"]
        upstream.script([stall()])
        with pytest.raises(openai.APITimeoutError):
            client.with_options(timeout=0.2).chat.completions.create(model="native", messages=[])
    assert len(upstream.generations()) == 1
