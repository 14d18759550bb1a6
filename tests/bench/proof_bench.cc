// Full proofs with nothing undecided: of the large estate (target 2 s and 300 MB), of one ten times
// as large (target 10 s), of a gateway with 10,000 routes for one host (target 2 s and 500 MB).
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

void ProveGateway(benchmark::State& state) {
  Prove(state, {.rules = 100, .gateway_routes = 10'000});
}
BENCHMARK(ProveGateway)->Unit(benchmark::kMillisecond)->Iterations(1);

void ProveHuge(benchmark::State& state) {
  Prove(state, {.rules = 100'000, .services = 10'000, .workspaces = 50});
}
BENCHMARK(ProveHuge)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace weft::bench

BENCHMARK_MAIN();
