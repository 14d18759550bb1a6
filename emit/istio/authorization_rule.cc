#include "emit/istio/authorization_rule.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "dsl/overloaded.h"
#include "emit/codes.h"
#include "emit/istio/cases.h"

namespace weft::emit::istio {
namespace {

using engine::AccessRule;

// Without a `*`, which these fields take for a wildcard.
bool IsPlain(std::string_view text) { return text.find('*') == std::string_view::npos; }

// A value of an AuthorizationPolicy field: exact, `pre*`, `*suf` or `*`. nullopt when it cannot be
// said: star elsewhere is literal, but a literal star at an end would become a wildcard.
std::optional<std::string> FieldValue(const Pattern& pattern) {
  const auto clean = [](const std::string& text) {
    return !text.empty() && text.front() != '*' && text.back() != '*';
  };
  return std::visit(
      Overloaded{
          [&](const Exact& p) { return clean(p.value) ? std::optional(p.value) : std::nullopt; },
          [&](const Prefix& p) {
            return clean(p.value) ? std::optional(p.value + "*") : std::nullopt;
          },
          [&](const Suffix& p) {
            return clean(p.value) ? std::optional("*" + p.value) : std::nullopt;
          },
          [](const Present&) { return std::optional<std::string>("*"); },
          [](const auto&) { return std::optional<std::string>(); },
      },
      pattern);
}

std::optional<std::vector<std::string>> PathValues(const Pattern& pattern) {
  const auto braces = [](const std::string& text) {
    return text.find_first_of("{}") != std::string::npos;
  };
  if (const auto* under = std::get_if<Under>(&pattern)) {
    if (braces(under->value) || under->value.ends_with('*')) return std::nullopt;
    if (under->value == "/") return std::vector<std::string>{"/*"};
    return std::vector<std::string>{under->value, under->value + "/*"};
  }
  if (const auto* tmpl = std::get_if<Template>(&pattern)) {
    std::string text;
    std::size_t begin = 0;
    while (begin < tmpl->value.size()) {
      std::size_t end = tmpl->value.find('/', begin + 1);
      if (end == std::string::npos) end = tmpl->value.size();
      const std::string part = tmpl->value.substr(begin, end - begin);
      if (part != "/*" && part != "/**" && part.find_first_of("*{}") != std::string::npos) {
        return std::nullopt;
      }
      text += part == "/*" ? "/{*}" : part == "/**" ? "/{**}" : part;
      begin = end;
    }
    return std::vector<std::string>{text};
  }
  const std::optional<std::string> value = FieldValue(pattern);
  if (!value || braces(*value)) return std::nullopt;
  return std::vector<std::string>{*value};
}

// Principals of an identity set: `trust/ns/NS/sa/SA`, without a trust domain in every one of the
// mesh. Any identity is "*".
std::vector<std::string> Principals(const engine::Model& model, const engine::IdentitySet& set) {
  if (!set.trust_domain && !set.ns && !set.account) return {"*"};
  std::set<std::string> trusts;
  if (set.trust_domain) {
    trusts.insert(*set.trust_domain);
  } else {
    for (const engine::Cluster& cluster : model.clusters) trusts.insert(cluster.trust_domain);
  }
  std::vector<std::string> principals;
  for (const std::string& trust : trusts) {
    if (!set.ns) {
      principals.push_back(set.account ? "*/sa/" + *set.account : trust + "/*");
      if (set.account) break;
    } else {
      principals.push_back(trust + "/ns/" + *set.ns + "/sa/" + set.account.value_or("*"));
    }
  }
  return principals;
}

// One rule under construction: `source` fields and `operation` fields AND together.
struct Draft {
  Value source = Value::object();
  Value operation = Value::object();
  Value when = Value::array();
  bool has_principals = false;
};

class RuleWriter {
 public:
  RuleWriter(Emitter& e, const Attachment& attachment) : e_(e), attachment_(attachment) {}

