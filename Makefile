# The front door. Each target does its own set-up on a fresh Debian 12: packages, configure, build, run.
#   make drill [FAULT=core-kill@restore] [KEEP=1]     make test     make bench     make install PREFIX=/opt/hyops
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
stage := build/release/stage

.PHONY: drill test build asan tsan fuzz tidy bench install clean setup

build: setup
	@cmake --preset release >build/release.log 2>&1 || { cat build/release.log; exit 1; }
	@cmake --build build/release -j $(JOBS)

setup:
	@./setup.sh drill
	@mkdir -p build

# The drill runs an installed tree, as a user has it, never the build tree.
drill: build
	@rm -rf $(stage) && cmake --install build/release --prefix $(stage) >/dev/null
	@$(stage)/bin/hyops drill --record drill-record $(if $(FAULT),--fault $(FAULT)) $(if $(KEEP),--keep)

test: setup
	@cmake --preset dev >build/dev.log 2>&1 || { cat build/dev.log; exit 1; }
	@cmake --build build/dev -j $(JOBS)
	@ctest --test-dir build/dev --output-on-failure -j $(JOBS) --no-tests=error

asan tsan: setup
	@cmake --preset $@ >build/$@.log 2>&1 || { cat build/$@.log; exit 1; }
	@cmake --build build/$@ -j $(JOBS)
	@ctest --test-dir build/$@ --output-on-failure -j $(JOBS) -LE lab --no-tests=error

# Each target for SECONDS seconds; a finding ends it with the input that tripped it.
SECONDS ?= 60
fuzz: setup
	@cmake --preset fuzz >build/fuzz.log 2>&1 || { cat build/fuzz.log; exit 1; }
	@cmake --build build/fuzz -j $(JOBS) --target fuzzers
	@set -e; for f in build/fuzz/fuzzers/*; do n=$$(basename $$f); echo "fuzz $$n"; mkdir -p build/fuzz/found/$$n; \
	  $$f -max_total_time=$(SECONDS) -print_final_stats=0 -verbosity=0 build/fuzz/found/$$n tests/fuzz/corpus/$$n; done

tidy: setup
	@cmake --preset dev -B build/tidy -D CMAKE_UNITY_BUILD=OFF >build/tidy.log 2>&1 || { cat build/tidy.log; exit 1; }
	@run-clang-tidy -quiet -p build/tidy '/(core|plugins)/.*\.cpp$$'

bench: build
	@bench/run build/release

install: build
	@cmake --install build/release --prefix $(PREFIX) >/dev/null
	@echo "installed below $(PREFIX); next: $(PREFIX)/bin/hyops doctor"

clean:
	@rm -rf build
