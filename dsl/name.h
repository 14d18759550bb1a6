// Names, literals and selections: the small parts every declaration is made of.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dsl/span.h"

namespace weft::dsl {

using Name = Spanned<std::string>;  // identifier: letters, digits, `-`, `_`
using Str = Spanned<std::string>;   // string literal, unescaped
using Millis = std::chrono::milliseconds;
using Duration = Spanned<Millis>;     // `2s`, `500ms`, `10m`, `24h`, `365d`
using Percent = Spanned<double>;      // `10%`; 0..100
using Port = Spanned<std::uint16_t>;  // 1..65535
using Number = Spanned<std::int64_t>;

// `reviews`, `reviews.v2`, `payments.ledger`, `std.resilience.standard_retries`. A service may also
// be named by its namespace, in quotes: `"reviews.bookinfo-backends"`, `"reviews.bookinfo".v2`; the
// first part then has the dot in it.
struct QName {
  std::vector<Name> parts;  // at least one
  Span span;
  bool operator==(const QName&) const = default;
  [[nodiscard]] bool IsQuoted() const { return parts[0].value.find('.') != std::string::npos; }
  [[nodiscard]] std::string Text() const {
    std::string text;
    for (const Name& part : parts) text += (text.empty() ? "" : ".") + part.value;
    return text;
  }
};

// `label team = "web"`.
struct LabelTerm {
  Str key;
  Str value;
  bool operator==(const LabelTerm&) const = default;
};

// The one grammar of selections: `all`, names, or `where label k = "v" [and …]`, narrowed by
// `of workspace w`, `in namespace "n"`, `on [clusters]`, `port N`.
struct Selection {
  Span span;
  bool all = false;
  std::vector<QName> names;
  std::vector<LabelTerm> labels;  // all must hold
  std::optional<Name> workspace;
  std::optional<Str> in_namespace;
  std::vector<Name> clusters;
  std::optional<Port> port;
  bool operator==(const Selection&) const = default;
};

// `route main`, `services where label tier = "edge"`, `all where …`.
enum class ResourceKind { kAll, kService, kRoute, kTable, kDestination, kExternal, kWorkload };
struct SharedResource {
  ResourceKind kind = ResourceKind::kAll;
  Selection selection;
  Span span;
};

}  // namespace weft::dsl
