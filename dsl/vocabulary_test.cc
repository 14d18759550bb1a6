// Every item and declaration of the language once, with all of its parts: each is read without a
// diagnostic, stands where it may, and means the same after formatting.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/items_check.h"
#include "dsl/parse.h"
#include "dsl/print.h"
#include "dsl/render.h"

namespace weft::dsl {
namespace {

constexpr std::string_view kMesh = R"weft(mesh shop {
  mtls strict
  normalize paths merge slashes
  isolate { trim proxies }
  trim proxies to nothing
  federate { hosts "*.mesh.internal"  services where label expose = "true"  ports [8080] }
  client tls termination
  east-west on [east] {
    gateway where label istio = "eastwestgateway" in namespace "gw"
    port 15443
    terminate on 15444
    address "198.51.100.1" port 32443
    address "198.51.100.2"
  }
  east-west { gateway "ew" in namespace "gw" }
}

cluster east { region "us-east-1"  domain "cluster.local"  skip warming  label env = "prod" }

trust root shop {
  generated for 365d key 4096 organization "shop"
  intermediate for 30d key 2048
  rotate at 80%
  restart pods
  passive [secret "old-root", secret "older" in "pki"]
  on clusters where label env = "prod" revision "main"
}
trust root other { secret "root-ca" in "pki"  on [east] }
trust root third {
  vault "https://vault:8200" {
    ca path "pki/root"
    csr path "pki/sign"
    namespace "mesh"
    role "istio"
    mount "/v1/auth/kubernetes"
    token secret "vault-token" in "pki"
    token file "/var/token"
    bundle """PEM"""
    without verification
  }
}

istio on [east] { version "1.31"  revision main  default  trust "east.shop"  settings """profile: minimal""" }
gateways on east { revision main  gateway revision blue  active  skip upgrade check }

workspace shop-edge {
  namespaces ["edge"]
  import nothing
  export to web transitive { services where label tier = "edge", workload vm, tables all }
  isolate off
  federate off
  client sni routing
  trim proxies to services where label a = "b" in namespace "n", destinations all
}
)weft";

constexpr std::string_view kEdge = R"weft(workspace shop-edge

jwt corp {
  jwks from "https://id.example/keys" through service id
  cache keys 5m
  fetch keys within 5s
  fetch keys ahead
  leeway 60s
  payload to header "x-payload"
  from header "x-auth" prefix "Bearer "
  claims to headers { "sub" -> "x-user"  "org" -> add "x-org" }
}
jwt vault { issuer "v"  jwks secret "keys" key "pub" in "pki" }

authorizer opa {
  service opa in "auth" port 9191
  timeout 2s
  on failure deny status 503
  body up to 4KiB partial as bytes
  reroute
  stat "opa"
}
authorizer web {
  service portal
  http
  path prefix "/check"
  headers ["cookie"]
  headers upstream ["x-user"]
  headers to client ["location"]
  add headers { "x-from" = "mesh" }
  on failure allow
}

limiter main { service limiter in "limits" port 8081  timeout 100ms  on error deny  domain "shop" }
limits api for main {
  "plan" = "gold" 100/s { "user" 5/s }
  "plan" = "free" 10/min weight 2 always
  "plan" = "staff" unlimited
  "beta" 1/h shadow
  set ["type", "number" = "4"] 10/day always
}
counter per-user {
  send remote address, header "x-user" as "user" optional
  send set "type" = "a", match "long" as "kind" when header "x" starts "1" and not header "y" present
  send match "other" unless header "z" = "1"
  send metadata "id" path ["envoy.filters.http.jwt_authn", "sub"] default "none" of route
  send source cluster, destination cluster
}

gateway north-south in "edge" {
  select { istio = "ingressgateway" }
  listen 443 https {
    name "https-public"
    hosts ["*.shop.example"]
    certificate file "/c.pem" key "/k.pem"
    ca file "/ca.pem"
    tls mutual
    ciphers ["ECDHE-RSA-AES256-GCM-SHA384"]
    curves ["X25519"]
    accept routes from [web] where label tier = "edge" for hosts ["a.shop.example"]
    expose external services all for hosts ["pay.example"]
  }
  accept routes from all
  expose external services where label a = "b"
  authorize by opa { config "main"  settings """a: 1""" }
  lua """function envoy_on_request(h) end""" phase before authorization order 3
}
policy edge on gateway north-south listener 443 {
  proxy protocol
  buffer 32KiB per connection
  connections { keepalive 75s every 10s probes 3 }
}
policy plain on gateways where label a = "b" listener 80 { proxy protocol off }

