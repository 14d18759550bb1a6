// The forms of `prove`; internal to verifier/.
#pragma once

#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "verifier/clients.h"
#include "verifier/server.h"
#include "verifier/work.h"

namespace weft::verifier {

inline constexpr const char* kLawProperty = "prove";

// Reports the law as violated; the caller adds the witness.
Diagnostic& ViolateLaw(Work& work, const engine::Law& law, std::string message);

// Concludes that the law is about nothing; `part` is what is empty of it (the law when unknown),
// and `why` says so.
void SaysNothing(Work& work, const engine::Law& law, Span part, const std::string& why,
                 std::string help);

// `replicas of X stay at least …`: what discovered callers can reach, under every loss the law
// speaks of.
void ProveReplicas(Work& work, const engine::Law& law);

// `chain a -> b -> c …`.
void ProveChain(Work& work, const engine::Law& law);

// `no request to X … is allowed`: over everything a server of X can be sent, by anyone. Adds the
// lines the proof rests on to the property.
void ProveAtServers(Work& work, const engine::Law& law);

// Whether the law is one of those: it refuses requests, through no gateway and under no loss.
[[nodiscard]] bool IsAtServers(const engine::Law& law);

// The servers such a law is about.
[[nodiscard]] std::set<std::pair<engine::ServiceId, engine::ClusterId>> InstancesOf(
    const engine::Model& model, const engine::Law& law);

// What such a law says of one port. `study.parts`: a request the law is about, and of that who
// sends it, and what it is like.
struct LawStudy {
  std::vector<Candidate> callers;
  std::vector<Constraint> constraints;  // what the server demands
  Study study;
};
[[nodiscard]] std::unique_ptr<const LawStudy> StudyOf(
    const engine::Model& model, const Callers& callers, Atlas& atlas, const engine::Law& law,
    engine::ServiceId service, engine::ClusterId cluster, const engine::ServicePort& port);

// `every request …`, and laws about who serves: over what discovered callers send by their
// sidecars, under every loss the law speaks of.
void ProveAtClients(Work& work, const Clients& clients, const engine::Law& law);

// Laws with `through gateway g`.
void ProveThroughGateway(Work& work, const engine::Law& law);

}  // namespace weft::verifier
