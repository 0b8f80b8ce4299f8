# docker build -t ollama-facade .
# docker run -p 11434:11434 -e OPENAI_BASE_URL=http://backend:8000/v1 ollama-facade
#
# With a small model and a llama.cpp server inside, so that it needs neither key nor network:
# docker build --target local -t ollama-facade:local .
# docker run -p 11434:11434 ollama-facade:local

ARG PYTHON=3.13-slim-bookworm

FROM python:${PYTHON} AS build
WORKDIR /source
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# The environment gets no pip of its own: nothing is installed at run time.
RUN python -m venv --without-pip /opt/facade
COPY requirements.lock ./
RUN python -m pip --python /opt/facade/bin/python install --no-compile --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY openapi openapi
COPY proxy proxy
COPY deploy/compile_used.py deploy/
RUN python -m pip --python /opt/facade/bin/python install --no-compile --no-deps . && \
    cd / && python /source/deploy/compile_used.py /opt/facade/bin/python && \
    find /opt/facade \( -name '*.map' -o -path '*/swagger_ui_bundle/*-es-bundle*' \) -delete

FROM build AS build-local
COPY requirements-local.lock ./
RUN python -m pip --python /opt/facade/bin/python install --no-compile --no-deps --require-hashes -r requirements-local.lock

FROM python:${PYTHON} AS base
LABEL org.opencontainers.image.title="ollama-facade" \
      org.opencontainers.image.description="The Ollama HTTP API in front of any OpenAI-compatible backend" \
      org.opencontainers.image.licenses="MIT"
# glibc returns freed megabytes to the kernel and takes them again, page by page, for the next large
# body: half of the time that such a body takes. It keeps 64 MB, and blocks of up to 16 MB in its heap.
# OpenBLAS would start a thread for each core; the service uses none of its functions.
ENV PATH=/opt/facade/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_TRIM_THRESHOLD_=67108864 \
    MALLOC_MMAP_THRESHOLD_=16777216 \
    OPENBLAS_NUM_THREADS=1 \
    OLLAMA_HOST=0.0.0.0:11434
USER 10001:10001
EXPOSE 11434
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["ollama-facade", "check", "--alive"]
ENTRYPOINT ["ollama-facade"]

FROM base AS local
USER 0
# llama.cpp computes with OpenMP.
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
USER 10001:10001
COPY --from=build-local /opt/facade /opt/facade
CMD ["serve", "--local"]

FROM base
COPY --from=build /opt/facade /opt/facade
CMD ["serve"]
