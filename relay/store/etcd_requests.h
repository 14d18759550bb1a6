// Writes as etcd's requests, each small enough for a member that runs with its defaults.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "relay/core/digest.h"
#include "relay/proto/etcd.pb.h"
#include "relay/store/store.h"

namespace weft::relay {

// Of the operations of one request, and their bytes: etcd's defaults are 128 and 1.5 MiB, which
// have to hold what is added to them.
inline constexpr std::size_t kEtcdOperations = 100;
inline constexpr std::size_t kEtcdBytes = std::size_t{1} << 20;
// A value up to this size lies in its entry, a larger one in parts of it.
inline constexpr std::size_t kEtcdPart = std::size_t{512} << 10;

// Where things lie below a prefix.
class EtcdKeys {
 public:
  explicit EtcdKeys(std::string prefix) : prefix_(std::move(prefix)) {}
  [[nodiscard]] std::string Entry(const std::string& key) const { return prefix_ + "/e" + key; }
  [[nodiscard]] std::string Parts(const std::string& key) const;  // ends in '/'
  [[nodiscard]] std::string Journals() const { return prefix_ + "/j/"; }
  [[nodiscard]] std::string Journal(const std::string& id) const { return Journals() + id + "/"; }
  [[nodiscard]] std::string Pending() const { return prefix_ + "/pending"; }
  [[nodiscard]] std::string Client(const std::string& id) const { return prefix_ + "/u/" + id; }
  [[nodiscard]] std::string Leader() const { return prefix_ + "/leader"; }

 private:
  std::string prefix_;
};

// The name of part or request `number`, such that they sort.
[[nodiscard]] std::string EtcdNumber(std::size_t number);

// What an entry holds for a value: the value itself, or how it is divided.
[[nodiscard]] std::string EtcdEntryOf(const std::string& value);
struct EtcdParts {
  std::size_t count = 0;
  std::string digest;  // hexadecimal
};
// The other way round; `parts.count` is 0 when `value` is the whole value.
[[nodiscard]] bool ReadEtcdEntry(const std::string& entry, std::string& value, EtcdParts& parts);

// Requests that make the writes, to be made in this order. Of writes to one key the last counts.
[[nodiscard]] std::vector<etcdserverpb::TxnRequest> EtcdRequestsFor(
    const EtcdKeys& keys, const std::vector<Write>& writes);

// The end of the range of all keys that begin with `prefix`.
[[nodiscard]] std::string EtcdRangeEnd(std::string prefix);

// ---- pieces of requests

void CompareValue(etcdserverpb::TxnRequest& request, const std::string& key,
                  const std::string& value);
// 0: the key is absent.
void CompareCreated(etcdserverpb::TxnRequest& request, const std::string& key,
                    std::int64_t revision);
void AddPut(etcdserverpb::TxnRequest& request, const std::string& key, const std::string& value,
            std::int64_t lease = 0);
void AddDelete(etcdserverpb::TxnRequest& request, const std::string& key,
               const std::string& range_end = "");
// Reads `key`, when the comparisons fail or, with `success`, when they hold.
void AddRead(etcdserverpb::TxnRequest& request, const std::string& key, bool success);

}  // namespace weft::relay