  // The same on HTTP ports only, where the server has others.
  std::vector<Value> WriteHttp(const AccessRule& rule) {
    only_http_ = std::any_of(attachment_.ports.begin(), attachment_.ports.end(),
                             [](const engine::ServicePort& port) { return !port.IsHttp(); });
    return Write(rule);
  }

  // The rules of an access rule; empty when it can never apply here.
  std::vector<Value> Write(const AccessRule& rule) {
    std::vector<Value> rules;
    const auto cases = CasesOf(rule.when);
    if (!cases) {
      e_.Refuse(codes::kTooManyCases, rule.span,
                "this condition has too many alternatives for Istio");
      return rules;
    }
    for (const Conjunction& conjunction : *cases) {
      const std::optional<std::vector<std::string>> ports = PortsFor(rule, conjunction);
      if (ports && ports->empty()) continue;
      std::vector<Draft> drafts = Sources(rule.callers);
      for (const Literal& literal : conjunction) Apply(literal, drafts);
      for (Draft& draft : drafts) {
        if (!ports || Confine(*ports, draft)) rules.push_back(Finish(std::move(draft)));
      }
    }
    return rules;
  }

 private:
  // Ports an alternative is confined to. On a TCP port Istio drops the HTTP fields of a DENY and
  // denies everything, so such a rule names the HTTP ports.
  [[nodiscard]] std::optional<std::vector<std::string>> PortsFor(
      const AccessRule& rule, const Conjunction& conjunction) const {
    const bool http = std::any_of(conjunction.begin(), conjunction.end(),
                                  [](const Literal& l) { return engine::UsesHttp(*l.matcher); });
    if (rule.tcp_only) return http ? std::vector<std::string>{} : TargetPorts(false);
    if (only_http_) return TargetPorts(true);
    if (!http || rule.effect != AccessRule::Effect::kDeny || attachment_.ports.empty()) {
      return std::nullopt;
    }
    return TargetPorts(true);
  }

  void Refuse(const Literal& literal, const std::string& what) {
    e_.Refuse(codes::kInexpressible, literal.span,
              "an AuthorizationPolicy of Istio cannot match " + what);
  }

  std::vector<std::string> TargetPorts(bool http) const {
    std::set<std::string> ports;
    for (const engine::ServicePort& port : attachment_.ports) {
      if (port.IsHttp() == http) ports.insert(std::to_string(port.target));
    }
    return {ports.begin(), ports.end()};
  }

  // Keeps the ports of the draft that are among `ports`; false when none is left.
  static bool Confine(const std::vector<std::string>& ports, Draft& draft) {
    std::vector<std::string> kept = ports;
    if (draft.operation.contains("ports")) {
      const auto asked = draft.operation["ports"].get<std::vector<std::string>>();
      std::erase_if(kept, [&](const std::string& port) {
        return std::find(asked.begin(), asked.end(), port) == asked.end();
      });
    }
    draft.operation["ports"] = kept;
    return !kept.empty();
  }

  // The only one of a list, in a mapping of its own.
  static Value OnlyOne(const char* name, Value value) {
    Value item = Value::object();
    item[name] = std::move(value);
    Value list = Value::array();
    list.push_back(std::move(item));
    return list;
  }

  static Value Finish(Draft draft) {
    Value rule = Value::object();
    if (!draft.source.empty()) rule["from"] = OnlyOne("source", std::move(draft.source));
    if (!draft.operation.empty()) rule["to"] = OnlyOne("operation", std::move(draft.operation));
    if (!draft.when.empty()) rule["when"] = std::move(draft.when);
    return rule;
  }

