#include "dsl/gloo/object.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <utility>

#include "dsl/codes.h"
#include "dsl/gloo/codes.h"

namespace weft::gloo {
namespace {

// Whether `{{` at this place is of Helm rather than of a template that the policy itself holds.
bool IsHelm(std::string_view rest) {
  constexpr std::array<std::string_view, 17> kBegins = {
      ".",       "$",      "/*",        "if ",     "range ",  "include ", "end",  "else",   "with ",
      "define ", "block ", "template ", "toYaml ", "printf ", "tpl ",     "not ", "lookup "};
  if (rest.starts_with("-")) rest.remove_prefix(1);
  const std::size_t begin = rest.find_first_not_of(' ');
  if (begin == std::string_view::npos) return false;
  rest.remove_prefix(begin);
  return std::any_of(kBegins.begin(), kBegins.end(),
                     [&](std::string_view word) { return rest.starts_with(word); });
}

std::optional<std::size_t> FirstTemplate(std::string_view text) {
  for (std::size_t at = text.find("{{"); at != std::string_view::npos;
       at = text.find("{{", at + 2)) {
    if (IsHelm(text.substr(at + 2))) return at;
  }
  return std::nullopt;
}

// Groups of Kubernetes itself; their objects are no policy, and stand beside it in many
// repositories.
bool IsKubernetes(std::string_view group) {
  constexpr std::array<std::string_view, 5> kGroups = {"", "apps", "batch", "policy",
                                                       "autoscaling"};
  return std::find(kGroups.begin(), kGroups.end(), group) != kGroups.end() ||
         group.ends_with(".k8s.io");
}

std::string GroupOf(std::string_view api_version) {
  const std::size_t slash = api_version.find('/');
  return slash == std::string_view::npos ? "" : std::string(api_version.substr(0, slash));
}

std::string VersionOf(std::string_view api_version) {
  const std::size_t slash = api_version.find('/');
  return std::string(slash == std::string_view::npos ? api_version : api_version.substr(slash + 1));
}

class ObjectReader {
 public:
  ObjectReader(Objects& objects, Diagnostics& diagnostics)
      : objects_(objects), diagnostics_(diagnostics) {}

  void Read(const Source& source) {
    if (const auto at = FirstTemplate(source.text)) {
      const auto begin = static_cast<std::uint32_t>(*at);
      diagnostics_
          .Error(codes::kTemplated, {source.id, begin, begin + 2},
                 "this file is a template, not YAML")
          .help = "render it first, for example with `helm template`";
      return;
    }
    for (yaml::Document& document : yaml::Parse(source, diagnostics_)) {
      objects_.documents.push_back(std::move(document));
      const yaml::Document& kept = objects_.documents.back();
      Node(kept.root, kept.cluster);
    }
  }

 private:
  void Node(const yaml::Node& root, const std::string& cluster) {
    const yaml::Node* items = root.Find("items");
    const std::string kind = root.StringOr("kind", "");
    if (items != nullptr && kind.ends_with("List")) {
      for (const yaml::Node& item : items->items) Node(item, cluster);
      return;
    }
    const yaml::Node* api = root.Find("apiVersion");
    if (!root.IsMapping() || api == nullptr || kind.empty()) {
      diagnostics_.Warning(codes::kNotAnObject, Begin(root),
                           "this document is no Kubernetes object and is not read");
      return;
    }
    const KindInfo* info = FindKind(root, *api, kind);
    if (info != nullptr) Add(root, cluster, *info);
  }

  static Span Begin(const yaml::Node& node) {
    if (!node.entries.empty()) return node.entries.front().key_span;
    return {node.span.file, node.span.begin, node.span.begin + 1};
  }

  const KindInfo* FindKind(const yaml::Node& root, const yaml::Node& api, const std::string& kind) {
    const std::string group = GroupOf(api.text);
    const KindInfo* info = TheSchema().Find(group, VersionOf(api.text), kind);
    if (info != nullptr && !info->refused) return info;
    const yaml::Node* kind_node = root.Find("kind");
    const Span span = kind_node == nullptr ? api.span : kind_node->span;
    if (info != nullptr) {
      const bool written = group.starts_with("internal.");
      const std::string message = "`" + kind + "` of `" + api.text + "` is not read: " + info->note;
      if (written) {
        diagnostics_.Warning(codes::kRefusedKind, span, message);
      } else {
        diagnostics_.Error(codes::kRefusedKind, span, message);
      }
      return nullptr;
    }
    if (IsKubernetes(group)) return nullptr;
    if (group.find("solo.io") == std::string::npos && TheSchema().FindByKind(kind) == nullptr) {
      diagnostics_.Warning(codes::kForeignKind, span,
                           "`" + kind + "` of `" + api.text + "` is no policy weft reads");
      return nullptr;
    }
    Unknown(api, kind, span);
    return nullptr;
  }

  void Unknown(const yaml::Node& api, const std::string& kind, Span span) {
    const KindInfo* same = TheSchema().FindByKind(kind);
    if (same != nullptr) {
      const std::string right = same->group + "/" + same->version;
      Diagnostic& d = diagnostics_.Error(codes::kUnknownKind, api.span,
                                         "there is no `" + kind + "` in `" + api.text + "`");
      d.help = "did you mean `" + right + "`?";
      d.edit = Edit{api.span, right};
      return;
    }
    Diagnostic& d = diagnostics_.Error(codes::kUnknownKind, span,
                                       "there is no kind `" + kind + "` in `" + api.text + "`");
    std::vector<std::string> names;
    for (const KindInfo& info : TheSchema().kinds) {
      if (!info.refused) names.push_back(info.kind);
    }
    const std::string near = NearestName(kind, names);
    if (near.empty()) return;
    d.help = "did you mean `" + near + "`?";
    d.edit = Edit{span, near};
  }

