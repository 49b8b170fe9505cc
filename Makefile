# Two commands, each of which does its whole set-up: `make demo` and `make test`. Run `make help` for the others.
#
# Set-up is remembered: .venv/core.stamp and its like say which lock file the virtual environment was filled from, so a
# second run starts at once. Packages come with pinned versions and hashes; nothing is built with unpinned tools.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
NODE := tests/clients/node
LOCKS := requirements
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header
WHEELS := dist
UNPACKED := $(CURDIR)/.venv/compiled
# COMPILED=1 runs tests and benchmarks on the compiled wheel in place of the source.
RUN := $(if $(COMPILED),PYTHONPATH=$(UNPACKED)) $(BIN)/python
PYTEST := $(RUN) -m pytest $(if $(COMPILED),-o pythonpath=". benchmarks")
# Live tests wait most of their time, so three share two cores; those of a file share a server, and stay together.
THREE := -n 3 --dist loadfile
TESTED := .venv/test.stamp $(if $(COMPILED),.venv/compiled.stamp)
CLIENT_PROGRAMS := curl=curl unzip=unzip openssl=openssl unshare=util-linux chromium=chromium nginx=nginx-light haproxy=haproxy caddy=caddy \
	aria2c=aria2 wget=wget go=golang-go javac=default-jdk-headless mvn=maven gcc=gcc gnustep-config=gobjc gnustep-config=gnustep-make \
	gnustep-config=libgnustep-base-dev zsh=zsh fish=fish groff=groff setsid=util-linux rclone=rclone systemd-analyze=systemd
# AWS's second command line is minutes of work, so it is for COATCHECK_SOAK=1; the first one may be `aws` in the PATH.
TOOLS := gdalinfo=gdal-bin curl=curl rclone=rclone restic=restic s3cmd=s3cmd s3fs=s3fs $(if $(COATCHECK_SOAK),/usr/bin/aws=awscli)

export PIP_DISABLE_PIP_VERSION_CHECK := 1

##@ The two commands
.PHONY: demo test

demo: .venv/images.stamp  ## the main job before your eyes; FILE=path shares your own file, KEEP=1 leaves the server up
	@scripts/debian need curl=curl
	@KEEP="$(KEEP)" $(BIN)/python scripts/demo.py $(if $(FILE),"$(FILE)")

test: check unit live ephemeral seaweed gateways ecosystem  ## everything: lint, types, unit tests, live tests with real clients and tools

##@ Parts of them; with COMPILED=1 on the compiled wheel
.PHONY: check unit live ephemeral seaweed gateways ecosystem

check: .venv/test.stamp  ## ruff, ruff format, mypy --strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

unit: $(TESTED)  ## tests that start no server and kill no process
	@$(PYTEST) -q -n 2 -m "not live"

live: $(TESTED) node  ## tests that drive a server over loopback with real clients, or kill processes
	@scripts/debian want $(CLIENT_PROGRAMS)
	@$(PYTEST) -q $(THREE) -m live --ignore=tests/ecosystem

ephemeral: $(TESTED) node  ## the live tests that one server does for all, against `serve --ephemeral`
	@$(PYTEST) -q $(THREE) -m live --ephemeral tests/clients

seaweed: $(TESTED)  ## the same, against a server that keeps bytes in SeaweedFS: of each SDK in Python its objects; ALL=1 all of them
	@$(PYTEST) -q -m live --seaweed $(if $(ALL),$(TWO) tests/clients,tests/clients/test_oss2_objects.py tests/clients/test_sdk_v2_objects.py)

gateways: $(TESTED)  ## the same, through two servers on PostgreSQL and SeaweedFS, each request to the other one; ALL=1 all of them
	@$(PYTEST) -q -m live --gateways $(if $(ALL),$(TWO) tests/clients,tests/clients/test_sdk_v2_objects.py)

