"""`context`: integers that carry the conversation (inference.md §13.4)."""

from __future__ import annotations

import contextlib
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.errors import OllamaError
from ollama_facade.translate.context import (
    MAX_TURNS_BYTES,
    generate_context,
    generate_turns,
    pack,
    unpack,
)
from ollama_facade.translate.models import Model

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
TURNS = st.lists(st.fixed_dictionaries({"role": TEXT, "content": TEXT}), max_size=6)
SYS = Model(
    "sys:latest",
    "gen",
    system="You are a pirate.",
    messages=({"role": "user", "content": "Ahoy?"}, {"role": "assistant", "content": "Ahoy!"}),
    digest="",
    modified_at=0,
)


@given(TURNS)
def test_packed_turns_are_unpacked(turns: list[dict[str, str]]) -> None:
    packed = pack(turns)
    assert all(0 < number < 2**31 for number in packed)
    assert unpack(packed) == turns


@given(st.lists(st.integers(-(2**70), 2**70), min_size=1, max_size=9))
def test_integers_of_another_server_are_refused(context: list[int]) -> None:
    with pytest.raises(OllamaError, match="not made by this server") as raised:
        unpack(context)
    assert raised.value.status == 400


@given(TURNS.filter(bool), st.data())
def test_a_changed_context_is_refused(turns: list[dict[str, str]], data: st.DataObject) -> None:
    packed = pack(turns)
    at = data.draw(st.integers(0, len(packed) - 1))
    changed = [*packed]
    changed[at] += data.draw(st.sampled_from([-1, 1, 1 << 24]))
    # The last number may hold bytes of padding, which say nothing.
    if at == len(packed) - 1:
        with contextlib.suppress(OllamaError):
            assert unpack(changed) == turns
    else:
        with pytest.raises(OllamaError):
            unpack(changed)


@given(TURNS.filter(bool))
def test_a_cut_context_is_refused(turns: list[dict[str, str]]) -> None:
    with pytest.raises(OllamaError):
        unpack(pack(turns)[:-1])


def test_the_oldest_turns_are_left_out_and_the_system_text_stays() -> None:
    system = {"role": "system", "content": "S"}
    turns = [{"role": "user", "content": f"{number}" * 60_000} for number in range(6)]
    remaining = unpack(pack([system, *turns]))
    assert remaining == [system, *turns[-4:]]


def test_a_turn_over_the_limit_leaves_no_context() -> None:
    assert pack([{"role": "user", "content": "x" * MAX_TURNS_BYTES}]) == []
    assert pack([]) == []


def test_a_payload_that_decompresses_beyond_the_limit_is_refused() -> None:
    bomb = zlib.compress(b"[" + b" " * (MAX_TURNS_BYTES * 4) + b"]")
    bomb += b"\0" * (-len(bomb) % 3)
    steps = [1 + int.from_bytes(bomb[at : at + 3], "big") for at in range(0, len(bomb), 3)]
    mark, version = pack([{"role": "user", "content": "x"}])[:2]
    checksum = 1 + zlib.crc32(bomb) % (2**31 - 1)
    with pytest.raises(OllamaError):
        unpack([mark, version, 1 + len(bomb), checksum, *steps])


def test_only_the_text_of_parts_is_packed() -> None:
    parts = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": "x"}}]
    assert unpack(pack([{"role": "user", "content": parts}])) == [
        {"role": "user", "content": "What?"}
    ]


def texts(turns: list[dict[str, Any]]) -> list[str]:
    return [f"{turn['role']}: {turn['content']}" for turn in turns]


def test_a_first_turn_has_the_models_own_text() -> None:
    assert texts(generate_turns({"prompt": "x"}, SYS)) == [
        "system: You are a pirate.",
        "user: Ahoy?",
        "assistant: Ahoy!",
        "user: x",
    ]


def test_the_system_text_of_the_request_replaces_the_models() -> None:
    assert texts(generate_turns({"prompt": "x", "system": "Be brief."}, SYS))[0] == (
        "system: Be brief."
    )


def test_an_empty_context_keeps_the_stored_messages_away() -> None:
    assert texts(generate_turns({"prompt": "x", "context": []}, SYS)) == [
        "system: You are a pirate.",
        "user: x",
    ]


def test_a_conversation_goes_on_over_three_turns() -> None:
    first = generate_context({"prompt": "Hi"}, "Hello!", SYS)
    second = generate_context({"prompt": "And?", "context": first}, "So.", SYS)
    assert texts(generate_turns({"prompt": "Bye", "context": second}, SYS)) == [
        "system: You are a pirate.",
        "user: Ahoy?",
        "assistant: Ahoy!",
        "user: Hi",
        "assistant: Hello!",
        "user: And?",
        "assistant: So.",
        "user: Bye",
    ]


def test_a_later_system_text_replaces_the_earlier_one() -> None:
    first = generate_context({"prompt": "Hi", "system": "S1"}, "Hello!", SYS)
    assert texts(generate_turns({"prompt": "x", "context": first}, SYS))[0] == "system: S1"
    body = {"prompt": "x", "context": first, "system": "S2"}
    assert [text for text in texts(generate_turns(body, SYS)) if "system" in text] == ["system: S2"]


def test_a_raw_reply_has_no_context() -> None:
    assert generate_context({"prompt": "x", "raw": True}, "y", SYS) == []


def test_an_insertion_is_a_turn() -> None:
    body = {"prompt": "def add(", "suffix": "    return c"}
    assert texts(unpack(generate_context(body, "a, b):", SYS))) == [
        "user: def add(",
        "assistant: a, b):",
    ]
