"""faults.md rows 86 to 98: what happens to the process, and around it."""

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
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ollama_facade.clock import SECOND, Clock
from ollama_facade.config.settings import load
from ollama_facade.server.app import build
from tests import raw
from tests.robustness.bench import CHAT, Bench, error_of, frames_of
from tests.robustness.buggy import PLACES
from tests.server.asgi import served
from tests.service import CANARY, OURS, ROOT, Service, free_port, wait_until
from tests.upstream import (
    Connection,
    Upstream,
    done,
    drip,
    finish,
    opened,
    pause,
    say,
    stall,
    usage,
)

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


def ended(service: Service, seconds: float = 60) -> int:
    assert service.process is not None
    status = service.process.wait(seconds)
    assert "Traceback" not in service.output(), service.output()
    return status


def signalled(service: Service, number: int = signal.SIGTERM) -> None:
    assert service.process is not None
    service.process.send_signal(number)


def test_r86_streams_that_end_in_time_are_whole_and_nothing_new_is_begun(
    upstream: Upstream,
) -> None:
    upstream.script([say("Hel"), pause(0.5), say("lo"), finish(), done()])
    with Service({"OPENAI_BASE_URL": upstream.base_url}) as service, asking(service) as client:
        upstream.wait_for_request()
        signalled(service)
        wait_until(lambda: service.ask("GET", "/readyz").status == 503, 60)
        late = service.ask("POST", "/api/chat", CHAT)
        assert (late.status, error_of(late)) == (503, STOPPED)
        assert service.ask("GET", "/healthz").status == 200
        answered = client.read_answer()
        assert frames_of(answered) == "Hello"
        assert answered.lines()[-1]["done"] is True
        assert ended(service) == 143
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


def test_r86_streams_that_take_too_long_are_reported_and_end_properly(upstream: Upstream) -> None:
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
        signalled(service)
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


def test_r86_a_second_signal_ends_all_at_once(upstream: Upstream) -> None:
    upstream.script([drip("a", 0.02)])
    with Service({"OPENAI_BASE_URL": upstream.base_url}) as service, asking(service) as client:
        client.read_head()
        signalled(service)
        wait_until(lambda: service.ask("GET", "/readyz").status == 503, 60)
        signalled(service)
        assert service.process is not None
        assert service.process.wait(60) in (143, -signal.SIGTERM)


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
                answered = raw.ask(service.url, "POST", "/api/chat", CHAT, timeout=60)
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
            wait_until(lambda: under_way() == 0, 60)
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
    wait_until(lambda: not buggy.metric("facade_requests_in_flight"), 60)
    written = buggy.news()
    assert written.count('"exception":') == 1, written
    assert written.count("ZeroDivisionError: planted") == 1
    assert "hidden-in-a-body" not in written


def test_r89_a_bug_in_a_whole_answer_and_in_a_middleware_is_a_500(buggy: Bench) -> None:
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
        assert first.process.wait(60) == -signal.SIGKILL
        upstream.wait_for_hang_up()
    upstream.turns([{}])
    second = Service({"OPENAI_BASE_URL": upstream.base_url})
    second.port = first.port
    with second:
        assert second.ask("POST", "/api/chat", CHAT).lines()[-1]["done"] is True


class Jumping(Clock):
    """A wall clock that goes `by` so much each time it is looked at."""

    def __init__(self, by: int) -> None:
        self.by, self.looks = by, 0

    def wall(self) -> int:
        self.looks += 1
        return super().wall() + self.looks * self.by


@pytest.mark.parametrize("days", (-1, 1))
def test_r91_a_wall_clock_that_jumps_does_not_show_in_durations(
    upstream: Upstream, days: int
) -> None:
    clock = Jumping(days * 86_400 * SECOND)
    upstream.script([say("a"), pause(0.02), say("b"), finish(), usage(1, 2), done()])
    app = build(load({"OPENAI_BASE_URL": upstream.base_url}), clock)
    with served(app, "on") as port:
        lines = raw.ask(f"http://127.0.0.1:{port}", "POST", "/api/chat", CHAT).lines()
    assert clock.looks > 0
    assert frames_of_lines(lines) == "ab"
    for name in ("total_duration", "load_duration", "eval_duration", "prompt_eval_duration"):
        assert 0 <= lines[-1].get(name, 0) < 5 * SECOND
    assert lines[-1]["total_duration"] > 20_000_000
    today = datetime.now(UTC).date().isoformat()
    assert all(line["created_at"][:10] != today for line in lines)