ecosystem: .venv/ecosystem.stamp $(TESTED)  ## tools that speak OSS or S3 (pandas, rclone, restic, GDAL ...) against a server
	@scripts/debian want $(TOOLS)
	@$(PYTEST) -q $(THREE) tests/ecosystem

##@ Others
.PHONY: wheel man docs soak guards compare bench figures lock clean node help

wheel: .venv/test.stamp  ## into dist/: one for every Python, and a compiled one for this one (a C compiler; some minutes)
	@scripts/debian need gcc=gcc
	@rm -rf $(WHEELS)
	@$(BIN)/hatchling build --target wheel --directory $(WHEELS)
	@HATCH_BUILD_HOOK_ENABLE_CUSTOM=1 $(BIN)/hatchling build --target wheel --directory $(WHEELS)

man: .venv/test.stamp  ## docs/coatcheck.1 anew, after a change to a verb or an option
	@$(BIN)/python scripts/man_page.py

docs: .venv/docs.stamp  ## the docs as a site, in build/site; search in it needs a server: python3 -m http.server -d build/site
	@NO_MKDOCS_2_WARNING=1 .venv/docs/bin/mkdocs build --strict

soak: $(TESTED)  ## the long counts (kills, flipped bits, histories) in full; takes an hour; a table in benchmarks/results
	@COATCHECK_SOAK=1 $(PYTEST) -q -m soak --ignore=tests/ecosystem \
		--soak-table=benchmarks/results/soak-$$(date -u +%F).md

compare: $(TESTED)  ## is this tree slower than another commit? BASE=commit; QUICK=1 for a first look; ten minutes, alone
	@scripts/debian need wrk=wrk
	@$(BIN)/python benchmarks/compare.py "$(BASE)" $(if $(COMPILED),--installed $(UNPACKED)) $(if $(QUICK),--quick)

guards: .venv/test.stamp  ## takes out each guard of docs/advisories.md, in a copy of the code: its test must fail; some minutes
	@$(BIN)/python scripts/mutate_guards.py

bench: $(TESTED) .venv/bench.stamp  ## docs/benchmark.md: beside nginx and SeaweedFS; COMPILED=1 the wheel too; 20 minutes, alone; QUICK=1
	@scripts/debian need wrk=wrk nginx=nginx-light openssl=openssl
	@$(BIN)/python benchmarks/rates.py --page $(if $(COMPILED),--installed $(UNPACKED)) $(if $(QUICK),--quick)

figures: $(TESTED) .venv/bench.stamp  ## single questions: signing, decisions, 5,000,000 keys, parts and copies, pictures; half an hour
	@scripts/debian need wrk=wrk
	@$(RUN) benchmarks/signing.py
	@$(RUN) benchmarks/permissions.py
	@$(RUN) benchmarks/gateway.py
	@$(RUN) benchmarks/catalog.py --keys 5000000
	@$(RUN) benchmarks/objects.py
	@$(RUN) benchmarks/resize.py

