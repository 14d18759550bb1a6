// Gloo Mesh objects: 10,000 of them, for 1,000 services and 50 workspaces, from YAML to a verdict.
#include <benchmark/benchmark.h>

#include "dsl/check.h"
#include "dsl/gloo/read.h"
#include "dsl/yaml.h"
#include "engine/lower.h"
#include "tests/bench/loaded.h"
#include "tests/generate/estate_gloo.h"
#include "verifier/verify.h"

namespace weft::bench {
namespace {

const Texts& Objects() {
  static const std::unique_ptr<Texts> texts =
      TextsOf(generate::GenerateGloo(LargeSize()), SourceKind::kYaml);
  return *texts;
}

const gloo::Discovered& Runs() {
  static const gloo::Discovered discovered = [] {
    gloo::Discovered all;
    for (const engine::KubeCluster& cluster : ReadInventory(Objects()).clusters) {
      gloo::DiscoveredCluster& facts = all.clusters[cluster.name];
      for (const auto& ns : cluster.namespaces) facts.namespaces[ns.name] = ns.labels;
      for (const auto& s : cluster.services) {
        gloo::DiscoveredService& service = facts.services[{s.ns, s.name}];
        service.labels = s.labels;
        service.selector = s.selector;
        for (const auto& port : s.ports) service.ports.emplace_back(port.name, port.number);
      }
    }
    return all;
  }();
  return discovered;
}

dsl::Program ReadObjects() {
  Diagnostics diagnostics;
  dsl::Program program = gloo::Read(Objects().policy, Runs(), diagnostics);
  Check(!diagnostics.HasErrors(), "the generated objects are fine");
  return program;
}

// YAML to nodes with spans, as far as any front end shares it.
void ParseYaml(benchmark::State& state) {
  for (auto _ : state) {
    for (const Source* source : Objects().policy) {
      Diagnostics diagnostics;
      benchmark::DoNotOptimize(yaml::Parse(*source, diagnostics));
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * Objects().policy_bytes));
}
BENCHMARK(ParseYaml)->Unit(benchmark::kMillisecond);

// Target: 8 MB/s.
void ReadGloo(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(ReadObjects());
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * Objects().policy_bytes));
}
BENCHMARK(ReadGloo)->Unit(benchmark::kMillisecond);

// Target: 3 s and 500 MB.
void YamlToVerdict(benchmark::State& state) {
  for (auto _ : state) {
    Diagnostics diagnostics;
    const engine::Model model = engine::Lower(ReadObjects(), ReadInventory(Objects()), diagnostics);
    Check(!diagnostics.HasErrors(), "the generated estate is fine");
    const verifier::Report report = verifier::Verify(model, {});
    Check(report.Count(verifier::PropertyVerdict::kUndecided) == 0, "all of it is decided");
    Check(report.Count(verifier::PropertyVerdict::kViolated) == 0, "nothing is wrong with it");
    state.counters["proved"] =
        static_cast<double>(report.Count(verifier::PropertyVerdict::kProved));
  }
  state.counters["peak_MB"] = PeakMegabytes();
}
BENCHMARK(YamlToVerdict)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace weft::bench

BENCHMARK_MAIN();
