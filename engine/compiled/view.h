// What a rule sees of a request: the request itself, or what a route has made of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/compiled/callers.h"
#include "engine/ip.h"
#include "engine/request.h"

namespace weft::engine::compiled {

// References into the request and the policy; copying is cheap, nothing is owned but caches.
struct View {
  const Request& request;
  std::string_view path;
  std::string_view host;
  std::uint16_t port;                                 // listener's or service's
  const Peer* peer = nullptr;                         // nullptr: no identity
  const std::vector<HeaderOp>* header_ops = nullptr;  // done to the request before

  [[nodiscard]] static View Of(const Request& request, const Peer* peer) {
    return {request, request.path, request.host, request.port, peer, nullptr, {}, {}};
  }

  // The header as the rule sees it; nullopt when absent. `scratch` holds a value that had to be
  // put together.
  [[nodiscard]] std::optional<std::string_view> Header(const std::string& name,
                                                       std::string& scratch) const;
  [[nodiscard]] const Token* ValidToken(JwtId provider) const;
  // The addresses as numbers, read once; nullopt when they are none.
  [[nodiscard]] const std::optional<Ip>& SourceIp() const;
  [[nodiscard]] const std::optional<Ip>& RemoteIp() const;

  mutable std::optional<std::optional<Ip>> source_ip{};
  mutable std::optional<std::optional<Ip>> remote_ip{};
};

}  // namespace weft::engine::compiled
