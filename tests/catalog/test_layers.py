import hashlib

from ollama_facade.catalog.manifest import layer_frames, layers


def test_the_layer_of_a_text_is_the_digest_of_its_bytes() -> None:
    assert layers({"license": ["MIT License"]}, "gen")[1] == (
        "sha256:abb2896dc3c2a9402f901b88d5035cf0a83d5cf7c17e73642cdf562b0b9d3bc5"
    ), "as in golden manage/create-from-all-stream"
    assert layers({"system": "é"}, "gen")[1] == f"sha256:{hashlib.sha256('é'.encode()).hexdigest()}"


def test_layers_of_the_base_come_first_and_are_used() -> None:
    before = {"template": "t", "license": ["a"], "parameters": {"seed": 1}}
    after = {**before, "template": "new", "license": ["a", "b"], "messages": [{"role": "user"}]}
    statuses = [frame["status"].rpartition(" ")[0] for frame in layer_frames(before, after, "gen")]
    assert statuses == ["using existing layer"] * 3 + ["creating new layer"] * 3


def test_the_order_of_parameters_does_not_matter() -> None:
    first, second = (
        {"parameters": parameters} for parameters in ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    )
    assert layers(first, "gen") == layers(second, "gen")


def test_a_model_without_changes_has_the_layer_of_its_base() -> None:
    (frame,) = layer_frames({}, {"from": "gen"}, "gen")
    assert frame["status"].startswith("using existing layer sha256:")
