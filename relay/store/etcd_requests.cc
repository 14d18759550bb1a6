#include "relay/store/etcd_requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

namespace weft::relay {
namespace {

using etcdserverpb::TxnRequest;

// Fills requests up to what etcd takes.
class RequestPacker {
 public:
  void Put(const std::string& key, const std::string& value) {
    AddPut(Room(key.size() + value.size()), key, value);
  }
  void Delete(const std::string& key, const std::string& range_end) {
    AddDelete(Room(key.size() + range_end.size()), key, range_end);
  }
  // What was added up to here comes first.
  void Break() { full_ = true; }
  [[nodiscard]] std::vector<TxnRequest> Take() { return std::move(requests_); }

 private:
  TxnRequest& Room(std::size_t bytes) {
    if (requests_.empty() || full_ || bytes_ + bytes > kEtcdBytes ||
        static_cast<std::size_t>(requests_.back().success_size()) == kEtcdOperations) {
      requests_.emplace_back();
      bytes_ = 0;
      full_ = false;
    }
    bytes_ += bytes;
    return requests_.back();
  }

  std::vector<TxnRequest> requests_;
  std::size_t bytes_ = 0;
  bool full_ = false;
};

}  // namespace

std::string EtcdKeys::Parts(const std::string& key) const {
  return prefix_ + "/c/" + ToHex(Sha256(key)) + "/";
}

std::string EtcdNumber(std::size_t number) { return fmt::format("{:08}", number); }

std::string EtcdEntryOf(const std::string& value) {
  if (value.size() <= kEtcdPart) return "=" + value;
  const std::size_t parts = (value.size() + kEtcdPart - 1) / kEtcdPart;
  return fmt::format("#{} {}", parts, ToHex(Sha256(value)));
}

bool ReadEtcdEntry(const std::string& entry, std::string& value, EtcdParts& parts) {
  if (entry.starts_with('=')) {
    value = entry.substr(1);
    return true;
  }
  const std::size_t space = entry.find(' ');
  if (!entry.starts_with('#') || space == std::string::npos) return false;
  const char* const end = entry.data() + space;
  const auto read = std::from_chars(entry.data() + 1, end, parts.count);
  parts.digest = entry.substr(space + 1);
  return read.ec == std::errc() && read.ptr == end && parts.count > 1;
}

std::vector<TxnRequest> EtcdRequestsFor(const EtcdKeys& keys, const std::vector<Write>& writes) {
  std::map<std::string, const std::optional<std::string>*> last;
  for (const Write& write : writes) last[write.key] = &write.value;
  RequestPacker packer;
  bool divided = false;
  for (const auto& [key, value] : last) {
    // Parts of what the key held before, if it held any.
    packer.Delete(keys.Parts(key), EtcdRangeEnd(keys.Parts(key)));
    divided = divided || (*value && (*value)->size() > kEtcdPart);
  }
  // etcd takes no request that removes a range and writes into it.
  if (divided) packer.Break();
  for (const auto& [key, value] : last) {
    if (!*value) {
      packer.Delete(keys.Entry(key), "");
      continue;
    }
    const std::string& whole = **value;
    for (std::size_t at = 0, n = 0; whole.size() > kEtcdPart && at < whole.size();
         at += kEtcdPart) {
      packer.Put(keys.Parts(key) + EtcdNumber(n++), whole.substr(at, kEtcdPart));
    }
    packer.Put(keys.Entry(key), EtcdEntryOf(whole));
  }
  return packer.Take();
}

std::string EtcdRangeEnd(std::string prefix) {
  prefix.back() = static_cast<char>(prefix.back() + 1);
  return prefix;
}

void CompareValue(TxnRequest& request, const std::string& key, const std::string& value) {
  etcdserverpb::Compare& compare = *request.add_compare();
  compare.set_target(etcdserverpb::Compare::VALUE);
  compare.set_key(key);
  compare.set_value(value);
}

void CompareCreated(TxnRequest& request, const std::string& key, std::int64_t revision) {
  etcdserverpb::Compare& compare = *request.add_compare();
  compare.set_target(etcdserverpb::Compare::CREATE);
  compare.set_key(key);
  compare.set_create_revision(revision);
}

void AddPut(TxnRequest& request, const std::string& key, const std::string& value,
            std::int64_t lease) {
  etcdserverpb::PutRequest& put = *request.add_success()->mutable_request_put();
  put.set_key(key);
  put.set_value(value);
  put.set_lease(lease);
}

void AddDelete(TxnRequest& request, const std::string& key, const std::string& range_end) {
  etcdserverpb::DeleteRangeRequest& gone = *request.add_success()->mutable_request_delete_range();
  gone.set_key(key);
  gone.set_range_end(range_end);
}

void AddRead(TxnRequest& request, const std::string& key, bool success) {
  etcdserverpb::RequestOp& operation = success ? *request.add_success() : *request.add_failure();
  operation.mutable_request_range()->set_key(key);
}

}  // namespace weft::relay
