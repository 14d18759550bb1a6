// How clients speak to a service or destination: connections, ejection, balance, TLS, failover.
// Part of the Model.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dsl/span.h"
#include "engine/ids.h"

namespace weft::engine {

using Millis = std::chrono::milliseconds;

struct ConnectionPool {
  std::optional<std::int64_t> max_connections, max_pending, max_requests, requests_per_connection,
      max_retries, keepalive_probes;
  std::optional<Millis> connect_timeout, idle_timeout, keepalive, keepalive_interval;
  auto operator<=>(const ConnectionPool&) const = default;
};
struct Outlier {
  std::int64_t errors = 5;
  bool gateway_errors = false;
  std::optional<std::int64_t> or_gateway_errors;
  Millis interval{10000};
  Millis base_time{30000};
  double max_share = 100;  // percent
  Span span;
};
struct LoadBalance {
  enum class Kind {
    kRoundRobin,
    kLeastRequest,
    kRandom,
    kPassthrough,
    kHashHeader,
    kHashCookie,
    kHashSourceIp,
    kHashQuery,
    kDefault  // Istio's choice
  };
  Kind kind = Kind::kRoundRobin;
  std::string key, cookie_path;
  std::optional<Millis> ttl;
  std::optional<Millis> warm_up;
  Span span;
};
struct ClientTls {
  enum class Mode { kOff, kSimple, kMutual, kIstioMutual };
  Mode mode = Mode::kIstioMutual;
  std::string sni, ca_secret, certificate_secret;
  std::vector<std::string> sans;
  bool skip_verify = false;
  Span span;
};
struct Failover {
  enum class Step { kSameZone, kSameRegion, kSameCluster, kSameNetwork, kAny };
  std::vector<Step> order;
  struct Mapping {
    std::string from, to;
    std::optional<double> weight;
  };
  std::vector<Mapping> mappings;  // regions
  Span span;
};
// Endpoints that fail the check get no requests (envoy.config.core.v3.HealthCheck).
struct HealthCheck {
  enum class Kind { kHttp, kTcp, kGrpc };
  Kind kind = Kind::kHttp;
  std::string method, path, service, host;
  std::map<std::string, std::string> headers;
  std::vector<std::pair<std::int64_t, std::int64_t>> statuses;  // first and last
  bool http2 = false;
  std::string send;
  std::vector<std::string> receive;
  std::string expects;
  Millis every{0}, within{0};
  std::int64_t healthy_after = 1, unhealthy_after = 2;
  std::optional<Millis> initial_jitter, jitter, idle_every, idle_healthy_every, unhealthy_every,
      first_unhealthy_every, first_healthy_every;
  std::optional<double> jitter_share;
  bool new_connections = false;
  std::string log;
  bool log_all = false;
  std::vector<GatewayId> gateways;  // that check; empty = every proxy that calls it
  Span span;
};
// As many requests at once as latency allows (envoy.extensions.filters.http.adaptive_concurrency).
struct AdaptConcurrency {
  Millis update_every{0}, measure_every{0};
  std::optional<std::int64_t> at_most, requests, floor, status;
  std::optional<double> percentile, jitter, slack;
  Span span;
};
struct DestinationPolicy {
  std::optional<ConnectionPool> connections;
  std::optional<Outlier> outlier;
  std::optional<LoadBalance> balance;
  std::optional<ClientTls> tls;
  std::optional<Failover> failover;
  std::optional<HealthCheck> health_check;
  std::optional<AdaptConcurrency> adapt;
  std::vector<Span> spans;  // of the items, in order
  // Nothing for a DestinationRule to say.
  [[nodiscard]] bool IsEmpty() const {
    return !connections && !outlier && !balance && !tls && !failover;
  }
};

}  // namespace weft::engine
