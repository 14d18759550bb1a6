#include "relay/store/records.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "relay/store/sqlite_store.h"

namespace weft::relay {
namespace {

class RecordsTest : public testing::Test {
 protected:
  RecordsTest() : path_(testing::TempDir() + "/weft-records-" + std::to_string(::getpid())) {
    std::filesystem::remove_all(path_);
    Open();
  }
  ~RecordsTest() override { std::filesystem::remove_all(path_); }
  void Open() {
    store_.reset();
    Result<std::unique_ptr<Store>> store = OpenSqliteStore(path_);
    ASSERT_TRUE(store.ok());
    store_ = std::move(store).value();
  }
  static SnapshotPtr Set(const std::string& content) {
    const ObjectKey key{"VirtualService.networking.istio.io", "shop", "main"};
    return MakeSnapshot({{key, MakeObject(key, content, {{"weft.dev/source", "a.weft:1"}})}});
  }
  // An object an agent named, whose content never was here.
  static ObjectPtr Named(const ObjectKey& key) {
    auto object = std::make_shared<Object>();
    object->key = key;
    object->digest = Sha256("elsewhere");
    return object;
  }
  // A release of `content` for east, on top of `image`.
  static server::Commit Commit(const ServerImage& image, const std::string& content) {
    server::Commit commit{.term = image.term, .new_term = image.term, .parent = image.head};
    commit.head = {image.term, image.head.generation + 1};
    commit.reign = {image.reigns.at(image.term).number, commit.head.generation};
    ClusterRecord record;
    record.version = commit.head;
    record.desired = Set(content);
    record.input = Set("input");
    record.reported = true;
    record.permits = {{Sha256("list"), "operator"}};
    const ObjectPtr before = Set("before")->objects.begin()->second;
    record.refused[before->key][Sha256("bad")] = {"why", before};
    record.refused[before->key][Sha256("worse")] = {"why too", Named(before->key)};
    record.spent = {{"Gateway.networking.istio.io", 2}};
    record.pinned_policy = "two";
    record.pinned_why = "east is not well";
    record.admitted = "one";
    record.good = Set("good");
    record.good_policy = "zero";
    commit.records["east"] = record;
    commit.what = "east +1 -0";
    commit.actor = "weft";
    return commit;
  }

