#include "relay/process/target.h"

#include <chrono>
#include <filesystem>
#include <thread>
#include <utility>

#include "relay/files/files.h"
#include "relay/files/manifests.h"
#include "relay/kube/access.h"
#include "relay/kube/api.h"
#include "relay/kube/target.h"
#include "relay/process/log.h"
#include "relay/xds/encode.h"
#include "relay/xds/server.h"

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

class McpTarget : public Target {
 public:
  explicit McpTarget(std::unique_ptr<mcp::McpServer> server) : server_(std::move(server)) {}

  // What is served is there once every istiod that asks has taken it.
  agent::TargetRead Read(const SnapshotPtr&, const std::set<ObjectKey>&) override {
    if (!served_) return {};
    std::string why;
    for (int i = 0; i < kLooks; ++i) {
      why = WhyNotTaken(server_->GetReception());
      if (why.empty()) return {.found = served_, .failed = ""};
      std::this_thread::sleep_for(kBetweenLooks);
    }
    return {.found = nullptr, .failed = why};
  }
  agent::TargetWritten Write(const agent::WriteTarget& action) override {
    Result<mcp::ContentPtr> content = mcp::EncodeContent(*action.objects);
    if (!content.ok()) return {false, content.error()};
    server_->Serve(std::move(content).value());
    served_ = action.objects;
    return {true, ""};
  }
  agent::Tried Try(const agent::TryTarget& action) override {
    agent::Tried tried;
    for (const ObjectPtr& object : action.objects) {
      const Result<std::string> encoded = mcp::EncodeResource(*object);
      if (!encoded.ok()) tried.errors.push_back({object->key, object->digest, encoded.error()});
    }
    return tried;
  }
  [[nodiscard]] bool IsPiecemeal() const override { return true; }

 private:
  static constexpr int kLooks = 30;
  static constexpr std::chrono::milliseconds kBetweenLooks{100};

  static std::string WhyNotTaken(const mcp::Reception& reception) {
    if (!reception.refusal.empty()) return "istiod refuses it: " + reception.refusal;
    if (reception.streams == 0) return "no istiod asks for it";
    const int late = reception.streams - reception.up_to_date;
    return late == 0 ? ""
                     : std::to_string(late) + " of " + std::to_string(reception.streams) +
                           " istiods have not taken it";
  }

  std::unique_ptr<mcp::McpServer> server_;
  SnapshotPtr served_;  // null: nothing yet
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

Result<std::unique_ptr<Target>> OpenMcpTarget(const std::string& address) {
  Result<std::unique_ptr<mcp::McpServer>> server = mcp::McpServer::Start(address);
  if (!server.ok()) return Error{"--apply xds=" + server.error()};
  return std::unique_ptr<Target>(std::make_unique<McpTarget>(std::move(server).value()));
}

Result<std::unique_ptr<Target>> OpenClusterTarget(const std::string& kubeconfig,
                                                  const std::string& context) {
  Result<kube::Access> access = kube::FindAccess(kubeconfig, context);
  if (!access.ok()) return Error{access.error()};
  return std::unique_ptr<Target>(std::make_unique<ClusterTarget>(std::move(access).value()));
}

}  // namespace weft::relay
