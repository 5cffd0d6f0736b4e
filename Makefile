# The commands of the project. `make demo` and `make test` need Python, make and git only; the rest is set up in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.PHONY: setup demo check test test-slow coverage lint corpus fuzz boot boot-grid deploy bench client-suite install acceptance up down guide man clean

setup: $(STAMP)

$(STAMP): pyproject.toml zone/pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable 'zone[dev]' --editable '.[dev]'
	$(BIN)/python -m compileall -q core.py ova_tools rules zone/src
	touch $(STAMP)

# The man page of `ova`, made from its parser; a test compares them.
man: $(STAMP)
	$(BIN)/python docs/make_man_page.py >docs/ova.1

demo: $(STAMP)
	$(BIN)/python demo/main_job.py

# The linters, and the tests that need no zone: for every change, in well under a minute.
FAST := tests/ova_tools tests/ova_grid/test_graph.py tests/ova_grid/test_saved.py tests/ova_rules tests/docs tests/docker tests/packaging/test_release.py
FAST += $(addprefix tests/ova_admin/test_,block.py cli.py reconcile_job.py server_config.py)
IN_ZONES := tests/ova_rules/test_in_a_zone.py tests/ova_rules/test_queue.py tests/ova_rules/images
check: lint
	$(BIN)/python -m pytest -n 2 --dist loadgroup -q $(FAST) $(addprefix --ignore=,$(IN_ZONES))

# The product's tests, with the coverage of what runs outside of agents; then those of the embedded zone.
test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadgroup --cov
	cd zone && ../$(BIN)/python -m pytest -n 2 --dist loadgroup

# What takes long and has a shorter twin in `make test`.
test-slow: $(STAMP)
	$(BIN)/python -m pytest -n 2 -m slow

# Coverage with that of agents; takes twice as long.
coverage: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadgroup --cov --cov-config=tests/coverage.toml

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd zone && ../$(BIN)/mypy
	$(BIN)/lint-imports
	cd zone && ../$(BIN)/lint-imports

# Into the iRODS server of this machine, as root: shows what it changes and asks. PYTHON must be of the version that PREP
# embeds (`make install` says which). Options: ARGS="--configure-server --yes". See docs/operations.md.
ARGS ?=
install: $(VENV)/.admin
	env PYTHONPATH=$(CURDIR)/rules $(BIN)/python -m ova_admin install $(ARGS)  # this clone's, whatever pip left in VENV

$(VENV)/.admin: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[admin,downloads]'
	touch $@

# The acceptance tests against the zone of the current iRODS environment; IRODS_PASSWORD is its administrator's.
IRODS_ENVIRONMENT_FILE ?= $(HOME)/.irods/irods_environment.json
acceptance: $(STAMP)
	$(BIN)/python -m pytest tests/acceptance -q --irods-environment $(IRODS_ENVIRONMENT_FILE)

# A zone in containers: iRODS with PREP and these rules on 127.0.0.1:1247, and a client that runs the tutorial.
COMPOSE := docker compose -f docker/compose.yml
up:
	$(COMPOSE) up --build --detach --wait

guide:
	$(COMPOSE) run --rm --build client

down:
	$(COMPOSE) --profile guide down --volumes

# Inspect, set and verify every .ovf and .ova below CORPUS.
corpus: $(STAMP)
	$(if $(CORPUS),,$(error CORPUS=DIR is missing))
	$(BIN)/python -m bench.ova_tools.corpus $(CORPUS)

# Damages packages for SECONDS; nothing but our own errors may come out.
SECONDS ?= 600
fuzz: $(STAMP)
	env SECONDS=$(SECONDS) $(BIN)/python -m bench.ova_tools.fuzz

# A machine boots with its seed (as root, about ten minutes, needs packages of Debian's): docs/seeds.md. With boot-grid
# two machines of examples/grid boot, and one runs a job on the other.
GUEST ?= build/guest
boot: $(STAMP) $(GUEST)/disk.raw
	$(BIN)/python -m tests.guest.boot $(GUEST)

boot-grid: $(STAMP) $(GUEST)/disk.raw
	$(BIN)/python -m tests.guest.boot_grid $(GUEST)

# From a running machine to its deployed copy, with a guest and a libvirt (as root, about ten minutes): docs/clouds.md.
deploy: $(STAMP) $(GUEST)/bootable.raw
	$(BIN)/python -m tests.guest.deploy $(GUEST)
	$(BIN)/python -m pytest -q -m slow tests/ova_tools/deploy tests/ova_tools/capture tests/acceptance/test_moved_grid.py

$(GUEST)/bootable.raw: $(GUEST)/disk.raw
	@command -v libvirtd >/dev/null && command -v extlinux >/dev/null || \
		{ echo "make deploy needs: apt-get install libvirt-daemon-system libvirt-clients qemu-utils extlinux"; exit 1; }
	tests/guest/make_bootable.sh $(GUEST)

$(GUEST)/disk.raw:
	@command -v qemu-system-x86_64 >/dev/null && command -v mmdebstrap >/dev/null || \
		{ echo "make boot needs: apt-get install qemu-system-x86 ipxe-qemu mmdebstrap e2fsprogs"; exit 1; }
	tests/guest/build_guest.sh $(GUEST)

# Measures everything (12 minutes on two cores): bench/results, docs/performance.md, docs/plots.
# Part by part: .venv/bin/python -m bench -h
bench: $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m bench

# python-irodsclient's own tests against an embedded zone.
client-suite: $(STAMP)
	$(BIN)/python -m bench.client_suite

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
