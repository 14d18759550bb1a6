#include "dsl/yaml_json.h"

#include <fmt/format.h>

namespace weft::yaml {
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

std::string ToJson(const Node& node) {
  std::string json;
  switch (node.kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return node.AsBool().value_or(false) ? "true" : "false";
    case Kind::kInt:
      if (const auto number = node.AsInt()) return std::to_string(*number);
      return JsonString(node.text);
    case Kind::kFloat:
      return node.text;
    case Kind::kString:
      return JsonString(node.text);
    case Kind::kSequence:
      for (const Node& item : node.items) json += (json.empty() ? "" : ",") + ToJson(item);
      return "[" + json + "]";
    case Kind::kMapping:
      for (const Node::Entry& entry : node.entries) {
        json += (json.empty() ? "" : ",") + JsonString(entry.key) + ":" + ToJson(entry.value);
      }
      return "{" + json + "}";
  }
  return "null";
}

}  // namespace weft::yaml
