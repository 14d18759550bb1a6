// The admin port: a small HTTP/1.1 server on loopback, and the client the commands use.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "dsl/result.h"

namespace weft::relay {

struct HttpRequest {
  std::string method;
  std::string target;
  std::string body;
};
struct HttpResponse {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  bool goes_on = false;  // after the body comes what Publish is given, until the client leaves
};

// Serves until it is destroyed; bodies up to 64 KiB, 10 s for each request, 64 answers at a time
// that go on. POST wants a JSON
// content type and a loopback Host, so that no page in somebody's browser can act.
class AdminServer {
 public:
  using Handler = std::function<HttpResponse(const HttpRequest&)>;  // from one thread of its own
  // `address` is host:port on loopback; port 0 picks one.
  [[nodiscard]] static Result<std::unique_ptr<AdminServer>> Start(const std::string& address,
                                                                  Handler handler);
  virtual ~AdminServer() = default;
  [[nodiscard]] virtual std::string url() const = 0;  // "http://127.0.0.1:41234"
  // Sends the text to every client whose answer goes on. A client that does not keep up, 256 texts
  // behind, is dropped. Thread-safe.
  virtual void Publish(const std::string& text) = 0;
};

// One request to `url` (http://host:port); the error says that nobody answers. Waits for no part of
// the answer longer than `patience`.
[[nodiscard]] Result<HttpResponse> Ask(const std::string& url, const HttpRequest& request,
                                       std::chrono::seconds patience = std::chrono::seconds(30));

}  // namespace weft::relay
