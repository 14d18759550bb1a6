// The agent's side of the network: enrolment, one session, fetching.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dsl/result.h"
#include "relay/core/messages.h"

namespace weft::relay {

// What an agent proves itself with (all PEM).
struct Credentials {
  std::string key;
  std::string chain;
  std::string roots;
};

// First contact: takes the server's root from the handshake, compares it with the token's digest of
// it, and only then shows the token. Blocks up to about 20 s.
[[nodiscard]] Result<Credentials> Enroll(const std::string& address, const std::string& token);

struct ClientCallbacks {  // from gRPC's threads; quick and thread-safe
  std::function<void(std::uint64_t session)> opened;
  std::function<void(std::uint64_t session, ServerMessage message)> received;
  // 0: the session never opened. `why` is for people.
  std::function<void(std::uint64_t session, const std::string& why)> closed;
};

// A channel to each of the servers, one in use. Thread-safe.
class Client {
 public:
  // `addresses` is not empty. A session goes to the first; the one after a session that ended or
  // never opened, to the next.
  [[nodiscard]] static std::unique_ptr<Client> Make(const std::vector<std::string>& addresses,
                                                    const Credentials& credentials,
                                                    ClientCallbacks callbacks);
  virtual ~Client() = default;

  virtual void Connect(std::uint64_t session) = 0;
  virtual void Send(std::uint64_t session, const AgentMessage& message) = 0;
  // To the server of the session. Both block up to about 20 s.
  [[nodiscard]] virtual Result<std::vector<ObjectPtr>> Fetch(
      const std::vector<Digest>& digests) = 0;
  [[nodiscard]] virtual Result<Credentials> Renew() = 0;
  // Ends the session and waits for it.
  virtual void Stop() = 0;
};

}  // namespace weft::relay
