// Items that become filters of a proxy: what it does to a request or a connection besides routing
// it. Part of the item variant in dsl/items.h; read by dsl/filters.cc and dsl/transform.cc.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "dsl/condition.h"
#include "dsl/name.h"

namespace weft::dsl {

// Where a filter stands relative to external authorization: `phase before authorization order 2`.
// Filters of one phase run by ascending order; without one it is 0.
enum class Phase { kBeforeAuthorization, kAfterAuthorization };
struct PhaseClause {
  Phase phase = Phase::kAfterAuthorization;
  std::optional<Number> order;
};

// `csrf { origins ["https://a.example", ends ".b.example"]  for 50%  shadow }`, `csrf off`. The
// request's own host is always among the origins. `shadow` counts and lets pass.
struct CsrfItem {
  bool off = false;
  bool shadow = false;
  std::vector<Spanned<Pattern>> origins;
  std::optional<Percent> share;
};

// `body at most 1MiB`: larger request bodies are answered 413.
struct BodyLimitItem {
  Number bytes;
};

// `buffer 32KiB per connection`: soft limit of a listener's read and write buffers.
struct BufferItem {
  Number bytes;
};

// `proxy protocol`, `proxy protocol off`: connections begin with a PROXY header.
struct ProxyProtocolItem {
  bool off = false;
};

// `transform request { … }`, `transform response { … }`. Templates are Inja text over the headers
// and the (JSON) body, with `{{ header("x") }}`, `{{ extraction("name") }}` and body fields.
struct TransformItem {
  enum class Side { kRequest, kResponse };
  struct Extractor {  // `extract org from header ":path" matches "/([^/]+)/.*" group 1`
    Name name;
    std::optional<Str> header;  // absent: from the body
    Str regex;
    std::optional<Number> group;
    std::optional<Str> replacement;  // `replace "…"`: of what the group matched
    bool replace_all = false;        // `replace all "…"`: of every match of the expression
  };
  struct Header {  // `set "x" = "{{ … }}"`, `add "x" = "…"`, `remove "x"`
    enum class Kind { kSet, kAdd, kRemove } kind = Kind::kSet;
    Str name;
    Str value;
  };
  struct Metadata {  // `metadata "key" = "{{ … }}" in "namespace" [as json]`
    Str key;
    Str value;
    std::optional<Str> in_namespace;
    bool json = false;
  };
  enum class Body { kTemplate, kKeep, kMergeExtracted };
  enum class Parse { kJson, kIgnoreErrors, kNone };
  Side side = Side::kRequest;
  std::optional<PhaseClause> phase;
  std::vector<Extractor> extractors;
  std::vector<Header> headers;
  std::vector<Metadata> metadata;
  std::optional<Spanned<Body>> body;  // `body "…"`, `body keep`, `body merge extracted`
  Str body_template;                  // kTemplate only
  Parse parse = Parse::kJson;         // `parse body none`, `parse body ignoring errors`
  bool advanced = false;              // `advanced templates`
  bool escape = false;                // `escape characters`
  bool reroute = false;               // `reroute`: the route is chosen again
};

// `lua """…""" [phase …]`; the text has `envoy_on_request` and `envoy_on_response`.
struct LuaItem {
  Str code;
  std::optional<PhaseClause> phase;
};

// `wasm "oci://registry/image:v1" { sha256 "…"  config """{…}"""  root "id"  vm "id"  on inbound
// before "envoy.filters.http.router" }`. Several run by descending item priority.
struct WasmItem {
  enum class Place { kAny, kInbound, kOutbound, kGateway };
  Str source;  // `oci://`, `https://`, `http://` or `file://`
  std::optional<Str> sha256;
  std::optional<Str> config;
  std::optional<Str> root;
  std::optional<Str> vm;
  Place place = Place::kAny;
  std::optional<Str> before;
};

// `waf { core rules off  settings """…"""  rules """…"""  rules file "…"  message "…"
// request headers only  response headers only  audit relevant to metadata }`.
struct WafItem {
  enum class Audit { kNever, kRelevant, kAlways };
  struct RuleSet {
    std::optional<Str> text;
    std::vector<Str> files;
    std::optional<Str> directory;
  };
  bool core_rules = true;
  std::optional<Str> settings;
  std::optional<Str> settings_file;
  std::vector<RuleSet> rules;
  std::optional<Str> message;
  bool request_headers_only = false;
  bool response_headers_only = false;
  Audit audit = Audit::kNever;
  bool audit_to_metadata = false;
};

// `mask { ssn  visa  pattern "name" ["re"] with "X" share 60%  headers "name" ["x-a"]  shadow amex
// in logs }`: hides secrets in responses, in access logs or in both.
struct MaskItem {
  enum class Preset {
    kAllCards,
    kSsn,
    kMastercard,
    kVisa,
    kAmex,
    kDiscover,
    kJcb,
    kDinersClub,
    kCardTrackers
  };
  struct Regex {
    Str regex;
    std::optional<Number> group;
  };
  struct Action {
    std::optional<Preset> preset;  // exactly one of preset, patterns and headers is given
    std::vector<Regex> patterns;
    std::vector<Str> headers;
    std::optional<Str> name;
    std::optional<Str> with;  // one character; `X`
    std::optional<Percent> share;
    bool shadow = false;
    Span span;
  };
  enum class In { kAll, kLogs, kResponses };
  std::vector<Action> actions;
  std::optional<In> in;
};

// `log when status >= 500 or header "x" = "y" with request headers ["x-id"] and response headers
// ["server"] and response trailers ["t"] and filter state ["k"]`; `log all`. Any of the conditions
// suffices.
struct LogItem {
  enum class Compare { kEqual, kAtLeast, kAtMost };
  struct Status {
    Compare compare = Compare::kEqual;
    Number value;
  };
  struct Header {
    bool negated = false;
    HeaderIs match;
  };
  std::vector<std::variant<Status, Header>> when;  // empty: every request
  std::vector<Str> request_headers;
  std::vector<Str> response_headers;
  std::vector<Str> response_trailers;
  std::vector<Str> filter_state;
};

// `health check GET "/ok" every 5s within 1s { healthy after 2  unhealthy after 3  host "h"  … }`,
// `health check tcp …`, `health check grpc ["service"] …`.
struct HealthCheckItem {
  enum class Kind { kHttp, kTcp, kGrpc };
  struct StatusRange {
    Number first;
    Number last;
  };
  Kind kind = Kind::kHttp;
  Name method;                     // kHttp
  Str path;                        // kHttp
  std::optional<Str> service;      // kGrpc
  std::optional<Str> host;         // Host header or authority
  std::vector<LabelTerm> headers;  // kHttp: added to the check
  std::vector<StatusRange> statuses;
  bool http2 = false;
  std::optional<Str> send;     // kTcp: hexadecimal bytes
  std::vector<Str> receive;    // kTcp
  std::optional<Str> expects;  // kHttp: name the server answers with
  Duration every;
  Duration within;
  Number healthy_after;
  Number unhealthy_after;
  std::optional<Duration> initial_jitter;
  std::optional<Duration> jitter;
  std::optional<Percent> jitter_share;
  std::optional<Duration> idle_every;  // of hosts that saw no traffic
  std::optional<Duration> idle_healthy_every;
  std::optional<Duration> unhealthy_every;
  std::optional<Duration> first_unhealthy_every;
  std::optional<Duration> first_healthy_every;
  bool new_connections = false;
  std::optional<Str> log;  // path of the event log
  bool log_all = false;
  std::vector<QName> gateways;  // `from gateways [g]`; empty: every proxy that calls it
};

// `adapt concurrency { update every 100ms  at most 1000  percentile 50%  measure every 60s
// requests 50  floor 3  jitter 15%  slack 25%  status 503 }`.
struct AdaptConcurrencyItem {
  Duration update_every;
  Duration measure_every;
  std::optional<Number> at_most;
  std::optional<Percent> percentile;
  std::optional<Number> requests;
  std::optional<Number> floor;
  std::optional<Percent> jitter;
  std::optional<Percent> slack;
  std::optional<Number> status;
};

}  // namespace weft::dsl
