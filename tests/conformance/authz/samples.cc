#include "tests/conformance/authz/samples.h"

#include <algorithm>
#include <cctype>

#include "engine/ip.h"

namespace weft::conformance {
namespace {

using emit::check::Call;
using nlohmann::json;
using yaml::Node;
using Random = std::mt19937_64;

std::size_t Below(std::size_t bound, Random& random) { return random() % bound; }

template <typename List>
const auto& Pick(const List& list, Random& random) {
  return list[Below(list.size(), random)];
}

// What a pattern with stars or templates stands for.
std::string Filled(const std::string& pattern, Random& random) {
  static const std::vector<std::string> fillings = {"", "x", "a/b", "-", ".v"};
  std::string text;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern.compare(i, 4, "{**}") == 0) {
      text += Pick(fillings, random);
      i += 3;
    } else if (pattern.compare(i, 3, "{*}") == 0) {
      text += Below(4, random) == 0 ? "" : "seg";
      i += 2;
    } else if (pattern[i] == '*') {
      text += Pick(fillings, random);
    } else {
      text += pattern[i];
    }
  }
  return text;
}

// The text, or one that is nearly it.
std::string Near(std::string text, Random& random) {
  switch (Below(9, random)) {
    case 0:
      return text + "x";
    case 1:
      return "x" + text;
    case 2:
      return text.empty() ? text : text.substr(0, text.size() - 1);
    case 3:
      return text.empty() ? text : text.substr(1);
    case 4:
      for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      return text;
    case 5:
      return text + "/";
    case 6:
      return text + ":8080";
    case 7:
      return text + "?q=" + text;
    default:
      return text;
  }
}

// The first or last address of the block, or the one before or behind.
std::string AddressOf(const std::string& block, Random& random) {
  const auto cidr = engine::Cidr::Parse(block);
  if (!cidr) return "10.0.0.1";
  engine::Ip ip = Below(2, random) == 0 ? cidr->First() : cidr->Last();
  const std::size_t step = Below(4, random);
  if (step == 0) {
    for (std::size_t i = 16; i-- > 0 && ++ip.bytes[i] == 0;) {
    }
  } else if (step == 1) {
    for (std::size_t i = 16; i-- > 0 && ip.bytes[i]-- == 0;) {
    }
  }
  return ip.ToString();
}

// Keeps what a URI has behind the trust domain and so on: parts of `spiffe://td/ns/n/sa/s`.
struct Identity {
  std::string domain = "td1", ns = "foo", account = "sa";
  [[nodiscard]] std::string Uri() const {
    return "spiffe://" + domain + "/ns/" + ns + "/sa/" + account;
  }
};

Identity PartsOf(const std::string& uri) {
  Identity parts;
  const std::size_t ns = uri.find("/ns/"), account = uri.find("/sa/");
  if (!uri.starts_with("spiffe://") || ns == std::string::npos || account == std::string::npos ||
      account < ns) {
    return parts;
  }
  parts.domain = uri.substr(9, ns - 9);
  parts.ns = uri.substr(ns + 4, account - ns - 4);
  parts.account = uri.substr(account + 4);
  return parts;
}

void PutPeer(const std::string& where, const std::string& value, const std::string& ns,
             Call& call) {
  Identity parts = PartsOf(call.peer);
  if (where == "principals") {
    call.peer = "spiffe://" + value;
    return;
  }
  if (where == "namespaces") {
    parts.ns = value;
  } else if (where == "trustDomains") {
    parts.domain = value;
  } else {
    const std::size_t slash = value.find('/');
    parts.ns = slash == std::string::npos ? ns : value.substr(0, slash);
    parts.account = slash == std::string::npos ? value : value.substr(slash + 1);
  }
  call.peer = parts.Uri();
}

void PutClaim(const std::vector<std::string>& steps, const std::string& value, Call& call,
              Random& random) {
  if (call.tokens.empty()) call.tokens.push_back({{"iss", "issuer"}, {"sub", "somebody"}});
  json* at = &call.tokens.front();
  for (const std::string& step : steps) {
    if (!at->is_object()) *at = json::object();
    at = &(*at)[step];
  }
  switch (Below(5, random)) {
    case 0:
      *at = json::array({"other", value});
      break;
    case 1:
      *at = json::array({value});
      break;
    case 2:
      *at = Below(4, random) == 0 ? json(7) : json(value);
      break;
    default:
      *at = value;
  }
}

