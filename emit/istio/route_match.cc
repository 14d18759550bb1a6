#include "emit/istio/route_match.h"

#include <algorithm>

#include "dsl/overloaded.h"
#include "emit/codes.h"
#include "emit/istio/path_header.h"
#include "engine/match.h"
#include "engine/request.h"

namespace weft::emit::istio {
namespace {

using engine::Matcher;

constexpr const char* kReachesQuery =
    "this expression on a path under `not` or beside another pattern, where Envoy also matches the "
    "query; write `[a-z0-9]` or the like for what may stand there";

Value RegexOf(const Pattern& pattern) { return {{"regex", engine::ToRegex(pattern)}}; }

// True when no path is in both, by structure.
bool Apart(const Pattern& a, const Pattern& b) {
  const auto* exact = std::get_if<Exact>(&a);
  if (exact != nullptr) return !engine::Matches(b, exact->value);
  const auto* one = std::get_if<Prefix>(&a);
  const auto* other = std::get_if<Prefix>(&b);
  if (one == nullptr || other == nullptr) return false;
  return !one->value.starts_with(other->value) && !other->value.starts_with(one->value);
}

class MatchBuilder {
 public:
  MatchBuilder(Emitter& e, const RoutePlace& place) : e_(e), place_(place) {}

  // Adds what one conjunction needs; several entries when it has alternatives.
  void Add(const Conjunction& conjunction, const std::optional<Pattern>& within,
           std::vector<HttpMatch>& out) {
    HttpMatch first;
    if (within) {
      first.path = within;
      first.entry["uri"] = StringMatches(*within).front();
    }
    entries_ = {std::move(first)};
    fine_ = true;
    for (const Literal& literal : conjunction) {
      if (entries_.empty()) return;
      Apply(literal);
    }
    if (place_.workloads) {
      for (HttpMatch& match : entries_) match.entry["sourceLabels"] = *place_.workloads;
    }
    if (!fine_) return;
    for (HttpMatch& match : entries_) out.push_back(std::move(match));
  }

 private:
  void Refuse(const Literal& literal, const std::string& what) {
    fine_ = false;
    e_.Refuse(codes::kInexpressible, literal.span,
              "a route of Istio cannot match " + what + (place_.gateway ? " at a gateway" : ""));
  }

  // Multiplies the entries: each is continued with each alternative.
  template <typename Alternatives, typename Join>
  void Branch(const Alternatives& alternatives, Join join) {
    std::vector<HttpMatch> next;
    for (const HttpMatch& match : entries_) {
      for (const auto& alternative : alternatives) {
        HttpMatch copy = match;
        if (join(copy, alternative)) next.push_back(std::move(copy));
      }
    }
    entries_ = std::move(next);
  }

  void Apply(const Literal& literal) {
    std::visit(Overloaded{
                   [&](const engine::MethodMatch& m) { Method(m, literal.negated); },
                   [&](const engine::PathMatch& m) { Path(m, literal); },
                   [&](const engine::HostMatch& m) { Host(m, literal); },
                   [&](const engine::HeaderMatch& m) { Header(m, literal); },
                   [&](const engine::QueryMatch& m) { Query(m, literal); },
                   [&](const engine::PortMatch& m) { Port(m, literal); },
                   [&](const engine::CallerMatch& m) { Caller(m, literal); },
                   [&](const engine::MtlsMatch&) {
                     // A client of a gateway shows no mesh identity; a caller with a sidecar has
                     // one.
                     if (place_.gateway != literal.negated) entries_.clear();
                   },
                   [&](const engine::SniMatch&) { Refuse(literal, "SNI in an HTTP rule"); },
                   [&](const engine::SourceIpMatch&) { Refuse(literal, "source addresses"); },
                   [&](const engine::RemoteIpMatch&) { Refuse(literal, "client addresses"); },
                   [&](const engine::JwtMatch&) { Refuse(literal, "tokens"); },
                   [&](const engine::ClaimMatch&) { Refuse(literal, "claims"); },
               },
               *literal.matcher);
  }

  void Method(const engine::MethodMatch& m, bool negated) {
    if (negated) {
      for (HttpMatch& match : entries_) Without(match, ":method", OneOf(m.any_of));
      return;
    }
    Branch(std::vector<int>{0}, [&](HttpMatch& match, int) {
      std::vector<std::string> methods;
      for (const std::string& method : m.any_of) {
        const bool both = !match.methods || std::find(match.methods->begin(), match.methods->end(),
                                                      method) != match.methods->end();
        if (both) methods.push_back(method);
      }
      if (methods.empty()) return false;
      match.entry["method"] =
          methods.size() == 1 ? Exactly(methods.front()) : Value{{"regex", OneOf(methods)}};
      match.methods = std::move(methods);
      return true;
    });
  }

