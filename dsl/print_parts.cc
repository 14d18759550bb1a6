#include "dsl/print_parts.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "dsl/overloaded.h"
#include "dsl/print.h"
#include "dsl/words.h"

namespace weft::dsl {
namespace {

// Operator and values of a list of patterns of one kind.
std::string_view OperatorOf(const Pattern& pattern) {
  return std::visit(Overloaded{
                        [](const Exact&) { return std::string_view("="); },
                        [](const Under&) { return std::string_view("under"); },
                        [](const Prefix&) { return std::string_view("starts"); },
                        [](const Suffix&) { return std::string_view("ends"); },
                        [](const Template&) { return std::string_view("like"); },
                        [](const Regex&) { return std::string_view("matches"); },
                        [](const Present&) { return std::string_view("present"); },
                    },
                    pattern);
}

std::string ValueOf(const Pattern& pattern) {
  return std::visit(Overloaded{
                        [](const Present&) { return std::string(); },
                        [](const auto& p) { return p.value; },
                    },
                    pattern);
}

// `under ["/a", "/b"]`, `present`; lists are of one operator.
std::string Patterns(const std::vector<Spanned<Pattern>>& patterns) {
  if (patterns.empty()) return "";
  const std::string word(OperatorOf(patterns.front().value));
  if (word == "present") return word;
  std::vector<std::string> values;
  for (const auto& pattern : patterns) values.push_back(Quoted(ValueOf(pattern.value)));
  if (values.size() > 1 && word == "=") return "in " + ListOf(values);
  return word + " " + ListOf(values);
}

std::string Blocks(const std::vector<Str>& blocks) {
  std::vector<std::string> texts;
  for (const Str& block : blocks) texts.push_back(block.value);
  return "[" + Joined(texts, ", ") + "]";
}

std::string MatcherText(const Matcher& matcher) {
  return std::visit(
      Overloaded{
          [](const MethodIn& m) {
            std::vector<std::string> names;
            for (const Str& method : m.methods) names.push_back(MethodText(method.value));
            return names.size() == 1 ? "method = " + names[0] : "method in " + ListOf(names);
          },
          [](const PathIs& m) { return "path " + Patterns(m.patterns); },
          [](const HostIs& m) { return "host " + Patterns(m.patterns); },
          [](const SniIs& m) { return "sni " + Patterns(m.patterns); },
          [](const HeaderIs& m) {
            return "header " + Quoted(m.name.value) + " " + Patterns(m.patterns);
          },
          [](const QueryIs& m) {
            return "query " + Quoted(m.name.value) + " " + Patterns(m.patterns);
          },
          [](const PortIn& m) {
            std::vector<std::string> ports;
            for (const Port& port : m.ports) ports.push_back(std::to_string(port.value));
            return "port " + std::string(ports.size() > 1 ? "in " : "") + ListOf(ports);
          },
          [](const SourceIn& m) {
            std::vector<std::string> sources;
            for (const SourceClause& source : m.sources) sources.push_back(TextOf(source));
            return "source in [" + Joined(sources, ", ") + "]";
          },
          [](const SourceIpIn& m) { return "source.ip in " + Blocks(m.blocks); },
          [](const RemoteIpIn& m) { return "remote.ip in " + Blocks(m.blocks); },
          [](const HasMtls&) { return std::string("mtls"); },
          [](const JwtValid& m) { return "jwt " + m.provider.value; },
          [](const JwtClaim& m) {
            return "jwt " + m.provider.value + " claim " + Quoted(m.claim.value) + " " +
                   Patterns(m.patterns);
          },
          [](const JwtScope& m) {
            return "jwt " + m.provider.value + " scope " + Quoted(m.scope.value);
          },
          [](const PredicateRef& m) { return TextOf(m.name); },
      },
      matcher);
}

// `level`: 0 below `or`, 1 below `and`, 2 below `not`.
std::string ConditionText(const Condition& condition, int level) {
  const auto group = [&](std::string text, int own) {
    return own < level ? "(" + std::move(text) + ")" : text;
  };
  std::vector<std::string> parts;
  switch (condition.kind) {
    case Condition::Kind::kAnd:
      for (const Condition& child : condition.children) parts.push_back(ConditionText(child, 1));
      return group(Joined(parts, " and "), 1);
    case Condition::Kind::kOr:
      for (const Condition& child : condition.children) parts.push_back(ConditionText(child, 1));
      return group(Joined(parts, " or "), 0);
    case Condition::Kind::kNot:
      return "not " + ConditionText(condition.children.front(), 2);
    case Condition::Kind::kMatcher:
      return MatcherText(*condition.matcher);
  }
  return "";
}

}  // namespace

std::string Quoted(std::string_view text) {
  if (text.find('\n') != std::string_view::npos && text.find("\"\"\"") == std::string_view::npos &&
      text.find('\\') == std::string_view::npos) {
    return "\"\"\"" + std::string(text) + "\"\"\"";
  }
  std::string quoted = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
      case '\\':
        quoted += '\\';
        quoted += c;
        break;
      case '\n':
        quoted += "\\n";
        break;
      case '\t':
        quoted += "\\t";
        break;
      case '\r':
        quoted += "\\r";
        break;
      default:
        quoted += c;
    }
  }
  return quoted + "\"";
}