route main on gateways.north-south for "books.shop.example" {
  default -> web.pages
  annotate "team" = "edge"
  when path under "/slow"  -> default { retries 2 on [5xx] across localities  rewrite host to target }
  when path under "/limit" -> default {
    limit 10/min per (source.identity, path) burst 5 on error allow by main phase before authorization
    limit by api { count by per-user  send remote address  through main  phase after authorization order 1 }
    limit by api { send "plan" = "gold"  on error deny  when header "x" present }
  }
  when path under "/safe" -> default {
    csrf { origins [exact "https://a.example", ends ".b.example"]  for 50%  shadow }
    body at most 1MiB
    authenticate by [corp, vault] tolerant phase before authorization order 2 {
      require claim "role" has ["admin", "auditor"]
      require scope "read"
      reroute never
    }
    authorize by web when method = POST
  }
  when path under "/open" -> default { csrf off  without authorization }
  when path under "/body" -> default {
    transform request {
      phase before authorization order 1
      extract org from header ":path" matches "/([^/]+)/.*" group 1
      extract id from body matches "id=(.*)" group 1 replace all "x"
      set "x-org" = "{{ extraction(\"org\") }}"
      add "x-seen" = "1"
      remove "x-internal"
      body "{{ body() }}"
      metadata "k" = "{{ org }}" in "ns" as json
      parse body ignoring errors
      advanced templates
      escape characters
      reroute
    }
    transform response { body keep  set "server" = "weft" }
    priority 1 waf {
      core rules off
      settings """SecRuleEngine On"""
      rules """SecRule X"""
      rules files ["/a.conf", "/b.conf"]
      rules directory "/etc/waf"
      message "blocked"
      request headers only
      response headers only
      audit relevant to metadata
    }
    mask {
      cards
      shadow ssn
      pattern "name" ["hel(lo)" group 1, "world"] with "Y" share 60%
      headers ["x-secret"] with "_"
      in all
    }
  }
}
)weft";

constexpr std::string_view kWeb = R"weft(workspace web

service pages in "web" {
  port http 8080
  health check GET "/ok" every 5s within 1s {
    healthy after 2
    unhealthy after 3
    host "pages"
    headers { "x-check" = "1" }
    statuses [200, 301 to 302]
    http2
    served by "pages"
    initial jitter 1s
    jitter 100ms
    idle every 60s
    idle healthy every 60s
    unhealthy every 1s
    first unhealthy every 1s
    first healthy every 1s
    new connections
    log all to "/dev/stderr"
    from gateways [shop-edge.north-south]
  }
  adapt concurrency {
    update every 100ms
    measure every 60s
    at most 1000
    percentile 50%
    requests 50
    floor 3
    jitter 15%
    slack 25%
    status 503
  }
  balance by hash of cookie "c" path "/" ttl 1h panic below 30% merge updates within 1s
  eject after 5 errors or 3 gateway errors in 10s for 30s at most 50%
  failover from region "a" zone "z" subzone "s" to region "b" weight 80%
}
service lines in "web" {
  port tcp 9000
  health check tcp every 5s { send "00ff"  receive ["01"]  jitter 10%  log to "/e" }
  balance panic below 0%
  failover by labels ["topology.istio.io/network", "version"]
}
service calls in "web" { port grpc 9001  health check grpc "calls" every 5s }

external payments {
  hosts ["api.pay.example"]
  port https 443
  sans ["pay.example"]
  via gateways.egress port 443
}
destination anywhere at "pages.global" { backs pages  backs workload vm  client auto }
destination front at "front.global" { backs services where label tier = "front" on [east] }

