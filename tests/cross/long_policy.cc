#include "tests/cross/long_policy.h"

#include <vector>

namespace weft::cross {
namespace {

using Strings = std::vector<std::string>;

std::string N(unsigned n) { return std::to_string(n); }

class Writer {
 public:
  explicit Writer(Random& random) : random_(random) {}

  std::string Write() {
    text_ =
        "workspace long {\n  namespaces [\"long\"]\n  export to edge { services all  routes all "
        "}\n" +
        std::string(Chance(50) ? "  isolate { mtls " + Pick({"strict", "permissive"}) + " }\n"
                               : "") +
        "}\nworkspace long\n"
        "service big in \"long\" {\n  port http 8080\n  port tcp 9000\n  port https 9443\n"
        "  subset v1 { version = \"v1\" }\n" +
        std::string(Chance(30) ? "  mtls off port 8080\n" : "") +
        "}\nservice small in \"long\" { port http 80 }\n"
        "external pay { hosts [\"api.pay.test\", \"*.pay.test\", \"*.eu.pay.test\"]  port http 80  "
        "port https 443 }\n"
        "destination far at \"far.global\" {\n  backs big on [c0]\n";
    if (Chance(50))
      text_ += "  failover " + Pick({"same zone, any", "same region, any", "any"}) + "\n";
    if (Chance(50)) text_ += "  eject after 5 errors in 10s for 30s\n";
    if (Chance(30)) text_ += "  tls off\n";
    text_ += "}\n";
    Access("big", 7 + Below(random_, 40));
    if (Chance(50)) Access("small", 1 + Below(random_, 12));
    Route("on gateway gw for \"long.x\"", 7 + Below(random_, 40), true);
    if (Chance(50)) Route("on gateway gw for \"*.long.x\"", 1 + Below(random_, 10), true);
    if (Chance(50)) Route("for big", 7 + Below(random_, 20), false);
    if (Chance(50)) Route("for far", 1 + Below(random_, 20), false);
    if (Chance(50)) Route("for \"" + Pick({"api.pay.test", "*.pay.test"}) + "\"", 3, false);
    return text_;
  }

 private:
  std::string Pick(const Strings& of) {
    return of[Below(random_, static_cast<unsigned>(of.size()))];
  }
  bool Chance(unsigned percent) { return Below(random_, 100) < percent; }

  std::string Segment() { return Pick({"a", "b", "c", "v1", "v2", "files"}); }

  std::string Path() {
    std::string path;
    for (unsigned n = 1 + Below(random_, 3); n > 0; --n) path += "/" + Segment();
    return path;
  }

  std::string Pattern() {
    switch (Below(random_, 9)) {
      case 0:
        return "= \"" + Path() + "\"";
      case 1:
      case 2:
        return "under \"" + (Chance(10) ? "/" : Path()) + "\"";
      case 3:
        return "starts \"" + Path() + Pick({"", "/", "/v", "x"}) + "\"";
      case 4:
        return "ends \"" + Pick({"", "/", ".js", "s", "1/"}) + Segment() + "\"";
      case 5:
        return "like \"/" + Pick({"*", Segment()}) + "/" + Pick({"*", "**", Segment()}) + "\"";
      case 6:
        return "like \"/*" + Path() + Pick({"", "/*", "/**"}) + "\"";
      case 7:
        return "matches \"" + Path() + Pick({"", "/[a-c]", ".*", "(/x)?", "/(a|b)+"}) + "\"";
      default:
        return "matches \"" + Pick({".*", "/[abc]/.*", "(/a|/b)/.*", "/v[0-9]"}) + Path() + "\"";
    }
  }

  std::string Value() {
    return Pick({"= \"1\"", "= \"abc\"", "= \"ab\"", "starts \"a\"", "starts \"ab\"", "ends \"c\"",
                 "ends \"bc\"", "present", "matches \"[ab]+\""});
  }

