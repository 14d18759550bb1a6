#include "verifier/work.h"

#include <algorithm>

#include "dsl/overloaded.h"
#include "engine/lower.h"
#include "verifier/codes.h"

namespace weft::verifier {
namespace {

using engine::Model;
using engine::Request;

std::string CallerText(const Model& model, const Request& request) {
  std::string text;
  std::optional<engine::Identity> identity = request.identity;
  const bool outside = request.source.IsNone() && !identity;
  if (outside) {
    text = "outside the mesh, no mTLS identity";
  } else if (!request.source.IsNone()) {
    const engine::Workload& w = model[request.source];
    if (!w.workspace.IsNone()) text = model[w.workspace].name + "/";
    text += w.name;
    if (!identity && w.sidecar) {
      identity = engine::Identity{model[w.cluster].trust_domain, w.ns, w.account};
    }
  } else {
    text = "a workload that may be deployed";
  }
  if (request.plaintext && !outside) {
    text += ", in clear text";
  } else if (identity) {
    text += "   " + identity->Uri();
  }
  if (!request.cluster.IsNone()) text += "   cluster " + model[request.cluster].name;
  return text;
}

std::string CallText(const Model& model, const Request& request) {
  const bool http = request.layer == engine::Layer::kHttp;
  std::string text = http ? request.method + " " : "connect ";
  if (http) {
    text += request.tls ? "https://" : "http://";
  } else {
    text += request.layer == engine::Layer::kTls ? "tls://" : "tcp://";
  }
  text += request.host.empty() ? request.sni : request.host;
  const std::uint16_t usual = request.tls ? 443 : 80;
  if (request.port != usual) text += ":" + std::to_string(request.port);
  if (http) {
    text += request.path;
    char separator = '?';
    for (const auto& [name, value] : request.query) {
      text += separator + name + "=" + value;
      separator = '&';
    }
  }
  if (!request.gateway.IsNone()) text += "   through gateway " + model[request.gateway].name;
  return text;
}

// What authorizers and limiters say, where it is not the usual.
void AddAnswers(const Model& model, const Request& request, std::vector<std::string>& lines) {
  for (const auto& [id, answer] : request.answers) {
    if (answer == engine::Answer::kAllow) continue;
    lines.push_back("  with   " + model[id].name +
                    (answer == engine::Answer::kDeny ? " denying" : " unavailable"));
  }
  for (const engine::LimitId id : request.exhausted) {
    lines.push_back("  with   limit " + model[id].name + " exhausted");
  }
  for (const engine::LimiterId id : request.silent) {
    lines.push_back("  with   limiter " + model[id].name + " unavailable");
  }
}

std::vector<std::string> DetailLines(const Model& model, const Request& request) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : request.headers) {
    lines.push_back("  header " + name + ": " + value);
  }
  for (const engine::Token& token : request.tokens) {
    std::string line = "  token  " + std::string(token.valid ? "" : "invalid ") + "jwt " +
                       model[token.provider].name;
    for (const auto& [claim, values] : token.claims) {
      line += "  " + claim + "=[";
      for (std::size_t i = 0; i < values.size(); ++i) line += (i ? "," : "") + values[i];
      line += "]";
    }
    lines.push_back(std::move(line));
  }
  if (request.source_ip != Request{}.source_ip) lines.push_back("  source ip " + request.source_ip);
  if (!request.remote_ip.empty()) lines.push_back("  remote ip " + request.remote_ip);
  AddAnswers(model, request, lines);
  for (const engine::ClusterId id : request.lost_clusters) {
    lines.push_back("  lost   cluster " + model[id].name);
  }
  for (const std::string& region : request.lost_regions) {
    lines.push_back("  lost   region " + region);
  }
  for (const std::string& zone : request.lost_zones) lines.push_back("  lost   zone " + zone);
  return lines;
}

