#include <array>
#include <utility>

#include "dsl/codes.h"
#include "dsl/readers.h"
#include "dsl/values.h"

namespace weft::dsl {
namespace {

// `["a-*"] [on [east]] [without policy]`, `where label … on clusters where label …`
NamespaceClause ReadNamespaces(Cursor& c) {
  NamespaceClause clause;
  const std::uint32_t first = c.at();
  if (c.AcceptWord("where")) {
    clause.labels = ReadLabelTerms(c);
  } else if (c.Is(TokenKind::kOpenBracket) && c.Kind(1) == TokenKind::kCloseBracket) {
    c.Fail(codes::kEmptySelection, c.SpanAt(), "`namespaces []` selects no namespace").help =
        "name the namespaces, or write \"*\" for all of them";
  } else {
    clause.names = c.ExpectStrings("a namespace");
    if (c.AcceptWord("where")) clause.labels = ReadLabelTerms(c);
  }
  if (c.AcceptWord("on")) {
    if (c.AcceptWord("clusters")) {
      c.ExpectWord("where");
      clause.cluster_labels = ReadLabelTerms(c);
    } else if (!c.AcceptWord("all")) {
      clause.clusters = c.ExpectNames("a cluster");
    }
  }
  if (c.AcceptWords({"without", "policy"})) clause.without_policy = true;
  clause.span = c.at() > first ? c.SpanFrom(first) : c.SpanAt();
  return clause;
}

struct ResourceWord {
  std::string_view word;
  ResourceKind kind;
};
constexpr std::array<ResourceWord, 13> kResourceWords = {{
    {"service", ResourceKind::kService},
    {"services", ResourceKind::kService},
    {"route", ResourceKind::kRoute},
    {"routes", ResourceKind::kRoute},
    {"table", ResourceKind::kTable},
    {"tables", ResourceKind::kTable},
    {"destination", ResourceKind::kDestination},
    {"destinations", ResourceKind::kDestination},
    {"external", ResourceKind::kExternal},
    {"externals", ResourceKind::kExternal},
    {"workload", ResourceKind::kWorkload},
    {"workloads", ResourceKind::kWorkload},
    {"all", ResourceKind::kAll},
}};

ShareClause ReadShare(Cursor& c, std::string_view preposition) {
  ShareClause clause;
  const std::uint32_t first = c.at() == 0 ? 0 : c.at() - 1;
  c.ExpectWord(preposition);
  if (c.AcceptWord("all")) {
    clause.all_workspaces = true;
  } else if (c.AcceptWords({"workspaces", "where"})) {
    clause.workspace_labels = ReadLabelTerms(c);
  } else {
    clause.workspaces = c.ExpectNames("a workspace");
  }
  if (c.AcceptWord("transitive")) clause.transitive = true;
  clause.span = c.SpanFrom(first);
  if (c.failed() || !c.Is(TokenKind::kOpenBrace)) return clause;
  if (c.Kind(1) == TokenKind::kCloseBrace) {
    c.Fail(codes::kEmptySelection, c.SpanAt(), "an empty block shares nothing").help =
        "leave the block out to share everything, or name what is shared";
    return clause;
  }
  c.ReadBlock(
      "`export` and `import`",
      {"service", "services", "route", "routes", "table", "tables", "destination", "destinations",
       "external", "externals", "workload", "workloads", "all", "transitive"},
      [&](std::string_view) {
        if (c.AcceptWord("transitive")) {
          clause.transitive = true;
          return true;
        }
        if (!ReadResource(c, clause.resources)) return false;
        c.Accept(TokenKind::kComma);
        return true;
      });
  clause.span = c.SpanFrom(first);
  return clause;
}

}  // namespace

bool ReadResource(Cursor& c, std::vector<SharedResource>& resources) {
  for (const auto& [word, kind] : kResourceWords) {
    if (!c.IsWord(word)) continue;
    SharedResource resource{.kind = kind};
    const std::uint32_t first = c.at();
    if (kind == ResourceKind::kAll) {
      // `all` selects every kind; the selection itself follows.
      if (c.IsWordAt(1, "where") || c.IsWordAt(1, "in") || c.IsWordAt(1, "on")) c.Skip();
      if (c.IsWord("all")) {
        c.Skip();
        resource.selection.all = true;
      } else if (c.IsWord("where")) {
        resource.selection = ReadSelection(c);
      } else {
        resource.selection.all = true;
        if (c.AcceptWords({"in", "namespace"})) {
          resource.selection.in_namespace = ExpectNamespace(c);
        }
        if (c.AcceptWord("on")) resource.selection.clusters = c.ExpectNames("a cluster");
      }
    } else {
      c.Skip();
      if (kind == ResourceKind::kExternal) {
        if (!c.AcceptWord("services")) c.AcceptWord("service");
      }
      resource.selection = ReadSelection(c);
    }
    resource.span = c.SpanFrom(first);
    resources.push_back(std::move(resource));
    return true;
  }
  return false;
}

IsolateItem ReadIsolate(Cursor& c) {
  IsolateItem item;
  const std::uint32_t first = c.at() == 0 ? 0 : c.at() - 1;
  item.off = c.AcceptWord("off");
  if (!item.off && c.Is(TokenKind::kOpenBrace)) {
    c.ReadBlock("`isolate`", {"mtls", "trim"},
                [&](std::string_view) {
                  if (c.AcceptWord("mtls")) {
                    item.mtls = ReadMtlsMode(c);
                  } else if (c.AcceptWord("trim")) {
                    item.trim = ReadTrim(c);
                  } else {
                    return false;
                  }
                  return true;
                },
                {"mtls", "trim"});
  }
  item.span = c.SpanFrom(first);
  return item;
}

void ReadWorkspace(Cursor& c, Header header, Program& program) {
  WorkspaceDecl workspace{.header = std::move(header)};
  c.ReadBlock("`workspace`",
              {"namespaces", "export", "import", "isolate", "mtls", "trim", "east-west", "federate",
               "client", "label"},
              [&](std::string_view) {
                if (c.AcceptWord("namespaces")) {
                  workspace.namespaces.push_back(ReadNamespaces(c));
                } else if (c.AcceptWord("export")) {
                  workspace.exports.push_back(ReadShare(c, "to"));
                } else if (c.AcceptWords({"import", "nothing"})) {
                  workspace.imports_nothing = true;
                } else if (c.AcceptWord("import")) {
                  workspace.imports.push_back(ReadShare(c, "from"));
                } else if (c.AcceptWord("isolate")) {
                  workspace.isolate = ReadIsolate(c);
                } else if (c.AcceptWord("mtls")) {
                  workspace.mtls = ReadMtlsMode(c);
                } else if (c.AcceptWord("trim")) {
                  workspace.trim = ReadTrim(c);
                } else if (c.AcceptWord("east-west")) {
                  workspace.east_west.push_back(ReadEastWest(c));
                } else if (c.AcceptWord("federate")) {
                  workspace.federate = ReadFederate(c);
                } else if (c.AcceptWord("client")) {
                  workspace.client = ReadClientMode(c);
                } else if (c.AcceptWord("label")) {
                  workspace.header.labels.push_back(ReadLabel(c));
                } else {
                  return false;
                }
                return true;
              },
              {"import nothing", "isolate", "mtls", "trim", "federate", "client"});
  program.workspaces.push_back(std::move(workspace));
}

}  // namespace weft::dsl
