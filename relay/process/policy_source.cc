#include "relay/process/policy_source.h"

#include <filesystem>
#include <set>
#include <utility>

#include "relay/files/files.h"
#include "relay/files/git.h"
#include "relay/files/watch.h"
#include "relay/process/candidate.h"

namespace weft::relay {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kReread{5};  // when no event tells of a change
constexpr std::chrono::seconds kLook{1};    // at a ref: packed refs and odd file systems tell less

class DirectoryPolicy : public PolicySource {
 public:
  explicit DirectoryPolicy(const std::string& directory)
      : directory_(directory), watch_(directory) {}

  Result<PolicyRevision> Read() override {
    const Result<std::string> digest = PolicyDigest(directory_);
    if (!digest.ok()) return Error{digest.error()};
    return PolicyRevision{.directory = directory_, .digest = digest.value()};
  }
  void Wait() override { watch_.Wait(kReread); }
  void Interrupt() override { watch_.Interrupt(); }

 private:
  const std::string directory_;
  Watch watch_;
};

class GitPolicy : public PolicySource {
 public:
  GitPolicy(GitRef ref, std::string scratch)
      : ref_(std::move(ref)), scratch_(std::move(scratch)), watch_(RefsDirectory(ref_)) {}

  Result<PolicyRevision> Read() override {
    const Result<GitTree> tree = ExportTree(ref_, scratch_);
    if (!tree.ok()) return Error{tree.error()};
    if (tree.value().directory != newest_.directory) {
      const Result<std::string> digest = PolicyDigest(tree.value().directory);
      if (!digest.ok()) {
        return Error{"`" + ref_.repository + "@" + ref_.ref + "` (" + tree.value().revision +
                     ") cannot be read, or holds no `.weft` file"};
      }
      Forget(tree.value().directory);
      newest_ = {.directory = tree.value().directory, .digest = digest.value()};
    }
    newest_.revision = tree.value().revision;
    return newest_;
  }
  void Wait() override { watch_.Wait(kLook); }
  void Interrupt() override { watch_.Interrupt(); }

 private:
  // Keeps the new one and the one before it, which may still be read.
  void Forget(const std::string& next) const {
    std::error_code error;
    std::set<fs::path> old;
    for (fs::directory_iterator it(scratch_, error), end; !error && it != end;
         it.increment(error)) {
      if (it->path() != next && it->path() != newest_.directory) old.insert(it->path());
    }
    for (const fs::path& path : old) fs::remove_all(path, error);
  }

  const GitRef ref_;
  const std::string scratch_;
  PolicyRevision newest_;
  Watch watch_;
};

}  // namespace

Result<std::unique_ptr<PolicySource>> OpenPolicy(const std::string& policy,
                                                 const std::string& scratch) {
  std::error_code error;
  if (fs::is_directory(policy, error) || policy.find('@') == std::string::npos) {
    return std::unique_ptr<PolicySource>(std::make_unique<DirectoryPolicy>(policy));
  }
  const Result<GitRef> ref = ParseGitRef(policy);
  if (!ref.ok()) return Error{ref.error()};
  const Status made = MakeDirectory(scratch);
  if (!made.ok()) return Error{made.error()};
  return std::unique_ptr<PolicySource>(std::make_unique<GitPolicy>(ref.value(), scratch));
}

}  // namespace weft::relay
