# RNN by hand. `make help` lists what there is; every target sets up what it needs.
PYTHON   ?= python3
VENV     := .venv
BIN      := $(VENV)/bin
READY    := $(VENV)/.ready
NOTEBOOK := notebooks/01_rnn_intro/01_rnn_intro.ipynb
LAB_ARGS ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# One thread for NumPy's products, whatever is started: on small matrices and a busy machine a second
# one costs up to a hundred times what it saves.
export OPENBLAS_NUM_THREADS := 1

# Nothing of the course lands in the user's home: Jupyter and IPython keep their files in the environment.
JUPYTER_HOME := $(CURDIR)/$(VENV)/jupyter
LAB_ENV := JUPYTER_CONFIG_DIR="$(JUPYTER_HOME)/config" JUPYTER_DATA_DIR="$(JUPYTER_HOME)/data" \
	JUPYTER_RUNTIME_DIR="$(JUPYTER_HOME)/runtime" IPYTHONDIR="$(CURDIR)/$(VENV)/ipython"

# Root has to say so, and a machine without a display gets the address and no browser.
LAB_FLAGS := $(shell [ "$$(id -u)" = 0 ] && echo --allow-root) \
	$(shell [ "$$(uname)" = Linux ] && [ -z "$$DISPLAY$$WAYLAND_DISPLAY" ] && echo --no-browser)

# No look for language servers: it would start npm and rustup and have them write to the home.
LAB_QUIET := --LanguageServerManager.autodetect=False
# Nothing is fetched while the course runs, so JupyterLab asks nobody for news or newer versions.
SETTINGS := $(VENV)/share/jupyter/lab/settings
OVERRIDES := {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}

.DEFAULT_GOAL := help
# Everywhere the same kernels: a training at the edge of chaos, as in notebook 05, ends elsewhere if one
# product is rounded otherwise.
NUMERICS := $(if $(filter x86_64,$(shell uname -m)),OPENBLAS_CORETYPE=Haswell)

.PHONY: help setup lab test test-slow test-latest demo release figures overview strip calibrate bench check lock clean

help:  ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r name does; \
		do printf '  make %-12s %s\n' "$$name" "$$does"; done

setup: $(READY)  ## make the environment in .venv, as requirements.lock pins it

lab: $(READY)  ## open JupyterLab on the first notebook (LAB_ARGS="--port 9999" passes options on)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(LAB_ENV) $(BIN)/jupyter lab --ServerApp.root_dir="$(CURDIR)" \
		$(if $(wildcard $(NOTEBOOK)),--LabApp.default_url=/lab/tree/$(NOTEBOOK)) $(LAB_QUIET) $(LAB_FLAGS) $(LAB_ARGS)

test: $(READY)  ## run the test suite
	$(NUMERICS) $(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow"

test-slow: $(READY)  ## run the slow tests
	$(NUMERICS) $(BIN)/python -m pytest -n 2 --dist loadgroup -m slow

test-latest:  ## run the suite on the newest releases that pyproject.toml allows
	@$(call need_python)
	$(PYTHON) -m venv $(VENV)-latest
	$(VENV)-latest/bin/python -m pip install --quiet --upgrade --upgrade-strategy eager -e ".[course,test]"
	$(NUMERICS) $(VENV)-latest/bin/python -m pytest -n 2 --dist loadgroup -m "not slow"

demo: $(READY)  ## grade a sample class in a scratch course and print its table
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m autograde.demo

release: $(READY)  ## make notebooks/ again from solutions/
	$(BIN)/python -m autograde.release

figures: $(READY)  ## draw the target figures again by running solutions/, then release
	$(BIN)/python -m autograde.release --figures

overview: $(READY)  ## take the README's picture again (needs Chromium)
	$(BIN)/python docs/overview.py

strip: $(READY)  ## take outputs out of solutions/ after editing in JupyterLab
	$(BIN)/nbstripout --keep-id --extra-keys metadata.language_info.version solutions/*/*.ipynb

calibrate: $(READY)  ## measure every check on 200 seeds, and write the tables of docs/grading.md
	$(BIN)/python tests/calibration.py

bench: $(READY)  ## measure speed against others, and write docs/benchmarks.md (some minutes)
	$(BIN)/python benchmarks/page.py

check: $(READY)  ## style, notebooks/ as solutions/ make them, and the notebook lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m autograde.release --check
	$(BIN)/python -m autograde.lint

lock: $(READY)  ## pin the newest releases in requirements.lock, with hashes
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra course --extra test --universal --generate-hashes --upgrade \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet -o requirements.lock

clean:  ## remove the environments and caches; your notebooks and grades stay
	rm -rf $(VENV) $(VENV)-latest .pytest_cache .ruff_cache .hypothesis build dist

# The stamp is newer than what it was made from, so a second start has nothing to do.
$(READY): pyproject.toml requirements.lock
	@$(call need_python)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@mkdir -p $(SETTINGS) && echo '$(OVERRIDES)' > $(SETTINGS)/overrides.json
	@touch $@

define need_python
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "Python: expected 3.11 or newer, got $$($(PYTHON) --version 2>&1)." >&2; \
	echo "Name a newer one, for example: make $(or $(MAKECMDGOALS),lab) PYTHON=python3.12" >&2; exit 1; }
endef
