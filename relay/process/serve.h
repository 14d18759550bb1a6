// The management server as a process: the state machine of relay/core/server.h with its store,
// ports, policy directory and clock.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "dsl/result.h"
#include "relay/store/etcd_client.h"

namespace weft::relay {

struct ServeOptions {
  std::string policy;  // DIR or REPO@REF
  std::string store;   // directory, or etcd://… (see ParseEtcdAddress)
  EtcdTls store_tls;
  std::string ca;  // directory; "" = `ca` in the store, which etcd cannot be
  std::string listen = "0.0.0.0:9900";
  std::string enroll_listen = "0.0.0.0:9901";
  std::string admin_listen = "127.0.0.1:9902";
  std::string ready_file;                 // "" = none
  std::map<std::string, unsigned> rings;  // server::Config::rings
  std::chrono::seconds soak{30};
  std::chrono::seconds certificate_ttl = std::chrono::hours(30 * 24);
};

// Serves until SIGTERM or SIGINT (fine), or until it no longer leads (an error). With etcd it first
// waits to lead, and until then refuses everybody (see relay/process/replica.h). To be called with
// no other thread running.
[[nodiscard]] Status Serve(const ServeOptions& options);

}  // namespace weft::relay
