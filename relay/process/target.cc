#include "relay/process/target.h"

#include <filesystem>
#include <utility>

#include "relay/files/files.h"
#include "relay/files/manifests.h"
#include "relay/kube/access.h"
#include "relay/kube/api.h"
#include "relay/kube/target.h"
#include "relay/process/log.h"

namespace weft::relay {
namespace {

class DirectoryTarget : public Target {
 public:
  explicit DirectoryTarget(const std::string& directory) : path_(directory + "/weft.yaml") {}

  agent::TargetRead Read(const SnapshotPtr&, const std::set<ObjectKey>&) override {
    const Result<std::string> text = ReadWhole(path_);
    if (!text.ok()) return {};
    const Result<SnapshotPtr> found = FromManifest(text.value());
    return {.found = found.ok() ? found.value() : nullptr, .failed = ""};
  }
  agent::TargetWritten Write(const agent::WriteTarget& action) override {
    const Status written = WriteDurably(path_, ToManifest(*action.objects, action.version), 0644);
    return {written.ok(), written.ok() ? "" : written.error()};
  }
  agent::Tried Try(const agent::TryTarget&) override { return {}; }
  [[nodiscard]] bool IsPiecemeal() const override { return false; }

 private:
  const std::string path_;
};

class ClusterTarget : public Target {
 public:
  explicit ClusterTarget(kube::Access access)
      : api_(kube::MakeApi(std::move(access))), target_(*api_) {}

  agent::TargetRead Read(const SnapshotPtr& wanted, const std::set<ObjectKey>& leaving) override {
    const Result<SnapshotPtr> found = target_.Read(wanted, leaving);
    if (!found.ok()) return {.found = nullptr, .failed = found.error()};
    return {.found = found.value(), .failed = ""};
  }
  agent::TargetWritten Write(const agent::WriteTarget& action) override {
    const Status written = target_.Write(*action.objects, action.leaving, action.version);
    std::vector<Drifted> drifted = target_.TakeDrift();
    for (const Drifted& drift : drifted) {
      Log(Level::kWarning, "drift repaired",
          {{"object", ToText(drift.key)}, {"detail", drift.detail}});
    }
    return {written.ok(), written.ok() ? "" : written.error(), std::move(drifted)};
  }
  agent::Tried Try(const agent::TryTarget& action) override {
    Result<std::vector<ObjectError>> errors = target_.Try(action.objects);
    if (!errors.ok()) return {.errors = {}, .failed = errors.error()};
    return {.errors = std::move(errors).value(), .failed = ""};
  }
  [[nodiscard]] bool IsPiecemeal() const override { return true; }

 private:
  std::unique_ptr<kube::Api> api_;
  kube::ClusterTarget target_;
};

}  // namespace

Result<std::unique_ptr<Target>> OpenDirectoryTarget(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return Error{"`" + directory + "`: " + error.message()};
  return std::unique_ptr<Target>(std::make_unique<DirectoryTarget>(directory));
}

Result<std::unique_ptr<Target>> OpenClusterTarget(const std::string& kubeconfig,
                                                  const std::string& context) {
  Result<kube::Access> access = kube::FindAccess(kubeconfig, context);
  if (!access.ok()) return Error{access.error()};
  return std::unique_ptr<Target>(std::make_unique<ClusterTarget>(std::move(access).value()));
}

}  // namespace weft::relay
