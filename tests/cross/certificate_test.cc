// Certificates: every true one is accepted by the checker, and none that was made to say more than
// is so.
#include <gtest/gtest.h>

#include <functional>
#include <iostream>

#include "checker/checker.h"
#include "dsl/render.h"
#include "prove/certificate.h"
#include "relay/core/digest.h"
#include "tests/cross/environment.h"
#include "tests/cross/pipeline.h"
#include "verifier/verify.h"

namespace weft::cross {
namespace {

using Json = nlohmann::json;
using checker::Accepted;
using checker::Refusal;

// As cli/certificate.cc writes it, without a signature.
std::string Sealed(const Json& certificate) {
  const Json document = {{"certificate", certificate},
                         {"digest", relay::ToHex(relay::Sha256(certificate.dump()))},
                         {"signature", nullptr}};
  return document.dump() + "\n";
}

Json CertificateOf(const Case& one) {
  const verifier::Report report = verifier::Verify(one.model, {});
  Json json =
      prove::Certify(one.model, report, [&](Span span) { return one.sources.FileLine(span); });
  json["format"] = 1;
  json["weft"] = "test";
  json["inputs"] = Json::array();
  return json;
}

std::string Told(const std::variant<Accepted, Refusal>& outcome) {
  const auto* refusal = std::get_if<Refusal>(&outcome);
  return refusal == nullptr ? "accepted" : refusal->where + " " + refusal->what;
}

TEST(Certificate, OfRandomPoliciesAreAccepted) {
  const unsigned seed = FromEnvironment("WEFT_CROSS_SEED", 20'011) + 7;
  const unsigned wanted = FromEnvironment("WEFT_CROSS_CERTIFICATES", 60);
  Random random(seed);  // NOLINT: the seed is printed, so that a failure can be repeated
  Accepted sum;
  std::size_t violated = 0;
  for (unsigned done = 0; done < wanted;) {
    const std::unique_ptr<Case> one = MakeCase(random);
    if (!one->usable) continue;
    ++done;
    const auto outcome = checker::Check(Sealed(CertificateOf(*one)), "");
    const auto* accepted = std::get_if<Accepted>(&outcome);
    ASSERT_NE(accepted, nullptr) << "seed " << seed << ", policy " << done << ": " << Told(outcome)
                                 << "\n"
                                 << one->text;
    sum.arguments += accepted->arguments;
    sum.cells += accepted->cells;
    if (accepted->verdicts.contains("violated")) violated += accepted->verdicts.at("violated");
    // Nothing of isolation rests on a word.
    EXPECT_FALSE(accepted->taken.contains("isolation")) << one->text;
  }
  std::cout << "seed " << seed << ": " << sum.arguments << " arguments, " << sum.cells << " cells, "
            << violated << " violated\n";
  EXPECT_GT(sum.arguments, wanted);
  EXPECT_GT(violated, 0U);
}

// A server of which every reason is needed: clear text, whom it is closed to, denials, tokens.
constexpr const char* kPolicy = R"(mesh shop
cluster east { region "r0" }
workspace web { namespaces ["web"] }
workspace ops { namespaces ["ops"] }
workspace pay {
  namespaces ["pay"]
  export to web { service api }
  isolate { mtls strict }
}
jwt corp { issuer "https://id"  jwks inline "{\"keys\": []}"  audience "shop" }
workspace ops
service job in "ops" { port http 8080 }
workspace web
service front in "web" { port http 8080  mtls strict }
workspace pay
service api in "pay" { port http 8080  authenticate by corp }
service ledger in "pay" { port http 8080 }
access api {
  allow from workspace web, workspace ops when method = GET and path under "/v1"
  allow from workspace web when header "x-batch" = "yes" and source.ip in 10.0.0.0/8
  deny from workspace ops
  deny when path under "/v1/admin" and not jwt corp claim "role" has "admin"
}
prove "only admins administrate" {
  no request to api where path under "/v1/admin" and not jwt corp claim "role" has "admin" is allowed
}
prove "nobody is unknown to the front" { no request to front without mtls is allowed }
prove "nobody posts without a batch" {
  no request to api where method = POST and not header "x-batch" = "yes" is allowed
}
)";

Json& Argument(Json& json, std::size_t i) { return json["arguments"][i]; }

// The arguments about a server of the service, and how it is decided there.
Json& Guard(Json& json, const std::string& service) {
  for (Json& server : json["servers"]) {
    if (server["service"] == service) return server["guard"];
  }
  throw std::runtime_error("no server of " + service);
}

// The axis of some argument.
Json& AxisOf(Json& json, const std::string& kind) {
  for (Json& argument : json["arguments"]) {
    for (Json& axis : argument["axes"]) {
      if (axis["axis"] == kind && axis["values"].size() > 1) return axis;
    }
  }
  throw std::runtime_error("no axis of " + kind);
}

// The first cell of any argument with the reason.
Json& CellOf(Json& json, const std::string& reason) {
  for (Json& argument : json["arguments"]) {
    for (Json& cell : argument["cells"]) {
      if (cell == reason) return cell;
    }
  }
  throw std::runtime_error("no cell by " + reason);
}

Json& DividedCell(Json& json) {
  for (Json& argument : json["arguments"]) {
    for (Json& cell : argument["cells"]) {
      if (cell.is_array()) return cell;
    }
  }
  throw std::runtime_error("nothing is divided");
}

Json& Verdict(Json& json, const std::string& property) {
  for (Json& p : json["properties"]) {
    if (p["property"] == property) return p["verdict"];
  }
  throw std::runtime_error("no " + property);
}

struct Mutant {
  const char* name;
  std::function<void(Json&)> change;
};

const Mutant kMutants[] = {
    {"isolation is said to be violated", [](Json& j) { Verdict(j, "isolation") = "violated"; }},
    {"isolation is said to be undecided", [](Json& j) { Verdict(j, "isolation") = "undecided"; }},
    {"a law is said to be violated", [](Json& j) { Verdict(j, "prove") = "violated"; }},
    {"a law is said to be empty", [](Json& j) { Verdict(j, "prove") = "empty"; }},
    {"a property is left out", [](Json& j) { j["properties"].erase(0); }},
    {"a denial is left out", [](Json& j) { Guard(j, "api.pay")["deny"].erase(0); }},
    {"denials change places",
     [](Json& j) {
       Json& deny = Guard(j, "api.pay")["deny"];
       std::swap(deny[0], deny[1]);
     }},
    {"an allowance is for anyone", [](Json& j) { Guard(j, "api.pay")["allow"][0]["when"] = true; }},
    {"an allowance is added",
     [](Json& j) {
       Guard(j, "ledger.pay")["allow"].push_back({{"at", "x.weft:1"}, {"when", true}});
     }},
    {"a denial denies less", [](Json& j) { Guard(j, "api.pay")["deny"][0]["when"] = false; }},
    {"a server is not closed", [](Json& j) { Guard(j, "ledger.pay")["closed"] = false; }},
    {"mTLS is not demanded", [](Json& j) { Guard(j, "front.web")["demands"].clear(); }},
    {"a demand is another", [](Json& j) { Guard(j, "front.web")["demands"][0]["when"] = true; }},
    {"a path is wider",
     [](Json& j) {
       j["laws"][0]["asks"]["all"][0]["all"][0]["is"][0] = Json{{"under", "/v1"}};
     }},
    {"a law asks about everything", [](Json& j) { j["laws"][0]["asks"] = true; }},
    {"a law asks about nothing", [](Json& j) { j["laws"][0]["asks"] = false; }},
    {"a law covers more",
     [](Json& j) {
       j["laws"][1]["covers"].push_back({"job.ops", "east"});
     }},
    {"a service is shared with fewer",
     [](Json& j) {
       for (Json& server : j["servers"]) server["shared_with"] = Json::array();
     }},
    {"a workspace owns other namespaces",
     [](Json& j) {
       for (Json& w : j["workspaces"]) w["namespaces"] = {"elsewhere"};
     }},
    {"another workspace is isolated",
     [](Json& j) {
       for (Json& w : j["workspaces"]) w["isolated"] = true;
     }},
    {"a foreign caller is taken for one of its own",
     [](Json& j) {
       for (Json& caller : AxisOf(j, "caller")["values"]) caller["workspace"] = "pay";
     }},
    {"callers without identity are left out",
     [](Json& j) {
       for (Json& caller : AxisOf(j, "caller")["values"]) {
         if (caller["identity"].is_null()) {
           caller["identity"] = {{"trust", "t"}, {"ns", "pay"}, {"account", "a"}};
         }
       }
     }},
    {"a path is left out", [](Json& j) { AxisOf(j, "path")["values"].erase(1); }},
    {"a path is another",
     [](Json& j) {
       Json& values = AxisOf(j, "path")["values"];
       values[1] = values[0];
     }},
    {"a method is left out", [](Json& j) { AxisOf(j, "method")["values"].erase(0); }},
    {"a header is always there", [](Json& j) { AxisOf(j, "header")["values"].erase(0); }},
    {"an address is another", [](Json& j) { AxisOf(j, "source_ip")["values"][0] = "192.0.2.1"; }},
    {"tokens are never invalid",
     [](Json& j) {
       AxisOf(j, "token")["values"] = {"absent", "valid"};
     }},
    {"an axis is left out", [](Json& j) { Argument(j, 0)["axes"].erase(0); }},
    {"a cell is left out", [](Json& j) { Argument(j, 0)["cells"].erase(1); }},
    {"a cell is added", [](Json& j) { Argument(j, 0)["cells"].push_back("closed"); }},
    {"a cell goes back to the first", [](Json& j) { DividedCell(j)[2] = 0; }},
    {"both parts are one cell", [](Json& j) { DividedCell(j)[2] = DividedCell(j)[3]; }},
    {"a part has no values",
     [](Json& j) {
       for (Json& argument : j["arguments"]) {
         for (Json& cell : argument["cells"]) {
           if (cell.is_array()) cell[1] = Json::array();
         }
       }
     }},
    {"a part has a value that is none", [](Json& j) { DividedCell(j)[1].push_back(4096); }},
    {"nothing is asked where something is", [](Json& j) { CellOf(j, "closed") = "other"; }},
    {"a denial is said to be the reason where it is not",
     [](Json& j) { CellOf(j, "closed") = "deny 0"; }},
    {"closed is said to be the reason where a denial is",
     [](Json& j) { CellOf(j, "deny 0") = "closed"; }},
    {"the reason is another denial", [](Json& j) { CellOf(j, "deny 0") = "deny 1"; }},
    {"the reason is a denial there is not", [](Json& j) { CellOf(j, "deny 0") = "deny 7"; }},
    {"the reason is nothing known", [](Json& j) { CellOf(j, "closed") = "luck"; }},
    {"everything is one cell", [](Json& j) { Argument(j, 0)["cells"] = Json::array({"closed"}); }},
    {"an argument is left out", [](Json& j) { j["arguments"].erase(0); }},
    {"an argument is there twice", [](Json& j) { j["arguments"].push_back(j["arguments"][0]); }},
    {"an argument is about another server",
     [](Json& j) { std::swap(Argument(j, 0)["server"], Argument(j, 1)["server"]); }},
    {"an argument is about a server there is not", [](Json& j) { Argument(j, 0)["server"] = 99; }},
    {"a destination is left out", [](Json& j) { j["destinations"].erase(0); }},
    {"a server is left out", [](Json& j) { j["servers"].erase(j["servers"].size() - 1); }},
    {"a port is another",
     [](Json& j) {
       for (Json& axis : Argument(j, 0)["axes"]) {
         if (axis["axis"] == "port") axis["values"][0] = "9";
       }
     }},
    {"an example of a law is none",
     [](Json& j) {
       for (Json& argument : j["arguments"]) {
         if (!argument["law"].is_null()) argument.erase("about");
       }
     }},
    {"a route sends to what is not shared",
     [](Json& j) {
       j["forwards"].push_back({{"at", "x.weft:1"},
                                {"from", "ops"},
                                {"to", "ledger"},
                                {"owner", "pay"},
                                {"shared_with", Json::array()}});
     }},
    {"the format is a later one", [](Json& j) { j["format"] = 2; }},
};

TEST(Certificate, EveryMutantIsRefused) {
  const std::unique_ptr<Case> one = MakeCase(kPolicy);
  ASSERT_TRUE(one->usable) << Errors(*one);
  const Json certificate = CertificateOf(*one);
  const auto outcome = checker::Check(Sealed(certificate), "");
  ASSERT_EQ(Told(outcome), "accepted");
  EXPECT_EQ(std::get<Accepted>(outcome).established.at("prove"), 3U);
  for (const Mutant& mutant : kMutants) {
    Json changed = certificate;
    mutant.change(changed);
    EXPECT_NE(changed, certificate) << mutant.name;
    // Whoever made it sealed it, too.
    const std::string told = Told(checker::Check(Sealed(changed), ""));
    EXPECT_NE(told, "accepted") << mutant.name;
    std::cout << mutant.name << ": " << told << "\n";
  }
}

// The policy lets another workspace in; no arrangement of a true certificate says it does not.
TEST(Certificate, OfAHoleIsNotProved) {
  std::string text = kPolicy;
  const std::string closed = "  deny from workspace ops\n";
  text.erase(text.find(closed), closed.size());
  const std::unique_ptr<Case> sound = MakeCase(kPolicy);
  const std::unique_ptr<Case> hole = MakeCase(text);
  ASSERT_TRUE(hole->usable) << Errors(*hole);
  const Json honest = CertificateOf(*hole);
  const auto outcome = checker::Check(Sealed(honest), "");
  ASSERT_EQ(Told(outcome), "accepted");
  EXPECT_EQ(std::get<Accepted>(outcome).verdicts.at("violated"), 1U);

  Json claims = honest;
  for (Json& p : claims["properties"]) p["verdict"] = "proved";
  EXPECT_EQ(Told(checker::Check(Sealed(claims), "")),
            "/properties say isolation of \"pay\" is proved, not violated");
  // With the arguments of the policy without the hole.
  claims["arguments"] = CertificateOf(*sound)["arguments"];
  EXPECT_NE(Told(checker::Check(Sealed(claims), "")), "accepted");
  // With every request that gets in replaced by a claim that none does.
  claims = honest;
  for (Json& argument : claims["arguments"]) {
    if (!argument.contains("request")) continue;
    argument["about"] = argument["request"];
    argument.erase("request");
    argument["cells"] = Json::array({"closed"});
  }
  for (Json& p : claims["properties"]) p["verdict"] = "proved";
  EXPECT_NE(Told(checker::Check(Sealed(claims), "")), "accepted");
}

TEST(Certificate, DamagedTextIsRefused) {
  const std::unique_ptr<Case> one = MakeCase(kPolicy);
  const std::string text = Sealed(CertificateOf(*one));
  for (std::size_t at = 0; at < text.size(); at += 1 + text.size() / 400) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_NE(Told(checker::Check(changed, "")), "accepted") << "byte " << at;
    EXPECT_NE(Told(checker::Check(text.substr(0, at), "")), "accepted") << "first " << at;
  }
  EXPECT_EQ(Told(checker::Check(std::string(std::size_t{65} << 20, ' '), "")),
            "its end is larger than 64 MiB");
  EXPECT_EQ(Told(checker::Check(std::string(100'000, '['), "")),
            "depth 64 is nested deeper than that");
  EXPECT_EQ(Told(checker::Check("{}\n", "")), "/ is no certificate of weft");
}

}  // namespace
}  // namespace weft::cross