def frames_of_lines(lines: list[dict[str, Any]]) -> str:
    return "".join(line["message"]["content"] for line in lines)


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
        return raw.ask(url, "GET", "/", timeout=30).status == 200
    return False


RESTRICTED = """
import errno, os, pwd, resource, sys
from pathlib import Path

def steps(path):
    return Path(path).resolve().parents

def nobody(*_):
    raise KeyError("there is no such user")

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGING = {"os.mkdir", "os.remove", "os.rename", "os.link", "os.symlink", "os.truncate",
            "os.chmod", "tempfile.mkstemp", "tempfile.mkdtemp", "sqlite3.connect"}

def read_only(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        path, mode, flags = arguments
        opened_to_write = bool(set(mode or "") & set("wax+")) or bool((flags or 0) & WRITING)
        if opened_to_write and os.fsdecode(path) not in ("/dev/null", "/dev/tty"):
            raise OSError(errno.EROFS, "read-only file system", path)
    elif event in CHANGING:
        raise OSError(errno.EROFS, "read-only file system", str(arguments[0]))

os.chdir("/")
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
pwd.getpwuid = pwd.getpwnam = nobody
parents = [sys.executable, *sys.path[1:2], *sys.path[-1:]]
if os.getuid() == 0 and all(os.stat(p).st_mode & 1 for path in parents for p in steps(path)):
    os.setgid(54321)
    os.setuid(54321)
sys.addaudithook(read_only)
sys.argv = ["ollama_facade", *sys.argv[1:]]
import runpy
runpy.run_module("ollama_facade", run_name="__main__")
"""
"""Python itself refuses whatever would write; the kernel lets no file grow."""


