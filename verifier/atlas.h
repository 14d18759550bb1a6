// Atlas: the atoms of a whole mesh, one field of a request at a time.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/model.h"
#include "verifier/atoms.h"

namespace weft::verifier {

// A field of a request that patterns look at; each is a dimension of its own.
struct Field {
  enum class Kind { kMethod, kPath, kHost, kSni, kHeader, kQuery, kClaim };
  Kind kind = Kind::kPath;
  std::string name;  // of a header (lower case), a query parameter, a claim (steps joined by '.')
  engine::JwtId provider;  // of a claim
  auto operator<=>(const Field&) const = default;
};
[[nodiscard]] Domain DomainOf(Field::Kind kind);

// One automaton for each field, over every pattern of the mesh; a question about a few of them gets
// its atoms by merging those that they do not tell apart. Where the patterns of the mesh are too
// many for one automaton, each question gets one of its own. Not thread-safe.
class Atlas {
 public:
  explicit Atlas(const engine::Model& model);
  // Of no mesh: every question gets an automaton of its own. For few questions about a large mesh.
  Atlas() = default;

  // As BuildAtoms of the languages; nullptr where that gives nullopt.
  [[nodiscard]] std::shared_ptr<const AtomSet> Atoms(const Field& field,
                                                     const std::vector<Language>& languages);

 private:
  struct Sheet {  // of one field
    std::map<Pattern, std::uint32_t> patterns;
    std::shared_ptr<const AtomSet> atoms;  // of all the patterns; null: not built, or too many
    bool tried = false;
    std::map<std::vector<Language>, std::shared_ptr<const AtomSet>> answered;
  };

  void Collect(const engine::Condition& condition);
  void Add(const Field& field, const std::vector<Pattern>& patterns);
  std::shared_ptr<const AtomSet> Make(Sheet& sheet, Domain domain,
                                      const std::vector<Language>& languages);

  std::map<Field, Sheet> sheets_;
};

}  // namespace weft::verifier
