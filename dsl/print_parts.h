// Small parts of printed text; internal to dsl/print*.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dsl/declarations.h"

namespace weft::dsl {

[[nodiscard]] std::string Quoted(std::string_view text);  // a string literal
[[nodiscard]] std::string TextOf(const QName& name);      // quoted where it names a namespace
[[nodiscard]] std::string TextOf(Millis duration);        // `2s`, `500ms`; `none` for 0 elsewhere
[[nodiscard]] std::string TextOf(double percent);         // `10%`
[[nodiscard]] std::string TextOf(const Target& target);
[[nodiscard]] std::string TextOf(const LabelTerm& term);  // `k = "v"`
[[nodiscard]] std::string TextOf(const SourceClause& source);
[[nodiscard]] std::string TextOf(const Spanned<Pattern>& pattern);  // `under "/a"`
[[nodiscard]] std::string TextOf(MtlsMode mode);
[[nodiscard]] std::string TextOf(Protocol protocol);

[[nodiscard]] std::string TextOf(const SendClause& send);          // `send remote address, …`
[[nodiscard]] std::string TextOf(const LimitRate& rate);           // `100/s`
[[nodiscard]] std::string TextOf(const SharedResource& resource);  // `services where …`
[[nodiscard]] std::string TextOfSize(std::int64_t bytes);          // `4KiB`

// A method; in quotes unless it is a word of the language.
[[nodiscard]] std::string MethodText(const std::string& method);

// `a` or `[a, b]`.
[[nodiscard]] std::string ListOf(const std::vector<std::string>& parts);
[[nodiscard]] std::string Names(const std::vector<Name>& names);
[[nodiscard]] std::string Strings(const std::vector<Str>& texts);  // always in brackets
[[nodiscard]] std::string QNames(const std::vector<QName>& names);
[[nodiscard]] std::string LabelTerms(const std::vector<LabelTerm>& terms);  // `label … and label …`
[[nodiscard]] std::string LabelBlock(const std::vector<LabelTerm>& terms);  // `{ k = "v" }`
[[nodiscard]] std::string Joined(const std::vector<std::string>& parts, std::string_view separator);
[[nodiscard]] std::string Sources(const std::vector<SourceClause>& sources);
// The first selection and its alternatives.
[[nodiscard]] std::string Selections(const Selection& first, const std::vector<Selection>& more);

}  // namespace weft::dsl
