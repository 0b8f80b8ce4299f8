"""The command, as a process: what it says, how it ends, and with which status."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from ollama_facade import __version__
from ollama_facade.cli import main
from tests.embedded.test_process import alive
from tests.service import OURS, Service, free_port, wait_until
from tests.upstream import Upstream

ROOT = Path(__file__).parents[2]


def run(
    *arguments: str, settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The command, ended, without any setting but those given."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return subprocess.run(
        [sys.executable, "-m", "ollama_facade", *arguments],
        cwd=ROOT,
        env={**environment, **(settings or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


BACKEND = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OLLAMA_HOST": "127.0.0.1:0"}


def test_it_says_its_version() -> None:
    ended = run("--version")
    assert (ended.returncode, ended.stdout) == (0, f"ollama-facade, version {__version__}\n")


def test_serve_without_a_backend_says_what_to_set() -> None:
    ended = run("serve")
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr == f"ollama-facade: {main.NO_BACKEND}\n"
    assert "OPENAI_BASE_URL" in ended.stderr
    assert "--local" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "settings", "named"),
    [
        ((), {"OPENAI_BASE_URL": "nonsense"}, "OPENAI_BASE_URL"),
        ((), {**BACKEND, "FACADE_IDLE_TIMEOUT": "soon"}, "FACADE_IDLE_TIMEOUT"),
        ((), {**BACKEND, "OLLAMA_HOST": "no-such-host.invalid"}, "OLLAMA_HOST"),
        (("--host", "192.0.2.1"), BACKEND, "OLLAMA_HOST"),
        (("--local", "no-such-file.gguf"), {"OLLAMA_HOST": "127.0.0.1:0"}, "--local"),
    ],
)
def test_a_start_that_cannot_be_is_one_line_and_status_2(
    arguments: tuple[str, ...], settings: Mapping[str, str], named: str
) -> None:
    ended = run("serve", *arguments, settings=settings)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"ollama-facade: {named}: ")
    assert ended.stderr.count("\n") == 1


def test_a_taken_port_is_one_line_and_status_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = run("serve", "--port", str(port), settings=BACKEND)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert f"127.0.0.1:{port} is taken" in ended.stderr


def test_what_was_forgiven_is_said() -> None:
    ended = run("serve", settings={"OLLAMA_KEEP_ALIVE": "1d"})
    assert ended.stderr.startswith("ollama-facade: OLLAMA_KEEP_ALIVE: '1d' is not a duration")


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    assert run("serve", "--port", port, settings=BACKEND).returncode == 2


def test_check_without_a_service_ends_with_1() -> None:
    ended = run("check", f"127.0.0.1:{free_port()}")
    assert ended.returncode == 1
    assert "does not answer" in ended.stdout


def test_check_of_what_is_no_url_ends_with_2() -> None:
    assert run("check", "ftp://a").returncode == 2


def test_check_looks_where_ollama_host_says() -> None:
    port = free_port()
    ended = run("check", settings={"OLLAMA_HOST": f"0.0.0.0:{port}"})
    assert f"http://127.0.0.1:{port}: does not answer" in ended.stdout


def test_check_tells_a_running_service_and_its_models(upstream: Upstream) -> None:
    with Service({"OPENAI_BASE_URL": upstream.base_url}) as service:
        ended = run("check", service.url)
        assert ended.returncode == 0, ended.stdout
        assert ended.stdout.startswith(f"service  {service.url}: answers as Ollama 0.33.0\n")
        found = run("check", settings={"OLLAMA_HOST": service.url})
        assert found.stdout == ended.stdout


def test_a_bad_file_of_the_catalog_is_named_at_the_start_and_by_check(
    upstream: Upstream, tmp_path: Path
) -> None:
    (tmp_path / "good.yaml").write_text("model: good\nfrom: native\n")
    (tmp_path / "bad.yaml").write_text("model: [bad\n")
    folder = {"OLLAMA_MODELS": str(tmp_path)}
    with Service({"OPENAI_BASE_URL": upstream.base_url, **folder}) as service:
        assert "bad.yaml" in service.output()
        done = run("check", service.url, settings=folder)
        assert "bad.yaml is not used" in done.stdout
        assert "good:latest" in done.stdout


def test_check_tells_a_backend_that_is_down() -> None:
    with Service({"OPENAI_BASE_URL": f"http://127.0.0.1:{free_port()}/v1"}) as service:
        ended = run("check", service.url)
    assert ended.returncode == 1
    assert ended.stdout.splitlines()[0].startswith("service  ")
    assert ended.stdout.splitlines()[1].startswith("backend  ")


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["TERM", "INT"]
)
def test_a_signal_ends_an_idle_service_at_once(number: signal.Signals, status: int) -> None:
    with Service({"OPENAI_BASE_URL": BACKEND["OPENAI_BASE_URL"]}) as service:
        assert service.process is not None
        service.process.send_signal(number)
        assert service.process.wait(60) == status
        assert "Traceback" not in service.output()


def test_the_address_is_said_and_nothing_to_try_without_a_terminal() -> None:
    with Service({"OPENAI_BASE_URL": BACKEND["OPENAI_BASE_URL"]}) as service:
        assert f"ollama-facade {__version__} listens on {service.url}\n" in service.output()
        assert "Try:" not in service.output()


def test_the_embedded_backend_comes_and_goes_with_the_service() -> None:
    with Service(arguments=["--local"]) as service:
        assert service.process is not None
        output = service.output()
        assert output.startswith(
            "loading SmolLM2-135M-Instruct.Q4_1.gguf …\nsmollm2 is ready after"
        )
        for word in ("curl ", "ollama run smollm2", "import ollama"):
            assert word in output
        (child,) = children(service.process.pid)
        service.process.terminate()
        service.process.wait(10)
        assert not alive(child)


def test_the_embedded_backend_ends_when_the_service_is_killed() -> None:
    with Service(arguments=["--local"]) as service:
        assert service.process is not None
        (child,) = children(service.process.pid)
        service.process.kill()
        wait_until(lambda: not alive(child), 10, "the backend outlived the service")


def test_a_signal_while_the_model_loads_takes_the_backend_down() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    with subprocess.Popen(
        [sys.executable, "-m", "ollama_facade", "serve", "--local"],
        cwd=ROOT,
        env={**environment, "OLLAMA_HOST": "127.0.0.1:0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        process.stderr.readline()
        wait_until(lambda: bool(children(process.pid)), 10)
        (child,) = children(process.pid)
        process.terminate()
        assert process.wait(10) == 143
        wait_until(lambda: not alive(child), 5, "the backend outlives the service")


def children(process: int) -> list[int]:
    """The processes that `process` started and that live."""
    answer = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in answer.stdout.split()]


def test_the_lines_to_try_fit_the_address() -> None:
    usual = main.announcement("http://127.0.0.1:11434", "m", show=True)
    assert '  ollama run m "What' in usual
    assert "ollama.generate('m'" in usual
    other = main.announcement("http://127.0.0.1:9", "m", show=True)
    assert '  OLLAMA_HOST=127.0.0.1:9 ollama run m "What' in other
    assert "ollama.Client('http://127.0.0.1:9').generate('m'" in other
    assert len(main.announcement("http://127.0.0.1:9", "m", show=False).splitlines()) == 1


def test_help_lists_the_commands() -> None:
    output = CliRunner().invoke(main.main, ["--help"]).output
    assert "serve" in output
    assert "check" in output


def test_contract_without_its_extra_says_which_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("ollama_contract")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    result = CliRunner().invoke(main.main, ["contract"])
    assert result.exit_code == 2
    assert result.stderr == (
        "ollama-facade: the contract suite needs jinja2: `pip install 'ollama-facade[contract]'`\n"
    )


def test_models_lists_capabilities(upstream: Upstream) -> None:
    with Service({"OPENAI_BASE_URL": upstream.base_url}) as service:
        listed = run("models", service.url)
    assert listed.returncode == 0
    assert "gen:latest" in listed.stdout
    assert "embedding" in listed.stdout


def test_docs_prints_the_address_of_the_documentation(upstream: Upstream) -> None:
    with Service({"OPENAI_BASE_URL": upstream.base_url}) as service:
        ended = run("docs", service.url)
    assert (ended.returncode, ended.stdout) == (0, f"{service.url}/docs\n")


@pytest.mark.parametrize("command", ["models", "docs"])
def test_a_service_that_does_not_answer_is_reported(command: str) -> None:
    ended = run(command, f"127.0.0.1:{free_port()}")
    assert ended.returncode == 1
    assert "does not answer" in ended.stderr


def test_help_shows_examples_and_every_command() -> None:
    output = run("--help").stdout
    for word in ("serve", "check", "models", "docs", "Examples:", "check --backend"):
        assert word in output


@pytest.mark.parametrize("command", main.main.commands)
def test_every_example_of_a_command_is_valid(command: str) -> None:
    output = CliRunner().invoke(main.main, [command, "--help"], terminal_width=200).output
    examples = re.findall(r"ollama-facade (.+)$", output.partition("Example")[2], re.MULTILINE)
    assert examples
    for name, *words in map(shlex.split, examples):
        assert name == command
        main.main.commands[name].make_context(name, words)


def test_a_shell_completes_the_commands_and_their_options() -> None:
    call = "from ollama_facade.cli.main import main; main(prog_name='ollama-facade')"
    completed = []
    for words, position in (("ollama-facade s", 1), ("ollama-facade check --b", 2)):
        completion = {
            "_OLLAMA_FACADE_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(position),
        }
        command = [sys.executable, "-c", call]
        answer = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **completion}, capture_output=True, check=True
        )
        completed.append(answer.stdout.decode().split())
    assert completed == [["plain,serve"], ["plain,--backend"]]


@pytest.mark.parametrize(
    ("host", "keys", "warned"),
    [("0.0.0.0", "", True), ("0.0.0.0", "secret", False), ("127.0.0.1", "", False)],
)
def test_an_open_port_without_keys_is_warned_of(
    upstream: Upstream, host: str, keys: str, warned: bool
) -> None:
    settings = {"OPENAI_BASE_URL": upstream.base_url, "FACADE_API_KEYS": keys}
    with Service(settings, host=host) as service:
        ended = service.output()
    assert ("WARNING: whoever reaches this port may use the backend" in ended) == warned
