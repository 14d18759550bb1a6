# weft: entry points. `make demo` and `make test` each work as the first command typed.
.PHONY: all demo test format lint bench fuzz install clean setup release lab
MAKEFLAGS += --no-print-directory
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local

all: release

setup:
	@scripts/setup

release: setup
	@cmake --preset release >/dev/null
	@cmake --build --preset release -j $(JOBS)

demo: release
	@scripts/demo build/release/weft

test: setup
	@scripts/test $(JOBS)

format: setup
	@scripts/lint format

lint: setup
	@scripts/lint check

bench: setup
	@cmake --preset bench >/dev/null
	@cmake --build --preset bench -j $(JOBS)
	@scripts/bench build/bench

lab: release
	@scripts/lab $(or $(EXAMPLE),bookinfo)

fuzz: setup
	@scripts/fuzz $(or $(SECONDS_EACH),300)

install: release
	@cmake --install build/release --prefix $(PREFIX)

clean:
	@rm -rf build
