// The full proof of the large estate. Target: 2 s and 300 MB, nothing undecided.
#include <benchmark/benchmark.h>

#include "dsl/check.h"
#include "tests/bench/loaded.h"
#include "verifier/verify.h"

namespace weft::bench {
namespace {

void Prove(benchmark::State& state, const generate::Size& size) {
  const std::unique_ptr<Texts> texts = MakeTexts(size);
  const engine::Model model = MakeModel(*texts);
  std::size_t undecided = 0;
  std::size_t proved = 0;
  for (auto _ : state) {
    const verifier::Report report = verifier::Verify(model, {});
    Check(report.Count(verifier::PropertyVerdict::kViolated) == 0, "nothing is wrong with it");
    proved = report.Count(verifier::PropertyVerdict::kProved);
    undecided = report.Count(verifier::PropertyVerdict::kUndecided);
  }
  state.counters["proved"] = static_cast<double>(proved);
  state.counters["undecided"] = static_cast<double>(undecided);
  state.counters["peak_MB"] = PeakMegabytes();
}

void ProveLarge(benchmark::State& state) { Prove(state, LargeSize()); }
BENCHMARK(ProveLarge)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace weft::bench

BENCHMARK_MAIN();
