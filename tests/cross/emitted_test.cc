// The proof that what is emitted means what the policy means (prove/): true for what weft emits,
// and false for what a wrong emitter would write. Every mutant is one mistake an emitter can make.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "dsl/render.h"
#include "prove/prove.h"
#include "tests/cross/environment.h"
#include "tests/cross/pipeline.h"

namespace weft::cross {
namespace {

using verifier::PropertyVerdict;

// `right`: what the emitter without the mistake writes.
verifier::Report Prove(const Case& one, const Case& right, SourceMap& texts) {
  Diagnostics reading;
  const emit::check::Mesh mesh = ReadBack(one, texts, reading);
  const emit::check::Mesh reference = ReadBack(right, texts, reading);
  return prove::ProveEmitted(one.model, mesh, {.reference = &reference});
}

std::string Told(const verifier::Report& report, const Case& one) {
  std::string text;
  for (const verifier::Finding& finding : report.findings) {
    text += RenderHuman(finding.diagnostic, one.sources, {});
  }
  return text;
}

// Everything the comparison looks at, once; random policies lack some of it.
constexpr const char* kRich = R"(mesh shop {
  east-west { address "198.51.100.1" }
  mtls permissive
}
cluster east { region "r0"  zone "z0"  network n0  trust "t0" }
cluster west { region "r1"  zone "z1"  network n1  trust "t1" }
workspace edge { namespaces ["edge"] }
workspace ops { namespaces ["ops"]  export to web { services all } }
workspace web {
  namespaces ["web"]
  export to edge { services all  routes all }
  export to ops { service cart }
  isolate { mtls strict  trim proxies }
}
jwt corp { issuer "https://id"  jwks from "https://id/keys"  audience "shop"  from header "x-t" prefix "T " }
jwt other { issuer "https://other"  jwks inline "{\"keys\": []}" }
workspace ops
service asked in "ops" { port grpc 9191 }
authorizer asked { service asked in "ops" port 9191  on failure allow }
workspace edge
gateway gw in "edge" {
  select { istio = "gw" }
  listen 80 http { redirect https }
  listen 443 https { hosts ["*.x"]  certificate secret "c" }
  listen 8081 http
  accept routes from all
}
access gateway gw { deny when path under "/internal" }
workspace web
service cart in "web" {
  port http 8080 target 9090
  port tcp 9000
  subset v1 { version = "v1" }
  subset v2 { version = "v2" }
  connections { at most 100  connect within 1s }
  balance least request
  authenticate by corp
  authorize by asked when path under "/asked"
}
service front in "web" { port http 8080  mtls permissive port 8080 }
service stock in "web" { port http 8080 }
external pay { hosts ["api.pay.x"]  port http 80 }
destination anywhere at "stock.global" {
  backs stock on [east, west]
  failover same region, any
  eject after 5 errors in 10s for 30s
}
access cart {
  allow from front, stock when method in [GET, HEAD] and path under "/carts" and not header "x-no" present
  allow from any identity when jwt corp claim "role" has "auditor"
  allow from account "ops/batch" when source.ip in [10.0.0.0/8] and not remote.ip in [10.9.0.0/16]
  allow from front when host = "cart.web" and header "x-a" starts "a"
  allow from outside workspace web when path = "/public"
  deny when path under "/carts/admin" and not path = "/carts/admin/open"
  deny from stock when port 8080 and method = HEAD
}
access front { allow anyone when path like "/*/open" }
route shop on gateway gw for "shop.x" {
  when path under "/api" and not path ends ".js" -> cart.v1 port 8080 { rewrite path "/"  timeout 2s }
  when header "x-canary" = "1" and query "q" = "1" -> 90% cart.v1 port 8080, 10% cart.v2 port 8080 {
    retries 2 per try 500ms on [5xx, reset]
    headers { request set "x-a" = "1"  response remove "x-b" }
  }
  when path = "/old" -> redirect path "/new" code 308
  when path = "/gone" -> respond 410
  when method = POST -> cart port 8080 { mirror 10% to cart.v2 port 8080  rewrite host "cart.web" }
  otherwise -> stock port 8080 { fault delay 2s for 10%  cors { origins ["https://a.x"]  methods [GET] } }
}
route wild on gateway gw for "*.y" { when method = GET -> stock port 8080 }
route inside for cart {
  when path matches "/r[0-9]+" -> cart.v2 port 8080
  when path = "/broken" -> cart port 8080 { fault abort 503 for 100% }
  when path starts "/s" or header "x-s" present -> cart.v1 port 8080 { rewrite path "/v/" }
  otherwise -> cart port 8080
}
)";

