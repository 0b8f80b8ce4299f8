from pathlib import Path

import pytest
import yaml

from ollama_facade.catalog.store import Folder
from ollama_facade.clock import Clock
from ollama_facade.errors import BackendError, OllamaError
from tests.catalog.sources import Hands, Source, catalog, lay, made, names_of, unreachable

pytestmark = pytest.mark.anyio

RECORDED = Path(__file__).parents[1] / "golden" / "catalog"
"""The folder that stands for the models of the recordings."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_without_a_folder_the_models_are_those_of_the_backend() -> None:
    subject = catalog(None, "a", "b")
    assert names_of(await subject.models()) == ["b:latest", "a:latest"]


async def test_every_file_of_the_recordings_is_used() -> None:
    order = (RECORDED / "order.txt").read_text(encoding="utf-8").split()
    stems = {path.stem for path in RECORDED.glob("*.yaml")}
    served = [*sorted(stems - {"sys", "smollm2-alias", "acme--widget--v1.2"}), "acme/widget:v1.2"]
    subject = catalog(RECORDED, *served)
    assert not Folder(RECORDED, Clock()).read().problems
    models = await subject.models()
    assert len(models) == len(stems) == len(order)
    pirate = await subject.find("sys")
    assert pirate is not None
    assert (pirate.backend_id, pirate.system, pirate.parent_model) == (
        "gen",
        "You are a pirate.",
        "",
    )
    assert pirate.license == ("MIT License", "Second license")
    assert pirate.parameters["num_ctx"] == 2048
    alias, original = await subject.find("smollm2-alias"), await subject.find("smollm2")
    assert alias is not None
    assert original is not None
    assert (alias.digest, alias.template) == (original.digest, original.template)


async def test_a_created_model_is_what_ollama_makes_of_it(tmp_path: Path) -> None:
    lay(tmp_path, {"sys.yaml": (RECORDED / "sys.yaml").read_text(encoding="utf-8")})
    subject = catalog(tmp_path, "gen")
    statuses = await made(
        subject,
        model="made-all",
        system="New.",
        template="{{ .Prompt }}",
        license="Third",
        parameters={"temperature": 0.2, "seed": 42, "stop": ["a", "b"]},
        messages=[{"role": "user", "content": "q"}],
        **{"from": "sys"},
    )
    assert [status.partition(" sha256")[0] for status in statuses] == (
        ["using existing layer"] * 3 + ["creating new layer"] * 5 + ["writing manifest", "success"]
    ), "as in golden manage/create-from-all-stream"
    model = await subject.find("made-all")
    assert model is not None
    assert model.parent_model == "sys:latest"
    assert model.license == ("MIT License", "Second license", "Third")
    assert model.parameters == {
        "temperature": 0.2, "stop": ["a", "b"], "num_ctx": 2048, "seed": 42,
    }  # fmt: skip
    assert (model.system, model.template) == ("New.", "{{ .Prompt }}")
    assert model.messages == ({"role": "user", "content": "q"},)
    assert (model.capabilities, model.context_length) == (("completion",), 8192)


async def test_what_was_created_does_not_change_with_its_base(tmp_path: Path) -> None:
    subject = catalog(tmp_path, "gen")
    await made(subject, model="base", system="old", license="L", **{"from": "gen"})
    await made(subject, model="over", **{"from": "base"})
    await made(subject, model="base", system="new", **{"from": "gen"})
    await subject.delete("base")
    model = await subject.find("over")
    assert model is not None
    assert (model.system, model.license, model.parent_model) == ("old", ("L",), "base:latest")


async def test_a_model_can_be_created_over_itself(tmp_path: Path) -> None:
    subject = catalog(tmp_path, "gen")
    for number in ("one", "two"):
        await made(subject, model="gen", license=number, **{"from": "gen"})
    model = await subject.find("gen")
    assert model is not None
    assert (model.backend_id, model.license) == ("gen", ("one", "two"))
    assert names_of(await subject.models()) == ["gen:latest"]


async def test_a_created_file_is_a_create_request_that_people_can_read(tmp_path: Path) -> None:
    subject = catalog(tmp_path, "gen")
    await made(subject, model="Acme/Widget:V1.2", system="s", stream=True, **{"from": "GEN"})
    path = tmp_path / "acme--widget--v1.2.yaml"
    assert yaml.safe_load(path.read_text(encoding="utf-8")) == {
        "model": "Acme/Widget:V1.2",
        "from": "gen",
        "system": "s",
        "info": {"parent_model": "gen:latest"},
    }


async def test_a_copy_shares_the_digest_also_after_a_restart(tmp_path: Path) -> None:
    lay(tmp_path, {"sys.yaml": (RECORDED / "sys.yaml").read_text(encoding="utf-8")})
    subject = catalog(tmp_path, "gen")
    await subject.copy("SYS", "my/copied:v1")
    await subject.copy("gen", "plain")
    for again in (subject, catalog(tmp_path, "gen")):
        for name, copied in (("sys", "my/copied:v1"), ("gen", "plain")):
            source, copy = await again.find(name), await again.find(copied)
            assert source is not None
            assert copy is not None
            assert source.digest == copy.digest
            assert (source.system, source.parent_model) == (copy.system, copy.parent_model)


async def test_a_digest_does_not_follow_what_the_backend_says_of_a_model() -> None:
    first = await catalog(None, source=Source("gen", max_model_len=1)).find("gen")
    other = await catalog(None, source=Source("x", "gen", max_model_len=2)).find("gen")
    assert first is not None
    assert other is not None
    assert first.digest == other.digest


async def test_copying_onto_itself_does_nothing(tmp_path: Path) -> None:
    await catalog(tmp_path).copy("ghost", "GHOST:latest")
    await catalog(None).copy("ghost", "ghost")
    assert await catalog(tmp_path).models() == []


async def test_deleting_an_entry_makes_the_backends_model_visible(tmp_path: Path) -> None:
    lay(tmp_path, {"x.yaml": "model: gen\nfrom: gen\nsystem: s\n"})
    subject = catalog(tmp_path, "gen")
    await subject.delete("GEN:latest")
    model = await subject.find("gen")
    assert model is not None
    assert (model.system, model.from_catalog) == ("", False)


@pytest.mark.parametrize(
    ("with_folder", "name", "status", "text"),
    (
        (True, "nope", 404, "model 'nope' not found"),
        (True, "gen", 400, "model 'gen' belongs to the backend and cannot be deleted"),
        (False, "gen", 400, "OLLAMA_MODELS"),
    ),
)
async def test_only_entries_can_be_deleted(
    tmp_path: Path, with_folder: bool, name: str, status: int, text: str
) -> None:
    subject = catalog(tmp_path if with_folder else None, "gen")
    with pytest.raises(OllamaError) as raised:
        await subject.delete(name)
    assert raised.value.status == status
    assert text in raised.value.message
    assert await subject.find("gen")


async def test_without_a_folder_create_and_copy_are_refused_by_its_setting() -> None:
    subject = catalog(None, "gen")
    with pytest.raises(OllamaError) as created:
        await made(subject, model="x", **{"from": "gen"})
    with pytest.raises(OllamaError) as copied:
        await subject.copy("gen", "x")
    for raised in (created, copied):
        assert raised.value.status == 403
        assert "OLLAMA_MODELS" in raised.value.message


async def test_what_one_process_creates_another_finds_at_once(tmp_path: Path) -> None:
    first, other = catalog(tmp_path, "gen"), catalog(tmp_path, "gen")
    assert await other.find("x") is None
    await made(first, model="x", **{"from": "gen"})
    assert await other.find("x") is not None
    await first.delete("x")
    assert await other.find("x") is None


async def test_a_failure_of_the_backend_is_raised_only_when_no_model_is_known(
    tmp_path: Path,
) -> None:
    source, clock = Source("gen"), Hands()
    source.failure = unreachable()
    subject = catalog(tmp_path, source=source, clock=clock)
    with pytest.raises(BackendError):
        await subject.models()
    with pytest.raises(BackendError):
        await subject.find("gen")
    lay(tmp_path, {"x.yaml": "model: x\nfrom: gen\n"})
    clock.pass_by(2)
    assert names_of(await subject.models()) == ["x:latest"]
    assert await subject.find("x") is not None
    with pytest.raises(BackendError):
        await subject.find("gen")
    source.failure = None
    assert await subject.find("nope") is None


async def test_a_backend_without_models_is_an_empty_list(tmp_path: Path) -> None:
    assert await catalog(tmp_path).models() == []


async def test_bad_files_are_problems_and_are_logged_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lay(tmp_path, {"bad.yaml": "model: [", "good.yaml": "model: x\nfrom: gen\n"})
    subject = catalog(tmp_path, "gen")
    for _ in range(3):
        assert await subject.find("x") is not None
    assert [file for file, _ in Folder(tmp_path, Clock()).read().problems] == ["bad.yaml"]
    assert capsys.readouterr().out.count("bad.yaml") <= 1
