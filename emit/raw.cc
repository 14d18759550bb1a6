#include "emit/raw.h"

#include <algorithm>
#include <string>

#include "dsl/yaml_json.h"
#include "emit/check/objects.h"
#include "emit/codes.h"
#include "emit/documents.h"

namespace weft::emit {
namespace {

constexpr std::size_t kQuotes = 3;  // of `"""`

// The text at its place in the policy's file, so that what is found in it has its place there.
Source SourceOf(const engine::RawObjects& raw) {
  const bool verbatim = raw.span.end - raw.span.begin == raw.text.size() + 2 * kQuotes;
  const std::size_t before = verbatim ? raw.span.begin + kQuotes : raw.span.begin;
  return {.id = raw.span.file,
          .name = "",
          .text = std::string(before, '\n') + raw.text,
          .kind = SourceKind::kYaml,
          .path = ""};
}

Value ToValue(const yaml::Node& node) { return Value::parse(yaml::ToJson(node), nullptr, false); }

void AddTexts(const yaml::Node* map, std::map<std::string, std::string>& texts) {
  if (map == nullptr) return;
  for (const yaml::Node::Entry& entry : map->entries) texts[entry.key] = entry.value.text;
}

Object ObjectOf(const yaml::Node& root, Span span) {
  Object object{.api_version = root.StringOr("apiVersion", ""),
                .kind = root.StringOr("kind", ""),
                .ns = "",
                .name = "",
                .labels = {},
                .annotations = {},
                .span = root.span.IsKnown() ? root.span : span,
                .sources = {span}};
  if (const yaml::Node* metadata = root.Find("metadata")) {
    object.ns = metadata->StringOr("namespace", "");
    object.name = metadata->StringOr("name", "");
    AddTexts(metadata->Find("labels"), object.labels);
    AddTexts(metadata->Find("annotations"), object.annotations);
  }
  const char* main = object.kind == "ConfigMap" ? "data" : "spec";
  for (const yaml::Node::Entry& entry : root.entries) {
    if (entry.key == "apiVersion" || entry.key == "kind" || entry.key == "metadata") continue;
    if (entry.key != main) {
      object.rest[entry.key] = ToValue(entry.value);
    } else {
      (object.kind == "ConfigMap" ? object.data : object.spec) = ToValue(entry.value);
    }
  }
  return object;
}

bool IsIstio(const Object& object) {
  const std::string group = object.api_version.substr(0, object.api_version.find('/'));
  return group.ends_with(".istio.io");
}

std::vector<Object> ReadRaw(const engine::RawObjects& raw, Diagnostics& diagnostics) {
  std::vector<Object> objects;
  const std::size_t errors = diagnostics.errors();
  const std::vector<DocumentText> documents = SplitDocuments(SourceOf(raw), diagnostics);
  if (documents.empty() && diagnostics.errors() == errors) {
    diagnostics.Error(codes::kRawObject, raw.span, "there is no object in this `raw istio`");
  }
  for (const DocumentText& document : documents) {
    Object object = ObjectOf(document.root, raw.span);
    if (object.api_version.empty() || object.kind.empty() || object.name.empty()) {
      diagnostics.Error(codes::kRawObject, object.span,
                        "this is no object: it needs `apiVersion`, `kind` and `metadata.name`");
      continue;
    }
    if (IsIstio(object)) (void)check::ReadIstio(document.source, diagnostics);
    objects.push_back(std::move(object));
  }
  return objects;
}

bool Owns(const engine::Model& model, const engine::RawObjects& raw, engine::ClusterId cluster,
          const std::string& ns) {
  return raw.workspace.IsNone() || model[raw.workspace].namespaces.contains({cluster, ns});
}

std::string HomeOf(const engine::Model& model, const engine::RawObjects& raw,
                   engine::ClusterId cluster) {
  if (!raw.workspace.IsNone()) {
    for (const auto& [id, ns] : model[raw.workspace].namespaces) {
      if (id == cluster) return ns;
    }
  }
  return model.root_namespace;
}

}  // namespace

std::vector<std::vector<Object>> ReadRaws(const engine::Model& model, Diagnostics& diagnostics) {
  std::vector<std::vector<Object>> raws;
  for (const engine::RawObjects& raw : model.raws) raws.push_back(ReadRaw(raw, diagnostics));
  return raws;
}

void AddRaws(const engine::Model& model, const std::vector<std::vector<Object>>& raws,
             engine::ClusterId cluster, const Options& options, Diagnostics& diagnostics,
             std::vector<Object>& objects) {
  for (std::size_t i = 0; i < raws.size(); ++i) {
    const engine::RawObjects& raw = model.raws[i];
    if (std::find(raw.clusters.begin(), raw.clusters.end(), cluster) == raw.clusters.end()) {
      continue;
    }
    for (Object object : raws[i]) {
      const auto report = [&](const std::string& message) {
        diagnostics.Error(codes::kRawObject, object.span, message).clusters = {model[cluster].name};
      };
      if (object.ns.empty()) object.ns = HomeOf(model, raw, cluster);
      if (!Owns(model, raw, cluster, object.ns)) {
        report("workspace `" + model[raw.workspace].name + "` does not own namespace `" +
               object.ns + "`");
        continue;
      }
      const bool taken = std::any_of(objects.begin(), objects.end(), [&](const Object& other) {
        return other.kind == object.kind && other.ns == object.ns && other.name == object.name;
      });
      if (taken) {
        report(object.kind + " `" + object.ns + "/" + object.name + "` is emitted already");
        continue;
      }
      object.labels["app.kubernetes.io/managed-by"] = "weft";
      object.annotations["weft.dev/workspace"] =
          raw.workspace.IsNone() ? model.mesh : model[raw.workspace].name;
      if (options.place) object.annotations["weft.dev/source"] = options.place(object.span);
      objects.push_back(std::move(object));
    }
  }
}

}  // namespace weft::emit
