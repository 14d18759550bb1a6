// Codes of the language front end: 1000-1999 syntax and reading of files, 2000-2999 names and
// types. Every constant must be listed in kDslCodes; `weft explain-code` and docs/errors.md are
// made from it.
#pragma once

#include <array>

#include "dsl/diagnostic.h"

namespace weft::dsl::codes {

inline constexpr Code kUnreadable{1001, "unreadable-file",
                                  "The file or directory could not be read: it does not exist, is "
                                  "not readable, or is not a regular "
                                  "file. Check the path and its permissions."};
inline constexpr Code kTooLarge{1002, "file-too-large",
                                "The file is larger than 64 MiB. Split it into several files; the "
                                "order of files never matters."};
inline constexpr Code kNotUtf8{
    1003, "not-utf8",
    "The file is not valid UTF-8. Save it as UTF-8 without other encodings mixed in."};
inline constexpr Code kBadCharacter{1010, "bad-character",
                                    "A character that no part of the language uses stands outside "
                                    "of a string. Comments begin with `//`, "
                                    "strings stand in double quotes."};
inline constexpr Code kOpenString{1011, "open-string",
                                  "A string in double quotes must end on its line. Text of several "
                                  "lines stands in triple quotes: "
                                  "`\"\"\"…\"\"\"`."};
inline constexpr Code kUnmatched{1012, "unmatched-bracket",
                                 "A bracket has no partner. The report names the place where the "
                                 "reader noticed and, where it is "
                                 "known, the bracket that is still open."};
inline constexpr Code kTooDeep{
    1013, "nested-too-deep",
    "Brackets nest deeper than 64 levels, or a condition does. Name parts of it with `predicate`."};
inline constexpr Code kUnexpected{1020, "unexpected-token",
                                  "The reader expected something else here; the message says what "
                                  "it found and what it expected."};
inline constexpr Code kUnknownDeclaration{
    1021, "unknown-declaration",
    "A declaration begins with a word the language does not have. Declarations are: mesh, cluster, "
    "workspace, gateway, service, external, destination, route, table, access, limit, limits, "
    "counter, predicate, policy, apply, use, jwt, authorizer, limiter, trust root, istio, "
    "gateways, "
    "workload, raw istio, test, prove."};
inline constexpr Code kUnknownItem{1022, "unknown-item",
                                   "A block holds a word that is no item of this kind of "
                                   "declaration. The help names the nearest one."};
inline constexpr Code kMissingSection{
    1023, "missing-section",
    "A file says whose it is before its first declaration: `mesh NAME` or `workspace NAME`."};
inline constexpr Code kBadLiteral{
    2001, "bad-literal",
    "A value has the wrong form for its type, or is one that a proxy would refuse, cut off or take "
    "for not set. Durations are `500ms`, `2s`, `5m`, `1h`, `365d`, at least `1ms`; percentages "
    "`10%`; rates `100/s`, `10/min`; ports 1 to 65535; blocks `10.0.0.0/8`; counts 1 to "
    "2147483647; statuses that are answered 200 to 599. Methods stand in capitals, those that HTTP "
    "does not know in quotes. Names of headers are tokens of HTTP, and `:path`, `:method`, "
    "`:authority` and `host` are no headers here. Labels, namespaces, services and subsets are "
    "named as in Kubernetes."};
inline constexpr Code kMissingUnit{
    2002, "missing-unit",
    "A number stands where a value with a unit is expected: `timeout 5` may mean seconds or "
    "milliseconds. Write `5s` or `5ms`."};
inline constexpr Code kBadPattern{
    2003, "bad-pattern",
    "A pattern is not well formed: paths begin with `/`; in a template `*` stands for a whole "
    "segment and `**` only at the end; a regular expression is one of RE2, not empty and at most "
    "1024 bytes long, and what replaces it names only groups that it has (`\\1`)."};
inline constexpr Code kEmptySelection{
    2004, "empty-selection",
    "A selection selects nothing in particular. Say `all`, name what is meant, or give labels."};
inline constexpr Code kRepeatedItem{2005, "repeated-item",
                                    "An item that can stand once is given twice. Keep one."};
inline constexpr Code kBadHost{
    2006, "bad-host",
    "A host is a DNS name in lower or upper case, `*`, or a name whose left-most label is `*`."};
inline constexpr Code kMissingItem{
    2007, "missing-item",
    "A declaration lacks an item it cannot do without; the message names it."};
inline constexpr Code kDuplicate{2010, "duplicate-declaration",
                                 "Two declarations of one kind have the same name in the same "
                                 "workspace. Rename one or remove it."};
inline constexpr Code kUnknownTemplate{
    2011, "unknown-template",
    "A word that is no item or field, and a name that is no policy template or predicate in sight. "
    "Templates are "
    "seen in their own workspace, mesh-wide ones everywhere, a module's after `use`."};
inline constexpr Code kBadArgument{2012, "bad-argument",
                                   "The arguments of a policy template do not fit its parameters: "
                                   "one is missing, unknown, too many, or "
                                   "of another type."};
inline constexpr Code kExpansionCycle{2013, "expansion-cycle",
                                      "A policy template or a predicate is made of itself. The "
                                      "language has no recursion: every policy "
                                      "must end."};
inline constexpr Code kUnknownModule{
    2014, "unknown-module",
    "`use` names a module that does not exist, or something the module does not have."};
inline constexpr Code kModuleCycle{
    2015, "module-cycle",
    "Modules use one another in a cycle. Move what they share into a third one."};
inline constexpr Code kMisplacedItem{2016, "misplaced-item",
                                     "The item is known but cannot stand here: `timeout` shapes a "
                                     "route, `eject` a destination, `mtls` a "
                                     "server."};
inline constexpr Code kExpansionTooLarge{
    2017, "expansion-too-large",
    "A condition or a block becomes too large when its predicates and templates are written out, "
    "as "
    "happens when each of a row of predicates names the one before it twice. At most 10,000 parts "
    "and 128 levels make a condition, 1,000 items a block; predicates and templates nest at most "
    "32 deep, and those of the whole policy add at most 1,000,000 parts and 200,000 items."};
inline constexpr Code kNoMesh{
    2018, "no-mesh",
    "No file says `mesh NAME`, so everything about the mesh is taken for granted: it is called "
    "`mesh`, its root namespace is `istio-system`, paths are normalized as by `base`, servers that "
    "say nothing of mTLS take clear text too, and a cluster that does not name its trust domain is "
    "in that of its inventory, else in one of its own name. Begin a file with `mesh NAME`."};
inline constexpr Code kYamlSyntax{
    1101, "yaml-syntax",
    "The YAML text cannot be parsed. The message says what the parser found and where."};
inline constexpr Code kYamlDuplicateKey{
    1102, "yaml-duplicate-key",
    "A mapping has the same key twice. Kubernetes refuses such a document; remove one of the two."};
inline constexpr Code kYamlLimit{
    1103, "yaml-limit",
    "The document nests deeper than 100 levels or its aliases expand to more than 100,000 nodes. "
    "Write the data out instead of nesting aliases."};

inline constexpr std::array kDslCodes = {
    kUnreadable,        kTooLarge,       kNotUtf8,       kBadCharacter,       kOpenString,
    kUnmatched,         kTooDeep,        kUnexpected,    kUnknownDeclaration, kUnknownItem,
    kMissingSection,    kBadLiteral,     kMissingUnit,   kBadPattern,         kEmptySelection,
    kRepeatedItem,      kBadHost,        kMissingItem,   kDuplicate,          kUnknownTemplate,
    kBadArgument,       kExpansionCycle, kUnknownModule, kModuleCycle,        kMisplacedItem,
    kExpansionTooLarge, kNoMesh,         kYamlSyntax,    kYamlDuplicateKey,   kYamlLimit};

}  // namespace weft::dsl::codes
