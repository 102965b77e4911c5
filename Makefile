# make demo    trains and measures everything on a small scale
# make test    checks everything
# PYTHON       the interpreter to start from:  make demo PYTHON=python3.12

PYTHON ?= python3

.PHONY: help demo test docs release-check clean
.DELETE_ON_ERROR:

help:
	@echo "make demo    install into .venv, train the small recipe, print the path of its report; goes on where it was stopped"
	@echo "make test    install into .venv, then lint, types, layers and tests"
	@echo "make docs    install into .venv, build the site into site/, check every link"
	@echo "make release-check   build the wheel, install it alone in a bare environment, run the smallest demo there"
	@echo "make clean   remove .venv, the site and caches; runs stay"

demo: .venv/.installed
	.venv/bin/marey demo --recipe small --out runs/demo --resume

# One thread for each of the two test processes: more would fight over the same cores.
test: .venv/.installed-dev
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	OMP_NUM_THREADS=1 .venv/bin/pytest -n 2

docs: .venv/.installed-docs
	.venv/bin/python docs/make_site.py

release-check: .venv/.installed
	.venv/bin/python dev/release_check.py

# The stamps are touched last, so a stopped installation is taken up again and a finished one is not repeated.
.venv/.installed: pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "marey needs Python 3.11 or newer and '$(PYTHON)' is not; name one, as in: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	"$(PYTHON)" -m venv .venv
	.venv/bin/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

.venv/.installed-dev: .venv/.installed
	.venv/bin/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@

.venv/.installed-docs: .venv/.installed
	.venv/bin/python -m pip install --quiet --constraint constraints.txt --editable ".[docs]"
	@touch $@

clean:
	rm -rf .venv .cache site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find src tests -name __pycache__ -prune -exec rm -rf {} +
