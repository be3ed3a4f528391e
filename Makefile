# make demo     everything on this machine, one page to try it        make test    what has to hold
# make install  .venv with the command .venv/bin/taigan               make check   style, types, who may import whom

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
BARRIER ?= simulated
DATA_DIR ?= data$(if $(filter-out simulated,$(BARRIER)),-$(BARRIER))
DEMO ?=

.DEFAULT_GOAL := demo
.PHONY: install dev peers system demo test pictures crash check docs screenshots bench bench-wire mutate format clean

install: $(VENV)/.installed

# pyproject.toml decides what is in the environment, so a change of it installs again.
$(VENV)/.installed: pyproject.toml tools/install locks/run.txt
	@echo "Installing into $(VENV) …"
	@PYTHON="$(PYTHON)" VENV="$(VENV)" tools/install .
	@touch $@

dev: $(VENV)/.installed-dev

$(VENV)/.installed-dev: pyproject.toml tools/install locks/dev.txt
	@echo "Installing into $(VENV), with what tests and checks need …"
	@PYTHON="$(PYTHON)" VENV="$(VENV)" tools/install ".[dev]"
	@touch $(VENV)/.installed $@

# Apart from the rest: where pydantic is installed, each of the hundreds of processes that tests start would load it.
peers: $(VENV)/.installed-peers

$(VENV)/.installed-peers: pyproject.toml tools/install
	@echo "Installing into $(VENV), with what the benchmarks compare with …"
	@PYTHON="$(PYTHON)" VENV="$(VENV)" tools/install ".[dev,bench]"
	@touch $(VENV)/.installed $(VENV)/.installed-dev $@

$(VENV)/.installed-mutate: pyproject.toml tools/install
	@echo "Installing into $(VENV), with what changes the code under the tests …"
	@PYTHON="$(PYTHON)" VENV="$(VENV)" tools/install ".[dev,mutate]"
	@touch $(VENV)/.installed $(VENV)/.installed-dev $@

# Browser, fonts, PostgreSQL, MQTT broker: what the tests run against.
system:
	@tools/system-packages

demo: install
	@exec $(BIN)/taigan demo --host $(HOST) --data-dir $(DATA_DIR) --barrier $(BARRIER) $(DEMO)

# What touches the database runs on both engines, but the rows of a table of cases, and the tests of leaving and of
# messages, each on one of them in turn; by ENGINES=both on both, too. Whole stacks, as a user starts them, are on SQLite;
# STACKS_ON=postgresql puts them on the other.
ENGINES ?= in-turn
STACKS_ON ?= sqlite
# Two for each core: tests wait for processes, disks and clocks as well. With more, each takes longer than it saves.
JOBS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) * 2 )))
test: export TAIGAN_TEST_ENGINES = $(ENGINES)
test: export TAIGAN_TEST_STACKS_ON = $(STACKS_ON)
# A worker that a hanging test ended ends the run: what replaces it has been seen to stand still.
# Kept, whatever is set outside: or each worker would compile every test, and each process the code.
test: export PYTHONDONTWRITEBYTECODE =

test: dev system
	$(BIN)/pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder --max-worker-restart 0 $(TESTS)

# Every page in every state, in both languages, wide and narrow, light and dark, for people to look at: ./artefacts.
pictures: dev system
	TAIGAN_TEST_PICTURES=1 $(BIN)/pytest --numprocesses $(JOBS) --dist loadfile tests/browser tests/hub/admin

# The same as in `test`, many times over: kills, cut connections, BoLink's troubles, a full disk, a clock set back, and
# streets from seeds (a thousand take about seven minutes), from FIRST_STREET on; and STAYS through all ways of paying.
KILL_ROUNDS ?= 20
TROUBLE_ROUNDS ?= 10
STREETS ?= 1000
FIRST_STREET ?= 1
STAYS ?= 10000
crash: export TAIGAN_TEST_STREETS = $(STREETS)
crash: export TAIGAN_TEST_FIRST_STREET = $(FIRST_STREET)
crash: export TAIGAN_TEST_STAYS = $(STAYS)

