// Gloo objects as found in YAML: which cluster each belongs to, checked against the table of kinds.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dsl/diagnostic.h"
#include "dsl/gloo/schema.h"
#include "dsl/source.h"
#include "dsl/yaml.h"

namespace weft::gloo {

using Labels = std::map<std::string, std::string>;

struct Object {
  const KindInfo* kind = nullptr;
  std::string cluster;  // from the comment above, else kManagementCluster
  std::string ns;
  std::string name;
  Labels labels;
  std::string created;               // creationTimestamp in RFC 3339, UTC; "" unknown
  const yaml::Node* spec = nullptr;  // nullptr: none, or empty
  Span span;                         // of the name
  std::string owner;                 // workspace; "" for objects of the administrator
  bool ignored = false;              // it has no effect, which is reported
};

// Owns the YAML trees the objects point into.
struct Objects {
  std::deque<yaml::Document> documents;
  std::vector<Object> all;  // in the order read; a replaced object is gone
};

inline constexpr std::string_view kManagementCluster = "mgmt";

// Reads every source: `List` objects unfolded, later objects in place of earlier ones of the same
// kind, namespace, name and cluster. Unknown or refused kinds and fields are reported (7001-7010,
// 7018) and left out; an object with a broken field is kept without the field.
[[nodiscard]] Objects ReadObjects(const std::vector<const Source*>& sources,
                                  Diagnostics& diagnostics);

// Checks the value against a message of the schema: unknown fields, types, values, refused fields.
void CheckAgainst(const yaml::Node& node, const Message& message, const KindInfo& kind,
                  Diagnostics& diagnostics);

}  // namespace weft::gloo
