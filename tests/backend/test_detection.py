import pytest

from ollama_facade.backend.detection import detect, detect_by_owner
from ollama_facade.config import settings
from ollama_facade.errors import SettingsError


@pytest.mark.parametrize(
    ("url", "name"),
    (
        ("https://api.openai.com/v1", "openai"),
        ("https://eu.api.openai.com/v1", "openai"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://api.deepseek.com", "deepseek"),
        ("https://mine.openai.azure.com/openai/v1", "azure"),
        ("https://mine.services.ai.azure.com/openai/v1/", "azure"),
        ("https://api.mistral.ai/v1", "mistral"),
        ("https://api.groq.com/openai/v1", "groq"),
        ("https://api.together.xyz/v1", "together"),
        ("https://api.together.ai/v1", "together"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/", "gemini"),
        ("https://notapi.openai.com.example/v1", ""),
        ("http://127.0.0.1:8000/v1", ""),
    ),
)
def test_the_address_tells_the_dialect(url: str, name: str) -> None:
    assert detect(settings.load({"OPENAI_BASE_URL": url})) == name


def test_the_setting_wins_and_must_name_a_dialect() -> None:
    environ = {"OPENAI_BASE_URL": "https://api.openai.com/v1", "FACADE_DIALECT": "vllm"}
    assert detect(settings.load(environ)) == "vllm"
    with pytest.raises(SettingsError, match="FACADE_DIALECT"):
        detect(settings.load({**environ, "FACADE_DIALECT": "klingon"}))


@pytest.mark.parametrize(
    ("owned_by", "name"),
    (
        ("llamacpp", "llamacpp"),
        ("vllm", "vllm"),
        ("sglang", "sglang"),
        ("organization_owner", "lmstudio"),
        ("library", "ollama"),
        ("deepseek", "deepseek"),
        ("somebody", ""),
    ),
)
def test_the_owner_of_all_models_tells_the_dialect(owned_by: str, name: str) -> None:
    assert detect_by_owner([{"owned_by": owned_by}, {"owned_by": owned_by}]) == name


def test_owners_that_disagree_tell_nothing() -> None:
    assert detect_by_owner([{"owned_by": "llamacpp"}, {"owned_by": "me"}]) == ""
    assert detect_by_owner([]) == ""


def test_a_list_of_models_that_were_all_made_when_litellm_says_is_litellms() -> None:
    listed = {"owned_by": "openai", "created": 1677610602}
    assert detect_by_owner([{**listed, "id": "a"}, {**listed, "id": "b"}]) == "litellm"
    assert detect_by_owner([listed, {**listed, "created": 1744318173}]) == ""
