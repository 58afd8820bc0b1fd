# Everything is kept in .venv beside this file; a second run finds it ready.
.DELETE_ON_ERROR:
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/runtime
READY := $(VENV)/ready

.PHONY: help demo test lock generate bench clean

help:
	@echo "make demo      set up, then show a customer's balance on the embedded sandbox"
	@echo "make test      set up, then run every check: style, types, tests, coverage"
	@echo "make bench     measure start-up, debits, lists and people against bare scripts"
	@echo "make generate  write man/, docs/commands.md, and parts of the README again"
	@echo "make lock      choose the newest development dependencies again"
	@echo "make clean     remove .venv"

# What the program needs to run, and then what its checks need besides.
$(RUNTIME): requirements/runtime.txt requirements/dev.txt requirements/venv.sh pyproject.toml
	@PYTHON="$(PYTHON)" sh requirements/venv.sh $(VENV) requirements/runtime.txt
	@touch $@

$(READY): $(RUNTIME)
	@PYTHON="$(PYTHON)" sh requirements/venv.sh $(VENV) requirements/dev.txt
	@touch $@

demo: $(RUNTIME)
	@BIN=$(BIN) sh docs/demo.sh

test: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --cov --cov-report=term $(TESTS)

generate: $(READY)
	$(BIN)/python docs/generate.py
	$(BIN)/python man/generate.py

lock: $(READY)
	$(BIN)/python requirements/lock.py

bench: $(READY) $(VENV)/bench
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/debit.py
	$(BIN)/python benchmarks/bulk.py
	$(BIN)/python benchmarks/people.py

$(VENV)/bench: requirements/httpie.txt requirements/venv.sh
	@PYTHON="$(PYTHON)" sh requirements/venv.sh $@ requirements/httpie.txt

clean:
	rm -rf $(VENV)
