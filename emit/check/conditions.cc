#include "emit/check/conditions.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>

#include "emit/check/strings.h"

namespace weft::emit::check {
namespace {

using engine::Condition;
using Said = std::optional<Condition>;

Condition Always(bool holds) { return holds ? Condition::True() : Condition::False(); }

std::string InLowerCase(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string Literally(std::string_view text) {
  return re2::RE2::QuoteMeta(re2::StringPiece(text.data(), text.size()));
}

// As MatchesValue: a star at one end stands for anything, alone for anything that is not empty.
Pattern ValuePattern(const std::string& value) {
  if (value == "*") return Regex{".+"};
  if (value.starts_with('*')) return Suffix{value.substr(1)};
  if (value.ends_with('*')) return Prefix{value.substr(0, value.size() - 1)};
  return Exact{value};
}

// A template whose operators are whole segments, `{**}` the last one; nullopt for others.
std::optional<Pattern> SegmentPattern(const std::string& value) {
  std::string text;
  for (std::size_t begin = 0; begin < value.size();) {
    const std::size_t end = std::min(value.find('/', begin + 1), value.size());
    std::string segment = value.substr(begin, end - begin);
    const bool rest = segment == "/{**}";
    if (rest && end != value.size()) return std::nullopt;
    if (rest || segment == "/{*}") {
      segment = rest ? "/**" : "/*";
    } else if (segment.find_first_of("*{}") != std::string::npos) {
      return std::nullopt;
    }
    text += segment;
    begin = end;
  }
  return Template{text};
}

// As MatchesPath.
Pattern PathPattern(const std::string& value) {
  if (value.find("{*}") == std::string::npos && value.find("{**}") == std::string::npos) {
    return ValuePattern(value);
  }
  if (auto segments = SegmentPattern(value)) return *segments;
  static const std::string kChars = "[a-zA-Z0-9\\-._~%!$&'()+,;:@=]";
  std::string regex;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value.compare(i, 4, "{**}") == 0) {
      regex += "(?:" + kChars + "|/)*";
      i += 3;
    } else if (value.compare(i, 3, "{*}") == 0) {
      regex += kChars + "+";
      i += 2;
    } else {
      regex += Literally(std::string_view(value).substr(i, 1));
    }
  }
  return Regex{regex};
}

// Hosts `h` for which `h:port` matches.
Condition HostBeforePort(const Pattern& pattern, std::uint16_t port) {
  const std::string tail = ":" + std::to_string(port);
  engine::HostMatch hosts;
  if (const auto* exact = std::get_if<Exact>(&pattern)) {
    if (!exact->value.ends_with(tail)) return Condition::False();
    hosts.any_of.emplace_back(Exact{exact->value.substr(0, exact->value.size() - tail.size())});
  } else if (const auto* prefix = std::get_if<Prefix>(&pattern)) {
    // The prefix ends before the port, or inside of it.
    hosts.any_of.emplace_back(*prefix);
    for (std::size_t n = 1; n <= tail.size(); ++n) {
      if (!prefix->value.ends_with(tail.substr(0, n))) continue;
      hosts.any_of.emplace_back(Exact{prefix->value.substr(0, prefix->value.size() - n)});
    }
  } else if (const auto* suffix = std::get_if<Suffix>(&pattern)) {
    if (tail.ends_with(suffix->value)) return Condition::True();
    if (!suffix->value.ends_with(tail)) return Condition::False();
    hosts.any_of.emplace_back(Suffix{suffix->value.substr(0, suffix->value.size() - tail.size())});
  }
  return Condition::Of(std::move(hosts), {});
}

Condition HostIs(const std::string& value, const DemandPlace& place) {
  if (value == "*") return Condition::True();
  const Pattern pattern = ValuePattern(InLowerCase(value));
  if (place.names_port) return HostBeforePort(pattern, place.port);
  return Condition::Of(engine::HostMatch{{pattern}}, {});
}

Condition CallerIs(engine::Caller caller) {
  engine::CallerSet set;
  set.any_of.push_back(std::move(caller));
  return Condition::Of(engine::CallerMatch{{std::move(set)}}, {});
}

Condition IdentityIs(Pattern pattern) {
  return CallerIs(engine::IdentityPattern{std::move(pattern)});
}

Condition OfNamespace(const std::string& ns) {
  return CallerIs(engine::IdentitySet{.trust_domain = {}, .ns = ns, .account = {}});
}

// The expression is `.*/ns/VALUE/.*`, whose stars match slashes, too.
Condition NamespaceIs(const std::string& value) {
  if (value.find('*') == std::string::npos) {
    // `/ns/sa/` also stands in the identities of a namespace called `ns`.
    return value == "sa" ? Condition::Or({OfNamespace("sa"), OfNamespace("ns")})
                         : OfNamespace(value);
  }
  std::string regex;
  for (const char c : value) regex += c == '*' ? ".*" : Literally(std::string_view(&c, 1));
  return IdentityIs(Regex{".*/ns/" + regex + "/.*"});
}

Condition ServiceAccountIs(const std::string& value, const std::string& ns) {
  const std::size_t slash = value.find('/');
  const bool whole = slash != std::string::npos;
  return CallerIs(engine::IdentitySet{.trust_domain = {},
                                      .ns = whole ? value.substr(0, slash) : ns,
                                      .account = whole ? value.substr(slash + 1) : value});
}

Condition TrustDomainIs(const std::string& value) {
  const std::size_t star = value.find('*');
  if (value == "*") return CallerIs(engine::IdentitySet{});
  if (star == std::string::npos) {
    return CallerIs(engine::IdentitySet{.trust_domain = value, .ns = {}, .account = {}});
  }
  return IdentityIs(Regex{"spiffe://" + Literally(value.substr(0, star)) + "[^/]*" +
                          Literally(value.substr(star + 1)) + "/.*"});
}

// `trust/ns/NS/sa/ACCOUNT` names its parts; anything else is compared as text.
Condition PrincipalIs(const std::string& value) {
  if (value == "*") return CallerIs(engine::IdentitySet{});
  if (value.starts_with('*')) {
    return IdentityIs(Suffix{value.substr(1)});
  }
  static const re2::RE2 kParts("([^/*]+)/ns/([^/*]+)/sa/([^/*]+|\\*)");
  std::string trust, ns, account;
  if (re2::RE2::FullMatch(value, kParts, &trust, &ns, &account)) {
    engine::IdentitySet set{.trust_domain = trust, .ns = ns, .account = {}};
    if (account != "*") set.account = account;
    return CallerIs(std::move(set));
  }
  if (value.ends_with('*'))
    return IdentityIs(Prefix{"spiffe://" + value.substr(0, value.size() - 1)});
  return IdentityIs(Exact{"spiffe://" + value});
}

template <typename Make>
Condition OfSomeToken(const DemandPlace& place, Make make) {
  std::vector<Condition> any;
  for (const engine::JwtId id : place.trusted) any.push_back(make(id));
  return Condition::Or(std::move(any));
}

// A dot in a step is of the claim's own name; conditions have a backslash before it.
Condition ClaimIs(const DemandPlace& place, std::vector<std::string> steps,
                  const Pattern& pattern) {
  static const re2::RE2 kDot("\\.");
  for (std::string& step : steps) re2::RE2::GlobalReplace(&step, kDot, R"(\\.)");
  return OfSomeToken(place, [&](engine::JwtId id) {
    return Condition::Of(engine::ClaimMatch{id, steps, {pattern}}, {});
  });
}

// `issuer/subject`, cut at the last slash; every token has a subject.
Condition RequestPrincipalIs(const std::string& value, const DemandPlace& place) {
  const std::size_t slash = value.rfind('/');
  const bool cut = slash != std::string::npos;
  const std::string left = cut ? value.substr(0, slash) : value;
  const std::string right = cut ? value.substr(slash + 1) : "";
  return OfSomeToken(place, [&](engine::JwtId id) {
    const std::string& issuer = place.world[id].issuer;
    const auto subject = [&](const Pattern& pattern) {
      return Condition::Of(engine::ClaimMatch{id, {"sub"}, {pattern}}, {});
    };
    const Condition token = Condition::Of(engine::JwtMatch{id}, {});
    if (value == "*") return token;
    if (value.starts_with('*')) {
      if (!cut) return subject(Suffix{value.substr(1)});
      return left == "*" || issuer.ends_with(left.substr(1)) ? subject(Exact{right})
                                                             : Condition::False();
    }
    if (value.ends_with('*') && !cut) {
      return issuer.starts_with(value.substr(0, value.size() - 1)) ? token : Condition::False();
    }
    if (issuer != left) return Condition::False();
    if (right == "*") return token;
    return subject(ValuePattern(right));
  });
}

Said HeaderIs(const std::string& name, const std::string& value, const DemandPlace& place) {
  if (name == ":authority") return HostIs(value, place);
  if (name.starts_with(':')) {
    if (value == "*") return Condition::True();
    if (name != ":method" || value.find('*') != std::string::npos) return std::nullopt;
    return Condition::Of(engine::MethodMatch{{value}}, {});
  }
  const Pattern pattern = value == "*" ? Pattern(Present{}) : ValuePattern(value);
  return Condition::Of(engine::HeaderMatch{name, {pattern}}, {});
}

template <typename Match>
Said AddressIs(const std::string& value) {
  const auto block = engine::Cidr::Parse(value);
  if (!block) return Condition::False();
  return Condition::Of(Match{{*block}}, {});
}

// One of the values that can be used, when there are any, and none of the others.
Said DemandIsMet(const Demand& demand, const DemandPlace& place, std::string& unsaid) {
  std::vector<Condition> any, none;
  for (const bool wanted : {true, false}) {
    for (const std::string& value : wanted ? demand.values : demand.not_values) {
      if (!Usable(demand, value, place.http)) continue;
      Said said = ConditionOf(demand, value, place);
      if (!said) {
        unsaid = value;
        return std::nullopt;
      }
      (wanted ? any : none).push_back(std::move(*said));
    }
  }
  std::vector<Condition> all;
  if (!any.empty()) all.push_back(Condition::Or(std::move(any)));
  all.push_back(Condition::Not(Condition::Or(std::move(none))));
  return Condition::And(std::move(all));
}

Said AllAreMet(const Demands& demands, const DemandPlace& place, std::string& unsaid) {
  std::vector<Condition> all;
  for (const Demand& demand : demands) {
    Said said = DemandIsMet(demand, place, unsaid);
    if (!said) return std::nullopt;
    all.push_back(std::move(*said));
  }
  return Condition::And(std::move(all));
}

}  // namespace

