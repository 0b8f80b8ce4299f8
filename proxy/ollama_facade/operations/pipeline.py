"""The one way of a generation through the service, whichever API asks for it.

    parser ──GenerationRequest──▶ admit ──▶ build ──▶ Backend.open ──▶ renderer

`admit` finds the model, checks the request in Ollama's order and marks the model as loaded. Then
the request is sent, and the answer is translated by an accumulator and a renderer or, where the
backend speaks the client's own API, passed through. Streamed or not, times, counts and the header
`Facade-Dropped` are set here. Errors before the first frame are raised; later ones end the stream.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from ollama_facade.backend.client import Response
from ollama_facade.backend.learned import NoRouteError
from ollama_facade.errors import BackendError, OllamaError
from ollama_facade.golang.duration import parse_keep_alive
from ollama_facade.operations import checks
from ollama_facade.operations.context import (
    FinalBatch,
    Form,
    Frames,
    Generated,
    Json,
    RequestContext,
    once,
)
from ollama_facade.operations.resolve import installed
from ollama_facade.operations.services import Services
from ollama_facade.translate.accumulator import Accumulator
from ollama_facade.translate.apis.openai_renderer import CompletionPassThrough
from ollama_facade.translate.apis.pass_through import PassThrough, has_presets
from ollama_facade.translate.deltas import Completion, OutputDelta
from ollama_facade.translate.generation import GenerationRequest, Renderer, Think
from ollama_facade.translate.metrics import Moments, counts, metrics
from ollama_facade.translate.models import Model
from ollama_facade.translate.requests import BackendRequest


@dataclass(frozen=True, slots=True)
class _Job:
    """A request that has passed its checks."""

    generation: GenerationRequest
    context: RequestContext
    model: Model
    think: Think
    keep_alive: int | None
    lifecycle: str = ""
    """``load`` or ``unload`` where nothing is to be generated."""


Responses = AsyncIterator[Response]


class Pipeline:
    """Runs generations against the backend."""

    def __init__(self, services: Services) -> None:
        self._resolve = partial(installed, services.catalog, settings=services.settings)
        self._backend = services.backend
        self._clock = services.clock
        self._loaded = services.loaded

    async def run(
        self,
        generation: GenerationRequest,
        make_renderer: Callable[[Model], Renderer],
        form: Form,
        context: RequestContext,
        pass_through: PassThrough[Any] | None = None,
    ) -> Generated:
        """The answer as a stream of frames or as one object.

        With `pass_through` the client's own body goes to the backend where that has the route and
        the model has no presets. Raises OllamaError.
        """
        job = await self._admit(generation, context)
        renderer = make_renderer(job.model)
        if job.lifecycle:
            return self._lifecycle(job, renderer, form)
        if pass_through is not None and not self._can_pass(job, pass_through):
            pass_through = None
        if generation.stream:
            frames = self._frames(job, renderer)
            return form.stream(self._passed(job, pass_through, frames) if pass_through else frames)
        if pass_through is not None:
            with suppress(NoRouteError):
                return Json(await self._passed_whole(job, pass_through), media_type=form.media_type)
        return Json(await self._whole(job, renderer), media_type=form.media_type)

    async def relay(
        self,
        generation: GenerationRequest,
        pass_through: CompletionPassThrough,
        form: Form,
        context: RequestContext,
    ) -> Generated:
        """The same for an API whose answer is always the backend's own."""
        job = await self._admit(generation, context)
        if job.lifecycle:
            value = pass_through.render_load()
            return form.stream(once([value])) if generation.stream else Json(value)
        if generation.stream:
            return form.stream(self._passed(job, pass_through))
        return Json(await self._passed_whole(job, pass_through), media_type=form.media_type)

    @asynccontextmanager
    async def open(self, request: BackendRequest, context: RequestContext) -> Responses:
        """A block in which the response to `request` is open; names what was dropped of it."""
        context.note_dropped(request.dropped)
        request = request.on_behalf_of(context.authorization, context.request_id)
        try:
            async with self._backend.open(request) as response:
                context.note_dropped(response.request.dropped)
                yield response
        except OllamaError as error:
            context.note_dropped(error.dropped)
            raise

    async def _admit(self, generation: GenerationRequest, context: RequestContext) -> _Job:
        """Finds the model and checks the request against it (inference.md §5.2, §6.2)."""
        model = await self._resolve(generation.model, generation.operation)
        keep_alive = parse_keep_alive(generation.keep_alive)
        if not generation.has_input and keep_alive == 0:
            self._loaded.unload(model)
            return _Job(generation, context, model, None, keep_alive, "unload")
        think = checks.check_generation(generation, model)
        self._loaded.load(model, keep_alive)
        lifecycle = "" if generation.has_input else "load"
        return _Job(generation, context, model, think, keep_alive, lifecycle)

    def _lifecycle(self, job: _Job, renderer: Renderer, form: Form) -> Generated:
        completion, now = Completion(job.lifecycle, OutputDelta()), self._clock.timestamp()
        if job.generation.stream and form.streams_loading:
            return form.stream(once(renderer.render_end(completion, now, {})))
        return Json(renderer.render_response(completion, now, {}), media_type=form.media_type)

    def _can_pass(self, job: _Job, pass_through: PassThrough[Any]) -> bool:
        model, generation = job.model, job.generation
        forgiven = generation.think_is_optional and bool(generation.think) and job.think is None
        return (
            not forgiven
            and not has_presets(model)
            and self._backend.has(pass_through.endpoint, model.backend_id)
        )

    @asynccontextmanager
    async def _response(self, job: _Job, request: BackendRequest) -> Responses:
        """As `open`; at its end the model's time in memory begins anew."""
        try:
            async with self.open(request, job.context) as response:
                yield response
        finally:
            self._loaded.load(job.model, job.keep_alive)

    async def _frames(self, job: _Job, renderer: Renderer) -> Frames:
        moments = Moments(job.context.started, sent=self._clock.monotonic())
        accumulator, begun = _accumulator(job), False
        try:
            async with (
                self._response(job, self._request(job)) as response,
                aclosing(response.deltas()) as batches,
            ):
                async for batch in batches:
                    moments.first = moments.first or self._clock.monotonic()
                    if output := accumulator.feed_batch(batch):
                        yield renderer.render_deltas(output, self._clock.timestamp())
                        begun = True
            yield FinalBatch(renderer.render_end(*self._end(job, accumulator, moments)))
        except OllamaError as error:
            if not begun:
                raise
            frames = renderer.render_error(error)
            job.context.failure = error
            yield FinalBatch(frames)

    async def _whole(self, job: _Job, renderer: Renderer) -> dict[str, Any]:
        moments = Moments(job.context.started, sent=self._clock.monotonic())
        accumulator = _accumulator(job)
        async with self._response(job, self._request(job)) as response:
            _, delta = await response.completion()
        # An answer that came whole is complete by its framing, also where no reason is given.
        delta.finish = delta.finish or "stop"
        accumulator.feed(delta)
        return renderer.render_response(*self._end(job, accumulator, moments))

    async def _passed(
        self, job: _Job, pass_through: PassThrough[Any], instead: Frames | None = None
    ) -> Frames:
        """The backend's events, or the frames `instead` where it turns out to lack the route."""
        finished = False
        request = self._request(job, pass_through)
        try:
            async with (
                self._response(job, request) as response,
                aclosing(response.events(pass_through.parse_event)) as batches,
            ):
                async for batch in batches:
                    finished = finished or any(event.finish for event in batch)
                    for event in batch:
                        job.context.count(event.value)
                    yield [pass_through.render_event(event) for event in batch]
        except NoRouteError:
            if instead is None:
                raise
            async with aclosing(instead):
                async for frames in instead:
                    yield frames
            return
        except BackendError:
            # Whatever breaks after the last event took nothing away.
            if not finished:
                raise
        if not finished:
            raise BackendError(502, "backend stream ended before it finished", kind="truncated")

    async def _passed_whole(self, job: _Job, pass_through: PassThrough[Any]) -> dict[str, Any]:
        async with self._response(job, self._request(job, pass_through)) as response:
            value = await response.value()
            job.context.count(value)
            return pass_through.render_response(value)

    def _request(self, job: _Job, pass_through: PassThrough[Any] | None = None) -> BackendRequest:
        build = job.generation.build if pass_through is None else pass_through.build
        return build(job.model, self._backend.dialect, job.think)

    def _end(
        self, job: _Job, accumulator: Accumulator, moments: Moments
    ) -> tuple[Completion, str, dict[str, int]]:
        """What the renderers make the end of an answer from."""
        completion = accumulator.finish()
        moments.ended = self._clock.monotonic()
        job.context.prompt_tokens, job.context.answer_tokens = counts(completion)
        return completion, self._clock.timestamp(), metrics(completion, moments)


def _accumulator(job: _Job) -> Accumulator:
    """Tags are looked for where the model may think; a model known not to keeps its text."""
    model = job.model
    return Accumulator(
        split_thinking="thinking" in model.capabilities or not model.capabilities_known,
        drop_thinking=job.think is False,
        alternatives=job.generation.alternatives,
    )
