// `route` and `table`.
#include <algorithm>
#include <utility>

#include "dsl/codes.h"
#include "dsl/readers.h"
#include "dsl/values.h"

namespace weft::dsl {
namespace {

constexpr std::size_t kMostBody = 4096;  // that Envoy answers with

// A word in capitals is a method: `GET`, `HEAD`, `M-SEARCH`.
bool IsMethodWord(std::string_view word) {
  if (word.empty()) return false;
  for (const char ch : word) {
    if (!((ch >= 'A' && ch <= 'Z') || ch == '-')) return false;
  }
  return true;
}

RedirectAction ReadRedirect(Cursor& c) {
  RedirectAction redirect;
  c.AcceptWord("to");
  bool any = false;
  while (!c.failed()) {
    if (c.AcceptWord("https")) {
      redirect.https = true;
    } else if (c.AcceptWord("host")) {
      redirect.host = ReadHost(c);
    } else if (c.AcceptWord("path")) {
      redirect.path = ExpectPath(c, "a path");
    } else if (c.AcceptWord("port")) {
      redirect.port = c.ExpectPort("the redirect");
    } else if (c.AcceptWord("code")) {
      redirect.code = c.ExpectNumber("`code`", {300, 399});
      const std::int64_t code = redirect.code->value;
      if (!c.failed() && code != 301 && code != 302 && code != 303 && code != 307 && code != 308) {
        c.Fail(
            codes::kBadLiteral, redirect.code->span,
            "a redirect answers 301, 302, 303, 307 or 308, found `" + std::to_string(code) + "`");
      }
    } else {
      break;
    }
    any = true;
  }
  if (!any) c.FailExpected("`https`, `host \"…\"`, `path \"…\"`, `port N` or `code N`");
  return redirect;
}

RespondAction ReadRespond(Cursor& c) {
  RespondAction respond;
  respond.status = c.ExpectNumber("the status of `respond`", kStatus);
  if (c.Is(TokenKind::kString) || c.Is(TokenKind::kText)) {
    respond.body = c.ExpectString("a body");
    if (!c.failed() && respond.body->value.size() > kMostBody) {
      c.Fail(codes::kBadLiteral, respond.body->span,
             "a body has at most 4096 bytes, this one has " +
                 std::to_string(respond.body->value.size()));
    }
  }
  return respond;
}

DelegateAction ReadDelegate(Cursor& c) {
  DelegateAction delegate;
  c.ExpectWord("to");
  if (c.IsWord("tables") && !c.IsWordAt(1, "by")) c.Skip();
  delegate.tables = ReadSelection(c);
  while (!c.failed() && c.AcceptWord("or")) {
    c.AcceptWord("tables");
    delegate.more.push_back(ReadSelection(c));
  }
  if (c.AcceptWords({"by", "specificity"})) delegate.by_specificity = true;
  if (c.AcceptWords({"by", "weight"})) delegate.by_weight = true;
  return delegate;
}

void ReadAction(Cursor& c, RouteRule& rule) {
  const std::uint32_t first = c.at();
  if (c.AcceptWord("redirect")) {
    rule.action = ReadRedirect(c);
  } else if (c.AcceptWord("respond")) {
    rule.action = ReadRespond(c);
  } else if (c.AcceptWord("delegate")) {
    rule.action = ReadDelegate(c);
  } else {
    ForwardAction forward;
    forward.to_default = c.AcceptWord("default");
    if (!forward.to_default) {
      do {
        forward.to.push_back(ReadTarget(c));
      } while (c.Accept(TokenKind::kComma));
    }
    rule.action = std::move(forward);
  }
  rule.action_span = c.at() > first ? c.SpanFrom(first) : c.SpanAt();
}

// What stands before `->`.
void ReadMatch(Cursor& c, RouteRule& rule) {
  if (c.AcceptWord("rule")) {
    rule.name = c.ExpectName("the name of the rule");
    c.Accept(TokenKind::kColon);
  }
  while (c.AcceptWord("label")) rule.labels.push_back(ReadLabel(c));
  if (c.AcceptWord("otherwise")) {
    rule.otherwise = true;
    return;
  }
  if (c.AcceptWord("tcp")) {
    rule.layer = RouteRule::Layer::kTcp;
    if (c.AcceptWord("port")) rule.port = c.ExpectPort("the rule");
  } else if (c.AcceptWord("tls")) {
    rule.layer = RouteRule::Layer::kTls;
    c.ExpectWord("sni");
    for (Str& host : ReadHosts(c)) {
      Pattern pattern = Exact{host.value};
      if (host.value.starts_with("*.")) pattern = Suffix{host.value.substr(1)};
      if (host.value == "*") pattern = Present{};
      rule.sni.push_back({std::move(pattern), host.span});
    }
    if (c.AcceptWord("port")) rule.port = c.ExpectPort("the rule");
  } else if (c.Is(TokenKind::kWord) && IsMethodWord(c.Text())) {
    do {
      rule.methods.push_back(ExpectMethod(c));
    } while (c.Accept(TokenKind::kComma));
  }
  if (c.AcceptWord("when")) rule.when = ReadCondition(c);
}

bool BeginsRule(const Cursor& c) {
  if (c.Is(TokenKind::kArrow)) return true;
  if (!c.Is(TokenKind::kWord)) return false;
  for (const std::string_view word : {"when", "otherwise", "rule", "tcp"}) {
    if (c.IsWord(word)) return true;
  }
  if (c.IsWord("tls") && c.IsWordAt(1, "sni")) return true;
  return IsMethodWord(c.Text());
}

// Items of a rule stand in braces; behind it on its line they would be read as the route's own, for
// every rule.
void RefuseTail(Cursor& c, const RouteRule& rule) {
  if (c.failed() || !c.GoesOn() || BeginsRule(c)) return;
  const std::uint32_t first = c.at();
  const std::string word(c.Text());
  c.Recover(first, c.end());
  const Span span = c.SpanFrom(first);
  Diagnostic& d = c.Fail(codes::kMisplacedItem, span,
                         "`" + word + "` is no part of the action it stands behind");
  const std::string block =
      "{ " + std::string(c.syntax().text.substr(span.begin, span.end - span.begin)) + " }";
  const auto& items = ItemWords();
  if (rule.items.empty() && std::find(items.begin(), items.end(), word) != items.end()) {
    d.help = "write `" + block + "`; on a line of its own it would be the whole route's";
    d.edit = Edit{span, block};
    return;
  }
  d.help = "items of a rule stand in braces behind its action; what comes next begins a line";
}

void ReadRule(Cursor& c, RouteDecl& route) {
  RouteRule rule;
  const std::uint32_t first = c.at();
  ReadMatch(c, rule);
  c.Expect(TokenKind::kArrow, "`->`");
  ReadAction(c, rule);
  rule.span = c.at() > first ? c.SpanFrom(first) : c.SpanAt();
  if (!c.failed() && c.Is(TokenKind::kOpenBrace)) {
    c.ReadBlock("a route rule",
                {"timeout", "retries", "fault", "mirror", "headers", "rewrite", "cors", "label"},
                [&](std::string_view) {
                  if (c.AcceptWord("label")) {
                    rule.labels.push_back(ReadLabel(c));
                    return true;
                  }
                  return ReadItem(c, rule.items);
                });
  }
  RefuseTail(c, rule);
  if (!c.failed()) route.rules.push_back(std::move(rule));
}

// `default -> reviews`, and what rules written `-> default` then send to.
void ReadDefault(Cursor& c, RouteDecl& route) {
  c.Expect(TokenKind::kArrow, "`->`");
  do {
    route.default_to.push_back(ReadTarget(c));
  } while (c.Accept(TokenKind::kComma));
}

void FillDefaults(Cursor& c, RouteDecl& route) {
  for (RouteRule& rule : route.rules) {
    auto* forward = std::get_if<ForwardAction>(&rule.action);
    if (forward == nullptr || !forward->to_default) continue;
    forward->to = route.default_to;
    if (!forward->to.empty()) continue;
    c.diagnostics()
        .Error(codes::kMissingItem, rule.action_span, "the route has no default destination")
        .help = "add `default -> NAME` to it, or name the destination here";
  }
}

// `on gateways.north-south, other and sidecars`
void ReadPlaces(Cursor& c, RouteDecl& route) {
  const auto place = [&] {
    if (c.AcceptWord("sidecars")) {
      route.on_sidecars = true;
    } else if (c.AcceptWord("workloads")) {
      route.on_sidecars = true;
      route.workloads = ReadSelection(c);
    } else {
      c.AcceptWord("gateway");
      route.gateways.push_back(c.ExpectQName("a gateway, `sidecars` or `workloads where …`"));
    }
  };
  do {
    c.ExpectList(place);
  } while (c.Accept(TokenKind::kComma) || c.AcceptWord("and"));
}

void ReadFor(Cursor& c, RouteDecl& route) {
  c.ExpectList([&] {
    if (c.Is(TokenKind::kString)) {
      route.hosts.push_back(ReadHost(c));
    } else {
      route.for_names.push_back(
          c.ExpectQName("a host in double quotes, a service or a destination"));
    }
  });
  while (c.Accept(TokenKind::kComma)) {
    if (c.Is(TokenKind::kString)) {
      route.hosts.push_back(ReadHost(c));
    } else {
      route.for_names.push_back(c.ExpectQName("a host, a service or a destination"));
    }
  }
}

}  // namespace

void ReadRoute(Cursor& c, Header header, bool is_table, Program& program) {
  RouteDecl route{.header = std::move(header), .is_table = is_table};
  if (!is_table) {
    if (c.AcceptWord("on")) ReadPlaces(c, route);
    c.ExpectWord("for");
    ReadFor(c, route);
    route.header.span = Join(route.header.span, c.LastSpan());
    if (route.gateways.empty()) route.on_sidecars = true;
  }
  const bool header_failed = c.failed();
  c.ReadBlock(is_table ? "`table`" : "`route`",
              {"when", "otherwise", "default", "rule", "tcp", "tls", "on", "weight", "annotate",
               "label", "timeout", "retries", "headers", "cors"},
              [&](std::string_view) {
                if (BeginsRule(c)) {
                  ReadRule(c, route);
                } else if (c.AcceptWord("default")) {
                  ReadDefault(c, route);
                } else if (c.AcceptWord("annotate")) {
                  LabelTerm term{c.ExpectString("the key of an annotation"), {}};
                  c.Expect(TokenKind::kEquals, "`=`");
                  term.value = c.ExpectString("its value");
                  route.annotations.push_back(std::move(term));
                } else if (c.AcceptWord("weight")) {
                  route.weight = c.ExpectNumber("`weight`", kRank);
                } else if (c.AcceptWord("label")) {
                  if (c.Is(TokenKind::kWord) || c.Is(TokenKind::kString)) {
                    route.header.labels.push_back(ReadLabel(c));
                  }
                } else if (c.IsWord("on") && c.IsWordAt(1, "invalid")) {
                  const Span span = c.SpanAt();
                  c.Skip();
                  c.Skip();
                  OnInvalid mode = OnInvalid::kReplace;
                  if (c.AcceptWord("freeze")) {
                    mode = OnInvalid::kFreeze;
                  } else {
                    c.ExpectWord("replace");
                  }
                  route.on_invalid = Spanned<OnInvalid>{mode, Join(span, c.LastSpan())};
                } else if (!RefuseSmallMethod(c)) {
                  return ReadItem(c, route.items);
                }
                return true;
              },
              {"weight", "default", "on invalid"});
  FillDefaults(c, route);
  if (!header_failed) program.routes.push_back(std::move(route));
}

}  // namespace weft::dsl