  static std::string OneOf(const std::vector<std::string>& words) {
    std::string regex;
    for (const std::string& word : words) {
      regex += (regex.empty() ? "" : "|") + engine::ToRegex(Exact{word});
    }
    return regex;
  }

  // Joins a demand with an earlier one on the same header or parameter. False: they contradict each
  // other. Refused when neither contains the other.
  bool JoinPattern(std::map<std::string, Pattern>& known, const std::string& name,
                   const Pattern& pattern, const Literal& literal) {
    const auto at = known.find(name);
    if (at == known.end()) {
      known.emplace(name, pattern);
      return true;
    }
    Pattern& first = at->second;
    if (first == pattern || std::holds_alternative<Present>(pattern)) return true;
    if (std::holds_alternative<Present>(first)) {
      first = pattern;
      return true;
    }
    const auto* exact = std::get_if<Exact>(&first);
    if (exact != nullptr) return engine::Matches(pattern, exact->value);
    exact = std::get_if<Exact>(&pattern);
    if (exact != nullptr && engine::Matches(first, exact->value)) {
      first = pattern;
      return true;
    }
    if (exact != nullptr || Apart(first, pattern)) return false;
    if (Within(pattern, first)) first = pattern;
    if (!Within(first, pattern)) Refuse(literal, "two patterns on `" + name + "` at once");
    return true;
  }

  static Value Exactly(const std::string& value) { return {{"exact", value}}; }

  void Path(const engine::PathMatch& m, const Literal& literal) {
    if (literal.negated) {
      const auto regex = PathHeaderRegex(m.any_of);
      if (!regex) return Refuse(literal, kReachesQuery);
      for (HttpMatch& match : entries_) Without(match, ":path", *regex);
      return;
    }
    std::vector<Pattern> parts;
    for (const Pattern& pattern : m.any_of) {
      for (Pattern& part : UriParts(pattern)) parts.push_back(std::move(part));
    }
    Branch(parts, [&](HttpMatch& match, const Pattern& part) {
      if (match.path) {
        if (Apart(*match.path, part) || Apart(part, *match.path)) return false;
        if (Within(*match.path, part)) return true;
        if (!Within(part, *match.path)) {
          if (match.headers.contains(":path")) {
            Refuse(literal, "three path patterns at once");
            return false;
          }
          const auto regex = PathHeaderRegex({part});
          if (!regex) {
            Refuse(literal, kReachesQuery);
            return false;
          }
          match.headers.emplace(":path", part);
          match.entry["headers"][":path"] = {{"regex", *regex}};
          return true;
        }
      }
      match.path = part;
      match.entry["uri"] = StringMatches(part).front();
      return true;
    });
  }

  // A header that must not match; several demands on one header become alternatives of one regex.
  static void Without(HttpMatch& match, const std::string& name, const std::string& regex) {
    Value& without = match.entry["withoutHeaders"][name];
    if (without.is_object() && without.contains("regex")) {
      without["regex"] = without["regex"].get<std::string>() + "|" + regex;
    } else {
      without = {{"regex", regex}};
    }
  }

  void Host(const engine::HostMatch& m, const Literal& literal) {
    // `authority` may carry a port.
    std::string regex;
    for (const Pattern& pattern : m.any_of) {
      regex += (regex.empty() ? "" : "|") + std::string("(?:") + engine::ToRegex(pattern) +
               ")(?::[0-9]+)?";
    }
    for (HttpMatch& match : entries_) {
      if (literal.negated) {
        Without(match, ":authority", "(?i:" + regex + ")");
      } else if (match.entry.contains("authority")) {
        Refuse(literal, "two demands on the host at once");
      } else {
        match.entry["authority"] = {{"regex", "(?i:" + regex + ")"}};
      }
    }
  }

  void Header(const engine::HeaderMatch& m, const Literal& literal) {
    if (literal.negated) {
      std::string regex;
      const bool present = std::any_of(m.any_of.begin(), m.any_of.end(), [](const Pattern& p) {
        return std::holds_alternative<Present>(p);
      });
      for (const Pattern& pattern : m.any_of) {
        regex += (regex.empty() ? "" : "|") + engine::ToRegex(pattern);
      }
      for (HttpMatch& match : entries_) {
        if (present) {
          match.entry["withoutHeaders"][m.name] = Value::object();
        } else {
          Without(match, m.name, regex);
        }
      }
      return;
    }
    Branch(m.any_of, [&](HttpMatch& match, const Pattern& pattern) {
      if (!JoinPattern(match.headers, m.name, pattern, literal)) return false;
      match.entry["headers"][m.name] = HeaderValue(match.headers.at(m.name));
      return true;
    });
  }

  static Value HeaderValue(const Pattern& pattern) {
    if (std::holds_alternative<Present>(pattern)) return Value::object();
    const std::vector<Value> matches = StringMatches(pattern);
    return matches.size() == 1 ? matches.front() : RegexOf(pattern);
  }

