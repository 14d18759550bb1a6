#include "relay/kube/target.h"

#include <algorithm>
#include <utility>

#include "relay/kube/decode.h"

namespace weft::relay::kube {
namespace {

using Json = nlohmann::json;

constexpr char kManager[] = "weft";
constexpr char kGeneration[] = "weft.dev/generation";
constexpr char kSelector[] = "?labelSelector=app.kubernetes.io%2Fmanaged-by%3Dweft&limit=500";
constexpr int kBadRequest = 400;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;
constexpr int kConflict = 409;
constexpr int kUnprocessable = 422;

bool IsOk(const Response& response) { return response.status >= 200 && response.status < 300; }

const Resource* ResourceFor(const std::string& kind) {
  for (const Resource& resource : WrittenResources()) {
    if (KindOf(resource) == kind) return &resource;
  }
  return nullptr;
}

Error Refused(const std::string& what, const ObjectKey& key, const Response& response) {
  return Error{what + " " + ToText(key) + ": the API server answers " +
               std::to_string(response.status) + ": " + ReadMessage(response.body)};
}

// The entries of metadata.managedFields.
const Json& ManagersOf(const Json& live) {
  static const Json kNone = Json::array();
  const Json::json_pointer path("/metadata/managedFields");
  return live.contains(path) && live[path].is_array() ? live[path] : kNone;
}

bool IsOurs(const Json& live) {
  const Json& managers = ManagersOf(live);
  return std::any_of(managers.begin(), managers.end(), [](const Json& entry) {
    return entry.value("manager", "") == kManager && entry.value("operation", "") == "Apply" &&
           entry.value("subresource", "").empty();
  });
}

std::string OthersText(const Json& live) {
  std::string text;
  for (const Json& entry : ManagersOf(live)) {
    const std::string name = entry.value("manager", "");
    if (name == kManager || name.empty() || text.find("`" + name + "`") != std::string::npos) {
      continue;
    }
    text += (text.empty() ? "`" : ", `") + name + "`";
  }
  return text.empty() ? "nobody is named" : text;
}

// Whether the live object says what is wanted, and nothing more where it counts. Labels that others
// add are theirs.
bool IsAsWanted(const Json& live, const Json& wanted) {
  for (const char* part : {"spec", "data"}) {
    const Json mine = wanted.value(part, Json::object());
    const Json theirs = live.value(part, Json::object());
    if (mine != theirs) return false;
  }
  const Json labels = live.value(Json::json_pointer("/metadata/labels"), Json::object());
  const Json wanted_labels = wanted.value(Json::json_pointer("/metadata/labels"), Json::object());
  for (const auto& [name, value] : wanted_labels.items()) {
    if (!labels.contains(name) || labels[name] != value) return false;
  }
  return true;
}

// What is sent: the object with its annotations and, when it is really written, the release.
Json BodyOf(const Object& object, const Version& version) {
  Json body = Json::parse(object.content, nullptr, false);
  if (!body.is_object()) return Json::object();
  for (const auto& [name, value] : object.annotations) {
    body["metadata"]["annotations"][name] = value;
  }
  if (version.generation > 0) {
    body["metadata"]["annotations"][kGeneration] =
        std::to_string(version.term) + "." + std::to_string(version.generation);
  }
  return body;
}

std::string GenerationOf(const Json& object) {
  return object.value(Json::json_pointer("/metadata/annotations/weft.dev~1generation"), "");
}

// An API server may answer anything; what does not have the form of its API is an error like
// others.
template <typename T, typename Function>
Result<T> Guarded(Function function) {
  try {
    return function();
  } catch (const Json::exception&) {
    return Error{"the API server's answer has another form than its API says"};
  }
}

// A live object in the form in which weft emits one.
ObjectPtr FromLive(const ObjectKey& key, const Resource& resource, const Json& live) {
  Json content;  // keys sorted, as in FromEmitted
  content["apiVersion"] = resource.api_version;
  content["kind"] = resource.kind;
  content["metadata"]["name"] = key.name;
  content["metadata"]["namespace"] = key.ns;
  const Json labels = live.value(Json::json_pointer("/metadata/labels"), Json::object());
  for (const auto& [name, value] : labels.items()) content["metadata"]["labels"][name] = value;
  for (const char* part : {"spec", "data"}) {
    if (live.contains(part)) content[part] = live[part];
  }
  return MakeObject(key, content.dump(-1, ' ', false, Json::error_handler_t::replace));
}

// A status that is about this object, not about the API server or weft's rights there.
bool IsAboutObject(const Response& response) {
  switch (response.status) {
    case kBadRequest:
    case kNotFound:
    case kConflict:
    case kUnprocessable:
      return true;
    case kForbidden:
      // Rights are told in these words; what else is forbidden, an admission webhook forbids.
      return ReadMessage(response.body).find(" cannot ") == std::string::npos;
    default:
      return false;
  }
}

// Whether it was refused because its namespace is not there or on its way out (NamespaceLifecycle
// of the API server: details.kind "namespaces", cause NamespaceTerminating).
bool LacksNamespace(const Response& response) {
  const Json status = Json::parse(response.body, nullptr, false);
  const Json details = status.is_object() ? status.value("details", Json::object()) : Json();
  if (!details.is_object()) return false;
  if (response.status == kNotFound) return details.value("kind", "") == "namespaces";
  const Json causes = details.value("causes", Json::array());
  return std::any_of(causes.begin(), causes.end(), [](const Json& cause) {
    return cause.is_object() && cause.value("reason", "") == "NamespaceTerminating";
  });
}

}  // namespace

Result<Response> ClusterTarget::Ask(const Request& request) {
  Result<Response> response = api_.Do(request);
  lost_ = !response.ok();
  return response;
}

Status ClusterTarget::ListKind(const Resource& resource, LiveObjects& found) {
  std::string token;
  do {
    const Result<Response> response =
        Ask({.path = CollectionPath(resource, "") + kSelector +
                     (token.empty() ? "" : "&continue=" + PercentEncoded(token))});
    if (!response.ok()) return Error{resource.plural + ": " + response.error()};
    if (response.value().status == kNotFound && resource.optional) return Unit{};
    if (!IsOk(response.value())) {
      return Error{resource.plural + ": " + ReadMessage(response.value().body)};
    }
    const Json list = Json::parse(response.value().body, nullptr, false);
    if (!list.is_object() || !list.value("items", Json::array()).is_array()) {
      return Error{resource.plural + ": the API server's answer is not a list"};
    }
    for (const Json& item : list.value("items", Json::array())) {
      const Json metadata = item.value("metadata", Json::object());
      found[{KindOf(resource), metadata.value("namespace", ""), metadata.value("name", "")}] = {
          &resource, item};
    }
    token = list.value(Json::json_pointer("/metadata/continue"), "");
  } while (!token.empty());
  return Unit{};
}

Result<ClusterTarget::LiveObjects> ClusterTarget::List(const std::set<std::string>& kinds) {
  LiveObjects found;
  for (const Resource& resource : WrittenResources()) {
    // Of ConfigMaps weft may read those it writes only: by name, never as a list.
    if (!resource.optional || !kinds.contains(KindOf(resource))) continue;
    const Status listed = ListKind(resource, found);
    if (!listed.ok()) return Error{listed.error()};
  }
  return found;
}

Result<ClusterTarget::Json> ClusterTarget::Get(const Resource& resource, const ObjectKey& key) {
  const Result<Response> response = Ask({.path = ObjectPath(resource, key)});
  if (!response.ok()) return Error{response.error()};
  if (response.value().status == kNotFound) return Json();
  if (!IsOk(response.value())) return Refused("reading", key, response.value());
  Json json = Json::parse(response.value().body, nullptr, false);
  if (!json.is_object()) return Error{"reading " + ToText(key) + ": the answer is no object"};
  return json;
}

Result<ClusterTarget::Json> ClusterTarget::Find(const LiveObjects& live, const Resource& resource,
                                                const ObjectKey& key) {
  const auto at = live.find(key);
  if (at != live.end()) return at->second.json;
  // It may be there without weft's label.
  return Get(resource, key);
}

Result<Response> ClusterTarget::Apply(const Resource& resource, const ObjectKey& key,
                                      const Json& body, bool force, bool dry_run) {
  return Ask({.method = "PATCH",
              .path = ObjectPath(resource, key) + "?fieldManager=" + kManager +
                      "&fieldValidation=Strict&force=" + (force ? "true" : "false") +
                      (dry_run ? "&dryRun=All" : ""),
              .body = body.dump(-1, ' ', false, Json::error_handler_t::replace),
              .content_type = "application/apply-patch+yaml"});
}

Result<std::vector<ObjectError>> ClusterTarget::Try(const std::vector<ObjectPtr>& objects) {
  return Guarded<std::vector<ObjectError>>([&] { return TryAll(objects); });
}

Status ClusterTarget::Write(const Snapshot& wanted, const std::set<ObjectKey>& leaving,
                            const Version& version) {
  return Guarded<Unit>([&] { return WriteAll(wanted, leaving, version); });
}

Result<SnapshotPtr> ClusterTarget::Read(const SnapshotPtr& wanted,
                                        const std::set<ObjectKey>& leaving) {
  return Guarded<SnapshotPtr>([&] { return wanted ? ReadThese(*wanted, leaving) : ReadOurs(); });
}

Result<std::vector<ObjectError>> ClusterTarget::TryAll(const std::vector<ObjectPtr>& objects) {
  std::set<std::string> kinds;
  for (const ObjectPtr& object : objects) kinds.insert(object->key.kind);
  const Result<LiveObjects> live = List(kinds);
  if (!live.ok()) return Error{live.error()};
  std::vector<ObjectError> errors;
  for (const ObjectPtr& object : objects) {
    Result<std::optional<ObjectError>> error = TryOne(*object, live.value());
    if (!error.ok()) return Error{error.error()};
    if (error.value()) errors.push_back(*std::move(error).value());
  }
  return errors;
}

Result<std::optional<ObjectError>> ClusterTarget::TryOne(const Object& object,
                                                         const LiveObjects& live) {
  const auto wrong = [&](std::string why) {
    return std::optional(ObjectError{object.key, object.digest, std::move(why)});
  };
  const Resource* resource = ResourceFor(object.key.kind);
  if (resource == nullptr) return wrong("its kind is none that weft writes");
  const Result<Json> there = Find(live, *resource, object.key);
  if (!there.ok()) return Error{there.error()};
  const bool exists = there.value().is_object();
  if (exists && !IsOurs(there.value())) {
    return wrong("an object of that name exists and is not weft's; managers: " +
                 OthersText(there.value()));
  }
  const Result<Response> tried =
      Apply(*resource, object.key, BodyOf(object, {}), exists, /*dry_run=*/true);
  if (!tried.ok()) return Error{tried.error()};
  if (IsOk(tried.value())) return std::optional<ObjectError>();
  if (!IsAboutObject(tried.value())) return Refused("trying", object.key, tried.value());
  std::optional<ObjectError> error = wrong(ReadMessage(tried.value().body));
  if (LacksNamespace(tried.value())) error->needs = ObjectKey{"Namespace", "", object.key.ns};
  return error;
}

Status ClusterTarget::WriteAll(const Snapshot& wanted, const std::set<ObjectKey>& leaving,
                               const Version& version) {
  std::set<std::string> kinds;
  for (const auto& [key, object] : wanted.objects) kinds.insert(key.kind);
  for (const ObjectKey& key : leaving) kinds.insert(key.kind);
  const Result<LiveObjects> live = List(kinds);
  if (!live.ok()) return Error{live.error()};
  Status first = Unit{};
  const auto note = [&first](Status done) {
    if (first.ok() && !done.ok()) first = std::move(done);
  };
  for (const auto& [key, object] : wanted.objects) {
    note(WriteOne(*object, live.value(), version));
    // Without a connection the next one would wait as long, and so on.
    if (lost_) return first;
  }
  // What refers to an object that could not be changed may still need what is to go.
  if (!first.ok()) return first;
  for (const ObjectKey& key : leaving) {
    if (!wanted.objects.contains(key)) note(RemoveOne(key, live.value()));
  }
  return first;
}

Status ClusterTarget::WriteOne(const Object& object, const LiveObjects& live,
                               const Version& version) {
  const Resource* resource = ResourceFor(object.key.kind);
  if (resource == nullptr) return Error{ToText(object.key) + " is of no kind that weft writes"};
  const Result<Json> there = Find(live, *resource, object.key);
  if (!there.ok()) return Error{there.error()};
  const bool exists = there.value().is_object();
  if (exists && !IsOurs(there.value())) {
    return Error{ToText(object.key) +
                 " exists and is not weft's; managers: " + OthersText(there.value())};
  }
  Json body = BodyOf(object, version);
  if (exists && IsAsWanted(there.value(), body)) return Unit{};
  if (exists && GenerationOf(there.value()) == GenerationOf(body)) {
    drift_.push_back({object.key, "changed by others; managers: " + OthersText(there.value())});
  }
  const Result<Response> applied = Apply(*resource, object.key, body, exists, /*dry_run=*/false);
  if (!applied.ok()) return Error{applied.error()};
  if (!IsOk(applied.value())) return Refused("applying", object.key, applied.value());
  const Json after = Json::parse(applied.value().body, nullptr, false);
  if (!after.is_object() || IsAsWanted(after, body)) return Unit{};
  // Fields that others added stay with an apply. An update leaves out what is not wanted.
  if (drift_.empty() || drift_.back().key != object.key) {
    drift_.push_back({object.key, "fields added by others; managers: " + OthersText(after)});
  }
  body["metadata"]["resourceVersion"] = after["metadata"].value("resourceVersion", "");
  const Result<Response> put =
      Ask({.method = "PUT",
           .path = ObjectPath(*resource, object.key) + "?fieldManager=" + kManager,
           .body = body.dump(-1, ' ', false, Json::error_handler_t::replace),
           .content_type = "application/json"});
  if (!put.ok()) return Error{put.error()};
  if (!IsOk(put.value())) return Refused("putting right", object.key, put.value());
  return Unit{};
}

Status ClusterTarget::RemoveOne(const ObjectKey& key, const LiveObjects& live) {
  const Resource* resource = ResourceFor(key.kind);
  if (resource == nullptr) return Unit{};
  const Result<Json> there = Find(live, *resource, key);
  if (!there.ok()) return Error{there.error()};
  if (!there.value().is_object() || !IsOurs(there.value())) return Unit{};
  // Exactly this object: one that was made anew meanwhile is not the one that was named.
  const Json options = {
      {"apiVersion", "v1"},
      {"kind", "DeleteOptions"},
      {"preconditions", {{"uid", there.value().value(Json::json_pointer("/metadata/uid"), "")}}}};
  const Result<Response> removed = Ask({.method = "DELETE",
                                        .path = ObjectPath(*resource, key),
                                        .body = options.dump(),
                                        .content_type = "application/json"});
  if (!removed.ok()) return Error{removed.error()};
  const int status = removed.value().status;
  if (IsOk(removed.value()) || status == kNotFound || status == kConflict) return Unit{};
  return Refused("removing", key, removed.value());
}

std::vector<Drifted> ClusterTarget::TakeDrift() { return std::exchange(drift_, {}); }

Result<SnapshotPtr> ClusterTarget::ReadOurs() {
  std::set<std::string> kinds;
  for (const Resource& resource : WrittenResources()) kinds.insert(KindOf(resource));
  const Result<LiveObjects> live = List(kinds);
  if (!live.ok()) return Error{live.error()};
  std::map<ObjectKey, ObjectPtr> objects;
  for (const auto& [key, one] : live.value()) {
    if (IsOurs(one.json)) objects[key] = FromLive(key, *one.resource, one.json);
  }
  return MakeSnapshot(std::move(objects));
}

Result<SnapshotPtr> ClusterTarget::ReadThese(const Snapshot& wanted,
                                             const std::set<ObjectKey>& leaving) {
  std::set<ObjectKey> keys = leaving;
  for (const auto& [key, object] : wanted.objects) keys.insert(key);
  std::set<std::string> kinds;
  for (const ObjectKey& key : keys) kinds.insert(key.kind);
  const Result<LiveObjects> live = List(kinds);
  if (!live.ok()) return Error{live.error()};
  std::map<ObjectKey, ObjectPtr> objects;
  for (const ObjectKey& key : keys) {
    const Resource* resource = ResourceFor(key.kind);
    const auto at = live.value().find(key);
    if (resource == nullptr) continue;
    Json json;
    if (at != live.value().end()) {
      json = at->second.json;
    } else if (!resource->optional) {
      Result<Json> there = Get(*resource, key);
      if (!there.ok()) return Error{there.error()};
      json = std::move(there).value();
    }
    if (!json.is_object() || !IsOurs(json)) continue;
    const auto want = wanted.objects.find(key);
    const bool same = want != wanted.objects.end() &&
                      IsAsWanted(json, Json::parse(want->second->content, nullptr, false));
    objects[key] = same ? want->second : FromLive(key, *resource, json);
  }
  return MakeSnapshot(std::move(objects));
}

}  // namespace weft::relay::kube