workload vm in "vms" on [east] {
  port http 5000
  registered in "vms" on west
  identity aws { role = "web"  tag.team = "web" }
  identity gcp { service-account = "web@x" }
  identity azure { subscription = "s"  resource-group = "g" }
  identity token "spiffe://shop/vm"
  account "vm"
  addresses [10.0.0.7]
  ready GET "/ok" port 5000 every 10s within 1s { healthy after 1  unhealthy after 3  delay 5s  https }
  label app = "vm"
}
workload batch in "vms" { port tcp 1  ready exec ["/bin/true"] every 1s }

policy watched on workloads where label app = "pages" {
  log when status >= 500 or not header "x-debug" = "1" with request headers ["x-id"] and response headers ["server"] and response trailers ["t"] and filter state ["k"]
  trim proxies to [pages, anywhere]
  priority 10 wasm "oci://registry.example/filter:v1" {
    sha256 "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
    config """{"a": 1}"""
    root "r"
    vm "v"
    on inbound
    before "envoy.filters.http.router"
  }
}
policy noisy on workloads all { log all with request headers ["x-id"] }
policy tagged on targets of routes where label a = "b" { headers { request set "x" = "1" } }
policy slow on routes all with targets [pages] { timeout 2s }

access services where label tier = "front" {
  allow from accounts pages in namespace "web" when method = GET
  allow from accounts where label app = "pages" of workspace web on east
}
access workloads where label app = "vm" in namespace "vms" or where label app = "b" {
  dry run deny all
}
table pages {
  when path = "/"    -> "pages.web"
  when path = "/two" -> delegate to tables where label a = "b" of workspace web or tables where label c = "d" by specificity
}
policy either on routes where label a = "b" in namespace "web" or where label c = "d" { timeout 3s }

raw istio on [east] """
apiVersion: telemetry.istio.io/v1
kind: Telemetry
"""
)weft";

struct Loaded {
  SourceMap sources;
  Diagnostics diagnostics;
  Program program;
  std::string text;
};

void LoadText(std::string text, Loaded& loaded) {
  const FileId id = loaded.sources.Add("a.weft", std::move(text), SourceKind::kWeft);
  loaded.program = Load(
      {&loaded.sources.Get(id)}, [](const std::string&) { return nullptr; }, loaded.diagnostics);
  for (const Diagnostic& d : loaded.diagnostics.Sorted()) {
    loaded.text += RenderHuman(d, loaded.sources, {});
  }
}

std::string Everything() {
  return std::string(kMesh) + "\n" + std::string(kEdge) + "\n" + std::string(kWeb);
}

// Words of all items that stand somewhere in the program.
std::set<std::string> WordsOf(const Program& program) {
  std::set<std::string> words;
  const auto add = [&](const std::vector<Item>& items) {
    for (const Item& item : items) words.emplace(ItemWord(item));
  };
  for (const auto& d : program.gateways) add(d.items);
  for (const auto& d : program.services) add(d.items);
  for (const auto& d : program.policies) add(d.items);
  for (const auto& d : program.routes) {
    for (const auto& rule : d.rules) add(rule.items);
  }
  return words;
}

TEST(Vocabulary, IsReadWithoutADiagnostic) {
  Loaded loaded;
  LoadText(Everything(), loaded);
  EXPECT_EQ(loaded.text, "");
}

