#include "emit/check/strings.h"

#include <re2/re2.h>

#include <map>
#include <memory>

namespace weft::emit::check {

bool MatchesRegex(const std::string& regex, std::string_view value) {
  // Compiling is slow and the same expressions come again and again.
  static thread_local std::map<std::string, std::unique_ptr<re2::RE2>> compiled;
  std::unique_ptr<re2::RE2>& re = compiled[regex];
  if (re == nullptr) re = std::make_unique<re2::RE2>(regex, re2::RE2::Quiet);
  return re->ok() && re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *re);
}

std::string WithoutDots(std::string_view name) {
  std::string escaped;
  for (const char c : name) escaped += c == '.' ? std::string("\\.") : std::string(1, c);
  return escaped;
}

bool MatchesString(const yaml::Node& match, std::string_view value) {
  if (const yaml::Node* exact = match.Find("exact")) return exact->text == value;
  if (const yaml::Node* prefix = match.Find("prefix")) return value.starts_with(prefix->text);
  if (const yaml::Node* regex = match.Find("regex")) return MatchesRegex(regex->text, value);
  return true;
}

bool MatchesValue(std::string_view pattern, std::string_view value) {
  if (pattern == "*") return !value.empty();
  if (pattern.starts_with('*')) return value.ends_with(pattern.substr(1));
  if (pattern.ends_with('*')) return value.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == value;
}

bool MatchesPath(std::string_view pattern, std::string_view path) {
  const bool is_template = pattern.find("{*}") != std::string_view::npos ||
                           pattern.find("{**}") != std::string_view::npos;
  if (!is_template) return MatchesValue(pattern, path);
  // Envoy's uri_template: a segment and a rest of these characters.
  static const std::string kChars = "[a-zA-Z0-9\\-._~%!$&'()+,;:@=]";
  std::string regex;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern.substr(i, 4) == "{**}") {
      regex += "(?:" + kChars + "|/)*";
      i += 3;
    } else if (pattern.substr(i, 3) == "{*}") {
      regex += kChars + "+";
      i += 2;
    } else {
      regex += re2::RE2::QuoteMeta(re2::StringPiece(pattern.data() + i, 1));
    }
  }
  return MatchesRegex(regex, path);
}

std::size_t HostFit(std::string_view pattern, std::string_view host) {
  if (pattern == host) return 10'000;
  if (pattern == "*") return 1;
  if (!pattern.starts_with('*')) return 0;
  const std::string_view suffix = pattern.substr(1);
  return host.size() > suffix.size() && host.ends_with(suffix) ? 1 + suffix.size() : 0;
}

}  // namespace weft::emit::check
