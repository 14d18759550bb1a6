#include "relay/store/backup.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "relay/store/records.h"
#include "relay/store/sqlite_store.h"

namespace weft::relay {
namespace {

namespace fs = std::filesystem;

class BackupTest : public testing::Test {
 protected:
  BackupTest() : path_(testing::TempDir() + "/weft-backup-" + std::to_string(::getpid())) {
    fs::remove_all(path_);
    fs::create_directories(path_);
    store_ = OpenSqliteStore(path_ + "/store").value();
    Records records(*store_);
    EXPECT_TRUE(records.Lead().ok());
    EXPECT_TRUE(records.Log({"operator", "did something"}, 1).ok());
  }
  ~BackupTest() override { fs::remove_all(path_); }

  const std::string path_;
  std::unique_ptr<Store> store_;
};

TEST_F(BackupTest, IsTakenUnderARunningServerAndPutBack) {
  ASSERT_TRUE(BackUpStore(path_ + "/store", path_ + "/copy").ok());
  EXPECT_EQ(fs::status(path_ + "/copy").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  ASSERT_TRUE(store_->Transact({}, {{"/weft/v1/later", "1"}}).value());
  const Status restored = RestoreStore(path_ + "/copy", path_ + "/other");
  ASSERT_TRUE(restored.ok()) << restored.error();
  const std::unique_ptr<Store> other = OpenSqliteStore(path_ + "/other").value();
  EXPECT_EQ(other->Get("/weft/v1/store_id").value(), store_->Get("/weft/v1/store_id").value());
  EXPECT_EQ(other->Get("/weft/v1/later").value(), std::nullopt);
  EXPECT_EQ(VerifyAudit(*other).value(), 1U);
  // Again over an older copy.
  ASSERT_TRUE(BackUpStore(path_ + "/store", path_ + "/copy").ok());
}

TEST_F(BackupTest, NeverReplacesAStoreNorTakesWhatIsNone) {
  ASSERT_TRUE(BackUpStore(path_ + "/store", path_ + "/copy").ok());
  EXPECT_FALSE(RestoreStore(path_ + "/copy", path_ + "/store").ok()) << "a server uses it";
  store_.reset();
  EXPECT_FALSE(RestoreStore(path_ + "/copy", path_ + "/store").ok()) << "it holds a store";
  std::ofstream(path_ + "/text") << "no database";
  std::ofstream(path_ + "/empty");
  fs::copy_file(path_ + "/copy", path_ + "/half");
  fs::resize_file(path_ + "/half", fs::file_size(path_ + "/half") / 2);
  for (const char* bad : {"/text", "/empty", "/half", "/none"}) {
    EXPECT_FALSE(RestoreStore(path_ + bad, path_ + "/other").ok()) << bad;
    EXPECT_FALSE(fs::exists(path_ + "/other/weft.db")) << bad;
  }
  EXPECT_FALSE(BackUpStore(path_ + "/none", path_ + "/copy").ok());
  EXPECT_FALSE(BackUpStore(path_ + "/other", path_ + "/no/such/copy").ok());
}

TEST_F(BackupTest, RefusesACopyWhoseAuditLogWasChanged) {
  const std::map<std::string, std::string> log = store_->Range("/weft/v1/audit/").value();
  std::string entry = log.begin()->second;
  entry.replace(entry.find("something"), 9, "otherwise");
  ASSERT_TRUE(store_->Transact({}, {{log.begin()->first, entry}}).value());
  ASSERT_TRUE(BackUpStore(path_ + "/store", path_ + "/copy").ok());
  const Status restored = RestoreStore(path_ + "/copy", path_ + "/other");
  ASSERT_FALSE(restored.ok());
  EXPECT_NE(restored.error().find("audit"), std::string::npos);
}

}  // namespace
}  // namespace weft::relay