TEST(Vocabulary, KeepsEveryPart) {
  Loaded loaded;
  LoadText(Everything(), loaded);
  const Program& p = loaded.program;
  ASSERT_EQ(p.trusts.size(), 3U);
  EXPECT_EQ(p.trusts[0].intermediate->rotate_at->value, 80);
  EXPECT_EQ(p.trusts[0].passive.size(), 2U);
  EXPECT_EQ(p.trusts[2].vault->token->name.value, "vault-token");
  ASSERT_EQ(p.lifecycles.size(), 2U);
  EXPECT_TRUE(p.lifecycles[1].active);
  ASSERT_EQ(p.limit_trees.size(), 1U);
  ASSERT_EQ(p.limit_trees[0].descriptors.size(), 5U);
  EXPECT_EQ(p.limit_trees[0].descriptors[0].children.size(), 1U);
  EXPECT_EQ(p.limit_trees[0].descriptors[1].rate->unit, Millis(60'000));
  EXPECT_TRUE(p.limit_trees[0].descriptors[2].unlimited);
  EXPECT_TRUE(p.limit_trees[0].descriptors[4].set);
  EXPECT_EQ(p.limit_trees[0].descriptors[4].entries.size(), 2U);
  ASSERT_EQ(p.counters.size(), 1U);
  ASSERT_EQ(p.counters[0].sends.size(), 5U);
  EXPECT_TRUE(p.counters[0].sends[0].entries[1].optional);
  EXPECT_EQ(p.counters[0].sends[1].entries[1].key->value, "kind");
  EXPECT_TRUE(p.counters[0].sends[2].entries[0].unless);
  ASSERT_EQ(p.workloads.size(), 2U);
  EXPECT_EQ(p.workloads[0].registered.size(), 2U);
  EXPECT_EQ(p.workloads[0].identities.size(), 4U);
  EXPECT_EQ(p.workloads[0].ready->unhealthy_after->value, 3);
  ASSERT_EQ(p.raws.size(), 1U);
  EXPECT_EQ(p.meshes[0].east_west[0].addresses[0].port->value, 32443);
  EXPECT_TRUE(p.meshes[0].trim->listed);
  EXPECT_TRUE(p.workspaces[0].isolate->off);
  EXPECT_EQ(p.workspaces[0].trim->selected.size(), 2U);
  EXPECT_EQ(p.gateways[0].listeners[0].accepts[0].labels.size(), 1U);
  EXPECT_EQ(p.authorizers[0].status_on_error->value, 503);
  EXPECT_EQ(p.jwts[0].appended_claims.size(), 1U);
}

TEST(Vocabulary, SendsToTheDefaultDestination) {
  Loaded loaded;
  LoadText(Everything(), loaded);
  ASSERT_FALSE(loaded.program.routes.empty());
  for (const RouteRule& rule : loaded.program.routes[0].rules) {
    const auto* forward = std::get_if<ForwardAction>(&rule.action);
    ASSERT_NE(forward, nullptr);
    ASSERT_EQ(forward->to.size(), 1U);
    EXPECT_EQ(forward->to[0].name.Text(), "web.pages");
  }
}

TEST(Vocabulary, NamesEveryItem) {
  Loaded loaded;
  LoadText(Everything(), loaded);
  const std::set<std::string> words = WordsOf(loaded.program);
  for (const std::string word : {"csrf",
                                 "body at most",
                                 "buffer",
                                 "proxy protocol",
                                 "transform",
                                 "lua",
                                 "wasm",
                                 "waf",
                                 "mask",
                                 "log",
                                 "health check",
                                 "adapt concurrency",
                                 "limit",
                                 "limit by",
                                 "trim",
                                 "balance",
                                 "eject",
                                 "failover",
                                 "authenticate",
                                 "authorize",
                                 "without authorization"}) {
    EXPECT_TRUE(words.contains(word)) << word;
  }
}

TEST(Vocabulary, MeansTheSameAfterFormatting) {
  SourceMap sources;
  Diagnostics diagnostics;
  const FileId id = sources.Add("a.weft", Everything(), SourceKind::kWeft);
  const std::optional<std::string> formatted = Format(sources.Get(id), diagnostics);
  ASSERT_TRUE(formatted);
  Loaded loaded;
  LoadText(*formatted, loaded);
  EXPECT_EQ(loaded.text, "") << *formatted;
  EXPECT_EQ(loaded.program.policies.size(), 7U);
  EXPECT_EQ(loaded.program.workloads.size(), 2U);
}

// What is printed is understood, and printing it again changes nothing.
TEST(Vocabulary, IsPrinted) {
  Loaded loaded;
  LoadText(Everything(), loaded);
  const std::map<std::string, std::string> files = Print(loaded.program, {});
  Loaded again;
  std::vector<const Source*> read;
  for (const auto& [path, text] : files) {
    read.push_back(&again.sources.Get(again.sources.Add(path, text, SourceKind::kWeft)));
  }
  again.program = Load(
      read, [](const std::string&) { return nullptr; }, again.diagnostics);
  for (const Diagnostic& d : again.diagnostics.Sorted()) {
    again.text += RenderHuman(d, again.sources, {});
  }
  EXPECT_EQ(again.text, "");
  EXPECT_EQ(Print(again.program, {}), files);
}

}  // namespace
}  // namespace weft::dsl
