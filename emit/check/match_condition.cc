#include "emit/check/match_condition.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "emit/check/strings.h"

namespace weft::emit::check {
namespace {

using engine::Condition;
using Said = std::optional<Condition>;

constexpr std::string_view kQueryTail = "(?:\\?.*)?";

// `regex` for the path alone, of an expression over path and query that ends in any query.
std::optional<std::string> BeforeQuery(const std::string& regex) {
  if (!regex.ends_with(kQueryTail)) return std::nullopt;
  const std::string path = regex.substr(0, regex.size() - kQueryTail.size());
  // It is a group of its own, so that no alternative goes without the end.
  int depth = 0;
  for (std::size_t at = 0; at < path.size(); ++at) {
    if (path[at] == '\\') {
      ++at;
    } else if (path[at] == '(') {
      ++depth;
    } else if (path[at] == ')') {
      --depth;
    } else if (path[at] == '|' && depth == 0) {
      return std::nullopt;
    }
  }
  return path;
}

// Several such expressions, joined by `|`.
std::optional<std::vector<Pattern>> PathsOf(const std::string& regex) {
  const std::string joint = std::string(kQueryTail) + "|";
  std::vector<Pattern> paths;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = regex.find(joint, begin);
    const std::size_t stop = end == std::string::npos ? regex.size() : end + kQueryTail.size();
    const auto path = BeforeQuery(regex.substr(begin, stop - begin));
    if (!path) return std::nullopt;
    paths.emplace_back(Regex{*path});
    if (end == std::string::npos) return paths;
    begin = end + joint.size();
  }
}

// Words an expression lists: `GET|HEAD`.
std::optional<std::vector<std::string>> WordsOf(const std::string& regex) {
  std::vector<std::string> words{""};
  for (std::size_t at = 0; at < regex.size(); ++at) {
    char c = regex[at];
    if (c == '|') {
      words.emplace_back();
      continue;
    }
    if (c == '\\' && at + 1 < regex.size()) {
      c = regex[++at];
      if (std::isalnum(static_cast<unsigned char>(c)) != 0) return std::nullopt;
    } else if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_') {
      return std::nullopt;
    }
    words.back() += c;
  }
  return words;
}

Said MethodIs(const Pattern& pattern) {
  if (const auto* exact = std::get_if<Exact>(&pattern)) {
    return Condition::Of(engine::MethodMatch{{exact->value}}, {});
  }
  const auto* regex = std::get_if<Regex>(&pattern);
  const auto words = regex == nullptr ? std::nullopt : WordsOf(regex->value);
  if (!words) return std::nullopt;
  return Condition::Of(engine::MethodMatch{*words}, {});
}

// A host, behind which clients may write a port: the expression says so itself.
Condition AuthorityIs(Pattern pattern) {
  if (auto* regex = std::get_if<Regex>(&pattern)) {
    // The engine of the proofs folds whole expressions only.
    if (regex->value.starts_with("(?i:") && regex->value.ends_with(')')) {
      regex->value = "(?i)" + regex->value.substr(4, regex->value.size() - 5);
    }
  }
  return Condition::Of(engine::HostMatch{{std::move(pattern)}}, {});
}

Said HeaderIs(const std::string& name, const Pattern& pattern) {
  if (name == ":method") return MethodIs(pattern);
  if (name == ":authority") return AuthorityIs(pattern);
  if (name != ":path") return Condition::Of(engine::HeaderMatch{name, {pattern}}, {});
  const auto* regex = std::get_if<Regex>(&pattern);
  auto paths = regex == nullptr ? std::nullopt : PathsOf(regex->value);
  if (!paths) return std::nullopt;
  return Condition::Of(engine::PathMatch{std::move(*paths)}, {});
}

Condition HeaderIsThere(const std::string& name) {
  if (name.starts_with(':')) return Condition::True();
  return Condition::Of(engine::HeaderMatch{name, {Present{}}}, {});
}

// The header must not match; one that is absent counts as empty.
Said HeaderIsNot(const std::string& name, const yaml::Node& match) {
  const auto pattern = StringPattern(match);
  if (!pattern) return Condition::Not(HeaderIsThere(name));
  Said is = HeaderIs(name, *pattern);
  if (!is) return std::nullopt;
  std::vector<Condition> any{std::move(*is)};
  if (!name.starts_with(':') && MatchesString(match, "")) {
    any.push_back(Condition::Not(HeaderIsThere(name)));
  }
  return Condition::Not(Condition::Or(std::move(any)));
}

