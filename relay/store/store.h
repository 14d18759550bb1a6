// Where the server keeps what must not be lost. The shape is etcd's: a range at one revision, and
// transactions that compare before they write.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dsl/result.h"

namespace weft::relay {

struct Compare {
  std::string key;
  std::optional<std::string> value;  // none: the key is absent
};

struct Write {
  std::string key;
  std::optional<std::string> value;  // none: the key is removed
};

// Thread-safe. Errors are those of the medium: full, unreadable, damaged; of one that is reached
// over a network: not reached in time, which leaves open whether a transaction was made.
class Store {
 public:
  virtual ~Store() = default;

  [[nodiscard]] virtual Result<std::optional<std::string>> Get(const std::string& key) = 0;
  // Everything whose key begins with `prefix`, which ends in '/'; sorted, as of one moment.
  [[nodiscard]] virtual Result<std::map<std::string, std::string>> Range(
      const std::string& prefix) = 0;
  // All writes or none: false when a comparison fails. True means that it is on disk. Of several
  // writes to one key the last counts.
  [[nodiscard]] virtual Result<bool> Transact(const std::vector<Compare>& compares,
                                              const std::vector<Write>& writes) = 0;
};

}  // namespace weft::relay
