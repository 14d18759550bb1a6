// What is emitted for 1,000 services on 5 clusters, read back and proved. Target: 5 s.
#include <benchmark/benchmark.h>

#include "dsl/check.h"
#include "emit/check/interpret.h"
#include "emit/emit.h"
#include "prove/prove.h"
#include "tests/bench/loaded.h"

namespace weft::bench {
namespace {

void ProveEmitted(benchmark::State& state) {
  generate::Size size = LargeSize();
  size.clusters = 5;
  const std::unique_ptr<Texts> texts = MakeTexts(size);
  const engine::Model model = MakeModel(*texts);
  Diagnostics diagnostics;
  SourceMap sources;
  emit::check::Mesh mesh{.world = model, .objects = {}, .config = {}};
  for (const auto& [cluster, objects] : emit::EmitIstio(model, {}, diagnostics)) {
    for (const emit::Object& object : objects) {
      const FileId id = sources.Add(emit::PathOf(object), emit::ToYaml(object), SourceKind::kYaml);
      for (auto& read : emit::check::ReadIstio(sources.Get(id), diagnostics)) {
        mesh.objects[cluster].push_back(std::move(read));
      }
    }
  }
  Check(!diagnostics.HasErrors(), "the generated estate can be emitted");
  std::uint64_t questions = 0;
  for (auto _ : state) {
    const verifier::Report report = prove::ProveEmitted(model, mesh, {});
    Check(report.Count(verifier::PropertyVerdict::kProved) == 5, "every cluster is proved");
    questions = report.questions;
  }
  state.counters["questions"] = static_cast<double>(questions);
  state.counters["peak_MB"] = PeakMegabytes();
}
BENCHMARK(ProveEmitted)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace weft::bench

BENCHMARK_MAIN();