Said UriIs(const yaml::Node& uri, bool ignore_case) {
  const auto pattern = StringPattern(uri);
  if (!pattern) return Condition::True();
  if (!ignore_case || std::holds_alternative<Regex>(*pattern)) {
    return Condition::Of(engine::PathMatch{{*pattern}}, {});
  }
  const auto quoted = [](const std::string& text) {
    return "(?i)" + re2::RE2::QuoteMeta(re2::StringPiece(text));
  };
  const auto* exact = std::get_if<Exact>(&*pattern);
  return Condition::Of(engine::PathMatch{{Regex{
                           exact != nullptr ? quoted(exact->value)
                                            : quoted(std::get<Prefix>(*pattern).value) + ".*"}}},
                       {});
}

// Puts what is said behind `all`; false, and the name in `unsaid`, when it is not.
bool Take(Said said, const std::string& name, std::vector<Condition>& all, std::string& unsaid) {
  if (!said) {
    unsaid = name;
    return false;
  }
  all.push_back(std::move(*said));
  return true;
}

bool TakeHeaders(const yaml::Node& match, std::vector<Condition>& all, std::string& unsaid) {
  if (const yaml::Node* headers = match.Find("headers")) {
    for (const auto& entry : headers->entries) {
      const auto pattern = StringPattern(entry.value);
      Said said = pattern ? HeaderIs(entry.key, *pattern) : HeaderIsThere(entry.key);
      if (!Take(std::move(said), "headers." + entry.key, all, unsaid)) return false;
    }
  }
  if (const yaml::Node* without = match.Find("withoutHeaders")) {
    for (const auto& entry : without->entries) {
      if (!Take(HeaderIsNot(entry.key, entry.value), "withoutHeaders." + entry.key, all, unsaid)) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace

std::optional<Pattern> StringPattern(const yaml::Node& match) {
  if (const yaml::Node* exact = match.Find("exact")) return Exact{exact->text};
  if (const yaml::Node* prefix = match.Find("prefix")) return Prefix{prefix->text};
  if (const yaml::Node* regex = match.Find("regex")) return Regex{regex->text};
  return std::nullopt;
}

Pattern HostPattern(const std::string& host) {
  if (host == "*") return Present{};
  if (!host.starts_with('*')) return Exact{host};
  return Regex{".+" + re2::RE2::QuoteMeta(re2::StringPiece(host.data() + 1, host.size() - 1))};
}

bool FitsPlace(const yaml::Node& match, const Client& client, std::uint16_t port) {
  const yaml::Node* number = match.Find("port");
  if (number != nullptr && number->AsInt() != port) return false;
  const yaml::Node* gateways = match.Find("gateways");
  if (gateways != nullptr && !gateways->items.empty()) {
    // Says where by itself; what the source is like is not looked at then.
    return std::any_of(gateways->items.begin(), gateways->items.end(),
                       [&](const yaml::Node& g) { return g.text == client.gateway; });
  }
  const std::string ns = match.StringOr("sourceNamespace", "");
  if (!ns.empty() && ns != client.ns) return false;
  const yaml::Node* labels = match.Find("sourceLabels");
  return labels == nullptr ||
         std::all_of(labels->entries.begin(), labels->entries.end(), [&](const auto& entry) {
           const auto at = client.labels.find(entry.key);
           return at != client.labels.end() && at->second == entry.value.text;
         });
}

Said HttpCondition(const yaml::Node& match, std::string& unsaid) {
  std::vector<Condition> all;
  const yaml::Node* fold = match.Find("ignoreUriCase");
  if (const yaml::Node* uri = match.Find("uri")) {
    all.push_back(*UriIs(*uri, fold != nullptr && fold->AsBool() == true));
  }
  if (const yaml::Node* method = match.Find("method")) {
    const auto pattern = StringPattern(*method);
    if (pattern && !Take(MethodIs(*pattern), "method", all, unsaid)) return std::nullopt;
  }
  if (const yaml::Node* authority = match.Find("authority")) {
    if (const auto pattern = StringPattern(*authority)) all.push_back(AuthorityIs(*pattern));
  }
  if (!TakeHeaders(match, all, unsaid)) return std::nullopt;
  if (const yaml::Node* query = match.Find("queryParams")) {
    for (const auto& entry : query->entries) {
      const auto pattern = StringPattern(entry.value);
      all.push_back(Condition::Of(
          engine::QueryMatch{entry.key, {pattern ? *pattern : Pattern(Present{})}}, {}));
    }
  }
  if (match.Find("scheme") != nullptr) {
    unsaid = "scheme";
    return std::nullopt;
  }
  return Condition::And(std::move(all));
}

Said RawCondition(const yaml::Node& match, std::string& unsaid) {
  if (match.Find("destinationSubnets") != nullptr) {
    unsaid = "destinationSubnets";
    return std::nullopt;
  }
  const yaml::Node* sni = match.Find("sniHosts");
  if (sni == nullptr || sni->items.empty()) return Condition::True();
  engine::SniMatch hosts;
  for (const yaml::Node& host : sni->items) hosts.any_of.push_back(HostPattern(host.text));
  return Condition::Of(std::move(hosts), {});
}

}  // namespace weft::emit::check
