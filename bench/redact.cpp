// Redaction beside what it has to compete with: a copy of the bytes, and other ways to look for
// literals.
//
// The text is what tools write: lines of Terraform and Ansible with hex and base64 in between.
// "secrets" is how many there are; each has about a dozen spellings. Rates are bytes of input per
// second, one core.
#include <benchmark/benchmark.h>
#include <hs/hs.h>

#include <cstring>
#include <memory>
#include <random>

#include "record/redact.hpp"
#include "record/redact_spellings.hpp"

namespace {

using hyops::record::Redactor;

constexpr size_t chunk = 64 << 10;

std::string random_text(std::mt19937_64& random, size_t size, std::string_view alphabet) {
  std::string out;
  while (out.size() < size) out += alphabet[random() % alphabet.size()];
  return out;
}

constexpr std::string_view base64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const std::string& log_text() {
  static const std::string text = [] {
    std::mt19937_64 random(7);
    const std::vector<std::string> words{"TASK [restore : fetch the last backup] ****\n",
                                         "ok: [db-1]\n",
                                         "changed: [db-2] => {\"rc\": 0, \"stdout\": \"",
                                         "aws_instance.db[0]: Still creating... [10s elapsed]\n",
                                         "2026-03-01T02:03:04.005Z INFO ",
                                         "postgres",
                                         "\"}\n",
                                         "/var/lib/postgresql/15/main",
                                         " -> https://10.77.2.10:8080/v1/repo ",
                                         "\\u00e9",
                                         "100% ",
                                         "restored 31 of 62 MB\n"};
    std::string out;
    while (out.size() < (32u << 20)) {
      out += words[random() % words.size()];
      if (random() % 8 == 0) out += random_text(random, 40, "0123456789abcdef");
      if (random() % 16 == 0) out += random_text(random, 60, base64);
    }
    return out;
  }();
  return text;
}

std::vector<std::string> secret_values(size_t count) {
  std::mt19937_64 random(11);
  std::vector<std::string> values;
  for (size_t i = 0; i < count; ++i)
    values.push_back(random_text(random, 12 + random() % 36, std::string(base64) + "$&%'\"!#"));
  return values;
}

Redactor redactor(size_t count) {
  std::vector<Redactor::Named> named;
  for (const auto& value : secret_values(count)) named.push_back({"s", hyops::Secret(value)});
  return std::move(*Redactor::create(named));
}

template <class Act>
void over_chunks(benchmark::State& state, Act act) {
  const std::string& text = log_text();
  for (auto _ : state)
    for (size_t at = 0; at < text.size(); at += chunk)
      act(std::string_view(text).substr(at, chunk));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}

void copy_of_the_bytes(benchmark::State& state) {
  std::string to(chunk, '\0');
  over_chunks(state, [&](std::string_view part) {
    std::memcpy(to.data(), part.data(), part.size());
    benchmark::DoNotOptimize(to.data());
  });
}

void hyops_redactor(benchmark::State& state) {
  const auto by = redactor(static_cast<size_t>(state.range(0)));
  Redactor::Stream stream(by);
  over_chunks(state, [&](std::string_view part) { benchmark::DoNotOptimize(stream.feed(part)); });
}

void hyops_redactor_start(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(redactor(static_cast<size_t>(state.range(0))));
}

struct Vectorscan {
  explicit Vectorscan(size_t count) {
    for (const auto& value : secret_values(count))
      for (auto& spelling : hyops::record::spellings(value))
        literals.push_back(std::move(spelling));
    std::sort(literals.begin(), literals.end());
    literals.erase(std::unique(literals.begin(), literals.end()), literals.end());
    std::vector<const char*> texts;
    std::vector<size_t> sizes;
    std::vector<unsigned> flags(literals.size(), 0), ids(literals.size());
    for (size_t i = 0; i < literals.size(); ++i) {
      texts.push_back(literals[i].data());
      sizes.push_back(literals[i].size());
      ids[i] = static_cast<unsigned>(i);
    }
    hs_compile_error_t* error = nullptr;
    hs_compile_lit_multi(texts.data(), flags.data(), ids.data(), sizes.data(),
                         static_cast<unsigned>(literals.size()), HS_MODE_STREAM, nullptr, &database,
                         &error);
    hs_alloc_scratch(database, &scratch);
    hs_open_stream(database, 0, &stream);
  }
  ~Vectorscan() {
    hs_close_stream(stream, nullptr, nullptr, nullptr);
    hs_free_scratch(scratch);
    hs_free_database(database);
  }
  Vectorscan(const Vectorscan&) = delete;
  Vectorscan& operator=(const Vectorscan&) = delete;
  std::vector<std::string> literals;
  hs_database_t* database = nullptr;
  hs_scratch_t* scratch = nullptr;
  hs_stream_t* stream = nullptr;
};

// Only looks, and copies nothing: the least that a redactor made with it would cost.
void vectorscan_looking_only(benchmark::State& state) {
  const Vectorscan by(static_cast<size_t>(state.range(0)));
  size_t found = 0;
  const auto on_match = [](unsigned, unsigned long long, unsigned long long, unsigned,
                           void* count) {
    ++*static_cast<size_t*>(count);
    return 0;
  };
  over_chunks(state, [&](std::string_view part) {
    hs_scan_stream(by.stream, part.data(), static_cast<unsigned>(part.size()), 0, by.scratch,
                   on_match, &found);
  });
  benchmark::DoNotOptimize(found);
}

void vectorscan_start(benchmark::State& state) {
  for (auto _ : state) {
    const Vectorscan by(static_cast<size_t>(state.range(0)));
    benchmark::DoNotOptimize(by.database);
  }
}

// What a loop over the secrets would do, plain spelling only.
void memmem_for_each_secret(benchmark::State& state) {
  const auto values = secret_values(static_cast<size_t>(state.range(0)));
  over_chunks(state, [&](std::string_view part) {
    for (const auto& value : values)
      benchmark::DoNotOptimize(::memmem(part.data(), part.size(), value.data(), value.size()));
  });
}

BENCHMARK(copy_of_the_bytes);
BENCHMARK(hyops_redactor)->ArgName("secrets")->Arg(1)->Arg(20)->Arg(1000);
BENCHMARK(vectorscan_looking_only)->ArgName("secrets")->Arg(1)->Arg(20)->Arg(1000);
BENCHMARK(memmem_for_each_secret)->ArgName("secrets")->Arg(1)->Arg(20);
BENCHMARK(hyops_redactor_start)
    ->ArgName("secrets")
    ->Arg(20)
    ->Arg(1000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(vectorscan_start)->ArgName("secrets")->Arg(20)->Arg(1000)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
