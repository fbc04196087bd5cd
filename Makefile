# What a developer does here. `make demo` and `make test` need only Python and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test check format bench fuzz soak clean

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: $(STAMP)  ## build skills/ and watch answers stream, be interrupted, and fall back
	$(BIN)/skillc demo

test: $(STAMP)  ## all tests, on asyncio and trio
	$(BIN)/pytest

check: $(STAMP)  ## format, lint, types, and whether build/ is up to date
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy $(shell find build -name '*.py')
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/skillc build --check

format: $(STAMP)  ## rewrite what `check` would complain about
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)  ## ratios to a baseline of the same run
	$(BIN)/pytest benchmarks --benchmark-only -o faulthandler_timeout=600

fuzz: $(STAMP)  ## the property tests at full size, on all cores
	FUZZ=1 $(BIN)/pytest -m hypothesis --numprocesses=auto --dist=worksteal -v -o faulthandler_timeout=3600

SOAK_PYTHONS ?= 3.12 3.13

soak: $(STAMP)  ## the stress tests at full size, then all tests on the other Pythons
	SOAK=1 $(BIN)/pytest tests/soak tests/runtime/engine -o faulthandler_timeout=3600
	for version in $(SOAK_PYTHONS); do \
	  $(MAKE) test VENV=.venv-$$version PYTHON=$$(python$$version -c 'import sys; print(sys.executable)' 2>/dev/null || ls -d $$HOME/.pyenv/versions/$$version.*/bin/python | tail -n 1) || exit 1; \
	done

clean:
	rm -rf $(VENV) .venv-* .mypy_cache .ruff_cache .hypothesis .benchmarks
