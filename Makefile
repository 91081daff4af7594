# Spares typing: every target is a few commands that also work without make, once .venv is activated.

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true
export GX_ANALYTICS_ENABLED := false
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup repro test test-fast check data-docs rebuild-check lock

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## make .venv from the lock (the other targets do it when it is needed)
	@scripts/setup

repro: setup  ## pull the data, run the stages that are not up to date, print the metrics
	dvc pull --quiet data.dvc
	dvc repro
	@python -m holdfast metrics

# On every core, but in no more than four processes, for each of them loads the libraries and the data anew.
PYTEST = pytest --numprocesses auto --maxprocesses 4 --dist worksteal

# The quick tests cover nine tenths of the code, all tests at least what pyproject.toml says. To measure that takes
# half as long again, and is left out of test-fast.
test: repro check  ## run every check and every test, and see that they cover as much of the code as ever
	$(PYTEST) -m "not slow" --cov --cov-report= --cov-fail-under 90
	$(PYTEST) -m slow --cov --cov-append --cov-report term:skip-covered

test-fast: setup  ## run the tests that are quick: under a minute
	$(PYTEST) -m "not slow"

check: setup  ## lint, types, duplicated code, and whether dvc.lock is current
	python -m holdfast lock-check
	ruff check .
	ruff format --check .
	mypy
	pylint --score=n src tests benchmarks

data-docs: setup  ## judge data/ by its contract, and open the Data Docs
	@python -m holdfast validate; code=$$?; \
	[ $$code -eq 2 ] || python -m webbrowser "file://$(CURDIR)/reports/data-docs/index.html" >/dev/null; exit $$code

rebuild-check: setup  ## clone HEAD, reproduce everything without a cache, compare every byte
	python -m holdfast rebuild-check

COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--strip-extras --custom-compile-command "make lock" pyproject.toml

lock: setup  ## resolve the locks anew from pyproject.toml (newest versions: make lock UPGRADE=--upgrade)
	$(COMPILE) $(UPGRADE) --all-extras --output-file requirements-work.txt
	$(COMPILE) --extra serve --constraints requirements-work.txt --output-file requirements.txt
