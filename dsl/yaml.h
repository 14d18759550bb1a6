// YAML as Kubernetes accepts it, with a span on every node. Used for inventories, Gloo and Istio
// objects. Built on yaml-cpp's event interface; the only place that includes yaml-cpp.
//
// Follows what a Kubernetes API client does with a manifest: YAML 1.1 scalars as sigs.k8s.io/yaml
// resolves them (a plain `yes`, `on`, `0o17`, `1e3`, `1.20` has the type Kubernetes would give it;
// a quoted one is a string), duplicate keys are errors, aliases are expanded within a budget,
// documents are separated by `---`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsl/diagnostic.h"
#include "dsl/source.h"
#include "dsl/span.h"

namespace weft::yaml {

enum class Kind { kNull, kBool, kInt, kFloat, kString, kSequence, kMapping };

// One node. Scalars keep their text; `kind` is the type a Kubernetes reader gives it.
class Node {
 public:
  struct Entry;

  Kind kind = Kind::kNull;
  Span span;                   // of the scalar, or from the first to the last child
  std::string text;            // scalar text after unescaping; "" for collections
  std::vector<Node> items;     // kSequence
  std::vector<Entry> entries;  // kMapping, in source order; keys are unique strings

  [[nodiscard]] bool IsNull() const { return kind == Kind::kNull; }
  [[nodiscard]] bool IsMapping() const { return kind == Kind::kMapping; }
  [[nodiscard]] bool IsSequence() const { return kind == Kind::kSequence; }
  [[nodiscard]] bool IsString() const { return kind == Kind::kString; }
  // The value under `key`, or nullptr when absent or when this is no mapping.
  [[nodiscard]] const Node* Find(std::string_view key) const;
  // Walks `a.b.c`; nullptr when any step is absent. Keys that contain dots need Find.
  [[nodiscard]] const Node* At(std::string_view dotted_path) const;
  // String value; nullopt unless kString.
  [[nodiscard]] std::optional<std::string> AsString() const;
  // Value of a kInt that fits; nullopt else.
  [[nodiscard]] std::optional<std::int64_t> AsInt() const;
  [[nodiscard]] std::optional<bool> AsBool() const;
  // Find(key)->AsString(), or `fallback`.
  [[nodiscard]] std::string StringOr(std::string_view key, std::string_view fallback) const;
};

struct Node::Entry {
  std::string key;
  Span key_span;
  Node value;
};

struct Document {
  Node root;
  // Cluster named by the nearest comment `# applied to cluster: X` before the document in the same
  // file, also inside an earlier document's text; "" when there is none.
  std::string cluster;
};

// All documents of the file; empty documents are left out. Errors go to `diagnostics` with the
// codes of dsl/codes.h (syntax, duplicate key, alias budget 100,000 expanded nodes, depth 100, not
// UTF-8); documents before a syntax error are kept. Never throws.
[[nodiscard]] std::vector<Document> Parse(const Source& source, Diagnostics& diagnostics);

// `text` as a YAML scalar that every Kubernetes reader takes for a string: plain where that is
// safe, double-quoted (JSON escapes) where a plain scalar would change its type or meaning.
[[nodiscard]] std::string QuoteString(std::string_view text);
// The same, put at the end of `out`.
void AppendQuoted(std::string_view text, std::string& out);

}  // namespace weft::yaml
