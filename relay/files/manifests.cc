#include "relay/files/manifests.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "dsl/source.h"
#include "dsl/yaml.h"
#include "emit/check/schema.h"
#include "relay/core/limits.h"
#include "relay/files/files.h"

namespace weft::relay {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr char kManagedBy[] = "app.kubernetes.io/managed-by";
constexpr char kGeneration[] = "weft.dev/generation";
constexpr char kConfigMap[] = "ConfigMap";  // the one kind weft writes that is not Istio's

std::string GroupOf(const std::string& api_version) {
  const std::size_t slash = api_version.find('/');
  return slash == std::string::npos ? "" : api_version.substr(0, slash);
}

std::string KindOf(const std::string& api_version, const std::string& kind) {
  const std::string group = GroupOf(api_version);
  return group.empty() ? kind : kind + "." + group;
}

Json ToJson(const yaml::Node& node) {
  switch (node.kind) {
    case yaml::Kind::kNull:
      return nullptr;
    case yaml::Kind::kBool:
      return node.AsBool().value_or(false);
    case yaml::Kind::kInt: {
      const std::optional<std::int64_t> number = node.AsInt();
      return number ? Json(*number) : Json(node.text);
    }
    case yaml::Kind::kFloat: {
      Json number = Json::parse(node.text, nullptr, false);
      return number.is_number() ? number : Json(node.text);
    }
    case yaml::Kind::kString:
      return node.text;
    case yaml::Kind::kSequence: {
      Json items = Json::array();
      for (const yaml::Node& item : node.items) items.push_back(ToJson(item));
      return items;
    }
    case yaml::Kind::kMapping: {
      Json entries = Json::object();
      for (const yaml::Node::Entry& entry : node.entries) {
        entries[entry.key] = ToJson(entry.value);
      }
      return entries;
    }
  }
  return nullptr;
}

template <typename AnyJson>
std::string Text(const AnyJson& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// With sorted keys: an object that comes back from an API server is the one that went there.
std::string CanonicalText(const Json& json) { return Text(nlohmann::json(json)); }

// The text at a path of keys, "" when there is none.
std::string At(const Json& json, std::initializer_list<const char*> path) {
  const Json* at = &json;
  for (const char* key : path) {
    if (!at->is_object() || !at->contains(key)) return "";
    at = &(*at)[key];
  }
  return at->is_string() ? at->get<std::string>() : "";
}

ObjectKey KeyOf(const Json& json) {
  return {KindOf(At(json, {"apiVersion"}), At(json, {"kind"})), At(json, {"metadata", "namespace"}),
          At(json, {"metadata", "name"})};
}

Result<std::vector<yaml::Document>> ParseYaml(const std::string& name, std::string text) {
  const Source source{FileId{0}, name, std::move(text), SourceKind::kYaml};
  Diagnostics diagnostics;
  std::vector<yaml::Document> documents = yaml::Parse(source, diagnostics);
  if (diagnostics.HasErrors()) {
    return Error{"`" + name + "`: " + diagnostics.all().front().message};
  }
  return documents;
}

// Depth of nesting, so that no reader further on recurses without bound.
bool TooDeep(const std::string& json) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > 64) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

// The content as JSON, or what is wrong with it.
Result<Json> Open(const Object& object) {
  if (TooDeep(object.content)) return Error{"its content is nested too deep"};
  Json json = Json::parse(object.content, nullptr, false);
  if (json.is_discarded() || !json.is_object()) return Error{"its content is not a JSON object"};
  if (KeyOf(json) != object.key) return Error{"its content is of another object"};
  return json;
}

// ---- discovery

constexpr std::array<std::string_view, 11> kDiscovered = {"Namespace",
                                                          "Service",
                                                          "ServiceAccount",
                                                          "Pod",
                                                          "Node",
                                                          "Endpoints",
                                                          "Deployment.apps",
                                                          "StatefulSet.apps",
                                                          "DaemonSet.apps",
                                                          "Secret",
                                                          "EndpointSlice.discovery.k8s.io"};

bool IsDiscovered(const ObjectKey& key) {
  if (key.kind.ends_with(".istio.io")) return true;
  // istiod's own configuration; other ConfigMaps are nobody's business.
  if (key.kind == "ConfigMap") return key.name == "istio" || key.name.starts_with("istio-");
  return std::find(kDiscovered.begin(), kDiscovered.end(), key.kind) != kDiscovered.end();
}

Status AddDiscovered(Json json, const std::string& file, std::map<ObjectKey, ObjectPtr>& objects) {
  if (!json.is_object() || At(json, {"kind"}).empty()) {
    return Error{"`" + file + "` holds a document that is not a Kubernetes object"};
  }
  if (json.contains("items") && At(json, {"kind"}).ends_with("List")) {
    for (Json& item : json["items"]) {
      const Status added = AddDiscovered(std::move(item), file, objects);
      if (!added.ok()) return added;
    }
    return Unit{};
  }
  ObjectKey key = KeyOf(json);
  if (key.name.empty()) return Error{"`" + file + "` holds an object without a name"};
  if (!IsReported(key, At(json, {"metadata", "labels", kManagedBy}))) return Unit{};
  json["metadata"].erase("managedFields");
  if (key.kind == "Secret") {
    json = {{"apiVersion", "v1"},
            {"kind", "Secret"},
            {"metadata", {{"namespace", key.ns}, {"name", key.name}}}};
  }
  std::string content = Text(json);
  if (content.size() > kMaxObjectBytes) {
    return Error{"`" + ToText(key) + "` in `" + file + "` is larger than 256 KiB"};
  }
  objects[key] = MakeObject(key, std::move(content));
  return Unit{};
}

Status AddFile(const fs::path& path, const std::string& name,
               std::map<ObjectKey, ObjectPtr>& objects) {
  Result<std::string> text = ReadWhole(path.string());
  if (!text.ok()) return Error{text.error()};
  const Result<std::vector<yaml::Document>> documents = ParseYaml(name, std::move(text).value());
  if (!documents.ok()) return Error{documents.error()};
  for (const yaml::Document& document : documents.value()) {
    const Status added = AddDiscovered(ToJson(document.root), name, objects);
    if (!added.ok()) return added;
  }
  return Unit{};
}

}  // namespace

