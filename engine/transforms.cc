#include "engine/transforms.h"

#include <algorithm>

#include "engine/condition.h"

namespace weft::engine {
namespace {

bool IsTemplate(const std::string& text) {
  return text.find("{{") != std::string::npos || text.find("{%") != std::string::npos;
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; });
  return text;
}

}  // namespace

std::string NotKept(const dsl::TransformItem& item) {
  using Body = dsl::TransformItem::Body;
  if (item.body && item.body->value == Body::kTemplate) return "a new body";
  if (item.body && item.body->value == Body::kMergeExtracted) return "what is merged into the body";
  if (!item.metadata.empty()) return "metadata for other filters";
  if (item.reroute) return "the route that is chosen again";
  if (item.phase && item.phase->phase == dsl::Phase::kBeforeAuthorization) {
    return "that it comes before authorization";
  }
  for (const auto& header : item.headers) {
    if (IsTemplate(header.value.value)) return "the template of header `" + header.name.value + "`";
    if (header.value.value.find('%') != std::string::npos) {
      return "`%` in header `" + header.name.value + "`, which Envoy reads as a format";
    }
  }
  return "";
}

std::optional<std::vector<HeaderOp>> HeadersOf(const dsl::TransformItem& item) {
  if (!NotKept(item).empty()) return std::nullopt;
  using Kind = dsl::TransformItem::Header::Kind;
  const bool request = item.side == dsl::TransformItem::Side::kRequest;
  std::vector<HeaderOp> ops;
  for (const auto& header : item.headers) {
    HeaderOp op{.side = request ? HeaderOp::Side::kRequest : HeaderOp::Side::kResponse,
                .kind = header.kind == Kind::kAdd ? HeaderOp::Kind::kAdd : HeaderOp::Kind::kSet,
                .name = Lower(header.name.value),
                .value = header.value.value};
    const bool empty = header.kind == Kind::kSet && op.value.empty();
    if (header.kind == Kind::kRemove || empty) op = {op.side, HeaderOp::Kind::kRemove, op.name, ""};
    ops.push_back(std::move(op));
  }
  return ops;
}

}  // namespace weft::engine
