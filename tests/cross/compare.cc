#include "tests/cross/compare.h"

#include <cmath>
#include <map>
#include <set>

#include "dsl/overloaded.h"
#include "engine/lower.h"

namespace weft::cross {
namespace {

using emit::check::Decision;
using engine::Model;
using engine::Outcome;

std::string HostOf(const Model& model, const engine::TargetRef& target, engine::ClusterId cluster) {
  return std::visit(Overloaded{
                        [&](engine::ServiceId id) { return model[id].Fqdn(model[cluster]); },
                        [&](auto id) { return model[id].hosts.front(); },
                    },
                    target);
}

// Stage and status of a block, in one text. A refused connection has no status to compare.
std::string BlockText(const std::string& stage, int status) {
  if (stage == "hidden") return "hidden";
  // A required token is an authorization rule in Istio: the stage differs, the answer does not.
  if (stage == "authentication" && status == 403) return "denied 403";
  return stage + " " + std::to_string(status);
}

// Shares of one rule, merged: Istio and the model may list one destination twice.
using Shares = std::map<std::string, double>;

std::string ShareText(const std::string& host, const std::string& subset,
                      const std::set<engine::ClusterId>& clusters, const std::string& block) {
  std::string text = host + "|" + subset + "|";
  for (const engine::ClusterId id : clusters) text += std::to_string(id.value) + ",";
  return text + "|" + block;
}

std::string Text(const Shares& shares) {
  std::string text;
  for (const auto& [share, weight] : shares) {
    text += share + "=" + std::to_string(std::lround(weight)) + "; ";
  }
  return text;
}

Shares OfModel(const Model& model, const engine::Request& request, const Outcome& outcome) {
  Shares shares;
  for (const engine::Branch& branch : outcome.branches) {
    std::set<engine::ClusterId> clusters;
    std::string block;
    if (branch.blocked) {
      block =
          BlockText(std::string(engine::StageName(branch.blocked->stage)), branch.blocked->status);
    }
    if (!branch.tiers.empty()) {
      for (const engine::Backend& b : branch.tiers.front().backends) clusters.insert(b.cluster);
    }
    shares[ShareText(HostOf(model, branch.target, request.cluster), branch.subset, clusters,
                     block)] += branch.weight;
  }
  return shares;
}

Shares OfIstio(const Decision& decision) {
  Shares shares;
  for (const Decision::Share& s : decision.shares) {
    shares[ShareText(s.host, s.subset, s.clusters,
                     s.blocked ? BlockText(s.stage, s.status) : "")] += s.weight;
  }
  return shares;
}

}  // namespace

std::string Difference(const Model& model, const engine::Request& request, const Outcome& outcome,
                       const Decision& decision) {
  if (outcome.blocked) {
    const std::string here =
        BlockText(std::string(engine::StageName(outcome.blocked->stage)), outcome.blocked->status);
    // A table of rules that can never match is written as an answer of its own.
    if (decision.kind == Decision::Kind::kAnswered && decision.status == 404 &&
        here == "no-route 404") {
      return "";
    }
    if (decision.kind != Decision::Kind::kBlocked) return "the evaluator blocks: " + here;
    const std::string there = BlockText(decision.stage, decision.status);
    return here == there ? "" : "blocked as `" + here + "`, in Istio as `" + there + "`";
  }
  if (outcome.answered) {
    if (decision.kind != Decision::Kind::kAnswered) return "only the evaluator answers itself";
    int status = 0;
    std::string location;
    std::visit(Overloaded{
                   [&](const engine::Redirect& r) {
                     status = r.code;
                     location = engine::Location(r, request);
                   },
                   [&](const engine::Respond& r) { status = r.status; },
               },
               *outcome.answered);
    if (status != decision.status) return "different status of the answer";
    return location == decision.location
               ? ""
               : "redirect to `" + location + "`, in Istio to `" + decision.location + "`";
  }
  // Where the way out of the mesh does not run, callers' proxies answer for it.
  if (decision.kind == Decision::Kind::kAnswered && decision.status == 503 &&
      outcome.FirstBlock() != nullptr && !outcome.AllowedSomewhere() &&
      outcome.FirstBlock()->stage == engine::Stage::kUnavailable) {
    return "";
  }
  if (decision.kind != Decision::Kind::kForwarded) {
    return "the evaluator forwards, Istio: " + BlockText(decision.stage, decision.status);
  }
  if (outcome.path != decision.path || outcome.host != decision.host) {
    return "servers see `" + outcome.host + outcome.path + "`, in Istio `" + decision.host +
           decision.path + "`";
  }
  const Shares here = OfModel(model, request, outcome);
  const Shares there = OfIstio(decision);
  if (Text(here) == Text(there)) return "";
  return "shares differ\n  evaluator " + Text(here) + "\n  istio     " + Text(there);
}

namespace {

std::string SpansText(const std::vector<Span>& spans) {
  std::string text;
  for (const Span& span : spans) {
    text += " " + std::to_string(span.file.value) + ":" + std::to_string(span.begin) + "-" +
            std::to_string(span.end);
  }
  return text;
}

std::string BlockText(const std::optional<engine::Block>& block) {
  if (!block) return "none";
  return BlockText(std::string(engine::StageName(block->stage)), block->status) +
         SpansText(block->rules);
}

std::string AnswerText(const Outcome& outcome) {
  if (!outcome.answered) return "none";
  return std::visit(
      Overloaded{
          [](const engine::Redirect& r) {
            return "redirect " + std::to_string(r.code) + (r.https ? " https " : " ") + r.host +
                   " " + r.path + " " + std::to_string(r.port.value_or(0));
          },
          [](const engine::Respond& r) { return std::to_string(r.status) + " " + r.body; },
      },
      *outcome.answered);
}

std::string BackendText(const engine::Backend& backend) {
  return " " + std::to_string(backend.cluster.value) + "/" +
         std::to_string(backend.service.index()) + "/" +
         std::to_string(std::visit([](auto id) { return id.value; }, backend.service)) + "/" +
         backend.subset;
}

std::string BranchText(const engine::Branch& branch) {
  std::string text = std::to_string(branch.weight) + " to " +
                     std::to_string(branch.target.index()) + "/" +
                     std::to_string(std::visit([](auto id) { return id.value; }, branch.target)) +
                     "/" + branch.subset + " tiers";
  for (const engine::Tier& tier : branch.tiers) {
    text += " |";
    for (const engine::Backend& backend : tier.backends) text += BackendText(backend);
  }
  return text + " blocked " + BlockText(branch.blocked);
}

std::string BranchesText(const Outcome& outcome) {
  std::string text;
  for (const engine::Branch& branch : outcome.branches) text += "\n    " + BranchText(branch);
  return text;
}

}  // namespace

std::string Difference(const Outcome& reference, const Outcome& compiled) {
  const auto differ = [](const std::string& what, const std::string& a, const std::string& b) {
    return what + " differs\n  reference " + a + "\n  compiled  " + b;
  };
  const auto same = [](const std::optional<engine::Retries>& a,
                       const std::optional<engine::Retries>& b) {
    if (!a || !b) return a.has_value() == b.has_value();
    return a->attempts == b->attempts && a->per_try == b->per_try && a->on == b->on &&
           a->span == b->span;
  };
  const std::pair<std::string, std::string> blocks{BlockText(reference.blocked),
                                                   BlockText(compiled.blocked)};
  if (blocks.first != blocks.second) return differ("block", blocks.first, blocks.second);
  const std::string answer = AnswerText(reference);
  if (answer != AnswerText(compiled)) return differ("answer", answer, AnswerText(compiled));
  const std::string branches = BranchesText(reference);
  if (branches != BranchesText(compiled)) {
    return differ("branches", branches, BranchesText(compiled));
  }
  const std::string spans = SpansText(reference.rules);
  if (spans != SpansText(compiled.rules)) return differ("lines", spans, SpansText(compiled.rules));
  if (reference.rule != compiled.rule) return "another rule decides";
  if (reference.path != compiled.path) return differ("path", reference.path, compiled.path);
  if (reference.host != compiled.host) return differ("host", reference.host, compiled.host);
  if (reference.timeout != compiled.timeout) return "another timeout";
  if (!same(reference.retries, compiled.retries)) return "other retries";
  if (reference.headers != compiled.headers) return "other headers";
  return "";
}

std::string RequestText(const Model& model, const engine::Request& request) {
  std::string text = request.method + " " + request.host + ":" + std::to_string(request.port) +
                     request.path + " cluster " + model[request.cluster].name;
  if (!request.source.IsNone())
    text += " from " + model[request.source].ns + "/" + model[request.source].name;
  if (!request.gateway.IsNone()) text += std::string(" at gateway") + (request.tls ? " tls" : "");
  if (request.plaintext) text += " plaintext";
  if (request.direct) text += " direct";
  text += " layer " + std::to_string(static_cast<int>(request.layer));
  for (const auto& [k, v] : request.headers) text += " " + k + "=" + v;
  for (const auto& [k, v] : request.query) text += " ?" + k + "=" + v;
  for (const engine::Token& token : request.tokens) {
    text += std::string(token.valid ? " jwt" : " badjwt") + std::to_string(token.provider.value);
    for (const auto& [claim, values] : token.claims) {
      for (const std::string& v : values) text += " " + claim + ":" + v;
    }
  }
  text += " ip " + request.source_ip + " remote " + request.remote_ip;
  for (const engine::ClusterId id : request.lost_clusters) text += " lost " + model[id].name;
  return text;
}

}  // namespace weft::cross
