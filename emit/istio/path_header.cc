#include "emit/istio/path_header.h"

#include <re2/re2.h>

#include <string_view>

#include "dsl/overloaded.h"
#include "engine/match.h"

namespace weft::emit::istio {
namespace {

// The end of the character class that begins at `begin`, behind its bracket; npos when there is
// none.
std::size_t EndOfClass(std::string_view text, std::size_t begin) {
  std::size_t at = begin + 1;
  if (at < text.size() && text[at] == '^') ++at;
  if (at < text.size() && text[at] == ']') ++at;
  while (at < text.size() && text[at] != ']') {
    if (text[at] == '\\') {
      ++at;
    } else if (text.substr(at, 2) == "[:") {
      const std::size_t end = text.find(":]", at);
      if (end == std::string_view::npos) return end;
      at = end + 1;
    }
    ++at;
  }
  return at < text.size() ? at + 1 : std::string_view::npos;
}

// An escape outside of a class, without the question mark; nullopt for one that may stand for it in
// a way that cannot be taken out.
std::optional<std::string> Escape(char c) {
  switch (c) {
    case 'D':
      return "[^?\\d]";
    case 'W':
      return "[^?\\w]";
    case 'S':
      return "[^?\\s]";
    case 'p':
    case 'P':
    case 'C':
    case 'Q':
    case 'x':
    case '?':
      return std::nullopt;
    default:
      if (c >= '0' && c <= '9') return std::nullopt;
      return std::string("\\") + c;
  }
}

// The same expression where nothing matches a question mark.
std::optional<std::string> BeforeQuery(std::string_view text) {
  std::string kept;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '\\' && at + 1 < text.size()) {
      const auto escape = Escape(text[at + 1]);
      if (!escape) return std::nullopt;
      kept += *escape;
      at += 2;
    } else if (c == '[') {
      const std::size_t end = EndOfClass(text, at);
      if (end == std::string_view::npos) return std::nullopt;
      std::string set(text.substr(at, end - at));
      if (set.starts_with("[^")) {
        set.insert(2, "?");
      } else if (re2::RE2::FullMatch("?", re2::RE2(set, re2::RE2::Quiet))) {
        return std::nullopt;
      }
      kept += set;
      at = end;
    } else {
      kept += c == '.' ? std::string("[^?]") : std::string(1, c);
      ++at;
    }
  }
  return kept;
}

std::optional<std::string> BeforeQuery(const Pattern& pattern) {
  using Text = std::optional<std::string>;
  const std::string any = "[^?]*";
  const auto quote = [](const std::string& text) { return re2::RE2::QuoteMeta(text); };
  return std::visit(Overloaded{
                        [&](const Exact& p) -> Text { return quote(p.value); },
                        [&](const Under& p) -> Text {
                          if (p.value == "/") return "/" + any;
                          return quote(p.value) + "(?:/" + any + ")?";
                        },
                        [&](const Prefix& p) -> Text { return quote(p.value) + any; },
                        [&](const Suffix& p) -> Text { return any + quote(p.value); },
                        [&](const Template& p) -> Text { return engine::ToRegex(p); },
                        [&](const Regex& p) -> Text { return BeforeQuery(p.value); },
                        [&](const Present&) -> Text { return any; },
                    },
                    pattern);
}

}  // namespace

std::optional<std::string> PathHeaderRegex(const std::vector<Pattern>& patterns) {
  std::string regex;
  for (const Pattern& pattern : patterns) {
    const auto one = BeforeQuery(pattern);
    if (!one) return std::nullopt;
    regex += (regex.empty() ? "(?:" : "|(?:") + *one + ")";
  }
  return "(?:" + regex + ")(?:\\?.*)?";
}

}  // namespace weft::emit::istio
