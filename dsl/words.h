// The closed vocabularies and the forms of names that come from outside of the language: methods,
// retry conditions, headers, labels, names of objects. What is refused here is what HTTP (RFC
// 9110), Kubernetes or Envoy refuse.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weft::dsl {

// Methods of HTTP: those registered with IANA and those that caches and UPnP use. Sorted.
[[nodiscard]] const std::vector<std::string>& Methods();
[[nodiscard]] bool IsMethod(std::string_view word);
// A token of RFC 9110: what a method or the name of a header is made of.
[[nodiscard]] bool IsHttpToken(std::string_view text);
// The text in capitals.
[[nodiscard]] std::string Upper(std::string_view text);

// Conditions of Envoy's `retry_on`, those of gRPC included; a status such as `503` is one too.
[[nodiscard]] const std::vector<std::string>& RetryConditions();
[[nodiscard]] bool IsRetryCondition(std::string_view word);

// The value of a header as a proxy is told it: no control characters, and a `%` only as `%%` or as
// a command such as `%REQ(x)%`.
[[nodiscard]] bool IsHeaderValue(std::string_view text);

// Keys and values of Kubernetes labels.
[[nodiscard]] bool IsLabelKey(std::string_view text);
[[nodiscard]] bool IsLabelValue(std::string_view text);
// Names of namespaces and services: lower-case letters, digits and `-`, at most 63.
[[nodiscard]] bool IsDnsLabel(std::string_view text);
// Names of service accounts, secrets and the like: labels joined by dots, at most 253.
[[nodiscard]] bool IsObjectName(std::string_view text);

// Why the text is no regular expression that a proxy takes: RE2 syntax, not empty, at most 1024
// bytes. "" when it is one.
[[nodiscard]] std::string RegexFault(const std::string& text);
// Why `text` cannot replace what `regex` matches: `\1` to `\9` name its groups. "" when it can.
[[nodiscard]] std::string ReplacementFault(const std::string& regex, const std::string& text);
// Groups in parentheses of a valid expression.
[[nodiscard]] int GroupsOf(const std::string& regex);

}  // namespace weft::dsl
