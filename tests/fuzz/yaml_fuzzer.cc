// Any text as an inventory: read without a crash.
#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/inventory.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weft::SourceMap sources;
  const auto id = sources.Add("fuzz.yaml", std::string(data, data + size), weft::SourceKind::kYaml);
  weft::Diagnostics diagnostics;
  weft::engine::Inventory inventory;
  weft::engine::ReadInventory("east", sources.Get(id), inventory, diagnostics);
  weft::engine::FinishInventory(inventory);
  return 0;
}
