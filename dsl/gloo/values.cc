// Values that several kinds share: matches, protocols, conditions.
#include <array>
#include <utility>

#include "dsl/gloo/codes.h"
#include "dsl/gloo/reading.h"

namespace weft::gloo {
namespace {

// RE2 for the text itself.
std::string Quote(std::string_view text) {
  std::string quoted;
  for (const char c : text) {
    if (std::string_view("\\^$.|?*+()[]{}").find(c) != std::string_view::npos) quoted += '\\';
    quoted += c;
  }
  return quoted;
}

std::string Upper(std::string_view text) {
  std::string upper;
  for (const char c : text) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return upper;
}

}  // namespace

std::optional<Spanned<Pattern>> ReadStringMatch(const View& view) {
  const bool ignore_case = view.IsTrue("ignoreCase");
  const auto made = [&](const dsl::Str& text, Pattern pattern, std::string_view before,
                        std::string_view behind) {
    if (ignore_case) {
      pattern = Regex{"(?i)" + std::string(before) + Quote(text.value) + std::string(behind)};
    }
    return Spanned<Pattern>{std::move(pattern), text.span};
  };
  if (const auto text = view.String("exact")) return made(*text, Exact{text->value}, "", "");
  if (const auto text = view.String("prefix")) return made(*text, Prefix{text->value}, "", ".*");
  if (const auto text = view.String("suffix")) return made(*text, Suffix{text->value}, ".*", "");
  if (const auto text = view.String("regex")) {
    return Spanned<Pattern>{Regex{text->value}, text->span};
  }
  return std::nullopt;
}

dsl::Protocol ReadProtocol(Reading& r, const std::optional<dsl::Str>& text,
                           dsl::Protocol fallback) {
  using dsl::Protocol;
  if (!text) return fallback;
  constexpr std::array<std::pair<std::string_view, Protocol>, 12> kWords = {
      {{"HTTP", Protocol::kHttp},
       {"HTTP_PROXY", Protocol::kHttp},
       {"HTTP2", Protocol::kHttp2},
       {"GRPC", Protocol::kGrpc},
       {"GRPC-WEB", Protocol::kGrpc},
       {"HTTPS", Protocol::kHttps},
       {"TCP", Protocol::kTcp},
       {"MONGO", Protocol::kTcp},
       {"MYSQL", Protocol::kTcp},
       {"REDIS", Protocol::kTcp},
       {"UDP", Protocol::kTcp},
       {"TLS", Protocol::kTls}}};
  const std::string upper = Upper(text->value);
  for (const auto& [word, protocol] : kWords) {
    if (word == upper) return protocol;
  }
  std::vector<std::string> names;
  for (const auto& [word, protocol] : kWords) names.emplace_back(word);
  Diagnostic& d =
      r.diagnostics.Error(codes::kUnknownValue, text->span, "`" + text->value + "` is no protocol");
  const std::string near = NearestName(upper, names);
  d.help = near.empty() ? "protocols are HTTP, HTTP2, GRPC, HTTPS, TCP, TLS, MONGO, MYSQL, REDIS"
                        : "did you mean `" + near + "`?";
  return fallback;
}

dsl::Condition And(std::vector<dsl::Condition> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  dsl::Condition all{.kind = dsl::Condition::Kind::kAnd};
  for (const dsl::Condition& part : parts) all.span = Join(all.span, part.span);
  all.children = std::move(parts);
  return all;
}

dsl::Condition Or(std::vector<dsl::Condition> parts) {
  const bool several = parts.size() > 1;
  dsl::Condition any = And(std::move(parts));
  if (several) any.kind = dsl::Condition::Kind::kOr;
  return any;
}

dsl::Condition Not(dsl::Condition part) {
  dsl::Condition negated{.kind = dsl::Condition::Kind::kNot};
  negated.span = part.span;
  negated.children.push_back(std::move(part));
  return negated;
}

dsl::Condition Of(dsl::Matcher matcher, Span span) {
  dsl::Condition condition;
  condition.matcher = std::move(matcher);
  condition.span = span;
  return condition;
}

dsl::Condition ReadHeaderMatcher(const View& view) {
  dsl::HeaderIs header;
  header.name = view.String("name").value_or(dsl::Str{"", view.span()});
  const std::optional<dsl::Str> value = view.String("value");
  const bool regex = view.IsTrue("regex");
  if (!value) {
    header.patterns.push_back({Present{}, header.name.span});
  } else if (regex) {
    header.patterns.push_back({Regex{value->value}, value->span});
  } else {
    header.patterns.push_back({Exact{value->value}, value->span});
  }
  dsl::Condition condition = Of(std::move(header), view.span());
  if (view.IsTrue("invertMatch")) condition = Not(std::move(condition));
  return condition;
}

}  // namespace weft::gloo