crash: dev system
	TAIGAN_TEST_KILL_ROUNDS=$(KILL_ROUNDS) TAIGAN_TEST_TROUBLE_ROUNDS=$(TROUBLE_ROUNDS) $(BIN)/pytest --log-cli-level=INFO tests/crash tests/simulation

check: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/generate_docs.py --check
	$(BIN)/python tools/check_translations.py
	$(BIN)/python tools/check_supply.py
	@$(MAKE) --no-print-directory docs

# The documents as a site in ./site, searchable without a server; a dead link fails it.
docs: dev
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --config-file mkdocs.en.yml

# The pictures of the documents, taken anew from a running demo.
screenshots: dev system
	$(BIN)/python tools/take_screenshots.py

# Entries a second, side by side with the machine's limit, the usual stack and PostgreSQL alone; BENCH="--growth 5".
bench: peers system
	$(BIN)/python -m benchmarks.entry $(BENCH)

# What one message costs on the wire, against json and pydantic in the same run.
bench-wire: peers
	$(BIN)/python benchmarks/wire.py

# Which changes of the code no test sees: of one room, or MUTATE="src/… -- tests/…" of other code.
# MUTANTS=400 or MINUTES=20 for a sample, ONLY='Comparison|AndWith|OrWith|Not|True|Continue' for switches alone.
ROOM ?= tariff
LOT := src/taigan/lot
mutate_tariff := $(wildcard $(LOT)/tariff/*.py $(LOT)/tariff/*/*.py) \
	-- $(filter-out %test_properties.py,$(wildcard tests/lot/tariff/test_*.py))
mutate_stays := $(wildcard $(LOT)/stays/*.py) -- "-knot postgresql" $(wildcard tests/lot/stays/test_*.py) \
	tests/lot/leaving/paying/test_reductions.py tests/lot/leaving/test_in_sets.py
mutate_leaving := $(wildcard $(LOT)/leaving/*.py $(LOT)/leaving/*/*.py) -- "-knot postgresql" \
	$(filter-out %test_every_way_of_paying.py,$(wildcard tests/lot/leaving/test_*.py tests/lot/leaving/*/test_*.py)) \
	$(patsubst %,tests/lot/%.py,stays/test_passes stays/test_days_of_passes lanes/test_which_way people/test_attendant \
	messages/test_what_bolink_tells) tests/sides/test_surplus.py
mutate_lanes := $(LOT)/lifts.py $(wildcard $(LOT)/lanes/*.py $(LOT)/entering/*.py) -- "-knot postgresql" \
	$(filter-out %test_at_once.py %test_barrier_settings.py,$(wildcard $(patsubst %,tests/lot/%/test_*.py,entering lanes \
	rounds))) $(patsubst %,tests/lot/%.py,test_lifts test_plates people/test_attendant messages/test_same_message \
	messages/test_phone_checks stays/test_passes stays/test_days_of_passes uploads/test_told_of_plates \
	leaving/cars/test_gone_from_the_exit)
mutate_barriers := $(filter-out %trial.py %drivers.py,$(wildcard $(patsubst %,src/taigan/barriers/%.py,* */* */*/*))) \
	-- $(wildcard tests/barriers/test_*.py tests/barriers/*/test_*.py tests/barriers/*/*/test_*.py)
MUTATE ?= $(mutate_$(ROOM))
# Tests of a lot need what their folder's conftest gives; those of price lists are numbers alone.
mutate: export FIXTURES ?= $(filter-out tariff,$(ROOM))
mutate: $(VENV)/.installed-mutate
	TAIGAN_TEST_TARIFFS=200 $(BIN)/python tools/mutate.py $(MUTATE)

format: dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
