# The commands people use. The logic lives in tools/; CI calls these same targets.

.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON := .venv/bin/python
DEMO_OUT ?= demo-out

.PHONY: help setup demo qgis test check package link bench docs lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## build .venv/ from the locked packages, with the tools of development
	@tools/setup.sh dev

demo: ## set up what is needed and run the main job on the embedded demo world
	@tools/setup.sh engine
	@.venv/bin/rs-copilot demo --out $(DEMO_OUT)

qgis: ## open QGIS with the plugin loaded and the demo scene on the map
	@tools/setup.sh engine qgis
	@$(PYTHON) tools/open_qgis.py --scene $(DEMO_OUT)

test: ## set up what is needed, QGIS included where it may be installed, and run every test
	@tools/setup.sh dev train qgis
	@$(PYTHON) tools/run_tests.py

check: ## format, lint, types, import contracts, versions, changelog, protocol copy, security scan
	@tools/setup.sh dev
	@$(PYTHON) tools/check.py

package: ## build the plugin's zip and the engine's wheel into dist/
	@tools/setup.sh dev
	@$(PYTHON) tools/build_plugin.py
	@$(PYTHON) tools/build_wheel.py

link: ## link the plugin into a QGIS profile (PROFILE=name, default "default")
	@tools/setup.sh engine
	@$(PYTHON) tools/link_plugin.py $(if $(PROFILE),--profile $(PROFILE))

bench: ## run the benchmarks on the demo world and, with RS_COPILOT_DATA, on real flights
	@tools/setup.sh dev
	@$(PYTHON) tools/bench.py

docs: ## rebuild the generated pages and the screenshots of docs/
	@tools/setup.sh dev qgis docs
	@$(PYTHON) tools/build_docs.py

lock: ## resolve the locked packages again after a change in pyproject.toml
	@tools/setup.sh dev
	@$(PYTHON) tools/lock.py

clean: ## remove what the targets made, except .venv/ and the demo
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
