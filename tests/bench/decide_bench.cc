// One decision about one request. Target: under 1 µs at the 99th percentile with 10,000 rules.
//
// Every decision is timed by itself over requests of mixed kinds, each copied to where the
// evaluator reads it from before the clock starts: a proxy has just read it. The clock's own time,
// measured the same way, is taken off. Percentiles are over all decisions of a run.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "engine/compile.h"
#include "tests/bench/loaded.h"
#include "tests/bench/rbac_loop.h"
#include "tests/generate/requests.h"

namespace weft::bench {
namespace {

using Clock = std::chrono::steady_clock;

// An estate of some size with requests about it.
struct Mesh {
  explicit Mesh(const generate::Size& size)
      : texts(MakeTexts(size)), model(MakeModel(*texts)), compiled(engine::Compile(model)) {
    constexpr unsigned kRequests = 10'000;
    generate::Requests source(model, 7);
    for (unsigned i = 0; i < kRequests; ++i) requests.push_back(source.Next());
  }
  std::unique_ptr<Texts> texts;
  engine::Model model;
  engine::CompiledModel compiled;
  std::vector<engine::Request> requests;
};

const Mesh& MeshOf(unsigned rules, unsigned gateway_routes) {
  static std::map<std::pair<unsigned, unsigned>, std::unique_ptr<Mesh>> meshes;
  std::unique_ptr<Mesh>& mesh = meshes[{rules, gateway_routes}];
  if (!mesh) {
    generate::Size size{.rules = rules};
    size.gateway_routes = gateway_routes;
    mesh = std::make_unique<Mesh>(size);
  }
  return *mesh;
}

const Mesh& MeshOf(const benchmark::State& state) {
  return MeshOf(static_cast<unsigned>(state.range(0)), static_cast<unsigned>(state.range(1)));
}

double Percentile(std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

double ClockOverhead() {
  std::vector<double> times;
  for (int i = 0; i < 10'000; ++i) {
    const Clock::time_point begin = Clock::now();
    times.push_back(std::chrono::duration<double, std::nano>(Clock::now() - begin).count());
  }
  std::sort(times.begin(), times.end());
  return Percentile(times, 0.5);
}

// Runs `decide(request)`, which says whether it is allowed, over all requests of the mesh.
template <typename Decide>
void Measure(benchmark::State& state, const Mesh& mesh, Decide decide) {
  const double overhead = ClockOverhead();
  std::vector<double> times;
  std::size_t allowed = 0;
  std::size_t at = 0;
  for (auto _ : state) {
    const engine::Request request = mesh.requests[at];
    at = (at + 1) % mesh.requests.size();
    const Clock::time_point begin = Clock::now();
    const bool let_in = decide(request);
    const Clock::time_point end = Clock::now();
    benchmark::DoNotOptimize(let_in);
    const double took = std::chrono::duration<double, std::nano>(end - begin).count() - overhead;
    times.push_back(std::max(took, 0.0));
    state.SetIterationTime(std::max(took, 0.0) * 1e-9);
    allowed += let_in ? 1 : 0;
  }
  std::sort(times.begin(), times.end());
  state.counters["p50_ns"] = Percentile(times, 0.5);
  state.counters["p99_ns"] = Percentile(times, 0.99);
  state.counters["allowed_%"] =
      100 * static_cast<double>(allowed) / static_cast<double>(times.size());
}

void Compiled(benchmark::State& state) {
  const Mesh& mesh = MeshOf(state);
  Measure(state, mesh, [&](const engine::Request& request) {
    return mesh.compiled.Decide(request).AllowedSomewhere();
  });
}

void Reference(benchmark::State& state) {
  const Mesh& mesh = MeshOf(state);
  Measure(state, mesh, [&](const engine::Request& request) {
    return engine::Evaluate(mesh.model, request).AllowedSomewhere();
  });
}

// Not a peer but a yardstick: what an Envoy RBAC filter that held the rules of the whole mesh in
// one list would do, one rule after the other.
void RbacLoop(benchmark::State& state) {
  const Mesh& mesh = MeshOf(state);
  const LinearRbac loop(mesh.model);
  Measure(state, mesh, [&](const engine::Request& request) { return loop.Allows(request); });
}

void Compile(benchmark::State& state) {
  const Mesh& mesh = MeshOf(state);
  for (auto _ : state) benchmark::DoNotOptimize(engine::Compile(mesh.model));
}

void Sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"rules", "gateway_routes"})->UseManualTime()->Iterations(100'000);
  for (const int rules : {100, 1000, 10'000}) bench->Args({rules, 0});
}

BENCHMARK(Compiled)->Apply(Sizes)->Args({1000, 10'000});
BENCHMARK(Reference)
    ->ArgNames({"rules", "gateway_routes"})
    ->UseManualTime()
    ->Iterations(5000)
    ->Args({10'000, 0})
    ->Args({1000, 10'000});
BENCHMARK(RbacLoop)
    ->ArgNames({"rules", "gateway_routes"})
    ->UseManualTime()
    ->Iterations(5000)
    ->Args({10'000, 0});
BENCHMARK(Compile)
    ->ArgNames({"rules", "gateway_routes"})
    ->Unit(benchmark::kMillisecond)
    ->Args({10'000, 0})
    ->Args({1000, 10'000});

}  // namespace
}  // namespace weft::bench

BENCHMARK_MAIN();
