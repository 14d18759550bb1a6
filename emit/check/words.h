// Which texts Istio takes for names, hosts, addresses and the like.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace weft::emit::check {

// A label of RFC 1123, at most 63 bytes; upper case is taken too.
[[nodiscard]] bool IsDnsLabel(std::string_view text);

// A DNS name, possibly ending in a dot, whose last label is not a number.
[[nodiscard]] bool IsFqdn(std::string_view text);

// A DNS name whose first label may begin with `*`.
[[nodiscard]] bool IsWildcardDomain(std::string_view text);

// A star beside other characters in the first label, as in `*a.b`.
[[nodiscard]] bool IsPartialWildcard(std::string_view text);

[[nodiscard]] bool IsIp(std::string_view text);
// `address/length` or an address.
[[nodiscard]] bool IsSubnet(std::string_view text);

// Key (`prefix/name`) and value of a label. Istio does not bound the length of a value, Kubernetes
// does.
[[nodiscard]] bool IsLabelKey(std::string_view text);
[[nodiscard]] bool IsLabelValue(std::string_view text);

// A path, or a name that begins with `@`: what follows `unix://`.
[[nodiscard]] bool IsUnixAddress(std::string_view text);

// The characters of a header's name (RFC 9110 token).
[[nodiscard]] bool IsHeaderName(std::string_view text);

// `claim` in `@request.auth.claims.claim` or `@request.auth.claims[claim]`.
[[nodiscard]] bool IsClaimHeader(std::string_view text);

// A header's value in which every `%` is doubled or closes a command of Envoy.
[[nodiscard]] bool IsHeaderValue(std::string_view text);

// As Go writes durations: `1h2m3.5s`, also `ms`, `us`, `ns`; nullopt for anything else.
[[nodiscard]] std::optional<std::chrono::nanoseconds> ParseDuration(std::string_view text);

// The families of port protocols.
enum class Protocol { kUnknown, kHttp, kTls, kHttps, kTcp };
[[nodiscard]] Protocol ProtocolOf(std::string_view text);

// Any of the names some host pattern stands for is one of the other's.
[[nodiscard]] bool HostsMeet(std::string_view a, std::string_view b);
// Every name that `a` stands for is one of `b`.
[[nodiscard]] bool HostWithin(std::string_view a, std::string_view b);

}  // namespace weft::emit::check
