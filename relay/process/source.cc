#include "relay/process/source.h"

#include <atomic>
#include <chrono>
#include <utility>

#include "relay/files/manifests.h"
#include "relay/files/watch.h"
#include "relay/kube/source.h"

namespace weft::relay {
namespace {

constexpr std::chrono::seconds kReread{10};  // when no event tells of a change
constexpr std::chrono::milliseconds kStep{250};
// A burst of events is told as one: after so long without another, or at the latest.
constexpr Time kQuiet = std::chrono::milliseconds(50);
constexpr Time kLatest = std::chrono::seconds(1);

Time Now() {
  return std::chrono::duration_cast<Time>(std::chrono::steady_clock::now().time_since_epoch());
}

agent::Discovered ToEvent(Result<SnapshotPtr> found) {
  agent::Discovered discovered;
  if (found.ok()) {
    discovered.inventory = std::move(found).value();
  } else {
    discovered.reason = found.error();
  }
  return discovered;
}

class DirectorySource : public Source {
 public:
  explicit DirectorySource(const std::string& directory)
      : directory_(directory), watch_(directory) {}
  void Run(const std::function<void(agent::Discovered)>& tell) override {
    while (!stopping_) {
      tell(ToEvent(DiscoverDirectory(directory_)));
      watch_.Wait(kReread);
    }
  }
  void Stop() override {
    stopping_ = true;
    watch_.Interrupt();
  }

 private:
  const std::string directory_;
  Watch watch_;
  std::atomic<bool> stopping_ = false;
};

class ClusterSource : public Source {
 public:
  explicit ClusterSource(kube::Access access)
      : source_(kube::MakeTransfers(std::move(access)), kube::DiscoveredResources(),
                static_cast<std::uint64_t>(Now().count())) {}
  void Run(const std::function<void(agent::Discovered)>& tell) override {
    Time changed_at{0};
    Time first_change_at{0};
    bool news = false;
    while (!stopping_) {
      const bool changed = source_.Run(news ? kQuiet : kStep, Now());
      const Time now = Now();
      if (changed) {
        changed_at = now;
        if (!news) first_change_at = now;
        news = true;
      }
      if (!news || (now - changed_at < kQuiet && now - first_change_at < kLatest)) continue;
      news = false;
      tell(ToEvent(source_.Found(now)));
    }
  }
  void Stop() override {
    stopping_ = true;
    source_.Wake();
  }

 private:
  kube::ClusterSource source_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace

std::unique_ptr<Source> OpenDirectorySource(const std::string& directory) {
  return std::make_unique<DirectorySource>(directory);
}

Result<std::unique_ptr<Source>> OpenClusterSource(const std::string& kubeconfig,
                                                  const std::string& context) {
  Result<kube::Access> access = kube::FindAccess(kubeconfig, context);
  if (!access.ok()) return Error{access.error()};
  return std::unique_ptr<Source>(std::make_unique<ClusterSource>(std::move(access).value()));
}

}  // namespace weft::relay
