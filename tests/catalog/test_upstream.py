import asyncio
from typing import Any

import pytest

from ollama_facade.catalog.upstream import REFRESH_WAIT, ModelCache, served
from ollama_facade.clock import SECOND
from ollama_facade.errors import BackendError
from tests.catalog.sources import CREATED, Hands, Source, names_of, unreachable

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_the_list_is_cached_for_its_time() -> None:
    source, clock = Source("a"), Hands()
    live = ModelCache(source, 5, clock)
    await live.listing()
    clock.pass_by(4.9)
    await live.listing()
    assert source.fetches == 1
    clock.pass_by(0.1)
    await live.listing()
    assert source.fetches == 2


async def test_concurrent_requests_share_one_fetch() -> None:
    source = Source("a")
    source.gate = asyncio.Event()
    live = ModelCache(source, 5, Hands())
    asking = [asyncio.create_task(live.listing()) for _ in range(100)]
    await asyncio.sleep(0)
    source.gate.set()
    found = await asyncio.gather(*asking)
    assert source.fetches == 1
    assert {id(listing) for listing in found} == {id(found[0])}


async def test_a_cancelled_request_does_not_cancel_the_fetch_of_others() -> None:
    source = Source("a")
    source.gate = asyncio.Event()
    live = ModelCache(source, 5, Hands())
    leaving, staying = (asyncio.create_task(live.listing()) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    source.gate.set()
    assert names_of((await staying).models) == ["a:latest"]
    assert source.fetches == 1


async def test_the_last_list_stays_while_the_backend_fails() -> None:
    source, clock = Source("a"), Hands()
    live = ModelCache(source, 5, clock)
    first = await live.listing()
    source.failure = unreachable()
    clock.pass_by(6)
    assert await live.listing() is first
    assert await live.listing() is first
    assert source.fetches == 2, "a backend that fails is not asked by every request"
    source.failure = None
    source.entries.append({"id": "b"})
    clock.pass_by(6)
    assert names_of((await live.listing()).models) == ["a:latest", "b:latest"]


async def test_no_request_waits_long_for_a_slow_backend_while_there_is_a_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ollama_facade.catalog.upstream.REFRESH_WAIT", 0.001)
    assert REFRESH_WAIT <= 2
    source, clock = Source("a"), Hands()
    live = ModelCache(source, 5, clock)
    first = await live.listing()
    source.gate = asyncio.Event()
    clock.pass_by(6)
    assert await live.listing() is first
    assert await live.listing() is first
    assert source.fetches == 2
    source.gate.set()


async def test_without_any_list_the_failure_is_raised_and_the_next_request_fetches_again() -> None:
    source = Source("a")
    source.failure = unreachable()
    live = ModelCache(source, 5, Hands())
    with pytest.raises(BackendError):
        await live.listing()
    source.failure = None
    assert names_of((await live.listing()).models) == ["a:latest"]


async def test_a_list_that_did_not_change_keeps_its_version() -> None:
    source, clock = Source("a"), Hands()
    live = ModelCache(source, 5, clock)
    first = await live.listing()
    clock.pass_by(6)
    assert (await live.listing()).version == first.version
    source.entries.append({"id": "b"})
    clock.pass_by(6)
    assert (await live.listing()).version == first.version + 1


async def test_a_time_that_changes_with_every_list_stays_the_first() -> None:
    source, clock = Source("a"), Hands()
    live = ModelCache(source, 5, clock)
    first = (await live.listing()).models[0].modified_at
    assert first == CREATED * SECOND
    source.entries[0]["created"] = CREATED + 60
    clock.pass_by(6)
    assert (await live.listing()).models[0].modified_at == first


@pytest.mark.parametrize("created", (None, True, "now", -5, 0, 10**15, float("nan")))
async def test_without_a_valid_time_it_is_that_of_the_first_list(created: Any) -> None:
    source, clock = Source("a"), Hands()
    source.entries[0]["created"] = created
    live = ModelCache(source, 5, clock)
    first = (await live.listing()).models[0].modified_at
    assert abs(first - clock.wall()) < 60 * SECOND
    source.entries.append({"id": "b"})
    clock.pass_by(6)
    assert (await live.listing()).models[0].modified_at == first


async def test_entries_without_an_id_and_duplicates_are_left_out() -> None:
    source = Source("a", "a")
    source.entries += [{}, {"id": None}, {"id": 5}, {"id": ""}]
    listing = await ModelCache(source, 5, Hands()).listing()
    assert names_of(listing.models) == ["a:latest"]


@pytest.mark.parametrize(
    ("ids", "owner", "fetched"),
    ((("a",), "llamacpp", ["a"]), (("a", "b"), "llamacpp", []), (("a",), "vllm", [])),
)
async def test_properties_are_those_of_the_one_model_of_llama_cpp(
    ids: tuple[str, ...], owner: str, fetched: list[str]
) -> None:
    source = Source(*ids)
    for item in source.entries:
        item["owned_by"] = owner
    await ModelCache(source, 5, Hands()).listing()
    assert source.fetched_properties == fetched


async def test_ten_thousand_entries_are_all_there() -> None:
    listing = await ModelCache(Source(*(f"m{n}" for n in range(10_000))), 5, Hands()).listing()
    assert len(listing.models) == 10_000


@pytest.mark.parametrize(
    ("facts", "capabilities", "known"),
    (
        ({}, ("completion",), False),
        ({"capabilities": ("embedding",)}, ("embedding",), True),
        ({"capabilities_seen": ("vision", "tools")}, ("completion", "vision", "tools"), False),
        ({"capabilities_seen": ("embedding",)}, ("embedding",), False),
        ({"capabilities_seen": ("completion", "tools")}, ("completion", "tools"), False),
    ),
)
def test_nothing_is_refused_for_what_the_backend_only_mentions(
    monkeypatch: pytest.MonkeyPatch, facts: Any, capabilities: tuple[str, ...], known: bool
) -> None:
    monkeypatch.setattr("ollama_facade.translate.metadata.facts", lambda item, properties: facts)
    model = served({"id": "a"}, {})
    assert (model.capabilities, model.capabilities_known) == (capabilities, known)


async def test_readiness_is_fetched_once_in_a_while() -> None:
    source, clock = Source("a"), Hands()
    live = ModelCache(source, 5, clock)
    clock.pass_by(100)
    assert await live.failure() is None
    assert await live.failure() is None
    assert source.fetches == 1
    source.failure = unreachable()
    assert await live.failure() is None
    clock.pass_by(5)
    # Requests are still served from the list that is known; readiness reports the failure.
    assert await live.failure() is source.failure
    assert names_of((await live.listing()).models) == ["a:latest"]
    assert await live.failure() is source.failure
    assert source.fetches == 2
    source.failure = None
    clock.pass_by(5)
    assert await live.failure() is None


async def test_without_a_cached_list_readiness_is_cached_for_a_second() -> None:
    source, clock = Source("a"), Hands()
    live = ModelCache(source, 0, clock)
    clock.pass_by(100)
    for _ in range(5):
        await live.failure()
    assert source.fetches == 1
