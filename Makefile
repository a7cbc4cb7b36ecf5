# make app and make test do all the set-up, from a bare clone with Python 3.11.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

APP := .venv-app
DEV := .venv
SOURCES := edge_app train convert benchmarks tests

.PHONY: app test test-slow check lint types format constraints clean
app: $(APP)/ready  ## open the kiosk on 127.0.0.1:7860
	$(APP)/bin/python -m edge_app serve

test: $(DEV)/ready  ## pass every test
	$(DEV)/bin/python -m pytest

check: lint types test  ## lint, format, types, tests

lint: $(DEV)/ready
	$(DEV)/bin/ruff check $(SOURCES)
	$(DEV)/bin/ruff format --check $(SOURCES)

types: $(DEV)/ready
	$(DEV)/bin/mypy

format: $(DEV)/ready  ## write the house format
	$(DEV)/bin/ruff check --fix $(SOURCES)
	$(DEV)/bin/ruff format $(SOURCES)

$(APP)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(APP)
	$(APP)/bin/pip install --quiet --editable '.[edge]'
	touch $@

$(DEV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/pip install --quiet --editable '.[edge,tflite-runtime,train,dev]'
	touch $@

clean:
	rm -rf $(APP) $(DEV) build *.egg-info
