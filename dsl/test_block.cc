// `test "…" { … }`.
#include <utility>

#include "dsl/codes.h"
#include "dsl/readers.h"
#include "dsl/values.h"

namespace weft::dsl {
namespace {

// `{ role = "x"  groups = ["a", "b"] }`
void ReadClaims(Cursor& c, TestRequest::Token& token) {
  c.ReadBlock("the claims of a token", {}, [&](std::string_view) {
    Str claim;
    if (c.Is(TokenKind::kString)) {
      claim = c.ExpectString("a claim");
    } else {
      const QName name = c.ExpectQName("a claim");
      claim = {name.Text(), name.span};
    }
    c.Expect(TokenKind::kEquals, "`=`");
    token.claims.emplace_back(std::move(claim), c.ExpectStrings("the claim's value"));
    c.Accept(TokenKind::kComma);
    return true;
  });
}

// `100 requests in the second` behind `after`.
TestRequest::After ReadAfter(Cursor& c) {
  TestRequest::After after;
  after.requests = c.ExpectNumber("`after`", kCountOrNone);
  if (!c.AcceptWord("request")) c.ExpectWord("requests");
  c.ExpectWord("in");
  c.ExpectWord("the");
  if (c.AcceptWord("minute")) {
    after.window = Millis(60'000);
  } else if (c.AcceptWord("hour")) {
    after.window = Millis(3'600'000);
  } else if (c.AcceptWord("day")) {
    after.window = Millis(86'400'000);
  } else if (!c.AcceptWord("second")) {
    c.FailExpected("`second`, `minute`, `hour` or `day`");
  }
  return after;
}

void ReadWith(Cursor& c, TestRequest& request) {
  if (BeginsAnswer(c)) {
    request.answers.push_back(ReadAnswer(c));
    return;
  }
  if (c.AcceptWord("body")) {
    request.body = c.ExpectSize("`body`");
    return;
  }
  if (c.AcceptWord("limiter")) {
    request.silent.push_back(c.ExpectName("a limiter"));
    c.ExpectWord("unavailable");
    return;
  }
  if (c.AcceptWord("header")) {
    LabelTerm header;
    header.key = ExpectHeader(c, "the name of a header");
    c.Expect(TokenKind::kEquals, "`=`");
    header.value = c.ExpectString("the value of the header");
    request.headers.push_back(std::move(header));
    return;
  }
  TestRequest::Token token;
  const std::uint32_t first = c.at();
  if (c.AcceptWord("invalid")) token.invalid = true;
  c.ExpectWord("jwt");
  token.provider = c.ExpectName("a jwt provider");
  if (c.Is(TokenKind::kOpenBrace)) ReadClaims(c, token);
  token.span = c.SpanFrom(first);
  request.tokens.push_back(std::move(token));
}

// METHOD "url" and what follows it.
void ReadRequest(Cursor& c, TestRequest& request) {
  const std::uint32_t first = c.at();
  request.method = ExpectMethod(c);
  request.url = c.ExpectString("a URL");
  while (!c.failed()) {
    if (c.AcceptWords({"from", "ip"})) {
      request.source_ip = c.ExpectString("an IP address");
    } else if (c.AcceptWords({"remote", "ip"})) {
      request.remote_ip = c.ExpectString("an IP address");
    } else if (c.AcceptWord("from")) {
      request.from = ReadSource(c);
    } else if (c.AcceptWord("through")) {
      c.AcceptWord("gateway");
      request.through = c.ExpectQName("a gateway");
    } else if (c.IsWord("on") && !c.IsWordAt(1, "loss")) {
      c.Skip();
      const Name cluster = c.ExpectName("a cluster");
      if (!request.from) request.from = SourceClause{SourceOutside{}, {}, cluster.span};
      request.from->clusters = {cluster};
    } else if (c.AcceptWord("with")) {
      ReadWith(c, request);
    } else if (c.AcceptWord("after")) {
      request.after = ReadAfter(c);
    } else if (c.AcceptWords({"without", "mtls"})) {
      request.plaintext = true;
    } else {
      break;
    }
  }
  request.span = c.at() > first ? c.SpanFrom(first) : c.SpanAt();
}

void RefuseSecondRequest(Cursor& c, const TestDecl& test) {
  TestRequest second;
  ReadRequest(c, second);
  if (c.failed()) return;
  Diagnostic& d = c.Fail(codes::kRepeatedItem, second.span, "a `test` sends one request");
  d.related.push_back({test.request.span, "the first one"});
  d.help = "give the second request a `test` of its own";
}

Expectation ReadExpectation(Cursor& c) {
  using Kind = Expectation::Kind;
  Expectation expectation;
  const std::uint32_t first = c.at();
  if (c.AcceptWord("allowed")) {
    expectation.kind = Kind::kAllowed;
  } else if (c.AcceptWord("denied")) {
    expectation.kind = Kind::kDenied;
  } else if (c.AcceptWord("blocked")) {
    expectation.kind = Kind::kBlocked;
    if (c.AcceptWord("at")) expectation.stage = c.ExpectName("a stage such as `mtls`");
  } else if (c.AcceptWords({"served", "by"})) {
    expectation.kind = Kind::kServedBy;
    expectation.target = c.ExpectQName("a service");
    if (c.AcceptWord("on")) expectation.cluster = c.ExpectName("a cluster");
  } else if (c.AcceptWord("respond")) {
    expectation.kind = Kind::kRespond;
    expectation.status = c.ExpectNumber("a status", kAnyStatus);
  } else if (c.AcceptWord("redirect")) {
    expectation.kind = Kind::kRedirect;
    c.AcceptWord("to");
    if (c.Is(TokenKind::kString)) expectation.location = c.ExpectString("a location");
  } else if (c.AcceptWord("timeout")) {
    expectation.kind = Kind::kTimeout;
    expectation.duration = c.ExpectDuration("timeout", Zero::kAllowed);
  } else {
    c.FailExpected(
        "`allowed`, `denied`, `blocked`, `served by s`, `respond N`, `redirect` or `timeout`");
  }
  expectation.span = c.at() > first ? c.SpanFrom(first) : c.SpanAt();
  return expectation;
}

TestDecl::Loss ReadLoss(Cursor& c) {
  TestDecl::Loss loss;
  if (c.AcceptWord("region")) {
    loss.kind = TestDecl::Loss::Kind::kRegion;
  } else if (c.AcceptWord("zone")) {
    loss.kind = TestDecl::Loss::Kind::kZone;
  } else {
    c.ExpectWord("cluster");
  }
  loss.name = c.Is(TokenKind::kString) ? c.ExpectString("a name") : c.ExpectName("a name");
  return loss;
}

}  // namespace

bool BeginsAnswer(const Cursor& c) {
  return c.Is(TokenKind::kWord) && (c.IsWordAt(1, "allowing") || c.IsWordAt(1, "denying") ||
                                    (c.IsWordAt(1, "unavailable") && !c.IsWord("limiter")));
}

StatedAnswer ReadAnswer(Cursor& c) {
  StatedAnswer answer{c.ExpectName("an authorizer"), StatedAnswer::Kind::kAllow};
  if (c.AcceptWord("denying")) {
    answer.kind = StatedAnswer::Kind::kDeny;
  } else if (c.AcceptWord("unavailable")) {
    answer.kind = StatedAnswer::Kind::kUnavailable;
  } else {
    c.ExpectWord("allowing");
  }
  return answer;
}

void ReadTest(Cursor& c, Header header, Program& program) {
  TestDecl test{.header = std::move(header), .request = {}};
  c.ReadBlock("`test`", {"expect", "on", "GET"}, [&](std::string_view) {
    if (c.AcceptWord("expect")) {
      do {
        test.expectations.push_back(ReadExpectation(c));
      } while (c.Accept(TokenKind::kComma));
    } else if (c.AcceptWords({"on", "loss", "of"})) {
      test.losses.push_back(ReadLoss(c));
    } else if (c.Is(TokenKind::kWord) && c.Kind(1) == TokenKind::kString) {
      if (test.request.span.IsKnown()) {
        RefuseSecondRequest(c, test);
      } else {
        ReadRequest(c, test.request);
      }
    } else {
      return false;
    }
    return true;
  });
  const auto require = [&](bool present, std::string_view what) {
    if (present) return;
    c.diagnostics().Error(codes::kMissingItem, test.header.span,
                          "test `" + test.header.name.value + "` has no " + std::string(what));
  };
  require(!test.request.url.value.empty(), "request, as in `GET \"http://reviews/\"`");
  require(!test.expectations.empty(), "`expect`");
  if (!test.request.url.value.empty() && !test.expectations.empty()) {
    program.tests.push_back(std::move(test));
  }
}

}  // namespace weft::dsl