@contextmanager
def restricted(upstream: Upstream, host: str, port: int) -> Iterator[None]:
    """The service as nobody who may write nothing; what it wrote to the log is looked at."""

    def listens() -> bool:
        with suppress(OSError):
            socket.create_connection((host.strip("[]"), port), 1).close()
            return True
        return process.poll() is not None

    with subprocess.Popen(
        [sys.executable, "-c", RESTRICTED, "serve"],
        cwd="/",
        env=bare(upstream, port, LANG="C", TMPDIR="/nowhere", OLLAMA_HOST=f"{host}:{port}"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            wait_until(listens, 20)
            yield
        finally:
            process.terminate()
            written = process.stdout.read().decode()
        assert process.wait(10) == 143, written
        assert "Traceback" not in written
        assert "read-only" not in written, written


@pytest.mark.parametrize("host", ("127.0.0.1", "[::1]"))
def test_r92_it_serves_as_nobody_who_may_write_nothing(upstream: Upstream, host: str) -> None:
    """No file may be written, and there is no home, no language, no terminal and no user name.

    The user is another one where root starts it and the interpreter is for everybody. `::1` is a
    machine that has nothing else.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host.strip("[]"), 0), family=family) as plug:
        port = plug.getsockname()[1]
    address = f"{host}:{port}"
    with restricted(upstream, host, port), raw.RawClient(host.strip("[]"), port, 10) as client:
        client.send(
            raw.request_bytes("POST", "/api/chat", {"Host": address}, json.dumps(CHAT).encode())
        )
        assert client.read_answer().lines()[-1]["done"] is True
        client.send(raw.request_bytes("GET", "/api/tags", {"Host": address}))
        assert client.read_answer("GET").status == 200


def refusal(settings: Mapping[str, str]) -> str:
    """What the service says when it does not start."""
    retained = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    done = subprocess.run(
        [sys.executable, "-m", "ollama_facade", "serve"],
        cwd=ROOT,
        env={**retained, **settings},
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
    free = {**url, "OLLAMA_HOST": "127.0.0.1:0"}
    with socket.create_server(("127.0.0.1", 0)) as other, ThreadPoolExecutor(3) as pool:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        table: dict[str, Mapping[str, str]] = {
            "OPENAI_BASE_URL": {},
            "OPENAI_BASE_URL: ": {"OPENAI_BASE_URL": "localhost:8000"},
            "FACADE_MAX_BODY: ": {**url, "FACADE_MAX_BODY": "much"},
            "OLLAMA_HOST: ": {**url, "OLLAMA_HOST": taken},
            "FACADE_METRICS_HOST: ": {**free, "FACADE_METRICS_HOST": taken},
            "FACADE_METRICS_HOST: it must be": {**url, "FACADE_METRICS_HOST": "9090"},
        }
        for named, stated in zip(table, pool.map(refusal, table.values()), strict=True):
            assert named in stated


def test_r94_a_backend_that_is_down_at_the_start_may_come_later() -> None:
    port = free_port()
    settings = {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "FACADE_MODELS_TTL": "0"}
    with Service(settings) as service:
        answered = service.ask("POST", "/api/chat", CHAT)
        assert (answered.status, error_of(answered)) == (502, "backend unreachable")
        assert service.ask("GET", "/readyz").status == 503
        assert service.ask("GET", "/healthz").status == 200
        with Upstream(port=port):
            wait_until(lambda: service.ask("GET", "/readyz").status == 200, 60)
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
    [requested] = upstream.generations()
    assert "x-evil" not in requested.headers
    assert requested.headers["authorization"] == f"Bearer {CANARY}"


NAMES = ("a\nb", "a\r\nb", "\x1b[2Jx", "x" * 500_000, "\u202ex", '","status":200', "\u2028x")


def test_r96_nobody_writes_into_the_log(bench: Bench) -> None:
    """One line a request, in which nothing breaks the line, moves the cursor or turns the text."""
    for name in NAMES:
        bench.post({"model": name, "messages": []})
        bench.post({"model": name, "messages": []}, "/v1/chat/completions")
    for path in ("/api/%0d%0aX:y", "/api/%1b[2J", "/api/" + "x" * 10_000):
        bench.get(path)
    wait_until(lambda: "/api/xxxx" in bench.service.output(), 60)
    # Another test's last request may have written its line just now.
    lines = [line for line in bench.news().split("\n") if line and '"native"' not in line]
    assert len(lines) == 2 * len(NAMES) + 3
    for line in lines:
        one = json.loads(line)
        assert one["event"] == "request"
        assert len(line) < 2000
        assert line.isprintable()
        assert len(one.get("model", "")) <= 200


def test_r97_a_log_that_nobody_reads_holds_nobody_up(upstream: Upstream) -> None:
    reading, writing = os.pipe()
    port = free_port()
    retained = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    with subprocess.Popen(
        [sys.executable, "-m", "ollama_facade", "serve"],
        cwd=ROOT,
        env={**retained, **bare(upstream, port)},
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
                assert raw.ask(url, "POST", "/api/chat", CHAT, 60).lines()[-1]["done"] is True
            os.close(reading)
            for _ in range(5):
                assert raw.ask(url, "POST", "/api/chat", CHAT, 60).lines()[-1]["done"] is True
        finally:
            process.terminate()
            os.close(writing)
        assert process.wait(10) == 143


def test_r98_what_the_dependencies_do_under_faults_is_held(upstream: Upstream) -> None:
    """The habits of the SDK and its HTTP client that this service is built on."""
    import openai

    client = openai.OpenAI(base_url=upstream.base_url, api_key="x", max_retries=0, timeout=60)
    with client:
        upstream.script([say("a")])
        stream = client.chat.completions.create(model="native", messages=[], stream=True)
        # A cut stream ends quietly in the SDK: that is why its bytes are read here.
        assert [chunk.choices[0].delta.content for chunk in stream] == ["a"]
        upstream.script([stall()])
        with pytest.raises(openai.APITimeoutError):
            client.with_options(timeout=0.2).chat.completions.create(model="native", messages=[])
    assert len(upstream.generations()) == 1
