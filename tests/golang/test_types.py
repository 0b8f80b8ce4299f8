import pytest

from ollama_facade.golang.types import fold


@pytest.mark.parametrize(
    "key", ["keep_alive", "Keep_Alive", "KEEP_ALIVE", "\u212aeep_alive", "KEEP_ALIVE".lower()]
)
def test_keys_that_differ_in_case_fold_to_the_same(key: str) -> None:
    assert fold(key) == "KEEP_ALIVE"


def test_the_long_s_is_an_s() -> None:
    assert fold("\u017fystem") == fold("system")


@pytest.mark.parametrize("key", ["keepalive", "keep-alive", "straße", "keep_al\u0131ve", ""])
def test_other_keys_stay_apart(key: str) -> None:
    assert fold(key) not in ("KEEP_ALIVE", "STRASSE")