// Servers without a ready workload refuse everything today; what they enforce shows once there is
// one.
void ReplayWhenReady(const Work& work, const Request& request, engine::Outcome& outcome,
                     Finding& finding) {
  const engine::Block* block = outcome.FirstBlock();
  if (block == nullptr || block->stage != engine::Stage::kUnavailable) return;
  Model ready = work.model;
  for (engine::Workload& workload : ready.workloads) {
    workload.ready = std::max<std::int64_t>(workload.ready, 1);
  }
  engine::Outcome then = engine::Evaluate(ready, request);
  if (!then.AllowedSomewhere()) return;
  finding.replayed = true;
  for (engine::Branch& branch : then.branches) {
    if (branch.blocked) continue;
    finding.diagnostic.notes.push_back(
        "no workload of what serves this is ready now; the request is let in once one is");
    break;
  }
  then.rule = nullptr;  // of a model that is gone
  outcome = std::move(then);
}

PropertyVerdict Worse(PropertyVerdict a, PropertyVerdict b) {
  const auto rank = [](PropertyVerdict v) {
    return v == PropertyVerdict::kViolated    ? 3
           : v == PropertyVerdict::kUndecided ? 2
           : v == PropertyVerdict::kEmpty     ? 1
                                              : 0;
  };
  return rank(a) >= rank(b) ? a : b;
}

}  // namespace

std::string_view VerdictName(PropertyVerdict verdict) {
  switch (verdict) {
    case PropertyVerdict::kProved:
      return "proved";
    case PropertyVerdict::kViolated:
      return "violated";
    case PropertyVerdict::kUndecided:
      return "undecided";
    case PropertyVerdict::kEmpty:
      return "empty";
  }
  return "";
}

std::size_t Report::Count(PropertyVerdict verdict) const {
  return static_cast<std::size_t>(
      std::count_if(properties.begin(), properties.end(),
                    [&](const Property& p) { return p.verdict == verdict; }));
}

void Work::Conclude(const std::string& property, const std::string& subject,
                    PropertyVerdict verdict) {
  Charge();
  const auto [at, fresh] = known.try_emplace({property, subject}, report.properties.size());
  current = at->second;
  if (fresh) {
    report.properties.push_back({property, subject, verdict, {}, 0});
  } else {
    report.properties[current].verdict = Worse(report.properties[current].verdict, verdict);
  }
}

void Work::Charge() {
  if (!options.seconds) return;
  const double now = options.seconds();
  if (current < report.properties.size()) report.properties[current].seconds += now - since;
  since = now;
}

Diagnostic& Work::Violation(const std::string& property, const std::string& subject,
                            const Code& code, Severity severity, Span span, std::string message) {
  if (severity == Severity::kError) Conclude(property, subject, PropertyVerdict::kViolated);
  Finding finding;
  finding.property = property;
  finding.diagnostic.severity = severity;
  finding.diagnostic.number = code.number;
  finding.diagnostic.name = code.name;
  finding.diagnostic.span = span;
  finding.diagnostic.message = std::move(message);
  report.findings.push_back(std::move(finding));
  return report.findings.back().diagnostic;
}

void Work::Undecided(const std::string& property, const std::string& subject, Span span,
                     const std::string& reason) {
  Conclude(property, subject, PropertyVerdict::kUndecided);
  const auto same = [&](const Finding& earlier) {
    return earlier.diagnostic.number == codes::kUndecided.number && earlier.property == property &&
           earlier.diagnostic.span == span && earlier.diagnostic.message.ends_with(reason);
  };
  if (std::any_of(report.findings.begin(), report.findings.end(), same)) return;
  Violation(property, subject, codes::kUndecided, Severity::kWarning, span,
            "`" + property + "` of `" + subject + "` is undecided: " + reason);
}

