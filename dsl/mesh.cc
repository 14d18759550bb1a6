// `mesh` and `cluster`.
#include <utility>

#include "dsl/codes.h"
#include "dsl/readers.h"
#include "dsl/values.h"

namespace weft::dsl {
namespace {

std::optional<Spanned<PathNormalization>> ReadNormalization(Cursor& c) {
  c.ExpectWord("paths");
  const std::uint32_t first = c.at();
  PathNormalization mode = PathNormalization::kBase;
  if (c.AcceptWord("none")) {
    mode = PathNormalization::kNone;
  } else if (c.AcceptWord("base")) {
    mode = PathNormalization::kBase;
  } else if (c.AcceptWords({"merge", "slashes"})) {
    mode = PathNormalization::kMergeSlashes;
  } else if (c.AcceptWords({"decode", "slashes"})) {
    mode = PathNormalization::kDecodeAndMergeSlashes;
  } else {
    c.FailExpected("`none`, `base`, `merge slashes` or `decode slashes`");
    return std::nullopt;
  }
  return Spanned<PathNormalization>{mode, c.SpanFrom(first)};
}

// `where label k = "v"` or `"name"`, narrowed by `in namespace "n"`, behind `gateway`.
void ReadEastWestGateway(Cursor& c, EastWest& item) {
  if (c.AcceptWord("where")) {
    item.gateway = ReadLabelTerms(c);
  } else {
    item.gateway_name = c.ExpectString("the name of a Service, or `where label …`");
  }
  if (c.AcceptWords({"in", "namespace"})) item.in_namespace = ExpectNamespace(c);
}

}  // namespace

FederateItem ReadFederate(Cursor& c) {
  FederateItem item;
  const std::uint32_t first = c.at() == 0 ? 0 : c.at() - 1;
  item.off = c.AcceptWord("off");
  if (!item.off && c.Is(TokenKind::kOpenBrace)) {
    c.ReadBlock(
        "`federate`", {"hosts", "services", "ports"},
        [&](std::string_view) {
          if (c.AcceptWord("hosts")) {
            Str host = ReadHost(c);
            if (!c.failed() && !host.value.starts_with("*.")) {
              c.Fail(codes::kBadHost, host.span, "federated hosts are `*.` and a suffix").help =
                  "write \"*." + host.value + "\"";
            }
            if (host.value.size() > 2) host.value.erase(0, 2);
            item.suffix = std::move(host);
          } else if (c.AcceptWord("services")) {
            item.services.push_back(ReadSelection(c));
          } else if (c.AcceptWord("ports")) {
            item.ports = c.ExpectPorts("`federate`");
          } else {
            return false;
          }
          return true;
        },
        {"hosts", "ports"});
  }
  item.span = c.SpanFrom(first);
  return item;
}

std::optional<Spanned<ClientMode>> ReadClientMode(Cursor& c) {
  const Span span = c.SpanAt();
  ClientMode mode = ClientMode::kAuto;
  if (c.AcceptWords({"tls", "termination"})) {
    mode = ClientMode::kTlsTermination;
  } else if (c.AcceptWords({"sni", "routing"})) {
    mode = ClientMode::kSniRouting;
  } else {
    c.ExpectWord("auto");
  }
  return Spanned<ClientMode>{mode, span};
}

EastWest ReadEastWest(Cursor& c) {
  EastWest item;
  const std::uint32_t first = c.at();
  if (c.AcceptWord("on")) item.clusters = c.ExpectNames("a cluster");
  c.ReadBlock("`east-west`", {"gateway", "port", "terminate", "address", "on"},
              [&](std::string_view) {
                if (c.AcceptWord("gateway")) {
                  ReadEastWestGateway(c, item);
                } else if (c.AcceptWord("port")) {
                  item.port = c.ExpectPort("`east-west`");
                } else if (c.AcceptWords({"terminate", "on"})) {
                  item.terminate_on = c.ExpectPort("`terminate on`");
                } else if (c.AcceptWord("address")) {
                  EastWestAddress address{c.ExpectString("an address"), {}};
                  // Two spaces make `port` an item of its own: the gateway's.
                  const bool own = !c.AtEnd() && !c.syntax().tokens[c.at()].gap_before;
                  if (own && c.AcceptWord("port")) address.port = c.ExpectPort("`address`");
                  item.addresses.push_back(std::move(address));
                } else if (c.AcceptWord("on")) {
                  item.clusters = c.ExpectNames("a cluster");
                } else {
                  return false;
                }
                return true;
              },
              {"gateway", "port", "terminate on", "on"});
  item.span = c.SpanFrom(first == 0 ? 0 : first - 1);
  return item;
}

void ReadMesh(Cursor& c, Header header, Program& program) {
  MeshDecl mesh{.header = std::move(header)};
  if (c.Is(TokenKind::kOpenBrace)) {
    c.ReadBlock("`mesh`",
                {"east-west", "mtls", "normalize", "root", "isolate", "trim", "federate", "client",
                 "label"},
                [&](std::string_view) {
                  if (c.AcceptWord("east-west")) {
                    mesh.east_west.push_back(ReadEastWest(c));
                  } else if (c.AcceptWord("mtls")) {
                    mesh.mtls = ReadMtlsMode(c);
                  } else if (c.AcceptWord("normalize")) {
                    mesh.normalize = ReadNormalization(c);
                  } else if (c.AcceptWords({"root", "namespace"})) {
                    mesh.root_namespace = ExpectNamespace(c);
                  } else if (c.AcceptWord("isolate")) {
                    mesh.isolate = ReadIsolate(c);
                  } else if (c.AcceptWord("trim")) {
                    mesh.trim = ReadTrim(c);
                  } else if (c.AcceptWord("federate")) {
                    mesh.federate = ReadFederate(c);
                  } else if (c.AcceptWord("client")) {
                    mesh.client = ReadClientMode(c);
                  } else if (c.AcceptWord("label")) {
                    mesh.header.labels.push_back(ReadLabel(c));
                  } else {
                    return false;
                  }
                  return true;
                },
                {"mtls", "normalize", "root namespace", "isolate", "trim", "federate", "client"});
  }
  program.meshes.push_back(std::move(mesh));
}

void ReadCluster(Cursor& c, Header header, Program& program) {
  ClusterDecl cluster{.header = std::move(header)};
  if (c.Is(TokenKind::kOpenBrace)) {
    c.ReadBlock("`cluster`", {"region", "zone", "network", "trust", "domain", "skip", "label"},
                [&](std::string_view word) {
                  const auto text = [&](std::optional<Str>& field, std::string_view what) {
                    c.Skip();
                    field = c.ExpectString(what);
                  };
                  if (word == "region") {
                    text(cluster.region, "a region");
                  } else if (word == "zone") {
                    text(cluster.zone, "a zone");
                  } else if (word == "trust") {
                    text(cluster.trust, "a trust domain");
                  } else if (word == "domain") {
                    text(cluster.domain, "a cluster domain");
                  } else if (word == "network") {
                    c.Skip();
                    cluster.network = c.Is(TokenKind::kString) ? c.ExpectString("a network")
                                                               : c.ExpectName("a network");
                  } else if (c.AcceptWords({"skip", "warming"})) {
                    cluster.skip_warming = true;
                  } else if (word == "label") {
                    c.Skip();
                    cluster.header.labels.push_back(ReadLabel(c));
                  } else {
                    return false;
                  }
                  return true;
                },
                {"region", "zone", "network", "trust", "domain", "skip warming"});
  }
  program.clusters.push_back(std::move(cluster));
}

}  // namespace weft::dsl