  const std::string path_;
  std::unique_ptr<Store> store_;
};

using Outcome = server::Committed::Outcome;

TEST_F(RecordsTest, KnowsWhatARingHeldAndWentBackFrom) {
  std::uint64_t generation = 0;
  {
    Records records(*store_);
    const Result<ServerImage> image = records.Lead();
    ASSERT_TRUE(image.ok());
    ASSERT_EQ(records.Save(Commit(image.value(), "one"), 1).outcome, Outcome::kDone);
    generation = image.value().head.generation + 1;
    const Result<std::string> releases = records.Releases();
    ASSERT_TRUE(releases.ok());
    EXPECT_NE(releases.value().find("\"generation\": " + std::to_string(generation)),
              std::string::npos);
    EXPECT_NE(releases.value().find(ToHex(Set("one")->root)), std::string::npos);
  }
  Open();
  // Twice: what it held is not swept away as something that nobody needs.
  for (int i = 0; i < 2; ++i) {
    Records records(*store_);
    const Result<ServerImage> image = records.Lead();
    ASSERT_TRUE(image.ok()) << image.error();
    const ClusterRecord& record = image.value().clusters.at("east");
    EXPECT_EQ(record.pinned_policy, "two");
    EXPECT_EQ(record.pinned_why, "east is not well");
    EXPECT_EQ(record.admitted, "one");
    EXPECT_EQ(record.good_policy, "zero");
    ASSERT_NE(record.good, nullptr);
    EXPECT_EQ(record.good->root, Set("good")->root);
  }
}

TEST_F(RecordsTest, WhatWasCommittedIsThereAfterARestart) {
  server::Commit commit;
  {
    Records records(*store_);
    const Result<ServerImage> image = records.Lead();
    ASSERT_TRUE(image.ok());
    commit = Commit(image.value(), "one");
    ASSERT_EQ(records.Save(commit, 1).outcome, Outcome::kDone);
  }
  Open();
  Records records(*store_);
  const Result<ServerImage> image = records.Lead();
  ASSERT_TRUE(image.ok()) << image.error();
  EXPECT_EQ(image.value().term, 2U);
  EXPECT_EQ(image.value().head, commit.head);
  EXPECT_EQ(image.value().reigns.at(1).last_generation, 1U);
  const ClusterRecord& record = image.value().clusters.at("east");
  const ClusterRecord& wanted = commit.records.at("east");
  EXPECT_EQ(record.version, wanted.version);
  EXPECT_EQ(record.desired->root, wanted.desired->root);
  EXPECT_EQ(record.desired->objects.begin()->second->annotations,
            wanted.desired->objects.begin()->second->annotations);
  EXPECT_EQ(record.input->root, wanted.input->root);
  EXPECT_EQ(record.permits, wanted.permits);
  EXPECT_EQ(record.spent, wanted.spent);
  ASSERT_EQ(record.refused.size(), 1U);
  const std::map<Digest, Refusal>& refused = record.refused.begin()->second;
  EXPECT_EQ(refused.at(Sha256("bad")).instead->content, "before");
  EXPECT_EQ(refused.at(Sha256("worse")).instead->content, "");
  EXPECT_EQ(refused.at(Sha256("worse")).instead->digest, Sha256("elsewhere"));
}

TEST_F(RecordsTest, OneSuccessorAndOneLeader) {
  Records first(*store_);
  const Result<ServerImage> old = first.Lead();
  Records second(*store_);
  const Result<ServerImage> leader = second.Lead();
  ASSERT_TRUE(old.ok() && leader.ok());
  EXPECT_FALSE(first.StillLeads(old.value().term).value());
  EXPECT_EQ(first.Save(Commit(old.value(), "one"), 1).outcome, Outcome::kFenced);
  EXPECT_EQ(second.Save(Commit(leader.value(), "one"), 1).outcome, Outcome::kDone);
  // The same parent again.
  EXPECT_EQ(second.Save(Commit(leader.value(), "two"), 1).outcome, Outcome::kFenced);
}

TEST_F(RecordsTest, ReleasesCanBeGoneBackTo) {
  Records records(*store_);
  ServerImage image = records.Lead().value();
  for (const char* content : {"one", "two", "three"}) {
    const server::Commit commit = Commit(image, content);
    ASSERT_EQ(records.Save(commit, 1).outcome, Outcome::kDone);
    image.head = commit.head;
  }
  const Result<std::map<std::string, SnapshotPtr>> two = records.Release(2);
  ASSERT_TRUE(two.ok());
  EXPECT_EQ(two.value().at("east")->root, Set("two")->root);
  EXPECT_FALSE(records.Release(9).ok());
}

TEST_F(RecordsTest, TheAuditShowsEveryChange) {
  Records records(*store_);
  ServerImage image = records.Lead().value();
  ASSERT_EQ(records.Save(Commit(image, "one"), 1).outcome, Outcome::kDone);
  ASSERT_TRUE(records.Log({"operator", "approved"}, 2).ok());
  ASSERT_TRUE(records.Log({"operator", "rolled back"}, 3).ok());
  ASSERT_EQ(VerifyAudit(*store_).value(), 3U);
  const std::map<std::string, std::string> all = store_->Range("/weft/v1/audit/").value();
  for (const auto& [key, value] : all) {
    std::string changed = value;
    changed[changed.find("time") + 7] = '9';
    ASSERT_TRUE(store_->Transact({}, {{key, changed}}).value());
    EXPECT_FALSE(VerifyAudit(*store_).ok()) << key << " changed";
    ASSERT_TRUE(store_->Transact({}, {{key, std::nullopt}}).value());
    EXPECT_FALSE(VerifyAudit(*store_).ok()) << key << " removed";
    ASSERT_TRUE(store_->Transact({}, {{key, value}}).value());
  }
  EXPECT_TRUE(VerifyAudit(*store_).ok());
}

TEST_F(RecordsTest, OnlyOneProcessHasAStore) { EXPECT_FALSE(OpenSqliteStore(path_).ok()); }

TEST_F(RecordsTest, TransactionsAreWholeOrNot) {
  ASSERT_TRUE(store_->Transact({{"/a", std::nullopt}}, {{"/a", "1"}, {"/b", "1"}}).value());
  EXPECT_FALSE(store_->Transact({{"/a", "2"}}, {{"/a", "3"}}).value());
  EXPECT_FALSE(store_->Transact({{"/a", "1"}, {"/b", "2"}}, {{"/a", "3"}}).value());
  EXPECT_EQ(store_->Get("/a").value(), "1");
  ASSERT_TRUE(store_->Transact({{"/a", "1"}}, {{"/a", std::nullopt}}).value());
  EXPECT_EQ(store_->Get("/a").value(), std::nullopt);
}

}  // namespace
}  // namespace weft::relay
