#include "tests/cross/random_policy.h"

#include <vector>

namespace weft::cross {
namespace {

using Strings = std::vector<std::string>;

class Writer {
 public:
  explicit Writer(Random& random) : random_(random) {}

  std::string Write() {
    clusters_ = 1 + Below(random_, 2);
    workspaces_ = 1 + Below(random_, 3);
    Mesh();
    for (unsigned w = 0; w < workspaces_; ++w) Team(w);
    return text_;
  }

 private:
  std::string Pick(const Strings& of) {
    return of[Below(random_, static_cast<unsigned>(of.size()))];
  }
  bool Chance(unsigned percent) { return Below(random_, 100) < percent; }
  void Line(const std::string& line) { text_ += line + "\n"; }
  static std::string N(unsigned n) { return std::to_string(n); }
  std::string Service(unsigned w) { return "s" + N(w) + N(Below(random_, 2)); }

  void Mesh() {
    Line("mesh m {");
    Line("  east-west { address \"198.51.100.1\" }");
    if (Chance(30)) Line("  mtls " + Pick({"strict", "permissive"}));
    Line("}");
    const bool one_region = Chance(30);
    const bool one_network = false;
    for (unsigned c = 0; c < clusters_; ++c) {
      Line("cluster c" + N(c) + " { region \"r" + N(one_region ? 0 : c) + "\"  zone \"z" + N(c) +
           "\"  network n" + N(one_network ? 0 : c) + "  trust \"t" + N(c) + "\" }");
    }
    Line("workspace edge { namespaces [\"edge\"] }");
    Line("workspace ops { namespaces [\"ops\"] }");
    for (unsigned w = 0; w < workspaces_; ++w) {
      Line("workspace w" + N(w) + " {");
      Line("  namespaces [\"ns" + N(w) + "\"]");
      if (Chance(70)) Line("  export to edge { services all  routes all }");
      for (unsigned other = 0; other < workspaces_; ++other) {
        if (other == w || !Chance(40)) continue;
        Line("  export to w" + N(other) + " { " +
             Pick({"service s" + N(w) + "0", "services all", "all"}) + " }");
      }
      if (Chance(50)) Line("  isolate { mtls strict" + Pick({"", "  trim proxies"}) + " }");
      Line("}");
    }
    Line("jwt j0 { issuer \"https://i0\"  jwks from \"https://i0/k\" }");
    Line("jwt j2 { issuer \"https://i2\"  jwks inline \"{\\\"keys\\\": []}\" }");
    Line(
        "jwt j3 { issuer \"https://i3\"  jwks inline \"{\\\"keys\\\": []}\"  from header \"x-j3\" "
        "}");
    Line("jwt j1 { issuer \"https://i1\"  jwks from \"https://i1/k\"  audience \"a\" }");
    Deciders();
    Line("workspace edge");
    Line("gateway gw in \"edge\" {");
    Line("  select { istio = \"gw\" }");
    Line("  listen 80 http" + Pick({"", " { redirect https }", " { hosts [\"*.x\"] }"}));
    Line("  listen 443 https { hosts [\"*.x\"]  certificate secret \"c\" }");
    Line("  accept routes from all");
    if (Chance(25)) Line("  authorize by asked" + Pick({"", "", " when method = POST"}));
    if (Chance(25)) Line("  " + Limit(true));
    Line("}");
    if (Chance(30)) Access("gateway gw", 0, true);
  }

  // Services that decide with the mesh.
  void Deciders() {
    Line("workspace ops");
    Line("service asked in \"ops\" { port grpc 9191 }");
    Line("service counts in \"ops\" { port grpc 8081 }");
    Line("authorizer asked { service asked in \"ops\" port 9191  on failure " +
         Pick({"deny", "deny status 503", "allow"}) + " }");
    Line("limiter counts { service counts in \"ops\" port 8081  on error " +
         Pick({"deny", "allow"}) + " }");
  }

  std::string Tokens() {
    const std::string phase = Pick({"", " phase before authorization"});
    if (Chance(25))
      return "authenticate by [j2, j3]" + Pick({"", " optional", " tolerant"}) + phase;
    return "authenticate by " + Pick({"j2", "j3"}) + Pick({"", "", " optional", " tolerant"}) +
           phase +
           Pick({"", " { require claim \"role\" has \"a\" }",
                 " { require claim \"g.h\" starts \"x\"  require scope \"s\" }",
                 " { require claim \"i\\\\.j\" has \"x\" }"});
  }

  std::string Limit(bool gateway) {
    std::string limit = "limit " + Pick({"10/s", "100/min", "5/h"});
    limit += Pick({"", " per header \"x-a\"", " per (remote.ip, header \"x-b\")", " per path",
                   " per method"});
    if (!gateway && Chance(20))
      limit += limit.find(" per ") == std::string::npos ? " per source.identity" : "";
    if (Chance(40)) {
      limit += " when " + Pick({"method in [GET, HEAD]", "path under \"/a\"",
                                "header \"x-a\" starts \"a\"", "not header \"x-b\" present",
                                "query \"q\" = \"1\" and not path ends \".js\""});
    }
    if (Chance(25)) limit += " phase before authorization";
    return limit;
  }

