#include "emit/check/authorization.h"

#include <algorithm>

#include "emit/check/authorization_rules.h"

namespace weft::emit::check {
namespace {

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
    const std::optional<Rule> rule = ReadRule(node, context_.trust_domains);
    if (!rule || (allow && !IsUsable(*rule, call_.http))) return false;
    const auto fits = [&](const Demands& demands) {
      return std::all_of(demands.begin(), demands.end(),
                         [&](const Demand& demand) { return Met(demand, ns); });
    };
    return (rule->from.empty() || std::any_of(rule->from.begin(), rule->from.end(), fits)) &&
           (rule->to.empty() || std::any_of(rule->to.begin(), rule->to.end(), fits)) &&
           fits(rule->when);
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
