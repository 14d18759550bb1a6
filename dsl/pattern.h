// String patterns: what a match operator of the language means. A floor header: AST, Model, proofs
// and emission share these value types, so that no stage guesses an operator from the literal.
//
// All are matched against the whole value (path without query, header value, host, claim ...).
#pragma once

#include <compare>
#include <string>
#include <variant>

namespace weft {

struct Exact {  // `=`
  std::string value;
  auto operator<=>(const Exact&) const = default;
};
struct Under {  // `under`: whole path segments. "/api" matches "/api" and "/api/x", not "/apix".
  std::string value;  // no trailing slash except the root "/" itself, which matches every path
  auto operator<=>(const Under&) const = default;
};
struct Prefix {  // `starts`: raw prefix
  std::string value;
  auto operator<=>(const Prefix&) const = default;
};
struct Suffix {  // `ends`: raw suffix
  std::string value;
  auto operator<=>(const Suffix&) const = default;
};
// `like`: template over path segments. A segment `*` is one or more characters without '/', a final
// segment `**` is any rest (also empty, so "/a/**" matches "/a/" and "/a/b/c", not "/a").
struct Template {
  std::string value;
  auto operator<=>(const Template&) const = default;
};
struct Regex {  // `matches`: RE2 syntax, must match the whole value
  std::string value;
  auto operator<=>(const Regex&) const = default;
};
struct Present {  // the header, query parameter or claim is there, with any value
  auto operator<=>(const Present&) const = default;
};

using Pattern = std::variant<Exact, Under, Prefix, Suffix, Template, Regex, Present>;

}  // namespace weft
