# `make` lists the targets.

PYTHON ?= python3
PORT ?= 5055
# Where torch comes from: for the CPU; empty for CUDA, from PyPI.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
SPAIR ?= ../shared/fixtures/SPair-71k
PHOTOS := build/photos
SMOKE := build/smoke
KILLS ?= 50
DEATHS ?= 15
COUNT ?= 10000
ONLY ?=
REHEARSAL := build/rehearsal
# What lets the masks of a random network pass for those of an object.
RANDOM_MASKS := masks.choice.box_overlap=0 masks.choice.box_share=0

# The stages of dvc.yaml call `python`: it is the one of .venv.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION := false
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# A copy of the working tree, as a repository of its own.
define copy_tree
	@rm -rf $(1) && mkdir -p build
	@git clone --quiet --local --no-hardlinks . $(1)
	@git ls-files -z --cached --others --exclude-standard \
		| tar --create --null --files-from=- --ignore-failed-read 2>/dev/null | tar --extract --directory $(1)
endef

define up_to_date
	@cd $(1) && dvc status --quiet || { echo '$(1): a second `dvc repro` would run stages again:'; dvc status; exit 1; }
endef

.DEFAULT_GOAL := help
.PHONY: help install repro test lint types deps smoke rehearse kills cluster flips mutations profiles benchmark mlflow photos clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/.installed  ## Set up .venv: torch for the CPU, the project and its tools

.venv/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; found " + sys.version.split()[0] + ". Name another: make install PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --retries 1 $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch==2.13.0
	.venv/bin/pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

repro: install  ## Run the pipeline from data to both tables (40 to 80 minutes on 2 cores), and print them
	semagic run
	dvc repro --quiet
	-@semagic sync
	@printf '\n' && cat reports/table1.md && printf '\n' && cat reports/table2.md
	@printf '\nLook further:\n'
	@printf '  %-42s %s\n' \
		'make mlflow' 'runs, loss curves and pictures in the browser' \
		'source .venv/bin/activate' 'then:' \
		'dvc dag' 'the stages' \
		'dvc plots show' 'loss curves and matched pairs as a page' \
		'dvc exp run -S loss.feat_cons=0' 'one ablation' \
		'dvc metrics diff --md' 'what it changed' \
		'dvc exp show --only-changed --drop ".*/"' 'experiments side by side'

test: install  ## Run the tests, on all cores
	python -m pytest --numprocesses auto --dist loadfile

lint: install  ## Check style and format
	ruff check . && ruff format --check .

types: install  ## Check static types
	pyright

deps: install  ## Write the code among the dependencies in dvc.yaml, from the imports
	semagic deps

smoke: install  ## Run a tiny profile of the whole DAG through DVC, in a copy of the working tree under build/smoke
	$(call copy_tree,$(SMOKE))
	cd $(SMOKE) && unset MLFLOW_TRACKING_URI && semagic profile smoke && semagic run && semagic sync
	$(call up_to_date,$(SMOKE))
	@cat $(SMOKE)/reports/table1.md $(SMOKE)/reports/table2.md

rehearse: install  ## Run the paper's experiment at toy size, on archives and weights made here, under build/rehearsal
	$(call copy_tree,$(REHEARSAL))
	cd $(REHEARSAL) && semagic profile smoke --output made/params.yaml && python -m stages.data --root made \
		&& PYTHONPATH=tests python -m support.rehearsal made/data
	cd $(REHEARSAL) && unset MLFLOW_TRACKING_URI && semagic profile paper \
		&& semagic profile smoke $(RANDOM_MASKS:%=--set %) && semagic weights && semagic run && semagic sync && semagic verify
	$(call up_to_date,$(REHEARSAL))
	@! grep --ignore-case --files-with-matches simulated $(REHEARSAL)/reports/*.md
	@cat $(REHEARSAL)/reports/table1.md $(REHEARSAL)/reports/table2.md

kills: $(SMOKE)/reports/table1.md  ## Kill the run of `make smoke` again and again, and compare its bytes: KILLS=50, ONLY="masks train" for some stages
	PYTHONPATH=tests python -m faults.kills $(SMOKE) --kills $(KILLS) --only $(ONLY)

cluster: $(SMOKE)/reports/table1.md  ## Repeat the run of `make smoke` on a Ray cluster whose parts die: DEATHS=15, ONLY as for kills
	PYTHONPATH=tests python -m cluster.trial $(SMOKE) --deaths $(DEATHS) --only $(ONLY)

flips: $(SMOKE)/reports/table1.md  ## Flip bits in what `make smoke` left, and read it: COUNT=10000
	PYTHONPATH=tests python -m faults.flips $(SMOKE) --count $(COUNT)

$(SMOKE)/reports/table1.md:
	$(MAKE) smoke

mutations: install  ## Read thousands of damaged files: COUNT=10000
	PYTHONPATH=tests python -m faults.mutations --count $(COUNT)

profiles: install  ## Run every shipped profile at toy size, from nothing, under build/profiles; NAMES="claims quick" for some
	PYTHONPATH=tests python tests/toy_profiles.py $(NAMES)

benchmark: install  ## Measure what everything costs on this machine; PARTS="rasterizer labels" for some; build/benchmarks.json
	OMP_WAIT_POLICY=passive semagic bench $(PARTS)

mlflow: install  ## Show the MLflow runs at http://127.0.0.1:5055 (PORT=5055)
	@echo 'Open http://127.0.0.1:$(PORT)/#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=tables'
	mlflow ui --backend-store-uri "sqlite:///$(CURDIR)/mlflow.db" --host 127.0.0.1 --port $(PORT) --workers 1

photos: install  ## Match real photographs without weights: SPAIR=folder of SPair-71k; results in build/photos
	@rm -rf $(PHOTOS) && mkdir -p $(PHOTOS)
	@test -d "$(SPAIR)/PairAnnotation" || { echo 'make photos: $(SPAIR) is no SPair-71k folder (it has no PairAnnotation). Say where it is: make photos SPAIR=/path/to/SPair-71k'; exit 1; }
	semagic profile photos --output $(PHOTOS)/params.yaml --set data.spair="$(abspath $(SPAIR))"
	for stage in instances masks features baselines; do python -m stages.$$stage --category bus --root $(PHOTOS) || exit 1; done
	python -m stages.report --root $(PHOTOS)
	@cat $(PHOTOS)/reports/table1.md

clean:  ## Remove what smoke, rehearse and photos left, and unfinished trainings and labels
	rm -rf build .checkpoints