  // The callers as alternatives: those known by principal in one source, the others one by one.
  std::vector<Draft> Sources(const std::vector<engine::CallerSet>& callers) {
    if (callers.empty()) return {Draft{}};
    std::vector<std::string> principals;
    std::vector<Draft> drafts;
    bool anyone = false;
    for (const engine::CallerSet& set : callers) {
      for (const engine::Caller& caller : set.any_of) {
        std::visit(Overloaded{
                       [&](const engine::AnyCaller&) { anyone = true; },
                       [&](const engine::NoIdentity&) {
                         Draft draft;
                         draft.source["notPrincipals"] = {"*"};
                         drafts.push_back(std::move(draft));
                       },
                       [&](const engine::IdentitySet& s) {
                         if (!IsPlain(s.ns.value_or("x")) || !IsPlain(s.account.value_or("x"))) {
                           e_.Refuse(codes::kInexpressible, set.span,
                                     "an AuthorizationPolicy of Istio takes the `*` in this name "
                                     "for a wildcard");
                         }
                         for (std::string& p : Principals(e_.model, s)) principals.push_back(p);
                       },
                       [&](const engine::OutsideOf& o) {
                         Draft draft;
                         draft.source["notPrincipals"] = Outside(o);
                         drafts.push_back(std::move(draft));
                       },
                       [&](const engine::IdentityPattern& p) {
                         if (auto value = IdentityValue(p.pattern)) {
                           principals.push_back(*value);
                         } else {
                           e_.Refuse(codes::kInexpressible, set.span,
                                     "an AuthorizationPolicy of Istio cannot match this identity "
                                     "pattern");
                         }
                       },
                   },
                   caller);
      }
    }
    if (anyone) return {Draft{}};
    if (!principals.empty()) {
      std::sort(principals.begin(), principals.end());
      principals.erase(std::unique(principals.begin(), principals.end()), principals.end());
      Draft draft;
      draft.source["principals"] = principals;
      draft.has_principals = true;
      drafts.insert(drafts.begin(), std::move(draft));
    }
    return drafts;
  }

  std::vector<std::string> Outside(const engine::OutsideOf& outside) const {
    std::set<std::string> principals;
    for (const engine::IdentitySet& set : outside.sets) {
      for (std::string& p : Principals(e_.model, set)) principals.insert(p);
    }
    return {principals.begin(), principals.end()};
  }

  // Istio puts `spiffe://` before principals itself.
  static std::optional<std::string> IdentityValue(const Pattern& pattern) {
    static constexpr std::string_view kScheme = "spiffe://";
    return std::visit(Overloaded{
                          [&](const Exact& p) -> std::optional<std::string> {
                            if (!p.value.starts_with(kScheme) || !IsPlain(p.value))
                              return std::nullopt;
                            return p.value.substr(kScheme.size());
                          },
                          [&](const Prefix& p) -> std::optional<std::string> {
                            if (!p.value.starts_with(kScheme) || !IsPlain(p.value))
                              return std::nullopt;
                            return p.value.substr(kScheme.size()) + "*";
                          },
                          [&](const Suffix& p) -> std::optional<std::string> {
                            if (!IsPlain(p.value)) return std::nullopt;
                            return "*" + p.value;
                          },
                          [](const auto&) -> std::optional<std::string> { return std::nullopt; },
                      },
                      pattern);
  }

  void ForAll(std::vector<Draft>& drafts, const char* part, const std::string& field,
              const std::vector<std::string>& values) {
    for (Draft& draft : drafts) {
      Value& target = part[0] == 's' ? draft.source : draft.operation;
      Value& list = target[field];
      for (const std::string& value : values) list.push_back(value);
    }
  }

  // A positive field can be set once: its values are alternatives.
  bool Set(std::vector<Draft>& drafts, const char* part, const std::string& field,
           const std::vector<std::string>& values, const Literal& literal) {
    for (Draft& draft : drafts) {
      Value& target = part[0] == 's' ? draft.source : draft.operation;
      if (!target.contains(field)) {
        target[field] = values;
        continue;
      }
      std::vector<std::string> both;
      for (const Value& value : target[field]) {
        const auto text = value.get<std::string>();
        if (std::find(values.begin(), values.end(), text) != values.end()) both.push_back(text);
      }
      if (both.empty() || field == "paths") {
        Refuse(literal, "two demands on one field at once");
        return false;
      }
      target[field] = both;
    }
    return true;
  }

