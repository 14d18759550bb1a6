// A Kubernetes object on its way out, and its text.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dsl/span.h"

namespace weft::emit {

// Fields keep the order they are set in, so that the text is stable.
using Value = nlohmann::ordered_json;

struct Object {
  std::string api_version;
  std::string kind;
  std::string ns;
  std::string name;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  Value spec = Value::object();
  Value data = Value::object();  // of a ConfigMap, instead of `spec`
  Value rest =
      Value::object();        // other fields beside `spec`, of objects that were given as they are
  Span span;                  // what it comes from
  std::vector<Span> sources;  // the lines whose meaning it carries, for explanations
};

// One YAML document, ending in a line break. Strings are quoted wherever a Kubernetes reader would
// take them for something else. Byte-stable.
[[nodiscard]] std::string ToYaml(const Object& object);

// A YAML mapping as a document, ending in a line break. Byte-stable.
[[nodiscard]] std::string YamlText(const Value& mapping);

// 16 hexadecimal digits that depend on every byte of the text.
[[nodiscard]] std::string Digest(const std::string& text);

// "namespace/kind-name.yaml", kind in lower case: where `weft emit` puts it below the cluster.
[[nodiscard]] std::string PathOf(const Object& object);

// `text` as part of a Kubernetes name (RFC 1123): lower case, other characters as '-', at most 253.
// A text that had to be changed or cut ends in a digest of the whole, so that names stay distinct.
[[nodiscard]] std::string NameOf(const std::string& text);

}  // namespace weft::emit
