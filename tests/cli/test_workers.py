"""Several processes on one port, as people start them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service import Service, wait_until
from tests.upstream import Upstream


@pytest.fixture
def service(upstream: Upstream) -> Iterator[Service]:
    with Service({"OPENAI_BASE_URL": upstream.base_url}, ["--workers", "2"]) as running:
        wait_until(lambda: "listens on" in running.output(), 30)  # one may answer before the other
        yield running


def workers(service: Service) -> list[int]:
    assert service.process is not None
    number = service.process.pid
    return [
        int(child) for child in Path(f"/proc/{number}/task/{number}/children").read_text().split()
    ]


def ended(number: int) -> bool:
    status = Path(f"/proc/{number}/status")
    return not status.exists() or "State:\tZ" in status.read_text()


def answers(service: Service) -> bool:
    return service.ask("GET", "/api/version").status == 200


def test_workers_answer_on_one_port_and_end_with_the_service(service: Service) -> None:
    running = workers(service)
    assert len(running) == 2
    assert all(answers(service) for _ in range(20))
    assert service.output().count("listens on") == 1
    assert service.process is not None
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(30) == 128 + signal.SIGTERM
    assert "Traceback" not in service.output()
    assert all(ended(number) for number in running)


def test_a_worker_that_ends_is_replaced(service: Service) -> None:
    first, second = workers(service)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: len(set(workers(service)) - {first}) == 2, 30)
    assert second in workers(service)
    assert answers(service)


def test_workers_do_not_outlive_the_first_process(service: Service) -> None:
    running = workers(service)
    assert service.process is not None
    service.process.kill()
    wait_until(lambda: all(ended(number) for number in running), 30)


def test_a_worker_that_does_not_start_ends_the_service(upstream: Upstream) -> None:
    settings = {"OPENAI_BASE_URL": upstream.base_url, "OLLAMA_ORIGINS": "nonsense"}
    with (
        pytest.raises(RuntimeError, match="a worker did not start"),
        Service(settings, ["--workers", "2"]),
    ):
        raise AssertionError
