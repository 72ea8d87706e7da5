# `make help` lists what there is to make.
PYTHON ?= python3.13
UV := .tools/uv/bin/uv
SAM := SAM_CLI_TELEMETRY=0 PYTHON=$(CURDIR)/.tools/uv/bin/python .tools/sam/bin/sam # the one with pip builds the layer
INSTALL = $(UV) pip sync --quiet --require-hashes --python
STAMPS := .venv/.done .tools/sam/.done .tools/ministack/.done
EVENT ?= events/cloudwatch-alarm.json
ANSWERS ?= samconfig.user.toml
ALERTMANAGER := .tools/alertmanager/usr/bin/prometheus-alertmanager
CHROMIUM := /usr/bin/chromium
MAY_INSTALL = test "$$(id -u)" = 0 && command -v apt-get >/dev/null

.DEFAULT_GOAL := help
.PHONY: help setup supported sizes runtime demo test on-this-system unit check build deploy credentials local invoke container podman \
  gamedays crash-matrix storm faults bench faithful payloads model mutants tables pictures checkov pins release clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: supported sizes $(STAMPS) ## install everything the project needs, all of it below .venv and .tools
	@echo "the command line is .venv/bin/remediator"

supported: # this system and processor
	@case "$$(uname -sm)" in "Linux x86_64") ;; \
	"Linux aarch64" | "Darwin arm64") echo "on $$(uname -sm) the command line, make check, unit and deploy work;" \
	  "what runs the built function (demo, local, invoke, test) needs Linux on x86_64, on Windows WSL 2" ;; \
	*) echo "$$(uname -sm) isn't supported: libraries may have to be compiled" ;; esac

sizes:
	@test -e .venv/.done || echo "about 700 MB are fetched into .venv and .tools; make clean removes them"

runtime: supported .tools/runtime/.done ## install AWS's runtime client, for what runs in the runtime emulator

demo: setup ## heal the incident of 2025-04-08 on this machine, without a cloud account
	.venv/bin/remediator gameday fail

test: on-this-system setup runtime check build $(ALERTMANAGER) $(CHROMIUM) ## all tests, with real parts, on a bare machine (about five minutes)
	.venv/bin/python -m pytest -n 4 --dist worksteal --cov --no-cov-on-fail  # on two cores too: game days wait more than they work

on-this-system: # what `make test` is going to install, said before it does
	@echo "make test installs in this checkout: .venv, .tools and .aws-sam, as far as they aren't there, about 0.8 GB; make clean removes them"
	@echo "make test installs on this system: $$(if test -e $(CHROMIUM); then echo "nothing, since Chromium is there"; \
	  elif $(MAY_INSTALL); then echo "Debian's chromium, by apt-get, about 0.8 GB with all it needs, to look at pages in a browser"; \
	  else echo "nothing, without root and apt-get; tests in a browser are skipped until you install the package chromium"; fi)"

unit: .venv/.done ## the unit tests alone
	.venv/bin/python -m pytest tests/unit -q -n 2

check: .venv/.done .tools/sam/.done ## lint, formats, types, workflows, template
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/zizmor --offline --quiet --strict-collection .
	AWS_DEFAULT_REGION=us-east-1 $(SAM) validate --lint

build: .tools/sam/.done ## build function and layer with SAM
	AWS_DEFAULT_REGION=us-east-1 $(SAM) build --cached

deploy: credentials build ## deploy into your AWS account; asks for the parameters the first time, and with ASK=1
	@grep -qs parameter_overrides $(ANSWERS) || { cp samconfig.toml $(ANSWERS); ask=--guided; \
	  echo "what each parameter means: docs/settings.md"; }; \
	$(SAM) deploy --config-file $(ANSWERS) $$ask $(if $(ASK),--guided) || \
	{ echo "to be asked again, with your answers as they are in $(ANSWERS): make deploy ASK=1"; exit 1; }

credentials: .tools/sam/.done
	@.tools/sam/bin/python -m simulator.credentials

local: $(STAMPS) ## keep a shop and the deployed stack up until Ctrl-C; ADDRESS=… also where a container reaches them
	.venv/bin/python -m simulator local $(if $(ADDRESS),--address $(ADDRESS))

invoke: $(STAMPS) .tools/runtime/.done ## hand EVENT (events/cloudwatch-alarm.json) to the built function, against what `make local` keeps up
	.venv/bin/python -m simulator invoke $(EVENT)

podman:
	@$(MAY_INSTALL) || { echo "make container installs Debian's podman and runc on this system, by apt-get as root, and this isn't root" \
	  "or has no apt-get: nothing was done" >&2; exit 1; }
	@echo "make container installs Debian's podman and runc on this system, by apt-get: about 0.2 GB, for an engine that runs containers"

container: podman setup runtime ## needs ../shared, Debian and root: README's `sam local invoke` in Podman, which it installs
	apt-get update -qq && apt-get install -qq -y --no-install-recommends podman runc >/dev/null
	@at=$(CURDIR)/.tools/container; trap 'kill $$(cat $$at/service.pid); rm -rf $$at' EXIT; \
	  ../shared/tools/container-image.sh $(CURDIR) $$at && DOCKER_HOST=unix://$$at/podman.sock \
	  .venv/bin/python -m pytest -q tests/e2e/test_container.py | tee $$at/log && grep -q '^1 passed' $$at/log

