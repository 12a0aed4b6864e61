# Two commands do all the set-up: `make table` and `make test`.

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
CHECK :=

.PHONY: help main dev table test test-slow test-faults test-install check bench bench-http load \
	soak production notebooks notebooks-write notebooks-check test-notebooks test-browser \
	course-html lint types docs docs-check wheel lock clean

help:
	@echo "make table       measure the lesson's table (ARGS='--quick' for a tenth of the sizes)"
	@echo "make test        run the test suite"
	@echo "make test-slow   run the tests that take minutes"
	@echo "make test-faults run the clients that hang up, stall and come all at once"
	@echo "make test-install  install on every Python found, with old and new versions (needs an index)"
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
	@echo "make wheel       build the wheel that is installed into other projects"
	@echo "make lock        pin the dependencies anew"
	@echo "make clean       remove the environment and everything built"

table: main
	$(BIN)/lab table $(ARGS)

test: dev
	$(BIN)/python -m pytest -n auto --maxprocesses 4 $(ARGS)

test-slow: dev
	$(BIN)/python -m pytest -m "slow and not install" -n auto --maxprocesses 4 $(ARGS)

test-faults: dev
	$(BIN)/python -m pytest -m faults $(ARGS)

test-install: dev
	$(BIN)/python -m pytest -m install -n 2 --dist worksteal $(ARGS)

check: dev
	LAB_TOKEN="$$($(BIN)/lab serve --token)" \
		$(BIN)/lab check --file benchmarks/budgets.toml --junit build/budgets.xml $(ARGS)

# `pytest-benchmark --storage=file://build/bench/runs compare` compares runs.
BENCH := $(BIN)/python -m pytest --benchmark-quiet \
	--benchmark-autosave --benchmark-storage=file://build/bench/runs benchmarks

bench: dev
	@mkdir -p build/bench
	$(BENCH) --benchmark-json build/bench/bench.json $(ARGS)
	$(BIN)/python -m lab.report.speed build/bench

bench-http: dev
	@mkdir -p build/bench
	$(BENCH)/test_over_http.py -m "http or not http" \
		--benchmark-json build/bench/bench-http.json $(ARGS)
	$(BIN)/python -m lab.report.speed build/bench

load: dev
	$(BIN)/lab load $(ARGS)

soak: dev
	$(BIN)/lab load --time 10m --users 10 --out build/soak --require "failures = 0" \
		--require "rss growth < 1%" --require "descriptors growth < 20%" \
		--require "connections growth < 20%" $(ARGS)

production: dev
	$(BIN)/python -m benchmarks.production $(ARGS)

# Where it is run as root, as in containers, a token and 127.0.0.1 still guard it.
notebooks: dev
	$(BIN)/jupyter lab --ip=127.0.0.1 --allow-root --ServerApp.root_dir="$(CURDIR)" \
		--LabApp.default_url=/lab/tree/notebooks/00-the-lens.ipynb $(ARGS)

notebooks-write: dev
	$(BIN)/python -m lab.course.sources --write

notebooks-check: dev
	$(BIN)/python -m lab.course.sources --check

test-notebooks: dev
	$(BIN)/python -m pytest -m notebooks -n auto --maxprocesses 2 tests/test_course_notebooks.py $(ARGS)

test-browser: dev
	$(BIN)/python -m pytest -m browser tests/test_course_browser.py $(ARGS)

course-html: dev
	$(BIN)/python -m lab.course.pages $(ARGS)

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: dev
	$(BIN)/mypy
	$(BIN)/mypy requirements

docs: dev
	$(BIN)/lab traps --all --json build/traps/traps.json
	$(BIN)/python -m lab.report.readme --write build

docs-check: dev
	$(BIN)/lab traps --all --json build/traps/traps.json
	$(BIN)/python -m lab.report.readme --check build

# Two layers in one environment: what the table needs, and on top of it what all others need. The
# lock is whole and is installed with --no-deps, so that nothing is resolved here.
# A PYTHON that is named makes the environment anew if another one made it.
main dev:
	@command -v "$(PYTHON)" >/dev/null || { echo "memory-lab: there is no $(PYTHON):" \
		"install Python 3.11 or newer, or choose another one (make PYTHON=python3.12 ...)." >&2; exit 2; }
	@"$(PYTHON)" -E -c 'import sys; v = sys.version_info[:2]; v >= (3, 11) or sys.exit("memory-lab:" \
		" $(PYTHON) is Python %d.%d, and 3.11 or newer is needed:" \
		" choose another one (make PYTHON=python3.12 ...)." % v)'
	@"$(PYTHON)" -E requirements/install.py $@ $(if $(filter file,$(origin PYTHON)),,--chosen) $(CHECK)

# The wheel is for other projects: pip install memory_lab-*.whl
wheel: main
	$(BIN)/python -m hatchling build --target wheel --directory dist

# Packages that do not fit together are what it mends, so they are not checked here.
lock: CHECK := --no-check
lock: dev
	$(BIN)/python requirements/lock.py --upgrade $(ARGS)

clean:
	rm -rf .venv/lib .venv build dist .pytest_cache .mypy_cache .ruff_cache