void PutRequestPrincipal(const std::string& value, Call& call, Random& random) {
  const std::size_t slash = value.rfind('/');
  json token = {{"iss", value.substr(0, slash)},
                {"sub", slash == std::string::npos ? "" : value.substr(slash + 1)}};
  if (Below(8, random) == 0) token.erase("sub");
  if (Below(6, random) == 0) token["iss"] = "https://" + value;
  if (!call.tokens.empty()) token.update(call.tokens.front());
  call.tokens = {token};
}

std::vector<std::string> Inside(const std::string& key) {
  std::vector<std::string> steps;
  std::size_t at = key.find('[');
  while (at != std::string::npos) {
    const std::size_t end = key.find(']', at);
    if (end == std::string::npos) break;
    steps.push_back(key.substr(at + 1, end - at - 1));
    at = key.find('[', end);
  }
  return steps;
}

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// The field that a key of `when` means, for those that have one.
std::string FieldOf(const std::string& key) {
  static const std::map<std::string, std::string> same = {
      {"source.principal", "principals"},
      {"source.namespace", "namespaces"},
      {"source.serviceAccount", "serviceAccounts"},
      {"source.trustDomain", "trustDomains"},
      {"source.ip", "ipBlocks"},
      {"remote.ip", "remoteIpBlocks"},
      {"destination.port", "ports"},
      {"request.auth.principal", "requestPrincipals"}};
  const auto at = same.find(key);
  return at == same.end() ? key : at->second;
}

}  // namespace

Sampler::Sampler(const Case& test) : http_(test.http) {
  AddPolicies(test);
  for (const Node& filter : test.filters) AddFilter(filter, "");
  if (texts_.empty()) texts_.push_back("x");
}

void Sampler::AddPolicies(const Case& test) {
  const auto list = [&](const Node& node, const std::string& field, const std::string& where,
                        const std::string& ns, std::vector<Wish>& wishes, bool positive) {
    const Node* found = node.Find(field);
    if (found == nullptr) return;
    Wish wish{.where = where, .ns = ns, .values = {}};
    for (const Node& value : found->items) wish.values.push_back(value.text);
    if (wish.values.empty()) return;
    if (positive) wishes.push_back(wish);
    wishes_.push_back(wish);
  };
  const auto alternatives = [&](const Node& rule, const char* name, const char* inner,
                                const std::string& ns) {
    std::vector<std::vector<Wish>> all;
    const Node* items = rule.Find(name);
    if (items == nullptr) return all;
    for (const Node& item : items->items) {
      std::vector<Wish>& wishes = all.emplace_back();
      const Node* fields = item.Find(inner);
      if (fields == nullptr) continue;
      for (const Node::Entry& entry : fields->entries) {
        std::string field = entry.key;
        const bool negated = field.starts_with("not");
        if (negated) {
          field = field.substr(3);
          field[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(field[0])));
        }
        list(*fields, entry.key, field, ns, wishes, !negated);
      }
    }
    return all;
  };
  for (const emit::check::IstioObject& policy : test.policies) {
    const Node* rules = policy.spec.Find("rules");
    if (rules == nullptr) continue;
    for (const Node& node : rules->items) {
      Rule rule;
      rule.from = alternatives(node, "from", "source", policy.ns);
      rule.to = alternatives(node, "to", "operation", policy.ns);
      if (const Node* when = node.Find("when")) {
        for (const Node& condition : when->items) {
          const std::string where = FieldOf(condition.StringOr("key", ""));
          list(condition, "values", where, policy.ns, rule.when, true);
          list(condition, "notValues", where, policy.ns, rule.when, false);
        }
      }
      rules_.push_back(std::move(rule));
    }
  }
}

void Sampler::AddFilter(const Node& node, const std::string& key) {
  if (node.IsString() && (key == "exact" || key == "prefix" || key == "suffix" ||
                          key == "pathTemplate" || key == "addressPrefix")) {
    texts_.push_back(node.text);
  }
  for (const Node& item : node.items) AddFilter(item, key);
  for (const Node::Entry& entry : node.entries) AddFilter(entry.value, entry.key);
}

