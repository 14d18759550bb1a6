// What only the store over etcd has to do: members that die, transactions that were begun, rights.
#include "relay/store/etcd_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "etcd/cluster.h"
#include "relay/store/etcd_requests.h"

namespace weft::relay {
namespace {

using Clock = std::chrono::steady_clock;

std::unique_ptr<EtcdClient> ClientOf(const std::string& address, const EtcdTls& tls = {}) {
  return EtcdClient::Make(ParseEtcdAddress(address).value(), tls).value();
}

TEST(EtcdAddress, IsReadOrRefused) {
  const Result<EtcdAddress> full = ParseEtcdAddress("etcd://a:1,[::1]:22/x/y/");
  ASSERT_TRUE(full.ok());
  EXPECT_EQ(full.value().endpoints, (std::vector<std::string>{"a:1", "[::1]:22"}));
  EXPECT_EQ(full.value().prefix, "/x/y");
  EXPECT_EQ(ParseEtcdAddress("etcd://a:1").value().prefix, "/weft");
  for (const char* bad : {"etcd://", "etcd://a", "etcd://a:", "etcd://:1", "etcd://a:1,", "a:1",
                          "etcd://a:1,,b:2", "etcd://a:x", "etcd:///weft"}) {
    EXPECT_FALSE(ParseEtcdAddress(bad).ok()) << bad;
  }
}

TEST(EtcdAddress, PlainTextStaysOnTheMachine) {
  const EtcdAddress here = ParseEtcdAddress("etcd://127.0.0.1:1,localhost:1").value();
  EXPECT_TRUE(EtcdClient::Make(here, {}).ok());
  const EtcdAddress there = ParseEtcdAddress("etcd://127.0.0.1:1,etcd.example:1").value();
  const Result<std::unique_ptr<EtcdClient>> refused = EtcdClient::Make(there, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().find("--store-ca"), std::string::npos);
  EXPECT_FALSE(EtcdClient::Make(here, {.ca = "/none", .certificate = "", .key = ""}).ok());
  EXPECT_FALSE(EtcdClient::Make(here, {.ca = "", .certificate = "", .key = "/none"}).ok());
}

TEST(EtcdRequests, StayBelowTheLimitsOfAMember) {
  std::vector<Write> writes = {{"/big", std::string(std::size_t{3} << 20, 'x')}};
  for (int i = 0; i < 500; ++i) {
    writes.push_back({"/" + std::to_string(i), std::string(i % 7 == 0 ? 300'000 : 10, 'y')});
  }
  const auto requests = EtcdRequestsFor(EtcdKeys("/p"), writes);
  EXPECT_GT(requests.size(), 20U);
  for (const etcdserverpb::TxnRequest& request : requests) {
    EXPECT_LE(request.success_size(), 126) << "two are added";
    EXPECT_LE(request.ByteSizeLong(), std::size_t{1'500'000});
  }
}

TEST(EtcdEntry, SaysWhatItHolds) {
  std::string value;
  EtcdParts parts;
  ASSERT_TRUE(ReadEtcdEntry(EtcdEntryOf("#a"), value, parts));
  EXPECT_EQ(value, "#a");
  EXPECT_EQ(parts.count, 0U);
  const std::string large(kEtcdPart + 1, 'x');
  ASSERT_TRUE(ReadEtcdEntry(EtcdEntryOf(large), value, parts));
  EXPECT_EQ(parts.count, 2U);
  EXPECT_EQ(parts.digest, ToHex(Sha256(large)));
  for (const char* bad : {"", "x", "#", "#2", "#x y", "#1 a", "#-2 a", "# 2 a"}) {
    EtcdParts none;
    EXPECT_FALSE(ReadEtcdEntry(bad, value, none)) << bad;
  }
}

TEST(EtcdStoreTest, NobodyThereIsAnErrorInTime) {
  const Clock::time_point begin = Clock::now();
  const Result<std::unique_ptr<Store>> store =
      OpenEtcdStore(ParseEtcdAddress("etcd://127.0.0.1:1").value(), {});
  EXPECT_FALSE(store.ok());
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(15));
}

TEST(EtcdStoreTest, WritesGoOnWhileMembersDieAndHang) {
  EtcdCluster cluster;
  const std::string address = cluster.Address("/weft");
  const std::unique_ptr<Store> store = OpenEtcdStore(ParseEtcdAddress(address).value(), {}).value();
  std::atomic<bool> stop = false;
  std::atomic<int> written = 0;
  std::string failure;
  // A counter that skips or repeats no number: each write depends on the one before it.
  std::thread writer([&] {
    while (!stop && failure.empty()) {
      const std::optional<std::string> before =
          written == 0 ? std::nullopt : std::optional(std::to_string(written));
      const Result<bool> done =
          store->Transact({{"/n", before}}, {{"/n", std::to_string(written + 1)}});
      if (!done.ok()) {
        failure = done.error();
      } else if (!done.value()) {
        failure = "a write that was made is taken for one that failed";
      } else {
        ++written;
      }
    }
  });
  const auto goes_on = [&] {
    const int before = written;
    const Clock::time_point end = Clock::now() + std::chrono::seconds(20);
    while (written < before + 20 && Clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return written >= before + 20;
  };
  EXPECT_TRUE(goes_on());
  for (std::size_t member = 0; member < 3; ++member) {
    cluster.Kill(member);
    EXPECT_TRUE(goes_on()) << "without member " << member;
    cluster.Start(member);
    EXPECT_TRUE(goes_on()) << "with member " << member << " again";
    cluster.Suspend(member);
    EXPECT_TRUE(goes_on()) << "while member " << member << " hangs";
    cluster.Resume(member);
    EXPECT_TRUE(goes_on());
  }
  stop = true;
  writer.join();
  EXPECT_EQ(failure, "");
  EXPECT_EQ(store->Get("/n").value(), std::to_string(written));
}

class EtcdJournalTest : public testing::Test {
 protected:
  static EtcdCluster& Cluster() {
    static EtcdCluster cluster;
    return cluster;
  }
  EtcdJournalTest() : address_(Cluster().Address("/journal")), client_(ClientOf(address_)) {
    store_ = OpenEtcdStore(ParseEtcdAddress(address_).value(), {}).value();
    EXPECT_TRUE(store_->Transact({}, {{"/a", "old"}, {"/b", "old"}}).value());
  }
  // As a client that dies leaves it: the requests of two writes, and `pending` or not.
  void Begin(bool counts) {
    const EtcdKeys keys("/journal");
    etcdserverpb::TxnRequest request;
    AddPut(request, keys.Journal("id"), "");
    int n = 0;
    for (const char* key : {"/a", "/b"}) {
      AddPut(request, keys.Journal("id") + EtcdNumber(n++),
             EtcdRequestsFor(keys, {{key, "new"}}).front().SerializeAsString());
    }
    if (counts) AddPut(request, keys.Pending(), "id 2 0");
    Send(request);
  }
  void Send(const etcdserverpb::TxnRequest& request) {
    etcdserverpb::TxnResponse response;
    ASSERT_TRUE(client_->Txn(request, response).ok());
    ASSERT_TRUE(response.succeeded());
  }
  // How many keys there are that are not entries.
  std::int64_t Others() {
    std::int64_t count = 0;
    for (const char* name : {"/journal/j/", "/journal/pending/"}) {
      etcdserverpb::RangeRequest request;
      request.set_key(std::string(name, std::string(name).size() - 1));
      request.set_range_end(EtcdRangeEnd(name));
      etcdserverpb::RangeResponse response;
      EXPECT_TRUE(client_->Range(request, response).ok());
      count += response.kvs_size();
    }
    return count;
  }

  const std::string address_;
  std::unique_ptr<EtcdClient> client_;
  std::unique_ptr<Store> store_;
  const std::map<std::string, std::string> new_ = {{"/a", "new"}, {"/b", "new"}};
};

TEST_F(EtcdJournalTest, AReaderFinishesWhatCounts) {
  Begin(true);
  EXPECT_EQ(store_->Range("/").value(), new_);
  EXPECT_EQ(Others(), 0);
}

TEST_F(EtcdJournalTest, AWriterFinishesWhatCountsFirst) {
  Begin(true);
  EXPECT_FALSE(store_->Transact({{"/a", "old"}}, {{"/a", "newer"}}).value());
  EXPECT_TRUE(store_->Transact({{"/a", "new"}}, {{"/a", "newer"}}).value());
  EXPECT_EQ(store_->Get("/b").value(), "new");
}

TEST_F(EtcdJournalTest, FromTheMiddleItGoesOn) {
  Begin(true);
  etcdserverpb::TxnRequest request;
  AddPut(request, "/journal/pending", "id 2 1");
  Send(request);
  EXPECT_EQ(store_->Range("/").value(),
            (std::map<std::string, std::string>{{"/a", "old"}, {"/b", "new"}}));
}

TEST_F(EtcdJournalTest, WhatDoesNotCountIsRemovedByTheNext) {
  Begin(false);
  EXPECT_EQ(store_->Get("/a").value(), "old");
  EXPECT_GT(Others(), 0);
  store_ = OpenEtcdStore(ParseEtcdAddress(address_).value(), {}).value();
  EXPECT_EQ(store_->Get("/a").value(), "old");
  EXPECT_EQ(Others(), 0);
}

TEST_F(EtcdJournalTest, OneThatCannotBeReadIsRefused) {
  Begin(true);
  etcdserverpb::TxnRequest request;
  AddPut(request, "/journal/j/id/" + EtcdNumber(1), "\xff");
  Send(request);
  EXPECT_FALSE(store_->Get("/b").ok());
  etcdserverpb::TxnRequest mend;
  AddDelete(mend, "/journal/pending");
  Send(mend);
}

TEST_F(EtcdJournalTest, AFenceThatFellStopsSmallAndLargeWrites) {
  etcdserverpb::TxnRequest made;
  AddPut(made, "/journal/leader", "me");
  etcdserverpb::TxnResponse response;
  ASSERT_TRUE(client_->Txn(made, response).ok());
  const Result<std::unique_ptr<EtcdStore>> store = EtcdStore::Open(ClientOf(address_), "/journal");
  store.value()->Guard({"/journal/leader", response.header().revision()});
  std::vector<Write> large;
  for (int i = 0; i < 300; ++i) large.push_back({"/many/" + std::to_string(i), "x"});
  EXPECT_TRUE(store.value()->Transact({}, {{"/a", "fenced"}}).value());
  EXPECT_TRUE(store.value()->Transact({}, large).value());
  // The same key, made anew by another.
  etcdserverpb::TxnRequest gone;
  AddDelete(gone, "/journal/leader");
  Send(gone);
  Send(made);
  EXPECT_FALSE(store.value()->Transact({}, {{"/a", "late"}}).value());
  for (Write& write : large) write.value = "late";
  EXPECT_FALSE(store.value()->Transact({}, large).value());
  EXPECT_EQ(store.value()->Get("/a").value(), "fenced");
  EXPECT_EQ(store.value()->Get("/many/7").value(), "x");
  EXPECT_EQ(Others(), 0);
  for (Write& write : large) write.value.reset();
  EXPECT_TRUE(store_->Transact({}, large).value());
}

// Rights on the prefix are all it needs.
TEST(EtcdStoreTest, WorksWithACertificateAndTheRightsOfItsPrefix) {
  EtcdCluster cluster(true);
  const std::string at = cluster.directory();
  const EtcdTls tls{at + "/ca.pem", at + "/client.pem", at + "/client.key"};
  const EtcdAddress mine = ParseEtcdAddress(cluster.Address("/mine")).value();
  const EtcdAddress other = ParseEtcdAddress(cluster.Address("/other")).value();
  ASSERT_TRUE(OpenEtcdStore(mine, tls).ok());
  EXPECT_FALSE(OpenEtcdStore(mine, {tls.ca, "", ""}).ok()) << "without a certificate";
  EXPECT_FALSE(OpenEtcdStore(mine, {tls.certificate, tls.certificate, tls.key}).ok())
      << "of members from another root";
  // The user of the certificate's name may do what it likes below /mine/, and nothing else.
  const auto ask = [&](const std::string& path, const std::string& body) {
    return std::system(("curl -sf -o /dev/null --cacert " + tls.ca + " --cert " + tls.certificate +
                        " --key " + tls.key + " -d '" + body + "' https://" + cluster.Endpoint(0) +
                        "/v3/auth/" + path)
                           .c_str());
  };
  ASSERT_EQ(ask("user/add", R"({"name":"root","password":"r"})"), 0);
  ASSERT_EQ(ask("role/add", R"({"name":"root"})"), 0);
  ASSERT_EQ(ask("user/grant", R"({"user":"root","role":"root"})"), 0);
  ASSERT_EQ(ask("user/add", R"({"name":"weft","password":"w"})"), 0);
  ASSERT_EQ(ask("role/add", R"({"name":"weft"})"), 0);
  ASSERT_EQ(ask("user/grant", R"({"user":"weft","role":"weft"})"), 0);
  // "/mine/" to "/mine0", in base64.
  ASSERT_EQ(ask("role/grant", R"({"name":"weft","perm":{"permType":"READWRITE",
                                  "key":"L21pbmUv","range_end":"L21pbmUw"}})"),
            0);
  ASSERT_EQ(ask("enable", "{}"), 0);
  const Result<std::unique_ptr<Store>> store = OpenEtcdStore(mine, tls);
  ASSERT_TRUE(store.ok()) << store.error();
  std::vector<Write> writes = {{"/large", std::string(std::size_t{2} << 20, 'x')}};
  for (int i = 0; i < 200; ++i) writes.push_back({"/" + std::to_string(i), "x"});
  EXPECT_TRUE(store.value()->Transact({{"/0", std::nullopt}}, writes).value());
  EXPECT_EQ(store.value()->Range("/").value().size(), writes.size());
  const Result<std::unique_ptr<Store>> refused = OpenEtcdStore(other, tls);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().find("permission denied"), std::string::npos) << refused.error();
}

// etcd forgets old revisions while a long range is read.
TEST_F(EtcdJournalTest, CompactionIsNoError) {
  std::vector<Write> writes;
  for (int i = 0; i < 1200; ++i) writes.push_back({"/c/" + std::to_string(i), "x"});
  ASSERT_TRUE(store_->Transact({}, writes).value());
  std::atomic<bool> stop = false;
  std::thread compactor([&] {
    while (!stop) {
      etcdserverpb::RangeRequest range;
      range.set_key("/journal/pending");
      etcdserverpb::RangeResponse now;
      EXPECT_TRUE(client_->Range(range, now).ok());
      ASSERT_TRUE(store_->Transact({}, {{"/tick", "x"}}).ok());
      (void)std::system(("curl -s -o /dev/null -d '{\"revision\":\"" +
                         std::to_string(now.header().revision()) + "\"}' http://" +
                         Cluster().Endpoint(0) + "/v3/kv/compaction")
                            .c_str());
    }
  });
  for (int i = 0; i < 30; ++i) {
    const Result<std::map<std::string, std::string>> all = store_->Range("/c/");
    ASSERT_TRUE(all.ok()) << all.error();
    EXPECT_EQ(all.value().size(), writes.size());
  }
  stop = true;
  compactor.join();
  for (Write& write : writes) write.value.reset();
  EXPECT_TRUE(store_->Transact({}, writes).value());
}

}  // namespace
}  // namespace weft::relay
