#include <array>
#include <utility>

#include "dsl/codes.h"
#include "dsl/readers.h"
#include "dsl/values.h"

namespace weft::dsl {
namespace {

bool IsHostLabel(std::string_view label) {
  if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') {
    return false;
  }
  for (const char c : label) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!fine) return false;
  }
  return true;
}

// A DNS name, "*", or a name whose left-most label is "*". Lower case.
bool IsHost(std::string_view host) {
  if (host == "*") return true;
  if (host.starts_with("*.")) host.remove_prefix(2);
  if (host.empty() || host.size() > 253) return false;
  while (true) {
    const std::size_t dot = host.find('.');
    if (!IsHostLabel(host.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    host.remove_prefix(dot + 1);
  }
}

}  // namespace

// `version: v1`, as in YAML.
static void RefuseColon(Cursor& c, const Str& key) {
  const Span colon = c.SpanAt();
  const bool word = c.Kind(1) == TokenKind::kWord;
  std::string value(word || c.Kind(1) == TokenKind::kString ? c.Text(1) : "\"…\"");
  if (word) value = "\"" + value + "\"";
  Diagnostic& d = c.Fail(codes::kUnexpected, colon, "a label is given by `=`, found `:`");
  d.help = "write `" + key.value + " = " + value + "`";
  if (value != "\"…\"") d.edit = Edit{Join(colon, c.SpanAt(1)), " = " + value};
}

LabelTerm ReadLabel(Cursor& c) {
  LabelTerm term;
  if (c.Is(TokenKind::kString)) {
    term.key = c.ExpectString("a label");
  } else {
    const QName name = c.ExpectQName("the name of a label");
    term.key = {name.Text(), name.span};
  }
  if (!c.failed() && c.Is(TokenKind::kColon)) RefuseColon(c, term.key);
  c.Expect(TokenKind::kEquals, "`=`");
  term.value = c.ExpectString("the value of the label");
  CheckLabel(c, term);
  return term;
}

std::vector<LabelTerm> ReadLabelTerms(Cursor& c) {
  std::vector<LabelTerm> terms;
  c.ExpectWord("label");
  terms.push_back(ReadLabel(c));
  while (!c.failed() && c.IsWord("and") && c.IsWordAt(1, "label")) {
    c.Skip();
    c.Skip();
    terms.push_back(ReadLabel(c));
  }
  return terms;
}

Selection ReadSelections(Cursor& c, std::vector<Selection>& more) {
  Selection first = ReadSelection(c);
  while (!c.failed() && c.AcceptWord("or")) more.push_back(ReadSelection(c));
  return first;
}

Selection ReadSelection(Cursor& c) {
  Selection selection;
  const std::uint32_t first = c.at();
  if (c.AcceptWord("all")) {
    selection.all = true;
  } else if (!c.IsWord("where")) {
    if (c.Is(TokenKind::kOpenBracket) && c.Kind(1) == TokenKind::kCloseBracket) {
      c.Fail(codes::kEmptySelection, c.SpanAt(), "an empty selection selects nothing").help =
          "say `all`, or name what is meant";
      return selection;
    }
    selection.names = c.ExpectQNames("a name, `all` or `where label …`");
  }
  if (c.AcceptWord("where")) selection.labels = ReadLabelTerms(c);
  while (!c.failed()) {
    if (c.AcceptWords({"of", "workspace"})) {
      selection.workspace = c.ExpectName("the name of a workspace");
    } else if (c.AcceptWords({"in", "namespace"})) {
      selection.in_namespace = ExpectNamespace(c);
    } else if (c.IsWord("on") && !c.IsWordAt(1, "invalid")) {
      c.Skip();
      selection.clusters = c.ExpectNames("a cluster");
    } else if (c.IsWord("port") && c.IsNumberAt(1)) {
      c.Skip();  // `port http 9080` begins the next line of a destination
      selection.port = c.ExpectPort("the selection");
    } else {
      break;
    }
  }
  if (c.at() > first) selection.span = c.SpanFrom(first);
  return selection;
}

Target ReadTarget(Cursor& c) {
  Target target;
  const std::uint32_t first = c.at();
  if (c.Is(TokenKind::kNumber)) target.weight = c.ExpectPercent("a weight");
  c.AcceptWord("external");
  target.name = c.ExpectQName("a service, destination or external service");
  if (c.AcceptWord("port")) target.port = c.ExpectPort("the destination");
  target.span = c.at() > first ? c.SpanFrom(first) : c.SpanAt();
  return target;
}

Str ReadHost(Cursor& c) {
  Str host = c.ExpectString("a host");
  if (c.failed()) return host;
  for (char& ch : host.value) {
    if (ch >= 'A' && ch <= 'Z') ch = static_cast<char>(ch - 'A' + 'a');
  }
  if (!IsHost(host.value)) {
    c.Fail(codes::kBadHost, host.span, "`" + host.value + "` is no host name").help =
        "a host is a DNS name; a wildcard is its whole left-most label, as in \"*.example.com\"";
  }
  return host;
}

std::vector<Str> ReadHosts(Cursor& c) {
  std::vector<Str> hosts;
  c.ExpectList([&] { hosts.push_back(ReadHost(c)); });
  return hosts;
}

static constexpr std::array<std::pair<std::string_view, Protocol>, 6> kProtocols = {{
    {"http", Protocol::kHttp},
    {"http2", Protocol::kHttp2},
    {"grpc", Protocol::kGrpc},
    {"https", Protocol::kHttps},
    {"tcp", Protocol::kTcp},
    {"tls", Protocol::kTls},
}};

std::optional<Protocol> ReadProtocol(Cursor& c) {
  for (const auto& [word, protocol] : kProtocols) {
    if (c.AcceptWord(word)) return protocol;
  }
  return std::nullopt;
}

void RefuseProtocol(Cursor& c) {
  std::vector<std::string> words;
  std::string list;
  for (const auto& [word, protocol] : kProtocols) {
    words.emplace_back(word);
    list += (list.empty() ? "`" : ", `") + words.back() + "`";
  }
  Diagnostic* d = c.ReportExpected("a protocol");
  if (d == nullptr) return;
  const std::string near = NearestName(c.Text(), words);
  d->help = near.empty() ? "protocols are " + list : "did you mean `" + near + "`?";
  if (!near.empty()) d->edit = Edit{d->span, near};
}

}  // namespace weft::dsl
