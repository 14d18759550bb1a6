#include "emit/check/authorization.h"

#include <algorithm>

#include "emit/check/attributes.h"

namespace weft::emit::check {
namespace {

using Demands = std::vector<Demand>;

// One of `from`, one of `to`, and all of `when`.
struct Rule {
  std::vector<Demands> from, to;
  Demands when;
};

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

// nullopt for a rule with a `when` key that does not exist: istiod skips it, whatever the action.
std::optional<Rule> ReadRule(const yaml::Node& node) {
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
  return rule;
}

class Judge {
 public:
  Judge(const Call& call, const AuthorizationContext& context) : call_(call), context_(context) {}

  [[nodiscard]] bool Fits(const IstioObject& policy, bool allow) const {
    const yaml::Node* rules = policy.spec.Find("rules");
    return rules != nullptr &&
           std::any_of(rules->items.begin(), rules->items.end(), [&](const yaml::Node& node) {
             return node.IsMapping() && RuleFits(node, policy.ns, allow);
           });
  }

 private:
  [[nodiscard]] bool RuleFits(const yaml::Node& node, const std::string& ns, bool allow) const {
    std::optional<Rule> rule = ReadRule(node);
    if (!rule) return false;
    for (Demands* demands : Parts(*rule)) {
      for (Demand& demand : *demands) InMesh(demand);
    }
    if (allow && !AllUsable(*rule)) return false;
    const auto fits = [&](const Demands& demands) {
      return std::all_of(demands.begin(), demands.end(),
                         [&](const Demand& demand) { return Met(demand, ns); });
    };
    return (rule->from.empty() || std::any_of(rule->from.begin(), rule->from.end(), fits)) &&
           (rule->to.empty() || std::any_of(rule->to.begin(), rule->to.end(), fits)) &&
           fits(rule->when);
  }

  static std::vector<Demands*> Parts(Rule& rule) {
    std::vector<Demands*> parts{&rule.when};
    for (Demands& demands : rule.from) parts.push_back(&demands);
    for (Demands& demands : rule.to) parts.push_back(&demands);
    return parts;
  }

  void InMesh(Demand& demand) const {
    for (std::vector<std::string>* list : {&demand.values, &demand.not_values}) {
      if (demand.attribute == Attribute::kPrincipal) {
        *list = PrincipalsInMesh(*list, context_.trust_domains);
      } else if (demand.attribute == Attribute::kTrustDomain) {
        *list = TrustDomainsInMesh(*list, context_.trust_domains);
      }
    }
  }

  bool AllUsable(Rule& rule) const {
    for (const Demands* demands : Parts(rule)) {
      for (const Demand& demand : *demands) {
        for (const std::vector<std::string>* list : {&demand.values, &demand.not_values}) {
          for (const std::string& value : *list) {
            if (!Usable(demand, value, call_.http)) return false;
          }
        }
      }
    }
    return true;
  }

  // Values that cannot be used are left out; a demand without any other is none.
  [[nodiscard]] bool Met(const Demand& demand, const std::string& ns) const {
    bool asked = false, met = false;
    for (const std::string& value : demand.values) {
      if (!Usable(demand, value, call_.http)) continue;
      asked = true;
      met = met || Holds(demand, value, call_, ns);
    }
    if (asked && !met) return false;
    return std::none_of(
        demand.not_values.begin(), demand.not_values.end(), [&](const std::string& value) {
          return Usable(demand, value, call_.http) && Holds(demand, value, call_, ns);
        });
  }

  const Call& call_;
  const AuthorizationContext& context_;
};

std::string ActionOf(const IstioObject& policy) { return policy.spec.StringOr("action", "ALLOW"); }

std::string ProviderOf(const IstioObject& policy) {
  const yaml::Node* provider = policy.spec.Find("provider");
  return provider == nullptr ? "" : provider->StringOr("name", "");
}

// CUSTOM: the calls that fit are put to the provider. Where it cannot be asked they are refused: a
// provider that does not exist or is broken, or several of them at one workload.
void AskProviders(const std::vector<const IstioObject*>& policies, const Judge& judge,
                  const Call& call, const AuthorizationContext& context, Verdict& verdict) {
  std::set<std::string> names;
  for (const IstioObject* policy : policies) {
    if (ActionOf(*policy) == "CUSTOM") names.insert(ProviderOf(*policy));
  }
  for (const IstioObject* policy : policies) {
    if (ActionOf(*policy) != "CUSTOM") continue;
    const std::string name = ProviderOf(*policy);
    const auto provider = context.providers.find(name);
    const bool refuses =
        names.size() > 1 || provider == context.providers.end() || !provider->second.usable;
    if (!refuses && !call.http && !provider->second.tcp) continue;
    if (refuses && policy->dry_run) continue;
    if (!judge.Fits(*policy, false)) continue;
    // istiod puts the dry run of a CUSTOM policy where Envoy enforces it.
    if (refuses || policy->dry_run) {
      verdict.kind = Verdict::Kind::kDenied;
    } else {
      verdict.asked.insert(name);
    }
  }
}

}  // namespace

Verdict Authorize(const std::vector<const IstioObject*>& policies, const Call& call,
                  const AuthorizationContext& context) {
  const Judge judge(call, context);
  Verdict verdict;
  AskProviders(policies, judge, call, context, verdict);
  bool closed = false, allowed = false;
  for (const IstioObject* policy : policies) {
    const std::string action = ActionOf(*policy);
    if (action == "CUSTOM") continue;
    const bool allow = action == "ALLOW";
    const bool fits = judge.Fits(*policy, allow);
    if (allow && !policy->dry_run) closed = true;
    if (!fits) continue;
    if (action == "AUDIT") {
      verdict.audited = verdict.audited || !policy->dry_run;
    } else if (policy->dry_run) {
      (allow ? verdict.dry_allowed : verdict.dry_denied) = true;
    } else if (allow) {
      allowed = true;
    } else {
      verdict.kind = Verdict::Kind::kDenied;
    }
  }
  if (verdict.kind == Verdict::Kind::kAllowed && closed && !allowed) {
    verdict.kind = Verdict::Kind::kNotAllowed;
  }
  return verdict;
}

}  // namespace weft::emit::check
