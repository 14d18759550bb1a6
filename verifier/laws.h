// The forms of `prove`; internal to verifier/.
#pragma once

#include "verifier/clients.h"
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

// `every request …`, and laws about who serves: over what discovered callers send by their
// sidecars, under every loss the law speaks of.
void ProveAtClients(Work& work, const Clients& clients, const engine::Law& law);

// Laws with `through gateway g`.
void ProveThroughGateway(Work& work, const engine::Law& law);

}  // namespace weft::verifier
