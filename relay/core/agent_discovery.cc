// The agent: what was discovered, on its way to the server.
#include <utility>

#include "relay/core/agent.h"
#include "relay/core/limits.h"

namespace weft::relay::agent {

void Agent::Handle(const Discovered& event) {
  if (!event.inventory) {
    if (degraded_ == event.reason) return;
    degraded_ = event.reason.empty() ? "the source cannot be read" : event.reason;
    if (welcomed_) Say(Degraded{degraded_});
    return;
  }
  const bool recovered = !degraded_.empty();
  degraded_.clear();
  inventory_ = event.inventory;
  // An upload tells the server that the source can be read again, even an empty one.
  if (recovered && server_input_ && server_input_->root == inventory_->root && !uploading_) {
    return SendDelta(Diff(*server_input_, *inventory_), false);
  }
  Upload();
}

void Agent::Handle(const Welcome& message) {
  welcomed_ = true;
  failures_ = 0;
  welcome_input_ = message.input_root;
  if (!degraded_.empty()) Say(Degraded{degraded_});
  if (!complaint_.empty()) Say(Heartbeat{degraded_, complaint_});
  Upload();
}

// Sends what the server does not have. The first of a session is sent even when nothing changed: it
// says that the source can be read.
void Agent::Upload() {
  if (!welcomed_ || uploading_ || !inventory_ || !degraded_.empty()) return;
  if (inventory_->root == refused_input_) return;
  if (server_input_ && server_input_->root == inventory_->root && !send_full_) return;
  if (!send_full_ && server_input_) return SendDelta(Diff(*server_input_, *inventory_), false);
  if (!send_full_ && welcome_input_ == inventory_->root) {
    return SendDelta({.parent = inventory_->root, .root = inventory_->root}, false);
  }
  SendDelta(Diff(*EmptySnapshot(), *inventory_), true);
}

void Agent::SendDelta(Delta delta, bool full) {
  uploading_ = inventory_;
  uploaded_at_ = now_;
  send_full_ = false;
  Discovery part{.sequence = ++upload_, .part = 0, .last = false, .full = full};
  part.delta.parent = delta.parent;
  part.delta.root = delta.root;
  std::size_t bytes = 0;
  const auto flush = [&](bool last) {
    part.last = last;
    Say(part);
    ++part.part;
    part.delta.changed.clear();
    part.delta.removed.clear();
    bytes = 0;
  };
  for (ObjectPtr& object : delta.changed) {
    if (bytes + object->content.size() > kPartBytes && bytes > 0) flush(false);
    bytes += object->content.size() + 256;
    part.delta.changed.push_back(std::move(object));
  }
  for (ObjectKey& key : delta.removed) {
    if (bytes > kPartBytes) flush(false);
    bytes += 512;
    part.delta.removed.push_back(std::move(key));
  }
  flush(true);
}

void Agent::Handle(const InputAck& message) {
  if (!uploading_ || message.sequence != upload_) return;
  send_full_ = message.root != uploading_->root;
  server_input_ = std::exchange(uploading_, nullptr);
  Upload();
}

void Agent::Handle(const InputNack& message) {
  if (!uploading_ || message.sequence != upload_) return;
  if (message.refused.empty()) {
    send_full_ = true;
  } else {
    refused_input_ = uploading_->root;
    last_error_ = "the server refuses what was discovered: " + message.refused;
  }
  uploading_ = nullptr;
  Upload();
}

}  // namespace weft::relay::agent
