// Synthetic estates in memory, for the benchmarks to work on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dsl/declarations.h"
#include "dsl/diagnostic.h"
#include "dsl/source.h"
#include "engine/inventory.h"
#include "engine/model.h"
#include "tests/generate/estate.h"

namespace weft::bench {

// Sources of an estate.
struct Texts {
  SourceMap sources;
  std::vector<const Source*> policy;
  std::vector<std::pair<std::string, const Source*>> inventory;  // cluster -> YAML
  std::size_t policy_bytes = 0;
};
[[nodiscard]] std::unique_ptr<Texts> MakeTexts(const generate::Size& size);
[[nodiscard]] std::unique_ptr<Texts> TextsOf(const generate::Estate& estate, SourceKind kind);

[[nodiscard]] dsl::Program Load(const Texts& texts);
[[nodiscard]] engine::Inventory ReadInventory(const Texts& texts);
// Everything up to the Model. Aborts when the estate has a mistake: it must not have any.
[[nodiscard]] engine::Model MakeModel(const Texts& texts);

// The estate the targets are stated for: 10,000 rules, 1,000 services, 50 workspaces.
[[nodiscard]] generate::Size LargeSize();

// Largest resident set of this process so far, in MB.
[[nodiscard]] double PeakMegabytes();

}  // namespace weft::bench