  std::string Leaf(bool access) {
    switch (Below(random_, access ? 14 : 10)) {
      case 0:
        return "method in [" + Pick({"GET", "GET, HEAD", "POST", "PUT, DELETE"}) + "]";
      case 1:
        return "header \"" + Pick({"x-a", "x-b", "x-c"}) + "\" " + Value();
      case 2:
        return "query \"" + Pick({"q", "p"}) + "\" " + Value();
      case 3:
        return access ? "host " + Pick({"= \"big.long\"", "ends \".long\"", "starts \"big\""})
                      : "path " + Pattern();
      case 10:
        return "source.ip in [" +
               Pick({"10.0.0.0/8", "10.1.0.0/16, 10.1.2.0/24", "2001:db8::/32",
                     "192.168.0.1, 203.0.113.0/24"}) +
               "]";
      case 11:
        return Pick({"jwt j0", "jwt j1", "mtls", "remote.ip in [203.0.113.0/24]"});
      case 12:
        return "jwt " + Pick({"j0", "j1"}) + " claim \"" + Pick({"role", "g.h"}) + "\" " +
               Pick({"has \"a\"", "starts \"x\"", "present"});
      case 13:
        return "port in [" + Pick({"8080", "9000", "8080, 9000"}) + "]";
      default:
        return "path " + Pattern();
    }
  }

  std::string Condition(unsigned depth, bool access) {
    if (depth > 0 && Chance(45)) {
      return "(" + Condition(depth - 1, access) + Pick({" and ", " or "}) +
             Condition(depth - 1, access) + ")";
    }
    return (Chance(15) ? "not " : "") + Leaf(access);
  }

  std::string Source() {
    return Pick({"big", "small", "workspace long", "workspace w0", "gateway gw", "outside",
                 "any identity", "namespace \"ns" + N(Below(random_, 4)) + "\"",
                 "account \"ns" + N(Below(random_, 3)) + "/s0" + N(Below(random_, 3)) + "\"",
                 "outside workspace long", "identity starts \"spiffe://t0/ns/ns0\"",
                 "identity matches \"spiffe://[^/]+/ns/long/sa/.*\"", "workspace w0 on c0",
                 "identity = \"spiffe://t0/ns/long/sa/big\""});
  }

  void Access(const std::string& target, unsigned clauses) {
    text_ += "access " + target + " {\n";
    for (unsigned i = 0; i < clauses; ++i) {
      text_ += std::string(Chance(5) ? "  dry run" : " ") + Pick({" allow", " allow", " deny"});
      if (Chance(8)) text_ += " tcp";
      text_ += " from " + Source();
      for (unsigned n = Below(random_, 10) / 4; n > 0; --n) text_ += ", " + Source();
      text_ += Chance(90) ? " when " + Condition(3, true) + "\n" : "\n";
    }
    if (Chance(20)) text_ += "  authenticate by j0\n";
    if (Chance(20)) text_ += "  authenticate by j1 optional\n";
    text_ += "}\n";
  }

  void Route(const std::string& head, unsigned rules, bool gateway) {
    text_ += "route long" + N(routes_++) + " " + head + " {\n";
    for (unsigned i = 0; i < rules; ++i) {
      text_ += "  when " + Condition(2, false) + " -> " + Action() + "\n";
    }
    if (gateway && Chance(30)) text_ += "  tls sni \"long.x\" -> big port 9443\n";
    if (!gateway && Chance(30)) text_ += "  tcp port 9000 -> big port 9000\n";
    if (Chance(60)) text_ += "  otherwise -> " + Action() + "\n";
    text_ += "}\n";
  }

  std::string Action() {
    return Pick(
        {"respond 404", "redirect path \"/new\"", "big", "big port 8080", "small",
         "30% big.v1 port 8080, 70% small", "far", "pay port 80",
         "big port 8080 { rewrite path \"/\" }", "big port 8080 { rewrite path \"/v1/\" }",
         "big port 8080 { rewrite path matches \"/[ab]\" to \"/c\" }",
         "big port 8080 { rewrite host \"big.long\" }",
         "big port 8080 { headers { request add \"x-a\" = \"bc\" } }",
         "big port 8080 { headers { request remove \"x-b\"  request set \"x-c\" = \"1\" } }",
         "small { fault abort 503 for 100% }", "small { timeout 2s }"});
  }

