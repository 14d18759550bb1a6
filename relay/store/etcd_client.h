// One conversation with the members of an etcd cluster: whichever answers.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "dsl/result.h"
#include "relay/proto/etcd.grpc.pb.h"

namespace weft::relay {

// etcd://host:port,host:port/prefix
struct EtcdAddress {
  std::vector<std::string> endpoints;  // host:port
  std::string prefix;                  // "/weft": every key begins with it and a '/'
};
// Without a prefix it is "/weft". Errors: no such address.
[[nodiscard]] Result<EtcdAddress> ParseEtcdAddress(const std::string& text);

// Files (PEM). All empty: plain text, which is refused beyond loopback.
struct EtcdTls {
  std::string ca;           // whom the members' certificates are from
  std::string certificate;  // the client's own; with `key`, or neither
  std::string key;
};

// Each call asks the member that answered last, and the others in turn when it does not, until one
// answers or `patience` is over. A write may have been made by a member whose answer was lost: the
// caller has to make one that can be told (see EtcdStore). Thread-safe.
class EtcdClient {
 public:
  static constexpr std::chrono::seconds kPatience{8};

  // Reads the files; connects to nobody yet.
  [[nodiscard]] static Result<std::unique_ptr<EtcdClient>> Make(const EtcdAddress& address,
                                                                const EtcdTls& tls);
  virtual ~EtcdClient() = default;

  // An answer, or a status that no other member would mend.
  virtual grpc::Status Range(const etcdserverpb::RangeRequest& request,
                             etcdserverpb::RangeResponse& response) = 0;
  virtual grpc::Status Txn(const etcdserverpb::TxnRequest& request,
                           etcdserverpb::TxnResponse& response) = 0;
  // The lease's number; it lives for `ttl` after the last KeepAlive.
  [[nodiscard]] virtual Result<std::int64_t> Grant(std::chrono::seconds ttl) = 0;
  // Whether the lease still lives. Errors: nobody could be asked within `patience`.
  [[nodiscard]] virtual Result<bool> KeepAlive(std::int64_t lease,
                                               std::chrono::milliseconds patience) = 0;
  virtual void Revoke(std::int64_t lease) = 0;  // as far as it can be reached
};

// For people.
[[nodiscard]] Error EtcdError(const grpc::Status& status);

}  // namespace weft::relay