std::vector<Span> Work::Witness(Request request, std::optional<engine::TargetRef> to, bool allowed,
                                bool expected) {
  Finding& finding = report.findings.back();
  engine::Outcome outcome = engine::Evaluate(model, request);
  const bool plain = outcome.AllowedSomewhere() == allowed;
  if (!plain && request.gateway.IsNone()) {
    // A route of the caller's own side answers differently: the caller can go around it.
    request.direct = true;
    outcome = engine::Evaluate(model, request);
  }
  finding.replayed = outcome.AllowedSomewhere() == allowed;
  if (!finding.replayed && allowed) ReplayWhenReady(*this, request, outcome, finding);
  finding.to = to;
  finding.allowed = allowed;
  finding.expected = expected;
  std::vector<std::string>& notes = finding.diagnostic.notes;
  if (!finding.replayed) {
    finding.diagnostic.number = codes::kUnproved.number;
    finding.diagnostic.name = codes::kUnproved.name;
    notes.emplace_back("the reference evaluator does not confirm this request:");
  } else {
    notes.emplace_back("counterexample (replayed on the evaluator)");
  }
  for (std::string& line : RequestLines(model, request)) notes.push_back(std::move(line));
  std::string now = engine::OutcomeText(model, outcome);
  Span decided;
  for (const Span& span : outcome.rules) {
    if (span.IsKnown()) decided = span;
  }
  if (decided.IsKnown() && options.place) now += " by " + options.place(decided);
  // Where the request itself is as it should be, something else about it is wrong.
  if (outcome.AllowedSomewhere() != expected) {
    now += std::string("       wanted  ") + (expected ? "served" : "blocked");
  }
  notes.push_back("  now    " + now);
  finding.witness = std::move(request);
  return outcome.rules;
}

std::string Work::Workspace(engine::WorkspaceId id) const {
  return id.IsNone() ? "no workspace" : model[id].name;
}

std::string Work::TargetName(const engine::TargetRef& target) const {
  return std::visit(
      [&](auto id) {
        const engine::WorkspaceId owner = model[id].workspace;
        return (owner.IsNone() ? "" : model[owner].name + ".") + model[id].name;
      },
      target);
}

std::string HostOf(const Model& model, const engine::TargetRef& target) {
  return std::visit(Overloaded{
                        [&](engine::ServiceId id) { return model[id].name + "." + model[id].ns; },
                        [&](engine::DestinationId id) {
                          return model[id].hosts.empty() ? std::string() : model[id].hosts.front();
                        },
                        [&](engine::ExternalId id) {
                          if (model[id].hosts.empty()) return std::string();
                          const std::string& host = model[id].hosts.front();
                          return host.starts_with("*.") ? "x" + host.substr(1) : host;
                        },
                    },
                    target);
}

Request RequestTo(const Model& model, engine::ServiceId service, engine::ClusterId cluster,
                  const engine::ServicePort& port, const Candidate& candidate) {
  Request request;
  request.layer = LayerOf(port);
  request.source = candidate.source;
  request.cluster = candidate.cluster.IsNone() ? cluster : candidate.cluster;
  request.plaintext = !candidate.identity.has_value();
  if (candidate.source.IsNone()) request.identity = candidate.identity;
  request.port = port.number;
  request.host = HostOf(model, service);
  if (request.cluster != cluster) {
    for (const engine::DestinationId id : DestinationsOf(model, service, cluster)) {
      request.host = HostOf(model, id);
    }
  }
  return request;
}

std::vector<std::string> RequestLines(const Model& model, const Request& request) {
  std::vector<std::string> lines{"  from   " + CallerText(model, request),
                                 "  call   " + CallText(model, request) +
                                     (request.direct ? "   addressed to the server itself" : "")};
  for (std::string& line : DetailLines(model, request)) lines.push_back(std::move(line));
  return lines;
}

engine::Layer LayerOf(const engine::ServicePort& port) {
  if (port.IsHttp()) return engine::Layer::kHttp;
  const bool tls =
      port.protocol == engine::PortProtocol::kTls || port.protocol == engine::PortProtocol::kHttps;
  return tls ? engine::Layer::kTls : engine::Layer::kTcp;
}

std::vector<engine::DestinationId> DestinationsOf(const Model& model, engine::ServiceId service,
                                                  engine::ClusterId cluster) {
  std::vector<engine::DestinationId> found;
  for (std::uint32_t i = 0; i < model.destinations.size(); ++i) {
    for (const engine::Backing& b : model.destinations[i].backings) {
      if (b.service == service && b.cluster == cluster) found.push_back({i});
    }
  }
  return found;
}

}  // namespace weft::verifier
