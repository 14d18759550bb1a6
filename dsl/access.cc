// `access`.
#include <utility>

#include "dsl/codes.h"
#include "dsl/readers.h"

namespace weft::dsl {
namespace {

void ReadClause(Cursor& c, AccessDecl& access) {
  AccessClause clause;
  const std::uint32_t first = c.at();
  if (c.AcceptWords({"dry", "run"})) clause.dry_run = true;
  if (!c.IsWord("allow") && !c.IsWord("deny")) {
    c.FailExpected("`allow` or `deny`");
    return;
  }
  clause.effect = c.IsWord("allow") ? AccessClause::Effect::kAllow : AccessClause::Effect::kDeny;
  c.Skip();
  if (c.AcceptWord("tcp")) clause.tcp_only = true;
  if (c.AcceptWord("from")) {
    clause.sources = ReadSources(c);
  } else if (c.AcceptWord("anyone") || c.AcceptWord("all")) {
    clause.anyone = true;
  } else if (!c.IsWord("when")) {
    c.FailExpected(clause.effect == AccessClause::Effect::kAllow ? "`from …`, `when …` or `anyone`"
                                                                 : "`from …`, `when …` or `all`");
  }
  if (c.AcceptWord("when")) clause.when = ReadCondition(c);
  clause.span = c.SpanFrom(first);
  if (!c.failed()) access.clauses.push_back(std::move(clause));
}

void ReadTargetOf(Cursor& c, AccessDecl& access) {
  const Span first = c.SpanAt();
  if (c.IsWord("gateway") && c.Kind(1) == TokenKind::kWord) {
    c.Skip();
    access.target_kind = AccessDecl::TargetKind::kGateway;
    access.target = c.ExpectQName("a gateway");
  } else if (c.IsWord("workspace") && c.Kind(1) == TokenKind::kWord) {
    c.Skip();
    access.target_kind = AccessDecl::TargetKind::kWorkspace;
    access.target = c.ExpectQName("a workspace");
  } else if (c.IsWord("workloads") || c.IsWord("services")) {
    access.target_kind = c.IsWord("services") ? AccessDecl::TargetKind::kServices
                                              : AccessDecl::TargetKind::kWorkloads;
    c.Skip();
    access.selected = ReadSelections(c, access.more);
  } else if (c.AcceptWord("all")) {
    access.target_kind = AccessDecl::TargetKind::kMesh;
  } else {
    access.target_kind = AccessDecl::TargetKind::kService;
    c.AcceptWord("service");
    access.target = c.ExpectQName("a service, `gateway g`, `workspace w`, `workloads …` or `all`");
  }
  const Span span = Join(first, c.LastSpan());
  access.header.name = {std::string(c.syntax().text.substr(span.begin, span.end - span.begin)),
                        span};
  if (c.bindings() != nullptr && access.target) {  // a parameter says its name, not what it is
    using Kind = AccessDecl::TargetKind;
    access.header.name.value = (access.target_kind == Kind::kGateway     ? "gateway "
                                : access.target_kind == Kind::kWorkspace ? "workspace "
                                                                         : "") +
                               access.target->Text();
  }
  access.header.span = Join(access.header.span, span);
}

}  // namespace

void ReadAccess(Cursor& c, Header header, Program& program) {
  AccessDecl access{.header = std::move(header)};
  ReadTargetOf(c, access);
  if (c.failed()) return;
  const std::size_t errors = c.diagnostics().errors();
  c.ReadBlock(
      "`access`",
      {"allow", "deny", "default", "mtls", "authenticate", "authorize", "override", "priority",
       "label"},
      [&](std::string_view word) {
        const bool tried = c.IsWord("dry") && c.IsWordAt(1, "run");
        if (word == "allow" || word == "deny" || tried) {
          ReadClause(c, access);
        } else if (c.IsWord("default") && c.IsWordAt(1, "deny")) {
          access.default_deny_span = Join(c.SpanAt(), c.SpanAt(1));
          access.default_deny = true;
          c.Skip();
          c.Skip();
        } else if (word == "override" && c.Kind(1) != TokenKind::kWord) {
          c.Skip();
          access.override_ = true;
        } else if (word == "override" && (c.IsWordAt(1, "allow") || c.IsWordAt(1, "deny"))) {
          c.Skip();
          access.override_ = true;
        } else if (word == "priority") {
          c.Skip();
          access.priority = c.ExpectNumber("`priority`", kRank);
        } else if (c.AcceptWord("label")) {
          access.header.labels.push_back(ReadLabel(c));
        } else {
          return ReadItem(c, access.items);
        }
        return true;
      },
      {"default deny", "priority"});
  if (access.clauses.empty() && access.items.empty() && !access.default_deny) {
    if (c.diagnostics().errors() > errors) return;  // what it says is broken and already reported
    c.diagnostics()
        .Error(codes::kMissingItem, access.header.span,
               "`access " + access.header.name.value + "` says nothing")
        .help = "add an `allow` or `deny` clause, or `default deny`";
    return;
  }
  program.accesses.push_back(std::move(access));
}

}  // namespace weft::dsl
