// The variables of a space, for those who write down a proof.
#include <algorithm>

#include "verifier/space.h"

namespace weft::verifier {

std::vector<Axis> Space::Axes() const {
  std::vector<Axis> axes;
  const auto add = [&](Axis::Kind kind, VarId var) -> Axis& {
    axes.emplace_back();
    axes.back().kind = kind;
    axes.back().var = var;
    return axes.back();
  };
  if (candidates_ != nullptr) add(Axis::Kind::kCaller, caller_);
  for (const auto& [field, dimension] : dimensions_) {
    if (field.kind == Field::Kind::kClaim) {
      for (std::size_t i = 0; i < dimension.has.size(); ++i) {
        Axis& axis = add(Axis::Kind::kClaim, dimension.has[i]);
        axis.field = field;
        axis.values = {dimension.atoms->witnesses[i]};
      }
      continue;
    }
    Axis& axis = add(Axis::Kind::kText, dimension.var);
    axis.field = field;
    axis.optional = dimension.optional;
    axis.values = dimension.atoms->witnesses;
  }
  for (const auto& [provider, var] : tokens_) add(Axis::Kind::kToken, var).id = provider;
  for (const auto& [id, var] : answers_) add(Axis::Kind::kAnswer, var).id = id.value;
  for (const auto& [id, var] : exhausted_) add(Axis::Kind::kLimit, var).id = id.value;
  for (const auto& [id, var] : silent_) add(Axis::Kind::kLimiter, var).id = id.value;
  const auto add_blocks = [&](Axis::Kind kind, const Blocks& blocks) {
    if (blocks.cidrs.empty()) return;
    Axis& axis = add(kind, blocks.var);
    for (const engine::Ip& ip : blocks.atoms) axis.values.push_back(ip.ToString());
  };
  add_blocks(Axis::Kind::kSourceIp, source_ip_);
  add_blocks(Axis::Kind::kRemoteIp, remote_ip_);
  std::sort(axes.begin(), axes.end(), [](const Axis& a, const Axis& b) { return a.var < b.var; });
  return axes;
}

}  // namespace weft::verifier
