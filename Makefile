# `make` alone says what there is. Needs Python 3.11 or newer, and nothing else installed.
# Written for GNU make 3.81, the one that macOS has.

VENV := .venv
REQUIREMENTS := deploy/requirements
INSTALL := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-input
EXTRACTION := $(VENV)/bin/python -m deploy.cli.main
PYTHON := $(shell for candidate in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$candidate && break; \
	done)

.DEFAULT_GOAL := help
.PHONY: help demo story test faults coverage check load peak bench bench-growth bench-cutover format lock clean

help: ## Say what there is
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) \
		| while IFS='|' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

demo: $(VENV)/demo.installed ## Run the whole product on this machine, until Ctrl-C
	@$(EXTRACTION) demo

test: $(VENV)/dev.installed $(VENV)/load.installed ## Run the tests, on servers of their own
	@$(VENV)/bin/python -m pytest -n 2 --dist worksteal -m "not long"

faults: $(VENV)/dev.installed $(VENV)/load.installed ## Run the tests that take minutes: 200 moves each way, kills at every point, the whole model
	@$(VENV)/bin/python -m pytest -n 2 --dist worksteal -m long

coverage: $(VENV)/dev.installed $(VENV)/load.installed ## Run the tests and print the branch coverage of each package
	@rm -rf .artifacts/coverage && mkdir -p .artifacts/coverage
	@$(VENV)/bin/python -m coverage run -m pytest -n 2 --dist worksteal -m "not long"
	@$(VENV)/bin/python -m tests.coverage_by_package

check: $(VENV)/dev.installed $(VENV)/load.installed ## Check style, types and import rules
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

story: $(VENV)/dev.installed $(VENV)/load.installed ## Tell the story of an extraction, in under four minutes
	@$(VENV)/bin/python -m loadtests.story

load: $(VENV)/demo.installed $(VENV)/load.installed ## Send a peak hour to the demo that runs, through either adapter
	@$(EXTRACTION) load

peak: $(VENV)/dev.installed $(VENV)/load.installed ## Play the peak hour: a quick look at the monolith, a bulkhead, the service
	@$(EXTRACTION) lab run --quick --arms M1,MB,X --blocks 3 --seconds 11 --idle-seconds 8 \
		|| { code=$$?; test $$code -eq 20 || exit $$code; }

bench: $(VENV)/dev.installed $(VENV)/load.installed ## Measure against bare floors, as ratios taken in one run
	@$(VENV)/bin/python -m loadtests.bench

bench-growth: $(VENV)/dev.installed $(VENV)/load.installed ## Measure searching and booking among ten million appointments
	@$(VENV)/bin/python -m loadtests.bench growth --sizes 10000,100000,1000000,10000000

bench-cutover: $(VENV)/dev.installed $(VENV)/load.installed ## Measure moves under load, the first copy and the fence
	@$(VENV)/bin/python -m loadtests.bench.cutover

format: $(VENV)/dev.installed ## Put the code in the house style
	@$(VENV)/bin/ruff check --fix
	@$(VENV)/bin/ruff format

lock: ## Pin the dependencies anew, after pyproject.toml has changed
	@bash $(REQUIREMENTS)/lock.sh

clean: python ## Remove the demo's data, reports and caches; the virtual environment stays
	@$(PYTHON) -m deploy.devstack.clean
	@rm -rf .artifacts .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

# Each stamp stands for one set of pinned packages; pip runs only when its list has changed.
$(VENV)/%.installed: $(REQUIREMENTS)/%.txt $(REQUIREMENTS)/build.txt pyproject.toml | $(VENV)/made
	@echo "installing the packages of $(REQUIREMENTS)/$*.txt"
	@$(INSTALL) --require-hashes -r $(REQUIREMENTS)/build.txt -r $(REQUIREMENTS)/$*.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/made: | python
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments:" \
		"install its venv module (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

.PHONY: python
python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and was found under none of the names" \
		"python3, python3.11 to python3.14: install it and run make again" >&2; exit 2; }
