// What runs in a cluster, by its API server: one reflector for each kind, and their transfers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dsl/result.h"
#include "relay/kube/api.h"
#include "relay/kube/reflector.h"
#include "relay/kube/resources.h"

namespace weft::relay::kube {

// For one thread, but for Wake.
class ClusterSource {
 public:
  ClusterSource(std::unique_ptr<Transfers> transfers, const std::vector<Resource>& resources,
                std::uint64_t seed);
  ~ClusterSource();
  ClusterSource(const ClusterSource&) = delete;
  ClusterSource& operator=(const ClusterSource&) = delete;

  // Works for at most `patience`. True when Found() may give something else than before.
  bool Run(std::chrono::milliseconds patience, Time now);
  // Everything that was discovered. An error, never a smaller set, while a kind was not read once
  // or cannot be read now.
  [[nodiscard]] Result<SnapshotPtr> Found(Time now) const;
  // Thread-safe: ends a Run.
  void Wake() { transfers_->Wake(); }

 private:
  struct Stream;
  void Deliver(Stream& stream, const Event& event);
  void Do(Stream& stream, const List& action);
  void Do(Stream& stream, const Watch& action);
  void Do(Stream& stream, const StopWatch& action);
  void TakeLines(Stream& stream, std::string_view bytes);

  std::unique_ptr<Transfers> transfers_;
  std::vector<std::unique_ptr<Stream>> streams_;
  Time now_{0};
  std::string last_error_ = "nothing was read yet";
  std::uint64_t last_changes_ = 0;
};

}  // namespace weft::relay::kube
