// One of several servers over one etcd. It waits until it leads; while it waits its ports are open,
// refuse everybody and name the one that leads, so that agents go on to the next address.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "relay/process/serve.h"
#include "relay/store/leadership.h"
#include "relay/store/store.h"

namespace weft::relay {

class AdminServer;
class Service;
struct HttpRequest;
struct HttpResponse;

// For one thread.
class Replica {
 public:
  explicit Replica(const ServeOptions& options);
  ~Replica();  // as Resign
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  // Opens the ports and writes the ready file; true once it leads, with the ports closed again;
  // false when SIGTERM or SIGINT came first. Errors: the address, the authority or the ports are
  // wrong; the one that leads has another authority.
  [[nodiscard]] Result<bool> WaitToLead();

  // ---- once it leads

  // Every transaction of the store fails when this server no longer leads.
  [[nodiscard]] Result<std::unique_ptr<Store>> OpenStore();
  // Grows from leader to leader.
  [[nodiscard]] std::uint64_t term() const;
  // With the ports that were picked.
  [[nodiscard]] const ServeOptions& options() const { return options_; }
  [[nodiscard]] const std::string& scratch() const { return scratch_; }
  // Another one leads. The process is told by SIGTERM.
  [[nodiscard]] bool lost() const;
  // Lets another one lead at once.
  void Resign();

 private:
  [[nodiscard]] Status Prepare();
  [[nodiscard]] Status OpenPorts();
  [[nodiscard]] std::string Hint() const;  // who leads
  [[nodiscard]] HttpResponse Answer(const HttpRequest& request) const;

  ServeOptions options_;
  std::string scratch_;
  std::string root_;  // FingerprintOf its authority's
  EtcdAddress address_;
  std::shared_ptr<EtcdClient> client_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<AdminServer> admin_;
  std::unique_ptr<Leadership> leadership_;
  std::atomic<const Leadership*> followed_ = nullptr;  // leadership_, for the ports' threads
};

}  // namespace weft::relay
