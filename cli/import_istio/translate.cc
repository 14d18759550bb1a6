#include "cli/import_istio/translate.h"

#include <algorithm>

#include "cli/import_istio/draft.h"
#include "dsl/gloo/duration.h"

namespace weft::cli::istio {

// ---- parts

std::string WordOf(const std::string& name) {
  std::string word;
  for (const char c : name) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
    word += fine ? c : '-';
  }
  const bool letter =
      !word.empty() && ((word[0] >= 'a' && word[0] <= 'z') || (word[0] >= 'A' && word[0] <= 'Z'));
  return letter ? word : "n-" + word;
}

dsl::Header HeaderFor(const std::string& name, const std::string& ns) {
  dsl::Header header;
  header.name = {WordOf(name), {}};
  header.owner = ns.empty() ? "" : WordOf(ns);
  return header;
}

dsl::QName Qualified(const Key& service) {
  dsl::QName name;
  name.parts.push_back({service.second + "." + service.first, {}});
  return name;
}

dsl::Str Text(std::string value) { return {std::move(value), {}}; }

std::string Beyond(const yaml::Node* node, const std::vector<std::string>& known) {
  if (node == nullptr) return "";
  for (const yaml::Node::Entry& entry : node->entries) {
    const bool fine = std::find(known.begin(), known.end(), entry.key) != known.end();
    if (!fine && !entry.value.IsNull()) return entry.key;
  }
  return "";
}

std::optional<dsl::Duration> DurationAt(const yaml::Node& node, std::string_view field) {
  const yaml::Node* value = node.Find(field);
  if (value == nullptr) return std::nullopt;
  const auto millis = gloo::ParseGoDuration(value->text);
  if (!millis) return std::nullopt;
  return dsl::Duration{*millis, {}};
}

dsl::Condition Holds(dsl::Matcher matcher) {
  dsl::Condition condition;
  condition.matcher = std::move(matcher);
  return condition;
}

namespace {

dsl::Condition Chain(dsl::Condition::Kind kind, std::vector<dsl::Condition> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  dsl::Condition condition;
  condition.kind = kind;
  condition.children = std::move(parts);
  return condition;
}

}  // namespace

dsl::Condition AllOf(std::vector<dsl::Condition> parts) {
  return Chain(dsl::Condition::Kind::kAnd, std::move(parts));
}

dsl::Condition AnyOf(std::vector<dsl::Condition> parts) {
  return Chain(dsl::Condition::Kind::kOr, std::move(parts));
}

dsl::Condition NotThat(dsl::Condition part) {
  dsl::Condition condition;
  condition.kind = dsl::Condition::Kind::kNot;
  condition.children.push_back(std::move(part));
  return condition;
}

// ---- Draft

const engine::KubeService* Draft::FindService(const Key& key) const {
  for (const engine::KubeService& service : world.cluster.services) {
    if (service.ns == key.first && service.name == key.second) return &service;
  }
  return nullptr;
}

namespace {

engine::Labels LabelsOf(const yaml::Node* node) {
  engine::Labels labels;
  if (node == nullptr) return labels;
  for (const yaml::Node::Entry& entry : node->entries) labels[entry.key] = entry.value.text;
  return labels;
}

}  // namespace

const engine::KubeService* Draft::ServiceOf(const std::string& ns, const yaml::Node* labels) const {
  const engine::Labels wanted = LabelsOf(labels);
  if (wanted.empty()) return nullptr;
  const engine::KubeService* found = nullptr;
  for (const engine::KubeService& service : world.cluster.services) {
    if (service.ns != ns || service.selector != wanted) continue;
    if (found != nullptr) return nullptr;  // two of them share their pods
    found = &service;
  }
  return found;
}

std::optional<Key> Draft::GatewayOf(const std::string& ns, const yaml::Node* labels) const {
  const engine::Labels wanted = LabelsOf(labels);
  for (const auto& [key, index] : gateways) {
    engine::Labels selector;
    for (const dsl::LabelTerm& term : program.gateways[index].select) {
      selector[term.key.value] = term.value.value;
    }
    if (key.first == ns && selector == wanted) return key;
  }
  return std::nullopt;
}

dsl::ServiceDecl& Draft::Declare(const Key& key) {
  const auto [at, fresh] = services.try_emplace(key);
  if (fresh) {
    at->second.header = HeaderFor(key.second, key.first);
    at->second.in_namespace = Text(key.first);
  }
  return at->second;
}

