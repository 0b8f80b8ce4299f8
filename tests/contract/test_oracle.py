"""Two servers side by side: no difference between equals, and a defect shows as one."""

from __future__ import annotations

import pytest

from contract_tests.oracle import Difference, as_data, compare, form
from contract_tests.target import Target
from tests.fakes.defects import DEFECTS
from tests.fakes.server import serving

DEFECTIVE = ("two done lines", "errors as detail", "HEAD not answered", "response for message")


@pytest.fixture(scope="module")
def differences() -> dict[str, list[Difference]]:
    """A faithful server against another, and against one with defects."""
    with serving() as good, serving() as twin:
        planted = [DEFECTS[name].plant for name in DEFECTIVE]
        with serving(*planted) as bad:
            one, two, three = (Target.at(side.url, "able") for side in (good, twin, bad))
            return {"twin": compare(two, one), "bad": compare(three, one)}


def test_equals_do_not_differ(differences: dict[str, list[Difference]]) -> None:
    assert differences["twin"] == []


@pytest.mark.parametrize(
    ("case", "aspect", "part"),
    [
        ("manage/copy-unknown", "body", "detail"),
        ("http/tags-head", "status", "405"),
        ("chat/plain", "body", "response"),
    ],
)
def test_a_defect_is_shown_beside_what_the_oracle_says(
    case: str, aspect: str, part: str, differences: dict[str, list[Difference]]
) -> None:
    found = [one for one in differences["bad"] if (one.case, one.aspect) == (case, aspect)]
    assert len(found) == 1
    assert part in found[0].target
    assert part not in found[0].oracle
    assert as_data(found)[0]["case"] == case


def test_the_form_of_a_value_has_its_keys_in_order() -> None:
    value = {"b": [1, 2.5, "x"], "a": {"c": None, "d": True}}
    assert form(value) == "{b: [number | text], a: {c: null, d: bool}}"
