// What every store must do, whatever it is made of.
#include "relay/store/store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <thread>

#include "etcd/cluster.h"
#include "relay/store/etcd_store.h"
#include "relay/store/records.h"
#include "relay/store/sqlite_store.h"

namespace weft::relay {
namespace {

// A place for one test's store, which can be opened again.
class StorePlace {
 public:
  virtual ~StorePlace() = default;
  virtual std::unique_ptr<Store> Open() = 0;
};

class SqlitePlace : public StorePlace {
 public:
  SqlitePlace() : path_(testing::TempDir() + "/weft-store-" + std::to_string(::getpid())) {
    std::filesystem::remove_all(path_);
  }
  ~SqlitePlace() override { std::filesystem::remove_all(path_); }
  std::unique_ptr<Store> Open() override { return OpenSqliteStore(path_).value(); }

 private:
  const std::string path_;
};

// One cluster for all tests, a prefix for each.
EtcdCluster& SharedCluster() {
  static EtcdCluster cluster;
  return cluster;
}

class EtcdPlace : public StorePlace {
 public:
  EtcdPlace() {
    static std::atomic<int> number = 0;
    address_ = SharedCluster().Address("/test" + std::to_string(++number));
  }
  std::unique_ptr<Store> Open() override {
    Result<std::unique_ptr<Store>> store = OpenEtcdStore(ParseEtcdAddress(address_).value(), {});
    if (!store.ok()) ADD_FAILURE() << store.error();
    return std::move(store).value();
  }

 private:
  std::string address_;
};

struct StoreKind {
  const char* name;
  std::function<std::unique_ptr<StorePlace>()> make;
};

class StoreTest : public testing::TestWithParam<StoreKind> {
 protected:
  StoreTest() : place_(GetParam().make()), store_(place_->Open()) {}
  void Reopen() {
    store_.reset();
    store_ = place_->Open();
  }
  bool Write(const std::string& key, const std::string& value) {
    return store_->Transact({}, {{key, value}}).value();
  }

