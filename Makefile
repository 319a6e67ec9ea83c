# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

SHELL := /bin/bash
.DEFAULT_GOAL := help

export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.cache/collections
export ANSIBLE_HOME := $(CURDIR)/.cache/ansible
export PATH := $(CURDIR)/.venv/bin:$(PATH)

run := .venv/bin/python tests/tools/run_jobs.py

.PHONY: help setup lint test-fast test sanity molecule demo bench docs clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## Make or refresh .venv; instant when nothing changed
	@tests/tools/venv.sh tools >/dev/null

lint: setup ## Style, types, texts
	@$(run) lint

test-fast: setup ## Lint and unit tests: under three minutes
	@$(run) lint unit

test: setup ## Everything
	@$(run)

sanity: setup ## ansible-test sanity
	@$(run) sanity

molecule: setup ## The scenarios on real hosts; one alone, or another command: make molecule ARGS="verify -s default"
	@tests/lab/enter molecule $(or $(ARGS),test --all)

demo: setup ## A badly configured server is audited, hardened and proven; one to two minutes
	@tests/lab/enter .venv/bin/python tests/demo/demo.py

bench: setup ## What a run without changes costs, against the floor playbook
	@tests/lab/enter .venv/bin/python tests/bench/bench.py $(ARGS)

docs: setup ## Write the generated pages of docs/ again
	@.venv/bin/python tests/tools/generate_docs.py

clean: ## Remove all that was made in this checkout
	rm -rf .venv .cache .ansible .hypothesis .ruff_cache hardened-mail-*.tar.gz
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