  void Query(const engine::QueryMatch& m, const Literal& literal) {
    if (literal.negated) {
      Refuse(literal, "the absence of a query parameter");
      return;
    }
    Branch(m.any_of, [&](HttpMatch& match, const Pattern& pattern) {
      if (!JoinPattern(match.query, m.name, pattern, literal)) return false;
      const Pattern& joined = match.query.at(m.name);
      const std::vector<Value> matches = StringMatches(joined);
      match.entry["queryParams"][m.name] = std::holds_alternative<Present>(joined)
                                               ? Value{{"regex", ".*"}}
                                           : matches.size() == 1 ? matches.front()
                                                                 : RegexOf(joined);
      return true;
    });
  }

  void Port(const engine::PortMatch& m, const Literal& literal) {
    if (literal.negated) {
      Refuse(literal, "all ports but some");
      return;
    }
    Branch(m.any_of, [&](HttpMatch& match, std::uint16_t port) {
      if (match.entry.contains("port")) return match.entry["port"] == port;
      match.entry["port"] = port;
      return true;
    });
  }

  // Sidecars are told apart by namespace; gateways see callers without identity.
  void Caller(const engine::CallerMatch& m, const Literal& literal) {
    if (place_.gateway) {
      if (engine::Admits(m.any_of, std::nullopt) == literal.negated) entries_.clear();
      return;
    }
    std::vector<std::string> admitted;
    for (const std::string& ns : place_.namespaces) {
      const std::optional<bool> whole = AdmitsNamespace(m, ns);
      if (!whole) {
        Refuse(literal, "service accounts; it can match namespaces");
        return;
      }
      if (*whole != literal.negated) admitted.push_back(ns);
    }
    if (admitted.size() == place_.namespaces.size()) return;
    Branch(admitted, [](HttpMatch& match, const std::string& ns) {
      if (match.entry.contains("sourceNamespace")) return match.entry["sourceNamespace"] == ns;
      match.entry["sourceNamespace"] = ns;
      return true;
    });
  }

  // Whether all workloads of the namespace are admitted, or none; nullopt when only some are.
  [[nodiscard]] std::optional<bool> AdmitsNamespace(const engine::CallerMatch& m,
                                                    const std::string& ns) const {
    const std::string& trust = e_.model[place_.cluster].trust_domain;
    const bool anyone = engine::Admits(m.any_of, engine::Identity{trust, ns, "some-new-account"});
    for (const engine::Workload& w : e_.model.workloads) {
      if (w.cluster != place_.cluster || w.ns != ns) continue;
      if (engine::Admits(m.any_of, engine::Identity{trust, ns, w.account}) != anyone) {
        return std::nullopt;
      }
    }
    return anyone;
  }

  Emitter& e_;
  const RoutePlace& place_;
  std::vector<HttpMatch> entries_;
  bool fine_ = true;
};

}  // namespace

std::vector<Pattern> UriParts(const Pattern& pattern) {
  const auto* under = std::get_if<Under>(&pattern);
  if (under == nullptr) return {pattern};
  if (under->value == "/") return {Prefix{"/"}};
  return {Exact{under->value}, Prefix{under->value + "/"}};
}

bool Within(const Pattern& inner, const Pattern& outer) {
  if (inner == outer) return true;
  return std::visit(Overloaded{
                        [&](const Exact& p) { return engine::Matches(outer, p.value); },
                        [&](const Prefix& p) {
                          const auto* prefix = std::get_if<Prefix>(&outer);
                          return prefix != nullptr && p.value.starts_with(prefix->value);
                        },
                        [](const auto&) { return false; },
                    },
                    inner);
}

std::vector<Value> StringMatches(const Pattern& pattern) {
  return std::visit(
      Overloaded{
          [](const Exact& p) {
            return std::vector<Value>{{{"exact", p.value}}};
          },
          [](const Prefix& p) {
            return std::vector<Value>{{{"prefix", p.value}}};
          },
          [&](const Under& p) {
            if (p.value == "/") return std::vector<Value>{{{"prefix", "/"}}};
            return std::vector<Value>{{{"exact", p.value}}, {{"prefix", p.value + "/"}}};
          },
          [&](const auto&) { return std::vector<Value>{RegexOf(pattern)}; },
      },
      pattern);
}

std::vector<HttpMatch> HttpMatches(Emitter& e, const engine::Condition& condition,
                                   const RoutePlace& place, Span span,
                                   const std::optional<Pattern>& within) {
  std::vector<HttpMatch> matches;
  const auto cases = CasesOf(condition);
  if (!cases) {
    e.Refuse(codes::kTooManyCases, span, "this condition has too many alternatives for Istio");
    return matches;
  }
  MatchBuilder builder(e, place);
  for (const Conjunction& conjunction : *cases) builder.Add(conjunction, within, matches);
  return matches;
}

}  // namespace weft::emit::istio
