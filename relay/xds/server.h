// Serves istiods over MCP on a loopback port: relay/xds/stream.h over gRPC.
#pragma once

#include <memory>
#include <string>

#include "dsl/result.h"
#include "relay/xds/stream.h"

namespace weft::relay::mcp {

// What the istiods that are connected make of the content.
struct Reception {
  int streams = 0;      // that asked for anything
  int up_to_date = 0;   // of them
  std::string refusal;  // of one of them; "" = none
};

// Thread-safe.
class McpServer {
 public:
  // `address` is host:port on loopback, because istiod can show no certificate; port 0 picks one.
  // Nobody is answered before the first Serve.
  [[nodiscard]] static Result<std::unique_ptr<McpServer>> Start(const std::string& address);
  virtual ~McpServer() = default;  // ends every stream

  [[nodiscard]] virtual int port() const = 0;
  // Sends what changed to all.
  virtual void Serve(ContentPtr content) = 0;
  [[nodiscard]] virtual Reception GetReception() const = 0;
};

}  // namespace weft::relay::mcp
