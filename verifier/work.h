// State of one verification run; internal to verifier/. Each property stands in a file of its own
// and reports here.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/model.h"
#include "verifier/atlas.h"
#include "verifier/callers.h"
#include "verifier/question.h"
#include "verifier/server_study.h"
#include "verifier/solver.h"
#include "verifier/verify.h"

namespace weft::verifier {

struct Work {
  const engine::Model& model;
  const Options& options;
  Solver& solver;
  Callers& callers;
  Atlas& atlas;
  ServerStudies& servers;
  Report& report;
  std::map<std::pair<std::string, std::string>, std::size_t> known = {};  // properties so far
  std::size_t current = 0;  // property the time counts for
  double since = 0;

  // Adds the time since the last call to the current property.
  void Charge();
  // Verdict of (property, subject): the worst that was reported for it wins. The time until the
  // next call counts for it.
  void Conclude(const std::string& property, const std::string& subject, PropertyVerdict verdict);
  // Adds a finding and marks its property as violated.
  Diagnostic& Violation(const std::string& property, const std::string& subject, const Code& code,
                        Severity severity, Span span, std::string message);
  void Undecided(const std::string& property, const std::string& subject, Span span,
                 const std::string& reason);
  // Gives the last finding its request: evaluates it, notes it below the snippet, and marks the
  // finding replayed when the evaluator agrees that the request is `allowed`.
  // Returns the lines that decide.
  std::vector<Span> Witness(engine::Request request, std::optional<engine::TargetRef> to,
                            bool allowed, bool expected);

  [[nodiscard]] std::string Workspace(engine::WorkspaceId id) const;
  [[nodiscard]] std::string TargetName(const engine::TargetRef& target) const;
};

// The properties, in the order they run.
void ProveIsolation(Work& work);
void ProveRoutes(Work& work);
void ProveAccess(Work& work);
void ProveHosts(Work& work);
void ProveMtls(Work& work);
void ProveReferences(Work& work);
void ProveFailover(Work& work);
void ProveBudgets(Work& work);
void ProveLimits(Work& work);
void ProveAuthorization(Work& work);
void ProveLaws(Work& work);

// Names what the proofs made so far take for granted (4140); after all of them.
void NameAssumptions(Work& work);

// ---- shared

// The name a caller in `cluster` uses for a service: "name.namespace".
[[nodiscard]] std::string HostOf(const engine::Model& model, const engine::TargetRef& target);

// A request to a port of a service, as `candidate` would send it.
[[nodiscard]] engine::Request RequestTo(const engine::Model& model, engine::ServiceId service,
                                        engine::ClusterId cluster, const engine::ServicePort& port,
                                        const Candidate& candidate);

// The request for people, indented: who calls (`from`), what (`call`), and what it carries.
[[nodiscard]] std::vector<std::string> RequestLines(const engine::Model& model,
                                                    const engine::Request& request);

// Layer of a service port.
[[nodiscard]] engine::Layer LayerOf(const engine::ServicePort& port);

// Destinations that are backed by the service in the cluster.
[[nodiscard]] std::vector<engine::DestinationId> DestinationsOf(const engine::Model& model,
                                                                engine::ServiceId service,
                                                                engine::ClusterId cluster);

}  // namespace weft::verifier
