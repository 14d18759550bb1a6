// What Gloo Mesh Enterprise v2 objects look like, and what becomes of each of their fields: one
// table from which the strict reading, the coverage test and docs/gloo.md are made.
//
// The table is text (dsl/gloo/table_*.cc), one line per field:
//
//   kind admin.gloo.solo.io/v2 Workspace [SELECTS] -> what the object becomes
//     workloadClusters  list ClusterSelector       -> what the field becomes
//     portalMetadata    PortalMetadata             !! why it is refused, and what to use instead
//     comment           string                     ~~ why it has no effect
//   message ClusterSelector
//     …
//   refused networking.mesh.gloo.solo.io/v1 VirtualMesh !! why
//
// A type is `string bool int number duration any`, `enum A|B|C`, or the name of a message; `list`
// and `map` (string keys) stand before it. A form may follow, `int:status`, and the form of the
// keys of a map, `map:header string`. Facts follow solo-io/solo-apis api/gloo.solo.io (API of Gloo
// Mesh 2.6) and the 2.14 CRDs.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace weft::gloo {

enum class Scalar { kString, kBool, kInt, kNumber, kDuration, kAny, kEnum, kMessage };
enum class Shape { kOne, kList, kMap };
// What becomes of a field: it has a meaning in weft, it is an error to use it, or it carries no
// meaning for traffic and is passed over.
enum class Fate { kUsed, kRefused, kIdle };

struct Field {
  std::string name;
  Scalar scalar = Scalar::kString;
  Shape shape = Shape::kOne;
  std::string of;                   // name of a message
  std::vector<std::string> values;  // of an enum
  std::string form;                 // dsl/gloo/forms.h; "" = any value of the type
  std::string key_form;             // of the keys of a map
  Fate fate = Fate::kUsed;
  std::string note;  // what it becomes, or why it is refused or idle
};

struct Message {
  std::string name;
  std::vector<Field> fields;
  [[nodiscard]] const Field* Find(std::string_view name) const;
};

struct KindInfo {
  std::string group;    // "admin.gloo.solo.io"
  std::string version;  // "v2", "v2alpha1", ...
  std::string kind;
  std::string empty;    // what a policy without selectors applies to; "" for other kinds
  std::string message;  // of its spec; "" when the kind is refused
  bool refused = false;
  std::string note;  // what it becomes, or why it is refused
};

struct Schema {
  std::vector<KindInfo> kinds;  // in the order of the table
  std::map<std::string, Message> messages;
  [[nodiscard]] const KindInfo* Find(std::string_view group, std::string_view version,
                                     std::string_view kind) const;
  // A kind of that name in any group, preferring one that is read; nullptr when there is none.
  [[nodiscard]] const KindInfo* FindByKind(std::string_view kind) const;
};

// The whole table, parsed once; immutable, so that threads may share it.
[[nodiscard]] const Schema& TheSchema();

}  // namespace weft::gloo
