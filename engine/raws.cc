// `raw istio`: kept as it is, with whom it is from and where it goes.
#include "engine/lowering.h"

namespace weft::engine {

void LowerRaws(Lowering& l) {
  for (const dsl::RawDecl& decl : l.program.raws) {
    RawObjects raw{.workspace = l.Section(decl.header),
                   .clusters = l.Clusters(decl.clusters),
                   .text = decl.text.value,
                   .span = decl.text.span};
    if (decl.clusters.empty()) {
      for (std::uint32_t i = 0; i < l.model.clusters.size(); ++i) raw.clusters.push_back({i});
    }
    l.model.raws.push_back(std::move(raw));
  }
}

}  // namespace weft::engine