pictures: setup $(CHROMIUM) ## draw README's two anew, of a real heal and of a game day's report
	.venv/bin/python -m simulator pictures

gamedays: setup ## play every game day through the deployed stack, one after the other: about a quarter of an hour
	@set -e; days=$$(.venv/bin/remediator gameday --list --json | .venv/bin/python -c \
	  "import json, sys; print(*(day['name'] for day in json.load(sys.stdin)))"); for day in $$days; do \
	  .venv/bin/remediator gameday $$day > .tools/gameday.log; tail -1 .tools/gameday.log; done

crash-matrix: setup ## kill a run at each of its boundaries, then 200 times at random: about a minute
	.venv/bin/python -m tests.protocol.crash_matrix --random 200

storm: setup runtime ## 1,000 copies of an alarm at once, over ten seconds, and 200 through the deployed stack: a minute
	.venv/bin/python -m tests.protocol.storm

faults: setup ## each AWS call under each fault, with its outcome: about a minute
	.venv/bin/python -m tests.protocol.faults

bench: setup runtime ## measure a heal beside the limit and forty lines (../shared), into benchmarks/RESULTS.md: about six minutes
	.venv/bin/python -m benchmarks

faithful: .venv/.done ## needs ../shared: replay every capture of the real shop against the stand-in
	@test -d ../shared/contract/captures && .venv/bin/python -m pytest -q tests/integration/test_captures.py

payloads: .venv/.done ## needs ../shared: hold the alarm readers against the payloads collected there
	../shared/payloads/check --command ".venv/bin/remediator alarm"

model: .venv/.done ## 40,000 random worlds of the protocol: about three minutes
	.venv/bin/python -m tests.protocol.model 40000

mutants: .venv/.done ## change guard, mask and alarm readers in one small way at a time: over an hour
	.venv/bin/python -m tests.support.mutate

tables: .venv/.done ## write the documents' tables that repeat template or code anew
	.venv/bin/python -m tools.tables

checkov: .tools/checkov/.done ## hold the template against checkov's rules; refusals are in .checkov.yaml
	.tools/checkov/bin/checkov --config-file .checkov.yaml --file template.yaml

pins: .tools/uv/.done ## pin the newest versions anew, with hashes
	cd requirements && for each in layer uv sam ministack runtime checkov dev bench; do ../$(UV) pip compile --quiet --upgrade --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --python-version 3.13 $$each.in \
	  -o $$(test $$each = layer && echo ../layers/core/requirements || echo $$each).txt; done

$(ALERTMANAGER): # it is unpacked here, and not installed
	@mkdir -p .tools/alertmanager && cd .tools/alertmanager && get="apt-get download -qq prometheus-alertmanager" && \
	  { $$get 2>/dev/null || { $(MAY_INSTALL) && apt-get update -qq && $$get; }; } && dpkg -x *.deb . && rm -f *.deb || \
	  echo "Debian's prometheus-alertmanager can't be had: its test is skipped"

$(CHROMIUM):
	@if $(MAY_INSTALL); then apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium >/dev/null || \
	  echo "Debian's chromium can't be had: the tests that need it are skipped"; fi

release: ## VERSION=x.y.z: set the version, date the changelog, commit and tag; nothing is pushed
	@$(PYTHON) tools/release.py "$(VERSION)"

clean: ## remove what make has fetched and built, but not your answers in samconfig.user.toml
	@test ! -d .local || flock --nonblock .local true || { echo "make local is up: end it first" >&2; exit 1; }
	@size() { du -sm . | cut -f1; }; before=$$(size); \
	rm -rf .venv .tools .aws-sam .local .hypothesis .mypy_cache .pytest_cache .ruff_cache .coverage*; \
	find . -name __pycache__ -prune -exec rm -rf {} +; \
	echo "$$((before - $$(size))) MB removed; make setup fetches .venv and .tools again"

.tools/uv/.done: requirements/uv.txt
	@$(PYTHON) -c "import ensurepip, sys, venv; sys.exit(sys.version_info[:2] != (3, 13))" 2>/dev/null || { \
	  echo "CPython 3.13 with its venv module is needed, and $(PYTHON) isn't it:" \
	  "apt-get install python3.13-venv, or pyenv install 3.13, or PYTHON=…" >&2; exit 1; }
	$(PYTHON) -m venv .tools/uv
	.tools/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

.venv/.done: requirements/dev.txt pyproject.toml simulator/pyproject.toml .tools/uv/.done
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	$(INSTALL) .venv/bin/python $<
	$(UV) pip install --quiet --no-deps --no-build-isolation --python .venv/bin/python --editable . ./simulator
	@touch $@

.tools/%/.done: requirements/%.txt .tools/uv/.done
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .tools/$*
	$(INSTALL) .tools/$*/bin/python $<
	@touch $@
