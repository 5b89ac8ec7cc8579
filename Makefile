# `make` without a target lists the targets. Needs Python 3.11 or newer and nothing else.
# Written for GNU make 3.81, the version of macOS.

VENV := .venv
REQUIREMENTS := deploy/requirements
INSTALL := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-input
EXTRACTION := $(VENV)/bin/python -m deploy.cli.main
PYTHON := $(shell for candidate in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$candidate && break; \
	done)

.DEFAULT_GOAL := help
.PHONY: help demo story test faults fuzz soak mutants audit validate-deploy rehearse-ha coverage check load peak verdicts bench bench-growth bench-cutover docs release texts format lock clean

help: ## List the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) \
		| while IFS='|' read -r name text; do printf '  make %-15s %s\n' "$$name" "$$text"; done

demo: $(VENV)/demo.installed ## Run the whole product on this machine until Ctrl-C
	@$(EXTRACTION) demo

test: $(VENV)/dev.installed $(VENV)/load.installed ## Run the tests on their own servers
	@$(VENV)/bin/python -m pytest -n 3 --dist worksteal -m "not long and not tools"

faults: $(VENV)/dev.installed $(VENV)/load.installed ## Run the long tests: 200 cutovers each way, kills, random search; write deploy/docs/faults.md
	@seed=$${SEED:-$$($(PYTHON) -c 'import secrets; print(secrets.randbelow(10**9))')}; \
	echo "property tests search at random with seed $$seed; to repeat the search: make faults SEED=$$seed"; \
	$(VENV)/bin/python -m pytest -n 2 --dist worksteal -m "(long or hypothesis or row) and not tools" \
		--hypothesis-profile random --hypothesis-seed $$seed --rows-page=deploy/docs/faults.md

fuzz: $(VENV)/dev.installed $(VENV)/load.installed $(VENV)/fuzz.installed ## Fuzz the decoders, guided by coverage, for a minute each, or for SECONDS
	@FUZZ_SECONDS=$(if $(SECONDS),$(SECONDS),60) $(if $(SEED),FUZZ_SEED=$(SEED)) \
		$(VENV)/bin/python -m pytest -n 2 --dist worksteal tests/fuzz/test_corpus.py tests/fuzz/test_guided.py

soak: $(VENV)/dev.installed $(VENV)/load.installed ## Inject random faults under load for ten minutes, or for SECONDS; SEED repeats them
	@$(VENV)/bin/python -m tests.soak $(if $(SEED),--seed $(SEED)) \
		$(if $(SECONDS),--seconds $(SECONDS),--seconds 600 --page deploy/docs/soak.md)

mutants: $(VENV)/dev.installed $(VENV)/load.installed ## Change one thing at a time in engine, lease guard and verifier; write deploy/docs/mutants.md
	@$(VENV)/bin/python -m tests.mutation $(if $(MUTANTS),--mutants $(MUTANTS)) $(if $(SEED),--seed $(SEED))

audit: $(VENV)/audit.installed ## Look the pinned packages up in the advisory database
	@bash $(REQUIREMENTS)/audit.sh "$(abspath $(VENV))/bin/pip-audit"

validate-deploy: $(VENV)/dev.installed $(VENV)/load.installed $(VENV)/ship.installed ## Build, run and validate what is in deploy: images, proxies, units, manifests
	@$(VENV)/bin/python -m pytest -n 2 --dist loadfile -m tools tests/deploy

rehearse-ha: $(VENV)/dev.installed $(VENV)/load.installed $(VENV)/ha.installed ## Rehearse failovers of databases, Redis, quorum and webs under load; ARGS=--help lists options
	@$(VENV)/bin/python -m loadtests.rehearsal $(ARGS)

coverage: $(VENV)/dev.installed $(VENV)/load.installed ## Run the tests and print the branch coverage of each package
	@rm -rf .artifacts/coverage && mkdir -p .artifacts/coverage
	@$(VENV)/bin/python -m coverage run -m pytest -n 2 --dist worksteal -m "not long and not tools"
	@$(VENV)/bin/python -m tests.coverage_by_package

check: $(VENV)/dev.installed $(VENV)/load.installed ## Check style, types and import rules
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

story: $(VENV)/dev.installed $(VENV)/load.installed ## Demonstrate an extraction under load, in under four minutes
	@$(VENV)/bin/python -m loadtests.story

load: $(VENV)/demo.installed $(VENV)/load.installed ## Send a peak hour to the running demo through each adapter
	@$(EXTRACTION) load

peak: $(VENV)/dev.installed $(VENV)/load.installed ## Map the capacities of monolith, bulkhead, own database and service, quickly
	@$(EXTRACTION) lab run --quick --arms M1,MB,MD,X || { code=$$?; test $$code -eq 40 || exit $$code; }

verdicts: $(VENV)/dev.installed $(VENV)/load.installed ## Measure the four registered scenarios, in two to four hours
	@$(EXTRACTION) lab verdicts

bench: $(VENV)/dev.installed $(VENV)/load.installed ## Measure the product relative to bare servers and databases
	@$(VENV)/bin/python -m loadtests.bench

bench-growth: $(VENV)/dev.installed $(VENV)/load.installed ## Measure searching and booking with up to ten million appointments
	@$(VENV)/bin/python -m loadtests.bench growth --sizes 10000,100000,1000000,10000000

bench-cutover: $(VENV)/dev.installed $(VENV)/load.installed ## Measure cutovers under load, the first copy and the fence
	@$(VENV)/bin/python -m loadtests.bench.cutover

docs: $(VENV)/docs.installed ## Build the documentation as a site, with its links and spelling checked
	@$(VENV)/bin/python -m deploy.docs.site .artifacts/docs
	@$(VENV)/bin/codespell --skip "*.po.md" --ignore-words deploy/docs/spelling.txt .artifacts/docs/pages
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --quiet --strict --config-file .artifacts/docs/mkdocs.yml
	@echo "open .artifacts/docs/site/index.html"

release: $(VENV)/dev.installed ## Build the wheels and the notes of TAG, such as v0.2.0
	@$(VENV)/bin/python -m deploy.release "$(TAG)" .artifacts/release

texts: $(VENV)/dev.installed ## Update the catalogues of translations after a change of texts; list what is not translated
	@$(VENV)/bin/python -m monolith.shared.localization.extraction

format: $(VENV)/dev.installed ## Format the code
	@$(VENV)/bin/ruff check --fix
	@$(VENV)/bin/ruff format

lock: ## Re-lock the dependencies after a change of pyproject.toml
	@bash $(REQUIREMENTS)/lock.sh

clean: python ## Remove the demo's data, reports and caches, but not the virtual environment
	@$(PYTHON) -m deploy.devstack.clean
	@rm -rf .artifacts .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

# One stamp per set of pinned packages: pip runs only after a change of its list or of pyproject.toml.
$(VENV)/%.installed: $(REQUIREMENTS)/%.txt $(REQUIREMENTS)/build.txt pyproject.toml | $(VENV)/made
	@echo "installing the packages of $(REQUIREMENTS)/$*.txt"
	@$(INSTALL) --require-hashes -r $(REQUIREMENTS)/build.txt -r $(REQUIREMENTS)/$*.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/made: | python
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot create virtual environments:" \
		"install its venv module (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

.PHONY: python
python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is required, but was found under none of the names" \
		"python3, python3.11 to python3.14: install it and run make again" >&2; exit 2; }