bool IsNestedTooDeep(const std::string& json) { return TooDeep(json); }

bool IsReported(const ObjectKey& key, std::string_view managed_by) {
  return IsDiscovered(key) && managed_by != "weft";
}

ObjectPtr FromEmitted(const emit::Object& object) {
  Json json;
  json["apiVersion"] = object.api_version;
  json["kind"] = object.kind;
  json["metadata"]["name"] = object.name;
  json["metadata"]["namespace"] = object.ns;
  for (const auto& [key, value] : object.labels) json["metadata"]["labels"][key] = value;
  const bool map = object.kind == kConfigMap;
  json[map ? "data" : "spec"] = map ? object.data : object.spec;
  return MakeObject({KindOf(object.api_version, object.kind), object.ns, object.name},
                    CanonicalText(json), object.annotations);
}

std::string ToManifest(const Snapshot& objects, const Version& version) {
  std::string text;
  for (const auto& [key, object] : objects.objects) {
    const Json json = Json::parse(object->content, nullptr, false);
    if (json.is_discarded()) continue;  // WrongWith refused it before
    emit::Object out{.api_version = At(json, {"apiVersion"}),
                     .kind = At(json, {"kind"}),
                     .ns = key.ns,
                     .name = key.name,
                     .annotations = object->annotations};
    if (json["metadata"].contains("labels")) {
      for (const auto& [name, value] : json["metadata"]["labels"].items()) {
        out.labels[name] = value.get<std::string>();
      }
    }
    if (json.contains("spec")) out.spec = json["spec"];
    if (json.contains("data")) out.data = json["data"];
    out.annotations[kGeneration] =
        std::to_string(version.term) + "." + std::to_string(version.generation);
    text += "---\n" + emit::ToYaml(out);
  }
  return text;
}

