// `jwt` and `authorizer`: providers that items refer to.
#include <utility>

#include "dsl/codes.h"
#include "dsl/readers.h"
#include "dsl/values.h"
#include "dsl/yaml.h"

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

// `{ "sub" -> "x-user"  "org" -> add "x-org" }`
std::vector<LabelTerm> ReadClaimHeaders(Cursor& c, std::vector<Str>& appended) {
  std::vector<LabelTerm> pairs;
  c.ReadBlock("`claims to headers`", {}, [&](std::string_view) {
    if (!c.Is(TokenKind::kString)) return false;
    LabelTerm pair;
    pair.key = c.ExpectString("a claim");
    c.Expect(TokenKind::kArrow, "`->`");
    if (c.AcceptWord("add")) appended.push_back(pair.key);
    pair.value = ExpectHeader(c, "a header");
    pairs.push_back(std::move(pair));
    c.Accept(TokenKind::kComma);
    return true;
  });
  return pairs;
}

// `"name" key "k" in "ns"` behind `jwks secret`.
JwtDecl::Secret ReadKeySecret(Cursor& c) {
  JwtDecl::Secret secret{
      .name = ExpectObjectName(c, "the name of a secret"), .key = {}, .in_namespace = {}};
  if (c.AcceptWord("key")) secret.key = c.ExpectString("a key of the secret");
  if (c.AcceptWord("in")) secret.in_namespace = ExpectNamespace(c);
  return secret;
}

// `https://id.example/keys`
Str ExpectUrl(Cursor& c) {
  Str url = c.ExpectString("a URL");
  const std::size_t scheme = url.value.find("://");
  const bool fits = (url.value.starts_with("https://") || url.value.starts_with("http://")) &&
                    url.value.size() > scheme + 3 && url.value[scheme + 3] != '/' &&
                    url.value.find_first_of(" \t\n\r") == std::string::npos;
  if (!c.failed() && !fits) {
    c.Fail(codes::kBadLiteral, url.span, "`" + url.value + "` is no URL of `https` or `http`");
  }
  return url;
}

// `{"keys": [ … ]}`
Str ExpectKeySet(Cursor& c) {
  Str text = c.ExpectString("a key set");
  if (c.failed()) return text;
  // JSON is YAML with every string in quotes; the reader of YAML has the limits that text needs.
  const Source source{.id = {}, .name = "jwks", .text = text.value, .kind = SourceKind::kYaml};
  Diagnostics unread;
  const std::vector<yaml::Document> read = yaml::Parse(source, unread);
  const yaml::Node* keys = read.size() == 1 ? read[0].root.Find("keys") : nullptr;
  const bool one = read.size() == 1 && read[0].root.Find("kty") != nullptr;
  const bool fits = text.value.find_first_not_of(" \t\r\n") != std::string::npos &&
                    text.value[text.value.find_first_not_of(" \t\r\n")] == '{' &&
                    !unread.HasErrors() && (one || (keys != nullptr && keys->IsSequence()));
  if (!fits) {
    c.Fail(codes::kBadLiteral, text.span, "this is no set of keys in JSON").help =
        "it looks like {\"keys\": [{\"kty\": \"RSA\", …}]}";
  }
  return text;
}

bool ReadKeys(Cursor& c, JwtDecl& jwt) {
  if (c.AcceptWords({"jwks", "from"})) {
    jwt.jwks_uri = ExpectUrl(c);
    if (c.AcceptWords({"through", "service"})) jwt.jwks_service = c.ExpectQName("a service");
  } else if (c.AcceptWords({"jwks", "inline"})) {
    jwt.jwks_inline = ExpectKeySet(c);
  } else if (c.AcceptWords({"jwks", "secret"})) {
    jwt.jwks_secret = ReadKeySecret(c);
  } else if (c.AcceptWords({"cache", "keys"})) {
    jwt.jwks_cache = c.ExpectDuration("cache keys");
  } else if (c.AcceptWords({"fetch", "keys", "within"})) {
    jwt.jwks_timeout = c.ExpectDuration("fetch keys within");
  } else if (c.AcceptWords({"fetch", "keys", "ahead"})) {
    jwt.jwks_ahead = true;
  } else {
    return false;
  }
  return true;
}

bool ReadToken(Cursor& c, JwtDecl& jwt) {
  if (c.AcceptWord("from")) {
    jwt.locations.push_back(ReadLocation(c));
  } else if (c.AcceptWords({"claims", "to", "headers"})) {
    jwt.claims_to_headers = ReadClaimHeaders(c, jwt.appended_claims);
  } else if (c.AcceptWords({"payload", "to", "header"})) {
    jwt.payload_to = ExpectHeader(c, "a header");
  } else if (c.AcceptWords({"forward", "token"})) {
    jwt.forward = true;
  } else if (c.AcceptWord("leeway")) {
    jwt.leeway = c.ExpectDuration("leeway", Zero::kAllowed);
  } else {
    return ReadKeys(c, jwt);
  }
  return true;
}

