#include "tests/conformance/authz/rbac.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <optional>

#include "engine/ip.h"

namespace weft::conformance {
namespace {

using emit::check::Call;
using emit::check::Verdict;
using nlohmann::json;
using yaml::Node;

const Node& Get(const Node& node, std::string_view field) {
  const Node* found = node.Find(field);
  if (found == nullptr) throw Unknown("no field " + std::string(field));
  return *found;
}

// The single field of a oneof message, flags that stand beside it aside.
const Node::Entry& OneOf(const Node& node) {
  if (node.entries.size() != 1)
    throw Unknown("a matcher with " + std::to_string(node.entries.size()) + " fields");
  return node.entries.front();
}

std::string Fold(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool RegexFits(const Node& regex, const std::string& value) {
  static std::map<std::string, std::unique_ptr<re2::RE2>> compiled;
  const std::string& text = Get(regex, "regex").text;
  std::unique_ptr<re2::RE2>& re = compiled[text];
  if (re == nullptr) re = std::make_unique<re2::RE2>(text, re2::RE2::Quiet);
  if (!re->ok()) throw Unknown("regex " + text);
  return re2::RE2::FullMatch(value, *re);
}

bool StringFits(const Node& matcher, std::string value) {
  const Node* ignore = matcher.Find("ignoreCase");
  const bool fold = ignore != nullptr && ignore->AsBool() == true;
  if (fold) value = Fold(value);
  for (const Node::Entry& entry : matcher.entries) {
    const std::string want = fold ? Fold(entry.value.text) : entry.value.text;
    if (entry.key == "exact") return value == want;
    if (entry.key == "prefix") return value.starts_with(want);
    if (entry.key == "suffix") return value.ends_with(want);
    if (entry.key == "contains") return value.find(want) != std::string::npos;
    if (entry.key == "safeRegex") return RegexFits(entry.value, value);
    if (entry.key != "ignoreCase") throw Unknown("string matcher " + entry.key);
  }
  throw Unknown("empty string matcher");
}

bool ValueFits(const Node& matcher, const json& value) {
  const Node::Entry& one = OneOf(matcher);
  if (one.key == "stringMatch") {
    return value.is_string() && StringFits(one.value, value.get<std::string>());
  }
  if (one.key == "listMatch") {
    const Node& element = Get(one.value, "oneOf");
    return value.is_array() && std::any_of(value.begin(), value.end(), [&](const json& item) {
             return ValueFits(element, item);
           });
  }
  if (one.key == "orMatch") {
    const Node& matchers = Get(one.value, "valueMatchers");
    return std::any_of(matchers.items.begin(), matchers.items.end(),
                       [&](const Node& each) { return ValueFits(each, value); });
  }
  if (one.key == "presentMatch") return !value.is_null();
  throw Unknown("value matcher " + one.key);
}

// The dynamic metadata of a filter: the payload of the token under `payload`, or what is given.
json MetadataOf(const std::string& filter, const Call& call) {
  if (filter == "envoy.filters.http.jwt_authn") {
    if (call.tokens.empty()) return json::object();
    return {{"payload", call.tokens.front()}};
  }
  const auto at = call.metadata.find(filter);
  return at == call.metadata.end() ? json::object() : at->second;
}

bool MetadataFits(const Node& matcher, const Call& call) {
  json value = MetadataOf(Get(matcher, "filter").text, call);
  for (const Node& step : Get(matcher, "path").items) {
    const std::string& key = Get(step, "key").text;
    if (!value.is_object() || !value.contains(key)) return false;
    value = json(value[key]);
  }
  return ValueFits(Get(matcher, "value"), value);
}

std::optional<std::string> HeaderOf(const std::string& name, const Call& call) {
  if (name == ":authority") return call.host;
  if (name == ":method") return call.method;
  if (name == ":path") return call.path;
  const auto at = call.headers.find(Fold(name));
  return at == call.headers.end() ? std::nullopt : std::optional(at->second);
}

bool HeaderFits(const Node& matcher, const Call& call) {
  const auto value = HeaderOf(Get(matcher, "name").text, call);
  const Node* invert = matcher.Find("invertMatch");
  bool fits = value.has_value();
  for (const Node::Entry& entry : matcher.entries) {
    if (entry.key == "stringMatch") {
      fits = value && StringFits(entry.value, *value);
    } else if (entry.key == "presentMatch") {
      fits = value.has_value() == (entry.value.AsBool() == true);
    } else if (entry.key != "name" && entry.key != "invertMatch") {
      throw Unknown("header matcher " + entry.key);
    }
  }
  return invert != nullptr && invert->AsBool() == true ? !fits : fits;
}

// The first `prefixLen` bits are those of `addressPrefix`.
bool RangeFits(const Node& range, const std::string& address) {
  const auto base = engine::Ip::Parse(Get(range, "addressPrefix").text);
  const auto ip = engine::Ip::Parse(address);
  if (!base) throw Unknown("address");
  if (!ip || ip->IsV4() != base->IsV4()) return false;
  const Node* length = range.Find("prefixLen");
  const auto bits = static_cast<std::size_t>(length == nullptr ? 0 : length->AsInt().value_or(0));
  const std::size_t first = base->IsV4() ? 96 : 0;
  for (std::size_t bit = first; bit < first + bits; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
    if (((base->bytes[bit / 8] ^ ip->bytes[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

std::string WithoutQuery(const std::string& path) {
  return path.substr(0, path.find_first_of("?#"));
}

// envoy.extensions.path.match.uri_template: `*` is a segment, `**` the rest, of the characters that
// may stand in a path.
bool TemplateFits(const std::string& pattern, const std::string& path) {
  constexpr std::string_view kOthers = "-._~%!$&'()+,;:@=";
  const auto in_segment = [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || kOthers.find(c) != kOthers.npos;
  };
  // reach[j]: the pattern read so far can end at path[j].
  std::vector<bool> reach(path.size() + 1, false);
  reach[0] = true;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    std::vector<bool> next(path.size() + 1, false);
    const bool rest = pattern.compare(i, 2, "**") == 0;
    for (std::size_t j = 0; j <= path.size(); ++j) {
      if (!reach[j]) continue;
      if (pattern[i] != '*') {
        if (j < path.size() && path[j] == pattern[i]) next[j + 1] = true;
        continue;
      }
      if (rest) next[j] = true;
      for (std::size_t k = j; k < path.size(); ++k) {
        if (!in_segment(path[k]) && !(rest && path[k] == '/')) break;
        next[k + 1] = true;
      }
    }
    if (rest) ++i;
    reach = next;
  }
  return reach[path.size()];
}

bool All(const Node& list, const Call& call, bool (*fits)(const Node&, const Call&)) {
  return std::all_of(list.items.begin(), list.items.end(),
                     [&](const Node& each) { return fits(each, call); });
}

bool Any(const Node& list, const Call& call, bool (*fits)(const Node&, const Call&)) {
  return std::any_of(list.items.begin(), list.items.end(),
                     [&](const Node& each) { return fits(each, call); });
}

bool PermissionFits(const Node& permission, const Call& call) {
  const auto& [key, span, value] = OneOf(permission);
  if (key == "any") return true;
  if (key == "andRules") return All(Get(value, "rules"), call, PermissionFits);
  if (key == "orRules") return Any(Get(value, "rules"), call, PermissionFits);
  if (key == "notRule") return !PermissionFits(value, call);
  if (key == "header") return HeaderFits(value, call);
  if (key == "urlPath") return StringFits(Get(value, "path"), WithoutQuery(call.path));
  if (key == "uriTemplate") {
    return TemplateFits(Get(Get(value, "typedConfig"), "pathTemplate").text,
                        WithoutQuery(call.path));
  }
  if (key == "destinationIp") return RangeFits(value, call.destination_ip);
  if (key == "destinationPort") return value.AsInt() == call.port;
  if (key == "requestedServerName") return StringFits(value, call.sni);
  if (key == "metadata") return MetadataFits(value, call);
  throw Unknown("permission " + key);
}

bool PrincipalFits(const Node& principal, const Call& call) {
  const auto& [key, span, value] = OneOf(principal);
  if (key == "any") return true;
  if (key == "andIds") return All(Get(value, "ids"), call, PrincipalFits);
  if (key == "orIds") return Any(Get(value, "ids"), call, PrincipalFits);
  if (key == "notId") return !PrincipalFits(value, call);
  if (key == "header") return HeaderFits(value, call);
  if (key == "urlPath") return StringFits(Get(value, "path"), WithoutQuery(call.path));
  if (key == "directRemoteIp" || key == "sourceIp") return RangeFits(value, call.source_ip);
  if (key == "remoteIp") return RangeFits(value, call.remote_ip);
  if (key == "metadata") return MetadataFits(value, call);
  if (key == "authenticated") {
    const Node* name = value.Find("principalName");
    return !call.peer.empty() && (name == nullptr || StringFits(*name, call.peer));
  }
  if (key == "filterState") {
    if (Get(value, "key").text != "io.istio.peer_principal") throw Unknown("filter state");
    return !call.peer.empty() && StringFits(Get(value, "stringMatch"), call.peer);
  }
  throw Unknown("principal " + key);
}

// The name of a policy that fits; nullopt when none does.
std::optional<std::string> PolicyFor(const Node& rules, const Call& call) {
  const Node* policies = rules.Find("policies");
  if (policies == nullptr) return std::nullopt;
  for (const Node::Entry& policy : policies->entries) {
    if (Any(Get(policy.value, "permissions"), call, PermissionFits) &&
        Any(Get(policy.value, "principals"), call, PrincipalFits)) {
      return policy.key;
    }
  }
  return std::nullopt;
}

class Chain {
 public:
  explicit Chain(const Call& call) : call_(call) {}

  void Rbac(const Node& config) {
    if (const Node* rules = config.Find("rules")) Rules(*rules);
    const Node* shadow = config.Find("shadowRules");
    if (shadow == nullptr) return;
    const auto policy = PolicyFor(*shadow, call_);
    const std::string prefix = config.StringOr("shadowRulesStatPrefix", "");
    if (prefix == "istio_dry_run_allow_") {
      verdict_.dry_allowed = verdict_.dry_allowed || policy.has_value();
    } else if (prefix == "istio_dry_run_deny_") {
      verdict_.dry_denied = verdict_.dry_denied || policy.has_value();
    } else {
      effective_ = policy.value_or("");
    }
  }

  void ExternalAuthorization(const Node& config) {
    const Node& matcher = Get(config, "filterEnabledMetadata");
    const Node& prefix = Get(Get(Get(matcher, "value"), "stringMatch"), "prefix");
    if (effective_.empty() || !effective_.starts_with(prefix.text)) return;
    constexpr std::string_view kMark = "istio-ext-authz-";
    if (!prefix.text.starts_with(kMark)) throw Unknown("prefix " + prefix.text);
    verdict_.asked.insert(prefix.text.substr(kMark.size()));
  }

  [[nodiscard]] Verdict Result() const { return verdict_; }

 private:
  void Rules(const Node& rules) {
    const std::string action = rules.StringOr("action", "ALLOW");
    const bool fits = PolicyFor(rules, call_).has_value();
    if (action == "LOG") {
      verdict_.audited = verdict_.audited || fits;
    } else if (action == "DENY") {
      if (fits) verdict_.kind = Verdict::Kind::kDenied;
    } else if (action == "ALLOW") {
      if (!fits && verdict_.kind == Verdict::Kind::kAllowed) {
        verdict_.kind = Verdict::Kind::kNotAllowed;
      }
    } else {
      throw Unknown("action " + action);
    }
  }

  const Call& call_;
  Verdict verdict_;
  std::string effective_;  // the shadow policy that ext_authz looks for
};

}  // namespace

Verdict Evaluate(const std::vector<Node>& filters, const Call& call) {
  Chain chain(call);
  for (const Node& filter : filters) {
    const std::string name = filter.StringOr("name", "");
    const Node& config = Get(filter, "typedConfig");
    if (name == "envoy.filters.http.rbac" || name == "envoy.filters.network.rbac") {
      chain.Rbac(config);
    } else if (name == "envoy.filters.http.ext_authz" ||
               name == "envoy.filters.network.ext_authz") {
      chain.ExternalAuthorization(config);
    } else {
      throw Unknown("filter " + name);
    }
  }
  return chain.Result();
}

}  // namespace weft::conformance
