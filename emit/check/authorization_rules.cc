#include "emit/check/authorization_rules.h"

#include <algorithm>

namespace weft::emit::check {
namespace {

std::vector<std::string> List(const yaml::Node& node, std::string_view field) {
  std::vector<std::string> values;
  if (const yaml::Node* list = node.Find(field)) {
    for (const yaml::Node& item : list->items) values.push_back(item.text);
  }
  return values;
}

struct FieldName {
  const char* name;
  const char* not_name;
  Attribute attribute;
};

constexpr FieldName kSourceFields[] = {
    {"principals", "notPrincipals", Attribute::kPrincipal},
    {"requestPrincipals", "notRequestPrincipals", Attribute::kRequestPrincipal},
    {"namespaces", "notNamespaces", Attribute::kNamespace},
    {"serviceAccounts", "notServiceAccounts", Attribute::kServiceAccount},
    {"trustDomains", "notTrustDomains", Attribute::kTrustDomain},
    {"ipBlocks", "notIpBlocks", Attribute::kSourceIp},
    {"remoteIpBlocks", "notRemoteIpBlocks", Attribute::kRemoteIp}};
constexpr FieldName kOperationFields[] = {{"hosts", "notHosts", Attribute::kHost},
                                          {"methods", "notMethods", Attribute::kMethod},
                                          {"paths", "notPaths", Attribute::kPath},
                                          {"ports", "notPorts", Attribute::kPort}};

template <typename Fields>
std::vector<Demands> Alternatives(const yaml::Node& rule, std::string_view list,
                                  std::string_view inner, const Fields& fields) {
  std::vector<Demands> alternatives;
  const yaml::Node* items = rule.Find(list);
  if (items == nullptr) return alternatives;
  for (const yaml::Node& item : items->items) {
    Demands demands;
    const yaml::Node* node = item.Find(inner);
    for (const FieldName& field : fields) {
      if (node == nullptr) break;
      Demand demand{.attribute = field.attribute};
      demand.values = List(*node, field.name);
      demand.not_values = List(*node, field.not_name);
      demands.push_back(std::move(demand));
    }
    alternatives.push_back(std::move(demands));
  }
  return alternatives;
}

template <typename Whole>
auto Parts(Whole& rule) {
  std::vector<decltype(&rule.when)> parts{&rule.when};
  for (auto& demands : rule.from) parts.push_back(&demands);
  for (auto& demands : rule.to) parts.push_back(&demands);
  return parts;
}

void TakeIn(Demand& demand, const std::vector<std::string>& trust_domains) {
  for (std::vector<std::string>* list : {&demand.values, &demand.not_values}) {
    if (demand.attribute == Attribute::kPrincipal) {
      *list = PrincipalsInMesh(*list, trust_domains);
    } else if (demand.attribute == Attribute::kTrustDomain) {
      *list = TrustDomainsInMesh(*list, trust_domains);
    }
  }
}

}  // namespace

std::optional<Rule> ReadRule(const yaml::Node& node,
                             const std::vector<std::string>& trust_domains) {
  Rule rule;
  rule.from = Alternatives(node, "from", "source", kSourceFields);
  rule.to = Alternatives(node, "to", "operation", kOperationFields);
  if (const yaml::Node* when = node.Find("when")) {
    for (const yaml::Node& condition : when->items) {
      std::optional<Demand> demand = DemandOf(condition.StringOr("key", ""));
      if (!demand) return std::nullopt;
      demand->values = List(condition, "values");
      demand->not_values = List(condition, "notValues");
      rule.when.push_back(std::move(*demand));
    }
  }
  for (Demands* demands : Parts(rule)) {
    for (Demand& demand : *demands) TakeIn(demand, trust_domains);
  }
  return rule;
}

bool IsUsable(const Rule& rule, bool http) {
  for (const Demands* demands : Parts(rule)) {
    for (const Demand& demand : *demands) {
      for (const std::vector<std::string>* list : {&demand.values, &demand.not_values}) {
        for (const std::string& value : *list) {
          if (!Usable(demand, value, http)) return false;
        }
      }
    }
  }
  return true;
}

std::string ActionOf(const IstioObject& policy) { return policy.spec.StringOr("action", "ALLOW"); }

std::string ProviderOf(const IstioObject& policy) {
  const yaml::Node* provider = policy.spec.Find("provider");
  return provider == nullptr ? "" : provider->StringOr("name", "");
}

}  // namespace weft::emit::check
