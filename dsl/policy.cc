// `policy`, `apply`, `predicate` and `use`.
#include <array>
#include <utility>

#include "dsl/codes.h"
#include "dsl/literals.h"
#include "dsl/readers.h"

namespace weft::dsl {
namespace {

std::optional<Parameter::Type> ReadType(Cursor& c) {
  static constexpr std::array<std::pair<std::string_view, Parameter::Type>, 7> kTypes = {{
      {"duration", Parameter::Type::kDuration},
      {"percent", Parameter::Type::kPercent},
      {"number", Parameter::Type::kNumber},
      {"strings", Parameter::Type::kStrings},
      {"string", Parameter::Type::kString},
      {"service", Parameter::Type::kService},
      {"name", Parameter::Type::kName},
  }};
  for (const auto& [word, type] : kTypes) {
    if (c.AcceptWord(word)) return type;
  }
  c.FailExpected(
      "a type: `duration`, `percent`, `number`, `string`, `strings`, `service` or `name`");
  return std::nullopt;
}

Value ReadDefault(Cursor& c, Parameter::Type type) {
  switch (type) {
    case Parameter::Type::kDuration:
      return c.ExpectDuration("the parameter", Zero::kAllowed);
    case Parameter::Type::kPercent:
      return c.ExpectPercent("the parameter");
    case Parameter::Type::kNumber:
      return c.ExpectNumber("the parameter", kAnyNumber);
    case Parameter::Type::kString:
      return c.ExpectString("the parameter");
    case Parameter::Type::kStrings:
      return c.ExpectStrings("the parameter");
    case Parameter::Type::kService:
      return c.ExpectQName("the parameter");
    case Parameter::Type::kName: {
      Name name = c.ExpectName("the parameter");
      const Span span = name.span;
      return QName{{std::move(name)}, span};
    }
  }
  return {};
}

std::vector<Parameter> ReadParameters(Cursor& c) {
  std::vector<Parameter> parameters;
  c.Expect(TokenKind::kOpenParen, "`(`");
  while (!c.failed() && !c.Is(TokenKind::kCloseParen)) {
    Parameter parameter;
    parameter.name = c.ExpectPlainName("a parameter");
    c.Expect(TokenKind::kColon, "`:` and the parameter's type");
    if (const auto type = ReadType(c)) parameter.type = *type;
    if (c.Accept(TokenKind::kEquals)) parameter.fallback = ReadDefault(c, parameter.type);
    parameters.push_back(std::move(parameter));
    if (!c.Accept(TokenKind::kComma)) break;
  }
  c.Expect(TokenKind::kCloseParen, "`)`");
  return parameters;
}

void ReadApplied(Cursor& c, PolicyDecl& policy) {
  using On = PolicyDecl::On;
  if (c.AcceptWords({"targets", "of", "routes"})) {
    policy.on = On::kRouteTargets;
  } else if (c.AcceptWord("routes")) {
    policy.on = On::kRoutes;
  } else if (c.AcceptWord("destinations")) {
    policy.on = On::kDestinations;
  } else if (c.AcceptWord("services")) {
    policy.on = On::kServices;
  } else if (c.AcceptWords({"external", "services"})) {
    policy.on = On::kExternals;
  } else if (c.AcceptWord("workloads")) {
    policy.on = On::kWorkloads;
  } else if (c.AcceptWord("gateway")) {
    policy.on = On::kGateway;
    policy.selection.names.push_back(c.ExpectQName("a gateway"));
    if (c.AcceptWord("listener")) policy.listener = c.ExpectPort("`listener`");
    return;
  } else if (c.AcceptWord("gateways")) {
    policy.on = On::kGateway;
    policy.selection = ReadSelection(c);
    if (c.AcceptWord("listener")) policy.listener = c.ExpectPort("`listener`");
    return;
  } else {
    c.FailExpected(
        "`routes`, `targets of routes`, `destinations`, `services`, `external services`, "
        "`workloads`, `gateways …` or `gateway g`");
    return;
  }
  policy.selection = ReadSelections(c, policy.more);
  if (policy.on == On::kRoutes && c.AcceptWords({"with", "targets"})) {
    policy.with_targets = ReadSelection(c);
  }
}

}  // namespace

void ReadPolicy(Cursor& c, Header header, std::shared_ptr<const Syntax> syntax, Program& program) {
  PolicyDecl policy{.header = std::move(header)};
  if (c.AcceptWord("on")) {
    ReadApplied(c, policy);
    c.ReadBlock("`policy`", {"label"}, [&](std::string_view) {
      if (c.AcceptWord("label")) {
        policy.header.labels.push_back(ReadLabel(c));
        return true;
      }
      return ReadItem(c, policy.items);
    });
  } else {
    if (c.Is(TokenKind::kOpenParen)) policy.parameters = ReadParameters(c);
    if (c.failed()) return;
    if (!c.Is(TokenKind::kOpenBrace)) {
      c.FailExpected("`{`");
      return;
    }
    const std::uint32_t close = c.syntax().tokens[c.at()].match;
    policy.syntax = std::move(syntax);
    policy.body_begin = c.at() + 1;
    policy.body_end = close;
    c.MoveTo(close + 1);
  }
  if (!c.failed()) program.policies.push_back(std::move(policy));
}

void ReadPredicate(Cursor& c, Header header, Program& program) {
  PredicateDecl predicate{.header = std::move(header), .condition = {}};
  c.Expect(TokenKind::kEquals, "`=` and a condition");
  predicate.condition = ReadCondition(c);
  if (!c.failed()) program.predicates.push_back(std::move(predicate));
}

void ReadApply(Cursor& c, Header header, Program& program) {
  ApplyDecl apply{.header = std::move(header), .use = ReadTemplateUse(c)};
  if (c.failed()) return;
  apply.header.name = {apply.use.name.Text(), apply.use.name.span};
  apply.header.span = Join(apply.header.span, c.LastSpan());
  program.applies.push_back(std::move(apply));
}

void ReadUse(Cursor& c, Header header, Program& program) {
  UseDecl use;
  const std::uint32_t first = c.at();
  use.path.push_back(c.ExpectName("a module such as `std.resilience`"));
  while (c.Accept(TokenKind::kDot)) {
    if (c.Is(TokenKind::kOpenBrace)) {
      const std::uint32_t close = c.syntax().tokens[c.at()].match;
      c.Skip();
      while (!c.failed() && c.at() < close) {
        use.names.push_back(c.ExpectName("a name of the module"));
        if (!c.Accept(TokenKind::kComma)) break;
      }
      c.Expect(TokenKind::kCloseBrace, "`}`");
      break;
    }
    use.path.push_back(c.ExpectName("a part of the module's name"));
  }
  if (use.names.empty()) use.all = true;
  use.span = Join(header.span, c.at() > first ? c.SpanFrom(first) : c.SpanAt());
  if (!c.failed()) program.uses.push_back(std::move(use));
}

}  // namespace weft::dsl