void Sampler::Put(const Wish& wish, const std::string& value, Call& call, Random& random) const {
  const std::string& where = wish.where;
  const std::string filled = Filled(value, random);
  if (where == "hosts") {
    call.host = filled;
  } else if (where == "methods") {
    call.method = filled;
  } else if (where == "paths") {
    call.path = filled;
  } else if (where == "ports") {
    const auto port = static_cast<std::uint16_t>(std::atoi(value.c_str()));
    call.port = static_cast<std::uint16_t>(port + (Below(8, random) == 0 ? 1 : 0));
  } else if (where == "ipBlocks") {
    call.source_ip = AddressOf(value, random);
  } else if (where == "remoteIpBlocks") {
    call.remote_ip = AddressOf(value, random);
  } else if (where == "destination.ip") {
    call.destination_ip = AddressOf(value, random);
  } else if (where == "connection.sni") {
    call.sni = filled;
  } else if (where == "principals" || where == "namespaces" || where == "serviceAccounts" ||
             where == "trustDomains") {
    PutPeer(where, filled, wish.ns, call);
  } else if (where == "requestPrincipals") {
    PutRequestPrincipal(filled, call, random);
  } else if (where == "request.auth.audiences") {
    PutClaim({"aud"}, filled, call, random);
  } else if (where == "request.auth.presenter") {
    PutClaim({"azp"}, filled, call, random);
  } else if (where.starts_with("request.auth.claims")) {
    PutClaim(Inside(where), filled, call, random);
  } else if (where.starts_with("request.headers[")) {
    if (!Inside(where).empty()) call.headers[Lower(Inside(where).front())] = filled;
  } else if (where.starts_with("experimental.envoy.filters.") && !Inside(where).empty()) {
    const std::string filter = where.substr(13, where.find('[') - 13);
    const bool list = value.starts_with('[') && value.ends_with(']') && value.size() > 1;
    json& at = call.metadata[filter][Inside(where).front()];
    at = list ? json::array({filled.substr(1, filled.size() - 2)}) : json(filled);
  }
}

Call Sampler::Anything(Random& random) const {
  static const std::vector<std::string> addresses = {"10.0.0.1", "172.16.10.10", "2001:db8::1"};
  Call call{.http = http_,
            .peer = Below(3, random) == 0 ? "" : Identity{}.Uri(),
            .source_ip = Pick(addresses, random),
            .remote_ip = Pick(addresses, random),
            .destination_ip = Pick(addresses, random),
            .port = static_cast<std::uint16_t>(Below(2, random) == 0 ? 8080 : 65535),
            .sni = Below(2, random) == 0 ? "" : Pick(texts_, random),
            .host = "httpbin.foo",
            .method = "GET",
            .path = "/" + Pick(texts_, random),
            .headers = {},
            .tokens = {},
            .metadata = {}};
  if (Below(4, random) == 0) call.peer = Pick(texts_, random);
  if (Below(4, random) == 0) call.headers["x-header"] = Near(Pick(texts_, random), random);
  return call;
}

void Sampler::Fit(Call& call, Random& random) const {
  const Rule& rule = Pick(rules_, random);
  const auto put = [&](const std::vector<Wish>& wishes) {
    for (const Wish& wish : wishes) Put(wish, Pick(wish.values, random), call, random);
  };
  if (!rule.from.empty()) put(Pick(rule.from, random));
  if (!rule.to.empty()) put(Pick(rule.to, random));
  put(rule.when);
}

void Sampler::Disturb(Call& call, Random& random) const {
  switch (Below(9, random)) {
    case 0:
      call.path = Near(call.path, random);
      break;
    case 1:
      call.host = Near(call.host, random);
      break;
    case 2:
      call.method = Near(call.method, random);
      break;
    case 3:
      call.peer = Below(2, random) == 0 ? "" : Near(call.peer, random);
      break;
    case 4:
      call.sni = Near(call.sni, random);
      break;
    case 5:
      if (!call.headers.empty()) {
        std::string& value = call.headers.begin()->second;
        value = Below(3, random) == 0 ? "" : Near(value, random);
      }
      break;
    case 6:
      if (Below(2, random) == 0) call.tokens.clear();
      break;
    case 7:
      if (!call.headers.empty()) call.headers.erase(call.headers.begin());
      break;
    default:
      if (!wishes_.empty()) {
        const Wish& wish = Pick(wishes_, random);
        Put(wish, Pick(wish.values, random), call, random);
      }
  }
}

Call Sampler::Draw(Random& random) const {
  Call call = Anything(random);
  if (rules_.empty()) return call;
  if (Below(3, random) != 0) Fit(call, random);
  for (std::size_t changes = Below(4, random); changes > 0; --changes) Disturb(call, random);
  return call;
}

}  // namespace weft::conformance
