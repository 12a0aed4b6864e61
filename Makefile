# Every target that needs it sets up .venv first.

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
CHECK :=

# Hundreds of processes import the lab: none of them is to compile it again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help main dev table test everything test-slow test-faults test-install test-neighbours \
	check bench bench-check bench-http load soak production notebooks notebooks-write notebooks-check test-notebooks test-browser \
	course-html lint types docs docs-check wheel lock clean

help:
	@echo "make table           measure the lesson's table (ARGS=--quick for a tenth of the sizes)"
	@echo "make test            run the test suite"
	@echo "make test-slow       run the tests that take minutes"
	@echo "make everything      run all of it at full sizes, before a release (takes hours)"
	@echo "make test-faults     test servers with clients that disconnect, stall or connect all at once"
	@echo "make test-install    test the installation on every Python found (needs a package index)"
	@echo "make test-neighbours test with other pytest plugins and frameworks (needs a package index)"
	@echo "make check           check the memory budgets of the lab's own variants"
	@echo "make bench           time every variant against the fastest tool (ARGS=--tenth for small sizes)"
	@echo "make bench-check     check the answers of the benchmarks without timing them"
	@echo "make bench-http      the same over HTTP, with one client and with eight"
	@echo "make load            load test: users against memory under a cap (ARGS=--quick for small sizes)"
	@echo "make soak            check that ten minutes of mixed load do not raise memory"
	@echo "make production      measure the effect of server settings on memory"
	@echo "make notebooks       open the course in JupyterLab"
	@echo "make test-notebooks  run every notebook with its solutions"
	@echo "make test-browser    run one notebook in JupyterLab in a browser"
	@echo "make notebooks-write generate the notebooks from their sources"
	@echo "make notebooks-check check that the notebooks match their sources"
	@echo "make course-html     run the notebooks and export each as an HTML page"
	@echo "make lint types      check style and types"
	@echo "make docs            generate the parts of README and docs that come from build/"
	@echo "make docs-check      check that the generated parts are current"
	@echo "make wheel           build the wheel for installation in other projects"
	@echo "make lock            pin the newest versions of all dependencies"
	@echo "make clean           remove .venv and all generated files"

table: main
	$(BIN)/lab table $(ARGS)

# Four workers, on two cores as well: a third of the tests wait for processes and clients. The tests
# of a file share what they have set up, so they go to one worker.
PYTEST := $(BIN)/python -m pytest
PARALLEL := -n 4 --dist loadfile --no-loadscope-reorder
STEALING := -n 4 --dist worksteal

test: dev
	$(PYTEST) $(PARALLEL) $(ARGS)

test-slow: dev
	$(PYTEST) -m "slow and not full and not install" $(STEALING) $(ARGS)

# What is run before a release, and what `make docs` takes its figures from.
everything: export MEMORY_LAB_CURVES := $(CURDIR)/build/curves
everything: dev
	rm -rf build/curves
	$(MAKE) test
	$(PYTEST) -m "(slow or full) and not install and not notebooks and not neighbours" $(STEALING)
	$(MAKE) test-neighbours ARGS="-m neighbours"
	$(MAKE) test-install test-faults check lint types notebooks-check
	$(MAKE) test-notebooks NOTEBOOKS=notebooks
	$(MAKE) test-browser bench bench-http load production table docs-check

test-faults: dev
	$(PYTEST) -m faults -n 2 --dist worksteal tests/web $(ARGS)

test-install: dev
	$(PYTEST) -m install -n 2 --dist worksteal tests/set_up $(ARGS)

test-neighbours: dev
	$(BIN)/python requirements/neighbours.py
	$(PYTEST) -m "neighbours and not full" -n 2 --dist worksteal \
		tests/plugin tests/measure/test_your_app.py $(ARGS)

check: dev
	LAB_TOKEN="$$($(BIN)/lab serve --token)" \
		$(BIN)/lab check --file benchmarks/budgets.toml --junit build/budgets.xml $(ARGS)

