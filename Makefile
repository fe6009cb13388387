# Every target only calls one of the project's own commands; `make` alone lists them.
PYTHON ?= python3
VENV ?= .venv
PREFLIGHT = $(VENV)/bin/preflight

help:           ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

setup:          ## create .venv from requirements.lock (a second call returns at once)
	@$(PYTHON) infra/bootstrap.py $(VENV)

demo: setup     ## live through 2013: ingest, validate, train, score, drift, retrain, gate, serve, report
	@$(PREFLIGHT) demo

test: setup     ## the tests, about twenty minutes on two cores
	@$(VENV)/bin/python -m pytest

test-kill: setup ## kill -9 the replay at random moments and at every commit; half an hour
	@$(VENV)/bin/python -m pytest -m kill

test-serving: setup ## 10,000 generated requests to the service as it runs: no 5xx, nothing invalid accepted, all on record
	@$(VENV)/bin/python -m pytest tests/contracts -m fuzz

test-pages: setup ## every page in a real Chromium: no request leaves, no error; needs chromium, installs nothing
	@$(VENV)/bin/python -m pytest tests/pages -m pages

test-loop: setup ## an aged champion is replaced through Prefect with no hand on it, and a training is killed; ten minutes
	@$(VENV)/bin/python -m pytest tests/journey/test_loop.py -m loop

bench: setup    ## the data path of the year: seconds and memory, beside pandas, and on ten times the rows
	@$(VENV)/bin/python -m benchmarks.data_path

bench-serving: setup ## the service beside mlflow models serve, BentoML, FastAPI; needs wrk and a lived year; 8 minutes
	@$(VENV)/bin/python -m benchmarks.serving

test-contract: setup ## 10,000 generated batches that keep the contract and 10,000 that break it; up to an hour
	@$(VENV)/bin/python -m pytest -m contract -k keep & keeping=$$!; \
		$(VENV)/bin/python -m pytest -m contract -k break; breaking=$$?; \
		wait $$keeping && exit $$breaking

bento: setup    ## the service as a Bento, in var/bentoml: `bentoml serve preflight:latest`
	@BENTOML_DO_NOT_TRACK=True BENTOML_HOME=var/bentoml $(VENV)/bin/bentoml build . -f infra/bento/bentofile.yaml

lint: setup     ## ruff, format and rules
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .

lock:           ## pin again everything that pyproject.toml allows
	@$(VENV)/bin/uv pip compile pyproject.toml --group dev --group build --universal --python-version 3.11 \
		--generate-hashes --no-header --quiet --upgrade --output-file requirements.lock

test-worker: setup ## a Prefect worker is killed with -9 in mid-run, its run is marked, the next makes it whole; some minutes
	@$(VENV)/bin/python -m pytest tests/journey/test_worker.py -m loop

clean:          ## forget the year: remove var/ (the environment stays)
	@rm -rf var

.PHONY: help setup demo test test-kill test-contract test-serving test-pages test-loop bench bench-serving bento lint lock test-worker clean