dsl::WorkspaceDecl& Draft::WorkspaceOf(const std::string& ns) {
  const auto [at, fresh] = workspaces.try_emplace(ns);
  if (fresh) {
    at->second.header = HeaderFor(ns, "");
    dsl::NamespaceClause clause;
    clause.names.push_back(Text(ns));
    at->second.namespaces.push_back(std::move(clause));
  }
  return at->second;
}

std::optional<Key> Draft::HostAsService(const std::string& host, const std::string& ns) const {
  const std::string domain = ".svc.cluster.local";
  std::string name = host.ends_with(domain) ? host.substr(0, host.size() - domain.size()) : host;
  const std::size_t dot = name.find('.');
  // A name without dots is completed by the object's own namespace, any other is a full one.
  if (dot == std::string::npos) {
    const Key key{ns, name};
    return FindService(key) != nullptr ? std::optional(key) : std::nullopt;
  }
  if (!host.ends_with(domain)) return std::nullopt;
  const Key key{name.substr(dot + 1), name.substr(0, dot)};
  return FindService(key) != nullptr ? std::optional(key) : std::nullopt;
}

// ---- Translate

namespace {

using Say = Reason (*)(Draft&, const Object&);

// In this order: what others are said of comes first.
const std::vector<std::pair<std::string, Say>>& Sayings() {
  static const std::vector<std::pair<std::string, Say>> all = {
      {"PeerAuthentication", SayPeerAuthentication},
      {"Gateway", SayGateway},
      {"ServiceEntry", SayServiceEntry},
      {"DestinationRule", SayDestinationRule},
      {"RequestAuthentication", SayRequestAuthentication},
      {"VirtualService", SayVirtualService},
      {"AuthorizationPolicy", SayAuthorizationPolicy}};
  return all;
}

void AddRaw(Draft& draft, const Object& object) {
  dsl::RawDecl raw{.header = HeaderFor("", object.istio.ns), .clusters = {}, .text = {}};
  raw.header.name.value.clear();
  if (object.istio.ns == draft.world.root_namespace) raw.header.owner.clear();
  raw.text = Text("\n" + object.text + (object.text.ends_with('\n') ? "" : "\n"));
  draft.program.raws.push_back(std::move(raw));
}

}  // namespace

Translation Translate(const std::vector<Object>& objects, const World& world,
                      const std::set<const Object*>& leave) {
  Draft draft{.world = world};
  Translation translation;
  draft.mesh.header = HeaderFor("imported", "");
  if (world.root_namespace != "istio-system")
    draft.mesh.root_namespace = Text(world.root_namespace);
  for (const auto& ns : world.cluster.namespaces) {
    if (ns.name != world.root_namespace) draft.WorkspaceOf(ns.name);
  }
  std::map<const Object*, Reason> reasons;
  for (const Object& object : objects) reasons[&object] = "there is no word for it";
  for (const auto& [kind, say] : Sayings()) {
    for (const Object& object : objects) {
      if (object.istio.kind != kind) continue;
      Reason& reason = reasons[&object];
      if (leave.contains(&object)) {
        reason = "said in weft it would mean something else";
        continue;
      }
      Draft tried = draft;
      reason = say(tried, object);
      if (!reason.empty()) continue;
      // References to the world stay; everything else is taken over.
      draft.services = std::move(tried.services);
      draft.accesses = std::move(tried.accesses);
      draft.gateways = std::move(tried.gateways);
      draft.externals = std::move(tried.externals);
      draft.workspaces = std::move(tried.workspaces);
      draft.issuers = std::move(tried.issuers);
      draft.routed = std::move(tried.routed);
      draft.ruled = std::move(tried.ruled);
      draft.mesh = std::move(tried.mesh);
      draft.program = std::move(tried.program);
    }
  }
  for (const Object& object : objects) {
    const Reason& reason = reasons[&object];
    if (reason.empty()) continue;
    AddRaw(draft, object);
    translation.kept.push_back({&object, reason});
    if (object.istio.ns != world.root_namespace) draft.WorkspaceOf(object.istio.ns);
  }
  dsl::ClusterDecl cluster{.header = HeaderFor(world.cluster.name, "")};
  if (world.trust_domain != world.cluster.name) cluster.trust = Text(world.trust_domain);
  draft.program.meshes.push_back(std::move(draft.mesh));
  draft.program.clusters.push_back(std::move(cluster));
  for (auto& [ns, decl] : draft.workspaces) draft.program.workspaces.push_back(std::move(decl));
  for (auto& [key, decl] : draft.services) draft.program.services.push_back(std::move(decl));
  for (auto& [key, decl] : draft.accesses) draft.program.accesses.push_back(std::move(decl));
  translation.program = std::move(draft.program);
  return translation;
}

}  // namespace weft::cli::istio
