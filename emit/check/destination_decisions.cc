#include "emit/check/destination_decisions.h"

#include <algorithm>
#include <set>

#include "emit/check/route_effect.h"
#include "emit/check/strings.h"

namespace weft::emit::check {
namespace {

constexpr const char* kSections[] = {"connectionPool", "loadBalancer", "outlierDetection", "tls"};

void Flatten(const yaml::Node& node, const std::string& path, Settings& settings) {
  for (const yaml::Node::Entry& entry : node.entries) {
    Flatten(entry.value, path.empty() ? entry.key : path + "." + entry.key, settings);
  }
  if (node.IsMapping()) return;
  if (!node.IsSequence()) {
    const std::string last = path.substr(path.rfind('.') + 1);
    static const std::set<std::string> kTimes = {
        "connectTimeout", "idleTimeout", "time", "interval", "baseEjectionTime", "duration", "ttl"};
    settings[path] = kTimes.contains(last) ? Milliseconds(node.text) : node.text;
    return;
  }
  // An order of labels means something, a list of names does not.
  std::vector<std::string> texts;
  for (const yaml::Node& item : node.items) {
    Settings inner;
    Flatten(item, "", inner);
    std::string text = item.IsMapping() ? "" : item.text;
    if (item.IsMapping()) {
      for (const auto& [key, value] : inner) text += key + "=" + value + " ";
    }
    texts.push_back(std::move(text));
  }
  if (!path.ends_with("failoverPriority")) std::sort(texts.begin(), texts.end());
  for (const std::string& text : texts) settings[path] += text + "; ";
}

// The sections a policy says, over those of a wider one.
using Sections = std::map<std::string, const yaml::Node*>;
void Override(const yaml::Node* policy, Sections& sections) {
  if (policy == nullptr) return;
  for (const char* name : kSections) {
    if (const yaml::Node* section = policy->Find(name)) sections[name] = section;
  }
}

// Settings of a port stand for all of these sections, said or not.
bool OfPort(const yaml::Node* policy, std::uint16_t port, Sections& sections) {
  const yaml::Node* levels = policy == nullptr ? nullptr : policy->Find("portLevelSettings");
  if (levels == nullptr) return false;
  for (const yaml::Node& level : levels->items) {
    const yaml::Node* number = level.At("port.number");
    if (number == nullptr || number->AsInt() != port) continue;
    sections.clear();
    Override(&level, sections);
    return true;
  }
  return false;
}

}  // namespace

Destinations::Destinations(const Mesh& mesh) : mesh_(mesh) {
  for (std::uint32_t c = 0; c < mesh.world.clusters.size(); ++c) {
    auto& namespaces = clusters_.emplace_back();
    for (const IstioObject* rule : OfKind(mesh, {c}, "DestinationRule")) {
      namespaces[rule->ns][rule->spec.StringOr("host", "")].push_back(rule);
    }
  }
}

const IstioObject* Destinations::Best(engine::ClusterId cluster, const std::string& in,
                                      const std::string& client_ns, const std::string& host,
                                      std::vector<Unsaid>& unsaid) const {
  const auto& namespaces = clusters_[cluster.index()];
  const auto rules = namespaces.find(in);
  if (rules == namespaces.end()) return nullptr;
  const IstioObject* best = nullptr;
  const auto take = [&](const std::string& pattern) {
    const auto at = rules->second.find(pattern);
    if (at == rules->second.end()) return false;
    for (const IstioObject* rule : at->second) {
      if (!Exported(*rule, client_ns)) continue;
      if (best != nullptr) {
        unsaid.push_back({rule, rule->span,
                          "`" + best->name + "` and `" + rule->name + "` are for `" + pattern +
                              "`; their age decides"});
      }
      if (best == nullptr) best = rule;
    }
    return best != nullptr;
  };
  if (take(host)) return best;
  for (std::size_t dot = 1; dot < host.size(); ++dot) {
    if (host[dot] == '.' && take("*" + host.substr(dot))) return best;
  }
  (void)take("*");
  return best;
}

const IstioObject* Destinations::RuleFor(engine::ClusterId cluster, const std::string& ns,
                                         const Host& host, std::vector<Unsaid>& unsaid) const {
  const std::string& owner = host.entry != nullptr ? host.entry->ns : host.service_ns;
  for (const std::string* in : {&ns, &owner, &mesh_.world.root_namespace}) {
    if (const IstioObject* rule = Best(cluster, *in, ns, host.name, unsaid)) return rule;
  }
  return nullptr;
}

bool Destinations::IsRuled(engine::ClusterId cluster, const std::string& host) const {
  for (const auto& [ns, rules] : clusters_[cluster.index()]) {
    if (rules.contains(host) || rules.contains("*")) return true;
    for (std::size_t dot = 1; dot < host.size(); ++dot) {
      if (host[dot] == '.' && rules.contains("*" + host.substr(dot))) return true;
    }
  }
  return false;
}

SendDecision Destinations::Send(engine::ClusterId cluster, const std::string& ns, const Host& host,
                                const std::string& subset, std::uint16_t port) const {
  SendDecision decision;
  const IstioObject* rule = RuleFor(cluster, ns, host, decision.unsaid);
  decision.object = rule;
  decision.known = subset.empty();
  if (rule == nullptr) return decision;
  decision.span = rule->span;
  Sections sections;
  const yaml::Node* policy = rule->spec.Find("trafficPolicy");
  Override(policy, sections);
  (void)OfPort(policy, port, sections);
  const yaml::Node* subsets = rule->spec.Find("subsets");
  if (!subset.empty() && subsets != nullptr) {
    for (const yaml::Node& one : subsets->items) {
      if (one.StringOr("name", "") != subset) continue;
      decision.known = true;
      decision.span = one.span;
      const yaml::Node* own = one.Find("trafficPolicy");
      Override(own, sections);
      (void)OfPort(own, port, sections);
      if (const yaml::Node* labels = one.Find("labels")) {
        Flatten(*labels, "labels", decision.settings);
      }
      break;
    }
  }
  for (const auto& [name, section] : sections) Flatten(*section, name, decision.settings);
  return decision;
}

}  // namespace weft::emit::check
