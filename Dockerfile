# docker build -t ollama-facade .
# docker run -p 11434:11434 -e OPENAI_BASE_URL=http://backend:8000/v1 ollama-facade

FROM python:3.13-slim AS build
WORKDIR /source
RUN python -m venv /opt/facade
COPY requirements.lock .
RUN /opt/facade/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY openapi openapi
COPY proxy proxy
RUN /opt/facade/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim
COPY --from=build /opt/facade /opt/facade
ENV PATH=/opt/facade/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    OLLAMA_HOST=0.0.0.0:11434
USER 10001:10001
EXPOSE 11434
ENTRYPOINT ["ollama-facade"]
CMD ["serve"]
