// A random policy through the whole pipeline, and what an emitter with a bug could write instead.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dsl/diagnostic.h"
#include "dsl/source.h"
#include "emit/check/interpret.h"
#include "emit/object.h"
#include "engine/model.h"
#include "tests/cross/random_policy.h"

namespace weft::cross {

using Objects = std::map<std::string, std::vector<emit::Object>>;  // by cluster

struct Case {
  std::string text;
  SourceMap sources;
  Diagnostics diagnostics;
  engine::Model model;
  Objects objects;
  bool usable = false;  // no errors: the objects are whole
};

[[nodiscard]] std::unique_ptr<Case> MakeCase(const std::string& text);
[[nodiscard]] std::unique_ptr<Case> MakeCase(Random& random);

// The objects as the reader takes them from their text, which goes to `texts`.
[[nodiscard]] emit::check::Mesh ReadBack(const Case& one, SourceMap& texts,
                                         Diagnostics& diagnostics);

// Errors of the case, for people.
[[nodiscard]] std::string Errors(const Case& one);

// ---- planted bugs

// Applies `change` to the spec of every object of the kind; true when one reported a change.
template <typename Change>
bool InKind(Objects& clusters, const std::string& kind, Change change) {
  bool any = false;
  for (auto& [cluster, objects] : clusters) {
    for (emit::Object& object : objects) {
      if (object.kind == kind && change(object.spec)) any = true;
    }
  }
  return any;
}

// Visits every object of the tree that has the field.
template <typename Change>
bool AtField(emit::Value& value, const std::string& field, Change change) {
  bool any = false;
  if (value.is_object() && value.contains(field) && change(value)) any = true;
  if (value.is_object() || value.is_array()) {
    for (auto& child : value) any = AtField(child, field, change) || any;
  }
  return any;
}

// True when something was there to be changed.
bool Drop(Objects& objects, const std::string& kind, const std::string& field);
bool RemoveObjects(Objects& clusters, const std::string& kind, const std::string& action);
bool ReplaceWord(Objects& objects, const std::string& kind, const std::string& field,
                 const std::string& from, const std::string& to);

}  // namespace weft::cross
