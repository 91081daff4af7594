# Spares typing: every target is a few commands that also work without make, once .venv is activated.

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true
export GX_ANALYTICS_ENABLED := false
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup repro repro-changed committed report gate pr ci release retrain serve mlflow test test-fast check \
	data-docs docs rebuild-check lock

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## make .venv from the lock (the other targets do it when it is needed)
	@scripts/setup

repro: setup  ## pull the data, run the stages that are not up to date, print the metrics
	dvc pull --quiet data.dvc
	dvc repro
	@python -m holdfast metrics

# A pull brings what is in the remote; what is neither there nor here is made. With `dvc repro --pull --allow-missing`
# alone, a missing intermediate counts as a good one, until the stage that wants to read it fails.
repro-changed: setup  ## the same, but take models that others trained and pushed instead of training them again
	dvc pull --quiet --allow-missing
	dvc repro

committed:  ## tell whether what dvc repro made is what is committed
	@[ -z "$$(git status --porcelain -- dvc.lock artifacts)" ] || { git status --short -- dvc.lock artifacts; \
		echo "error: dvc.lock or metrics.json: not committed as dvc repro writes them." >&2; \
		echo "  fix: dvc repro && git add dvc.lock artifacts && git commit" >&2; exit 1; }

AGAINST = $(if $(BASE),--base "$(BASE)")
report: setup  ## judge the model here against that of main (BASE=REV: of another revision), and open the report
	python -m holdfast report $(AGAINST)
	@[ -n "$$CI" ] || python -m webbrowser "file://$(CURDIR)/reports/comparison/report.html" >/dev/null

gate: setup  ## tell whether the report lets this model be promoted
	python -m holdfast gate $(AGAINST)

pr: setup  ## print the comment that a pull request from here would get
	@python -m holdfast report $(AGAINST)
	@cat reports/comparison/report.md

ci:  ## run the jobs of .github/workflows/ci.yml, on the Python that is here
	.ci/run
	@CI=true $(MAKE) --no-print-directory repro-changed committed report gate

# Only where it is typed: shells know a variable of that name, too.
IN = $(if $(filter command,$(origin ENV)),HOLDFAST_ENV="$(ENV)")
release: setup  ## take HEAD into an environment, as its workflow does (ENV=dev, uat or prod; APPROVED_BY="ann ben")
	$(IN) python -m holdfast release $(APPROVED_BY:%=--approved-by "%")

retrain: setup  ## add the next month (MONTH=YYYY-MM: all up to that one), reproduce, push, report
	dvc pull --quiet data.dvc
	python -m holdfast ingest $${MONTH:+--through} "$${MONTH:---next}"
	dvc add --quiet data
	dvc repro
	dvc push
	pytest --quiet tests/model/test_golden.py --update-golden
	python -m holdfast report --base HEAD

# On every core, but in no more than four processes, for each of them loads the libraries and the data anew. The slow
# tests of a file stay together, for what they stand on is made once a process, and takes longer than they do; those of
# tests/conftest.py's LONGEST begin, so that none of them is left over at the end.
PYTEST = pytest --numprocesses auto --maxprocesses 4 --dist worksteal

# The quick tests alone cover at least as much of the code as pyproject.toml says: what only a slow test reaches is not
# guarded while people work. To measure that takes half as long again, and is left out of test-fast.
test: repro check  ## run every check and every test, and see that they cover as much of the code as ever
	$(PYTEST) -m "not slow" --cov --cov-report term:skip-covered
	$(PYTEST) --dist loadfile --no-loadscope-reorder -m slow

test-fast: setup  ## run the tests that are quick: a few minutes
	$(PYTEST) -m "not slow"

check: setup  ## lint, types, duplicated code, workflows, and whether dvc.lock is current
	python -m holdfast lock-check
	ruff check .
	ruff format --check .
	printf 'mypy\npylint --score=n src app tests benchmarks\n' | xargs -P 2 -I {} sh -c '{}'
	zizmor --offline --quiet --no-progress --persona auditor .github
	check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	check-jsonschema --quiet --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/[!c]*.yml
	check-jsonschema --quiet --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci .gitlab-ci.yml
	check-jsonschema --quiet --builtin-schema vendor.citation-file-format CITATION.cff
	shellcheck .ci/run scripts/*

serve: setup  ## serve the model here, at http://127.0.0.1:8000
	@[ -z "$$CI" ] && (sleep 5; python -m webbrowser http://127.0.0.1:8000 >/dev/null) & PYTHONPATH=src exec gunicorn app.wsgi:app

PORT = 5000
mlflow: setup  ## look at the runs and models of this folder's store, at http://127.0.0.1:5000 (PORT=N: another)
	@MLFLOW_TRACKING_URI= python -c "from pathlib import Path; from holdfast import store; store.connect(Path.cwd())"
	@[ -z "$$CI" ] && (sleep 8; python -m webbrowser http://127.0.0.1:$(PORT) >/dev/null) & \
	exec env MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false mlflow server --backend-store-uri sqlite:///mlflow.db \
		--default-artifact-root ./mlartifacts --no-serve-artifacts --host 127.0.0.1 --port $(PORT) --workers 1

data-docs: setup  ## judge data/ by its contract, and open the Data Docs
	@python -m holdfast validate; code=$$?; \
	[ $$code -eq 2 ] || python -m webbrowser "file://$(CURDIR)/reports/data-docs/index.html" >/dev/null; exit $$code

docs: repro  ## build the site of this documentation, strictly, and open it
	python -m docs._ext.reference
	sphinx-build -c docs -d reports/doctrees -n -W --keep-going --quiet . reports/site
	@[ -n "$$CI" ] || python -m webbrowser "file://$(CURDIR)/reports/site/docs/index.html" >/dev/null

rebuild-check: setup  ## clone HEAD, reproduce everything without a cache, compare every byte
	python -m holdfast rebuild-check

COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--strip-extras --custom-compile-command "make lock" pyproject.toml

lock: setup  ## resolve the locks anew from pyproject.toml (newest versions: make lock UPGRADE=--upgrade)
	$(COMPILE) $(UPGRADE) --all-extras --output-file requirements-work.txt
	$(COMPILE) --extra serve --constraints requirements-work.txt --output-file requirements.txt