bool ReadAuthorizerHeaders(Cursor& c, AuthorizerDecl& authorizer) {
  if (c.AcceptWords({"headers", "upstream"})) {
    authorizer.upstream_headers = ExpectHeaders(c, "a header", HeaderPlace::kPseudo);
  } else if (c.AcceptWords({"headers", "to", "client"})) {
    authorizer.client_headers = ExpectHeaders(c, "a header", HeaderPlace::kPseudo);
  } else if (c.AcceptWord("headers")) {
    authorizer.include_headers = ExpectHeaders(c, "a header", HeaderPlace::kPseudo);
  } else if (c.AcceptWords({"add", "headers"})) {
    authorizer.add_headers = ExpectHeaderBlock(c, "a header");
  } else {
    return false;
  }
  return true;
}

void ReadCheckedBody(Cursor& c, AuthorizerDecl& authorizer) {
  authorizer.body_limit = c.ExpectSize("`body up to`");
  authorizer.partial_body = c.AcceptWord("partial");
  authorizer.body_as_bytes = c.AcceptWords({"as", "bytes"});
}

}  // namespace

void ReadJwt(Cursor& c, Header header, Program& program) {
  JwtDecl jwt{.header = std::move(header)};
  c.ReadBlock("`jwt`",
              {"issuer", "audience", "audiences", "jwks", "from", "claims", "forward", "leeway",
               "payload", "cache", "fetch", "label"},
              [&](std::string_view) {
                if (c.AcceptWord("issuer")) {
                  jwt.issuer = c.ExpectString("an issuer");
                } else if (c.AcceptWord("audience")) {
                  jwt.audiences.push_back(c.ExpectString("an audience"));
                } else if (c.AcceptWord("audiences")) {
                  jwt.audiences = c.ExpectStrings("an audience");
                } else if (c.AcceptWord("label")) {
                  jwt.header.labels.push_back(ReadLabel(c));
                } else {
                  return ReadToken(c, jwt);
                }
                return true;
              },
              {"issuer", "audiences", "jwks", "claims to headers", "payload to header",
               "forward token", "leeway", "cache keys", "fetch keys within", "fetch keys ahead"});
  const auto require = [&](bool present, std::string_view what) {
    if (present) return;
    c.diagnostics().Error(codes::kMissingItem, jwt.header.span,
                          "jwt `" + jwt.header.name.value + "` needs " + std::string(what));
  };
  require(jwt.jwks_uri || jwt.jwks_inline || jwt.jwks_secret,
          "its keys: `jwks from \"https://…\"`, `jwks inline` or `jwks secret`");
  program.jwts.push_back(std::move(jwt));
}

void ReadAuthorizer(Cursor& c, Header header, Program& program) {
  AuthorizerDecl authorizer{.header = std::move(header)};
  c.ReadBlock("`authorizer`",
              {"service", "timeout", "on", "body", "http", "headers", "path", "add", "reroute",
               "stat", "label"},
              [&](std::string_view) {
                if (c.AcceptWords({"on", "failure"})) {
                  authorizer.allow_on_failure = c.AcceptWord("allow");
                  if (!authorizer.allow_on_failure) c.ExpectWord("deny");
                  if (c.AcceptWord("status")) {
                    authorizer.status_on_error = c.ExpectNumber("`status`", kStatus);
                  }
                } else if (c.AcceptWords({"body", "up", "to"})) {
                  ReadCheckedBody(c, authorizer);
                } else if (c.AcceptWord("http")) {
                  authorizer.http = true;
                } else if (c.AcceptWords({"path", "prefix"})) {
                  authorizer.path_prefix = ExpectPath(c, "a path");
                } else if (c.AcceptWord("reroute")) {
                  authorizer.reroute = true;
                } else if (c.AcceptWord("stat")) {
                  authorizer.stat = c.ExpectString("a name");
                } else if (c.AcceptWord("service")) {
                  authorizer.service = c.ExpectQName("a service");
                  if (c.AcceptWord("in")) authorizer.in_namespace = ExpectNamespace(c);
                  if (c.AcceptWord("port")) authorizer.port = c.ExpectPort("the service");
                } else if (c.AcceptWord("timeout")) {
                  authorizer.timeout = c.ExpectDuration("timeout");
                } else if (c.AcceptWord("label")) {
                  authorizer.header.labels.push_back(ReadLabel(c));
                } else {
                  return ReadAuthorizerHeaders(c, authorizer);
                }
                return true;
              },
              {"on failure", "body up to", "http", "path prefix", "reroute", "stat", "service",
               "timeout", "headers upstream", "headers to client", "headers", "add headers"});
  if (authorizer.service.parts.empty()) {
    c.diagnostics().Error(codes::kMissingItem, authorizer.header.span,
                          "authorizer `" + authorizer.header.name.value + "` names no `service`");
    return;
  }
  program.authorizers.push_back(std::move(authorizer));
}

}  // namespace weft::dsl