  void Apply(const Literal& literal, std::vector<Draft>& drafts) {
    const bool negated = literal.negated;
    std::visit(
        Overloaded{
            [&](const engine::MethodMatch& m) {
              for (const std::string& method : m.any_of) {
                if (!IsPlain(method)) return Refuse(literal, "a method with a literal `*`");
              }
              Plain(literal, drafts, "methods", m.any_of);
            },
            [&](const engine::PathMatch& m) {
              std::vector<std::string> values;
              for (const Pattern& pattern : m.any_of) {
                const auto some = PathValues(pattern);
                if (!some) return Refuse(literal, "this path pattern");
                values.insert(values.end(), some->begin(), some->end());
              }
              Plain(literal, drafts, "paths", values);
            },
            [&](const engine::HostMatch& m) { Host(m, literal, drafts); },
            [&](const engine::HeaderMatch& m) {
              When("request.headers[" + m.name + "]", m.any_of, literal, drafts);
            },
            [&](const engine::QueryMatch&) { Refuse(literal, "query parameters"); },
            [&](const engine::SniMatch& m) { When("connection.sni", m.any_of, literal, drafts); },
            [&](const engine::PortMatch& m) { Plain(literal, drafts, "ports", Ports(m)); },
            [&](const engine::CallerMatch& m) { Caller(m, literal, drafts); },
            [&](const engine::SourceIpMatch& m) {
              Address("ipBlocks", "notIpBlocks", m.any_of, literal, drafts);
            },
            [&](const engine::RemoteIpMatch& m) {
              Address("remoteIpBlocks", "notRemoteIpBlocks", m.any_of, literal, drafts);
            },
            [&](const engine::MtlsMatch&) {
              if (negated) {
                ForAll(drafts, "source", "notPrincipals", {"*"});
              } else {
                for (Draft& draft : drafts) {
                  if (!draft.source.contains("principals")) draft.source["principals"] = {"*"};
                }
              }
            },
            [&](const engine::JwtMatch& m) { Token(m.provider, literal, drafts); },
            [&](const engine::ClaimMatch& m) { Claim(m, literal, drafts); },
        },
        *literal.matcher);
  }

  void Plain(const Literal& literal, std::vector<Draft>& drafts, const std::string& field,
             const std::vector<std::string>& values) {
    if (!literal.negated) {
      Set(drafts, "operation", field, values, literal);
      return;
    }
    std::string name = "not" + field;
    name[3] = static_cast<char>(name[3] - 'a' + 'A');
    ForAll(drafts, "operation", name, values);
  }

  // Ports of the service are ports of the workload to Istio.
  [[nodiscard]] std::vector<std::string> Ports(const engine::PortMatch& m) const {
    std::set<std::string> ports;
    for (const std::uint16_t wanted : m.any_of) {
      bool known = false;
      for (const engine::ServicePort& port : attachment_.ports) {
        if (port.number != wanted) continue;
        ports.insert(std::to_string(port.target));
        known = true;
      }
      if (!known) ports.insert(std::to_string(wanted));
    }
    return {ports.begin(), ports.end()};
  }

  // RBAC compares the whole authority: a port may follow the name.
  void Host(const engine::HostMatch& m, const Literal& literal, std::vector<Draft>& drafts) {
    std::vector<std::string> values;
    for (const Pattern& pattern : m.any_of) {
      const auto* exact = std::get_if<Exact>(&pattern);
      const auto* prefix = std::get_if<Prefix>(&pattern);
      if ((exact != nullptr && !IsPlain(exact->value)) ||
          (prefix != nullptr && !IsPlain(prefix->value))) {
        return Refuse(literal, "a host with a literal `*`");
      }
      if (exact != nullptr) {
        values.push_back(exact->value);
        values.push_back(exact->value + ":*");
      } else if (prefix != nullptr) {
        values.push_back(prefix->value + "*");
      } else {
        return Refuse(literal, "hosts other than by name or beginning, since a port may follow");
      }
    }
    Plain(literal, drafts, "hosts", values);
  }

