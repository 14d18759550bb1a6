#include "relay/kube/decode.h"

#include <array>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>

#include "relay/core/limits.h"
#include "relay/files/manifests.h"

namespace weft::relay::kube {
namespace {

using Json = nlohmann::ordered_json;

// What an event is about when its object is not reported: weft's own, or another's ConfigMap.
constexpr char kUnreported[] = "";

const Json* Find(const Json& json, std::initializer_list<const char*> path) {
  const Json* at = &json;
  for (const char* key : path) {
    if (!at->is_object()) return nullptr;
    const auto next = at->find(key);
    if (next == at->end()) return nullptr;
    at = &*next;
  }
  return at;
}

std::string TextAt(const Json& json, std::initializer_list<const char*> path) {
  const Json* at = Find(json, path);
  return at != nullptr && at->is_string() ? at->get<std::string>() : "";
}

// Copies the named entries that are there.
Json Only(const Json& json, std::initializer_list<const char*> keys) {
  Json kept = Json::object();
  if (!json.is_object()) return kept;
  for (const char* key : keys) {
    const auto at = json.find(key);
    if (at != json.end()) kept[key] = *at;
  }
  return kept;
}

Json TrimmedMetadata(const Json& metadata) {
  Json kept = Only(metadata, {"name", "namespace", "labels"});
  const Json* inject = Find(metadata, {"annotations", "sidecar.istio.io/inject"});
  if (inject != nullptr) kept["annotations"]["sidecar.istio.io/inject"] = *inject;
  const Json* owners = Find(metadata, {"ownerReferences"});
  if (owners != nullptr && owners->is_array()) {
    for (const Json& owner : *owners) {
      kept["ownerReferences"].push_back(Only(owner, {"apiVersion", "kind", "name"}));
    }
  }
  return kept;
}

Json TrimmedPodSpec(const Json& spec) {
  Json kept = Only(spec, {"serviceAccountName", "serviceAccount", "nodeName", "hostNetwork"});
  for (const char* list : {"initContainers", "containers"}) {
    const Json* containers = Find(spec, {list});
    if (containers == nullptr || !containers->is_array()) continue;
    for (const Json& container : *containers) {
      kept[list].push_back(Only(container, {"name", "ports"}));
    }
  }
  return kept;
}

Json TrimmedPodStatus(const Json& status) {
  Json kept = Only(status, {"phase", "podIP"});
  const Json* conditions = Find(status, {"conditions"});
  if (conditions == nullptr || !conditions->is_array()) return kept;
  kept["conditions"] = Json::array();
  for (const Json& condition : *conditions) {
    if (TextAt(condition, {"type"}) != "Ready") continue;
    kept["conditions"].push_back(Only(condition, {"type", "status"}));
  }
  return kept;
}

void TrimSpecAndStatus(const std::string& kind, const Json& object, Json& kept) {
  static const Json kNone = Json::object();
  const auto part = [&](const char* name) -> const Json& {
    const Json* found = Find(object, {name});
    return found == nullptr ? kNone : *found;
  };
  if (kind == "Pod") {
    kept["spec"] = TrimmedPodSpec(part("spec"));
    kept["status"] = TrimmedPodStatus(part("status"));
  } else if (kind == "Deployment" || kind == "StatefulSet" || kind == "DaemonSet") {
    kept["spec"] = Only(part("spec"), {"replicas", "selector"});
    if (const Json* of_pods = Find(object, {"spec", "template"})) {
      Json& trimmed = kept["spec"]["template"];
      const Json* metadata = Find(*of_pods, {"metadata"});
      const Json* spec = Find(*of_pods, {"spec"});
      trimmed["metadata"] = TrimmedMetadata(metadata == nullptr ? kNone : *metadata);
      trimmed["spec"] = TrimmedPodSpec(spec == nullptr ? kNone : *spec);
    }
  } else if (kind == "Service") {
    kept["spec"] = part("spec");
    kept["status"] = Only(part("status"), {"loadBalancer"});
  } else if (kind == "EndpointSlice") {
    kept.update(Only(object, {"addressType", "endpoints", "ports"}));
  } else if (kind == "ConfigMap") {
    kept["data"] = Only(part("data"), {"mesh"});
  }
}

Result<Item> ReadItem(const Resource& resource, Json json) {
  if (!json.is_object()) return Error{"an object is not a JSON object"};
  json["apiVersion"] = resource.api_version;  // items of a list do not say it
  json["kind"] = resource.kind;
  Item item{.uid = TextAt(json, {"metadata", "uid"}),
            .version = TextAt(json, {"metadata", "resourceVersion"})};
  if (TextAt(json, {"metadata", "name"}).empty() || item.version.empty()) {
    return Error{"an object has no name or no version"};
  }
  const ObjectKey key{KindOf(resource), TextAt(json, {"metadata", "namespace"}),
                      TextAt(json, {"metadata", "name"})};
  if (!IsReported(key, TextAt(json, {"metadata", "labels", "app.kubernetes.io/managed-by"}))) {
    item.object = MakeObject(key, kUnreported);
    return item;
  }
  std::string content = Trimmed(json).dump(-1, ' ', false, Json::error_handler_t::replace);
  if (content.size() > kMaxObjectBytes) {
    return Error{"`" + ToText(key) + "` is larger than 256 KiB"};
  }
  item.object = MakeObject(key, std::move(content));
  return item;
}

}  // namespace

Json Trimmed(const Json& object) {
  Json kept = Only(object, {"apiVersion", "kind"});
  kept["metadata"] = TrimmedMetadata(object.value("metadata", Json::object()));
  const std::string kind = TextAt(object, {"kind"});
  if (TextAt(object, {"apiVersion"}).find(".istio.io/") != std::string::npos) {
    const Json* annotations = Find(object, {"metadata", "annotations"});
    if (annotations != nullptr && annotations->is_object()) {
      kept["metadata"]["annotations"] = *annotations;
      kept["metadata"]["annotations"].erase("kubectl.kubernetes.io/last-applied-configuration");
    }
    if (const Json* spec = Find(object, {"spec"})) kept["spec"] = *spec;
    return kept;
  }
  TrimSpecAndStatus(kind, object, kept);
  return kept;
}

Result<Page> ReadPage(const Resource& resource, const std::string& body) {
  if (IsNestedTooDeep(body)) return Error{"one of the " + resource.plural + " is nested too deep"};
  Json json = Json::parse(body, nullptr, false);
  const Json* items = Find(json, {"items"});
  if (json.is_discarded() || TextAt(json, {"metadata", "resourceVersion"}).empty() ||
      (items != nullptr && !items->is_array() && !items->is_null())) {
    return Error{"the API server's answer is not a list of " + resource.plural};
  }
  Page page{.version = TextAt(json, {"metadata", "resourceVersion"}),
            .token = TextAt(json, {"metadata", "continue"})};
  if (items == nullptr) return page;
  for (Json& one : json["items"]) {
    Result<Item> item = ReadItem(resource, std::move(one));
    if (!item.ok()) return Error{resource.plural + ": " + item.error()};
    page.items.push_back(std::move(item).value());
  }
  return page;
}

std::variant<Happened, WatchFailed> ReadEvent(const Resource& resource, const std::string& line) {
  if (IsNestedTooDeep(line)) {
    return WatchFailed{0, "one of the " + resource.plural + " is nested too deep"};
  }
  Json json = Json::parse(line, nullptr, false);
  const std::string type = json.is_object() ? TextAt(json, {"type"}) : "";
  const Json* object = json.is_object() ? Find(json, {"object"}) : nullptr;
  if (type.empty() || object == nullptr) {
    return WatchFailed{0, "an event of " + resource.plural + " cannot be read"};
  }
  if (type == "ERROR") {
    const Json* code = Find(*object, {"code"});
    return WatchFailed{code != nullptr && code->is_number_integer() ? code->get<int>() : 0,
                       ReadMessage(object->dump(-1, ' ', false, Json::error_handler_t::replace))};
  }
  Happened happened;
  if (type == "BOOKMARK") {
    happened.item.version = TextAt(*object, {"metadata", "resourceVersion"});
    return happened;
  }
  if (type == "ADDED") {
    happened.type = Happened::Type::kAdded;
  } else if (type == "MODIFIED") {
    happened.type = Happened::Type::kModified;
  } else if (type == "DELETED") {
    happened.type = Happened::Type::kDeleted;
  } else {
    return WatchFailed{0, "an event of a type that is not known"};
  }
  Result<Item> item = ReadItem(resource, std::move(json["object"]));
  if (!item.ok()) return WatchFailed{0, resource.plural + ": " + item.error()};
  happened.item = std::move(item).value();
  return happened;
}

std::string ReadMessage(const std::string& body) {
  const Json json = IsNestedTooDeep(body) ? Json() : Json::parse(body, nullptr, false);
  std::string message = json.is_object() ? TextAt(json, {"message"}) : "";
  if (message.empty()) message = body;
  return message.substr(0, 2000);
}

}  // namespace weft::relay::kube
