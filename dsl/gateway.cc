#include <utility>

#include "dsl/codes.h"
#include "dsl/readers.h"
#include "dsl/values.h"

namespace weft::dsl {
namespace {

std::optional<Spanned<TlsMode>> ReadTlsMode(Cursor& c) {
  const Span span = c.SpanAt();
  if (c.AcceptWord("simple")) return Spanned<TlsMode>{TlsMode::kSimple, span};
  if (c.AcceptWord("mutual")) return Spanned<TlsMode>{TlsMode::kMutual, span};
  if (c.AcceptWord("passthrough")) return Spanned<TlsMode>{TlsMode::kPassthrough, span};
  if (c.AcceptWord("auto-passthrough")) return Spanned<TlsMode>{TlsMode::kAutoPassthrough, span};
  if (c.AcceptWord("istio-mutual")) return Spanned<TlsMode>{TlsMode::kIstioMutual, span};
  c.FailExpected("`simple`, `mutual`, `passthrough`, `auto-passthrough` or `istio-mutual`");
  return std::nullopt;
}

std::optional<Spanned<TlsVersion>> ReadTlsVersion(Cursor& c) {
  c.ExpectWord("tls");
  const Span span = c.SpanAt();
  const std::string version(c.Text());
  std::optional<TlsVersion> read;
  if (version == "1.0") read = TlsVersion::kTls10;
  if (version == "1.1") read = TlsVersion::kTls11;
  if (version == "1.2") read = TlsVersion::kTls12;
  if (version == "1.3") read = TlsVersion::kTls13;
  if (!read) {
    c.FailExpected("a TLS version: `1.0`, `1.1`, `1.2` or `1.3`");
    return std::nullopt;
  }
  c.Skip();
  return Spanned<TlsVersion>{*read, span};
}

Str ReadSecret(Cursor& c) {
  c.ExpectWord("secret");
  return ExpectObjectName(c, "the name of a secret");
}

// `routes from [a] where label k = "v" for hosts ["b"]` behind `accept`.
AcceptClause ReadAccept(Cursor& c) {
  AcceptClause accept;
  const std::uint32_t first = c.at() == 0 ? 0 : c.at() - 1;
  c.ExpectWord("routes");
  c.ExpectWord("from");
  if (c.AcceptWord("all")) {
    accept.all = true;
  } else {
    accept.workspaces = c.ExpectNames("a workspace");
  }
  if (c.AcceptWord("where")) accept.labels = ReadLabelTerms(c);
  if (c.AcceptWord("for")) {
    c.ExpectWord("hosts");
    accept.hosts = ReadHosts(c);
  }
  accept.span = c.SpanFrom(first);
  return accept;
}

// `external services where label k = "v" for hosts ["b"]` behind `expose`.
ExposeClause ReadExpose(Cursor& c) {
  ExposeClause expose;
  const std::uint32_t first = c.at() == 0 ? 0 : c.at() - 1;
  c.ExpectWord("external");
  c.ExpectWord("services");
  expose.externals = ReadSelection(c);
  if (c.AcceptWord("for")) {
    c.ExpectWord("hosts");
    expose.hosts = ReadHosts(c);
  }
  expose.span = c.SpanFrom(first);
  return expose;
}

// `secret "s"` or `file "/c.pem" key "/k.pem"` behind `certificate`.
void ReadCertificate(Cursor& c, Listener& listener) {
  if (!c.AcceptWord("file")) {
    listener.certificate = ReadSecret(c);
    return;
  }
  listener.certificate_file = c.ExpectString("a file");
  c.ExpectWord("key");
  listener.key_file = c.ExpectString("a file");
}

void ReadListenerBlock(Cursor& c, Listener& listener) {
  c.ReadBlock("`listen`",
              {"hosts", "certificate", "tls", "min", "max", "redirect", "ca", "sans", "name",
               "ciphers", "curves", "accept", "expose"},
              [&](std::string_view) {
                if (c.AcceptWord("hosts")) {
                  listener.hosts = ReadHosts(c);
                } else if (c.AcceptWord("certificate")) {
                  ReadCertificate(c, listener);
                } else if (c.AcceptWords({"ca", "file"})) {
                  listener.ca_file = c.ExpectString("a file");
                } else if (c.AcceptWord("ca")) {
                  listener.ca = ReadSecret(c);
                } else if (c.AcceptWord("name")) {
                  listener.name = c.ExpectString("the name of the port");
                } else if (c.AcceptWord("ciphers")) {
                  listener.ciphers = c.ExpectStrings("a cipher suite");
                } else if (c.AcceptWord("curves")) {
                  listener.curves = c.ExpectStrings("a curve");
                } else if (c.AcceptWord("accept")) {
                  listener.accepts.push_back(ReadAccept(c));
                } else if (c.AcceptWord("expose")) {
                  listener.exposes.push_back(ReadExpose(c));
                } else if (c.AcceptWord("sans")) {
                  listener.sans = c.ExpectStrings("a subject alternative name");
                } else if (c.AcceptWord("tls")) {
                  listener.tls = ReadTlsMode(c);
                } else if (c.AcceptWord("min")) {
                  listener.min_version = ReadTlsVersion(c);
                } else if (c.AcceptWord("max")) {
                  listener.max_version = ReadTlsVersion(c);
                } else if (c.AcceptWords({"redirect", "https"})) {
                  listener.redirect_https = true;
                } else {
                  return false;
                }
                return true;
              },
              {"hosts", "certificate", "ca", "name", "ciphers", "curves", "sans", "tls", "min",
               "max", "redirect https"});
}

// What a listener of a protocol needs, and what it has no use for.
void CheckListener(Cursor& c, const Listener& listener) {
  if (c.failed()) return;
  const bool encrypted =
      listener.protocol == Protocol::kHttps || listener.protocol == Protocol::kTls;
  const bool certified = listener.certificate || listener.certificate_file;
  const TlsMode mode = listener.tls ? listener.tls->value : TlsMode::kSimple;
  const bool own = mode == TlsMode::kSimple || mode == TlsMode::kMutual;
  const auto misplaced = [&](Span span, const std::string& message) -> Diagnostic& {
    return c.Fail(codes::kMisplacedItem, span, message);
  };
  if (!encrypted && listener.tls) {
    misplaced(listener.tls->span, "a listener without TLS has no `tls`").help =
        "make it `https` or `tls`";
  } else if (!encrypted && certified) {
    misplaced(listener.certificate ? listener.certificate->span : listener.certificate_file->span,
              "a listener without TLS has no certificate")
        .help = "make it `https` or `tls`";
  } else if (listener.redirect_https && listener.protocol != Protocol::kHttp) {
    misplaced(listener.span, "only a listener of `http` redirects to `https`");
  } else if (encrypted && own && !certified) {
    c.Fail(codes::kMissingItem, listener.span, "this listener has no certificate").help =
        "name it, `certificate secret \"NAME\"`, or say `tls passthrough`";
  } else if (encrypted && !own && certified) {
    misplaced(listener.certificate ? listener.certificate->span : listener.certificate_file->span,
              "with this mode of TLS the listener has no certificate of its own");
  } else if (listener.min_version && listener.max_version &&
             listener.max_version->value < listener.min_version->value) {
    c.Fail(codes::kBadLiteral, listener.max_version->span,
           "the highest version of TLS is below the lowest one");
  }
}

Listener ReadListener(Cursor& c) {
  Listener listener;
  const std::uint32_t first = c.at() == 0 ? 0 : c.at() - 1;
  listener.port = c.ExpectPort("`listen`");
  if (const auto protocol = ReadProtocol(c)) {
    listener.protocol = *protocol;
  } else {
    c.FailExpected("a protocol: `http`, `https`, `http2`, `grpc`, `tcp` or `tls`");
  }
  listener.span = c.SpanFrom(first);
  if (c.Is(TokenKind::kOpenBrace)) ReadListenerBlock(c, listener);
  CheckListener(c, listener);
  return listener;
}

}  // namespace

void ReadGateway(Cursor& c, Header header, Program& program) {
  GatewayDecl gateway{.header = std::move(header)};
  if (c.AcceptWord("in")) gateway.in_namespace = ExpectNamespace(c);
  if (c.AcceptWord("on")) gateway.clusters = c.ExpectNames("a cluster");
  c.ReadBlock("`gateway`",
              {"select", "listen", "accept", "expose", "label", "authenticate", "authorize"},
              [&](std::string_view) {
                if (c.AcceptWord("select")) {
                  gateway.select = c.ExpectLabelBlock("a label");
                  for (const LabelTerm& term : gateway.select) CheckLabel(c, term);
                } else if (c.AcceptWord("listen")) {
                  gateway.listeners.push_back(ReadListener(c));
                } else if (c.AcceptWord("accept")) {
                  gateway.accepts.push_back(ReadAccept(c));
                } else if (c.AcceptWord("expose")) {
                  gateway.exposes.push_back(ReadExpose(c));
                } else if (c.AcceptWord("label")) {
                  gateway.header.labels.push_back(ReadLabel(c));
                } else {
                  return ReadItem(c, gateway.items);
                }
                return true;
              },
              {"select"});
  if (gateway.select.empty()) {
    c.diagnostics()
        .Error(codes::kMissingItem, gateway.header.span,
               "gateway `" + gateway.header.name.value + "` selects no workload")
        .help = "say which workloads it is: `select { istio = \"ingressgateway\" }`";
  }
  program.gateways.push_back(std::move(gateway));
}

}  // namespace weft::dsl
