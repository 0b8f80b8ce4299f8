"""The folder of the operator: every `*.yaml` in it is one model (design.md §5).

Reading is cheap: one `stat` as long as nothing was renamed in the folder, a look at every file once
a second for those that are edited in place, and only changed files are read. A bad file is a
problem with its name; it takes no other model down. Writing is atomic: a temporary file in the same
folder, flushed, renamed, and the folder flushed; one process at a time, by a lock file.
"""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ollama_facade.catalog import entry, filenames, manifest
from ollama_facade.catalog.entry import Entry, Key
from ollama_facade.catalog.manifest import DocumentError
from ollama_facade.clock import SECOND, Clock
from ollama_facade.errors import OllamaError
from ollama_facade.names import Name

LOCK = ".lock"
TEMPORARY = ".unfinished-"
SETTING = "OLLAMA_MODELS"

_RECENT = SECOND // 10
"""A folder that changed so shortly before it was read may change again without another time."""

_FULL = (errno.ENOSPC, errno.EDQUOT)

Stamp = tuple[int, int, int]
"""Time of change (ns), size and inode: a file with the same three is the same."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the folder held when it was read; `version` changes with it."""

    version: int = 0
    entries: Mapping[Key, Entry] = field(default_factory=dict)
    presets: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)
    problems: tuple[tuple[str, str], ...] = ()


class Folder:
    """The files of one folder. Its methods block; they may be called from several threads."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.RLock()
        self._files: dict[str, tuple[Stamp, Entry | str]] = {}
        self._shelf = Snapshot()
        self._folder_stamp: Stamp | None = None
        self._looked_at = -SECOND
        self._trouble = ""

    def current(self) -> Snapshot | None:
        """The last state when one `stat` shows that it still holds, None when it has to be read."""
        if self._clock.monotonic() - self._looked_at >= SECOND:
            return None
        try:
            stamp = _stamp(self._path.stat())
        except OSError:
            return None
        return self._shelf if stamp == self._folder_stamp else None

    def read(self) -> Snapshot:
        """What the folder holds now. Raises nothing: a folder that cannot be read is a problem."""
        with self._lock:
            self._looked_at = self._clock.monotonic()
            files: dict[str, tuple[Stamp, Entry | str]] = {}
            trouble = ""
            try:
                status = self._path.stat()
                recent = abs(self._clock.wall() - status.st_mtime_ns) < _RECENT
                self._folder_stamp = None if recent else _stamp(status)
                for name in sorted(os.listdir(self._path)):  # noqa: PTH208 - names, not paths
                    if name.endswith(filenames.SUFFIX) and not name.startswith("."):
                        found = self._file(name)
                        if found is not None:
                            files[name] = found
            except OSError as error:
                self._folder_stamp = None
                trouble = f"the folder cannot be read: {error.strerror}"
            if files != self._files or trouble != self._trouble or not self._shelf.version:
                self._files = files
                self._trouble = trouble
                self._shelf = self._arranged(files, trouble)
            return self._shelf

    def put(self, name: Name, body: Mapping[str, Any]) -> None:
        """Writes the entry of `name`, in place of the one that has this name.

        Raises OllamaError(403) when the folder is not writable, (507) when it is full.
        """
        key = tuple(name.key())
        with self._writing():
            content = manifest.write(body)
            holders = self._holders(key)
            target = holders[0] if holders else self._free(name)
            self._replace(target, content)
            for other in holders[1:]:
                (self._path / other).unlink(missing_ok=True)
            _flush_folder(self._path)
            self.read()

    def remove(self, key: Key) -> bool:
        """Removes every file that holds an entry of that name. False when there is none."""
        with self._writing():
            holders = self._holders(key)
            for file in holders:
                (self._path / file).unlink(missing_ok=True)
            _flush_folder(self._path)
            self.read()
            return bool(holders)

    def _file(self, name: str) -> tuple[Stamp, Entry | str] | None:
        """The entry of a file, or what is wrong with it; from memory when the file is the same.

        None for a file that another process has just removed.
        """
        path = self._path / name
        try:
            status = path.stat()
            known = self._files.get(name)
            if known is not None and known[0] == _stamp(status):
                return known
            body = manifest.read(path.read_bytes())
        except DocumentError as error:
            return _stamp(status), str(error)
        except OSError as error:
            if not os.path.lexists(path):
                return None
            return (0, 0, 0), f"it cannot be read: {error.strerror}"
        shown = entry.display(entry.name_of(body))
        return _stamp(status), Entry(name, shown, body, status.st_mtime_ns)

    def _arranged(self, files: Mapping[str, tuple[Stamp, Entry | str]], trouble: str) -> Snapshot:
        entries: dict[Key, Entry] = {}
        problems: dict[str, str] = {str(self._path): trouble} if trouble else {}
        for file, (_, found) in files.items():
            if isinstance(found, str):
                problems[file] = found
                continue
            first = entries.setdefault(entry.key(found.name), found)
            if first is not found:
                problems[file] = f"model: {found.name!r} is in {first.file} already"
        presets, circles = entry.presets(entries)
        problems.update(circles)
        return Snapshot(self._shelf.version + 1, entries, presets, tuple(problems.items()))

    def _holders(self, key: Key) -> list[str]:
        """The files of an entry, that which counts first."""
        self.read()
        return [
            file
            for file, (_, found) in self._files.items()
            if isinstance(found, Entry) and entry.key(found.name) == key
        ]

    def _free(self, name: Name) -> str:
        """A file name that nothing has: a file that people wrote may have the first choice."""
        taken = {file.casefold() for file in os.listdir(self._path)}  # noqa: PTH208
        return next(file for file in filenames.candidates(name) if file not in taken)

    def _replace(self, target: str, content: bytes) -> None:
        descriptor, temporary = tempfile.mkstemp(prefix=TEMPORARY, dir=self._path)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                os.fsync(file.fileno())
            Path(temporary).replace(self._path / target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Holds the lock of all processes; what a killed one left unfinished is removed."""
        with self._lock, _refusals():
            self._path.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                for left in self._path.glob(f"{TEMPORARY}*"):
                    left.unlink(missing_ok=True)
                yield
            finally:
                os.close(descriptor)


@contextmanager
def _refusals() -> Iterator[None]:
    """Turns what the operating system and YAML refuse into what the client is told."""
    try:
        yield
    except DocumentError as error:
        raise OllamaError(400, str(error)) from error
    except OSError as error:
        reason = error.strerror or str(error)
        status = 507 if error.errno in _FULL else 403
        raise OllamaError(
            status, f"the models folder ({SETTING}) cannot be written: {reason}"
        ) from error


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_mtime_ns, status.st_size, status.st_ino


def _flush_folder(path: Path) -> None:
    """A rename is lasting only when the folder is flushed too."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