  Random& random_;
  std::string text_;
  unsigned routes_ = 0;
};

const std::string& Pick(const Strings& of, Random& random) {
  return of[Below(random, static_cast<unsigned>(of.size()))];
}

void AddFields(const engine::Model& model, Random& random, engine::Request& request) {
  static const Strings kValues = {"1", "abc", "ab", "bc", "a", "", "x", "xy"};
  static const Strings kSegments = {"a",  "b",  "c",     "a", "b", "c",    "v1", "v2", "files",
                                    "v1", "v2", "files", "x", "",  "a.js", "v",  "~!"};
  request.method = Pick({"GET", "HEAD", "POST", "PUT", "DELETE", "get"}, random);
  request.path = Below(random, 50) == 0 ? "" : "/";
  for (unsigned n = Below(random, 5); n > 0; --n) {
    request.path += Pick(kSegments, random) + (n > 1 ? "/" : "");
  }
  for (const char* name : {"x-a", "x-b", "x-c"}) {
    if (Below(random, 2) == 0) request.headers[name] = Pick(kValues, random);
  }
  for (const char* name : {"q", "p"}) {
    if (Below(random, 3) == 0) request.query[name] = Pick(kValues, random);
  }
  for (std::uint32_t i = 0; i < model.jwts.size(); ++i) {
    if (Below(random, 2) == 0) continue;
    engine::Token token{.provider = {i}, .valid = Below(random, 3) != 0, .claims = {}};
    for (unsigned n = Below(random, 3); n > 0; --n) {
      token.claims[Pick({"role", "g.h"}, random)].push_back(Pick(kValues, random));
    }
    request.tokens.push_back(std::move(token));
  }
  request.source_ip = Pick(
      {"10.0.0.1", "10.1.2.3", "192.168.0.1", "203.0.113.9", "2001:db8::7", "not an address", ""},
      random);
  if (Below(random, 3) == 0) request.remote_ip = Pick({"203.0.113.9", "10.0.0.1", "::1"}, random);
}

void AddCaller(const engine::Model& model, Random& random, engine::Request& request) {
  request.cluster = {Below(random, static_cast<unsigned>(model.clusters.size()))};
  if (Below(random, 6) != 0) {
    request.source = {Below(random, static_cast<unsigned>(model.workloads.size()))};
    if (Below(random, 10) != 0) request.cluster = model[request.source].cluster;
  }
  request.plaintext = Below(random, 12) == 0;
  request.direct = Below(random, 10) == 0;
  if (Below(random, 6) == 0) {
    request.identity = engine::Identity{Pick({"t0", "t1", "t9"}, random),
                                        Pick({"ns0", "ns1", "long", "nowhere"}, random),
                                        Pick({"s00", "s10", "big", "nobody"}, random)};
  }
}

}  // namespace

std::string LongPolicy(Random& random) { return Writer(random).Write(); }

engine::Request WildRequest(const engine::Model& model, Random& random) {
  engine::Request request;
  AddCaller(model, random, request);
  AddFields(model, random, request);
  request.layer = static_cast<engine::Layer>(Below(random, 8) < 6 ? 0 : 1 + Below(random, 2));
  if (!model.gateways.empty() && Below(random, 3) == 0) {
    request.gateway = {Below(random, static_cast<unsigned>(model.gateways.size()))};
    request.tls = Below(random, 2) == 0;
    request.port = request.tls ? 443 : 80;
    request.host =
        Pick({"long.x", "long.x", "a.long.x", "h0.x", "h1.x", "b.h0.x", "x", "", "other"}, random);
    request.sni = Below(random, 5) == 0 ? "long.x" : request.host;
  } else {
    static const Strings kHosts = {"big.long",
                                   "big.long",
                                   "big.long.svc.cluster.local",
                                   "big",
                                   "small",
                                   "small.long.svc",
                                   "far.global",
                                   "far.global",
                                   "api.pay.test",
                                   "x.pay.test",
                                   "a.eu.pay.test",
                                   "pay.test",
                                   "s00.ns0",
                                   "s10.ns1.svc.cluster.local",
                                   "s00",
                                   "d0.global",
                                   "nobody",
                                   "a.b.c.d",
                                   "",
                                   "big.long.svc.other.local"};
    request.host = Pick(kHosts, random);
    request.sni = request.host;
    static const std::vector<std::uint16_t> kPorts = {9000, 9443, 443, 1};
    const bool on_80 = request.host.starts_with("small") || request.host.ends_with(".test");
    request.port = on_80 ? 80 : 8080;
    if (Below(random, 5) == 0) request.port = kPorts[Below(random, 4)];
  }
  if (Below(random, 12) == 0) request.lost_clusters.insert({Below(random, 2)});
  if (Below(random, 12) == 0) request.lost_regions.insert(Pick({"r0", "r1"}, random));
  if (Below(random, 12) == 0) request.lost_zones.insert(Pick({"z0", "z1"}, random));
  return request;
}

}  // namespace weft::cross
