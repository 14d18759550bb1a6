// Every field of every kind is used, refused by name or passed over with a reason: objects made
// from the table, one per field, are read, and what becomes of the field is what the table says.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "dsl/gloo/codes.h"
#include "dsl/gloo/read.h"
#include "dsl/gloo/schema.h"

namespace weft::gloo {
namespace {

// YAML in flow style, so that values nest without indentation.
std::string ScalarText(const Field& field) {
  if (field.form == "status" || field.form == "any-status" || field.form == "behind-status") {
    return "200";
  }
  if (field.form == "key-bits") return "4096";
  if (field.form == "path") return "/a";
  if (field.form == "retry-conditions") return "reset";
  switch (field.scalar) {
    case Scalar::kString:
      return "a";
    case Scalar::kBool:
      return "true";
    case Scalar::kInt:
    case Scalar::kNumber:
      return "1";
    case Scalar::kDuration:
      return "1s";
    case Scalar::kEnum:
      return field.values.back();
    case Scalar::kAny:
    case Scalar::kMessage:
      return "{}";
  }
  return "";
}

std::string Shaped(const Field& field, const std::string& value) {
  switch (field.shape) {
    case Shape::kOne:
      return value;
    case Shape::kList:
      return "[" + value + "]";
    case Shape::kMap:
      return "{a: " + value + "}";
  }
  return "";
}

// One field of a kind, with the value around it.
struct Place {
  const KindInfo* kind = nullptr;
  const Field* field = nullptr;
  std::string path;
  std::string spec;  // YAML of an object that has this field and no others
};

class Places {
 public:
  static std::vector<Place> Of(const KindInfo& kind) {
    Places places(kind);
    places.Walk(kind.message, "", "", "");
    return places.places_;
  }

 private:
  explicit Places(const KindInfo& kind) : kind_(kind) {}

  void Walk(const std::string& message, const std::string& path, const std::string& before,
            const std::string& after) {
    if (std::count(within_.begin(), within_.end(), message) != 0) return;
    within_.push_back(message);
    for (const Field& field : TheSchema().messages.at(message).fields) {
      const std::string name = path + (path.empty() ? "" : ".") + field.name;
      places_.push_back(
          {&kind_, &field, name,
           before + "{" + field.name + ": " + Shaped(field, ScalarText(field)) + "}" + after});
      if (field.scalar != Scalar::kMessage || field.fate != Fate::kUsed) continue;
      const std::string shaped = Shaped(field, "\x01");
      const std::size_t hole = shaped.find('\x01');
      Walk(field.of, name, before + "{" + field.name + ": " + shaped.substr(0, hole),
           shaped.substr(hole + 1) + "}" + after);
    }
    within_.pop_back();
  }

  const KindInfo& kind_;
  std::vector<std::string> within_;
  std::vector<Place> places_;
};

std::vector<Place> AllPlaces() {
  std::vector<Place> all;
  for (const KindInfo& kind : TheSchema().kinds) {
    if (kind.refused) continue;
    for (Place& place : Places::Of(kind)) all.push_back(std::move(place));
  }
  return all;
}

constexpr std::string_view kAround = R"(
apiVersion: admin.gloo.solo.io/v2
kind: Workspace
metadata: {name: shop, namespace: gloo-mesh}
spec: {workloadClusters: [{name: '*', namespaces: [{name: shop}]}]}
---
)";

Diagnostics Diagnose(const Place& place) {
  const bool administrative =
      place.kind->kind == "Workspace" || place.kind->kind == "KubernetesCluster";
  const std::string text =
      std::string(kAround) + "apiVersion: " + place.kind->group + "/" + place.kind->version +
      "\nkind: " + place.kind->kind +
      "\nmetadata: {name: it, namespace: " + (administrative ? "gloo-mesh" : "shop") +
      "}\nspec: " + place.spec + "\n";
  SourceMap sources;
  Diagnostics diagnostics;
  const FileId id = sources.Add("a.yaml", text, SourceKind::kYaml);
  static_cast<void>(Read({&sources.Get(id)}, {}, diagnostics));
  return diagnostics;
}

bool Reports(const Diagnostics& diagnostics, const Code& code) {
  return std::any_of(diagnostics.all().begin(), diagnostics.all().end(),
                     [&](const Diagnostic& d) { return d.number == code.number; });
}

TEST(Coverage, RefusedFieldsAreErrorsAndIdleFieldsAreNot) {
  for (const Place& place : AllPlaces()) {
    if (place.field->fate == Fate::kUsed) continue;
    const std::string name = place.kind->kind + "." + place.path;
    EXPECT_EQ(place.field->fate == Fate::kRefused, Reports(Diagnose(place), codes::kRefusedField))
        << name << "\n"
        << place.spec;
    EXPECT_FALSE(place.field->note.empty()) << name;
  }
}

// A field that nobody reads is an error of its own (7009), so no field is lost in silence; here the
// table and the check of fields agree on what is known.
TEST(Coverage, EveryUsedFieldIsKnown) {
  for (const Place& place : AllPlaces()) {
    if (place.field->fate != Fate::kUsed) continue;
    EXPECT_FALSE(Reports(Diagnose(place), codes::kUnknownField))
        << place.kind->kind << "." << place.path;
  }
}

TEST(Coverage, EveryRefusedKindSaysWhy) {
  for (const KindInfo& kind : TheSchema().kinds) {
    EXPECT_FALSE(kind.note.empty()) << kind.kind;
    EXPECT_NE(kind.refused, TheSchema().messages.contains(kind.message)) << kind.kind;
  }
}

}  // namespace
}  // namespace weft::gloo
