// The modules that files use, loaded on demand, and what each file may use of them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dsl/parse.h"

namespace weft::dsl {

// Not thread-safe. Pointers it gives stay valid while it lives.
class Modules {
 public:
  Modules(const SourceLoader& loader, Diagnostics& diagnostics)
      : loader_(loader), diagnostics_(diagnostics) {}

  // Loads what the declarations name, and what that uses in turn. Reports modules and names that
  // do not exist, and cycles.
  void Resolve(const std::vector<UseDecl>& uses);

  // What the file imported under `name`: a PolicyDecl or PredicateDecl; nullptr.
  template <typename T>
  const T* Find(FileId file, const std::string& name) const {
    const auto in_file = imports_.find(file);
    if (in_file == imports_.end()) return nullptr;
    for (const Import& import : in_file->second) {
      if (!import.all && import.name != name) continue;
      for (const T& declaration : List<T>(*import.module)) {
        if (declaration.header.name.value == name) return &declaration;
      }
    }
    return nullptr;
  }

  // JWT providers that are imported anywhere, by name.
  [[nodiscard]] std::vector<JwtDecl> ImportedProviders() const;
  // Policies and predicates that the file imported.
  [[nodiscard]] std::vector<std::string> NamesIn(FileId file) const;
  // The module of the standard library that has a policy or predicate of the name; "" when none
  // has.
  [[nodiscard]] std::string StandardModuleOf(const std::string& name) const;
  // Whether a `use` of the file asked for the name, or for what is near to it, of a module that
  // does not have it or is not there, which is reported.
  [[nodiscard]] bool IsAbsent(FileId file, const std::string& name) const {
    return absent_.contains({file, name});
  }

 private:
  // A module after parsing; nodes of a map, so addresses stay valid.
  struct Module {
    Program program;
    bool found = false;
  };
  struct Import {
    std::string name;
    bool all = false;
    const Program* module = nullptr;
  };

  template <typename T>
  static const std::vector<T>& List(const Program& program) {
    if constexpr (std::is_same_v<T, PolicyDecl>) {
      return program.policies;
    } else {
      return program.predicates;
    }
  }

  void ResolveOne(const UseDecl& use);
  const Program* LoadModule(const std::string& name, Span use);

  const SourceLoader& loader_;
  Diagnostics& diagnostics_;
  std::map<std::string, Module> modules_;
  std::map<FileId, std::vector<Import>> imports_;
  std::vector<std::string> loading_;
  std::set<std::pair<FileId, std::string>> absent_;
};

}  // namespace weft::dsl
