import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from ollama_facade import names
from ollama_facade.catalog import entry, manifest
from ollama_facade.catalog.store import LOCK, TEMPORARY, Folder
from ollama_facade.clock import Clock
from ollama_facade.errors import OllamaError
from tests.catalog.sources import Hands, lay

GOOD = "model: {0}\nfrom: gen\nsystem: {0}\n"
SPAWN = multiprocessing.get_context("spawn")


def name(text: str) -> names.Name:
    parsed = names.parse(text)
    assert parsed is not None
    return parsed


def body(text: str, system: str = "s") -> dict[str, object]:
    return {"model": text, "from": "gen", "system": system}


def shown(folder: Folder) -> list[str]:
    return sorted(found.name for found in folder.read().entries.values())


def put_many(path: str, prefix: str, count: int) -> None:
    folder = Folder(Path(path), Clock())
    for number in range(count):
        folder.put(name(f"{prefix}{number}"), body(f"{prefix}{number}", "word " * 2000))


def test_yaml_files_of_any_name_are_entries_and_nothing_else_is(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "any name.yaml": GOOD.format("a"),
            "b.yml": GOOD.format("b"),
            ".hidden.yaml": GOOD.format("c"),
            "README.md": "# models",
            "sha256-abc": "x",
        },
    )
    assert shown(Folder(tmp_path, Clock())) == ["a:latest"]


def test_the_time_of_the_file_is_that_of_the_model(tmp_path: Path) -> None:
    lay(tmp_path, {"a.yaml": GOOD.format("a")})
    os.utime(tmp_path / "a.yaml", ns=(1, 1_700_000_000_123_456_789))
    (found,) = Folder(tmp_path, Clock()).read().entries.values()
    assert found.modified_at == 1_700_000_000_123_456_789


def test_a_bad_file_is_named_and_takes_no_other_down(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "a.yaml": GOOD.format("a"),
            "bad.yaml": "model: [",
            "double.yaml": GOOD.format("A:latest"),
            "circle.yaml": "model: c\nfrom: d",
            "other.yaml": "model: d\nfrom: c",
        },
    )
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder.yaml").mkdir()
    folder = Folder(tmp_path, Clock())
    assert [found.file for found in folder.read().entries.values() if found.name == "a:latest"]
    problems = dict(folder.read().problems)
    assert set(problems) == {
        "bad.yaml", "double.yaml", "circle.yaml", "other.yaml", "gone.yaml", "folder.yaml",
    }  # fmt: skip
    assert problems["double.yaml"] == "model: 'A:latest' is in a.yaml already"


def test_a_folder_that_is_missing_is_a_problem_and_made_when_something_is_written(
    tmp_path: Path,
) -> None:
    folder = Folder(tmp_path / "new" / "models", Clock())
    assert folder.read().entries == {}
    assert "No such file" in folder.read().problems[0][1]
    folder.put(name("a"), body("a"))
    assert (shown(folder), folder.read().problems) == (["a:latest"], ())


def test_changes_of_others_are_seen(tmp_path: Path) -> None:
    clock = Hands()
    folder = Folder(tmp_path, clock)
    assert shown(folder) == []
    lay(tmp_path, {"a.yaml": GOOD.format("a")})
    assert folder.current() is None, "a folder that has just changed is looked at again"
    assert shown(folder) == ["a:latest"]
    os.utime(tmp_path, (1, 1))
    version = folder.read().version
    clock.pass_by(0.5)
    current = folder.current()
    assert current is not None
    assert current.version == version
    (tmp_path / "a.yaml").write_text(GOOD.format("a") + "license: L", encoding="utf-8")
    clock.pass_by(0.5)
    assert folder.current() is None, "a file that is edited in place is seen within a second"
    assert folder.read().version == version + 1


def test_files_that_did_not_change_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(tmp_path, {"a.yaml": GOOD.format("a"), "bad.yaml": "model: ["})
    folder = Folder(tmp_path, Clock())
    before = folder.read()
    monkeypatch.setattr(manifest, "read", lambda content: pytest.fail("read again"))
    assert folder.read() is before


def test_an_entry_is_written_in_place_of_the_one_of_its_name(tmp_path: Path) -> None:
    lay(tmp_path, {"my own.yaml": GOOD.format("A"), "zzz.yaml": GOOD.format("a")})
    folder = Folder(tmp_path, Clock())
    folder.put(name("a"), body("a", "new"))
    assert [path.name for path in tmp_path.glob("*.yaml")] == ["my own.yaml"]
    (found,) = folder.read().entries.values()
    assert found.body["system"] == "new"


def test_a_file_of_another_model_is_never_written_over(tmp_path: Path) -> None:
    lay(tmp_path, {"A.yaml": GOOD.format("other"), "b.yaml": "not: [finished"})
    folder = Folder(tmp_path, Clock())
    folder.put(name("a"), body("a"))
    folder.put(name("b"), body("b"))
    assert shown(folder) == ["a:latest", "b:latest", "other:latest"]
    assert (tmp_path / "a~2.yaml").exists()
    assert (tmp_path / "b.yaml").read_text(encoding="utf-8") == "not: [finished"


def test_removing_takes_every_file_of_the_name(tmp_path: Path) -> None:
    lay(tmp_path, {"a.yaml": GOOD.format("a"), "z.yaml": GOOD.format("A")})
    folder = Folder(tmp_path, Clock())
    assert folder.remove(entry.key("a"))
    assert shown(folder) == []
    assert not folder.remove(entry.key("a"))


def test_a_folder_that_cannot_be_written_is_refused_by_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = Folder(tmp_path / "file", Clock())
    with pytest.raises(OllamaError) as raised:
        folder.put(name("a"), body("a"))
    assert raised.value.status == 403
    assert "OLLAMA_MODELS" in raised.value.message


def test_a_full_disk_leaves_the_old_entry_and_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path, Clock())
    folder.put(name("a"), body("a", "old"))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OllamaError) as raised:
        folder.put(name("a"), body("a", "new"))
    assert raised.value.status == 507
    assert sorted(path.name for path in tmp_path.iterdir()) == [LOCK, "a.yaml"]
    (found,) = folder.read().entries.values()
    assert found.body["system"] == "old"


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / f"{TEMPORARY}abc").write_bytes(b"half")
    folder = Folder(tmp_path, Clock())
    folder.put(name("a"), body("a"))
    assert list(tmp_path.glob(f"{TEMPORARY}*")) == []


def test_a_process_that_is_killed_during_200_creates_leaves_every_entry_whole_or_absent(
    tmp_path: Path,
) -> None:
    process = SPAWN.Process(target=put_many, args=(str(tmp_path), "m", 200))
    process.start()
    while process.is_alive() and len(list(tmp_path.glob("*.yaml"))) < 40:
        process.join(0.001)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    folder = Folder(tmp_path, Clock())
    found = folder.read()
    assert found.problems == ()
    assert 40 <= len(found.entries) < 200
    assert {file.body["system"] for file in found.entries.values()} == {"word " * 2000}
    folder.put(name("next"), body("next"))
    assert len(folder.read().entries) == len(found.entries) + 1


def test_two_processes_that_create_at_once_lose_nothing(tmp_path: Path) -> None:
    processes = [
        SPAWN.Process(target=put_many, args=(str(tmp_path), prefix, 40)) for prefix in ("a", "b")
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    found = Folder(tmp_path, Clock()).read()
    assert (len(found.entries), found.problems) == (80, ())
    assert list(tmp_path.glob(f"{TEMPORARY}*")) == []
