// Reference semantics of patterns over whole values.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dsl/pattern.h"

namespace weft::engine {

// Characters a `*` segment of a template may hold, and, with '/', the rest that `**` stands for.
// The class of Envoy's uri_template_matcher (istio/api security/v1beta1 AuthorizationPolicy,
// `paths`): letters, digits and -._~%!$&'()+,;:@=
[[nodiscard]] bool IsTemplateChar(char c);

// Whether `value` as a whole matches; see dsl/pattern.h for each operator. Regular expressions are
// RE2 with default options. A regex that RE2 refuses matches nothing. Thread-safe.
[[nodiscard]] bool Matches(const Pattern& pattern, std::string_view value);

// What RE2 says against the expression; nullopt when it is fine.
[[nodiscard]] std::optional<std::string> CheckRegex(const std::string& regex);

// RE2 text, matching the whole value, that means the same as the pattern.
[[nodiscard]] std::string ToRegex(const Pattern& pattern);

// `pattern` in the language's words: `under "/api"`.
[[nodiscard]] std::string Describe(const Pattern& pattern);

// ASCII lower case; hosts and header names.
[[nodiscard]] std::string Fold(std::string_view text);

}  // namespace weft::engine
