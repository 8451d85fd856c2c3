# RSparkHub on this machine. `make help` lists what there is.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help up hdfs hive tensorflow vscode down test test-changed test-long check bench cluster cluster-scale cluster-down images web docs types lock clean

# Node and npm of the right age, when the system has none (scripts/install puts them there).
export PATH := $(CURDIR)/.build/bin:$(PATH)

BIN := .venv/bin
GIVEN := $(if $(DATA),--data '$(DATA)')

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

up:  ## install what is missing and start RSparkHub here; takes PORT=8000 DATA=folder BACKEND=process; Ctrl+C ends it, sessions stay
	@echo 'Looking whether all that RSparkHub needs is installed.'
	@scripts/install up
	@exec $(BIN)/rsparkhub up $(GIVEN) $(if $(PORT),--port '$(PORT)') $(if $(BACKEND),--backend '$(BACKEND)')

hdfs:  ## install what HDFS takes too, for environments that ask for it (70 MB); once installed, `make up` keeps it
	@scripts/install hdfs

hive:  ## install what Hive takes too: that is HDFS, for Hive itself comes with Spark
	@scripts/install hive

tensorflow:  ## install TensorFlow and Keras into the sessions' Python, for the environment tensorflow (1.4 GB); `make up` keeps it
	@scripts/install tensorflow

vscode:  ## install VS Code too, for environments that ask for it (740 MB); once installed, `make up` keeps it
	@scripts/install vscode

down:  ## end everything: hub, controller, edge, sessions (their work is saved) and shared services; takes DATA=folder YES=1 (don't ask) FORCE=1 (also what can't be saved)
	@$(BIN)/rsparkhub down $(GIVEN) $(if $(YES),--yes) $(if $(FORCE),--force)

test:  ## install what is missing, then run every check, and every test that doesn't take minutes
	@scripts/install test
	@scripts/test

test-changed:  ## the checks, and the tests that a change can touch; takes BASE=commit, else what differs from origin/main
	@scripts/install test
	@scripts/test --changed $(if $(BASE),--base '$(BASE)')

test-long:  ## the tests that take minutes: whole services, browsers, kill -9 at random moments, all on a real Kubernetes (root and Go)
	@scripts/install test
	@scripts/test --long

check:  ## the checks alone: style, types, layers, the pages' types and style
	@scripts/install test
	@scripts/test --only check

bench:  ## the benchmarks, each beside its peer; results in benchmarks/RESULTS.md
	@scripts/install test
	@benchmarks/run

cluster:  ## a real Kubernetes on this machine, without Docker: control plane and NODES=1 nodes; needs root
	@scripts/cluster up $(if $(NODES),'$(NODES)')

cluster-scale:  ## give it so many simulated nodes (KWOK) beside the real ones, on which pods only seem to run; takes NODES=100
	@scripts/cluster scale $(if $(NODES),'$(NODES)')

cluster-down:  ## take all of that Kubernetes away again
	@scripts/cluster down

images:  ## build the images and load them into the cluster of this machine; needs root; takes BASE=rocker/verse:4
	@scripts/install hdfs
	@python3 images/build.py $(if $(BASE),--base '$(BASE)')

web:  ## build the pages
	@scripts/install up

docs:  ## make the reference pages (docs/reference) from the code, and the site of all pages in .build/site; takes REPOSITORY=https://…/blob/main
	@scripts/install test
	@scripts/make-reference
	@REPOSITORY='$(REPOSITORY)' scripts/make-docs

types:  ## make the types that the pages have of the API (web/hub/src/state/api-types.ts) from the code
	@scripts/install test
	@scripts/make-web-types

lock:  ## lock the Python packages anew, as new as they are; npm's are locked by `npm update` in web/
	@scripts/install test
	@PATH="$(CURDIR)/.build/uv/bin:$$PATH" requirements/compile --upgrade

clean:  ## remove all that was installed and built in this checkout; data is kept
	@rm -rf .build .venv .venv-session .venv-jupyterhub .r-library .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	@rm -rf web/node_modules web/*/node_modules web/*/dist hub/src/rsparkhub/pages session/src/rspark_session/terminal/static
