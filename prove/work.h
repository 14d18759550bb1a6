// State of one run; internal to prove/.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "emit/check/decisions.h"
#include "emit/check/destination_decisions.h"
#include "emit/check/registry.h"
#include "emit/check/route_decisions.h"
#include "prove/prove.h"
#include "verifier/atlas.h"
#include "verifier/solver.h"

namespace weft::prove {

// What a difference is told with.
struct Difference {
  engine::ClusterId cluster;
  std::string message;
  Span policy;                                       // the line that says otherwise; may be unknown
  const emit::check::IstioObject* object = nullptr;  // at fault; none: an object is missing
  Span part;                                         // of the object
  std::vector<std::string> notes;
  std::optional<engine::Request> request;
  bool allowed = false;   // what the objects do with it
  bool confirmed = true;  // both sides were asked about the request, and say so
};

class Work {
 public:
  Work(const engine::Model& of, const emit::check::Mesh& with, const Options& how);
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  const engine::Model& model;
  const emit::check::Mesh& mesh;
  const emit::check::ObjectIndex index;
  const emit::check::Registry registry;
  const emit::check::Routes routes;
  const emit::check::Destinations destinations;
  verifier::Atlas atlas;
  verifier::Solver solver;

  // One finding for each cause: object, line and message.
  void Differs(Difference difference);
  void Undecided(engine::ClusterId cluster, const emit::check::IstioObject* object, Span part,
                 Span policy, const std::string& reason);
  [[nodiscard]] verifier::Report Finish();

  // "AuthorizationPolicy web/cart-allow".
  [[nodiscard]] static std::string NameOf(const emit::check::IstioObject& object);
  // "file:line" of the policy; "" unknown.
  [[nodiscard]] std::string PlaceOf(Span span) const;

 private:
  void Add(engine::ClusterId cluster, Diagnostic diagnostic, verifier::Finding finding,
           verifier::PropertyVerdict verdict);
  void Point(const emit::check::IstioObject* object, Span part, Span policy,
             Diagnostic& diagnostic) const;

  const Options& options_;
  verifier::Report report_;
  std::vector<verifier::PropertyVerdict> verdicts_;  // by cluster
  std::set<std::tuple<engine::ClusterId, const emit::check::IstioObject*, Span, std::string>> told_;
  double since_ = 0;
};

// The comparisons.
void CompareServers(Work& work);
void CompareRoutes(Work& work);
void CompareDestinations(Work& work);
void CompareWithReference(Work& work, const emit::check::Mesh* reference);

}  // namespace weft::prove
