#include "prove/prove.h"

#include <algorithm>

#include "prove/codes.h"
#include "prove/work.h"
#include "verifier/codes.h"
#include "verifier/work.h"

namespace weft::prove {

using emit::check::IstioObject;
using verifier::PropertyVerdict;

Work::Work(const engine::Model& of, const emit::check::Mesh& with, const Options& how)
    : model(of),
      mesh(with),
      index(with),
      registry(with, index),
      routes(with, index, registry),
      destinations(with),
      options_(how),
      verdicts_(of.clusters.size(), PropertyVerdict::kProved),
      since_(how.seconds ? how.seconds() : 0) {}

std::string Work::NameOf(const IstioObject& object) {
  return object.kind + " " + object.ns + "/" + object.name;
}

std::string Work::PlaceOf(Span span) const {
  return options_.place && span.IsKnown() ? options_.place(span) : "";
}

// Objects on disk are where the fault is; what weft emits is made out of the policy's lines.
void Work::Point(const IstioObject* object, Span part, Span policy, Diagnostic& diagnostic) const {
  if (object != nullptr && (options_.on_disk || !object->ours)) {
    diagnostic.span = part.IsKnown() ? part : object->span;
    if (policy.IsKnown()) diagnostic.related.push_back({policy, "the policy says it here"});
  } else {
    diagnostic.span = policy;
  }
  if (object == nullptr) return;
  const std::string line = object->source.empty() ? "" : ", written for " + object->source;
  const std::string from = object->ours ? line : ", which weft did not write";
  diagnostic.notes.push_back("  object " + NameOf(*object) + from);
}

void Work::Add(engine::ClusterId cluster, Diagnostic diagnostic, verifier::Finding finding,
               PropertyVerdict verdict) {
  PropertyVerdict& known = verdicts_[cluster.index()];
  if (known != PropertyVerdict::kViolated) known = verdict;
  finding.property = "emitted";
  finding.diagnostic = std::move(diagnostic);
  finding.diagnostic.clusters = {model[cluster].name};
  report_.findings.push_back(std::move(finding));
}

void Work::Differs(Difference d) {
  if (!told_.emplace(d.cluster, d.object, d.policy, d.message).second) return;
  const Code& code = d.confirmed ? codes::kEmittedDiffers : verifier::codes::kUnproved;
  Diagnostic diagnostic{
      .severity = Severity::kError, .number = code.number, .name = code.name, .message = d.message};
  if (d.request) {
    for (std::string& line : verifier::RequestLines(model, *d.request)) {
      diagnostic.notes.push_back(std::move(line));
    }
  }
  for (std::string& note : d.notes) diagnostic.notes.push_back(std::move(note));
  Point(d.object, d.part, d.policy, diagnostic);
  verifier::Finding finding;
  finding.witness = std::move(d.request);
  finding.allowed = d.allowed;
  finding.expected = !d.allowed;
  finding.replayed = d.confirmed;
  Add(d.cluster, std::move(diagnostic), std::move(finding), PropertyVerdict::kViolated);
}

void Work::Undecided(engine::ClusterId cluster, const IstioObject* object, Span part, Span policy,
                     const std::string& reason) {
  if (!told_.emplace(cluster, object, object == nullptr ? policy : Span{}, reason).second) return;
  Diagnostic diagnostic{.severity = Severity::kWarning,
                        .number = codes::kEmittedUndecided.number,
                        .name = codes::kEmittedUndecided.name,
                        .message = "what is emitted could not be compared: " + reason};
  Point(object, part, policy, diagnostic);
  Add(cluster, std::move(diagnostic), {}, PropertyVerdict::kUndecided);
}

verifier::Report Work::Finish() {
  std::stable_sort(report_.findings.begin(), report_.findings.end(),
                   [](const verifier::Finding& a, const verifier::Finding& b) {
                     return std::tie(a.diagnostic.span, a.diagnostic.number) <
                            std::tie(b.diagnostic.span, b.diagnostic.number);
                   });
  const double took = options_.seconds ? options_.seconds() - since_ : 0;
  for (std::size_t c = 0; c < verdicts_.size(); ++c) {
    report_.properties.push_back({"emitted",
                                  model.clusters[c].name,
                                  verdicts_[c],
                                  {},
                                  took / static_cast<double>(verdicts_.size())});
  }
  report_.questions = solver.questions();
  return std::move(report_);
}

verifier::Report ProveEmitted(const engine::Model& model, const emit::check::Mesh& mesh,
                              const Options& options) {
  Work work(model, mesh, options);
  CompareServers(work);
  CompareRoutes(work);
  CompareDestinations(work);
  CompareWithReference(work, options.reference);
  return work.Finish();
}

}  // namespace weft::prove