  void Add(const yaml::Node& root, const std::string& cluster, const KindInfo& info) {
    Object object{.kind = &info,
                  .cluster = cluster.empty() ? std::string(kManagementCluster) : cluster,
                  .span = Begin(root)};
    if (!ReadMetadata(root, object)) return;
    for (const yaml::Node::Entry& entry : root.entries) {
      constexpr std::array<std::string_view, 5> kTop = {"apiVersion", "kind", "metadata", "spec",
                                                        "status"};
      if (std::find(kTop.begin(), kTop.end(), entry.key) != kTop.end()) continue;
      Diagnostic& d = diagnostics_.Error(codes::kUnknownField, entry.key_span,
                                         "`" + entry.key + "` is no field of " + info.kind);
      if (TheSchema().messages.at(info.message).Find(entry.key) != nullptr) {
        d.help = "it belongs below `spec`";
      }
    }
    const yaml::Node* spec = root.Find("spec");
    if (spec != nullptr && !spec->IsNull()) {
      if (spec->IsMapping()) {
        CheckAgainst(*spec, TheSchema().messages.at(info.message), info, diagnostics_);
        object.spec = spec;
      } else {
        diagnostics_.Error(codes::kWrongType, spec->span, "`spec` takes an object");
      }
    }
    Keep(std::move(object));
  }

  bool ReadMetadata(const yaml::Node& root, Object& object) {
    const yaml::Node* metadata = root.Find("metadata");
    const yaml::Node* name = metadata == nullptr ? nullptr : metadata->Find("name");
    if (name == nullptr || name->text.empty()) {
      diagnostics_.Error(codes::kNotAnObject, object.span,
                         "this " + object.kind->kind + " has no `metadata.name`");
      return false;
    }
    object.name = name->text;
    object.span = name->span;
    object.ns = metadata->StringOr("namespace", "default");
    if (const yaml::Node* created = metadata->Find("creationTimestamp"))
      object.created = created->text;
    CheckMetadata(*metadata);
    const yaml::Node* labels = metadata->Find("labels");
    if (labels == nullptr) return true;
    for (const yaml::Node::Entry& entry : labels->entries) {
      object.labels[entry.key] = entry.value.text;
      if (entry.value.IsString()) continue;
      Diagnostic& d = diagnostics_.Error(codes::kWrongType, entry.value.span,
                                         "the value of label `" + entry.key + "` is no string");
      d.help = "write it in quotes: `\"" + entry.value.text + "\"`";
      d.edit = Edit{entry.value.span, "\"" + entry.value.text + "\""};
    }
    return true;
  }

  void CheckMetadata(const yaml::Node& metadata) {
    static const std::vector<std::string> known = {"name",
                                                   "namespace",
                                                   "labels",
                                                   "annotations",
                                                   "creationTimestamp",
                                                   "uid",
                                                   "resourceVersion",
                                                   "generation",
                                                   "managedFields",
                                                   "ownerReferences",
                                                   "finalizers",
                                                   "generateName",
                                                   "deletionTimestamp",
                                                   "deletionGracePeriodSeconds",
                                                   "selfLink"};
    for (const yaml::Node::Entry& entry : metadata.entries) {
      if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
      Diagnostic& d = diagnostics_.Error(codes::kUnknownField, entry.key_span,
                                         "`" + entry.key + "` is no field of metadata");
      const std::string near = NearestName(entry.key, known);
      if (!near.empty()) d.help = "did you mean `" + near + "`?";
    }
  }

  // A later object takes the place of an earlier one of the same name.
  void Keep(Object object) {
    const Key key{object.kind, object.cluster, object.ns, object.name};
    const auto [at, fresh] = index_.try_emplace(key, objects_.all.size());
    if (fresh) {
      objects_.all.push_back(std::move(object));
      return;
    }
    Object& earlier = objects_.all[at->second];
    const bool one_file = earlier.span.file == object.span.file;
    if (!Same(earlier.spec, object.spec) || earlier.labels != object.labels) {
      const std::string message = object.kind->kind + " `" + object.ns + "/" + object.name +
                                  "` is given again with other content";
      Diagnostic& d = one_file ? diagnostics_.Error(codes::kReplaced, object.span, message)
                               : diagnostics_.Warning(codes::kReplaced, object.span,
                                                      message + "; this one counts");
      d.related.push_back({earlier.span, one_file ? "also given here" : "replaced by it"});
    }
    earlier = std::move(object);
  }

  static bool Same(const yaml::Node* a, const yaml::Node* b) {
    if (a == nullptr || b == nullptr) return a == b;
    if (a->kind != b->kind || a->text != b->text || a->items.size() != b->items.size() ||
        a->entries.size() != b->entries.size()) {
      return false;
    }
    for (std::size_t i = 0; i < a->items.size(); ++i) {
      if (!Same(&a->items[i], &b->items[i])) return false;
    }
    return std::all_of(a->entries.begin(), a->entries.end(), [&](const yaml::Node::Entry& entry) {
      return Same(&entry.value, b->Find(entry.key));
    });
  }

  using Key = std::tuple<const KindInfo*, std::string, std::string, std::string>;

  Objects& objects_;
  Diagnostics& diagnostics_;
  std::map<Key, std::size_t> index_;
};

}  // namespace

Objects ReadObjects(const std::vector<const Source*>& sources, Diagnostics& diagnostics) {
  Objects objects;
  ObjectReader reader(objects, diagnostics);
  for (const Source* source : sources) reader.Read(*source);
  return objects;
}

}  // namespace weft::gloo
