#include "dsl/gloo/reading.h"

#include <algorithm>
#include <cstdlib>

#include "dsl/gloo/codes.h"
#include "dsl/gloo/duration.h"

namespace weft::gloo {
namespace {

constexpr int kMaxPort = 65535;

std::string Lower(std::string_view text) {
  std::string lower;
  for (const char c : text) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

}  // namespace

// ---- View -------------------------------------------------------------------------------------

View View::operator[](std::string_view name) const {
  if (node_ == nullptr) return {};
  const yaml::Node* found = node_->Find(name);
  return found == nullptr || found->IsNull() ? View{} : View(found, read_);
}

std::vector<View> View::List(std::string_view name) const {
  std::vector<View> views;
  const View list = (*this)[name];
  if (!list) return views;
  for (const yaml::Node& item : list.node_->items) views.emplace_back(&item, read_);
  return views;
}

std::vector<std::pair<dsl::Str, View>> View::Map(std::string_view name) const {
  std::vector<std::pair<dsl::Str, View>> views;
  const View map = (*this)[name];
  if (!map) return views;
  for (const yaml::Node::Entry& entry : map.node_->entries) {
    views.emplace_back(dsl::Str{entry.key, entry.key_span}, View(&entry.value, read_));
  }
  return views;
}

std::vector<dsl::LabelTerm> View::LabelsOf(std::string_view name) const {
  std::vector<dsl::LabelTerm> labels;
  for (const auto& [key, value] : Map(name)) {
    if (value) labels.push_back({key, {value.node_->text, value.span()}});
  }
  std::sort(labels.begin(), labels.end(), [](const dsl::LabelTerm& a, const dsl::LabelTerm& b) {
    return a.key.value < b.key.value;
  });
  return labels;
}

std::vector<dsl::Str> View::Strings(std::string_view name) const {
  std::vector<dsl::Str> texts;
  for (const View& item : List(name)) {
    if (item && item.node_->IsString()) texts.push_back({item.node_->text, item.span()});
  }
  return texts;
}

std::optional<dsl::Str> View::String(std::string_view name) const {
  const View value = (*this)[name];
  if (!value || !value.node_->IsString() || value.node_->text.empty()) return std::nullopt;
  return dsl::Str{value.node_->text, value.span()};
}

std::string View::Text(std::string_view name) const {
  const std::optional<dsl::Str> text = String(name);
  return text ? text->value : "";
}

std::optional<Spanned<bool>> View::Bool(std::string_view name) const {
  const View value = (*this)[name];
  const std::optional<bool> flag = value ? value.node_->AsBool() : std::nullopt;
  if (!flag) return std::nullopt;
  return Spanned<bool>{*flag, value.span()};
}

bool View::IsTrue(std::string_view name) const {
  const std::optional<Spanned<bool>> flag = Bool(name);
  return flag && flag->value;
}

std::optional<dsl::Number> View::Int(std::string_view name) const {
  const View value = (*this)[name];
  const std::optional<std::int64_t> number = value ? value.node_->AsInt() : std::nullopt;
  if (!number) return std::nullopt;
  return dsl::Number{*number, value.span()};
}

std::optional<dsl::Percent> View::Share(std::string_view name) const {
  const View value = (*this)[name];
  if (!value || value.node_->IsString()) return std::nullopt;
  return dsl::Percent{std::strtod(value.node_->text.c_str(), nullptr), value.span()};
}

std::optional<dsl::Duration> View::Duration(std::string_view name) const {
  const View value = (*this)[name];
  if (!value) return std::nullopt;
  const auto millis = ParseGoDuration(value.node_->text);
  if (!millis) return std::nullopt;
  return dsl::Duration{*millis, value.span()};
}

std::optional<dsl::Port> View::Port(std::string_view name) const {
  const std::optional<dsl::Number> number = Int(name);
  if (!number || number->value < 1 || number->value > kMaxPort) return std::nullopt;
  return dsl::Port{static_cast<std::uint16_t>(number->value), number->span};
}

void View::TakeAll() const {
  if (node_ == nullptr) return;
  read_->insert(node_);
  for (const yaml::Node& item : node_->items) View(&item, read_).TakeAll();
  for (const yaml::Node::Entry& entry : node_->entries) View(&entry.value, read_).TakeAll();
}

// ---- helpers ----------------------------------------------------------------------------------

bool SelectsLabels(const Labels& wanted, const Labels& labels) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& term) {
    const auto at = labels.find(term.first);
    return at != labels.end() && at->second == term.second;
  });
}

Labels ToLabels(const std::vector<dsl::LabelTerm>& terms) {
  Labels labels;
  for (const dsl::LabelTerm& term : terms) labels[term.key.value] = term.value.value;
  return labels;
}

