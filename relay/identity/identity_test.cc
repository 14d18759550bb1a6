#include "relay/identity/identity.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <ctime>
#include <filesystem>
#include <map>
#include <thread>
#include <vector>

#include "relay/store/sqlite_store.h"

namespace weft::relay {
namespace {

// A directory of the test's own.
class Identity : public testing::Test {
 protected:
  Identity() : path_(testing::TempDir() + "/weft-identity-" + std::to_string(::getpid())) {
    std::filesystem::remove_all(path_);
  }
  ~Identity() override { std::filesystem::remove_all(path_); }
  const std::string path_;
};

TEST_F(Identity, AnAgentsCertificateNamesItsCluster) {
  const Result<Authority> authority = Authority::Open(path_);
  ASSERT_TRUE(authority.ok());
  const Result<KeyAndRequest> made = MakeKeyAndRequest();
  ASSERT_TRUE(made.ok());
  const Result<std::string> chain =
      authority.value().SignAgent(made.value().csr, "east", std::chrono::hours(1));
  ASSERT_TRUE(chain.ok());
  const Result<std::string> cluster = ClusterOf(chain.value());
  ASSERT_TRUE(cluster.ok());
  EXPECT_EQ(cluster.value(), "east");
}

TEST_F(Identity, OtherCertificatesNameNone) {
  const Result<Authority> authority = Authority::Open(path_);
  ASSERT_TRUE(authority.ok());
  const Result<Authority::ServerCertificate> server =
      authority.value().SignServer(std::chrono::hours(1));
  ASSERT_TRUE(server.ok());
  EXPECT_FALSE(ClusterOf(server.value().chain).ok());
  EXPECT_FALSE(ClusterOf(authority.value().root()).ok());
  EXPECT_FALSE(ClusterOf("").ok());
  EXPECT_FALSE(ClusterOf("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").ok());
}

TEST_F(Identity, ARequestWithoutItsKeyIsRefused) {
  const Result<Authority> authority = Authority::Open(path_);
  ASSERT_TRUE(authority.ok());
  EXPECT_FALSE(authority.value().SignAgent("", "east", std::chrono::hours(1)).ok());
  EXPECT_FALSE(
      authority.value().SignAgent(authority.value().root(), "east", std::chrono::hours(1)).ok());
}

TEST_F(Identity, TheAuthorityIsTheSameAfterARestart) {
  const Result<Authority> first = Authority::Open(path_);
  const Result<Authority> second = Authority::Open(path_);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first.value().root(), second.value().root());
  std::filesystem::remove(path_ + "/root.key");
  EXPECT_FALSE(Authority::Open(path_).ok());
}

TEST_F(Identity, ATokenIsWorthOneCertificate) {
  const Result<std::unique_ptr<Store>> store = OpenSqliteStore(path_);
  ASSERT_TRUE(store.ok());
  const std::string root(64, 'a');
  const Result<Token> token = IssueToken(*store.value(), "east", root, 1000);
  ASSERT_TRUE(token.ok());
  std::atomic<int> won = 0;
  std::vector<std::thread> rivals;
  for (int i = 0; i < 8; ++i) {
    rivals.emplace_back([&] {
      for (int j = 0; j < 50; ++j) {
        if (RedeemToken(*store.value(), ToText(token.value()), 500).ok()) ++won;
      }
    });
  }
  for (std::thread& rival : rivals) rival.join();
  EXPECT_EQ(won, 1);
}

TEST_F(Identity, ATokenIsForItsClusterAndItsTime) {
  const Result<std::unique_ptr<Store>> store = OpenSqliteStore(path_);
  ASSERT_TRUE(store.ok());
  const std::string root(64, 'a');
  const Result<Token> late = IssueToken(*store.value(), "east", root, 1000);
  EXPECT_FALSE(RedeemToken(*store.value(), ToText(late.value()), 1001).ok());
  Token other = IssueToken(*store.value(), "east", root, 1000).value();
  other.cluster = "west";
  EXPECT_FALSE(RedeemToken(*store.value(), ToText(other), 500).ok());
  EXPECT_FALSE(RedeemToken(*store.value(), "weft1:east::", 500).ok());
  EXPECT_FALSE(RedeemToken(*store.value(), "", 500).ok());
}

TEST_F(Identity, TheStoreHoldsNoTokenInClear) {
  const Result<std::unique_ptr<Store>> store = OpenSqliteStore(path_);
  const Result<Token> token = IssueToken(*store.value(), "east", std::string(64, 'a'), 1000);
  const Result<std::map<std::string, std::string>> all = store.value()->Range("/weft/v1/");
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all.value().size(), 1U);
  for (const auto& [key, value] : all.value()) {
    EXPECT_EQ(key.find(token.value().secret), std::string::npos);
    EXPECT_EQ(value.find(token.value().secret), std::string::npos);
  }
}

TEST_F(Identity, RevocationVoidsWhatWasGivenBefore) {
  const std::unique_ptr<Store> store = OpenSqliteStore(path_ + "/store").value();
  const Token east = IssueToken(*store, "east", "00", 2000).value();
  const Token west = IssueToken(*store, "west", std::string(64, '0'), 2000).value();
  ASSERT_TRUE(Revoke(*store, "east", 1000).ok());
  EXPECT_FALSE(RedeemToken(*store, ToText(east), 1001).ok());
  EXPECT_TRUE(RedeemToken(*store, ToText(west), 1001).ok());
  EXPECT_EQ(Revocations(*store).value(), (std::map<std::string, std::int64_t>{{"east", 1000}}));

  const Result<Authority> authority = Authority::Open(path_ + "/ca");
  ASSERT_TRUE(authority.ok());
  const std::string csr = MakeKeyAndRequest().value().csr;
  const std::int64_t now = std::time(nullptr);
  const Validity issued =
      ValidityOf(authority.value().SignAgent(csr, "east", std::chrono::hours(1)).value()).value();
  EXPECT_FALSE(IsRevoked(issued, now - 5));
  EXPECT_TRUE(IsRevoked(issued, now + 5));
}

}  // namespace
}  // namespace weft::relay