  std::unique_ptr<StorePlace> place_;
  std::unique_ptr<Store> store_;
};

using Entries = std::map<std::string, std::string>;

TEST_P(StoreTest, GivesBackWhatWasWritten) {
  EXPECT_EQ(store_->Get("/a").value(), std::nullopt);
  const std::string bytes = std::string("\0\xff=#", 4) + "text";
  ASSERT_TRUE(store_->Transact({}, {{"/a", bytes}, {"/b", ""}}).value());
  EXPECT_EQ(store_->Get("/a").value(), bytes);
  EXPECT_EQ(store_->Get("/b").value(), "");
  ASSERT_TRUE(store_->Transact({}, {{"/a", std::nullopt}, {"/none", std::nullopt}}).value());
  EXPECT_EQ(store_->Get("/a").value(), std::nullopt);
  Reopen();
  EXPECT_EQ(store_->Get("/a").value(), std::nullopt);
  EXPECT_EQ(store_->Get("/b").value(), "");
}

TEST_P(StoreTest, WritesWhenEveryComparisonHolds) {
  ASSERT_TRUE(store_->Transact({{"/a", std::nullopt}}, {{"/a", "1"}, {"/b", "1"}}).value());
  EXPECT_FALSE(store_->Transact({{"/a", std::nullopt}}, {{"/a", "2"}}).value());
  EXPECT_FALSE(store_->Transact({{"/a", "1"}, {"/b", "2"}}, {{"/a", "3"}, {"/c", "3"}}).value());
  EXPECT_FALSE(store_->Transact({{"/none", ""}}, {{"/a", "3"}}).value()) << "absent is not empty";
  EXPECT_EQ(store_->Range("/").value(), (Entries{{"/a", "1"}, {"/b", "1"}}));
  EXPECT_TRUE(
      store_->Transact({{"/a", "1"}, {"/b", "1"}}, {{"/a", "4"}, {"/b", std::nullopt}}).value());
  EXPECT_EQ(store_->Range("/").value(), (Entries{{"/a", "4"}}));
  EXPECT_TRUE(store_->Transact({{"/a", "4"}}, {}).value()) << "a question";
  EXPECT_FALSE(store_->Transact({{"/a", "5"}}, {}).value());
}

TEST_P(StoreTest, OfWritesToOneKeyTheLastCounts) {
  ASSERT_TRUE(
      store_->Transact({}, {{"/a", "1"}, {"/a", "2"}, {"/b", "1"}, {"/b", std::nullopt}}).value());
  EXPECT_EQ(store_->Range("/").value(), (Entries{{"/a", "2"}}));
}

TEST_P(StoreTest, ARangeIsWhatBeginsWithItsPrefix) {
  for (const char* key : {"/a", "/a.", "/a/", "/a/b", "/a/\xff", "/a0", "/a0/c", "/b/a/"}) {
    ASSERT_TRUE(Write(key, key));
  }
  EXPECT_EQ(store_->Range("/a/").value(),
            (Entries{{"/a/", "/a/"}, {"/a/b", "/a/b"}, {"/a/\xff", "/a/\xff"}}));
  EXPECT_EQ(store_->Range("/c/").value(), Entries());
}

TEST_P(StoreTest, HoldsManyEntries) {
  std::vector<relay::Write> writes;
  Entries wanted;
  for (int i = 0; i < 1500; ++i) {
    const std::string key = "/many/" + std::to_string(i);
    writes.push_back({key, key + " is here"});
    wanted[key] = key + " is here";
  }
  ASSERT_TRUE(store_->Transact({{"/head", std::nullopt}}, writes).value());
  EXPECT_EQ(store_->Range("/many/").value(), wanted);
  // All or none, also of so many.
  for (relay::Write& write : writes) write.value = "changed";
  EXPECT_FALSE(store_->Transact({{"/head", "1"}}, writes).value());
  EXPECT_EQ(store_->Range("/many/").value(), wanted);
  for (relay::Write& write : writes) write.value.reset();
  writes.push_back({"/head", "2"});
  ASSERT_TRUE(store_->Transact({}, writes).value());
  EXPECT_EQ(store_->Range("/").value(), (Entries{{"/head", "2"}}));
}

TEST_P(StoreTest, HoldsLargeValues) {
  std::string large(std::size_t{5} << 20, 'x');
  for (std::size_t i = 0; i < large.size(); i += 1000) large[i] = static_cast<char>(i / 1000);
  const std::string other = large + "y";
  ASSERT_TRUE(store_->Transact({}, {{"/l/a", large}, {"/l/b", "small"}}).value());
  EXPECT_EQ(store_->Range("/l/").value(), (Entries{{"/l/a", large}, {"/l/b", "small"}}));
  EXPECT_FALSE(store_->Transact({{"/l/a", other}}, {{"/l/a", "no"}}).value());
  ASSERT_TRUE(store_->Transact({{"/l/a", large}}, {{"/l/a", other}}).value());
  Reopen();
  EXPECT_EQ(store_->Get("/l/a").value(), other);
  // Smaller again, larger again, gone.
  ASSERT_TRUE(Write("/l/a", "small"));
  EXPECT_EQ(store_->Get("/l/a").value(), "small");
  ASSERT_TRUE(Write("/l/a", large));
  EXPECT_EQ(store_->Get("/l/a").value(), large);
  ASSERT_TRUE(store_->Transact({}, {{"/l/a", std::nullopt}}).value());
  EXPECT_EQ(store_->Range("/l/").value(), (Entries{{"/l/b", "small"}}));
}

TEST_P(StoreTest, OfWritersAtOnceOneWinsEachStep) {
  ASSERT_TRUE(Write("/n", "0"));
  constexpr int kSteps = 25;
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&] {
      for (int won = 0; won < kSteps;) {
        const std::string before = store_->Get("/n").value().value();
        const std::string after = std::to_string(std::stoi(before) + 1);
        if (store_->Transact({{"/n", before}}, {{"/n", after}}).value()) ++won;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(store_->Get("/n").value(), std::to_string(4 * kSteps));
}

// Two entries that are always written together are always read together.
TEST_P(StoreTest, ARangeIsOfOneMoment) {
  std::vector<relay::Write> writes;
  const auto write_all = [&](int round) {
    writes.clear();
    for (int i = 0; i < 600; ++i) {
      writes.push_back({"/r/" + std::to_string(i), std::to_string(round)});
    }
    return store_->Transact({}, writes).value();
  };
  ASSERT_TRUE(write_all(0));
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int round = 1; round <= 12; ++round) EXPECT_TRUE(write_all(round));
    done = true;
  });
  while (!done) {
    const Result<Entries> all = store_->Range("/r/");
    EXPECT_TRUE(all.ok());
    EXPECT_EQ(all.value().size(), 600U);
    for (const auto& [key, value] : all.value()) {
      ASSERT_EQ(value, all.value().begin()->second) << key;
    }
  }
  writer.join();
}

// The server's records on it.
TEST_P(StoreTest, ASecondLeaderFencesTheFirst) {
  Records first(*store_);
  const Result<ServerImage> old = first.Lead();
  ASSERT_TRUE(old.ok()) << old.error();
  Reopen();
  Records second(*store_);
  const Result<ServerImage> leader = second.Lead(1000);
  ASSERT_TRUE(leader.ok());
  EXPECT_EQ(leader.value().term, 1000U);
  EXPECT_EQ(leader.value().store_id, old.value().store_id);
  server::Commit late{.term = old.value().term, .new_term = old.value().term};
  late.head = {late.term, 1};
  EXPECT_EQ(second.Save(late, 1).outcome, server::Committed::Outcome::kFenced);
}

std::string NameOf(const testing::TestParamInfo<StoreKind>& kind) { return kind.param.name; }

INSTANTIATE_TEST_SUITE_P(
    All, StoreTest,
    testing::Values(StoreKind{"Sqlite", [] { return std::make_unique<SqlitePlace>(); }},
                    StoreKind{"Etcd", [] { return std::make_unique<EtcdPlace>(); }}),
    NameOf);

}  // namespace
}  // namespace weft::relay
