// What the server keeps in its store, and how. All keys begin with "/weft/v1/":
//
//   store_id, term, head, policy     who this store is, who leads, what is newest
//   reign/<term>                     random number of the term, last generation released in it
//   out/<cluster>                    ClusterRecord; sets by root
//   set/<root>, blob/<digest>        sets of objects and their contents, by digest
//   rel/<generation>                 each release: version, policy, who and why, roots by cluster
//   token/<sha256 of the secret>     cluster, expiry; gone once it was used
//   revoked/<cluster>                since when its certificates up to then are worth nothing
//   audit/<number>, audit_head       the log; each entry holds the digest of the one before
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "relay/core/server.h"
#include "relay/store/store.h"

namespace weft::relay {

// Of the newest releases, so many can be rolled back to.
inline constexpr std::size_t kKeptReleases = 64;

class Records {
 public:
  explicit Records(Store& store) : store_(store) {}

  // Becomes leader: a new term, `least_term` or later, by transaction. Makes the store's id at
  // first use, and drops what no kept release needs.
  [[nodiscard]] Result<ServerImage> Lead(std::uint64_t least_term = 0);
  [[nodiscard]] Result<bool> StillLeads(std::uint64_t term);
  // `unix_seconds` is for the audit only.
  [[nodiscard]] server::Committed Save(const server::Commit& commit, std::int64_t unix_seconds);
  [[nodiscard]] Status Log(const server::Audit& audit, std::int64_t unix_seconds);

  // The releases that can be gone back to, oldest first: a JSON array with generation, version,
  // policy, actor, what, and root by cluster that it changed.
  [[nodiscard]] Result<std::string> Releases();
  // The sets of a release by cluster. Errors: no such generation, or too old.
  [[nodiscard]] Result<std::map<std::string, SnapshotPtr>> Release(std::uint64_t generation);

 private:
  // Sets and blobs, in two reads instead of one for each.
  [[nodiscard]] Status Prefetch();
  [[nodiscard]] Result<std::optional<std::string>> Text(const std::string& key);
  [[nodiscard]] Result<SnapshotPtr> ReadSet(const Digest& root);
  // Without content when the store never had it.
  [[nodiscard]] Result<ObjectPtr> ReadObject(const ObjectKey& key, const Digest& digest);
  void AddSet(const SnapshotPtr& set, std::vector<Write>& writes);
  void AddObject(const Object& object, std::vector<Write>& writes);
  [[nodiscard]] std::vector<Write> AuditWrites(const std::string& actor, const std::string& what,
                                               std::int64_t unix_seconds);
  [[nodiscard]] Status ReadAuditHead();
  [[nodiscard]] Status Collect();

  Store& store_;
  std::set<Digest> stored_;            // sets and blobs known to be there
  std::map<Digest, ObjectPtr> blobs_;  // while loading
  std::optional<std::map<std::string, std::string>> prefetched_;  // by key, while loading
  std::uint64_t audit_number_ = 0;
  std::string audit_digest_;
  std::uint64_t next_audit_number_ = 0;  // as they are once the transaction under way is done
  std::string next_audit_digest_;
};

// The log as text: each entry on a line as it was written, then the head,
// {"head":[<number>,"<digest of the last entry>"]}.
[[nodiscard]] Result<std::string> AuditText(Store& store);
// Whether every entry of such a text holds the digest of the one before, and the head that of the
// last; their number. The error names the first that does not.
[[nodiscard]] Result<std::uint64_t> VerifyAuditText(const std::string& text);
[[nodiscard]] Result<std::uint64_t> VerifyAudit(Store& store);

}  // namespace weft::relay
