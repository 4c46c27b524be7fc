# Needs only Python and make. Each target installs what it needs into .venv once; after that it works offline.
#   make demo      train with three frameworks and look at the record
#   make test      run the tests            (ARGS="-k journal" narrows them)
#   make sklearn   run scikit-learn's own tests with and without autolog
#   make lint types slow bench clean
# Another interpreter for a new .venv:  make PYTHON=python3.12 test

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
BIN := $(VENV)/bin

PIP := $(BIN)/python -m pip --disable-pip-version-check install --constraint constraints.txt
# What an installation depends on: an integration registers itself by its folder and what its __init__.py declares.
INPUTS := pyproject.toml constraints.txt hatch_build.py autotrack/__init__.py \
	$(wildcard integrations/autotrack_*/__init__.py)

.PHONY: demo test slow sklearn lint types bench clean
.DELETE_ON_ERROR:

demo: $(VENV)/.demo
	$(BIN)/python examples/demo.py

test: $(VENV)/.test
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile $(ARGS)

slow: $(VENV)/.test
	$(BIN)/python -m pytest -m slow $(ARGS)

sklearn: $(VENV)/.test
	$(BIN)/python tests/parity $(ARGS)

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.lint $(VENV)/.test
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache autotrack/*.pyi
	find autotrack integrations tests examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("autotrack needs Python 3.11 or later, \
	and %s is %s.%s; name another one: make PYTHON=python3.11 $(MAKECMDGOALS)" % (sys.executable, *sys.version_info[:2]))'
	$(PYTHON) -m venv --clear $(VENV)
	touch $@

# The build back end lies in .venv too, so that installing again after an edit asks no index.
$(VENV)/.build: $(VENV)/.made constraints.txt
	$(PIP) hatchling editables
	touch $@

$(VENV)/.lint: $(VENV)/.build $(INPUTS)
	$(PIP) --no-build-isolation --editable ".[lint]"
	$(BIN)/pyright --version  # its first start fetches its program: now, not when one is offline
	touch $@

$(VENV)/.demo $(VENV)/.test $(VENV)/.bench: $(VENV)/.%: $(VENV)/.build $(INPUTS)
	$(PIP) --no-build-isolation --editable ".[$*]"
	touch $@
