// What host names stand for, and who knows them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "engine/compiled/host_index.h"
#include "engine/compiled/targets.h"
#include "engine/compiled/text_map.h"
#include "engine/model.h"

namespace weft::engine::compiled {

class HostNames {
 public:
  explicit HostNames(const Model& model);

  // Number of a namespace, for Resolve; TextMap::kAbsent when no service runs in it.
  [[nodiscard]] std::uint32_t NamespaceNumber(std::string_view ns) const;

  // What a client in the namespace and cluster reaches under `host`: destinations by their hosts,
  // services as Kubernetes DNS finds them, externals by their most specific host.
  [[nodiscard]] std::optional<TargetRef> Resolve(std::string_view host, std::uint32_t ns,
                                                 ClusterId cluster) const;

  // Whether proxies of the workspace know the target.
  [[nodiscard]] bool Knows(WorkspaceId workspace, const TargetRef& target) const {
    const std::size_t row = workspace.IsNone() ? 0 : workspace.index() + 1;
    return known_[row * TargetCount(model_) + TargetNumber(model_, target)];
  }

  // Whether a trimmed proxy of the workspace listens for HTTP on the port.
  [[nodiscard]] bool Listens(WorkspaceId workspace, ClusterId cluster, std::uint16_t port) const;

 private:
  [[nodiscard]] ServiceId ServiceOf(std::string_view host, std::uint32_t ns,
                                    ClusterId cluster) const;
  template <typename Object>
  [[nodiscard]] bool SharedWith(const Object& object, WorkspaceId workspace) const;
  template <typename Object>
  [[nodiscard]] bool AnnouncedTo(const Object& object, WorkspaceId workspace) const;
  template <typename Object>
  [[nodiscard]] bool KnowsWhatWeftAnnounces(WorkspaceId workspace, const Object& object) const;
  void AddKnown();
  [[nodiscard]] bool IsBeforeEgress(ServiceId service, WorkspaceId workspace) const;
  void AddListeners(WorkspaceId workspace);

  const Model& model_;
  TextMap destinations_;               // host -> DestinationId
  TextMap namespaces_;                 // name -> number
  TextMap services_;                   // (namespace number, name) -> ServiceId
  std::vector<bool> runs_;             // service x cluster
  HostIndex externals_;                // host -> ExternalIds
  std::vector<std::string> suffixes_;  // ".svc.<domain>" of each cluster
  std::vector<bool> has_gateway_;      // by WorkspaceId
  std::vector<bool> known_;            // (none, each workspace) x TargetNumber
  // Of trimmed proxies, for HTTP; sorted.
  std::vector<std::tuple<WorkspaceId, ClusterId, std::uint16_t>> listeners_;
};

}  // namespace weft::engine::compiled
