// Readers shared between declaration kinds. Each expects the cursor at the first token of what it
// reads.
#pragma once

#include <string_view>
#include <vector>

#include "dsl/cursor.h"
#include "dsl/declarations.h"
#include "dsl/values.h"

namespace weft::dsl {

// ---- conditions.cc
[[nodiscard]] Condition ReadCondition(Cursor& c, HeaderPlace headers = HeaderPlace::kField);
[[nodiscard]] SourceClause ReadSource(Cursor& c);
[[nodiscard]] std::vector<SourceClause> ReadSources(Cursor& c);  // `a, workspace b, …`
// Operator and value(s): `= "x"`, `under ["/a", "/b"]`, `present`.
[[nodiscard]] std::vector<Spanned<Pattern>> ReadPatterns(Cursor& c, bool is_path);

// ---- selection.cc
[[nodiscard]] Selection ReadSelection(Cursor& c);
// `where … or where …`: the first selection, and the alternatives behind it.
[[nodiscard]] Selection ReadSelections(Cursor& c, std::vector<Selection>& more);
// `label k = "v" [and label …]`
[[nodiscard]] std::vector<LabelTerm> ReadLabelTerms(Cursor& c);
[[nodiscard]] Target ReadTarget(Cursor& c);
// A host in double quotes, folded to lower case; reports a malformed one.
[[nodiscard]] Str ReadHost(Cursor& c);
[[nodiscard]] std::vector<Str> ReadHosts(Cursor& c);
[[nodiscard]] std::optional<Protocol> ReadProtocol(Cursor& c);
// Fails at a word that stands for a protocol and is none.
void RefuseProtocol(Cursor& c);

// ---- items.cc
// Reads one policy item when `word` begins one; a word that begins none is read as the use of a
// template. False only when the cursor is not at a word.
bool ReadItem(Cursor& c, std::vector<Item>& items);
// `NAME` or `NAME(argument, name: argument)`.
[[nodiscard]] TemplateUse ReadTemplateUse(Cursor& c);
// The words that begin a policy item, for suggestions.
[[nodiscard]] const std::vector<std::string>& ItemWords();
[[nodiscard]] std::optional<Spanned<MtlsMode>> ReadMtlsMode(Cursor& c);

// ---- destination_items.cc
// Reads `connections`, `eject`, `balance`, `tls` or `failover`; false when none is at the cursor.
bool ReadDestinationItem(Cursor& c, Item& item);
[[nodiscard]] ClientTlsItem ReadClientTls(Cursor& c);  // behind `tls`

// ---- test_block.cc
// `NAME allowing`, `NAME denying`, `NAME unavailable`
[[nodiscard]] bool BeginsAnswer(const Cursor& c);
[[nodiscard]] StatedAnswer ReadAnswer(Cursor& c);

// ---- limits.cc
// `100/s …` or `by NAME { … }`, behind `limit`.
void ReadLimitItem(Cursor& c, Item& item);

// ---- filters.cc
// `phase before|after authorization [order N]`; nothing when `phase` is not at the cursor.
[[nodiscard]] std::optional<PhaseClause> ReadPhase(Cursor& c);

// ---- workspace.cc
// `services where …`, `all`; false when no word of a resource is at the cursor.
bool ReadResource(Cursor& c, std::vector<SharedResource>& resources);
[[nodiscard]] IsolateItem ReadIsolate(Cursor& c);  // behind `isolate`

// ---- mesh.cc
[[nodiscard]] FederateItem ReadFederate(Cursor& c);                          // behind `federate`
[[nodiscard]] std::optional<Spanned<ClientMode>> ReadClientMode(Cursor& c);  // behind `client`

// ---- parse.cc
struct Section {      // the section header a declaration stands under
  std::string owner;  // "" in the mesh section
  Span span;
};
// What a template holds: items or declarations.
struct TemplateBody {
  std::vector<Item> items;
  Program declarations;
};
// The words of the declarations a template may hold.
[[nodiscard]] bool MayStandInTemplate(std::string_view word);
// Reads [begin, end) of a template with its parameters bound; its declarations belong to `section`.
[[nodiscard]] TemplateBody ReadBody(const Syntax& syntax, std::uint32_t begin, std::uint32_t end,
                                    const ParameterBindings& bindings, const Section& section,
                                    Diagnostics& diagnostics);

// ---- declarations; each begins behind its keyword
void ReadMesh(Cursor& c, Header header, Program& program);
void ReadCluster(Cursor& c, Header header, Program& program);
void ReadWorkspace(Cursor& c, Header header, Program& program);
void ReadGateway(Cursor& c, Header header, Program& program);
void ReadService(Cursor& c, Header header, Program& program);
void ReadExternal(Cursor& c, Header header, Program& program);
void ReadDestination(Cursor& c, Header header, Program& program);
void ReadRoute(Cursor& c, Header header, bool is_table, Program& program);
void ReadAccess(Cursor& c, Header header, Program& program);
void ReadLimit(Cursor& c, Header header, Program& program);
void ReadPredicate(Cursor& c, Header header, Program& program);
void ReadPolicy(Cursor& c, Header header, std::shared_ptr<const Syntax> syntax, Program& program);
void ReadApply(Cursor& c, Header header, Program& program);
void ReadUse(Cursor& c, Header header, Program& program);
void ReadJwt(Cursor& c, Header header, Program& program);
void ReadAuthorizer(Cursor& c, Header header, Program& program);
void ReadLimiter(Cursor& c, Header header, Program& program);
void ReadLimits(Cursor& c, Header header, Program& program);
void ReadCounter(Cursor& c, Header header, Program& program);
void ReadTrust(Cursor& c, Header header, Program& program);
void ReadLifecycle(Cursor& c, Header header, bool gateways, Program& program);
void ReadWorkload(Cursor& c, Header header, Program& program);
void ReadRaw(Cursor& c, Header header, Program& program);
void ReadTest(Cursor& c, Header header, Program& program);
void ReadProve(Cursor& c, Header header, Program& program);

// `east-west { … }` behind its keyword.
[[nodiscard]] EastWest ReadEastWest(Cursor& c);
// `trim proxies …` behind `trim`.
[[nodiscard]] TrimItem ReadTrim(Cursor& c);
// `data MARK stays in [regions]` behind `data`.
[[nodiscard]] ResidencyDecl ReadResidency(Cursor& c);
// `http 9080 [target 8080]` behind `port`.
[[nodiscard]] PortDecl ReadPortDecl(Cursor& c);
// `label k = "v"` behind `label`.
[[nodiscard]] LabelTerm ReadLabel(Cursor& c);

}  // namespace weft::dsl
