// Laws about the loss of any two of 10 clusters, over 1,000 destinations of three clusters each,
// with every service in every cluster: what is left to callers (one law for all destinations), and
// whether everything that was allowed is still served (a law for each destination). Target: 1 s.
#include <benchmark/benchmark.h>

#include <chrono>
#include <string>

#include "dsl/check.h"
#include "engine/lower.h"
#include "tests/bench/loaded.h"
#include "verifier/verify.h"

namespace weft::bench {
namespace {

constexpr int kClusters = 10;
constexpr int kWorkspaces = 50;
constexpr int kServices = 1000;

std::string Cluster(int i) { return "c" + std::to_string(i % kClusters); }

// Service i is called by the one after it, of the same workspace.
std::string MeshText(bool law_for_each) {
  std::string text = "mesh shop\n";
  for (int i = 0; i < kClusters; ++i) {
    text +=
        "cluster " + Cluster(i) + " { region \"r" + std::to_string(i / 2) + "\"  network one }\n";
  }
  for (int w = 0; w < kWorkspaces; ++w) {
    const std::string name = "w" + std::to_string(w);
    text += "workspace " + name + " { namespaces [\"" + name + "\"]  isolate { mtls strict } }\n";
  }
  const int each = kServices / kWorkspaces;
  for (int w = 0; w < kWorkspaces; ++w) {
    const std::string workspace = "w" + std::to_string(w);
    text += "workspace " + workspace + "\n";
    for (int i = 0; i < each; ++i) {
      const std::string service = "s" + std::to_string(i);
      const std::string destination = "d" + std::to_string(i);
      text += "service " + service + " in \"" + workspace + "\" { port http 8080 }\n";
      text += "destination " + destination + " at \"" + service + "." + workspace + ".global\" {\n";
      text += "  backs " + service + " on [" + Cluster(i) + ", " + Cluster(i + 3) + ", " +
              Cluster(i + 6) + "]\n  port http 8080\n  failover same region, any\n";
      text += "  eject after 5 errors in 10s for 30s\n}\n";
      text += "access " + service + " { allow from s" + std::to_string((i + 1) % each) +
              " when method in [GET, POST] and path under \"/" + service + "\" }\n";
      if (!law_for_each) continue;
      text += "prove \"" + workspace + destination +
              "\" { on loss of any 2 clusters: every allowed request to " + destination +
              " is served }\n";
    }
  }
  if (!law_for_each) {
    text +=
        "prove \"two\" { on loss of any 2 clusters: replicas of every destination stay at least 1 "
        "}\n";
  }
  return text;
}

engine::Model ModelOf(const std::string& text) {
  const std::unique_ptr<Texts> texts =
      TextsOf({.policy = {{"mesh.weft", text}}, .inventory = {}, .planted = {}}, SourceKind::kWeft);
  const dsl::Program program = Load(*texts);
  Diagnostics diagnostics;
  engine::Model model = engine::Lower(program, {}, diagnostics);
  Check(!diagnostics.HasErrors(), "the mesh is fine");
  return model;
}

void Prove(benchmark::State& state, bool law_for_each) {
  const engine::Model model = ModelOf(MeshText(law_for_each));
  double laws = 0;
  verifier::Options options;
  options.seconds = [] {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double>(now).count();
  };
  for (auto _ : state) {
    const verifier::Report report = verifier::Verify(model, options);
    Check(report.Count(verifier::PropertyVerdict::kViolated) == 0, "nothing is wrong with it");
    Check(report.Count(verifier::PropertyVerdict::kUndecided) == 0, "everything is decided");
    laws = 0;
    for (const verifier::Property& property : report.properties) {
      if (property.name == "prove") laws += property.seconds;
    }
  }
  state.counters["of_the_laws_ms"] = laws * 1000;
  state.counters["peak_MB"] = PeakMegabytes();
}

void ReplicasOfEveryDestination(benchmark::State& state) { Prove(state, false); }
BENCHMARK(ReplicasOfEveryDestination)->Unit(benchmark::kMillisecond)->Iterations(1);

void RequestsToEachDestination(benchmark::State& state) { Prove(state, true); }
BENCHMARK(RequestsToEachDestination)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace weft::bench

BENCHMARK_MAIN();
