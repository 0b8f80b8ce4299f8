"""The least that a translator in Python can be: Starlette, uvicorn, aiohttp, orjson, and no checks.

What it leaves out (names, options, errors, limits, hang-ups, …) is what a service is for; how fast
it is says what Python allows. Takes the backend's address and a port to listen on.
"""

import json
import sys
import time
from contextlib import asynccontextmanager

import aiohttp
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

BACKEND, PORT = sys.argv[1], int(sys.argv[2])


@asynccontextmanager
async def lifespan(app):
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, read_bufsize=2**16) as app.state.session:
        yield


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def message(turn):
    if not turn.get("images"):
        return turn
    parts = [{"type": "text", "text": turn["content"]}]
    for image in turn["images"]:
        url = "data:image/png;base64," + image
        parts.append({"type": "image_url", "image_url": {"url": url}})
    return {"role": turn["role"], "content": parts}


async def chat(request):
    body = orjson.loads(await request.body())
    requested = {"model": body["model"], "messages": [message(turn) for turn in body["messages"]]}
    streamed = requested["stream"] = body.get("stream", True)
    if streamed:
        requested["stream_options"] = {"include_usage": True}
        return StreamingResponse(frames(request, requested), media_type="application/x-ndjson")
    async with post(request, "/v1/chat/completions", requested) as answer:
        reported = orjson.loads(await answer.read())
    usage = reported["usage"]
    frame = {
        "model": requested["model"],
        "created_at": now(),
        "message": reported["choices"][0]["message"],
    }
    frame |= {"done": True, "done_reason": "stop", "eval_count": usage["completion_tokens"]}
    return Response(orjson.dumps(frame), media_type="application/json")


async def frames(request, requested):
    head = {"model": requested["model"], "created_at": now()}
    async with post(request, "/v1/chat/completions", requested) as answer:
        rest = b""
        async for part in answer.content.iter_any():
            *events, rest = (rest + part).split(b"\n\n")
            lines = []
            for event in events:
                if event == b"data: [DONE]":
                    lines.append(orjson.dumps({**head, "done": True, "done_reason": "stop"}))
                elif choices := orjson.loads(event[6:])["choices"]:
                    turn = {"role": "assistant", "content": choices[0]["delta"].get("content", "")}
                    lines.append(orjson.dumps({**head, "message": turn, "done": False}))
            if lines:
                yield b"\n".join(lines) + b"\n"


async def embed(request):
    body = orjson.loads(await request.body())
    async with post(request, "/v1/embeddings", body) as answer:
        reported = orjson.loads(await answer.read())
    vectors = [one["embedding"] for one in reported["data"]]
    return Response(orjson.dumps({"model": body["model"], "embeddings": vectors}))


def post(request, path, requested):
    headers = {"Content-Type": "application/json"}
    return request.app.state.session.post(
        BACKEND + path, data=orjson.dumps(requested), headers=headers
    )


async def version(_request):
    return Response(json.dumps({"version": "0"}), media_type="application/json")


ROUTES = [
    Route("/api/chat", chat, methods=["POST"]),
    Route("/api/embed", embed, methods=["POST"]),
    Route("/api/version", version),
]
if __name__ == "__main__":
    app = Starlette(routes=ROUTES, lifespan=lifespan)
    uvicorn.run(app, port=PORT, access_log=False, log_level="warning")
