#include "emit/check/attributes.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>

#include "emit/check/strings.h"
#include "engine/ip.h"

namespace weft::emit::check {
namespace {

using nlohmann::json;

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string Quote(std::string_view text) {
  return re2::RE2::QuoteMeta(re2::StringPiece(text.data(), text.size()));
}

std::optional<std::uint16_t> PortOf(const std::string& text) {
  if (text.empty() || !std::all_of(text.begin(), text.end(),
                                   [](unsigned char c) { return std::isdigit(c) != 0; })) {
    return std::nullopt;
  }
  const std::size_t first = std::min(text.find_first_not_of('0'), text.size() - 1);
  if (text.size() - first > 5) return std::nullopt;
  const int number = std::stoi(text.substr(first));
  if (number > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(number);
}

bool InBlock(const std::string& block, const std::string& address) {
  const auto cidr = engine::Cidr::Parse(block);
  const auto ip = engine::Ip::Parse(address);
  return cidr && ip && cidr->base.IsV4() == ip->IsV4() && cidr->Contains(*ip);
}

// `[a][b]` as a, b; `[a]` may hold brackets that do not pair, then it is one name.
std::optional<std::vector<std::string>> Brackets(const std::string& text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return std::nullopt;
  std::vector<std::string> names;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = text.find_first_of("[]", begin + 1);
    if (text[begin] != '[' || end == std::string::npos || text[end] == '[') {
      return std::vector<std::string>{text.substr(1, text.size() - 2)};
    }
    names.push_back(text.substr(begin + 1, end - begin - 1));
    begin = end + 1;
  }
  return names;
}

const json* Walk(const json& root, const std::vector<std::string>& steps) {
  const json* at = &root;
  for (const std::string& step : steps) {
    if (!at->is_object() || !at->contains(step)) return nullptr;
    at = &(*at)[step];
  }
  return at;
}

bool TextFits(const json& value, const std::string& pattern) {
  return value.is_string() && MatchesValue(pattern, value.get_ref<const std::string&>());
}

bool SomeFits(const json& list, const std::string& pattern) {
  return list.is_array() && std::any_of(list.begin(), list.end(),
                                        [&](const json& item) { return TextFits(item, pattern); });
}

bool ClaimFits(const Call& call, const std::vector<std::string>& steps,
               const std::string& pattern) {
  return std::any_of(call.tokens.begin(), call.tokens.end(), [&](const json& token) {
    const json* value = Walk(token, steps);
    return value != nullptr && (TextFits(*value, pattern) || SomeFits(*value, pattern));
  });
}

bool MetadataFits(const Call& call, const Demand& demand, const std::string& pattern) {
  const auto at = call.metadata.find(demand.name);
  if (at == call.metadata.end()) return false;
  const json* value = Walk(at->second, demand.steps);
  if (value == nullptr) return false;
  if (!pattern.starts_with('[') || !pattern.ends_with(']')) return TextFits(*value, pattern);
  const std::size_t begin = pattern.find_first_not_of("[]");
  if (begin == std::string::npos) return SomeFits(*value, "");
  return SomeFits(*value, pattern.substr(begin, pattern.find_last_not_of("[]") + 1 - begin));
}

// `issuer/subject`, cut at the last slash; a star stands for the rest of its side.
bool RequestPrincipalFits(const json& token, const std::string& value) {
  const auto claim = [&](const char* name) {
    const json* found = Walk(token, {name});
    return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
  };
  const bool has_issuer = token.contains("iss") && token["iss"].is_string();
  const bool has_subject = token.contains("sub") && token["sub"].is_string();
  if (!has_issuer || !has_subject) return false;
  const std::string issuer = claim("iss"), subject = claim("sub");
  const std::size_t slash = value.rfind('/');
  const bool cut = slash != std::string::npos;
  const std::string left = cut ? value.substr(0, slash) : value;
  const std::string right = cut ? value.substr(slash + 1) : "";
  if (value == "*") return !issuer.empty() && !subject.empty();
  if (value.starts_with('*')) {
    if (!cut) return !issuer.empty() && subject.ends_with(value.substr(1));
    return (left == "*" ? !issuer.empty() : issuer.ends_with(left.substr(1))) && subject == right;
  }
  if (value.ends_with('*')) {
    if (!cut) return issuer.starts_with(value.substr(0, value.size() - 1)) && !subject.empty();
    return issuer == left &&
           (right == "*" ? !subject.empty()
                         : subject.starts_with(right.substr(0, right.size() - 1)));
  }
  return issuer == left && subject == right;
}

bool NamespaceFits(const std::string& peer, const std::string& value) {
  std::string regex;
  for (const char c : value) regex += c == '*' ? ".*" : Quote(std::string_view(&c, 1));
  return !peer.empty() && MatchesRegex(".*/ns/" + regex + "/.*", peer);
}

bool ServiceAccountFits(const std::string& peer, const std::string& value, const std::string& ns) {
  const std::size_t slash = value.find('/');
  const std::string in = slash == std::string::npos ? ns : value.substr(0, slash);
  const std::string account = slash == std::string::npos ? value : value.substr(slash + 1);
  return MatchesRegex("spiffe://.+/ns/" + Quote(in) + "/(.+/|)sa/" + Quote(account) + "(/.+)?",
                      peer);
}

bool TrustDomainFits(const std::string& peer, const std::string& value) {
  constexpr std::string_view kScheme = "spiffe://";
  if (!peer.starts_with(kScheme)) return false;
  if (value == "*") return true;
  const std::string rest = peer.substr(kScheme.size());
  const std::size_t slash = rest.find('/');
  if (slash == std::string::npos) return false;
  const std::string domain = rest.substr(0, slash);
  const std::size_t star = value.find('*');
  if (star == std::string::npos) return rest.starts_with(value + "/");
  // One star, anywhere; a second one is a character.
  const std::string head = value.substr(0, star), tail = value.substr(star + 1);
  return domain.size() >= head.size() + tail.size() && domain.starts_with(head) &&
         domain.ends_with(tail);
}

bool PrincipalFits(const std::string& peer, const std::string& value) {
  constexpr std::string_view kScheme = "spiffe://";
  if (peer.empty()) return false;
  if (value == "*") return true;
  if (!peer.starts_with(kScheme)) return false;
  return value.starts_with('*') ? peer.substr(kScheme.size()).ends_with(value.substr(1))
                                : MatchesValue(value, peer.substr(kScheme.size()));
}

// A star stands for a header that is there, be it empty.
bool HeaderFits(const Call& call, const std::string& name, const std::string& value) {
  if (name == ":authority") return value == "*" || MatchesValue(value, call.host);
  if (name == ":method") return value == "*" || MatchesValue(value, call.method);
  if (name == ":path") return value == "*" || MatchesValue(value, call.path);
  const auto at = call.headers.find(name);
  return at != call.headers.end() && (value == "*" || MatchesValue(value, at->second));
}

// A plain key of `when`, and the attributes behind it.
std::optional<Attribute> PlainKey(const std::string& key) {
  static const std::map<std::string, Attribute> keys = {
      {"destination.ip", Attribute::kDestinationIp},
      {"destination.port", Attribute::kPort},
      {"connection.sni", Attribute::kSni},
      {"source.ip", Attribute::kSourceIp},
      {"remote.ip", Attribute::kRemoteIp},
      {"source.namespace", Attribute::kNamespace},
      {"source.trustDomain", Attribute::kTrustDomain},
      {"source.serviceAccount", Attribute::kServiceAccount},
      {"source.principal", Attribute::kPrincipal},
      {"request.auth.principal", Attribute::kRequestPrincipal},
      {"request.auth.audiences", Attribute::kAudience},
      {"request.auth.presenter", Attribute::kPresenter}};
  const auto at = keys.find(key);
  return at == keys.end() ? std::nullopt : std::optional(at->second);
}

bool OnlyHttp(Attribute attribute) {
  switch (attribute) {
    case Attribute::kHost:
    case Attribute::kMethod:
    case Attribute::kPath:
    case Attribute::kRequestPrincipal:
    case Attribute::kAudience:
    case Attribute::kPresenter:
    case Attribute::kHeader:
    case Attribute::kClaim:
      return true;
    case Attribute::kPort:
    case Attribute::kDestinationIp:
    case Attribute::kSni:
    case Attribute::kFilterMetadata:
    case Attribute::kSourceIp:
    case Attribute::kRemoteIp:
    case Attribute::kNamespace:
    case Attribute::kTrustDomain:
    case Attribute::kServiceAccount:
    case Attribute::kPrincipal:
      return false;
  }
  return false;
}

}  // namespace

std::optional<Demand> DemandOf(const std::string& key) {
  constexpr std::string_view kHeaders = "request.headers", kClaims = "request.auth.claims",
                             kFilters = "experimental.envoy.filters.",
                             kExperimental = "experimental.";
  if (const auto plain = PlainKey(key)) return Demand{.attribute = *plain};
  if (key.starts_with(kFilters)) {
    Demand demand{.attribute = Attribute::kFilterMetadata};
    const std::size_t bracket = key.find('[');
    demand.malformed = bracket == std::string::npos;
    if (demand.malformed) return demand;
    demand.name = key.substr(kExperimental.size(), bracket - kExperimental.size());
    const std::string step = key.substr(bracket + 1);
    demand.steps = {step.ends_with(']') ? step.substr(0, step.size() - 1) : step};
    return demand;
  }
  if (key.starts_with(kHeaders)) {
    Demand demand{.attribute = Attribute::kHeader};
    const std::string rest = key.substr(kHeaders.size());
    demand.malformed = rest.size() < 2 || rest.front() != '[' || rest.back() != ']';
    if (!demand.malformed) demand.name = Lower(rest.substr(1, rest.size() - 2));
    return demand;
  }
  if (key.starts_with(kClaims)) {
    Demand demand{.attribute = Attribute::kClaim};
    const auto steps = Brackets(key.substr(kClaims.size()));
    demand.malformed = !steps;
    if (steps) demand.steps = *steps;
    return demand;
  }
  return std::nullopt;
}

bool Usable(const Demand& demand, const std::string& value, bool http) {
  if (demand.malformed || (!http && OnlyHttp(demand.attribute))) return false;
  switch (demand.attribute) {
    case Attribute::kPort:
      return PortOf(value).has_value();
    case Attribute::kDestinationIp:
    case Attribute::kSourceIp:
    case Attribute::kRemoteIp:
      return engine::Cidr::Parse(value).has_value();
    case Attribute::kHost:
    case Attribute::kMethod:
    case Attribute::kPath:
    case Attribute::kSni:
    case Attribute::kFilterMetadata:
    case Attribute::kNamespace:
    case Attribute::kTrustDomain:
    case Attribute::kServiceAccount:
    case Attribute::kPrincipal:
    case Attribute::kRequestPrincipal:
    case Attribute::kAudience:
    case Attribute::kPresenter:
    case Attribute::kHeader:
    case Attribute::kClaim:
      return true;
  }
  return true;
}

bool Holds(const Demand& demand, const std::string& value, const Call& call,
           const std::string& ns) {
  switch (demand.attribute) {
    case Attribute::kHost:
      return value == "*" || MatchesValue(Lower(value), Lower(call.host));
    case Attribute::kMethod:
      return value == "*" || MatchesValue(value, call.method);
    case Attribute::kPath:
      return MatchesPath(value,
                         std::string_view(call.path).substr(0, call.path.find_first_of("?#")));
    case Attribute::kPort:
      return PortOf(value) == call.port;
    case Attribute::kDestinationIp:
      return InBlock(value, call.destination_ip);
    case Attribute::kSni:
      return MatchesValue(value, call.sni);
    case Attribute::kFilterMetadata:
      return MetadataFits(call, demand, value);
    case Attribute::kSourceIp:
      return InBlock(value, call.source_ip);
    case Attribute::kRemoteIp:
      return InBlock(value, call.remote_ip);
    case Attribute::kNamespace:
      return NamespaceFits(call.peer, value);
    case Attribute::kTrustDomain:
      return TrustDomainFits(call.peer, value);
    case Attribute::kServiceAccount:
      return ServiceAccountFits(call.peer, value, ns);
    case Attribute::kPrincipal:
      return PrincipalFits(call.peer, value);
    case Attribute::kRequestPrincipal:
      return std::any_of(call.tokens.begin(), call.tokens.end(),
                         [&](const json& token) { return RequestPrincipalFits(token, value); });
    case Attribute::kAudience:
      return ClaimFits(call, {"aud"}, value);
    case Attribute::kPresenter:
      return ClaimFits(call, {"azp"}, value);
    case Attribute::kHeader:
      return HeaderFits(call, demand.name, value);
    case Attribute::kClaim:
      return ClaimFits(call, demand.steps, value);
  }
  return false;
}

namespace {

// Either may be a pattern with a star at one end.
bool EitherFits(const std::string& a, const std::string& b) {
  const auto fits = [](const std::string& text, const std::string& pattern) {
    return (pattern.ends_with('*') && text.starts_with(pattern.substr(0, pattern.size() - 1))) ||
           (pattern.starts_with('*') && text.ends_with(pattern.substr(1)));
  };
  return a == b || fits(a, b) || fits(b, a);
}

}  // namespace

std::vector<std::string> PrincipalsInMesh(const std::vector<std::string>& principals,
                                          const std::vector<std::string>& trust_domains) {
  std::vector<std::string> result;
  for (const std::string& principal : principals) {
    const std::size_t slash = principal.find('/');
    const std::string domain = principal.substr(0, slash);
    const bool whole = std::count(principal.begin(), principal.end(), '/') == 4;
    const bool ours = domain == "cluster.local" ||
                      std::any_of(trust_domains.begin(), trust_domains.end(),
                                  [&](const std::string& t) { return EitherFits(domain, t); });
    if (!whole || domain == "*" || !ours) {
      result.push_back(principal);
      continue;
    }
    for (const std::string& t : trust_domains) {
      const bool covered = domain.starts_with('*') && t.ends_with(domain.substr(1));
      result.push_back(covered ? principal : t + principal.substr(slash));
    }
  }
  return result;
}

std::vector<std::string> TrustDomainsInMesh(const std::vector<std::string>& values,
                                            const std::vector<std::string>& trust_domains) {
  std::vector<std::string> result;
  for (const std::string& value : values) {
    if (std::find(trust_domains.begin(), trust_domains.end(), value) == trust_domains.end()) {
      result.push_back(value);
    } else {
      result.insert(result.end(), trust_domains.begin(), trust_domains.end());
    }
  }
  return result;
}

}  // namespace weft::emit::check
