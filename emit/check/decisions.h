// What the objects of a cluster make of every request to a proxy, as lists of conditions that
// proofs can compare: the interpreter (server.h) says it of one request.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "emit/check/interpret.h"
#include "emit/check/server.h"
#include "engine/condition.h"

namespace weft::emit::check {

// Objects of each cluster by kind and namespace.
class ObjectIndex {
 public:
  explicit ObjectIndex(const Mesh& mesh);
  [[nodiscard]] const std::vector<const IstioObject*>& In(engine::ClusterId cluster,
                                                          const std::string& kind,
                                                          const std::string& ns) const;

 private:
  using Key = std::pair<std::string, std::string>;
  std::vector<std::map<Key, std::vector<const IstioObject*>>> clusters_;
};

// A rule of an AuthorizationPolicy.
struct Clause {
  enum class Action { kAllow, kDeny, kAsk };
  Action action = Action::kAllow;
  engine::AuthorizerId authorizer;  // kAsk: who decides about what the rule fits
  bool open = false;                // kAsk: which passes when there is no answer
  engine::Condition when;
  const IstioObject* object = nullptr;
  Span span;
};

// A rule of a RequestAuthentication.
struct TokenRule {
  engine::JwtId provider;
  std::set<std::string> audiences, locations;  // "header NAME PREFIX", "query NAME", "cookie NAME"
  std::string jwks, jwks_uri;
  std::map<std::string, std::string> claims_to_headers;
  bool forward = false;
  const IstioObject* object = nullptr;
  Span span;
};

// Something that cannot be told.
struct Unsaid {
  const IstioObject* object = nullptr;
  Span span;
  std::string reason;
};

struct ServerDecision {
  engine::MtlsMode mtls = engine::MtlsMode::kPermissive;
  const IstioObject* mtls_by = nullptr;  // none: nothing says it
  std::vector<TokenRule> tokens;
  std::vector<Clause> clauses;
  // Some ALLOW policy applies, so that what none of them fits is refused; one of them.
  const IstioObject* closed_by = nullptr;
  std::vector<Unsaid> unsaid;
};

// PeerAuthentication, RequestAuthentication and AuthorizationPolicy of the proxy, for `port` of its
// workload; `http`: its filter chain sees HTTP. `names_port`: clients write the port behind the
// host, which the rules compare too. Dry runs decide nothing and are left out.
[[nodiscard]] ServerDecision DecideServer(const Mesh& mesh, const ObjectIndex& index,
                                          const Proxy& proxy, std::uint16_t port, bool http,
                                          bool names_port);

}  // namespace weft::emit::check
