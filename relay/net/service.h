// The server's gRPC ports: sessions behind client certificates, enrolment on a port of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "dsl/result.h"
#include "relay/core/messages.h"

namespace weft::relay {

// What the ports ask and tell. Called from gRPC's threads; each must be quick and thread-safe.
struct ServiceCallbacks {
  // "" when the certificate (PEM) may be used; its cluster was read from it.
  std::function<std::string(const std::string& certificate, const std::string& cluster)> admit;
  std::function<void(std::uint64_t session, const std::string& cluster)> opened;
  std::function<void(std::uint64_t session, AgentMessage message)> received;
  std::function<void(std::uint64_t session)> closed;
  std::function<ObjectPtr(const std::string& cluster, const Digest& digest)> find;
  // A certificate chain (PEM) for a request, by token or for a cluster that is known.
  std::function<Result<std::string>(const std::string& token, const std::string& csr)> enroll;
  std::function<Result<std::string>(const std::string& cluster, const std::string& csr)> renew;
  // Somebody tried what is not theirs; for the audit.
  std::function<void(const std::string& what)> suspicious;
};

struct ServiceConfig {
  std::string listen;  // host:port; port 0 picks one
  std::string enroll_listen;
  std::string key;    // PEM
  std::string chain;  // PEM
  std::string root;   // PEM; signs agents' certificates
};

// Owns both ports. All methods are thread-safe.
class Service {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Service>> Start(const ServiceConfig& config,
                                                              ServiceCallbacks callbacks);
  virtual ~Service() = default;

  [[nodiscard]] virtual int port() const = 0;
  [[nodiscard]] virtual int enroll_port() const = 0;
  // Queues the message. A session whose reader is so slow that 16 MiB wait is closed.
  virtual void Send(std::uint64_t session, const ServerMessage& message) = 0;
  virtual void Close(std::uint64_t session, const std::string& reason) = 0;
  // The last message of the session was dealt with: the next may be read.
  virtual void ReadNext(std::uint64_t session) = 0;
  // Ends every call and waits for it.
  virtual void Stop() = 0;
};

}  // namespace weft::relay
