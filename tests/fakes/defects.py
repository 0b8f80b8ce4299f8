"""What servers with an Ollama face really got wrong, each as a layer over the faithful server.

Every one was seen in a server that people use; `sign` is part of what the suite says about it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.fakes.exchange import Reply
from tests.fakes.layers import (
    CHAT,
    EMBED,
    GENERATE,
    arguments_as_text,
    each,
    ended,
    in_milliseconds,
    instead,
    kept_alive_refused,
    longer,
    no_options,
    of_response,
    plain,
    pulled,
    requested,
    streams,
    twice_done,
    unknown_is_known,
)
from tests.fakes.server import Defect


@dataclass(frozen=True)
class Planted:
    """A defect; the suite has to find it at `endpoint` with `sign` in what it expected."""

    plant: Defect
    endpoint: str
    sign: str


DEFECTS: dict[str, Planted] = {
    # the first server
    "response for message": Planted(each(CHAT, of_response), "POST /api/chat", "message"),
    "200 for unknown models": Planted(unknown_is_known, "POST /api/show", "404"),
    "two done lines": Planted(
        streams(GENERATE, twice_done), "POST /api/generate", "exactly one line with done"
    ),
    "constant counts": Planted(
        each(GENERATE, ended(eval_count=7, prompt_eval_count=11)),
        "POST /api/generate",
        "prompt_eval_count that grows",
    ),
    "a pull that pretends": Planted(
        instead(
            lambda q, r: q.path == "/api/pull" and (r.status == 500 or r.frames is not None), pulled
        ),
        "POST /api/pull",
        "a pull that fails",
    ),
    "vectors not of length one": Planted(each(EMBED, longer), "POST /api/embed", "length one"),
    "HEAD not answered": Planted(
        instead(
            lambda q, r: q.method == "HEAD" and q.path == "/api/tags",
            lambda r: Reply(405, {"detail": "Method Not Allowed"}),
        ),
        "HEAD /api/tags",
        "200",
    ),
    "errors as detail": Planted(
        instead(
            lambda q, r: q.path == "/api/copy" and isinstance(r.body, dict),
            lambda r: replace(r, body={"detail": r.body["error"]}),
        ),
        "POST /api/copy",
        "error",
    ),
    "the same digest everywhere": Planted(
        each(
            "/api/tags",
            lambda v: {"models": [{**m, "digest": "sha256:proxy"} for m in v["models"]]},
        ),
        "GET /api/tags",
        "digest",
    ),
    "stop not heard": Planted(
        requested(GENERATE, no_options("stop")), "POST /api/generate", "stop string"
    ),
    # the second server
    "arguments as text": Planted(each(CHAT, arguments_as_text), "POST /api/chat", "arguments"),
    "errors in plain text": Planted(
        instead(lambda q, r: q.path in (CHAT, GENERATE) and r.status >= 400, plain),
        "POST /api/chat",
        "error",
    ),
    "durations in milliseconds": Planted(
        each(GENERATE, in_milliseconds), "POST /api/generate", "nanoseconds"
    ),
    "no time zone": Planted(
        each(
            CHAT,
            lambda v: {**v, "created_at": v["created_at"].rstrip("Z")} if "created_at" in v else v,
        ),
        "POST /api/chat",
        "created_at",
    ),
    "always stop": Planted(
        each(CHAT, ended(done_reason="stop")), "POST /api/chat", "done_reason length"
    ),
    "a stream held back": Planted(
        instead(
            lambda q, r: q.path == GENERATE and r.frames is not None,
            lambda r: replace(r, together=True),
        ),
        "POST /api/generate",
        "frames that arrive",
    ),
    "a format not heard": Planted(
        requested(GENERATE, lambda body: body.pop("format", None)),
        "POST /api/generate",
        "JSON object as text",
    ),
    "keep_alive refused": Planted(kept_alive_refused, "POST /api/generate", "keep_alive"),
    "one vector for many": Planted(
        each(EMBED, lambda v: {**v, "embeddings": v["embeddings"][:1]}),
        "POST /api/embed",
        "one vector for each input",
    ),
    "404 in JSON": Planted(
        instead(
            lambda q, r: r.body == "404 page not found",
            lambda r: Reply(404, {"detail": "Not Found"}),
        ),
        "GET /nope",
        "404 page not found",
    ),
}
FIRST = tuple(DEFECTS)[:10]
SECOND = tuple(DEFECTS)[10:]