  void Team(unsigned w) {
    Line("workspace w" + N(w));
    for (unsigned s = 0; s < 2; ++s) {
      Line("service s" + N(w) + N(s) + " in \"ns" + N(w) + "\" {");
      Line("  port http 8080" + std::string(Chance(30) ? " target 9090" : ""));
      if (Chance(25)) Line("  port tcp 9000");
      Line("  subset v1 { version = \"v1\" }");
      Line("  subset v2 { version = \"v2\" }");
      if (Chance(15)) Line("  mtls " + Pick({"strict", "permissive", "disable"}) + " port 8080");
      if (Chance(15)) Line("  authenticate by j0");
      if (Chance(20)) {
        Line("  authorize by asked" +
             Pick({"", " { config \"c\" }", " when path under \"/a\"",
                   " when not method in [GET, HEAD]", " when header \"x-a\" present"}));
      }
      if (Chance(20)) Line("  " + Limit(false));
      Line("}");
    }
    if (Chance(50)) {
      std::string on;
      for (unsigned c = 0; c < clusters_; ++c) on += (c ? ", c" : "c") + N(c);
      Line("destination d" + N(w) + " at \"d" + N(w) + ".global\" {");
      Line("  backs " + Service(w) + " on [" + on + "]");
      if (Chance(70)) {
        Line("  failover " +
             Pick({"same zone, same region, any", "same cluster, any", "same region, any", "any"}));
      }
      if (Chance(70)) Line("  eject after 5 errors in 10s for 30s");
      Line("}");
    }
    if (Chance(40)) {
      Line("external e" + N(w) + " { hosts [\"e" + N(w) + ".out\"]  port http 8080 }");
      if (Chance(50)) Route(w, "for e" + N(w), false);
    }
    if (Chance(70)) Route(w, "on gateway gw for \"h" + N(w) + ".x\"", true);
    if (Chance(20)) Route(w, "on gateway gw for \"*.h" + N(w) + ".x\"", true);
    if (Chance(50)) Route(w, "for s" + N(w) + N(0), false);
    for (unsigned s = 0; s < 2; ++s) {
      if (Chance(60)) Access("s" + N(w) + N(s), w, false);
    }
    if (Chance(15))
      Line("access workspace w" + N(w) + " { deny when " + AccessCondition(1, false) + " }");
  }

  // ---- routes

  std::string PathPattern(bool route) {
    const std::string where = Pick({"/a", "/a/b", "/b", "/api", "/a/b/c", "/"});
    switch (Below(random_, route ? 7 : 6)) {
      case 0:
        return "path = \"" + where + "\"";
      case 1:
      case 2:
        return "path under \"" + where + "\"";
      case 3:
        return "path starts \"" + where + "\"";
      case 4:
        return "path ends \"" + Pick({"c", "/b", ".js"}) + "\"";
      case 5:
        return "path like \"" + Pick({"/*/b", "/a/*", "/a/**", "/*/*/c"}) + "\"";
      default:
        return "path matches \"" + Pick({"/[ab]+", "/a/.*", "/(a|b)/?c?"}) + "\"";
    }
  }

  std::string HeaderPattern() {
    const std::string name = Pick({"x-a", "x-b"});
    return "header \"" + name + "\" " +
           Pick({"= \"1\"", "= \"abc\"", "starts \"a\"", "ends \"c\"", "present"});
  }

  std::string Join(const Strings& parts, const std::string& word) {
    std::string text;
    for (const std::string& part : parts) text += (text.empty() ? "" : " " + word + " ") + part;
    return text;
  }

  std::string RouteCondition(unsigned depth) {
    if (depth > 0 && Chance(35)) {
      return "(" +
             Join({RouteCondition(depth - 1), RouteCondition(depth - 1)}, Pick({"and", "or"})) +
             ")";
    }
    const bool negated = Chance(12);
    switch (Below(random_, 6)) {
      case 0:
        return (negated ? "not " : "") + ("method in [" + Pick({"GET", "GET, HEAD", "POST"}) + "]");
      case 1:
        return (negated ? "not " : "") + HeaderPattern();
      case 2:
        return "query \"q\" " + Pick({"= \"1\"", "starts \"a\"", "present"});
      default:
        return (negated ? "not " : "") + PathPattern(true);
    }
  }

  // Which part of the path is replaced depends on where its patterns stand.
  std::string RewrittenCondition() {
    const std::string joined = Join({RouteCondition(1), PathPattern(true)}, Pick({"and", "or"}));
    if (Chance(40)) return joined;
    return "(" + joined + ") " + Pick({"and", "or"}) + " " + PathPattern(true);
  }

