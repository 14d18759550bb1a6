// Text to Model: how fast policy is read, typed and given its meaning.
#include <benchmark/benchmark.h>

#include "dsl/parse.h"
#include "engine/lower.h"
#include "tests/bench/loaded.h"

namespace weft::bench {
namespace {

const Texts& Large() {
  static const std::unique_ptr<Texts> texts = MakeTexts(LargeSize());
  return *texts;
}

// Target: 50 MB/s.
void Parse(benchmark::State& state) {
  const Texts& texts = Large();
  for (auto _ : state) {
    for (const Source* source : texts.policy) {
      Diagnostics diagnostics;
      benchmark::DoNotOptimize(dsl::Parse(*source, diagnostics));
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * texts.policy_bytes));
}
BENCHMARK(Parse)->Unit(benchmark::kMillisecond);

void ParseAndType(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Load(Large()));
}
BENCHMARK(ParseAndType)->Unit(benchmark::kMillisecond);

void ReadDiscovered(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(ReadInventory(Large()));
}
BENCHMARK(ReadDiscovered)->Unit(benchmark::kMillisecond);

// What `weft check` does. Target: 0.3 s for 10,000 rules.
void ParseTypeAndLower(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(MakeModel(Large()));
  state.counters["peak_MB"] = PeakMegabytes();
}
BENCHMARK(ParseTypeAndLower)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weft::bench

BENCHMARK_MAIN();