bool SelectsObject(const View& selector, const Object& object) {
  const auto fits = [&](std::string_view field, const std::string& value) {
    const std::string wanted = selector.Text(field);
    return wanted.empty() || wanted == value;
  };
  return fits("name", object.name) && fits("namespace", object.ns) &&
         fits("cluster", object.cluster) && fits("workspace", object.owner) &&
         SelectsLabels(ToLabels(selector.LabelsOf("labels")), object.labels);
}

bool GlobMatches(std::string_view pattern, std::string_view text) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (text.substr(0, star) != pattern.substr(0, star) || text.size() < star) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (std::size_t at = star; at <= text.size(); ++at) {
    if (GlobMatches(rest, text.substr(at))) return true;
  }
  return false;
}

std::string Identifier(std::string_view name) {
  std::string text;
  for (const char c : name) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
    text += fine ? c : '-';
  }
  const bool letter = !text.empty() && ((text[0] >= 'a' && text[0] <= 'z') ||
                                        (text[0] >= 'A' && text[0] <= 'Z') || text[0] == '_');
  return letter ? text : "n-" + text;
}

std::string KebabCase(std::string_view kind) {
  std::string text;
  for (std::size_t i = 0; i < kind.size(); ++i) {
    const bool upper = kind[i] >= 'A' && kind[i] <= 'Z';
    const bool before_lower = i + 1 < kind.size() && kind[i + 1] >= 'a' && kind[i + 1] <= 'z';
    const bool after_lower = i > 0 && kind[i - 1] >= 'a' && kind[i - 1] <= 'z';
    if (i > 0 && upper && (before_lower || after_lower)) text += '-';
    text += Lower(kind.substr(i, 1));
  }
  return text;
}

// ---- Reading ----------------------------------------------------------------------------------

const Index& Reading::index() const {
  if (index_) return *index_;
  Index& made = index_.emplace();
  for (const Object& object : objects.all) {
    made.of_kind[object.kind->kind].push_back(&object);
    made.named[{object.kind->kind, object.ns, object.name}].push_back(&object);
    made.created[{object.kind->kind, object.owner}].push_back(object.created);
    made.clusters.insert(object.cluster);
  }
  for (auto& [kind, times] : made.created) std::sort(times.begin(), times.end());
  for (const auto& [cluster, facts] : discovered.clusters) {
    made.clusters.insert(cluster);
    for (const auto& [key, service] : facts.services) made.homes[key.second].insert(key.first);
  }
  return made;
}

std::vector<const Object*> Reading::OfKind(std::string_view kind) const {
  std::vector<const Object*> found;
  const auto at = index().of_kind.find(kind);
  if (at == index().of_kind.end()) return found;
  for (const Object* object : at->second) {
    if (!object->ignored) found.push_back(object);
  }
  return found;
}

dsl::Header Reading::HeaderOf(const Object& object, const std::string& name) const {
  dsl::Header header{.name = {name, object.span},
                     .span = object.span,
                     .owner = object.owner,
                     .owner_span = object.span};
  for (const auto& [key, value] : object.labels) {
    header.labels.push_back({{key, object.span}, {value, object.span}});
  }
  header.labels.push_back({{"weft.dev/namespace", object.span}, {object.ns, object.span}});
  header.labels.push_back({{"weft.dev/cluster", object.span}, {object.cluster, object.span}});
  return header;
}

const std::string& Reading::NameOf(const Object& object) const {
  static const std::string none;
  const auto at = names.find(&object);
  return at == names.end() || at->second.empty() ? none : at->second.front();
}

const Object* Reading::Find(std::string_view kind, const Ref& ref) const {
  const auto at = index().named.find({std::string(kind), ref.ns, ref.name});
  if (at == index().named.end()) return nullptr;
  const Object* elsewhere = nullptr;
  for (const Object* object : at->second) {
    if (object->ignored) continue;
    if (object->cluster == ref.cluster) return object;
    // The administrator's objects stand in the management cluster, whichever cluster refers to
    // them.
    if (!ref.cluster_given && elsewhere == nullptr) elsewhere = object;
  }
  return elsewhere;
}

const WorkspaceClause* Reading::ClauseOf(const std::string& cluster, const std::string& ns,
                                         std::string& owner) const {
  const auto facts = discovered.clusters.find(cluster);
  Labels labels;
  if (facts != discovered.clusters.end()) {
    const auto found = facts->second.namespaces.find(ns);
    if (found != facts->second.namespaces.end()) labels = found->second;
  }
  for (const auto& [name, workspace] : workspaces) {
    for (const WorkspaceClause& clause : workspace.clauses) {
      if (!clause.every_cluster && !clause.clusters.contains(cluster)) continue;
      const bool named = clause.names.empty() ||
                         std::any_of(clause.names.begin(), clause.names.end(),
                                     [&](const std::string& p) { return GlobMatches(p, ns); });
      if (!named || !SelectsLabels(clause.labels, labels)) continue;
      owner = name;
      return &clause;
    }
  }
  return nullptr;
}

