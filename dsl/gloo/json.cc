#include "dsl/gloo/json.h"

#include <fmt/format.h>

namespace weft::gloo {
namespace {

std::string JsonString(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (code < 0x20) {
      json += fmt::format("\\u{:04x}", static_cast<unsigned>(code));
    } else {
      json += c;
    }
  }
  return json + "\"";
}

}  // namespace

std::string ToJson(const yaml::Node& node) {
  std::string json;
  switch (node.kind) {
    case yaml::Kind::kNull:
      return "null";
    case yaml::Kind::kBool:
      return node.AsBool().value_or(false) ? "true" : "false";
    case yaml::Kind::kInt:
      if (const auto number = node.AsInt()) return std::to_string(*number);
      return JsonString(node.text);
    case yaml::Kind::kFloat:
      return node.text;
    case yaml::Kind::kString:
      return JsonString(node.text);
    case yaml::Kind::kSequence:
      for (const yaml::Node& item : node.items) json += (json.empty() ? "" : ",") + ToJson(item);
      return "[" + json + "]";
    case yaml::Kind::kMapping:
      for (const yaml::Node::Entry& entry : node.entries) {
        json += (json.empty() ? "" : ",") + JsonString(entry.key) + ":" + ToJson(entry.value);
      }
      return "{" + json + "}";
  }
  return "null";
}

}  // namespace weft::gloo
