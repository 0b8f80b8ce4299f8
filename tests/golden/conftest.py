"""One bed for all golden tests, and the table of grades at the end of the run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.golden.replaying import Bed


@pytest.fixture(scope="session")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """The scripted backend and the services over it."""
    with Bed(tmp_path_factory.mktemp("golden")) as made:
        yield made
