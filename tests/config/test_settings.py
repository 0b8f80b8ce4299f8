"""The settings: names, defaults, what is forloaded and what is refused."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from ollama_facade.config import parsers, settings
from ollama_facade.config.settings import Settings, load, variables
from ollama_facade.errors import SettingsError

ROOT = Path(__file__).parents[2]
SECRET = "sk-canary-5d1f0c7e9b"


def test_nothing_set_gives_the_defaults() -> None:
    loaded = load({})
    assert (loaded.host, loaded.port) == ("127.0.0.1", 11434)
    assert loaded.keep_alive == 300_000_000_000
    assert loaded.context_length == 4096
    assert loaded.max_queue == 512
    assert loaded.max_body == 32 * 1024 * 1024
    assert loaded.models is None
    assert loaded.base_url is None
    assert loaded.api_key.get_secret_value() == ""
    assert loaded.version == "0.33.0"
    assert loaded.notes == ()


def test_constructing_settings_does_not_read_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere/v1")
    monkeypatch.setenv("HOST", "elsewhere")
    assert Settings() == load({})
    assert Settings(base_url="http://here/v1").base_url == "http://here/v1"


def test_the_environment_of_the_process_is_read_without_an_argument(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", ":77")
    assert load().port == 77


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load({}).port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("OLLAMA_ORIGINS", "http://a, http://b", "origins", ("http://a", "http://b")),
        ("OLLAMA_MODELS", "/models", "models", Path("/models")),
        ("OLLAMA_KEEP_ALIVE", "-1", "keep_alive", -1),
        ("OLLAMA_KEEP_ALIVE", "0", "keep_alive", 0),
        ("OLLAMA_CONTEXT_LENGTH", "8192", "context_length", 8192),
        ("OLLAMA_CONTEXT_LENGTH", "0", "context_length", 4096),
        ("OLLAMA_MAX_QUEUE", "3", "max_queue", 3),
        ("OLLAMA_NO_CLOUD", "yes", "no_cloud", True),
        ("OLLAMA_NO_CLOUD", "F", "no_cloud", False),
        ("FACADE_OLLAMA_VERSION", "0.40.1", "version", "0.40.1"),
        ("OPENAI_BASE_URL", "'https://b/v1'", "base_url", "https://b/v1"),
        ("OPENAI_BASE_URL", "", "base_url", None),
        ("FACADE_DIALECT", "VLLM", "dialect", "vllm"),
        ("FACADE_MAX_BODY", "1000", "max_body", 1000),
        ("FACADE_MAX_BODY", "64MiB", "max_body", 64 * 1024 * 1024),
        ("FACADE_IDLE_TIMEOUT", "0.5", "idle_timeout", 0.5),
        ("FACADE_DRAIN_TIMEOUT", "0", "drain_timeout", 0.0),
        ("FACADE_ALLOWED_HOSTS", "A.example, b", "allowed_hosts", ("a.example", "b")),
        ("FACADE_FORWARD_KEY", "1", "forward_key", True),
        ("OPENAI_ORG_ID", "org-1", "organization", "org-1"),
        ("OPENAI_PROJECT_ID", "proj-1", "project", "proj-1"),
        ("FACADE_BACKEND_CA_FILE", "/ca.pem", "backend_ca_file", Path("/ca.pem")),
        (
            "FACADE_BACKEND_HEADERS",
            "api-key: a, b\n\nX-Team:search",
            "backend_headers",
            (("api-key", SecretStr("a, b")), ("X-Team", SecretStr("search"))),
        ),
        ("FACADE_BACKEND_PROXY", "http://p:3128", "backend_proxy", SecretStr("http://p:3128")),
        ("FACADE_LOG_FORMAT", "JSON", "log_format", "json"),
        ("FACADE_LOG_LEVEL", "warning", "log_level", "warning"),
    ],
)
def test_a_variable_sets_its_field(variable: str, text: str, field: str, value: object) -> None:
    assert getattr(load({variable: text}), field) == value


@pytest.mark.parametrize(
    ("variable", "text", "field"),
    [
        ("OLLAMA_KEEP_ALIVE", "1d", "keep_alive"),
        ("OLLAMA_CONTEXT_LENGTH", "-5", "context_length"),
        ("OLLAMA_MAX_QUEUE", "many", "max_queue"),
        ("OLLAMA_HOST", ":66000", "port"),
    ],
)
def test_a_value_that_ollama_replaces_is_the_default_and_a_note(
    variable: str, text: str, field: str
) -> None:
    loaded = load({variable: text})
    assert getattr(loaded, field) == getattr(Settings(), field)
    assert len(loaded.notes) == 1
    assert loaded.notes[0].startswith(f"{variable}: ")


def test_a_wrong_port_leaves_the_host_as_it_is() -> None:
    loaded = load({"OLLAMA_HOST": "http://1.2.3.4:66000"})
    assert (loaded.host, loaded.port) == ("1.2.3.4", 80)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("OPENAI_BASE_URL", "127.0.0.1:8000"),
        ("OPENAI_BASE_URL", "ftp://b/v1"),
        ("OPENAI_BASE_URL", "http://"),
        ("OPENAI_BASE_URL", "http://b:99999/v1"),
        ("OPENAI_BASE_URL", "http://[::1/v1"),
        ("FACADE_MAX_BODY", "0"),
        ("FACADE_MAX_BODY", "big"),
        ("FACADE_BODY_TIMEOUT", "0"),
        ("FACADE_IDLE_TIMEOUT", "nan"),
        ("FACADE_WRITE_TIMEOUT", "inf"),
        ("FACADE_DRAIN_TIMEOUT", "-1"),
        ("FACADE_TAIL_TIMEOUT", "2s"),
        ("FACADE_BACKEND_HEADERS", "no colon"),
        ("FACADE_BACKEND_HEADERS", "a b: c"),
        ("FACADE_BACKEND_HEADERS", "Host: elsewhere"),
        ("FACADE_BACKEND_HEADERS", "X-Name: é"),
        ("FACADE_BACKEND_PROXY", "socks5://p:1"),
        ("FACADE_LOG_FORMAT", "xml"),
        ("FACADE_LOG_LEVEL", "loud\nand long"),
    ],
)
def test_an_invalid_value_is_refused_in_one_line_that_names_the_variable(
    variable: str, text: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        load({variable: text})
    line = str(caught.value)
    assert line.startswith(f"{variable}: ")
    assert "\n" not in line


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("OPENAI_BASE_URL", f"ftp://user:{SECRET}@b/v1"),
        ("FACADE_BACKEND_PROXY", f"ftp://user:{SECRET}@p"),
        ("FACADE_BACKEND_HEADERS", f"api-key {SECRET}"),
    ],
)
def test_a_refused_value_that_may_hold_a_secret_is_not_repeated(variable: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load({variable: text})
    assert SECRET not in str(caught.value)


def test_keys_come_from_files_too(tmp_path: Path) -> None:
    backend, clients = tmp_path / "backend", tmp_path / "clients"
    backend.write_text(f"{SECRET}\n")
    clients.write_text("one\ntwo\n")
    loaded = load({"OPENAI_API_KEY_FILE": str(backend), "FACADE_API_KEYS_FILE": str(clients)})
    assert loaded.api_key.get_secret_value() == SECRET
    assert [key.get_secret_value() for key in loaded.api_keys] == ["one", "two"]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\xfa"])
def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"^OPENAI_API_KEY_FILE: .*key"):
        load({"OPENAI_API_KEY_FILE": str(path)})


def test_a_key_and_a_file_of_it_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="both set"):
        load({"OPENAI_API_KEY": "a", "OPENAI_API_KEY_FILE": str(tmp_path / "key")})


def test_keys_are_not_shown() -> None:
    loaded = load(
        {
            "OPENAI_API_KEY": SECRET,
            "FACADE_API_KEYS": SECRET,
            "FACADE_BACKEND_HEADERS": f"api-key: {SECRET}",
            "FACADE_BACKEND_PROXY": f"http://user:{SECRET}@p:3128",
        }
    )
    assert loaded.api_key == SecretStr(SECRET)
    assert SECRET not in f"{loaded!r} {loaded}"


def test_every_setting_is_documented() -> None:
    written = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for variable in ("OLLAMA_HOST", *variables().values()):
        assert f"| `{variable}`" in written
    for name in Settings.model_fields.keys() - {"host", "port", "notes"}:
        assert name in variables()
        assert Settings.model_fields[name].description


def test_the_settings_page_is_fresh() -> None:
    generator = runpy.run_path(str(ROOT / "docs" / "generate_settings.py"))
    written = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert generator["document"]() == written, "run `make generate`"


def test_lenient_variables_and_variables_from_files_are_settings() -> None:
    assert {*settings.LENIENT, *parsers.FROM_FILE} <= set(variables().values())
