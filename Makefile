# Every target only calls one of the project's own commands; `make` alone lists them.
PYTHON ?= python3
VENV ?= .venv
OVERLAY ?= laptop
PREFLIGHT = $(VENV)/bin/preflight

help:           ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

setup:          ## create .venv from requirements.lock (a second call returns at once)
	@$(PYTHON) infra/bootstrap.py $(VENV)

demo: setup     ## live through 2013: ingest, validate, train, score, drift, retrain, gate, serve, report
	@$(PREFLIGHT) demo

test: setup     ## the tests, side by side on two to four processors, by file; half an hour on two
	@$(VENV)/bin/python -m pytest -n logical --maxprocesses 4 --dist loadfile

test-kill: setup ## kill -9 the replay at random moments and at every commit; half an hour
	@$(VENV)/bin/python -m pytest -m kill

test-serving: setup ## 10,000 generated requests to the service as it runs: no 5xx, nothing invalid accepted, all on record
	@$(VENV)/bin/python -m pytest tests/contracts -m fuzz

test-pages: setup ## every page in a real Chromium: no request leaves, no error; needs chromium, installs nothing
	@$(VENV)/bin/python -m pytest tests/pages -m pages

test-loop: setup ## an aged champion is replaced through Prefect with no hand on it, and a training is killed; ten minutes
	@$(VENV)/bin/python -m pytest tests/journey/test_loop.py -m loop

test-compose: setup ## the stack of containers: up, asked, each part killed, backup, restore; an hour, needs Docker
	@$(VENV)/bin/python -m pytest tests/compose -m compose -s

test-drills: setup ## every drill with and without its fault and its detector, every card solved; two hours
	@$(VENV)/bin/python -m pytest tests/practice -m drills -s

test-commands: setup ## every command that a page names is run on the lived year in var/; an hour
	@$(VENV)/bin/python -m pytest tests/practice -m commands

tour: setup     ## the tour of fifteen minutes from nothing to its end: the demo where no year was lived, then each step
	@$(PREFLIGHT) status --json | grep -q '"newest_week": "2013-12-30"' || $(PREFLIGHT) demo
	@$(PREFLIGHT) tour 15 --yes --again

secrets: setup  ## every password of the stack, made once, into secrets/: for Kubernetes; docker-compose makes its own
	@$(VENV)/bin/python -m infra.make_secrets secrets

site: setup     ## the documentation as a site in var/site, every link checked; open var/site/index.html
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --quiet

picture: setup  ## the picture in the README: the page of the year in var/ in a real Chromium; installs nothing
	@$(VENV)/bin/python tests/picture.py var

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
	@for image in app:pyproject.toml service:infra/docker/service.in; do $(VENV)/bin/uv pip compile "$${image#*:}" --universal \
		--python-version 3.11 --generate-hashes --no-header --quiet --constraint requirements.lock \
		--output-file "infra/docker/$${image%%:*}.lock"; done

k8s:            ## print the Kubernetes manifests of OVERLAY (laptop, production); needs kubectl, no cluster
	@kubectl kustomize infra/k8s/overlays/$(OVERLAY)

types: setup    ## mypy over the rooms, as strict as docs/ci.md says
	@$(VENV)/bin/python -m mypy

audit: setup    ## every pin of the lock looked up for known vulnerabilities; fails when it could not be
	@$(VENV)/bin/python -m infra.audit

sbom: setup     ## the bill of materials of the lock, CycloneDX, in var/sbom.json
	@$(VENV)/bin/python -m infra.sbom

committable: setup ## no tracked file is a secret, a key or something of var/
	@$(VENV)/bin/python -m infra.committable

lint-workflows: setup ## workflows and Dependabot against their schemas, and what is unsafe in them; offline
	@$(VENV)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(VENV)/bin/check-jsonschema --builtin-schema custom.github-workflows-require-timeout .github/workflows/*.yml
	@$(VENV)/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(VENV)/bin/zizmor --offline --quiet --persona pedantic --strict-collection .github .pre-commit-config.yaml

demo-short: setup ## the demo over ten weeks, in var/short; five minutes on two cores
	@PREFLIGHT_HOME=var/short PREFLIGHT_FIRST_SCORED_WEEK=2013-02-04 PREFLIGHT_LAST_DAY=2013-03-10 PREFLIGHT_TREES=10 \
		PREFLIGHT_CALIBRATION_DAYS=5 PREFLIGHT_FOLD_DAYS=5 PREFLIGHT_RETRAIN_EVERY_WEEKS=2 $(PREFLIGHT) demo

QUICK = tests/contracts tests/journey/test_short_year.py
test-quick: setup ## what newest versions break first: contracts of the outside tools, and a short life
	@$(VENV)/bin/python -m pytest $(QUICK)

test-newest: setup ## test-quick with the newest versions pyproject.toml allows; names the packages that break it
	@mkdir -p var/newest
	@$(VENV)/bin/uv pip compile pyproject.toml --group dev --group build --universal --python-version 3.11 \
		--generate-hashes --no-header --quiet --upgrade --output-file var/newest/requirements.lock
	@$(VENV)/bin/python -m infra.newest requirements.lock var/newest/requirements.lock -- python -m pytest $(QUICK)

test-worker: setup ## a Prefect worker is killed with -9 in mid-run, its run is marked, the next makes it whole; some minutes
	@$(VENV)/bin/python -m pytest tests/journey/test_worker.py -m loop

clean:          ## forget the year: remove var/ (the environment stays)
	@rm -rf var

.PHONY: help setup demo demo-short test test-quick test-newest test-kill test-contract test-serving test-pages picture test-loop test-worker \
	test-compose bench bench-serving bento lint types audit sbom committable lint-workflows lock secrets k8s clean