std::string TextOf(const QName& name) {
  std::string text;
  for (const Name& part : name.parts) {
    if (!text.empty()) text += '.';
    text += part.value.find('.') == std::string::npos ? part.value : Quoted(part.value);
  }
  return text;
}

std::string TextOf(Millis duration) {
  constexpr std::array<std::pair<std::int64_t, std::string_view>, 3> kUnits = {
      {{3600000, "h"}, {60000, "m"}, {1000, "s"}}};
  const std::int64_t millis = duration.count();
  for (const auto& [unit, name] : kUnits) {
    if (millis != 0 && millis % unit == 0) return std::to_string(millis / unit) + std::string(name);
  }
  return std::to_string(millis) + "ms";
}

std::string TextOf(double percent) { return fmt::format("{}%", percent); }

std::string TextOf(const Target& target) {
  std::string text;
  if (target.weight) text = TextOf(target.weight->value) + " ";
  text += TextOf(target.name);
  if (target.port) text += " port " + std::to_string(target.port->value);
  return text;
}

std::string TextOf(const LabelTerm& term) {
  const auto plain = [](std::string_view key) {
    if (key.empty() || (key[0] >= '0' && key[0] <= '9') || key[0] == '-') return false;
    for (const char c : key) {
      const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '_';
      if (!fine) return false;
    }
    return true;
  };
  const std::string& key = term.key.value;
  return (plain(key) ? key : Quoted(key)) + " = " + Quoted(term.value.value);
}

std::string TextOf(const Spanned<Pattern>& pattern) { return Patterns({pattern}); }

std::string TextOf(const SourceClause& source) {
  std::string text = std::visit(
      Overloaded{
          [](const SourceAnyone&) { return std::string("anyone"); },
          [](const SourceAnyIdentity&) { return std::string("any identity"); },
          [](const SourceOutside&) { return std::string("outside"); },
          [](const SourceService& s) { return "service " + TextOf(s.name); },
          [](const SourceGateway& s) { return "gateway " + TextOf(s.name); },
          [](const SourceWorkspace& s) {
            return (s.outside ? "outside workspace " : "workspace ") + s.name.value;
          },
          [](const SourceNamespace& s) { return "namespace " + Quoted(s.name.value); },
          [](const SourceAccount& s) { return "account " + Quoted(s.account.value); },
          [](const SourceAccounts& s) { return "accounts " + PrintSelection(s.selection); },
          [](const SourceIdentity& s) {
            return "identity " + Patterns({{s.pattern, {}}});
          },
          [](const SourceName& s) { return TextOf(s.name); },
      },
      source.value);
  if (!source.clusters.empty()) text += " on " + Names(source.clusters);
  return text;
}

