"""The head of an answer and its body in one packet."""

from __future__ import annotations

from ollama_facade.server.gathering import COPIED, Gathering


class Wire:
    """A transport that remembers each packet."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.packets.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


class Cycle:
    """What is known of an answer under way."""

    response_started = False


def test_the_head_of_an_answer_goes_out_with_the_first_of_its_body() -> None:
    wire, cycle = Wire(), Cycle()
    gathering = Gathering(wire, cycle)
    gathering.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert len(wire.packets) == 1
    cycle.response_started = True
    gathering.write(b"head ")
    gathering.write(b"first ")
    gathering.write(b"second")
    assert wire.packets[1:] == [b"head first ", b"second"]
    assert not gathering.is_closing()


def test_a_head_is_not_lost_when_the_connection_is_closed_after_it() -> None:
    wire, cycle = Wire(), Cycle()
    cycle.response_started = True
    gathering = Gathering(wire, cycle)
    gathering.write(b"head")
    gathering.close()
    assert wire.packets == [b"head"]
    assert wire.closed


def test_a_large_first_part_is_not_copied_to_the_head() -> None:
    wire, cycle = Wire(), Cycle()
    cycle.response_started = True
    gathering = Gathering(wire, cycle)
    gathering.write(b"head")
    body = b"x" * (COPIED + 1)
    gathering.write(body)
    assert wire.packets == [b"head", body]
    assert wire.packets[1] is body