  void Route(unsigned w, const std::string& head, bool gateway) {
    Line("route r" + N(routes_++) + " " + head + " {");
    const unsigned rules = 1 + Below(random_, 4);
    for (unsigned i = 0; i < rules; ++i) {
      if (Chance(25)) {
        Line("  when " + RewrittenCondition() + " -> " + Target(w) + " { rewrite path \"" +
             Pick({"/a", "/", "/v/", "/v/w"}) + "\" }");
      } else {
        Line("  when " + RouteCondition(2) + " -> " + Action(w, gateway));
      }
    }
    if (Chance(60)) Line("  otherwise -> " + Action(w, gateway));
    Line("}");
  }

  std::string Target(unsigned w) {
    const std::string service = Service(w);
    switch (Below(random_, 4)) {
      case 0:
        return service + ".v1 port 8080";
      case 1:
        return service + ".v2 port 8080";
      default:
        return service + " port 8080";
    }
  }

  std::string Action(unsigned w, bool gateway) {
    switch (Below(random_, 8)) {
      case 0:
        return "respond " + Pick({"404", "503", "200"});
      case 1:
        return "redirect " + Pick({"https", "path \"/new\"", "host \"other.x\" code 302"});
      case 2:
        return "30% " + Target(w) + ", 70% " + Target(w);
      default:
        break;
    }
    std::string action = Target(w);
    if (gateway && Chance(25)) {
      return action + " { " +
             Pick({"authorize by asked", "authorize by asked { config \"r\" }",
                   "without authorization", Limit(true), "authorize by asked  " + Limit(true),
                   "csrf { origins [\"a.x\", ends \".b.x\"] }", "csrf", Tokens(), Tokens(),
                   Tokens() + "  authorize by asked  " + Limit(true),
                   "body at most 1KiB  csrf { shadow }"}) +
             " }";
    }
    const std::string modifier =
        Pick({"", "", "", "timeout 2s", "rewrite path \"/a\"", "rewrite path \"/\"",
              "rewrite path \"/v/\"", "rewrite host \"s00.ns0\"", "fault abort 503 for 100%",
              "headers { request set \"x-a\" = \"1\" }", "headers { request remove \"x-b\" }",
              "rewrite path matches \"/a\" to \"/z\""});
    if (!modifier.empty()) action += " { " + modifier + " }";
    return action;
  }

  // ---- access

  std::string AccessCondition(unsigned depth, bool gateway) {
    if (depth > 0 && Chance(40)) {
      return "(" +
             Join({AccessCondition(depth - 1, gateway), AccessCondition(depth - 1, gateway)},
                  Pick({"and", "and", "or"})) +
             ")";
    }
    const std::string no = Chance(20) ? "not " : "";
    switch (Below(random_, 9)) {
      case 0:
        return no + "method in [" + Pick({"GET", "GET, HEAD", "POST"}) + "]";
      case 1:
        return no + HeaderPattern();
      case 2:
        return no + "source.ip in [" + Pick({"10.0.0.0/8", "10.1.0.0/16", "192.168.0.1"}) + "]";
      case 3:
        return no + "remote.ip in [" + Pick({"10.0.0.0/8", "203.0.113.0/24"}) + "]";
      case 4:
        return no +
               Pick({"jwt j0", "jwt j1", "jwt j0 claim \"role\" has \"a\"",
                     "jwt j1 claim \"g.h\" starts \"x\"", "jwt j1 claim \"i\\\\.j\" has \"x\""});
      case 5:
        return no + "mtls";
      case 6:
        return gateway ? no + "method = GET" : no + "port 8080";
      default:
        return no + PathPattern(false);
    }
  }

  std::string Source(unsigned w) {
    const unsigned other = Below(random_, workspaces_);
    return Pick({"s" + N(w) + "0", "s" + N(w) + "1", "workspace w" + N(other), "gateway gw",
                 "outside", "any identity", "namespace \"ns" + N(other) + "\"",
                 "account \"ns" + N(other) + "/s" + N(other) + "0\"", "outside workspace w" + N(w),
                 "identity starts \"spiffe://t0/ns/ns0\"", "workspace w" + N(other) + " on c0"});
  }

  void Access(const std::string& target, unsigned w, bool gateway) {
    Line("access " + target + " {");
    const unsigned clauses = 1 + Below(random_, 3);
    for (unsigned i = 0; i < clauses; ++i) {
      std::string clause = Chance(70) ? "  allow" : "  deny";
      if (Chance(5)) clause += " tcp";
      if (clause.ends_with("allow") && Chance(15)) {
        clause += " anyone";
      } else if (clause.ends_with("deny") && Chance(50)) {
        if (Chance(30)) clause += " all";
      } else {
        clause += " from " + (gateway ? Pick({"outside", "any identity"}) : Source(w));
        if (Chance(30) && !gateway) clause += ", " + Source(w);
      }
      if (Chance(70)) {
        clause += " when " + AccessCondition(2, gateway);
      } else if (clause.ends_with("deny")) {
        clause += " all";
      }
      Line(clause);
    }
    if (Chance(10)) Line("  default deny");
    Line("}");
  }

  Random& random_;
  std::string text_;
  unsigned clusters_ = 1;
  unsigned workspaces_ = 1;
  unsigned routes_ = 0;
};

}  // namespace

std::string RandomPolicy(Random& random) { return Writer(random).Write(); }

}  // namespace weft::cross
