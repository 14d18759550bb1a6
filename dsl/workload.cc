// `workload NAME in "ns" on east { … }`.
#include <algorithm>
#include <array>
#include <utility>

#include "dsl/codes.h"
#include "dsl/readers.h"
#include "dsl/values.h"

namespace weft::dsl {
namespace {

using Identity = WorkloadDecl::Identity;

// What each platform can attest.
const std::vector<std::string>& TermsOf(Identity::Kind kind) {
  static const std::vector<std::string> aws = {
      "role", "security-group", "security-group-id", "image", "instance", "zone", "region", "tag"};
  static const std::vector<std::string> gcp = {"service-account", "name", "tag",
                                               "project",         "zone", "label"};
  static const std::vector<std::string> azure = {
      "subscription", "security-group", "network", "subnet", "name", "resource-group"};
  static const std::vector<std::string> none;
  switch (kind) {
    case Identity::Kind::kAws:
      return aws;
    case Identity::Kind::kGcp:
      return gcp;
    case Identity::Kind::kAzure:
      return azure;
    case Identity::Kind::kToken:
      break;
  }
  return none;
}

void CheckTerms(Cursor& c, const Identity& identity) {
  const std::vector<std::string>& known = TermsOf(identity.kind);
  for (const LabelTerm& term : identity.terms) {
    // `tag.team = "web"` and `label.env = "prod"` carry a key of their own.
    const std::string word = term.key.value.substr(0, term.key.value.find('.'));
    if (c.failed() || std::find(known.begin(), known.end(), word) != known.end()) continue;
    Diagnostic& d = c.Fail(codes::kUnknownItem, term.key.span,
                           "unknown item `" + term.key.value + "` in `identity`");
    const std::string near = NearestName(word, known);
    if (!near.empty()) d.help = "did you mean `" + near + "`?";
  }
}

// Behind `identity`.
Identity ReadIdentity(Cursor& c) {
  Identity identity;
  const std::uint32_t first = c.at() == 0 ? 0 : c.at() - 1;
  if (c.AcceptWord("token")) {
    identity.kind = Identity::Kind::kToken;
    identity.spiffe = c.ExpectString("a SPIFFE identity");
  } else {
    if (c.AcceptWord("gcp")) {
      identity.kind = Identity::Kind::kGcp;
    } else if (c.AcceptWord("azure")) {
      identity.kind = Identity::Kind::kAzure;
    } else {
      c.ExpectWord("aws");
    }
    identity.terms = c.ExpectLabelBlock("what the platform attests");
    CheckTerms(c, identity);
  }
  identity.span = c.SpanFrom(first);
  return identity;
}

void ReadProbeDetail(Cursor& c, WorkloadDecl::Probe& probe) {
  c.ReadBlock("`ready`", {"healthy", "unhealthy", "delay", "host", "headers", "https"},
              [&](std::string_view) {
                if (c.AcceptWords({"healthy", "after"})) {
                  probe.healthy_after = c.ExpectNumber("`healthy after`", kCount);
                } else if (c.AcceptWords({"unhealthy", "after"})) {
                  probe.unhealthy_after = c.ExpectNumber("`unhealthy after`", kCount);
                } else if (c.AcceptWord("delay")) {
                  probe.delay = c.ExpectDuration("delay", Zero::kAllowed);
                } else if (c.AcceptWord("host")) {
                  probe.host = c.ExpectString("a host");
                } else if (c.AcceptWord("headers")) {
                  probe.headers = ExpectHeaderBlock(c, "a header");
                } else if (c.AcceptWord("https")) {
                  probe.https = true;
                } else {
                  return false;
                }
                return true;
              },
              {"healthy after", "unhealthy after", "delay", "host", "headers", "https"});
}

// `GET "/ok" port 5000 every 10s within 1s { … }`, `tcp port 5000 …`, `exec ["…"] …`, behind
// `ready`.
WorkloadDecl::Probe ReadProbe(Cursor& c) {
  WorkloadDecl::Probe probe;
  if (c.AcceptWord("tcp")) {
    probe.kind = WorkloadDecl::Probe::Kind::kTcp;
  } else if (c.AcceptWord("exec")) {
    probe.kind = WorkloadDecl::Probe::Kind::kExec;
    probe.command = c.ExpectStrings("a command");
  } else {
    c.ExpectWord("GET");
    if (c.Is(TokenKind::kString)) probe.path = ExpectPath(c, "a path");
  }
  if (c.AcceptWord("port")) probe.port = c.ExpectPort("`ready`");
  if (c.AcceptWord("every")) probe.every = c.ExpectDuration("every");
  if (c.AcceptWord("within")) probe.within = c.ExpectDuration("within");
  if (!c.failed() && c.Is(TokenKind::kOpenBrace)) ReadProbeDetail(c, probe);
  return probe;
}

WorkloadDecl::Registration ReadRegistration(Cursor& c) {
  WorkloadDecl::Registration registration;
  c.ExpectWord("in");
  registration.in_namespace = ExpectNamespace(c);
  if (c.AcceptWord("on")) registration.clusters = c.ExpectNames("a cluster");
  return registration;
}

}  // namespace

void ReadWorkload(Cursor& c, Header header, Program& program) {
  WorkloadDecl workload{.header = std::move(header)};
  workload.registered.push_back(ReadRegistration(c));
  workload.header.span = Join(workload.header.span, c.LastSpan());
  c.ReadBlock("`workload`",
              {"port", "identity", "registered", "account", "addresses", "ready", "label"},
              [&](std::string_view) {
                if (c.AcceptWord("port")) {
                  workload.ports.push_back(ReadPortDecl(c));
                } else if (c.AcceptWord("identity")) {
                  workload.identities.push_back(ReadIdentity(c));
                } else if (c.AcceptWord("registered")) {
                  workload.registered.push_back(ReadRegistration(c));
                } else if (c.AcceptWord("account")) {
                  workload.account = ExpectObjectName(c, "a service account");
                } else if (c.AcceptWord("addresses")) {
                  workload.addresses = c.ExpectBlocks("an address");
                } else if (c.AcceptWord("ready")) {
                  workload.ready = ReadProbe(c);
                } else if (c.AcceptWord("label")) {
                  workload.header.labels.push_back(ReadLabel(c));
                } else {
                  return false;
                }
                return true;
              },
              {"account", "addresses", "ready"});
  program.workloads.push_back(std::move(workload));
}

}  // namespace weft::dsl