Said ConditionOf(const Demand& demand, const std::string& value, const DemandPlace& place) {
  switch (demand.attribute) {
    case Attribute::kHost:
      return HostIs(value, place);
    case Attribute::kMethod:
      if (value == "*") return Condition::True();
      if (value.find('*') != std::string::npos) return std::nullopt;
      return Condition::Of(engine::MethodMatch{{value}}, {});
    case Attribute::kPath:
      return Condition::Of(engine::PathMatch{{PathPattern(value)}}, {});
    case Attribute::kPort:
      return Always(std::to_string(place.port) == value);
    case Attribute::kDestinationIp:
    case Attribute::kFilterMetadata:
      return std::nullopt;
    case Attribute::kSni:
      return Condition::Of(engine::SniMatch{{ValuePattern(value)}}, {});
    case Attribute::kSourceIp:
      return AddressIs<engine::SourceIpMatch>(value);
    case Attribute::kRemoteIp:
      return AddressIs<engine::RemoteIpMatch>(value);
    case Attribute::kNamespace:
      return NamespaceIs(value);
    case Attribute::kTrustDomain:
      return TrustDomainIs(value);
    case Attribute::kServiceAccount:
      return ServiceAccountIs(value, place.ns);
    case Attribute::kPrincipal:
      return PrincipalIs(value);
    case Attribute::kRequestPrincipal:
      return RequestPrincipalIs(value, place);
    case Attribute::kAudience:
      return ClaimIs(place, {"aud"}, ValuePattern(value));
    case Attribute::kPresenter:
      return ClaimIs(place, {"azp"}, ValuePattern(value));
    case Attribute::kHeader:
      return HeaderIs(demand.name, value, place);
    case Attribute::kClaim:
      return ClaimIs(place, demand.steps, ValuePattern(value));
  }
  return std::nullopt;
}

Said ConditionOf(const Rule& rule, bool allow, const DemandPlace& place, std::string& unsaid) {
  if (allow && !IsUsable(rule, place.http)) return Condition::False();
  std::vector<Condition> all;
  for (const std::vector<Demands>* part : {&rule.from, &rule.to}) {
    if (part->empty()) continue;
    std::vector<Condition> any;
    for (const Demands& demands : *part) {
      Said said = AllAreMet(demands, place, unsaid);
      if (!said) return std::nullopt;
      any.push_back(std::move(*said));
    }
    all.push_back(Condition::Or(std::move(any)));
  }
  Said when = AllAreMet(rule.when, place, unsaid);
  if (!when) return std::nullopt;
  all.push_back(std::move(*when));
  return Condition::And(std::move(all));
}

}  // namespace weft::emit::check
