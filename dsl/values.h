// Readers of literals whose form comes from outside of the language (dsl/value_faults.h): each
// reports what does not fit at its own place, as W2001 or W2003, with the edit where there is one.
#pragma once

#include <string_view>
#include <vector>

#include "dsl/cursor.h"

namespace weft::dsl {

[[nodiscard]] Str ExpectHeader(Cursor& c, std::string_view what,
                               HeaderPlace place = HeaderPlace::kField);
[[nodiscard]] std::vector<Str> ExpectHeaders(Cursor& c, std::string_view what,
                                             HeaderPlace place = HeaderPlace::kField);
[[nodiscard]] Str ExpectHeaderValue(Cursor& c, std::string_view what);
// `{ "x-a" = "1" }`
[[nodiscard]] std::vector<LabelTerm> ExpectHeaderBlock(Cursor& c, std::string_view what);

// A word such as `GET`; in quotes also a method weft does not know.
[[nodiscard]] Name ExpectMethod(Cursor& c);
// Whether the word at the cursor is a method that is not written in capitals; reports it.
[[nodiscard]] bool RefuseSmallMethod(Cursor& c);

[[nodiscard]] Str ExpectRegex(Cursor& c, std::string_view what);
// The number of a group of the expression.
[[nodiscard]] Number ExpectGroup(Cursor& c, const Str& regex);
// A path that begins with `/`.
[[nodiscard]] Str ExpectPath(Cursor& c, std::string_view what);
// The key and value of a Kubernetes label; reports what does not fit.
void CheckLabel(Cursor& c, const LabelTerm& term);
// Names of Kubernetes.
[[nodiscard]] Str ExpectNamespace(Cursor& c);
[[nodiscard]] Str ExpectObjectName(Cursor& c, std::string_view what);

}  // namespace weft::dsl
