"""docs/compatibility.md says what the test data says."""

from tests.golden.document import FILE, merged


def test_the_document_is_fresh() -> None:
    text = FILE.read_text("utf-8")
    assert merged(text) == text, "run `python -m tests.golden.document`"