TEST(Emitted, WhatWeftEmitsIsProved) {
  const unsigned seed = FromEnvironment("WEFT_EMITTED_SEED", 4'711);
  const unsigned wanted = FromEnvironment("WEFT_EMITTED_POLICIES", 25);
  const std::unique_ptr<Case> rich = MakeCase(kRich);
  ASSERT_TRUE(rich->usable) << Errors(*rich);
  Random random(seed);  // NOLINT: the seed is printed, so that a failure can be repeated
  unsigned undecided = 0;
  for (unsigned done = 0; done <= wanted;) {
    const std::unique_ptr<Case> drawn = done == 0 ? nullptr : MakeCase(random);
    const Case& one = drawn == nullptr ? *rich : *drawn;
    if (!one.usable) continue;
    ++done;
    SourceMap texts;
    const verifier::Report report = Prove(one, one, texts);
    EXPECT_EQ(report.Count(PropertyVerdict::kViolated), 0U)
        << "seed " << seed << ", policy " << done << "\n"
        << Told(report, one) << one.text;
    undecided += report.Count(PropertyVerdict::kUndecided) > 0 ? 1 : 0;
  }
  std::cout << "seed " << seed << ": " << wanted + 1 << " policies, " << undecided
            << " with something undecided\n";
  EXPECT_LE(undecided, wanted / 10);
}

// ---- mutants ----------------------------------------------------------------------------------

struct Mutant {
  const char* name;
  bool (*plant)(Objects&);  // false: nothing to break in these objects
};

using emit::Value;

// Adds to every list of the name.
bool AddTo(Objects& o, const char* kind, const char* field, const char* value) {
  return InKind(o, kind, [&](Value& spec) {
    return AtField(spec, field, [&](Value& at) {
      if (!at[field].is_array()) return false;
      at[field].push_back(value);
      return true;
    });
  });
}

// Takes the last of every list of the name that has several, or is alone when `all`.
bool Shorten(Objects& o, const char* kind, const char* field, std::size_t least) {
  return InKind(o, kind, [&](Value& spec) {
    return AtField(spec, field, [&](Value& at) {
      if (!at[field].is_array() || at[field].size() <= least) return false;
      at[field].erase(at[field].size() - 1);
      return true;
    });
  });
}

bool Rename(Objects& o, const char* kind, const char* field, const char* name) {
  return InKind(o, kind, [&](Value& spec) {
    return AtField(spec, field, [&](Value& at) {
      at[name] = at[field];
      at.erase(field);
      return true;
    });
  });
}

bool Set(Objects& o, const char* kind, const char* field, const Value& value) {
  return InKind(o, kind, [&](Value& spec) {
    return AtField(spec, field, [&](Value& at) {
      if (at[field] == value) return false;
      at[field] = value;
      return true;
    });
  });
}

// Changes every text in lists and fields of the name.
template <typename Change>
bool InTexts(Objects& o, const char* kind, const char* field, Change change) {
  return InKind(o, kind, [&](Value& spec) {
    return AtField(spec, field, [&](Value& at) {
      bool any = false;
      const auto one = [&](Value& text) {
        if (!text.is_string()) return;
        const auto before = text.get<std::string>();
        const std::string after = change(before);
        any = any || after != before;
        text = after;
      };
      if (at[field].is_array()) {
        for (auto& item : at[field]) one(item);
      } else {
        one(at[field]);
      }
      return any;
    });
  });
}

bool InRoutes(Objects& o, bool (*change)(Value& http)) {
  return InKind(o, "VirtualService",
                [&](Value& spec) { return spec.contains("http") && change(spec["http"]); });
}

const char* const kAuth = "AuthorizationPolicy";
const char* const kRoute = "VirtualService";

const Mutant kMutants[] = {
    // AuthorizationPolicy
    {"notPaths is forgotten", [](Objects& o) { return Drop(o, kAuth, "notPaths"); }},
    {"notPrincipals is forgotten", [](Objects& o) { return Drop(o, kAuth, "notPrincipals"); }},
    {"paths are forgotten", [](Objects& o) { return Drop(o, kAuth, "paths"); }},
    {"methods are forgotten", [](Objects& o) { return Drop(o, kAuth, "methods"); }},
    {"principals are forgotten", [](Objects& o) { return Drop(o, kAuth, "principals"); }},
    {"conditions are forgotten", [](Objects& o) { return Drop(o, kAuth, "when"); }},
    {"ports are forgotten", [](Objects& o) { return Drop(o, kAuth, "ports"); }},
    {"hosts are forgotten", [](Objects& o) { return Drop(o, kAuth, "hosts"); }},
    {"addresses are forgotten", [](Objects& o) { return Drop(o, kAuth, "ipBlocks"); }},
    {"clients are forgotten", [](Objects& o) { return Drop(o, kAuth, "notRemoteIpBlocks"); }},
    {"tokens are not demanded", [](Objects& o) { return Drop(o, kAuth, "requestPrincipals"); }},
    {"operations are forgotten", [](Objects& o) { return Drop(o, kAuth, "to"); }},
    {"sources are forgotten", [](Objects& o) { return Drop(o, kAuth, "from"); }},
    {"rules are forgotten", [](Objects& o) { return Drop(o, kAuth, "rules"); }},
    {"the last rule is lost", [](Objects& o) { return Shorten(o, kAuth, "rules", 1); }},
    {"the last path is lost", [](Objects& o) { return Shorten(o, kAuth, "paths", 1); }},
    {"the last method is lost", [](Objects& o) { return Shorten(o, kAuth, "methods", 1); }},
    {"the last principal is lost", [](Objects& o) { return Shorten(o, kAuth, "principals", 1); }},
    {"hosts go without their port", [](Objects& o) { return Shorten(o, kAuth, "hosts", 1); }},
    {"a method too many", [](Objects& o) { return AddTo(o, kAuth, "methods", "PATCH"); }},
    {"a path too many", [](Objects& o) { return AddTo(o, kAuth, "paths", "/extra"); }},
    {"a principal too many",
     [](Objects& o) { return AddTo(o, kAuth, "principals", "t0/ns/extra/sa/extra"); }},
    {"paths become notPaths", [](Objects& o) { return Rename(o, kAuth, "paths", "notPaths"); }},
    {"notPaths becomes paths", [](Objects& o) { return Rename(o, kAuth, "notPaths", "paths"); }},
    {"values become notValues", [](Objects& o) { return Rename(o, kAuth, "values", "notValues"); }},
    {"ipBlocks become remoteIpBlocks",
     [](Objects& o) { return Rename(o, kAuth, "ipBlocks", "remoteIpBlocks"); }},
    {"paths become prefixes",
     [](Objects& o) {
       return InTexts(o, kAuth, "paths", [](const std::string& path) {
         return path.ends_with('*') ? path : path + "*";
       });
     }},
    {"segments become raw prefixes",
     [](Objects& o) {
       return InTexts(o, kAuth, "paths", [](const std::string& path) {
         return path.ends_with("/*") && path.size() > 2 ? path.substr(0, path.size() - 2) + "*"
                                                        : path;
       });
     }},
    {"templates match any rest",
     [](Objects& o) {
       return InTexts(o, kAuth, "paths", [](std::string path) {
         const std::size_t at = path.find("{*}");
         return at == std::string::npos ? path : path.replace(at, 3, "{**}");
       });
     }},
    {"trust domains are mixed up",
     [](Objects& o) {
       return InTexts(o, kAuth, "principals", [](std::string principal) {
         return principal.starts_with("t0/") ? principal.replace(0, 2, "t1") : principal;
       });
     }},
    {"accounts become namespaces",
     [](Objects& o) {
       return InTexts(o, kAuth, "principals", [](const std::string& principal) {
         const std::size_t account = principal.find("/sa/");
         return account == std::string::npos ? principal : principal.substr(0, account + 4) + "*";
       });
     }},
    {"claims are read elsewhere",
     [](Objects& o) {
       return InTexts(o, kAuth, "key", [](const std::string& key) {
         return key == "request.auth.claims[role]" ? "request.auth.claims[rule]" : key;
       });
     }},
    {"headers are read elsewhere",
     [](Objects& o) {
       return InTexts(o, kAuth, "key", [](const std::string& key) {
         return key == "request.headers[x-a]" ? "request.headers[x-z]" : key;
       });
     }},
    {"ports are those of the service",
     [](Objects& o) {
       return InTexts(o, kAuth, "ports",
                      [](const std::string& port) { return port == "9090" ? "8080" : port; });
     }},
    {"denials are not written", [](Objects& o) { return RemoveObjects(o, kAuth, "DENY"); }},
    {"allowances are not written", [](Objects& o) { return RemoveObjects(o, kAuth, "ALLOW"); }},
    {"authorizers are not asked", [](Objects& o) { return RemoveObjects(o, kAuth, "CUSTOM"); }},
    {"DENY becomes ALLOW",
     [](Objects& o) { return ReplaceWord(o, kAuth, "action", "DENY", "ALLOW"); }},
    {"ALLOW becomes DENY",
     [](Objects& o) { return ReplaceWord(o, kAuth, "action", "ALLOW", "DENY"); }},
    {"ALLOW becomes AUDIT",
     [](Objects& o) { return ReplaceWord(o, kAuth, "action", "ALLOW", "AUDIT"); }},
    {"a provider nobody knows",
     [](Objects& o) { return ReplaceWord(o, kAuth, "name", "weft-asked", "weft-other"); }},
    {"policies are dry runs",
     [](Objects& o) {
       bool any = false;
       for (auto& [cluster, objects] : o) {
         for (emit::Object& object : objects) {
           if (object.kind != kAuth) continue;
           object.annotations["istio.io/dry-run"] = "true";
           any = true;
         }
       }
       return any;
     }},
    {"policies select nothing in particular",
     [](Objects& o) { return Drop(o, kAuth, "selector"); }},
    {"policies select something else",
     [](Objects& o) {
       return InKind(o, kAuth, [](Value& spec) {
         return AtField(spec, "matchLabels", [](Value& at) {
           at["matchLabels"]["nobody"] = "has-it";
           return true;
         });
       });
     }},
    // PeerAuthentication, RequestAuthentication
    {"STRICT becomes PERMISSIVE",
     [](Objects& o) {
       return ReplaceWord(o, "PeerAuthentication", "mode", "STRICT", "PERMISSIVE");
     }},
    {"STRICT becomes DISABLE",
     [](Objects& o) { return ReplaceWord(o, "PeerAuthentication", "mode", "STRICT", "DISABLE"); }},
    {"PERMISSIVE becomes STRICT",
     [](Objects& o) {
       return ReplaceWord(o, "PeerAuthentication", "mode", "PERMISSIVE", "STRICT");
     }},
    {"ports inherit their mode",
     [](Objects& o) { return Drop(o, "PeerAuthentication", "portLevelMtls"); }},
    {"mTLS is not demanded", [](Objects& o) { return RemoveObjects(o, "PeerAuthentication", ""); }},
    {"modes hold for the namespace",
     [](Objects& o) { return Drop(o, "PeerAuthentication", "selector"); }},
    {"tokens are not checked",
     [](Objects& o) { return RemoveObjects(o, "RequestAuthentication", ""); }},
    {"audiences are forgotten",
     [](Objects& o) { return Drop(o, "RequestAuthentication", "audiences"); }},
    {"tokens are looked for elsewhere",
     [](Objects& o) { return Drop(o, "RequestAuthentication", "fromHeaders"); }},
    {"keys come from elsewhere",
     [](Objects& o) {
       return Set(o, "RequestAuthentication", "jwksUri", "https://elsewhere/keys");
     }},
    {"another issuer",
     [](Objects& o) {
       return ReplaceWord(o, "RequestAuthentication", "issuer", "https://id", "https://other");
     }},
    // VirtualService
    {"routes stand in reverse",
     [](Objects& o) {
       return InRoutes(o, [](Value& http) {
         if (http.size() < 2) return false;
         std::reverse(http.begin(), http.end());
         return true;
       });
     }},
    {"the first route is lost",
     [](Objects& o) {
       return InRoutes(o, [](Value& http) {
         if (http.size() < 2) return false;
         http.erase(0);
         return true;
       });
     }},
    {"the last route is lost",
     [](Objects& o) {
       return InRoutes(o, [](Value& http) {
         if (http.size() < 2) return false;
         http.erase(http.size() - 1);
         return true;
       });
     }},
    {"matches are forgotten", [](Objects& o) { return Drop(o, kRoute, "match"); }},
    {"one match is lost", [](Objects& o) { return Shorten(o, kRoute, "match", 1); }},
    {"a segment becomes a raw prefix",
     [](Objects& o) {
       return InTexts(o, kRoute, "prefix", [](const std::string& prefix) {
         return prefix.size() > 1 && prefix.ends_with('/') ? prefix.substr(0, prefix.size() - 1)
                                                           : prefix;
       });
     }},
    {"exact becomes prefix",
     [](Objects& o) {
       return InKind(o, kRoute, [](Value& spec) {
         return AtField(spec, "uri", [](Value& at) {
           if (!at["uri"].is_object() || !at["uri"].contains("exact")) return false;
           at["uri"] = {{"prefix", at["uri"]["exact"]}};
           return true;
         });
       });
     }},
    {"paths are matched in any case",
     [](Objects& o) {
       return InKind(o, kRoute, [](Value& spec) {
         return AtField(spec, "uri", [](Value& at) {
           if (!at["uri"].is_object()) return false;
           at["ignoreUriCase"] = true;
           return true;
         });
       });
     }},
    {"methods are not matched", [](Objects& o) { return Drop(o, kRoute, "method"); }},
    {"absent headers are not matched", [](Objects& o) { return Drop(o, kRoute, "withoutHeaders"); }},
    {"query is not matched", [](Objects& o) { return Drop(o, kRoute, "queryParams"); }},
    {"rewrites are forgotten", [](Objects& o) { return Drop(o, kRoute, "rewrite"); }},
    {"rewritten paths lose their slash",
     [](Objects& o) {
       return InTexts(o, kRoute, "uri", [](const std::string& uri) {
         return uri.size() > 1 && uri.ends_with('/') ? uri.substr(0, uri.size() - 1) : uri;
       });
     }},
    {"the authority stays", [](Objects& o) { return Drop(o, kRoute, "authority"); }},
    {"subsets are forgotten", [](Objects& o) { return Drop(o, kRoute, "subset"); }},
    {"subsets are swapped",
     [](Objects& o) { return ReplaceWord(o, kRoute, "subset", "v1", "v2"); }},
    {"another host",
     [](Objects& o) {
       return ReplaceWord(o, kRoute, "host", "stock.web.svc.cluster.local",
                          "cart.web.svc.cluster.local");
     }},
    {"another port", [](Objects& o) { return Set(o, kRoute, "number", 9000); }},
    {"weights are equal", [](Objects& o) { return Set(o, kRoute, "weight", 50); }},
    {"timeouts are forgotten", [](Objects& o) { return Drop(o, kRoute, "timeout"); }},
    {"timeouts are in minutes", [](Objects& o) { return Set(o, kRoute, "timeout", "2m"); }},
    {"retries are forgotten", [](Objects& o) { return Drop(o, kRoute, "retries"); }},
    {"retries on anything", [](Objects& o) { return Drop(o, kRoute, "retryOn"); }},
    {"tries are not bounded", [](Objects& o) { return Drop(o, kRoute, "perTryTimeout"); }},
    {"faults are forgotten", [](Objects& o) { return Drop(o, kRoute, "fault"); }},
    {"faults hit everyone", [](Objects& o) { return Drop(o, kRoute, "percentage"); }},
    {"mirrors are forgotten", [](Objects& o) { return Drop(o, kRoute, "mirrors"); }},
    {"headers are not set", [](Objects& o) { return Drop(o, kRoute, "set"); }},
    {"headers are not removed", [](Objects& o) { return Drop(o, kRoute, "remove"); }},
    {"headers are added", [](Objects& o) { return Rename(o, kRoute, "set", "add"); }},
    {"origins are forgotten", [](Objects& o) { return Drop(o, kRoute, "corsPolicy"); }},
    {"another redirect", [](Objects& o) { return Set(o, kRoute, "redirectCode", 302); }},
    {"another answer", [](Objects& o) { return Set(o, kRoute, "status", 404); }},
    {"routes are not written", [](Objects& o) { return RemoveObjects(o, kRoute, ""); }},
    {"routes are for all hosts",
     [](Objects& o) {
       return InKind(o, kRoute, [](Value& spec) {
         spec["hosts"] = {"*"};
         return true;
       });
     }},
    {"routes are for nobody",
     [](Objects& o) {
       return InKind(o, kRoute, [](Value& spec) {
         spec["exportTo"] = {"nobody"};
         return true;
       });
     }},
    // Gateway, ServiceEntry, Sidecar
    {"https is not demanded", [](Objects& o) { return Drop(o, "Gateway", "httpsRedirect"); }},
    {"gateways are not written", [](Objects& o) { return RemoveObjects(o, "Gateway", ""); }},
    {"a server is lost", [](Objects& o) { return Shorten(o, "Gateway", "servers", 1); }},
    {"servers take other hosts",
     [](Objects& o) {
       return InTexts(o, "Gateway", "hosts", [](const std::string& host) {
         return host.ends_with("/*.x") ? host + ".z" : host;
       });
     }},
    {"entries are not written", [](Objects& o) { return RemoveObjects(o, "ServiceEntry", ""); }},
    {"entries are for everyone", [](Objects& o) { return Set(o, "ServiceEntry", "exportTo", {"*"}); }},
    // DestinationRule, WorkloadEntry, MeshConfig
    {"subsets are not defined", [](Objects& o) { return Drop(o, "DestinationRule", "subsets"); }},
    {"labels are forgotten", [](Objects& o) { return Drop(o, "DestinationRule", "labels"); }},
    {"subsets have other labels",
     [](Objects& o) { return ReplaceWord(o, "DestinationRule", "version", "v1", "v2"); }},
    {"nothing is ejected",
     [](Objects& o) { return Drop(o, "DestinationRule", "outlierDetection"); }},
    {"ejection takes longer",
     [](Objects& o) { return Set(o, "DestinationRule", "baseEjectionTime", "300s"); }},
    {"connections are not bounded",
     [](Objects& o) { return Drop(o, "DestinationRule", "connectionPool"); }},
    {"localities are not ordered",
     [](Objects& o) { return Drop(o, "DestinationRule", "failoverPriority"); }},
    {"another balance",
     [](Objects& o) { return Set(o, "DestinationRule", "simple", "RANDOM"); }},
    {"rules are for nobody",
     [](Objects& o) { return Set(o, "DestinationRule", "exportTo", {"nobody"}); }},
    {"clients send clear text",
     [](Objects& o) {
       return InKind(o, "DestinationRule", [](Value& spec) {
         spec["trafficPolicy"]["tls"]["mode"] = "DISABLE";
         return true;
       });
     }},
    {"rules of ports hide the others",
     [](Objects& o) {
       return InKind(o, "DestinationRule", [](Value& spec) {
         if (!spec.contains("trafficPolicy")) return false;
         spec["trafficPolicy"]["portLevelSettings"] = {{{"port", {{"number", 8080}}}}};
         return true;
       });
     }},
    {"other clusters are not entered",
     [](Objects& o) { return RemoveObjects(o, "WorkloadEntry", ""); }},
    {"proxies are not trimmed", [](Objects& o) { return RemoveObjects(o, "Sidecar", ""); }},
    {"proxies know less",
     [](Objects& o) {
       return InKind(o, "Sidecar", [](Value& spec) {
         return AtField(spec, "hosts", [](Value& at) {
           at["hosts"] = {"./nothing"};
           return true;
         });
       });
     }},
};

class Mutants : public testing::TestWithParam<Mutant> {};

TEST_P(Mutants, AreFound) {
  Random random(4711);  // NOLINT: a fixed seed keeps the test reproducible
  int planted = 0;
  for (int policy = 0; policy < 400 && planted < 40; ++policy) {
    const std::string text = policy == 0 ? kRich : RandomPolicy(random);
    const std::unique_ptr<Case> one = MakeCase(text);
    if (!one->usable || !GetParam().plant(one->objects)) continue;
    const std::unique_ptr<Case> right = MakeCase(text);
    ++planted;
    SourceMap texts;
    const verifier::Report report = Prove(*one, *right, texts);
    if (report.Count(PropertyVerdict::kViolated) == 0) continue;
    for (const verifier::Finding& finding : report.findings) {
      EXPECT_TRUE(!finding.witness || finding.replayed) << finding.diagnostic.message << "\n"
                                                        << Told(report, *one);
    }
    return;
  }
  FAIL() << "`" << GetParam().name << "` was planted in " << planted << " policies and not found";
}

INSTANTIATE_TEST_SUITE_P(Emitter, Mutants, testing::ValuesIn(kMutants),
                         [](const testing::TestParamInfo<Mutant>& mutant) {
                           std::string name = mutant.param.name;
                           std::replace(name.begin(), name.end(), ' ', '_');
                           return name;
                         });

}  // namespace
}  // namespace weft::cross
