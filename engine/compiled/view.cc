#include "engine/compiled/view.h"

namespace weft::engine::compiled {
namespace {

// One operation of a route on a header's value.
void Apply(const HeaderOp& op, std::optional<std::string_view>& value, std::string& scratch) {
  switch (op.kind) {
    case HeaderOp::Kind::kSet:
      value = op.value;
      return;
    case HeaderOp::Kind::kRemove:
      value.reset();
      return;
    case HeaderOp::Kind::kAdd:
      if (!value || value->empty()) {
        value = op.value;
        return;
      }
      // The old value may live in scratch itself.
      std::string joined(*value);
      joined += ",";
      joined += op.value;
      scratch = std::move(joined);
      value = scratch;
      return;
  }
}

}  // namespace

std::optional<std::string_view> View::Header(const std::string& name, std::string& scratch) const {
  const auto at = request.headers.find(name);
  std::optional<std::string_view> value;
  if (at != request.headers.end()) value = at->second;
  if (header_ops == nullptr) return value;
  for (const HeaderOp& op : *header_ops) {
    if (op.side == HeaderOp::Side::kRequest && op.name == name) Apply(op, value, scratch);
  }
  return value;
}

const Token* View::ValidToken(JwtId provider) const {
  for (const Token& token : request.tokens) {
    if (token.provider == provider && token.valid) return &token;
  }
  return nullptr;
}

const std::optional<Ip>& View::SourceIp() const {
  if (!source_ip) source_ip = Ip::Parse(request.source_ip);
  return *source_ip;
}

const std::optional<Ip>& View::RemoteIp() const {
  if (request.remote_ip.empty()) return SourceIp();
  if (!remote_ip) remote_ip = Ip::Parse(request.remote_ip);
  return *remote_ip;
}

}  // namespace weft::engine::compiled
