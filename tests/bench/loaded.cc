#include "tests/bench/loaded.h"

#include <sys/resource.h>

#include "dsl/check.h"
#include "dsl/parse.h"
#include "engine/lower.h"

namespace weft::bench {

std::unique_ptr<Texts> MakeTexts(const generate::Size& size) {
  return TextsOf(generate::Generate(size), SourceKind::kWeft);
}

std::unique_ptr<Texts> TextsOf(const generate::Estate& estate, SourceKind kind) {
  auto texts = std::make_unique<Texts>();
  for (const auto& [name, text] : estate.policy) {
    texts->policy_bytes += text.size();
    const FileId id = texts->sources.Add(name, text, kind);
    texts->policy.push_back(&texts->sources.Get(id));
  }
  for (const auto& [cluster, text] : estate.inventory) {
    const FileId id = texts->sources.Add(cluster + ".yaml", text, SourceKind::kYaml);
    texts->inventory.emplace_back(cluster, &texts->sources.Get(id));
  }
  return texts;
}

dsl::Program Load(const Texts& texts) {
  Diagnostics diagnostics;
  dsl::Program program = dsl::Load(
      texts.policy, [](const std::string&) { return nullptr; }, diagnostics);
  Check(!diagnostics.HasErrors(), "the generated policy is fine");
  return program;
}

engine::Inventory ReadInventory(const Texts& texts) {
  Diagnostics diagnostics;
  engine::Inventory inventory;
  for (const auto& [cluster, source] : texts.inventory) {
    engine::ReadInventory(cluster, *source, inventory, diagnostics);
  }
  engine::FinishInventory(inventory);
  Check(!diagnostics.HasErrors(), "the generated inventory is fine");
  return inventory;
}

engine::Model MakeModel(const Texts& texts) {
  Diagnostics diagnostics;
  engine::Model model = engine::Lower(Load(texts), ReadInventory(texts), diagnostics);
  Check(!diagnostics.HasErrors(), "the generated estate is fine");
  return model;
}

generate::Size LargeSize() { return {.rules = 10'000, .services = 1000, .workspaces = 50}; }

double PeakMegabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace weft::bench