std::string Reading::OwnerOf(const std::string& cluster, const std::string& ns,
                             bool* config) const {
  const auto [at, fresh] = owners_.try_emplace({cluster, ns});
  if (fresh) {
    const WorkspaceClause* clause = ClauseOf(cluster, ns, at->second.first);
    at->second.second = clause == nullptr || clause->config;
  }
  if (config != nullptr && !at->second.first.empty()) *config = at->second.second;
  return at->second.first;
}

const std::vector<const Reading::Found*>& Reading::ServicesOf(const std::string& workspace) const {
  if (services_of_.empty()) {
    for (const auto& [cluster, facts] : discovered.clusters) {
      for (const Found& service : facts.services) {
        services_of_[OwnerOf(cluster, service.first.first)].push_back(&service);
      }
    }
  }
  return services_of_[workspace];
}

std::string Reading::OwnerAnywhere(const std::string& ns) const {
  for (const std::string& cluster : ClusterNames()) {
    std::string owner = OwnerOf(cluster, ns);
    if (!owner.empty()) return owner;
  }
  return "";
}

std::set<std::string> Reading::ClusterNames() const {
  std::set<std::string> all = index().clusters;
  for (const auto& [name, labels] : clusters) all.insert(name);
  return all;
}

std::string Reading::Name(const std::string& scope, const std::string& workspace,
                          const std::string& wanted, const std::string& suffix) {
  std::set<std::string>& used = taken[{scope, workspace}];
  std::string name = Identifier(wanted);
  if (used.insert(name).second) return name;
  if (!suffix.empty()) name += "-" + Identifier(suffix);
  if (used.insert(name).second) return name;
  for (int i = 2;; ++i) {
    std::string numbered = name + "-" + std::to_string(i);
    if (used.insert(numbered).second) return numbered;
  }
}

dsl::QName Reading::Service(const std::string& name, const std::string& ns, Span span) const {
  const auto homes = index().homes.find(name);
  const bool one = homes != index().homes.end() && homes->second == std::set<std::string>{ns};
  bool shadowed = false;
  for (const auto& [key, used] : taken) {
    shadowed = shadowed || (key.first == "target" && used.contains(name));
    shadowed = shadowed || (key.first == "gateway" && used.contains(name));
  }
  const bool bare = !shadowed && one && Identifier(name) == name && !workspaces.contains(name);
  dsl::QName qname;
  qname.parts.push_back({bare ? name : name + "." + ns, span});
  qname.span = span;
  return qname;
}

dsl::QName Reading::Named(const Object& object, const std::string& name, const std::string& from,
                          Span span) const {
  dsl::QName qname;
  if (object.owner != from && !object.owner.empty()) qname.parts.push_back({object.owner, span});
  qname.parts.push_back({name, span});
  qname.span = span;
  return qname;
}

Ref Reading::ReadRef(const View& view, const Object& from) const {
  const auto or_own = [&](std::string_view field, const std::string& own) {
    std::string text = view.Text(field);
    return text.empty() ? own : text;
  };
  return {.name = view.Text("name"),
          .ns = or_own("namespace", from.ns),
          .cluster = or_own("cluster", from.cluster),
          .cluster_given = view.Has("cluster"),
          .span = view.span()};
}

std::optional<dsl::Port> Reading::ReadPort(
    const View& view,
    const std::function<bool(const std::string&, const std::string&, const std::string&,
                             const DiscoveredService&)>& of) const {
  if (!view) return std::nullopt;
  if (std::optional<dsl::Port> number = view.Port("number")) return number;
  const std::optional<dsl::Str> name = view.String("name");
  if (!name) {
    if (const std::optional<dsl::Number> bad = view.Int("number")) {
      diagnostics.Error(codes::kWrongType, bad->span,
                        "`" + std::to_string(bad->value) + "` is no port; ports are 1 to 65535");
    }
    return std::nullopt;
  }
  for (const auto& [cluster, facts] : discovered.clusters) {
    for (const auto& [key, service] : facts.services) {
      if (!of(cluster, key.first, key.second, service)) continue;
      for (const auto& [port, number] : service.ports) {
        if (port == name->value) return dsl::Port{number, name->span};
      }
    }
  }
  diagnostics.Warning(codes::kNamedPort, name->span,
                      "no discovered service has the port `" + name->value + "` here");
  return std::nullopt;
}

void Reading::AddPlace(const View& selector, std::vector<dsl::LabelTerm>& labels) {
  for (const std::string_view field : {"namespace", "cluster"}) {
    const std::optional<dsl::Str> value = selector.String(field);
    if (!value) continue;
    places = true;
    labels.push_back({{"weft.dev/" + std::string(field), value->span}, *value});
  }
}

std::vector<dsl::Name> Reading::OneName(const std::optional<dsl::Str>& name) {
  if (!name) return {};
  return {*name};
}

}  // namespace weft::gloo
