// How proxies send to a destination: DestinationRules, by Istio's rules of lookup and override.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "emit/check/client.h"
#include "emit/check/decisions.h"

namespace weft::emit::check {

// Settings by their path in trafficPolicy ("connectionPool.tcp.maxConnections"), times in
// milliseconds, lists sorted; a subset's labels as "labels.version".
using Settings = std::map<std::string, std::string>;

struct SendDecision {
  Settings settings;
  bool known = true;                    // false: a subset that no rule defines
  const IstioObject* object = nullptr;  // none: no rule is for the host
  Span span;
  std::vector<Unsaid> unsaid;
};

class Destinations {
 public:
  explicit Destinations(const Mesh& mesh);

  // What a client in `ns` does to send to a port of the host, or of a subset of it.
  [[nodiscard]] SendDecision Send(engine::ClusterId cluster, const std::string& ns,
                                  const Host& host, const std::string& subset,
                                  std::uint16_t port) const;
  // Some rule is for the host.
  [[nodiscard]] bool IsRuled(engine::ClusterId cluster, const std::string& host) const;
  // The rule that counts; nullptr = none.
  [[nodiscard]] const IstioObject* RuleFor(engine::ClusterId cluster, const std::string& ns,
                                           const Host& host, std::vector<Unsaid>& unsaid) const;

 private:
  using Rules = std::map<std::string, std::vector<const IstioObject*>>;  // by host
  [[nodiscard]] const IstioObject* Best(engine::ClusterId cluster, const std::string& in,
                                        const std::string& client_ns, const std::string& host,
                                        std::vector<Unsaid>& unsaid) const;

  const Mesh& mesh_;
  std::vector<std::map<std::string, Rules>> clusters_;  // by namespace
};

}  // namespace weft::emit::check
