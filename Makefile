# The front door. Each target does its own set-up on a fresh Debian 12: packages, configure, build, run.
#   make drill [FAULT=core-kill@restore] [KEEP=1]     make test     make bench     make install PREFIX=/opt/hyops
#   make faults                                       every fault of `hyops drill --list-faults`, one line each
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
stage := build/release/stage
exhaustive := crash_ledger_test crash_core_test simulation_engine_test unit_gcp-iap_test

.PHONY: root drill faults test build asan tsan fuzz tidy cov crash bench install clean setup

build: setup
	@cmake --preset release >build/release.log 2>&1 || { cat build/release.log; exit 1; }
	@cmake --build build/release -j $(JOBS)

# Said before anything is built.
root:
	@[ "$$(id -u)" = 0 ] || { echo "the lab makes network and mount namespaces, which needs root; type: sudo make drill" >&2; exit 77; }

setup:
	@./setup.sh drill
	@mkdir -p build

# The drill runs an installed tree, as a user has it, never the build tree.
drill: root build
	@rm -rf $(stage) && cmake --install build/release --prefix $(stage) >/dev/null
	@$(stage)/bin/hyops drill --record drill-record $(if $(FAULT),--fault $(FAULT)) $(if $(KEEP),--keep)

# One failover under each fault of the table; the records and logs stay in fault-records/.
faults: root build
	@rm -rf $(stage) fault-records && cmake --install build/release --prefix $(stage) >/dev/null && mkdir fault-records
	@bad=0; for f in $$($(stage)/bin/hyops drill --list-faults | grep -E '^[a-z-]+@[a-z-]+$$'); do \
	  $(stage)/bin/hyops drill --fault $$f --failover-only --record fault-records/$$f >fault-records/$$f.log 2>&1 || bad=1; \
	  printf '%-30s %s; %s\n' $$f "$$(grep -h 'assertions held:' fault-records/$$f.log || tail -n 1 fault-records/$$f.log)" \
	    "$$(grep -h '^failover: RTO' fault-records/$$f.log)"; done; exit $$bad

# What is tested is what is installed and drilled, compiled once for all three; the tests themselves are compiled
# as quickly as can be. Many wait for others' processes: twice as many at once as there are processors.
test: setup
	@cmake --preset release -DBUILD_TESTING=ON -DHYOPS_QUICK_TESTS=ON >build/release.log 2>&1 || { cat build/release.log; exit 1; }
	@cmake --build build/release -j $(JOBS)
	@ctest --test-dir build/release --output-on-failure -j $$(($(JOBS) * 2)) --no-tests=error

asan tsan: setup
	@cmake --preset $@ >build/$@.log 2>&1 || { cat build/$@.log; exit 1; }
	@cmake --build build/$@ -j $(JOBS)
	@ctest --test-dir build/$@ --output-on-failure -j $$(($(JOBS) * 2)) -LE "lab|crash$(if $(filter tsan,$@),|kit)" --no-tests=error

# Each target for SECONDS seconds; a finding ends it with the input that tripped it.
SECONDS ?= 60
fuzz: setup
	@cmake --preset fuzz >build/asan.log 2>&1 || { cat build/asan.log; exit 1; }
	@cmake --build --preset fuzz -j $(JOBS)
	@set -e; for f in build/asan/fuzzers/*; do n=$$(basename $$f); echo "fuzz $$n"; mkdir -p build/asan/found/$$n; \
	  $$f -max_total_time=$(SECONDS) -print_final_stats=0 -verbosity=0 -artifact_prefix=build/asan/found/ \
	    build/asan/found/$$n tests/fuzz/corpus/$$n; done

# Over the batches that are compiled anyway, where headers are read once for twelve sources.
tidy: setup
	@cmake --preset asan -B build/tidy >build/tidy.log 2>&1 || { cat build/tidy.log; exit 1; }
	@cmake --build build/tidy -j $(JOBS) --target generated/plugin_filters.inc
	@run-clang-tidy -quiet -j $(JOBS) -p build/tidy '^$(CURDIR)/(build/tidy/)?(CMakeFiles|core|plugins)/' \
	  >build/tidy.log 2>&1 || { grep -E -A4 '(error|warning):' build/tidy.log; exit 1; }

# Lines that the tests reach, by folder.
cov:
	@./setup.sh cov
	@mkdir -p build
	@cmake --preset cov >build/cov.log 2>&1 || { cat build/cov.log; exit 1; }
	@cmake --build build/cov -j $(JOBS)
	@find build/cov -name '*.gcda' -delete
	@ctest --test-dir build/cov --output-on-failure -j $(JOBS) --no-tests=error >build/cov.log || { tail -n 40 build/cov.log; exit 1; }
	@gcovr --root . --object-directory build/cov --filter core/ --filter plugins/ --csv --output build/cov/lines.csv build/cov
	@awk -F, 'NR > 1 { n = split($$1, part, "/"); folder = part[1] "/" part[2]; if (part[1] == "plugins" && n > 3) folder = folder "/" part[3]; \
	  all[folder] += $$2; hit[folder] += $$3; a += $$2; h += $$3 } \
	  END { for (f in all) printf "%-28s %6d lines %5.1f %%\n", f, all[f], 100 * hit[f] / all[f] | "sort"; close("sort"); \
	        printf "%-28s %6d lines %5.1f %%\n", "all", a, 100 * h / a }' build/cov/lines.csv

# Every system call at which a run can be killed or failed, every seed and byte of the ledger's tests, thousands of
# seeds of the simulation, and a hundred MiB each way through IAP's relay, not only the few that `test` tries. Optimised,
# for it is the same work thousands of times, and the cases of each program side by side.
crash: setup
	@cmake --preset release -B build/crash -DBUILD_TESTING=ON >build/crash.log 2>&1 || { cat build/crash.log; exit 1; }
	@cmake --build build/crash -j $(JOBS) --target $(exhaustive)
	@set -e; for t in $(exhaustive); do seq 0 $$(($(JOBS) - 1)) | HYOPS_CRASH_POINTS=all GTEST_TOTAL_SHARDS=$(JOBS) \
	  xargs -P $(JOBS) -I '{}' env GTEST_SHARD_INDEX='{}' build/crash/tests/$$t; done

bench: build
	@bench/run build/release

install: build
	@cmake --install build/release --prefix $(PREFIX) >/dev/null
	@echo "installed below $(PREFIX); next: $(PREFIX)/bin/hyops doctor"

clean:
	@rm -rf build
