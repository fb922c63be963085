# Two commands on a fresh machine: `make demo` and `make test`. Python 3.11 or later and make are all they need.
PY ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo serve worker test types-and-calls browsers chromium fuzz bench chaos hostile fmt lock clean

demo: $(READY)  ## the database, the API, a worker and a seeded shop; prints the addresses
	@$(BIN)/momentum demo $(ARGS)

serve: $(READY)  ## the API alone
	@$(BIN)/momentum serve $(ARGS)

worker: $(READY)  ## one more worker
	@$(BIN)/momentum worker $(ARGS)

# Calls and browsers mostly wait, so they run beside each other; what only computes has both cores afterwards.
test: $(READY) chromium  ## every check
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	@$(MAKE) --no-print-directory -j 2 types-and-calls browsers
	$(BIN)/pytest -n 2 --dist worksteal

types-and-calls: $(READY)
	$(BIN)/mypy .
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -m phone tests/voice

browsers: $(READY)
	$(BIN)/pytest -m browser tests/e2e

fuzz: $(READY)  ## every operation of the OpenAPI document as every kind of caller: no server error, each reached
	@$(BIN)/python -m tests.api.fuzzing $(ARGS)

bench: $(READY)  ## the measured claims of benchmarks/
	@$(BIN)/python -m benchmarks $(ARGS)

chaos: $(READY)  ## real processes killed every few seconds for a compressed month; ARGS="--seed 7 --minutes 10"
	@$(BIN)/python -m tests.chaos.run $(ARGS)

hostile: $(READY)  ## a model that is an enemy, 20,000 episodes; ARGS="--only E" plays one again
	@$(BIN)/python -m tests.hostile.run $(ARGS)

fmt: $(READY)
	$(BIN)/ruff check --quiet --fix .
	$(BIN)/ruff format --quiet .

lock: $(READY)  ## requirements.lock anew from pyproject.toml; add ARGS=--upgrade for newer versions
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --extra local --extra dev $(ARGS) --output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv .momentum .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# uv comes from the lock like everything else; it installs the rest several times faster than pip. Where only pip
# is configured to reach a registry, pip does it.
$(READY): requirements.lock pyproject.toml
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Momentum needs Python 3.11 or later: make PY=/path/to/python3.11 ..."; exit 1; }
	@echo "Installing into .venv (a minute or two, once)"
	@$(PY) -m venv .venv
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r .venv/uv.lock
	@$(BIN)/uv pip install --quiet --python .venv --no-deps --require-hashes -r requirements.lock || \
		$(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
	@touch $@

# For the browser tests: Debian's, where there is none and we may install it.
chromium:
	@for name in chromium chromium-browser google-chrome; do command -v $$name > /dev/null && exit 0; done; \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null && echo "Installing Chromium" && apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium > /dev/null; } || \
		{ echo "The browser tests need Chromium. Install it and run again."; exit 1; }
