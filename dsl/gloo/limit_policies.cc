// RateLimitPolicy and RateLimitClientConfig: what requests send to the limiter.
#include <algorithm>
#include <set>

#include "dsl/gloo/codes.h"
#include "dsl/gloo/reading.h"

namespace weft::gloo {
namespace {

dsl::Condition ReadHeaderIs(const View& view) {
  dsl::HeaderIs header;
  header.name = view.String("name").value_or(dsl::Str{"", view.span()});
  const auto add = [&](std::string_view field, auto make) {
    if (const auto text = view.String(field)) {
      header.patterns.push_back({Pattern(make(text->value)), text->span});
    }
  };
  add("exactMatch", [](const std::string& t) { return Exact{t}; });
  add("prefixMatch", [](const std::string& t) { return Prefix{t}; });
  add("suffixMatch", [](const std::string& t) { return Suffix{t}; });
  add("regexMatch", [](const std::string& t) { return Regex{t}; });
  bool inverted = view.IsTrue("invertMatch");
  if (header.patterns.empty()) {
    header.patterns.push_back({Present{}, header.name.span});
    const auto present = view.Bool("presentMatch");
    if (present && !present->value) inverted = !inverted;
  }
  dsl::Condition condition = Of(std::move(header), view.span());
  if (inverted) condition = Not(std::move(condition));
  return condition;
}

void ReadMatch(const View& match, dsl::SendEntry& entry) {
  entry.kind = dsl::SendEntry::Kind::kMatch;
  entry.key = match.String("descriptorKey");
  entry.value = match.String("descriptorValue").value_or(dsl::Str{"", match.span()});
  const auto expect = match.Bool("expectMatch");
  entry.unless = expect && !expect->value;
  std::vector<dsl::Condition> headers;
  for (const View& header : match.List("headers")) headers.push_back(ReadHeaderIs(header));
  if (!headers.empty()) entry.when = And(std::move(headers));
}

void ReadMetadata(const View& metadata, dsl::SendEntry& entry) {
  entry.kind = dsl::SendEntry::Kind::kMetadata;
  entry.key = metadata.String("descriptorKey");
  const View key = metadata["metadataKey"];
  if (const auto ns = key.String("key")) entry.path.push_back(*ns);
  for (const View& segment : key.List("path")) {
    if (const auto step = segment.String("key")) entry.path.push_back(*step);
  }
  entry.fallback = metadata.String("defaultValue");
  entry.of_route = metadata.Text("source") == "ROUTE_ENTRY";
}

dsl::SendEntry ReadAction(Reading& r, const View& action) {
  using Kind = dsl::SendEntry::Kind;
  dsl::SendEntry entry;
  entry.span = action.span();
  if (action.Has("sourceCluster")) {
    entry.kind = Kind::kSourceCluster;
  } else if (action.Has("destinationCluster")) {
    entry.kind = Kind::kDestinationCluster;
  } else if (action.Has("remoteAddress")) {
    entry.kind = Kind::kRemoteAddress;
  } else if (const View header = action["requestHeaders"]) {
    entry.kind = Kind::kHeader;
    entry.value = header.String("headerName").value_or(dsl::Str{"", header.span()});
    entry.key = header.String("descriptorKey");
    entry.optional = header.IsTrue("skipIfAbsent");
  } else if (const View constant = action["genericKey"]) {
    entry.kind = Kind::kConstant;
    entry.value = constant.String("descriptorValue").value_or(dsl::Str{"", constant.span()});
    entry.key = constant.String("descriptorKey").value_or(dsl::Str{"generic_key", constant.span()});
  } else if (const View match = action["headerValueMatch"]) {
    ReadMatch(match, entry);
  } else if (const View metadata = action["metadata"]) {
    ReadMetadata(metadata, entry);
  } else {
    r.diagnostics.Error(codes::kBadCombination, action.span(), "this action sends nothing");
  }
  action["sourceCluster"].TakeAll();
  action["destinationCluster"].TakeAll();
  action["remoteAddress"].TakeAll();
  return entry;
}

std::vector<dsl::SendClause> ReadSends(Reading& r, const View& raw) {
  std::vector<dsl::SendClause> sends;
  for (const View& limit : raw.List("rateLimits")) {
    for (const bool set : {false, true}) {
      const std::vector<View> actions = limit.List(set ? "setActions" : "actions");
      if (actions.empty()) continue;
      dsl::SendClause send{.entries = {}, .set = set, .span = limit.span()};
      for (const View& action : actions) send.entries.push_back(ReadAction(r, action));
      sends.push_back(std::move(send));
    }
  }
  return sends;
}

// A named object of the three that belong together.
const Object* FindPart(Reading& r, const View& ref_view, std::string_view kind,
                       const Object& object) {
  const Ref ref = r.ReadRef(ref_view, object);
  const Object* found = r.Find(kind, ref);
  if (found == nullptr) {
    r.diagnostics.Error(codes::kDangling, ref_view.span(),
                        "there is no " + std::string(kind) + " `" + ref.ns + "/" + ref.name +
                            "` in cluster `" + ref.cluster + "`");
  }
  return found;
}

std::optional<dsl::CountedLimitItem> ReadItem(Reading& r, const View& config,
                                              const Object& object) {
  dsl::CountedLimitItem item;
  item.phase = ReadPhase(config["phase"]);
  const View settings = config["serverSettings"];
  if (settings) {
    if (const Object* limiter = FindPart(r, settings, "RateLimitServerSettings", object)) {
      item.limiter = dsl::Name{r.NameOf(*limiter), settings.span()};
    }
  }
  const View client = config["ratelimitClientConfig"];
  if (client) {
    if (const Object* counter = FindPart(r, client, "RateLimitClientConfig", object)) {
      item.counters.push_back(r.Named(*counter, r.NameOf(*counter), "", client.span()));
      item.counters.back().parts.erase(item.counters.back().parts.begin(),
                                       item.counters.back().parts.end() - 1);
    }
  }
  item.sends = ReadSends(r, config["raw"]);
  const View server = config["ratelimitServerConfig"];
  if (!server) {
    r.diagnostics.Warning(codes::kNoEffect, object.span,
                          "RateLimitPolicy `" + object.name +
                              "` names no `ratelimitServerConfig`, so nothing is limited");
    return std::nullopt;
  }
  const Object* limits = FindPart(r, server, "RateLimitServerConfig", object);
  if (limits == nullptr) return std::nullopt;
  item.limits.parts.push_back({r.NameOf(*limits), server.span()});
  item.limits.span = server.span();
  if (item.sends.empty() && item.counters.empty()) {
    r.diagnostics.Warning(codes::kNoEffect, object.span,
                          "RateLimitPolicy `" + object.name +
                              "` sends nothing to the limiter, so nothing is limited");
    return std::nullopt;
  }
  return item;
}

// Servers of the limits run in the clusters their trees name; destinations elsewhere ask in vain.
void WarnOfOtherClusters(Reading& r, const Object& object) {
  const View spec = r.Spec(object);
  const Object* tree =
      FindPart(r, spec["config"]["ratelimitServerConfig"], "RateLimitServerConfig", object);
  const std::vector<View> selectors = spec.List("applyToDestinations");
  if (tree == nullptr || selectors.empty()) return;
  std::set<std::string> served;
  for (const View& server : r.Spec(*tree).List("destinationServers")) {
    served.insert(r.ReadRef(server["ref"], *tree).cluster);
  }
  for (const View& selector : selectors) {
    const View what = selector["selector"];
    const std::string only = what.Text("cluster");
    const Labels labels = ToLabels(what.LabelsOf("labels"));
    for (const auto& [cluster, facts] : r.discovered.clusters) {
      if (served.contains(cluster) || (!only.empty() && only != cluster)) continue;
      const std::string& at = cluster;
      const bool hit =
          std::any_of(facts.services.begin(), facts.services.end(), [&](const auto& service) {
            return r.OwnerOf(at, service.first.first) == object.owner &&
                   (!what.Has("name") || what.Text("name") == service.first.second) &&
                   (!what.Has("namespace") || what.Text("namespace") == service.first.first) &&
                   SelectsLabels(labels, service.second.labels);
          });
      if (!hit) continue;
      Diagnostic& d = r.diagnostics.Warning(
          codes::kNoEffect, selector.span(),
          "in cluster `" + cluster + "` Gloo Mesh counts nothing for these destinations: the " +
              "limits are for servers of other clusters; here the limiter " +
              "of each cluster counts");
      d.related.push_back({tree->span, "`destinationServers` are here"});
      d.clusters = {cluster};
    }
  }
}

}  // namespace

std::optional<dsl::PhaseClause> ReadPhase(const View& view) {
  if (!view) return std::nullopt;
  dsl::PhaseClause clause;
  const bool before = view.Has("preAuthz");
  clause.phase = before ? dsl::Phase::kBeforeAuthorization : dsl::Phase::kAfterAuthorization;
  clause.order = view[before ? "preAuthz" : "postAuthz"].Int("priority");
  return clause;
}

void ReadLimitPolicies(Reading& r) {
  for (const Object* object : r.OfKind("RateLimitClientConfig")) {
    dsl::CounterDecl counter{.header = r.HeaderOf(*object, r.NameOf(*object))};
    counter.header.labels.clear();
    counter.sends = ReadSends(r, r.Spec(*object)["raw"]);
    r.program.counters.push_back(std::move(counter));
  }
  for (const Object* object : r.OfKind("RateLimitPolicy")) {
    const View spec = r.Spec(*object);
    const View config = spec["config"];
    std::optional<dsl::CountedLimitItem> item = ReadItem(r, config, *object);
    const bool routes = !spec.List("applyToRoutes").empty();
    std::vector<dsl::Item> items;
    if (item) items.push_back({.value = std::move(*item), .span = config.span()});
    AddRoutePolicy(r, *object, items, false);
    AddDestinationPolicy(r, *object, items, {Kinds::kServices}, !routes);
    WarnOfOtherClusters(r, *object);
  }
}

}  // namespace weft::gloo
