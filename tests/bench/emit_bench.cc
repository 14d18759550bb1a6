// Model to Istio objects: 1,000 services on 5 clusters. Target: 2 s with the files written.
#include <benchmark/benchmark.h>

#include "dsl/check.h"
#include "emit/emit.h"
#include "tests/bench/loaded.h"

namespace weft::bench {
namespace {

struct Emitted {
  Emitted() : texts(MakeTexts(Size())), model(MakeModel(*texts)) {}
  static generate::Size Size() {
    generate::Size size = LargeSize();
    size.clusters = 5;
    return size;
  }
  std::unique_ptr<Texts> texts;
  engine::Model model;
};
const Emitted& Large() {
  static const Emitted large;
  return large;
}

std::map<std::string, std::vector<emit::Object>> Emit(Diagnostics& diagnostics) {
  return emit::EmitIstio(Large().model,
                         {.place = [](Span span) { return Large().texts->sources.FileLine(span); }},
                         diagnostics);
}

void EmitObjects(benchmark::State& state) {
  (void)Large();
  std::size_t objects = 0;
  for (auto _ : state) {
    Diagnostics diagnostics;
    const auto clusters = Emit(diagnostics);
    Check(!diagnostics.HasErrors(), "the generated estate can be emitted");
    objects = 0;
    for (const auto& [cluster, list] : clusters) objects += list.size();
  }
  state.counters["objects"] = static_cast<double>(objects);
}
BENCHMARK(EmitObjects)->Unit(benchmark::kMillisecond);

void WriteYaml(benchmark::State& state) {
  Diagnostics diagnostics;
  const auto clusters = Emit(diagnostics);
  std::size_t bytes = 0;
  for (auto _ : state) {
    bytes = 0;
    for (const auto& [cluster, objects] : clusters) {
      for (const emit::Object& object : objects) bytes += emit::ToYaml(object).size();
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes));
  state.counters["peak_MB"] = PeakMegabytes();
}
BENCHMARK(WriteYaml)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weft::bench

BENCHMARK_MAIN();
