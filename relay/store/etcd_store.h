// The store of several servers: an etcd cluster. Keys and values are those of relay/store/store.h;
// below the prefix they lie as
//
//   e<key>                  '=' and the value, or '#', the number of parts and the value's digest
//   c/<digest of key>/<n>   parts of a value that is larger than one request of etcd takes
//   u/<client>              number of the last transaction of one client
//   j/<id>/<n>, pending     a transaction that is larger than one request
//
// etcd takes 1.5 MiB and 128 operations in a request (--max-request-bytes, --max-txn-ops). What is
// larger is written down first as a list of requests j/<id>/…; the one small transaction that makes
// it count compares, and names it in `pending`. From then on whoever comes, reader or writer,
// carries the list out to its end before anything else, each request once.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "relay/store/etcd_client.h"
#include "relay/store/store.h"

namespace weft::relay {

// A key that a client's writes depend on: it must have been made at this revision and still be
// there.
struct EtcdFence {
  std::string key;
  std::int64_t create_revision = 0;
};

// Thread-safe. At most 100 compares in a transaction.
class EtcdStore : public Store {
 public:
  // Finishes what was pending. Errors: no member answers, the rights do not reach.
  [[nodiscard]] static Result<std::unique_ptr<EtcdStore>> Open(std::shared_ptr<EtcdClient> client,
                                                               const std::string& prefix);

  // From now on every transaction fails, returning false, unless `fence` holds.
  virtual void Guard(const EtcdFence& fence) = 0;
};

// Open with a client of its own.
[[nodiscard]] Result<std::unique_ptr<Store>> OpenEtcdStore(const EtcdAddress& address,
                                                           const EtcdTls& tls);

}  // namespace weft::relay
