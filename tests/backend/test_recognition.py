import pytest

from proxy import settings
from proxy.backend.recognition import owner, recognise
from proxy.errors import SettingsError


@pytest.mark.parametrize(
    ("url", "name"),
    (
        ("https://api.openai.com/v1", "openai"),
        ("https://eu.api.openai.com/v1", "openai"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://api.deepseek.com", "deepseek"),
        ("https://notapi.openai.com.example/v1", ""),
        ("http://127.0.0.1:8000/v1", ""),
    ),
)
def test_the_address_tells_the_dialect(url: str, name: str) -> None:
    assert recognise(settings.load({"OPENAI_BASE_URL": url})) == name


def test_the_setting_wins_and_must_name_a_dialect() -> None:
    environ = {"OPENAI_BASE_URL": "https://api.openai.com/v1", "FACADE_DIALECT": "vllm"}
    assert recognise(settings.load(environ)) == "vllm"
    with pytest.raises(SettingsError, match="FACADE_DIALECT"):
        recognise(settings.load({**environ, "FACADE_DIALECT": "klingon"}))


def test_the_owner_of_all_models_tells_the_dialect() -> None:
    assert owner([{"owned_by": "llamacpp"}, {"owned_by": "llamacpp"}]) == "llamacpp"
    assert owner([{"owned_by": "llamacpp"}, {"owned_by": "me"}]) == ""
    assert owner([]) == ""
