#include "relay/store/etcd_store.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <cstdio>
#include <mutex>
#include <optional>
#include <utility>

#include "relay/store/etcd_requests.h"

namespace weft::relay {
namespace {

using etcdserverpb::RangeRequest;
using etcdserverpb::RangeResponse;
using etcdserverpb::TxnRequest;
using etcdserverpb::TxnResponse;

constexpr std::int64_t kPage = 256;  // entries
// Of reads that compaction overtook, of transactions that another client's pending one delayed.
constexpr int kTries = 20;

std::string RandomId() {
  unsigned char bytes[16];
  weft::Check(RAND_bytes(bytes, sizeof bytes) == 1, "OpenSSL has no randomness");
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

// The value that operation `at` of a transaction read.
std::optional<std::string> ValueRead(const TxnResponse& response, int at) {
  if (response.responses_size() <= at) return std::nullopt;
  const RangeResponse& range = response.responses(at).response_range();
  return range.kvs_size() == 0 ? std::nullopt : std::optional(range.kvs(0).value());
}

// What `pending` says.
struct PendingJournal {
  std::string id;
  std::size_t count = 0;
  std::size_t next = 0;

  [[nodiscard]] std::string Text() const { return fmt::format("{} {} {}", id, count, next); }
  static std::optional<PendingJournal> Parse(const std::string& text) {
    PendingJournal journal;
    char id[33] = {};
    if (std::sscanf(text.c_str(), "%32s %zu %zu", id, &journal.count, &journal.next) != 3) {
      return std::nullopt;
    }
    journal.id = id;
    return journal;
  }
};

class GrpcEtcdStore : public EtcdStore {
 public:
  GrpcEtcdStore(std::shared_ptr<EtcdClient> client, const std::string& prefix)
      : client_(std::move(client)), keys_(prefix), id_(RandomId()) {}
  ~GrpcEtcdStore() override {
    if (number_ == 0) return;
    TxnRequest request;
    AddDelete(request, keys_.Client(id_));
    TxnResponse ignored;
    (void)client_->Txn(request, ignored);
  }
  GrpcEtcdStore(const GrpcEtcdStore&) = delete;
  GrpcEtcdStore& operator=(const GrpcEtcdStore&) = delete;

  // Journals that nothing names any more are of clients that died before they counted.
  Status Clean() {
    const Status finished = Finish();
    if (!finished.ok()) return finished;
    TxnRequest request;
    CompareCreated(request, keys_.Pending(), 0);
    AddDelete(request, keys_.Journals(), EtcdRangeEnd(keys_.Journals()));
    TxnResponse response;
    const grpc::Status status = client_->Txn(request, response);
    return status.ok() ? Status(Unit{}) : Status(EtcdError(status));
  }

  void Guard(const EtcdFence& fence) override {
    const std::lock_guard<std::mutex> guard(mutex_);
    fence_ = fence;
  }

  Result<std::optional<std::string>> Get(const std::string& key) override {
    const Result<Entries> found = Read(keys_.Entry(key), "");
    if (!found.ok()) return Error{found.error()};
    if (found.value().empty()) return std::optional<std::string>();
    return std::optional<std::string>(found.value().begin()->second);
  }
  Result<std::map<std::string, std::string>> Range(const std::string& prefix) override {
    return Read(keys_.Entry(prefix), EtcdRangeEnd(keys_.Entry(prefix)));
  }

  Result<bool> Transact(const std::vector<weft::relay::Compare>& compares,
                        const std::vector<Write>& writes) override {
    if (compares.size() > kEtcdOperations) return Error{"too many comparisons for etcd"};
    const std::vector<TxnRequest> requests = EtcdRequestsFor(keys_, writes);
    TxnRequest commit;
    {
      const std::lock_guard<std::mutex> guard(mutex_);
      if (!fence_.key.empty()) CompareCreated(commit, fence_.key, fence_.create_revision);
    }
    for (const weft::relay::Compare& compare : compares) {
      if (compare.value) {
        CompareValue(commit, keys_.Entry(compare.key), EtcdEntryOf(*compare.value));
      } else {
        CompareCreated(commit, keys_.Entry(compare.key), 0);
      }
    }
    if (requests.size() > 1) return TransactLarge(commit, requests);
    if (!requests.empty()) commit.MergeFrom(requests.front());
    return Commit(std::move(commit));
  }

 private:
  using Entries = std::map<std::string, std::string>;

  // ---- reading

  // Of [key, range_end), or `key` alone; as of one moment. Keys are those of Store.
  Result<Entries> Read(const std::string& key, const std::string& range_end) {
    for (int i = 0; i < kTries; ++i) {
      const Status finished = Finish();
      if (!finished.ok()) return Error{finished.error()};
      Entries entries;
      const Result<bool> whole = TryRead(key, range_end, entries);
      if (!whole.ok()) return Error{whole.error()};
      if (whole.value()) return entries;
    }
    return Error{"etcd: compaction overtakes every read"};
  }

  // False: a transaction came between, or compaction did.
  Result<bool> TryRead(const std::string& key, const std::string& range_end, Entries& entries) {
    // With the first page it is read whether a transaction was pending at that moment.
    TxnRequest first;
    AddRead(first, keys_.Pending(), true);
    RangeRequest request;
    request.set_key(key);
    request.set_range_end(range_end);
    request.set_limit(kPage);
    *first.add_success()->mutable_request_range() = request;
    TxnResponse answer;
    grpc::Status status = client_->Txn(first, answer);
    if (!status.ok()) return EtcdError(status);
    if (ValueRead(answer, 0)) return false;
    RangeResponse page = answer.responses(1).response_range();
    request.set_revision(answer.header().revision());
    while (true) {
      for (const etcdserverpb::KeyValue& entry : page.kvs()) {
        Result<bool> taken = Take(entry, request.revision(), entries);
        if (!taken.ok() || !taken.value()) return taken;
      }
      if (!page.more()) return true;
      request.set_key(page.kvs(page.kvs_size() - 1).key() + '\0');
      page.Clear();
      status = client_->Range(request, page);
      if (status.error_code() == grpc::StatusCode::OUT_OF_RANGE) return false;
      if (!status.ok()) return EtcdError(status);
    }
  }

  // Adds the entry with its whole value. False: compaction came between.
  Result<bool> Take(const etcdserverpb::KeyValue& entry, std::int64_t revision, Entries& entries) {
    const std::string key = entry.key().substr(keys_.Entry("").size());
    std::string value;
    EtcdParts parts;
    if (!ReadEtcdEntry(entry.value(), value, parts)) return Error{"etcd: `" + key + "` is damaged"};
    for (std::size_t n = 0; n < parts.count; ++n) {
      RangeRequest request;
      request.set_key(keys_.Parts(key) + EtcdNumber(n));
      request.set_revision(revision);
      RangeResponse part;
      const grpc::Status status = client_->Range(request, part);
      if (status.error_code() == grpc::StatusCode::OUT_OF_RANGE) return false;
      if (!status.ok()) return EtcdError(status);
      if (part.kvs_size() == 1) value += part.kvs(0).value();
    }
    if (parts.count > 0 && ToHex(Sha256(value)) != parts.digest) {
      return Error{"etcd: `" + key + "` is damaged"};
    }
    entries.emplace(key, std::move(value));
    return true;
  }

  // ---- writing

  // Makes the transaction once, however often a member has to be asked.
  Result<bool> Commit(TxnRequest request) {
    // Its number tells, when an answer was lost, whether it was made.
    std::string number;
    {
      const std::lock_guard<std::mutex> guard(mutex_);
      number = std::to_string(++number_);
    }
    CompareCreated(request, keys_.Pending(), 0);
    AddPut(request, keys_.Client(id_), number);
    AddRead(request, keys_.Client(id_), false);
    AddRead(request, keys_.Pending(), false);
    const std::lock_guard<std::mutex> one_at_a_time(commit_mutex_);
    for (int i = 0; i < kTries; ++i) {
      TxnResponse response;
      const grpc::Status status = client_->Txn(request, response);
      if (!status.ok()) return EtcdError(status);
      if (response.succeeded() || ValueRead(response, 0) == number) return true;
      if (!ValueRead(response, 1)) return false;
      const Status finished = Finish();
      if (!finished.ok()) return Error{finished.error()};
    }
    return Error{"etcd: other clients write all the time"};
  }

  Result<bool> TransactLarge(const TxnRequest& commit, const std::vector<TxnRequest>& requests) {
    for (int i = 0; i < kTries; ++i) {
      const PendingJournal journal{.id = RandomId(), .count = requests.size()};
      const std::string begin = keys_.Journal(journal.id);
      const Result<bool> written = WriteJournal(begin, requests);
      if (!written.ok()) return written;
      if (!written.value()) continue;
      TxnRequest named = commit;
      CompareValue(named, begin, "");
      AddPut(named, keys_.Pending(), journal.Text());
      const Result<bool> done = Commit(std::move(named));
      if (!done.ok()) return done;
      if (done.value()) {
        (void)Finish();  // it counts, whoever finishes it
        return true;
      }
      const Result<bool> removed = RemoveJournal(begin);
      if (!removed.ok()) return removed;
      if (removed.value()) return false;
    }
    return Error{"etcd: other servers open the store all the time"};
  }

  // False: it was removed meanwhile by one who opened the store.
  Result<bool> WriteJournal(const std::string& begin, const std::vector<TxnRequest>& requests) {
    for (std::size_t n = 0; n < requests.size(); ++n) {
      TxnRequest put;
      if (n == 0) AddPut(put, begin, "");
      if (n > 0) CompareValue(put, begin, "");
      AddPut(put, begin + EtcdNumber(n), requests[n].SerializeAsString());
      TxnResponse response;
      const grpc::Status status = client_->Txn(put, response);
      if (!status.ok()) return EtcdError(status);
      if (!response.succeeded()) return false;
    }
    return true;
  }

  // Whether it was still there.
  Result<bool> RemoveJournal(const std::string& begin) {
    TxnRequest gone;
    CompareValue(gone, begin, "");
    AddDelete(gone, begin, EtcdRangeEnd(begin));
    TxnResponse response;
    const grpc::Status status = client_->Txn(gone, response);
    if (!status.ok()) return EtcdError(status);
    return response.succeeded();
  }

  // Carries out the transaction that is pending, if one is.
  Status Finish() {
    while (true) {
      RangeRequest request;
      request.set_key(keys_.Pending());
      RangeResponse found;
      const grpc::Status status = client_->Range(request, found);
      if (!status.ok()) return EtcdError(status);
      if (found.kvs_size() == 0) return Unit{};
      const Status stepped = Step(found.kvs(0).value());
      if (!stepped.ok()) return stepped;
    }
  }

  // The next request of it; nothing when another client was quicker.
  Status Step(const std::string& pending) {
    std::optional<PendingJournal> journal = PendingJournal::Parse(pending);
    if (!journal) return Error{"etcd: `" + keys_.Pending() + "` is damaged"};
    const std::string begin = keys_.Journal(journal->id);
    TxnRequest request;
    if (journal->next == journal->count) {
      AddDelete(request, keys_.Pending());
      AddDelete(request, begin, EtcdRangeEnd(begin));
    } else {
      TxnRequest read;
      CompareValue(read, keys_.Pending(), pending);
      AddRead(read, begin + EtcdNumber(journal->next), true);
      TxnResponse answer;
      const grpc::Status status = client_->Txn(read, answer);
      if (!status.ok()) return EtcdError(status);
      if (!answer.succeeded()) return Unit{};
      const std::optional<std::string> bytes = ValueRead(answer, 0);
      if (!bytes || !request.ParseFromString(*bytes)) {
        return Error{"etcd: a transaction that was begun cannot be read"};
      }
      ++journal->next;
      AddPut(request, keys_.Pending(), journal->Text());
    }
    CompareValue(request, keys_.Pending(), pending);
    TxnResponse response;
    const grpc::Status status = client_->Txn(request, response);
    return status.ok() ? Status(Unit{}) : Status(EtcdError(status));
  }

  const std::shared_ptr<EtcdClient> client_;
  const EtcdKeys keys_;
  const std::string id_;
  std::mutex mutex_;
  std::mutex commit_mutex_;  // so that the number in the store is that of the newest transaction
  std::uint64_t number_ = 0;
  EtcdFence fence_;
};

}  // namespace

Result<std::unique_ptr<EtcdStore>> EtcdStore::Open(std::shared_ptr<EtcdClient> client,
                                                   const std::string& prefix) {
  auto store = std::make_unique<GrpcEtcdStore>(std::move(client), prefix);
  const Status cleaned = store->Clean();
  if (!cleaned.ok()) return Error{cleaned.error()};
  return std::unique_ptr<EtcdStore>(std::move(store));
}

Result<std::unique_ptr<Store>> OpenEtcdStore(const EtcdAddress& address, const EtcdTls& tls) {
  Result<std::unique_ptr<EtcdClient>> client = EtcdClient::Make(address, tls);
  if (!client.ok()) return Error{client.error()};
  Result<std::unique_ptr<EtcdStore>> store =
      EtcdStore::Open(std::move(client).value(), address.prefix);
  if (!store.ok()) return Error{store.error()};
  return std::unique_ptr<Store>(std::move(store).value());
}

}  // namespace weft::relay
