#include "relay/store/sqlite_store.h"

#include <sqlite3.h>

#include <filesystem>
#include <mutex>
#include <utility>

#include "relay/store/lock.h"

namespace weft::relay {
namespace {

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct FinishStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, FinishStatement>;

class SqliteStore : public Store {
 public:
  SqliteStore(std::unique_ptr<StoreLock> lock, Database database)
      : lock_(std::move(lock)), database_(std::move(database)) {}

  Result<std::optional<std::string>> Get(const std::string& key) override {
    const std::lock_guard<std::mutex> guard(mutex_);
    return GetLocked(key);
  }

  Result<std::map<std::string, std::string>> Range(const std::string& prefix) override {
    const std::lock_guard<std::mutex> guard(mutex_);
    Statement statement =
        Prepare("SELECT key, value FROM entries WHERE key >= ?1 AND key < ?2 ORDER BY key");
    if (!statement) return Failure();
    // Prefixes end in '/', so that the next character bounds them.
    std::string end = prefix;
    end.back() = static_cast<char>(end.back() + 1);
    Bind(statement, 1, prefix);
    Bind(statement, 2, end);
    std::map<std::string, std::string> entries;
    int status = SQLITE_ROW;
    while ((status = sqlite3_step(statement.get())) == SQLITE_ROW) {
      entries[Column(statement, 0)] = Column(statement, 1);
    }
    if (status != SQLITE_DONE) return Failure();
    return entries;
  }

  Result<bool> Transact(const std::vector<Compare>& compares,
                        const std::vector<Write>& writes) override {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (!Run("BEGIN IMMEDIATE")) return Failure();
    Result<bool> done = TransactLocked(compares, writes);
    if (done.ok() && done.value() && !Run("COMMIT")) done = Failure();
    if (!done.ok() || !done.value()) (void)Run("ROLLBACK");
    return done;
  }

 private:
  [[nodiscard]] Error Failure() const { return Error{sqlite3_errmsg(database_.get())}; }
  bool Run(const char* sql) {
    return sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK;
  }
  Statement Prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(database_.get(), sql, -1, &statement, nullptr);
    return Statement(statement);
  }
  static void Bind(Statement& statement, int at, const std::string& bytes) {
    sqlite3_bind_blob64(statement.get(), at, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
  }
  static std::string Column(Statement& statement, int at) {
    const void* data = sqlite3_column_blob(statement.get(), at);
    const int size = sqlite3_column_bytes(statement.get(), at);
    return data == nullptr
               ? std::string()
               : std::string(static_cast<const char*>(data), static_cast<std::size_t>(size));
  }

  Result<std::optional<std::string>> GetLocked(const std::string& key) {
    Statement statement = Prepare("SELECT value FROM entries WHERE key = ?1");
    if (!statement) return Failure();
    Bind(statement, 1, key);
    const int status = sqlite3_step(statement.get());
    if (status == SQLITE_DONE) return std::optional<std::string>();
    if (status != SQLITE_ROW) return Failure();
    return std::optional<std::string>(Column(statement, 0));
  }

  Result<bool> TransactLocked(const std::vector<Compare>& compares,
                              const std::vector<Write>& writes) {
    for (const Compare& compare : compares) {
      const Result<std::optional<std::string>> found = GetLocked(compare.key);
      if (!found.ok()) return Error{found.error()};
      if (found.value() != compare.value) return false;
    }
    for (const Write& write : writes) {
      Statement statement =
          write.value ? Prepare("INSERT OR REPLACE INTO entries (key, value) VALUES (?1, ?2)")
                      : Prepare("DELETE FROM entries WHERE key = ?1");
      if (!statement) return Failure();
      Bind(statement, 1, write.key);
      if (write.value) Bind(statement, 2, *write.value);
      if (sqlite3_step(statement.get()) != SQLITE_DONE) return Failure();
    }
    return true;
  }

  std::mutex mutex_;
  std::unique_ptr<StoreLock> lock_;
  Database database_;
};

}  // namespace

Result<std::unique_ptr<Store>> OpenSqliteStore(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return Error{"`" + directory + "`: " + error.message()};
  std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
  Result<std::unique_ptr<StoreLock>> lock = LockStore(directory);
  if (!lock.ok()) return Error{lock.error()};
  const std::string path = directory + "/weft.db";
  sqlite3* opened = nullptr;
  const int status =
      sqlite3_open_v2(path.c_str(), &opened,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(opened);
  if (status != SQLITE_OK) return Error{"`" + path + "` cannot be opened"};
  const char* const kSetUp =
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cell_size_check=ON;"
      "CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, value BLOB NOT NULL) "
      "WITHOUT ROWID";
  if (sqlite3_exec(database.get(), kSetUp, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return Error{"`" + path + "`: " + sqlite3_errmsg(database.get())};
  }
  std::string verdict;
  const auto read = [](void* out, int, char** values, char**) {
    static_cast<std::string*>(out)->append(values[0] == nullptr ? "" : values[0]);
    return 0;
  };
  if (sqlite3_exec(database.get(), "PRAGMA integrity_check(1)", read, &verdict, nullptr) !=
          SQLITE_OK ||
      verdict != "ok") {
    return Error{"`" + path + "` is damaged: " + verdict + "; restore a backup"};
  }
  return std::unique_ptr<Store>(
      std::make_unique<SqliteStore>(std::move(lock).value(), std::move(database)));
}

}  // namespace weft::relay
