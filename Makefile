# Needs python3, make and a package registry; all else is installed into .venv by requirements/setup.
# Options go through: make demo ARGS="--headless --speed max --seed 7"

SHELL = /bin/sh
ARGS =

.PHONY: help setup demo test check eval bench lock clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile

setup: ## make or update .venv (run dependencies)
	@sh requirements/setup run && .venv/bin/python -m agent.understanding.model

demo: ## a simulated day: ARGS="--headless --speed max --seed 7"
	@sh requirements/setup run && .venv/bin/python -m agent.understanding.model
	@.venv/bin/doorstep demo $(ARGS)

test: ## all tests, two at a time: ARGS="tests/core -k clock"
	@sh requirements/setup run test && .venv/bin/python -m agent.understanding.model
	@.venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: ## lint, format, types and architecture
	@sh requirements/setup run test
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/python -m pytest -q tests/test_architecture.py

eval: ## scenarios and graders on the simulated world
	@sh requirements/setup run && .venv/bin/python -m agent.understanding.model
	@.venv/bin/doorstep eval $(ARGS)
	@.venv/bin/python -m evals.understanding

bench: ## speed and memory, measured on this machine
	@sh requirements/setup run bench
	@.venv/bin/python -m evals.bench $(ARGS)
	@.venv/bin/python -m evals.bench_live

lock: ## write requirements/*.lock anew: ARGS="--upgrade" moves the pins
	@sh requirements/setup lock $(ARGS)

clean: ## remove .venv and what tools left behind
	rm -rf .venv .bootstrap .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