Result<SnapshotPtr> FromManifest(const std::string& text) {
  const Result<std::vector<yaml::Document>> documents = ParseYaml("weft.yaml", text);
  if (!documents.ok()) return Error{documents.error()};
  std::map<ObjectKey, ObjectPtr> objects;
  for (const yaml::Document& document : documents.value()) {
    Json json = ToJson(document.root);
    if (!json.is_object() || At(json, {"metadata", "labels", kManagedBy}) != "weft") continue;
    std::map<std::string, std::string> annotations;
    if (json["metadata"].contains("annotations")) {
      for (const auto& [name, value] : json["metadata"]["annotations"].items()) {
        if (name != kGeneration && value.is_string()) annotations[name] = value.get<std::string>();
      }
    }
    json["metadata"].erase("annotations");
    const ObjectKey key = KeyOf(json);
    objects[key] = MakeObject(key, CanonicalText(json), std::move(annotations));
  }
  return MakeSnapshot(std::move(objects));
}

namespace {

// A ConfigMap of weft's own, such as the limits of a rate limit service.
std::string WrongWithMap(const Object& object, const Json& json) {
  if (!object.key.name.starts_with("weft-")) return "its name does not begin with `weft-`";
  if (!json.contains("data") || !json["data"].is_object()) return "it has no data";
  for (const auto& [key, value] : json.items()) {
    if (key != "apiVersion" && key != "kind" && key != "metadata" && key != "data") {
      return "unknown field `" + key + "`";
    }
  }
  for (const auto& [key, value] : json["data"].items()) {
    if (!value.is_string()) return "its entry `" + key + "` is not a text";
  }
  return "";
}

}  // namespace

std::string WrongWith(const Object& object) {
  if (object.content.size() > kMaxObjectBytes) return "it is larger than 256 KiB";
  const Result<Json> json = Open(object);
  if (!json.ok()) return json.error();
  if (object.key.ns.empty()) return "it has no namespace";
  if (At(json.value(), {"metadata", "labels", kManagedBy}) != "weft") {
    return "it lacks the label of weft's objects";
  }
  for (const auto& [name, value] : json.value()["metadata"]["labels"].items()) {
    if (!value.is_string()) return "its label `" + name + "` is not a text";
  }
  if (object.key.kind == kConfigMap) return WrongWithMap(object, json.value());
  if (!object.key.kind.ends_with(".istio.io")) return "it is not an Istio object";
  const Result<std::vector<yaml::Document>> documents = ParseYaml("object", object.content);
  if (!documents.ok()) return documents.error();
  const yaml::Node* spec =
      documents.value().size() == 1 ? documents.value().front().root.Find("spec") : nullptr;
  if (spec == nullptr) return "it has no spec";
  Diagnostics diagnostics;
  if (!emit::check::CheckSpec(At(json.value(), {"kind"}), *spec, diagnostics)) {
    return "its kind is none that weft writes";
  }
  return diagnostics.HasErrors() ? diagnostics.all().front().message : "";
}

std::string WrongWithDiscovered(const Object& object) {
  const Result<Json> json = Open(object);
  if (!json.ok()) return json.error();
  if (!IsDiscovered(object.key)) return "its kind is none that is discovered";
  if (object.key.kind == "Secret" && json.value().contains("data")) return "it holds a secret";
  return "";
}

Result<SnapshotPtr> DiscoverDirectory(const std::string& directory) {
  std::error_code error;
  std::vector<fs::path> files;
  fs::recursive_directory_iterator it(directory, error);
  for (const fs::recursive_directory_iterator end; !error && it != end; it.increment(error)) {
    if (it->path().filename().string().starts_with('.')) {
      if (it->is_directory(error)) it.disable_recursion_pending();
      continue;
    }
    const std::string extension = it->path().extension().string();
    if (it->is_regular_file(error) &&
        (extension == ".yaml" || extension == ".yml" || extension == ".json")) {
      files.push_back(it->path());
    }
  }
  if (error) return Error{"`" + directory + "` cannot be read: " + error.message()};
  std::sort(files.begin(), files.end());
  std::map<ObjectKey, ObjectPtr> objects;
  for (const fs::path& file : files) {
    const Status added = AddFile(file, fs::relative(file, directory, error).string(), objects);
    if (!added.ok()) return Error{added.error()};
  }
  if (objects.empty()) return Error{"`" + directory + "` holds no Kubernetes objects"};
  return MakeSnapshot(std::move(objects));
}

std::string InventoryText(const Snapshot& objects) {
  std::string text;
  for (const auto& [key, object] : objects.objects) text += "---\n" + object->content + "\n";
  return text;
}

}  // namespace weft::relay