lock: .venv/lock.stamp  ## choose package versions anew: requirements/*.txt and the npm lock file
	@$(COMPILE) --upgrade pyproject.toml --output-file $(LOCKS)/core.txt
	@$(COMPILE) --upgrade --group build --constraints $(LOCKS)/core.txt --output-file $(LOCKS)/build.txt
	@$(COMPILE) --upgrade pyproject.toml --extra images --constraints $(LOCKS)/core.txt --output-file $(LOCKS)/images.txt
	@$(COMPILE) --upgrade --group test --group check --constraints $(LOCKS)/build.txt --constraints $(LOCKS)/images.txt \
		--output-file $(LOCKS)/test.txt
	@$(COMPILE) --upgrade pyproject.toml --extra otel --constraints $(LOCKS)/core.txt --constraints $(LOCKS)/test.txt \
		--output-file $(LOCKS)/otel.txt
	@$(COMPILE) --upgrade pyproject.toml --extra object-store --constraints $(LOCKS)/core.txt --constraints $(LOCKS)/test.txt \
		--output-file $(LOCKS)/object-store.txt
	@$(COMPILE) --upgrade pyproject.toml --extra postgres --constraints $(LOCKS)/core.txt --constraints $(LOCKS)/test.txt \
		--output-file $(LOCKS)/postgres.txt
	@$(COMPILE) --upgrade --group bench --constraints $(LOCKS)/test.txt --output-file $(LOCKS)/bench.txt
	@$(COMPILE) --upgrade --group lock --constraints $(LOCKS)/core.txt --output-file $(LOCKS)/lock.txt
	@$(COMPILE) --upgrade --group pyproject.toml:ecosystem --output-file $(LOCKS)/ecosystem.txt
	@$(COMPILE) --upgrade --group docs --output-file $(LOCKS)/docs.txt
	@cd $(NODE) && npm install --package-lock-only --ignore-scripts
	@if grep -nE '^(--|-i|-f)|"resolved"' $(LOCKS)/*.txt $(NODE)/package-lock.json; then \
		echo "a lock file names where packages come from; it must not" >&2; exit 1; fi

node:
	@scripts/node $(NODE)

clean:  ## what set-up and tests made
	rm -rf .venv $(NODE)/node_modules tests/clients/*/build tests/ecosystem/*/build .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## this list
	@awk 'BEGIN { FS = ":.*##" } /^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z]+:.*##/ { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- the virtual environment ---------------------------------------------------------------------------------------
# build tools first, so that the few packages without wheels, and coatcheck itself, are built with those and no others.

.venv/build.stamp: $(LOCKS)/build.txt scripts/venv
	@PYTHON="$(PYTHON)" scripts/venv .venv
	@scripts/install .venv $(LOCKS)/build.txt
	@touch $@

.venv/core.stamp: .venv/build.stamp $(LOCKS)/core.txt pyproject.toml
	@scripts/install .venv $(LOCKS)/core.txt
	@$(BIN)/python -m pip install --quiet --no-index --no-deps --no-build-isolation --editable .
	@touch $@

# Tests process pictures, send traces, ask databases, and keep objects in SeaweedFS.
.venv/test.stamp: .venv/images.stamp .venv/otel.stamp .venv/postgres.stamp .venv/object-store.stamp

EXTRAS := .venv/images.stamp .venv/otel.stamp .venv/postgres.stamp .venv/object-store.stamp
$(EXTRAS) .venv/test.stamp .venv/bench.stamp .venv/lock.stamp: .venv/%.stamp: .venv/core.stamp $(LOCKS)/%.txt
	@scripts/install .venv $(LOCKS)/$*.txt
	@touch $@

# The compiled wheel, unpacked where PYTHONPATH can name it before the source.
.venv/compiled.stamp: .venv/test.stamp scripts/compile_hook.py $(shell find src -name '*.py')
	@$(MAKE) --no-print-directory wheel
	@rm -rf $(UNPACKED)
	@$(BIN)/python -m pip install --quiet --no-index --no-deps --target $(UNPACKED) $(WHEELS)/coatcheck-*-cp*.whl
	@touch $@

# The tools need other versions of oss2 and aiohttp than the tests, so they have an environment of their own.
.venv/ecosystem.stamp: .venv/build.stamp $(LOCKS)/ecosystem.txt
	@PYTHON="$(PYTHON)" scripts/venv .venv/ecosystem
	@scripts/install .venv/ecosystem $(LOCKS)/build.txt
	@scripts/install .venv/ecosystem $(LOCKS)/ecosystem.txt --no-compile  # of its 10,000 files we run few
	@touch $@

# The site's generator needs none of ours.
.venv/docs.stamp: .venv/build.stamp $(LOCKS)/docs.txt
	@PYTHON="$(PYTHON)" scripts/venv .venv/docs
	@scripts/install .venv/docs $(LOCKS)/docs.txt
	@touch $@
