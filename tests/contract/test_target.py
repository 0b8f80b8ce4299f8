from __future__ import annotations

import httpx
import pytest

from ollama_contract.target import Target
from tests.contract.server import KEY, serving


def test_the_server_is_asked_for_its_model_and_what_that_can_do() -> None:
    with serving(good=True) as url:
        found = Target.at(f"{url}/", api_key=KEY)
    assert (found.url, found.model, found.version) == (url, "m:latest", "0.33.0")
    assert found.abilities == {"completion", "logprobs"}
    assert found.embed_model is None


def test_what_is_reported_is_not_asked() -> None:
    with serving(good=True) as url:
        found = Target.at(url, "x", "y", KEY, abilities=["completion", "tools"])
    assert found.abilities == {"completion", "tools", "embedding"}
    assert (found.model, found.embed_model) == ("x", "y")


def test_a_server_that_says_nothing_is_taken_to_complete_and_the_reason_is_kept() -> None:
    with serving(good=True) as url:
        found = Target.at(url, "x", api_key="wrong")
    assert found.abilities == {"completion"}
    assert found.lacks("completion") == ""
    assert found.lacks("tools") == "/api/show answered 401 without capabilities for x"


def test_a_model_that_does_not_claim_an_ability_lacks_it() -> None:
    assert (
        Target("http://server.test", "m").lacks("tools") == "m does not claim the ability 'tools'"
    )


def test_without_a_model_there_is_nothing_to_test() -> None:
    with serving(good=True) as url, pytest.raises(LookupError, match="names no models"):
        Target.at(url, api_key="wrong")


def test_a_server_that_is_not_there_is_reported_from_a_bad_one() -> None:
    with serving(good=True) as url:
        pass
    with pytest.raises(LookupError, match="does not answer") as caught:
        Target.at(url)
    assert isinstance(caught.value.__cause__, httpx.ConnectError)


def test_the_key_is_not_shown() -> None:
    assert KEY not in repr(Target("http://server.test", "m", api_key=KEY))


def test_a_test_spares_the_models_that_it_asks() -> None:
    target = Target("http://server.test", "m:latest", "e")
    body = {"model": "M", "name": "e:latest", "destination": "other", "from": "m", "stream": False}
    assert target.spared(body, ("model", "name", "destination")) == {
        **body,
        "model": "contract-M",
        "name": "contract-e:latest",
    }
