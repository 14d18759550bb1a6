#include "prove/certificate_policy.h"

#include <utility>

#include "dsl/overloaded.h"
#include "engine/match.h"
#include "engine/request.h"

namespace weft::prove {
namespace {

using Json = PolicyWriter::Json;

Json SetJson(const engine::IdentitySet& set) {
  const auto part = [](const std::optional<std::string>& wanted) {
    return wanted ? Json(*wanted) : Json();
  };
  return {{"trust", part(set.trust_domain)}, {"ns", part(set.ns)}, {"account", part(set.account)}};
}

Json CallerJson(const engine::Caller& caller) {
  return std::visit(Overloaded{
                        [](const engine::AnyCaller&) { return Json("anyone"); },
                        [](const engine::NoIdentity&) { return Json("no identity"); },
                        [](const engine::IdentitySet& set) { return SetJson(set); },
                        [](const engine::IdentityPattern& identity) {
                          return Json{{"uri", PolicyWriter::Of(identity.pattern)}};
                        },
                        [](const engine::OutsideOf& outside) {
                          Json sets = Json::array();
                          for (const engine::IdentitySet& set : outside.sets) {
                            sets.push_back(SetJson(set));
                          }
                          return Json{{"outside", std::move(sets)}};
                        },
                    },
                    caller);
}

Json PatternsJson(const std::vector<Pattern>& patterns) {
  Json list = Json::array();
  for (const Pattern& pattern : patterns) list.push_back(PolicyWriter::Of(pattern));
  return list;
}

Json LiteralJson(const char* axis, const std::string& name, Json patterns) {
  return {{"axis", axis}, {"name", name}, {"is", std::move(patterns)}};
}

// What an authorizer, a token, a limit, a limiter is.
Json IsJson(const char* axis, const std::string& name, const char* value) {
  return LiteralJson(axis, name, Json::array({{{"exact", value}}}));
}

Json BlocksJson(const char* axis, const std::vector<engine::Cidr>& blocks) {
  Json list = Json::array();
  for (const engine::Cidr& block : blocks) {
    engine::Ip behind = block.Last();
    for (std::size_t i = behind.bytes.size(); i-- > 0;) {
      if (++behind.bytes[i] != 0) break;
    }
    const bool none = behind == engine::Ip{};
    list.push_back({{"block", PolicyWriter::Hex(block.First()) + "-" +
                                  (none ? "0" : PolicyWriter::Hex(behind))}});
  }
  return LiteralJson(axis, "", std::move(list));
}

Json AllJson(Json list) { return {{"all", std::move(list)}}; }
Json AnyJson(Json list) { return {{"any", std::move(list)}}; }
Json NotJson(Json child) { return {{"not", std::move(child)}}; }

}  // namespace

Json PolicyWriter::Of(const Pattern& pattern) {
  return std::visit(Overloaded{
                        [](const Exact& p) {
                          return Json{{"exact", p.value}};
                        },
                        [](const Under& p) {
                          return Json{{"under", p.value}};
                        },
                        [](const Prefix& p) {
                          return Json{{"prefix", p.value}};
                        },
                        [](const Suffix& p) {
                          return Json{{"suffix", p.value}};
                        },
                        [](const Template& p) {
                          return Json{{"regex", engine::ToRegex(p)}};
                        },
                        [](const Regex& p) {
                          return Json{{"regex", p.value}};
                        },
                        [](const Present&) {
                          return Json{{"present", ""}};
                        },
                    },
                    pattern);
}

std::string PolicyWriter::Hex(const engine::Ip& ip) {
  static constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : ip.bytes) {
    text += kDigits[byte / 16];
    text += kDigits[byte % 16];
  }
  return text;
}

Json PolicyWriter::HasIdentity(const Seen& seen) {
  if (!seen.identities) return false;
  return LiteralJson("caller", "", Json::array({SetJson({})}));
}

Json PolicyWriter::Of(const std::vector<engine::CallerSet>& sets, const Seen& seen) {
  if (!seen.identities) return engine::Admits(sets, std::nullopt);
  Json list = Json::array();
  for (const engine::CallerSet& set : sets) {
    for (const engine::Caller& caller : set.any_of) list.push_back(CallerJson(caller));
  }
  return LiteralJson("caller", "", std::move(list));
}

Json PolicyWriter::Of(const engine::Matcher& matcher, const Seen& seen) const {
  return std::visit(
      Overloaded{
          [](const engine::MethodMatch& m) {
            Json list = Json::array();
            for (const std::string& method : m.any_of) list.push_back({{"exact", method}});
            return LiteralJson("method", "", std::move(list));
          },
          [](const engine::PathMatch& m) {
            return LiteralJson("path", "", PatternsJson(m.any_of));
          },
          [](const engine::HostMatch& m) {
            return LiteralJson("host", "", PatternsJson(m.any_of));
          },
          [](const engine::SniMatch& m) { return LiteralJson("sni", "", PatternsJson(m.any_of)); },
          [](const engine::HeaderMatch& m) {
            return LiteralJson("header", m.name, PatternsJson(m.any_of));
          },
          [](const engine::QueryMatch& m) {
            return LiteralJson("query", m.name, PatternsJson(m.any_of));
          },
          [](const engine::PortMatch& m) {
            Json list = Json::array();
            for (const std::uint16_t port : m.any_of) {
              list.push_back({{"exact", std::to_string(port)}});
            }
            return LiteralJson("port", "", std::move(list));
          },
          [&](const engine::CallerMatch& m) { return Of(m.any_of, seen); },
          [](const engine::SourceIpMatch& m) { return BlocksJson("source_ip", m.any_of); },
          [](const engine::RemoteIpMatch& m) { return BlocksJson("remote_ip", m.any_of); },
          [&](const engine::MtlsMatch&) { return HasIdentity(seen); },
          [&](const engine::JwtMatch& m) { return IsJson("token", Name(m.provider), "valid"); },
          [&](const engine::ClaimMatch& m) {
            std::string path;
            for (const std::string& step : m.claim) path += (path.empty() ? "" : ".") + step;
            return AllJson({IsJson("token", Name(m.provider), "valid"),
                            LiteralJson("claim", Claim(m.provider, path), PatternsJson(m.any_of))});
          },
      },
      matcher);
}

