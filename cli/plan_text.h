// Words of a plan that its formats for people and for programs share.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "cli/plan_output.h"

namespace weft::cli {

// The first line of the span, without the blanks around it.
[[nodiscard]] std::string LineText(Span span, const SourceMap& sources);

[[nodiscard]] std::map<verifier::ChangeKind, std::size_t> KindCounts(const PlanResult& result);

struct ObjectCounts {
  std::size_t added = 0, changed = 0, removed = 0;
};
[[nodiscard]] ObjectCounts CountObjects(const PlanResult& result);

}  // namespace weft::cli
