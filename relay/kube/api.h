// Requests to an API server.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "dsl/result.h"
#include "relay/kube/access.h"

namespace weft::relay::kube {

struct Request {
  std::string method = "GET";
  std::string path;  // with its query
  std::string body;
  std::string content_type;
  std::chrono::seconds timeout{30};
};

struct Response {
  int status = 0;
  std::string body;
};

// One request after the other. The rim of delivery; tests have an API server in memory.
class Api {
 public:
  virtual ~Api() = default;
  // Whatever the status is. Errors: no connection, a certificate that is not to be trusted, no end
  // within the timeout, more than 64 MiB. Blocks.
  [[nodiscard]] virtual Result<Response> Do(const Request& request) = 0;
};

// Over HTTPS. May be used by one thread at a time.
[[nodiscard]] std::unique_ptr<Api> MakeApi(Access access);

// Many requests at once, watches among them, on one connection where the server speaks HTTP/2.
class Transfers {
 public:
  struct Handlers {
    std::function<void(int status)> opened;             // the status came; the body follows
    std::function<void(std::string_view bytes)> bytes;  // of the body
    // The response came to its end; `error` "" unless it did not.
    std::function<void(int status, const std::string& error)> ended;
  };
  virtual ~Transfers() = default;
  // Returns a number for Cancel, never 0. Handlers are called from Run only.
  virtual std::uint64_t Start(const Request& request, Handlers handlers) = 0;
  // Nothing is heard of it any more. May be called by its handlers.
  virtual void Cancel(std::uint64_t number) = 0;
  // Works for at most so long, less when Wake is called.
  virtual void Run(std::chrono::milliseconds patience) = 0;
  virtual void Wake() = 0;  // thread-safe; the only such method
};
[[nodiscard]] std::unique_ptr<Transfers> MakeTransfers(Access access);

}  // namespace weft::relay::kube