# `pytest-benchmark --storage=file://build/bench/runs compare` compares runs.
BENCH := $(PYTEST) --benchmark-quiet \
	--benchmark-autosave --benchmark-storage=file://build/bench/runs benchmarks

bench: dev
	@mkdir -p build/bench
	$(BENCH) --benchmark-json build/bench/bench.json $(ARGS)
	$(BIN)/python -m benchmarks.report.speed build/bench

# Answers alone, at a tenth of the sizes; nothing is timed.
bench-check: dev
	$(PYTEST) --tenth --benchmark-disable benchmarks $(ARGS)

bench-http: dev
	@mkdir -p build/bench
	$(BENCH)/test_over_http.py -m "http or not http" \
		--benchmark-json build/bench/bench-http.json $(ARGS)
	$(BIN)/python -m benchmarks.report.speed build/bench

load: dev
	$(BIN)/lab load $(ARGS)

soak: dev
	$(BIN)/lab load --time 10m --users 10 --out build/soak --require "failures = 0" \
		--require "rss growth < 1%" --require "descriptors growth < 20%" \
		--require "connections growth < 20%" $(ARGS)

production: dev
	$(BIN)/python -m benchmarks.production $(ARGS)

# As root, in containers for example, the token and 127.0.0.1 still protect it.
notebooks: dev
	$(BIN)/jupyter lab --ip=127.0.0.1 --allow-root --ServerApp.root_dir="$(CURDIR)" \
		--LabApp.default_url=/lab/tree/notebooks/00-the-lens.ipynb $(ARGS)

notebooks-write: dev
	$(BIN)/python -m lab.course.sources --write

notebooks-check: dev
	$(BIN)/python -m lab.course.sources --check

NOTEBOOKS := notebooks and not full

test-notebooks: dev
	$(PYTEST) -m "$(NOTEBOOKS)" -n 2 tests/course/test_notebooks.py $(ARGS)

test-browser: dev
	$(PYTEST) -m browser tests/course/test_browser.py $(ARGS)

# The pages load nothing from the network.
course-html: dev
	MEMORY_LAB_COURSE=$$(mktemp -d) $(BIN)/jupyter nbconvert --execute --to html \
		--HTMLExporter.mathjax_url= --HTMLExporter.require_js_url= --HTMLExporter.jquery_url= \
		--output-dir build/course notebooks/*.ipynb $(ARGS)

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: dev
	$(BIN)/mypy
	$(BIN)/mypy requirements

docs: dev
	$(BIN)/lab traps --all --json build/traps/traps.json
	$(BIN)/python -m benchmarks.report.readme --write build

docs-check: dev
	$(BIN)/lab traps --all --json build/traps/traps.json
	$(BIN)/python -m benchmarks.report.readme --check build

# Two layers in one environment: `main` is what the table needs, `dev` adds the rest. The lock pins
# every package and is installed with --no-deps. If PYTHON is given, an environment of another
# Python is rebuilt.
main dev:
	@command -v "$(PYTHON)" >/dev/null || { echo "memory-lab: $(PYTHON) was not found:" \
		"install Python 3.11 or newer, or choose another one (make PYTHON=python3.12 ...)." >&2; exit 2; }
	@"$(PYTHON)" -E -c 'import sys; v = sys.version_info[:2]; v >= (3, 11) or sys.exit("memory-lab:" \
		" $(PYTHON) is Python %d.%d, but 3.11 or newer is needed:" \
		" choose another one (make PYTHON=python3.12 ...)." % v)'
	@"$(PYTHON)" -E requirements/install.py $@ $(if $(filter file,$(origin PYTHON)),,--chosen) $(CHECK)

# The wheel is for other projects: pip install memory_lab-*.whl
wheel: main
	$(BIN)/python -m hatchling build --target wheel --directory dist

# Incompatible packages are a reason to run it, so they are no error here.
lock: CHECK := --no-check
lock: dev
	$(BIN)/python requirements/lock.py --upgrade $(ARGS)

clean:
	rm -rf .venv/lib .venv build dist .pytest_cache .mypy_cache .ruff_cache
