"""The folder of the operator: every `*.yaml` in it is one model.

Reading is cheap: one `stat` while nothing in the folder was renamed, a `stat` of every file once a
second for those that are edited in place, and only changed files are read. A bad file is a problem
that is reported by its name; it affects no other model. Writing is atomic: a temporary file in the
same folder, flushed, renamed, and the folder flushed; one process at a time, by a lock file.
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

from ollama_facade.catalog import entry, manifest
from ollama_facade.catalog.entry import Entry, Key
from ollama_facade.catalog.manifest import DocumentError
from ollama_facade.clock import SECOND, Clock
from ollama_facade.errors import OllamaError
from ollama_facade.names import Name

LOCK = ".lock"
TEMPORARY = ".unfinished-"
SETTING = "OLLAMA_MODELS"

_RECENT = SECOND // 10
"""A folder that changed so shortly before it was read may change again within the same time."""

_FULL = (errno.ENOSPC, errno.EDQUOT)

Stamp = tuple[int, int, int]
"""Time of change (ns), size and inode of a file; a file with the same stamp is unchanged."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The content of the folder when it was read."""

    version: int = 0
    """A number that changes with the content."""
    entries: Mapping[Key, Entry] = field(default_factory=dict)
    presets: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)
    problems: tuple[tuple[str, str], ...] = ()
    """File name and description of each file that is not used."""


class Folder:
    """The files of one folder. Its methods block; they may be called from several threads."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.RLock()
        self._files: dict[str, tuple[Stamp, Entry | str]] = {}
        self._snapshot = Snapshot()
        self._folder_stamp: Stamp | None = None
        self._read_at = -SECOND
        self._error = ""

    def current(self) -> Snapshot | None:
        """Returns the last snapshot if one `stat` shows that it is valid, else None."""
        if self._clock.monotonic() - self._read_at >= SECOND:
            return None
        try:
            stamp = _stamp(self._path.stat())
        except OSError:
            return None
        return self._snapshot if stamp == self._folder_stamp else None

    def read(self) -> Snapshot:
        """Reads the folder. Raises nothing: a folder that cannot be read is a problem."""
        with self._lock:
            self._read_at = self._clock.monotonic()
            files: dict[str, tuple[Stamp, Entry | str]] = {}
            failure = ""
            try:
                status = self._path.stat()
                recent = abs(self._clock.wall() - status.st_mtime_ns) < _RECENT
                self._folder_stamp = None if recent else _stamp(status)
                for name in sorted(os.listdir(self._path)):  # noqa: PTH208 - names, not paths
                    if name.endswith(manifest.SUFFIX) and not name.startswith("."):
                        file = self._file(name)
                        if file is not None:
                            files[name] = file
            except OSError as error:
                self._folder_stamp = None
                failure = f"the folder cannot be read: {error.strerror}"
            if files != self._files or failure != self._error or not self._snapshot.version:
                self._files = files
                self._error = failure
                self._snapshot = self._arrange()
            return self._snapshot

    def put(self, name: Name, body: Mapping[str, Any]) -> None:
        """Writes the entry of `name`, in place of an existing one.

        Raises OllamaError(403) when the folder is not writable, (507) when it is full.
        """
        key = name.key()
        with self._writing():
            content = manifest.write(body)
            existing = self._files_of(key)
            target = existing[0] if existing else self._free_name(name)
            self._replace(target, content)
            self._unlink(existing[1:])

    def remove(self, key: Key) -> bool:
        """Removes every file that holds an entry of that name. False when there is none."""
        with self._writing():
            existing = self._files_of(key)
            self._unlink(existing)
            return bool(existing)

    def _file(self, name: str) -> tuple[Stamp, Entry | str] | None:
        """Reads the entry of a file, or what is wrong with it; unchanged files come from memory.

        None for a file that another process has just removed.
        """
        path = self._path / name
        try:
            status = path.stat()
            cached = self._files.get(name)
            if cached is not None and cached[0] == _stamp(status):
                return cached
            body = manifest.read(path.read_bytes())
        except DocumentError as error:
            return _stamp(status), str(error)
        except OSError as error:
            if not os.path.lexists(path):
                return None
            return (0, 0, 0), f"it cannot be read: {error.strerror}"
        model = entry.display(entry.name_of(body))
        return _stamp(status), Entry(name, model, body, status.st_mtime_ns)

    def _arrange(self) -> Snapshot:
        entries: dict[Key, Entry] = {}
        problems: dict[str, str] = {str(self._path): self._error} if self._error else {}
        for file, (_, content) in self._files.items():
            if isinstance(content, str):
                problems[file] = content
                continue
            first = entries.setdefault(entry.key(content.name), content)
            if first is not content:
                problems[file] = f"model: {content.name!r} is in {first.file} already"
        presets, circles = entry.presets(entries)
        problems.update(circles)
        return Snapshot(self._snapshot.version + 1, entries, presets, tuple(problems.items()))

    def _files_of(self, key: Key) -> list[str]:
        """Lists the files of an entry, the effective one first."""
        self.read()
        return [
            file
            for file, (_, content) in self._files.items()
            if isinstance(content, Entry) and entry.key(content.name) == key
        ]

    def _free_name(self, name: Name) -> str:
        existing = {file.casefold() for file in os.listdir(self._path)}  # noqa: PTH208
        return next(file for file in manifest.file_names(name) if file not in existing)

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

    def _unlink(self, files: list[str]) -> None:
        """Removes files, flushes the folder so that renames and removals last, and reads it."""
        for file in files:
            (self._path / file).unlink(missing_ok=True)
        descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self.read()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Holds the lock of all processes and removes what a killed process left unfinished.

        Maps errors of the operating system and of YAML to OllamaError.
        """
        try:
            with self._lock:
                self._path.mkdir(parents=True, exist_ok=True)
                descriptor = os.open(
                    self._path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644
                )
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX)
                    for unfinished in self._path.glob(f"{TEMPORARY}*"):
                        unfinished.unlink(missing_ok=True)
                    yield
                finally:
                    os.close(descriptor)
        except DocumentError as error:
            raise OllamaError(400, str(error)) from error
        except OSError as error:
            status = 507 if error.errno in _FULL else 403
            text = f"the models folder ({SETTING}) cannot be written: {error.strerror or error}"
            raise OllamaError(status, text) from error


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_mtime_ns, status.st_size, status.st_ino
