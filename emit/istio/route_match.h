// Matches of a VirtualService; istio/api networking/v1/virtual_service.proto HTTPMatchRequest.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dsl/pattern.h"
#include "emit/istio/cases.h"
#include "emit/istio/emitter.h"

namespace weft::emit::istio {

// One entry of `match`, and the path pattern its `uri` says (nullopt: none), which a rewrite needs.
struct HttpMatch {
  Value entry = Value::object();
  std::optional<Pattern> path;
  // What was asked of each field so far: a second demand has to be joined with the first.
  std::optional<std::vector<std::string>> methods;
  std::map<std::string, Pattern> headers, query;
};

// Where a rule is emitted: at a gateway, or for the sidecars of some namespaces.
struct RoutePlace {
  bool gateway = false;
  engine::ClusterId cluster;
  std::vector<std::string> namespaces;      // sidecars: of the callers
  std::optional<engine::Labels> workloads;  // sidecars: only those with these labels
  engine::GatewayId at{};                   // the gateway
};

// The entries a condition needs; empty = never matches, one empty entry = always. With `within`, an
// exact path or a prefix, they match only such paths, and each has a `uri` that says so. Reports
// what Istio cannot say (5002, 5003) and leaves it out.
[[nodiscard]] std::vector<HttpMatch> HttpMatches(Emitter& e, const engine::Condition& condition,
                                                 const RoutePlace& place, Span span,
                                                 const std::optional<Pattern>& within = {});

// A path pattern as `uri` says it: `under` becomes the path itself and what is below it, so that
// each part can be rewritten on its own.
[[nodiscard]] std::vector<Pattern> UriParts(const Pattern& pattern);

// Every path of `inner` is one of `outer`, by structure.
[[nodiscard]] bool Within(const Pattern& inner, const Pattern& outer);

// {"exact": …}, {"prefix": …} or {"regex": …}; `under` is two of them.
[[nodiscard]] std::vector<Value> StringMatches(const Pattern& pattern);

}  // namespace weft::emit::istio
