// Any text: parsing, typing and lowering end without a crash, and what parses is formatted the same
// way twice.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "dsl/parse.h"
#include "engine/lower.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weft::SourceMap sources;
  const auto id = sources.Add("fuzz.weft", std::string(data, data + size), weft::SourceKind::kWeft);
  weft::Diagnostics diagnostics;
  const weft::dsl::Program program = weft::dsl::Load(
      {&sources.Get(id)}, [](const std::string&) { return nullptr; }, diagnostics);
  (void)weft::engine::Lower(program, {}, diagnostics);
  weft::Diagnostics ignored;
  const auto once = weft::dsl::Format(sources.Get(id), ignored);
  if (!once) return 0;
  const auto again = sources.Add("again.weft", *once, weft::SourceKind::kWeft);
  const auto twice = weft::dsl::Format(sources.Get(again), ignored);
  if (!twice || *twice != *once) std::abort();
  return 0;
}