std::string TextOf(MtlsMode mode) {
  switch (mode) {
    case MtlsMode::kStrict:
      return "strict";
    case MtlsMode::kPermissive:
      return "permissive";
    case MtlsMode::kDisable:
      return "disable";
  }
  return "";
}

std::string TextOf(Protocol protocol) {
  switch (protocol) {
    case Protocol::kHttp:
      return "http";
    case Protocol::kHttp2:
      return "http2";
    case Protocol::kGrpc:
      return "grpc";
    case Protocol::kHttps:
      return "https";
    case Protocol::kTcp:
      return "tcp";
    case Protocol::kTls:
      return "tls";
  }
  return "";
}

std::string TextOf(const SharedResource& resource) {
  const bool one = resource.selection.names.size() == 1;
  const std::string selection = PrintSelection(resource.selection);
  switch (resource.kind) {
    case ResourceKind::kAll:
      return selection == "all" ? selection : "all " + selection;
    case ResourceKind::kService:
      return (one ? "service " : "services ") + selection;
    case ResourceKind::kRoute:
      return (one ? "route " : "routes ") + selection;
    case ResourceKind::kTable:
      return (one ? "table " : "tables ") + selection;
    case ResourceKind::kDestination:
      return (one ? "destination " : "destinations ") + selection;
    case ResourceKind::kExternal:
      return "external services " + selection;
    case ResourceKind::kWorkload:
      return (one ? "workload " : "workloads ") + selection;
  }
  return selection;
}

std::string Joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += separator;
    text += parts[i];
  }
  return text;
}

std::string MethodText(const std::string& method) {
  return IsMethod(method) ? method : Quoted(method);
}

std::string ListOf(const std::vector<std::string>& parts) {
  return parts.size() == 1 ? parts.front() : "[" + Joined(parts, ", ") + "]";
}

std::string Names(const std::vector<Name>& names) {
  std::vector<std::string> texts;
  for (const Name& name : names) texts.push_back(name.value);
  return "[" + Joined(texts, ", ") + "]";
}

std::string Strings(const std::vector<Str>& values) {
  std::vector<std::string> texts;
  for (const Str& value : values) texts.push_back(Quoted(value.value));
  return "[" + Joined(texts, ", ") + "]";
}

std::string QNames(const std::vector<QName>& names) {
  std::vector<std::string> texts;
  for (const QName& name : names) texts.push_back(TextOf(name));
  return ListOf(texts);
}

std::string LabelTerms(const std::vector<LabelTerm>& terms) {
  std::vector<std::string> texts;
  for (const LabelTerm& term : terms) texts.push_back("label " + TextOf(term));
  return Joined(texts, " and ");
}

std::string LabelBlock(const std::vector<LabelTerm>& terms) {
  std::vector<std::string> texts;
  for (const LabelTerm& term : terms) texts.push_back(TextOf(term));
  return "{ " + Joined(texts, "  ") + " }";
}

std::string Sources(const std::vector<SourceClause>& sources) {
  std::vector<std::string> texts;
  for (const SourceClause& source : sources) texts.push_back(TextOf(source));
  return Joined(texts, ", ");
}

std::string Selections(const Selection& first, const std::vector<Selection>& more) {
  std::string text = PrintSelection(first);
  for (const Selection& selection : more) text += " or " + PrintSelection(selection);
  return text;
}

std::string PrintSelection(const Selection& selection) {
  std::string text;
  if (!selection.names.empty()) text = QNames(selection.names);
  if (!selection.labels.empty()) {
    text += (text.empty() ? "where " : " where ") + LabelTerms(selection.labels);
  }
  if (text.empty()) text = "all";
  if (selection.workspace) text += " of workspace " + selection.workspace->value;
  if (selection.in_namespace) text += " in namespace " + Quoted(selection.in_namespace->value);
  if (!selection.clusters.empty()) text += " on " + Names(selection.clusters);
  if (selection.port) text += " port " + std::to_string(selection.port->value);
  return text;
}

std::string PrintCondition(const Condition& condition) { return ConditionText(condition, 0); }

}  // namespace weft::dsl
