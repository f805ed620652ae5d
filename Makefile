# Everything a newcomer types: make demo, make test. `make help` lists the rest.
.DEFAULT_GOAL := help
PY := .venv/bin/python
LIMEN := .venv/bin/limen

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/.ready  ## virtual environment with pinned packages, kernels built, models checked

.venv/.ready: requirements.lock pyproject.toml CMakeLists.txt scripts/setup $(wildcard native/*/*)
	@bash scripts/setup

demo: setup  ## the whole story: two countries, a wanted person found, an innocent one forgotten
	@$(LIMEN) demo

serve: setup  ## run the hub (data in limen-data/, Ctrl-C stops it)
	@$(LIMEN) serve

test: setup  ## all tests; installs the Debian packages they need where it may
	@bash scripts/test

check: setup  ## lint, types, the rooms' imports, and secrets in the tree
	@$(PY) -m ruff format --check src tests
	@$(PY) -m ruff check src tests
	@$(PY) -m mypy
	@.venv/bin/lint-imports
	@$(PY) scripts/secrets

audit: setup  ## known vulnerabilities of what is pinned (asks PyPI), and an SBOM in build/sbom.json
	@$(PY) scripts/audit

bench: setup  ## long measurements (speed); accuracy is `limen evaluate`
	@$(PY) -m benchmarks

lock:  ## pin the newest allowed versions with hashes (needs uv)
	uv pip compile --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
	  --extra dev --extra build --no-emit-package opencv-python-headless pyproject.toml -o requirements.lock

clean:  ## remove the environment and all that was built
	rm -rf .venv build

.PHONY: help setup demo serve test check audit bench lock clean
