# Two commands do all the set-up: `make table` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp-$(shell cat pyproject.toml requirements.txt 2>/dev/null | cksum | cut -d' ' -f1)
ARGS ?=

.PHONY: help table test test-slow test-faults check bench bench-http load soak production notebooks \
	notebooks-write notebooks-check test-notebooks test-browser course-html lint types docs docs-check lock clean

help:
	@echo "make table       measure the lesson's table (ARGS='--quick' for a tenth of the sizes)"
	@echo "make test        run the test suite"
	@echo "make test-slow   run the tests that take minutes"
	@echo "make test-faults run the clients that hang up, stall and come all at once"
	@echo "make check       hold the lab's own variants to their memory budgets"
	@echo "make bench       time every variant beside the limit (ARGS=--tenth for a quick look)"
	@echo "make bench-http  the same over HTTP, for one client and for eight"
	@echo "make load        users against memory, under a cap (ARGS=--quick for a tenth)"
	@echo "make soak        ten minutes of mixed load, which must not grow"
	@echo "make production  measure what the settings of a server do to its memory"
	@echo "make notebooks   open the course in JupyterLab"
	@echo "make test-notebooks  run every notebook, as it is and with its solutions"
	@echo "make test-browser    run one in JupyterLab, in a real browser"
	@echo "make notebooks-write notebooks-check  make the notebooks of their sources, or check them"
	@echo "make course-html     run the notebooks and write each as a page"
	@echo "make lint types  check style and types"
	@echo "make docs        write the generated parts of README and docs from build"
	@echo "make docs-check  check that they are current"
	@echo "make lock        pin the dependencies anew"
	@echo "make clean       remove the environment and everything built"

table: $(STAMP)
	$(BIN)/lab table $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest -n auto --maxprocesses 4 $(ARGS)

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow -n auto --maxprocesses 4 $(ARGS)

test-faults: $(STAMP)
	$(BIN)/python -m pytest -m faults $(ARGS)

check: $(STAMP)
	LAB_TOKEN="$$($(BIN)/lab serve --token)" \
		$(BIN)/lab check --file benchmarks/budgets.toml --junit build/budgets.xml $(ARGS)

# `pytest-benchmark --storage=file://build/bench/runs compare` compares runs.
BENCH := $(BIN)/python -m pytest --benchmark-quiet \
	--benchmark-autosave --benchmark-storage=file://build/bench/runs benchmarks

bench: $(STAMP)
	@mkdir -p build/bench
	$(BENCH) --benchmark-json build/bench/bench.json $(ARGS)
	$(BIN)/python -m lab.report.speed build/bench

bench-http: $(STAMP)
	@mkdir -p build/bench
	$(BENCH)/test_over_http.py -m "http or not http" \
		--benchmark-json build/bench/bench-http.json $(ARGS)
	$(BIN)/python -m lab.report.speed build/bench

load: $(STAMP)
	$(BIN)/lab load $(ARGS)

soak: $(STAMP)
	$(BIN)/lab load --time 10m --users 10 --out build/soak --require "failures = 0" \
		--require "rss growth < 1%" --require "descriptors growth < 20%" \
		--require "connections growth < 20%" $(ARGS)

production: $(STAMP)
	$(BIN)/python -m benchmarks.production $(ARGS)

# Where it is run as root, as in containers, a token and 127.0.0.1 still guard it.
notebooks: $(STAMP)
	$(BIN)/jupyter lab --ip=127.0.0.1 --allow-root --ServerApp.root_dir="$(CURDIR)" \
		--LabApp.default_url=/lab/tree/notebooks/00-the-lens.ipynb $(ARGS)

notebooks-write: $(STAMP)
	$(BIN)/python -m lab.course.sources --write

notebooks-check: $(STAMP)
	$(BIN)/python -m lab.course.sources --check

test-notebooks: $(STAMP)
	$(BIN)/python -m pytest -m notebooks -n auto --maxprocesses 2 tests/test_course_notebooks.py $(ARGS)

test-browser: $(STAMP)
	$(BIN)/python -m pytest -m browser tests/test_course_browser.py $(ARGS)

course-html: $(STAMP)
	$(BIN)/python -m lab.course.pages $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

docs: $(STAMP)
	$(BIN)/lab traps --all --json build/traps/traps.json
	$(BIN)/python -m lab.report.readme --write build

docs-check: $(STAMP)
	$(BIN)/lab traps --all --json build/traps/traps.json
	$(BIN)/python -m lab.report.readme --check build

# The environment is as new as the files that describe it: their checksum is in the stamp's name.
$(STAMP): pyproject.toml requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"memory-lab needs Python 3.11 or newer and $(PYTHON) is %d.%d: make PYTHON=python3.12 ..." \
		% sys.version_info[:2])'
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--requirement requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation \
		--no-deps --editable .
	@touch $@

# No index and no address is written into the file; hashes alone say what may be installed.
lock: $(STAMP)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
		--upgrade --output-file requirements.txt

clean:
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache
