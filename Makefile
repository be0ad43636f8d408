# The two commands of daily life are `make sync` and `make site`; each sets up what it needs first.
VENV   := .venv
PYTHON ?= python3
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help sync install watch demo site serve test test-real lint format docs lock clean

help:            ## list the targets
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

sync: $(VENV)/semantic   ## read new sessions, commit what they taught, exchange it with the remote (DRY_RUN=1 shows only)
	@$(BIN)/agent-context sync $(if $(DRY_RUN),--dry-run)

install: $(VENV)/agents  ## put plugin, hooks and MCP server into the coding agents here
	@$(BIN)/agent-context install

watch: $(VENV)/watch     ## sync some minutes after each session, while this runs
	@$(BIN)/agent-context watch

demo: $(VENV)/semantic   ## try it on sample sessions in a temporary knowledge base
	@$(BIN)/agent-context demo

site: $(VENV)/site       ## build the browsable site into site/
	@$(BIN)/agent-context site

serve: $(VENV)/site      ## serve the site on http://127.0.0.1:8000
	@$(BIN)/agent-context site --serve

test: $(VENV)/dev        ## run the tests
	@$(BIN)/python -m pytest -n auto -m "not real"

test-real: $(VENV)/real  ## run the slow tests on real parts (torch, the real Claude Code)
	@$(BIN)/python -m pytest -m real

lint: $(VENV)/dev        ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(VENV)/dev      ## let ruff format and mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(VENV)/dev        ## write the generated reference pages anew
	@$(BIN)/python agent-context/docs/generate.py

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("agent-context needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else 0'
	@echo "Setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/semantic: $(BIN)/python pyproject.toml constraints.txt
	@$(PIP) --editable '.[semantic]'
	@touch $@

$(VENV)/agents: $(VENV)/semantic
	@$(PIP) --editable '.[semantic,mcp,live]'
	@touch $@

$(VENV)/watch: $(VENV)/semantic
	@$(PIP) --editable '.[semantic,watch]'
	@touch $@

$(VENV)/site: $(VENV)/semantic
	@$(PIP) --editable '.[semantic,site]'
	@touch $@

$(VENV)/dev: $(VENV)/site
	@$(PIP) --editable '.[semantic,site,dev]'
	@touch $@

$(VENV)/real: $(VENV)/dev
	@$(PIP) torch==2.13.0
	@command -v npm >/dev/null || { apt-get update -qq && apt-get install -y -qq npm; }
	@npm install --silent --no-fund --no-audit --prefix $(VENV)/claude @anthropic-ai/claude-code@2.1.329 @modelcontextprotocol/inspector@0.15.0
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { apt-get update -qq && apt-get install -y -qq chromium; }
	@npm install --silent --no-fund --no-audit --prefix $(VENV)/browser axe-core@4.14.1
	@$(PIP) --editable '.[semantic,site,dev,sentence-transformers,browser]'
	@touch $@

lock:            ## write constraints.txt anew from the newest versions that fit
	@rm -rf .lock && $(PYTHON) -m venv .lock && .lock/bin/pip install -q torch==2.13.0
	@.lock/bin/pip install -q --editable '.[semantic,site,dev,sentence-transformers,browser]'
	@head -n 1 constraints.txt > .lock/constraints
	@.lock/bin/pip freeze --exclude-editable | sed 's/+cpu$$//' >> .lock/constraints
	@mv .lock/constraints constraints.txt && rm -rf .lock

clean:           ## remove what was set up and built
	rm -rf $(VENV) .site site
