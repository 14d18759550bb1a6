#include "relay/store/backup.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "relay/store/lock.h"
#include "relay/store/records.h"
#include "relay/store/sqlite_store.h"

namespace weft::relay {
namespace {

namespace fs = std::filesystem;

struct CloseCopy {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
using Copy = std::unique_ptr<sqlite3, CloseCopy>;

Result<Copy> OpenCopy(const std::string& path, int flags) {
  sqlite3* opened = nullptr;
  const int status = sqlite3_open_v2(path.c_str(), &opened, flags, nullptr);
  Copy copy(opened);
  if (status != SQLITE_OK) return Error{"`" + path + "` cannot be opened"};
  sqlite3_busy_timeout(copy.get(), 10'000);
  return copy;
}

Status CopyDatabase(const std::string& from, const std::string& to) {
  const Result<Copy> source = OpenCopy(from, SQLITE_OPEN_READWRITE);
  if (!source.ok()) return Error{source.error()};
  const Result<Copy> target = OpenCopy(to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  if (!target.ok()) return Error{target.error()};
  sqlite3_backup* backup =
      sqlite3_backup_init(target.value().get(), "main", source.value().get(), "main");
  if (backup == nullptr) return Error{"`" + to + "`: " + sqlite3_errmsg(target.value().get())};
  const int done = sqlite3_backup_step(backup, -1);
  sqlite3_backup_finish(backup);
  if (done != SQLITE_DONE) return Error{"`" + from + "`: " + sqlite3_errstr(done)};
  return Unit{};
}

Status Sync(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return Error{"`" + path + "` cannot be opened"};
  const bool ok = ::fsync(descriptor) == 0;
  ::close(descriptor);
  return ok ? Status(Unit{}) : Status(Error{"`" + path + "` cannot be brought to the disk"});
}

// To `path`, on the disk.
Status Move(const std::string& from, const std::string& path) {
  const Status synced = Sync(from);
  if (!synced.ok()) return synced;
  std::error_code error;
  fs::rename(from, path, error);
  if (error) return Error{"`" + path + "`: " + error.message()};
  const fs::path parent = fs::path(path).parent_path();
  return Sync(parent.empty() ? "." : parent.string());
}

// A file that is there for its owner alone before anything is in it.
Status MakePrivate(const std::string& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) return Error{"`" + path + "` cannot be made"};
  ::close(descriptor);
  return Unit{};
}

// Whether what lies in `directory` is a store, whole.
Status CheckStore(const std::string& directory) {
  const Result<std::unique_ptr<Store>> store = OpenSqliteStore(directory);
  if (!store.ok()) return Error{store.error()};
  const Result<std::optional<std::string>> id = store.value()->Get("/weft/v1/store_id");
  if (!id.ok()) return Error{id.error()};
  if (!id.value()) return Error{"it is not the store of a weft server"};
  const Result<std::uint64_t> audit = VerifyAudit(*store.value());
  if (!audit.ok()) return Error{"its audit log: " + audit.error()};
  return Unit{};
}

}  // namespace

Status BackUpStore(const std::string& directory, const std::string& file) {
  std::error_code error;
  const std::string database = directory + "/weft.db";
  if (!fs::exists(database, error)) return Error{"`" + directory + "` holds no store"};
  const fs::path path = fs::absolute(file, error);
  const std::string partial =
      (path.parent_path() / ("." + path.filename().string() + ".partial")).string();
  Status done = MakePrivate(partial);
  if (done.ok()) done = CopyDatabase(database, partial);
  if (done.ok()) done = Move(partial, path.string());
  if (!done.ok()) fs::remove(partial, error);
  return done;
}

Status RestoreStore(const std::string& file, const std::string& directory) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) return Error{"`" + file + "` is no file"};
  fs::create_directories(directory, error);
  if (error) return Error{"`" + directory + "`: " + error.message()};
  const Result<std::unique_ptr<StoreLock>> lock = LockStore(directory);
  if (!lock.ok()) return Error{lock.error()};
  for (const char* name : {"/weft.db", "/weft.db-wal"}) {
    if (!fs::exists(directory + name, error)) continue;
    return Error{"`" + directory + "` holds a store; move it away first"};
  }
  const std::string trial = directory + "/.restored";
  fs::remove_all(trial, error);
  fs::create_directories(trial, error);
  Status done = MakePrivate(trial + "/weft.db");
  if (done.ok()) {
    fs::copy_file(file, trial + "/weft.db", fs::copy_options::overwrite_existing, error);
    if (error) done = Error{"`" + file + "`: " + error.message()};
  }
  if (done.ok()) {
    done = CheckStore(trial);
    if (!done.ok()) done = Error{"`" + file + "`: " + done.error()};
  }
  if (done.ok()) done = Move(trial + "/weft.db", directory + "/weft.db");
  fs::remove_all(trial, error);
  return done;
}

}  // namespace weft::relay
