// `jwt`, `authorizer` and `limiter`: providers that items refer to.
#include <utility>

#include "dsl/codes.h"
#include "dsl/readers.h"

namespace weft::dsl {
namespace {

JwtDecl::Location ReadLocation(Cursor& c) {
  JwtDecl::Location location;
  if (c.AcceptWord("query")) {
    location.kind = JwtDecl::Location::Kind::kQuery;
  } else if (c.AcceptWord("cookie")) {
    location.kind = JwtDecl::Location::Kind::kCookie;
  } else {
    c.ExpectWord("header");
  }
  location.name = c.ExpectString("a name");
  if (c.AcceptWord("prefix")) location.prefix = c.ExpectString("a prefix");
  return location;
}

// `{ "sub" -> "x-user" }`
std::vector<LabelTerm> ReadClaimHeaders(Cursor& c) {
  std::vector<LabelTerm> pairs;
  c.ReadBlock("`claims to headers`", {}, [&](std::string_view) {
    if (!c.Is(TokenKind::kString)) return false;
    LabelTerm pair;
    pair.key = c.ExpectString("a claim");
    c.Expect(TokenKind::kArrow, "`->`");
    pair.value = c.ExpectString("a header");
    pairs.push_back(std::move(pair));
    c.Accept(TokenKind::kComma);
    return true;
  });
  return pairs;
}

// What authorizer and limiter share: `service opa in "auth" port 9191`.
template <typename Decl>
bool ReadService(Cursor& c, Decl& decl) {
  if (c.AcceptWord("service")) {
    decl.service = c.ExpectQName("a service");
    if (c.AcceptWord("in")) decl.in_namespace = c.ExpectString("a namespace");
    if (c.AcceptWord("port")) decl.port = c.ExpectPort("the service");
  } else if (c.AcceptWord("timeout")) {
    decl.timeout = c.ExpectDuration("timeout");
  } else if (c.AcceptWord("label")) {
    decl.header.labels.push_back(ReadLabel(c));
  } else {
    return false;
  }
  return true;
}

}  // namespace

void ReadJwt(Cursor& c, Header header, Program& program) {
  JwtDecl jwt{.header = std::move(header)};
  c.ReadBlock("`jwt`",
              {"issuer", "audience", "audiences", "jwks", "from", "claims", "forward", "label"},
              [&](std::string_view) {
                if (c.AcceptWord("issuer")) {
                  jwt.issuer = c.ExpectString("an issuer");
                } else if (c.AcceptWord("audience")) {
                  jwt.audiences.push_back(c.ExpectString("an audience"));
                } else if (c.AcceptWord("audiences")) {
                  jwt.audiences = c.ExpectStrings("an audience");
                } else if (c.AcceptWords({"jwks", "from"})) {
                  jwt.jwks_uri = c.ExpectString("a URI");
                } else if (c.AcceptWords({"jwks", "inline"})) {
                  jwt.jwks_inline = c.ExpectString("a key set");
                } else if (c.AcceptWord("from")) {
                  jwt.locations.push_back(ReadLocation(c));
                } else if (c.AcceptWords({"claims", "to", "headers"})) {
                  jwt.claims_to_headers = ReadClaimHeaders(c);
                } else if (c.AcceptWords({"forward", "token"})) {
                  jwt.forward = true;
                } else if (c.AcceptWord("label")) {
                  jwt.header.labels.push_back(ReadLabel(c));
                } else {
                  return false;
                }
                return true;
              });
  const auto require = [&](bool present, std::string_view what) {
    if (present) return;
    c.diagnostics().Error(codes::kMissingItem, jwt.header.span,
                          "jwt `" + jwt.header.name.value + "` needs " + std::string(what));
  };
  require(!jwt.issuer.value.empty(), "an `issuer`");
  require(jwt.jwks_uri || jwt.jwks_inline, "its keys: `jwks from \"https://…\"` or `jwks inline`");
  program.jwts.push_back(std::move(jwt));
}

void ReadAuthorizer(Cursor& c, Header header, Program& program) {
  AuthorizerDecl authorizer{.header = std::move(header)};
  c.ReadBlock("`authorizer`",
              {"service", "timeout", "on", "body", "http", "headers", "path", "label"},
              [&](std::string_view) {
                if (c.AcceptWords({"on", "failure"})) {
                  authorizer.allow_on_failure = c.AcceptWord("allow");
                  if (!authorizer.allow_on_failure) c.ExpectWord("deny");
                } else if (c.AcceptWords({"body", "up", "to"})) {
                  authorizer.body_limit = c.ExpectSize("`body up to`");
                } else if (c.AcceptWord("http")) {
                  authorizer.http = true;
                } else if (c.AcceptWords({"path", "prefix"})) {
                  authorizer.path_prefix = c.ExpectString("a path");
                } else if (c.AcceptWord("headers")) {
                  authorizer.include_headers = c.ExpectStrings("a header");
                } else {
                  return ReadService(c, authorizer);
                }
                return true;
              });
  if (authorizer.service.parts.empty()) {
    c.diagnostics().Error(codes::kMissingItem, authorizer.header.span,
                          "authorizer `" + authorizer.header.name.value + "` names no `service`");
    return;
  }
  program.authorizers.push_back(std::move(authorizer));
}

void ReadLimiter(Cursor& c, Header header, Program& program) {
  LimiterDecl limiter{.header = std::move(header)};
  c.ReadBlock("`limiter`", {"service", "timeout", "on", "label"}, [&](std::string_view) {
    if (c.AcceptWords({"on", "error"})) {
      limiter.allow_on_error = c.AcceptWord("allow");
      if (!limiter.allow_on_error) c.ExpectWord("deny");
      return true;
    }
    return ReadService(c, limiter);
  });
  if (limiter.service.parts.empty()) {
    c.diagnostics().Error(codes::kMissingItem, limiter.header.span,
                          "limiter `" + limiter.header.name.value + "` names no `service`");
    return;
  }
  program.limiters.push_back(std::move(limiter));
}

}  // namespace weft::dsl