  void When(const std::string& key, const std::vector<Pattern>& patterns, const Literal& literal,
            std::vector<Draft>& drafts) {
    Value values = Value::array();
    for (const Pattern& pattern : patterns) {
      const std::optional<std::string> value = FieldValue(pattern);
      if (!value) return Refuse(literal, "this pattern on `" + key + "`");
      values.push_back(*value);
    }
    for (Draft& draft : drafts) {
      draft.when.push_back({{"key", key}, {literal.negated ? "notValues" : "values", values}});
    }
  }

  void Address(const char* field, const char* not_field, const std::vector<engine::Cidr>& blocks,
               const Literal& literal, std::vector<Draft>& drafts) {
    std::vector<std::string> values;
    for (const engine::Cidr& block : blocks) values.push_back(block.ToString());
    if (literal.negated) {
      ForAll(drafts, "source", not_field, values);
    } else {
      Set(drafts, "source", field, values, literal);
    }
  }

  // A second demand on who calls stands under `when`, where it is joined by AND.
  void Caller(const engine::CallerMatch& m, const Literal& literal, std::vector<Draft>& drafts) {
    std::vector<std::string> principals;
    for (const engine::CallerSet& set : m.any_of) {
      for (const engine::Caller& caller : set.any_of) {
        const auto* identities = std::get_if<engine::IdentitySet>(&caller);
        const auto* pattern = std::get_if<engine::IdentityPattern>(&caller);
        if (identities != nullptr) {
          for (std::string& p : Principals(e_.model, *identities)) principals.push_back(p);
        } else if (pattern != nullptr && IdentityValue(pattern->pattern)) {
          principals.push_back(*IdentityValue(pattern->pattern));
        } else {
          return Refuse(literal, "this source inside of a condition; put it after `from`");
        }
      }
    }
    if (literal.negated) {
      ForAll(drafts, "source", "notPrincipals", principals);
      return;
    }
    for (Draft& draft : drafts) {
      if (!draft.source.contains("principals")) {
        draft.source["principals"] = principals;
      } else {
        draft.when.push_back({{"key", "source.principal"}, {"values", principals}});
      }
    }
  }

  void Token(engine::JwtId id, const Literal& literal, std::vector<Draft>& drafts) {
    const std::vector<std::string> values{e_.model[id].issuer + "/*"};
    if (literal.negated) {
      ForAll(drafts, "source", "notRequestPrincipals", values);
    } else {
      Set(drafts, "source", "requestPrincipals", values, literal);
    }
  }

  void Claim(const engine::ClaimMatch& m, const Literal& literal, std::vector<Draft>& drafts) {
    std::string key = "request.auth.claims";
    for (const std::string& step : m.claim) key += "[" + engine::ClaimInToken(step) + "]";
    if (literal.negated) {
      // Either there is no token of the provider, or its claim says something else.
      std::vector<Draft> without = drafts;
      ForAll(without, "source", "notRequestPrincipals", {e_.model[m.provider].issuer + "/*"});
      When(key, m.any_of, literal, drafts);
      drafts.insert(drafts.end(), without.begin(), without.end());
      return;
    }
    Token(m.provider, literal, drafts);
    When(key, m.any_of, literal, drafts);
  }

  Emitter& e_;
  const Attachment& attachment_;
  bool only_http_ = false;
};

}  // namespace

std::vector<Value> WriteRule(Emitter& e, const engine::AccessRule& rule,
                             const Attachment& attachment) {
  return RuleWriter(e, attachment).Write(rule);
}

std::vector<Value> WriteHttpRule(Emitter& e, const engine::AccessRule& rule,
                                 const Attachment& attachment) {
  return RuleWriter(e, attachment).WriteHttp(rule);
}

}  // namespace weft::emit::istio
