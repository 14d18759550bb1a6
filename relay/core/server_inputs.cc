// The server: what agents discover, and when the pipeline runs.
#include <utility>

#include "relay/core/limits.h"
#include "relay/core/server.h"

namespace weft::relay::server {

void Server::Handle(const std::string& name, Cluster& cluster, const Discovery& message) {
  if (message.part == 0) {
    cluster.upload = Upload{.sequence = message.sequence, .full = message.full};
    cluster.upload->delta.parent = message.delta.parent;
    cluster.upload->delta.root = message.delta.root;
  }
  if (!cluster.upload || cluster.upload->sequence != message.sequence ||
      cluster.upload->parts != message.part) {
    // A part is missing; the agent sends the upload again when no answer comes.
    cluster.upload.reset();
    return;
  }
  Upload& upload = *cluster.upload;
  ++upload.parts;
  for (const ObjectPtr& object : message.delta.changed) {
    if (object->content.size() > kMaxObjectBytes) {
      return Quarantine(name, cluster, "`" + ToText(object->key) + "` is larger than 256 KiB");
    }
    std::string wrong = config_.check_input ? config_.check_input(*object) : "";
    if (!wrong.empty()) {
      return Quarantine(name, cluster, "`" + ToText(object->key) + "`: " + std::move(wrong));
    }
    upload.bytes += object->content.size();
    upload.delta.changed.push_back(object);
  }
  upload.delta.removed.insert(upload.delta.removed.end(), message.delta.removed.begin(),
                              message.delta.removed.end());
  if (upload.bytes > kMaxInputBytes || upload.delta.changed.size() > kMaxObjects ||
      upload.delta.removed.size() > kMaxObjects) {
    return Quarantine(name, cluster, "more was discovered than one cluster may report");
  }
  if (message.last) TakeUpload(name, cluster);
}

void Server::TakeUpload(const std::string& name, Cluster& cluster) {
  const Upload upload = std::move(*cluster.upload);
  cluster.upload.reset();
  const SnapshotPtr& before = upload.full ? EmptySnapshot() : cluster.record.input;
  if (!upload.full && upload.delta.parent != before->root) {
    actions_.emplace_back(Send{cluster.session, InputNack{upload.sequence, ""}});
    return;
  }
  const Result<SnapshotPtr> after = ApplyDelta(*before, upload.delta);
  if (!after.ok()) {
    cluster.upload = upload;
    return Quarantine(name, cluster, after.error());
  }
  if (after.value()->objects.empty()) {
    // A cluster always runs something: an emptied source is a broken one.
    cluster.upload = upload;
    return Quarantine(name, cluster, "nothing was discovered");
  }
  if (after.value()->objects.size() > kMaxObjects) {
    cluster.upload = upload;
    return Quarantine(name, cluster, "more was discovered than one cluster may report");
  }
  const bool news = !cluster.record.reported || (!cluster.reported_here && !rebased_) ||
                    cluster.record.input->root != after.value()->root;
  cluster.record.input = after.value();
  cluster.record.reported = true;
  cluster.fresh = true;
  cluster.reported_here = true;
  cluster.source_error.clear();
  cluster.input_refused.clear();
  actions_.emplace_back(Send{cluster.session, InputAck{upload.sequence, after.value()->root}});
  if (!news) return;
  (void)ForgetServed(cluster);
  dirty_.insert(name);
  Changed();
  MaybeCommit();
}

// What the cluster reported before stays; nobody else is touched.
void Server::Quarantine(const std::string& name, Cluster& cluster, const std::string& why) {
  const std::uint64_t sequence = cluster.upload ? cluster.upload->sequence : 0;
  cluster.upload.reset();
  cluster.input_refused = why;
  actions_.emplace_back(Send{cluster.session, InputNack{sequence, why}});
  actions_.emplace_back(Audit{"cluster " + name, "discovery refused: " + why});
}

void Server::Handle(const std::string&, Cluster& cluster, const Degraded& message) {
  cluster.source_error = message.reason.empty() ? "the source cannot be read" : message.reason;
  cluster.upload.reset();
}

void Server::Handle(const PolicyRead& event) {
  degraded_ = event.digest.empty() ? event.degraded : "";
  if (event.digest.empty() || event.digest == policy_) return;
  policy_ = event.digest;
  for (auto& [name, cluster] : clusters_) cluster.rollback_to = nullptr;
  Changed();
}

// The first change after a quiet time is worked on at once; a burst waits a little for its rest.
void Server::Changed() {
  ++serial_;
  const bool quiet = now_ - changed_at_ >= config_.quiet;
  if (serial_ == 1 || quiet) {
    compile_at_ = now_;
  } else if (compile_at_ <= now_) {
    compile_at_ = now_ + config_.debounce;
  }
  changed_at_ = now_;
  MaybeCompile();
}

void Server::MaybeCompile() {
  if (policy_.empty() || compiling_ != 0 || compiled_ == serial_ || now_ < compile_at_) return;
  compiling_ = serial_;
  compiling_rebased_ = AllReportedHere();
  Compile compile{.serial = serial_};
  for (const auto& [name, cluster] : clusters_) {
    if (cluster.record.reported) compile.inputs[name] = cluster.record.input;
  }
  actions_.emplace_back(std::move(compile));
}

void Server::Handle(const Compiled& event) {
  if (event.candidate.serial != compiling_) return;
  compiled_ = compiling_;
  compiling_ = 0;
  candidate_ = event.candidate;
  if (candidate_.verdict == Verdict::kProved && WaitingFor().empty()) {
    rebased_ = rebased_ || compiling_rebased_;
    proved_ = candidate_.policy;
    for (const auto& [name, output] : candidate_.outputs) {
      Cluster& cluster = clusters_[name];
      cluster.candidate = output;
      cluster.candidate_policy = candidate_.policy;
      if (ForgetRefusals(cluster)) dirty_.insert(name);
    }
  }
  candidate_.outputs.clear();
  MaybeCommit();
  MaybeCompile();
}

}  // namespace weft::relay::server