Json PolicyWriter::Of(const engine::Condition& condition, const Seen& seen) const {
  using Kind = engine::Condition::Kind;
  const auto children = [&] {
    Json list = Json::array();
    for (const engine::Condition& child : condition.children) list.push_back(Of(child, seen));
    return list;
  };
  switch (condition.kind) {
    case Kind::kTrue:
      return true;
    case Kind::kFalse:
      return false;
    case Kind::kAnd:
      return AllJson(children());
    case Kind::kOr:
      return AnyJson(children());
    case Kind::kNot:
      return NotJson(Of(condition.children.front(), seen));
    case Kind::kMatcher:
      return Of(*condition.matcher, seen);
  }
  return false;
}

Json PolicyWriter::Places(const std::vector<Span>& spans) const {
  Json list = Json::array();
  for (const Span& span : spans) {
    if (span.IsKnown()) list.push_back(place_(span));
  }
  return list;
}

// As Applies of verifier/server.h.
Json PolicyWriter::Rule(engine::AccessRuleId id, bool http, const Seen& seen) const {
  const engine::AccessRule& rule = model_[id];
  Json all = Json::array({Of(http ? rule.when : engine::OnConnection(rule.when), seen)});
  if (!rule.callers.empty()) all.push_back(Of(rule.callers, seen));
  const bool never = rule.dry_run || (rule.tcp_only && http);
  return {{"at", Place(rule.span)}, {"when", never ? Json(false) : AllJson(std::move(all))}};
}

Json PolicyWriter::Authorizer(const engine::ExternalAuthorization& asked, const Seen& seen) const {
  const std::string name = Name(asked.provider);
  Json any = Json::array({NotJson(Of(asked.when, seen)), IsJson("authorizer", name, "allow")});
  if (model_[asked.provider].allow_on_failure) {
    any.push_back(IsJson("authorizer", name, "unavailable"));
  }
  return {{"what", "authorizer " + name}, {"when", AnyJson(std::move(any))}};
}

Json PolicyWriter::Limit(engine::LimitId id, const Seen& seen) const {
  using Kind = engine::LimitKey::Kind;
  const engine::Limit& limit = model_[id];
  Json counted = Json::array({Of(limit.when, seen)});
  for (const engine::LimitKey& key : limit.per) {
    if (key.kind == Kind::kSourceIdentity) counted.push_back(HasIdentity(seen));
    if (key.kind == Kind::kHeader) {
      counted.push_back(Of(engine::Matcher(engine::HeaderMatch{key.name, {Present{}}}), seen));
    }
    if (key.kind == Kind::kClaim) {
      counted.push_back(
          Of(engine::Matcher(engine::ClaimMatch{key.provider, {key.name}, {Present{}}}), seen));
    }
  }
  Json passes = IsJson("limit", Name(id), "room");
  if (!limit.limiter.IsNone()) {
    Json answers = IsJson("limiter", Name(limit.limiter), "answers");
    passes =
        limit.allow_on_error ? AnyJson({passes, NotJson(answers)}) : AllJson({passes, answers});
  }
  return {{"what", "limit " + Name(id)},
          {"when", AnyJson({NotJson(AllJson(std::move(counted))), passes})}};
}

Json PolicyWriter::Tokens(const std::vector<engine::Authentication>& tokens) const {
  Json all = Json::array();
  Json valid = Json::array();
  Json invalid = Json::array();
  for (const engine::Authentication& a : tokens) {
    valid.push_back(IsJson("token", Name(a.provider), "valid"));
    invalid.push_back(IsJson("token", Name(a.provider), "invalid"));
    if (!a.optional) all.push_back(valid.back());
  }
  all.push_back(AnyJson({AnyJson(std::move(valid)), NotJson(AnyJson(std::move(invalid)))}));
  return {{"what", "tokens"}, {"when", AllJson(std::move(all))}};
}

// The order of `demands` is that of verifier::ConstraintsOf.
Json PolicyWriter::Of(const engine::Guard* guard, const engine::ServicePort& port) const {
  Json json = {{"demands", Json::array()},
               {"deny", Json::array()},
               {"closed", guard != nullptr && guard->closed},
               {"allow", Json::array()}};
  if (guard == nullptr) return json;
  const auto at_port = guard->port_mtls.find(port.number);
  const engine::MtlsMode mode = at_port != guard->port_mtls.end() ? at_port->second : guard->mtls;
  const bool http = port.IsHttp();
  const Seen seen{.identities = mode != engine::MtlsMode::kDisable};
  Json& demands = json["demands"];
  if (mode == engine::MtlsMode::kStrict) {
    demands.push_back({{"what", "mtls"}, {"when", HasIdentity(seen)}});
  }
  if (http) {
    for (const auto& asked : guard->authorization) demands.push_back(Authorizer(asked, seen));
    for (const engine::LimitId id : guard->limits) demands.push_back(Limit(id, seen));
    if (!guard->authentication.empty()) demands.push_back(Tokens(guard->authentication));
  }
  for (const engine::AccessRuleId id : guard->deny) json["deny"].push_back(Rule(id, http, seen));
  for (const engine::AccessRuleId id : guard->allow) json["allow"].push_back(Rule(id, http, seen));
  return json;
}

}  // namespace weft::prove
