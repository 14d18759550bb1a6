#include "dsl/modules.h"

#include <algorithm>

#include "dsl/codes.h"

namespace weft::dsl {
namespace {

std::string ModuleName(const UseDecl& use) {
  std::string name;
  for (const Name& part : use.path) name += (name.empty() ? "" : "/") + part.value;
  return name;
}

std::string Dotted(std::string name) {
  std::replace(name.begin(), name.end(), '/', '.');
  return name;
}

const std::vector<std::string>& StandardModules() {
  static const std::vector<std::string> modules = {"std/access", "std/cors", "std/jwt", "std/net",
                                                   "std/resilience"};
  return modules;
}

// What a file may take from a module.
std::vector<std::string> Offered(const Program& module) {
  std::vector<std::string> names;
  for (const auto& d : module.policies) names.push_back(d.header.name.value);
  for (const auto& d : module.predicates) names.push_back(d.header.name.value);
  for (const auto& d : module.jwts) names.push_back(d.header.name.value);
  return names;
}

}  // namespace

void Modules::Resolve(const std::vector<UseDecl>& uses) {
  for (const UseDecl& use : uses) ResolveOne(use);
}

std::vector<JwtDecl> Modules::ImportedProviders() const {
  std::map<std::string, JwtDecl> providers;
  for (const auto& [file, imports] : imports_) {
    for (const Import& import : imports) {
      for (const JwtDecl& jwt : import.module->jwts) {
        if (import.all || import.name == jwt.header.name.value) {
          providers.emplace(jwt.header.name.value, jwt);
        }
      }
    }
  }
  std::vector<JwtDecl> list;
  for (auto& [name, jwt] : providers) list.push_back(std::move(jwt));
  return list;
}

std::vector<std::string> Modules::NamesIn(FileId file) const {
  std::vector<std::string> names;
  const auto in_file = imports_.find(file);
  if (in_file == imports_.end()) return names;
  for (const Import& import : in_file->second) {
    for (const PolicyDecl& policy : import.module->policies) {
      names.push_back(policy.header.name.value);
    }
    for (const PredicateDecl& predicate : import.module->predicates) {
      names.push_back(predicate.header.name.value);
    }
  }
  return names;
}

std::string Modules::StandardModuleOf(const std::string& name) const {
  for (const std::string& module : StandardModules()) {
    const Source* source = loader_(module);
    if (source == nullptr) continue;
    Diagnostics unused;
    const std::vector<std::string> offered = Offered(Parse(*source, unused));
    if (std::find(offered.begin(), offered.end(), name) != offered.end()) return Dotted(module);
  }
  return "";
}

void Modules::ResolveOne(const UseDecl& use) {
  const std::string name = ModuleName(use);
  const Program* module = LoadModule(name, use.span);
  if (module == nullptr) {
    for (const Name& wanted : use.names) absent_.insert({use.span.file, wanted.value});
    return;
  }
  if (use.all) {
    imports_[use.span.file].push_back({"", true, module});
    return;
  }
  const std::vector<std::string> offered = Offered(*module);
  for (const Name& wanted : use.names) {
    if (std::find(offered.begin(), offered.end(), wanted.value) == offered.end()) {
      Diagnostic& d =
          diagnostics_.Error(codes::kUnknownModule, wanted.span,
                             "module `" + Dotted(name) + "` has no `" + wanted.value + "`");
      const std::string near = NearestName(wanted.value, offered);
      if (!near.empty()) {
        d.help = "did you mean `" + near + "`?";
        d.edit = Edit{wanted.span, near};
        absent_.insert({use.span.file, near});
      }
      absent_.insert({use.span.file, wanted.value});
      continue;
    }
    imports_[use.span.file].push_back({wanted.value, false, module});
  }
}

const Program* Modules::LoadModule(const std::string& name, Span use) {
  const auto open = std::find(loading_.begin(), loading_.end(), name);
  if (open != loading_.end()) {
    std::string chain;
    for (auto at = open; at != loading_.end(); ++at) chain += Dotted(*at) + " -> ";
    diagnostics_.Error(codes::kModuleCycle, use,
                       "modules use one another in a cycle: " + chain + Dotted(name));
    return nullptr;
  }
  const auto known = modules_.find(name);
  if (known != modules_.end()) return known->second.found ? &known->second.program : nullptr;
  Module& module = modules_[name];
  const Source* source = loader_(name);
  if (source == nullptr) {
    Diagnostic& d =
        diagnostics_.Error(codes::kUnknownModule, use, "there is no module `" + Dotted(name) + "`");
    const std::string near = NearestName(name, StandardModules());
    d.help = near.empty() ? "the standard library has std.access, std.cors, std.jwt, std.net and "
                            "std.resilience; other modules are files below the input directory"
                          : "did you mean `" + Dotted(near) + "`?";
    return nullptr;
  }
  module.program = Parse(*source, diagnostics_);
  module.found = true;
  imports_[source->id].push_back({"", true, &module.program});  // its own names
  loading_.push_back(name);
  Resolve(module.program.uses);
  loading_.pop_back();
  return &module.program;
}

}  // namespace weft::dsl
