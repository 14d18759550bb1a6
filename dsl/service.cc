// `service`, `external` and `destination`.
#include <utility>

#include "dsl/codes.h"
#include "dsl/readers.h"
#include "dsl/values.h"
#include "dsl/words.h"

namespace weft::dsl {
namespace {

// A subset is a part of a name of DNS where it is used.
void CheckSubsetName(Cursor& c, const Name& name) {
  if (c.failed()) return;
  const bool fits = name.value.size() <= 63 && name.value.find('_') == std::string::npos &&
                    !name.value.ends_with('-');
  if (fits) return;
  c.Fail(codes::kBadLiteral, name.span, "`" + name.value + "` is no name of a subset").help =
      "it is made of letters, digits and `-`, at most 63 of them";
}

SubsetDecl ReadSubset(Cursor& c) {
  SubsetDecl subset;
  const std::uint32_t first = c.at() == 0 ? 0 : c.at() - 1;
  subset.name = c.ExpectName("the name of a subset");
  CheckSubsetName(c, subset.name);
  // A subset is labels, or labels and items: `{ version = "v1"  balance random }`.
  c.ReadBlock("`subset`", {"connections", "eject", "balance", "tls"}, [&](std::string_view) {
    const bool label = c.Is(TokenKind::kString) || c.Kind(1) == TokenKind::kEquals ||
                       c.Kind(1) == TokenKind::kDot || c.Kind(1) == TokenKind::kColon;
    if (!label) return ReadItem(c, subset.items);
    subset.labels.push_back(ReadLabel(c));
    c.Accept(TokenKind::kComma);
    return true;
  });
  subset.span = c.SpanFrom(first);
  return subset;
}

CallDecl ReadCall(Cursor& c) {
  CallDecl call;
  const std::uint32_t first = c.at() == 0 ? 0 : c.at() - 1;
  call.callee = c.ExpectQName("a service");
  if (c.AcceptWord("within")) call.within = c.ExpectDuration("within");
  call.span = c.SpanFrom(first);
  return call;
}

}  // namespace

// `http 9080 [target 8080]`, behind `port`; the protocol may also follow the number.
PortDecl ReadPortDecl(Cursor& c) {
  PortDecl port;
  const std::uint32_t first = c.at() == 0 ? 0 : c.at() - 1;
  std::optional<Protocol> protocol = ReadProtocol(c);
  if (!protocol && c.Is(TokenKind::kWord)) RefuseProtocol(c);
  port.number = c.ExpectPort("`port`");
  if (!protocol) protocol = ReadProtocol(c);
  if (!protocol) c.FailExpected("a protocol: `port http 9080`");
  port.protocol = protocol.value_or(Protocol::kHttp);
  if (c.AcceptWord("target")) port.target = c.ExpectPort("`target`");
  port.span = c.SpanFrom(first);
  return port;
}

ResidencyDecl ReadResidency(Cursor& c) {
  ResidencyDecl residency;
  const std::uint32_t first = c.at() == 0 ? 0 : c.at() - 1;
  residency.mark = c.ExpectName("a mark such as `pii`");
  c.ExpectWord("stays");
  c.ExpectWord("in");
  residency.regions = c.ExpectStrings("a region");
  residency.span = c.SpanFrom(first);
  return residency;
}

// The namespace behind the name. One that lacks its quotes or is left out is reported, and what the
// rest of the service says is read all the same.
static Str ReadHome(Cursor& c, const Header& header, const Program& program) {
  const bool said = c.AcceptWord("in");
  if (said && (c.bindings() != nullptr || !c.Is(TokenKind::kWord))) return ExpectNamespace(c);
  Str home{said ? std::string(c.Text()) : "", c.SpanAt()};
  if (said) {
    Diagnostic* d = c.ReportExpected("a namespace in double quotes");
    if (d == nullptr) return home;
    d->help = "write `in \"" + home.value + "\"`";
    d->edit = Edit{home.span, "\"" + home.value + "\""};
    c.Skip();
    c.ClearFailure();
    return home;
  }
  for (const WorkspaceDecl& workspace : program.workspaces) {
    if (workspace.header.name.value != header.owner || workspace.namespaces.empty()) continue;
    const std::vector<Str>& names = workspace.namespaces.front().names;
    const bool plain = !names.empty() && names.front().value.find('*') == std::string::npos;
    if (plain) home.value = names.front().value;
  }
  Diagnostic* d = c.ReportExpected("`in` and the namespace of the service");
  if (d == nullptr || home.value.empty()) return home;
  d->help = "write `service " + header.name.value + " in \"" + home.value + "\"`";
  d->edit = Edit{{header.name.span.file, header.name.span.end, header.name.span.end},
                 " in \"" + home.value + "\""};
  c.ClearFailure();
  return home;
}

void ReadService(Cursor& c, Header header, Program& program) {
  ServiceDecl service{.header = std::move(header)};
  if (!IsDnsLabel(service.header.name.value)) {
    c.Fail(codes::kBadLiteral, service.header.name.span,
           "`" + service.header.name.value + "` is no name of a Service in Kubernetes")
        .help = "it is made of lower-case letters, digits and `-`, at most 63 of them";
    return;
  }
  service.in_namespace = ReadHome(c, service.header, program);
  service.header.span = Join(service.header.span, c.LastSpan());
  if (c.AcceptWord("on")) service.clusters = c.ExpectNames("a cluster");
  if (c.Is(TokenKind::kOpenBrace)) {
    c.ReadBlock("`service`",
                {"port", "subset", "calls", "data", "label", "connections", "eject", "balance",
                 "tls", "failover", "mtls"},
                [&](std::string_view) {
                  if (c.AcceptWord("port")) {
                    service.ports.push_back(ReadPortDecl(c));
                  } else if (c.AcceptWord("subset")) {
                    service.subsets.push_back(ReadSubset(c));
                  } else if (c.AcceptWord("calls")) {
                    service.calls.push_back(ReadCall(c));
                  } else if (c.AcceptWord("data")) {
                    service.residency.push_back(ReadResidency(c));
                  } else if (c.AcceptWord("label")) {
                    service.header.labels.push_back(ReadLabel(c));
                  } else {
                    return ReadItem(c, service.items);
                  }
                  return true;
                });
  }
  if (!c.failed()) program.services.push_back(std::move(service));
}

void ReadExternal(Cursor& c, Header header, Program& program) {
  ExternalDecl external{.header = std::move(header)};
  c.ReadBlock(
      "`external`", {"hosts", "addresses", "port", "endpoint", "via", "label", "tls"},
      [&](std::string_view) {
        const std::uint32_t first = c.at();
        if (c.AcceptWord("hosts")) {
          external.hosts = ReadHosts(c);
        } else if (c.AcceptWord("addresses")) {
          external.addresses.clear();
          for (Str& block : c.ExpectBlocks("an address")) external.addresses.push_back(block);
        } else if (c.AcceptWord("port")) {
          const PortDecl port = ReadPortDecl(c);
          external.ports.push_back({port.protocol, port.number, port.target, {}, port.span});
        } else if (c.AcceptWord("endpoint")) {
          ExternalEndpoint endpoint;
          endpoint.address = c.ExpectString("an address");
          if (c.AcceptWord("port")) endpoint.port = c.ExpectPort("the endpoint");
          while (c.AcceptWord("in")) {
            if (c.AcceptWord("region")) {
              endpoint.region = c.ExpectString("a region");
            } else {
              c.ExpectWord("zone");
              endpoint.zone = c.ExpectString("a zone");
            }
          }
          endpoint.span = c.SpanFrom(first);
          external.endpoints.push_back(std::move(endpoint));
        } else if (c.AcceptWord("via")) {
          external.via = c.ExpectQName("a gateway");
          const bool own = !c.AtEnd() && !c.syntax().tokens[c.at()].gap_before;
          if (own && c.AcceptWord("port")) external.via_port = c.ExpectPort("`via`");
        } else if (c.AcceptWord("sans")) {
          external.sans = c.ExpectStrings("a subject alternative name");
        } else if (c.IsWord("tls")) {
          c.Skip();
          const ClientTlsItem tls = ReadClientTls(c);
          if (external.ports.empty()) {
            external.items.push_back({.value = tls, .span = c.SpanFrom(first)});
          } else {
            external.ports.back().tls = tls;
          }
        } else if (c.AcceptWord("label")) {
          external.header.labels.push_back(ReadLabel(c));
        } else {
          return ReadItem(c, external.items);
        }
        return true;
      },
      {"hosts", "addresses", "via", "sans"});
  if (external.hosts.empty() == external.addresses.empty()) {
    c.diagnostics().Error(
        codes::kMissingItem, external.header.span,
        "external `" + external.header.name.value + "` takes either `hosts` or `addresses`");
  }
  if (external.ports.empty()) {
    c.diagnostics().Error(codes::kMissingItem, external.header.span,
                          "external `" + external.header.name.value + "` has no `port`");
  }
  program.externals.push_back(std::move(external));
}

static BackingClause ReadBacking(Cursor& c, std::uint32_t first) {
  BackingClause backing;
  if (c.IsWord("services") && (c.IsWordAt(1, "where") || c.IsWordAt(1, "all"))) {
    c.Skip();
    backing.services = ReadSelection(c);
  } else {
    backing.service = c.ExpectQName("a service or `services where …`");
    if (c.AcceptWord("on")) backing.clusters = c.ExpectNames("a cluster");
  }
  backing.span = c.SpanFrom(first);
  return backing;
}

void ReadDestination(Cursor& c, Header header, Program& program) {
  DestinationDecl destination{.header = std::move(header)};
  c.ExpectWord("at");
  destination.hosts = ReadHosts(c);
  destination.header.span = Join(destination.header.span, c.LastSpan());
  c.ReadBlock("`destination`",
              {"backs", "port", "client", "failover", "eject", "data", "label", "connections",
               "balance", "tls"},
              [&](std::string_view) {
                const std::uint32_t first = c.at();
                if (c.AcceptWords({"backs", "workload"})) {
                  destination.workloads.push_back(c.ExpectQName("a workload"));
                } else if (c.AcceptWords({"backs", "external"})) {
                  destination.externals.push_back(c.ExpectQName("an external service"));
                } else if (c.AcceptWord("backs")) {
                  destination.backs.push_back(ReadBacking(c, first));
                } else if (c.AcceptWord("port")) {
                  destination.ports.push_back(ReadPortDecl(c));
                } else if (c.AcceptWord("client")) {
                  destination.client = ReadClientMode(c);
                } else if (c.AcceptWord("data")) {
                  destination.residency.push_back(ReadResidency(c));
                } else if (c.AcceptWord("label")) {
                  destination.header.labels.push_back(ReadLabel(c));
                } else {
                  return ReadItem(c, destination.items);
                }
                return true;
              },
              {"client"});
  if (destination.backs.empty() && destination.externals.empty() && destination.workloads.empty()) {
    c.diagnostics()
        .Error(codes::kMissingItem, destination.header.span,
               "destination `" + destination.header.name.value + "` has nothing behind it")
        .help = "say what backs it: `backs reviews on [east, west]`";
  }
  program.destinations.push_back(std::move(destination));
}

}  // namespace weft::dsl
