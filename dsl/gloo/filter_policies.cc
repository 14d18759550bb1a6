// Policies that become filters on routes: CSRF, transformation, WAF, masking, body limits, Lua.
#include <algorithm>
#include <utility>

#include "dsl/gloo/codes.h"
#include "dsl/gloo/reading.h"

namespace weft::gloo {
namespace {

using Items = std::vector<dsl::Item>;

Items ReadCsrf(Reading& /*r*/, const View& config, const Object& /*object*/) {
  dsl::CsrfItem item;
  const bool enabled = config.IsTrue("filterEnabled");
  const bool shadow = config.IsTrue("shadowEnabled");
  item.off = !enabled && !shadow;
  item.shadow = !enabled && shadow;
  item.share = config.Share("percentage");
  for (const View& origin : config.List("additionalOrigins")) {
    if (auto pattern = ReadStringMatch(origin)) item.origins.push_back(std::move(*pattern));
  }
  return {ItemOf(std::move(item), config.span())};
}

Items ReadBodyLimit(Reading& r, const View& config, const Object& object) {
  const std::optional<dsl::Number> bytes = config.Int("maxRequestBytes");
  if (bytes) return {ItemOf(dsl::BodyLimitItem{*bytes}, config.span())};
  r.diagnostics.Error(codes::kBadCombination, object.span,
                      "HTTPBufferPolicy `" + object.name + "` needs `maxRequestBytes`");
  return {};
}

Items ReadLua(Reading& r, const View& config, const Object& object) {
  dsl::LuaItem item;
  const std::optional<dsl::Str> code = config["sourceCode"].String("inlineString");
  item.phase = ReadPhase(config["phase"]);
  if (!item.phase) item.phase = dsl::PhaseClause{dsl::Phase::kBeforeAuthorization, std::nullopt};
  if (!code) {
    r.diagnostics.Error(codes::kBadCombination, object.span,
                        "LuaPolicy `" + object.name + "` has no `sourceCode.inlineString`");
    return {};
  }
  item.code = *code;
  return {ItemOf(std::move(item), config.span())};
}

// ---- transformation

void ReadExtractors(const View& inja, dsl::TransformItem& item) {
  for (const auto& [name, view] : inja.Map("extractors")) {
    dsl::TransformItem::Extractor extractor;
    extractor.name = {Identifier(name.value), name.span};
    extractor.header = view.String("header");
    view["body"].TakeAll();
    extractor.regex = view.String("regex").value_or(dsl::Str{"", view.span()});
    extractor.group = view.Int("subgroup");
    const std::string mode = view.Text("mode");
    const std::optional<dsl::Str> text = view.String("replacementText");
    if (mode == "SINGLE_REPLACE" || mode == "REPLACE_ALL" || text) {
      extractor.replacement = text.value_or(dsl::Str{"", view.span()});
    }
    extractor.replace_all = mode == "REPLACE_ALL";
    item.extractors.push_back(std::move(extractor));
  }
}

void ReadTransformHeaders(const View& inja, dsl::TransformItem& item) {
  using Kind = dsl::TransformItem::Header::Kind;
  for (const auto& [name, view] : inja.Map("headers")) {
    item.headers.push_back({Kind::kSet, name, view.String("text").value_or(dsl::Str{})});
  }
  for (const View& view : inja.List("headersToAppend")) {
    item.headers.push_back({Kind::kAdd, view.String("key").value_or(dsl::Str{}),
                            view["value"].String("text").value_or(dsl::Str{})});
  }
  for (const dsl::Str& name : inja.Strings("headersToRemove")) {
    item.headers.push_back({Kind::kRemove, name, {}});
  }
}

void ReadTransformBody(const View& inja, dsl::TransformItem& item) {
  using Body = dsl::TransformItem::Body;
  const View body = inja["body"];
  if (body) {
    item.body = Spanned<Body>{Body::kTemplate, body.span()};
    item.body_template = body.String("text").value_or(dsl::Str{"", body.span()});
  } else if (const View keep = inja["passthrough"]) {
    keep.TakeAll();
    item.body = Spanned<Body>{Body::kKeep, keep.span()};
  } else if (const View merge = inja["mergeExtractorsToBody"]) {
    merge.TakeAll();
    item.body = Spanned<Body>{Body::kMergeExtracted, merge.span()};
  }
  using Parse = dsl::TransformItem::Parse;
  if (inja.IsTrue("ignoreErrorOnParse")) item.parse = Parse::kIgnoreErrors;
  if (inja.Text("parseBodyBehavior") == "DontParse") item.parse = Parse::kNone;
}

std::optional<dsl::Item> ReadTransform(const View& side, const View& config, bool request) {
  if (!side) return std::nullopt;
  dsl::TransformItem item;
  item.side = request ? dsl::TransformItem::Side::kRequest : dsl::TransformItem::Side::kResponse;
  item.phase = ReadPhase(config["phase"]);
  item.reroute = request && side.IsTrue("recalculateRoutingDestination");
  const View inja = side["injaTemplate"];
  item.advanced = inja.IsTrue("advancedTemplates");
  item.escape = inja.IsTrue("escapeCharacters");
  ReadExtractors(inja, item);
  ReadTransformHeaders(inja, item);
  ReadTransformBody(inja, item);
  for (const View& value : inja.List("dynamicMetadataValues")) {
    item.metadata.push_back({.key = value.String("key").value_or(dsl::Str{"", value.span()}),
                             .value = value["value"].String("text").value_or(dsl::Str{}),
                             .in_namespace = value.String("metadataNamespace"),
                             .json = value.IsTrue("jsonToProto")});
  }
  return ItemOf(std::move(item), side.span());
}

Items ReadTransformation(Reading& /*r*/, const View& config, const Object& /*object*/) {
  Items items;
  if (auto item = ReadTransform(config["request"], config, true)) items.push_back(std::move(*item));
  if (auto item = ReadTransform(config["response"], config, false)) {
    items.push_back(std::move(*item));
  }
  return items;
}

// ---- WAF and masking

Items ReadWaf(Reading& /*r*/, const View& config, const Object& /*object*/) {
  dsl::WafItem waf;
  waf.core_rules = !config.IsTrue("disableCoreRuleSet");
  waf.settings = config.String("coreRuleSetSettingsString");
  waf.settings_file = config.String("coreRuleSetSettingsPath");
  for (const View& view : config.List("customRuleSets")) {
    waf.rules.push_back({.text = view.String("ruleStr"),
                         .files = view.Strings("files"),
                         .directory = view.String("directory")});
  }
  waf.message = config.String("customInterventionMessage");
  waf.request_headers_only = config.IsTrue("requestHeadersOnly");
  waf.response_headers_only = config.IsTrue("responseHeadersOnly");
  const View audit = config["auditLogging"];
  const std::string action = audit.Text("action");
  if (action == "RELEVANT_ONLY") waf.audit = dsl::WafItem::Audit::kRelevant;
  if (action == "ALWAYS") waf.audit = dsl::WafItem::Audit::kAlways;
  waf.audit_to_metadata = audit.Text("location") == "DYNAMIC_METADATA";
  dsl::Item item = ItemOf(std::move(waf), config.span());
  // Lower numbers run first there; larger ones win here.
  if (const auto priority = config.Int("priority")) {
    item.priority = dsl::Number{-priority->value, priority->span};
  }
  return {std::move(item)};
}

std::optional<dsl::MaskItem::Preset> PresetOf(const std::string& word) {
  using Preset = dsl::MaskItem::Preset;
  const std::map<std::string, Preset> presets = {{"ALL_CREDIT_CARDS", Preset::kAllCards},
                                                 {"SSN", Preset::kSsn},
                                                 {"MASTERCARD", Preset::kMastercard},
                                                 {"VISA", Preset::kVisa},
                                                 {"AMEX", Preset::kAmex},
                                                 {"DISCOVER", Preset::kDiscover},
                                                 {"JCB", Preset::kJcb},
                                                 {"DINERS_CLUB", Preset::kDinersClub},
                                                 {"CREDIT_CARD_TRACKERS", Preset::kCardTrackers}};
  const auto at = presets.find(word);
  if (at == presets.end()) return std::nullopt;
  return at->second;
}

dsl::MaskItem::Action ReadMaskAction(const View& view) {
  dsl::MaskItem::Action action;
  action.span = view.span();
  action.preset = PresetOf(view.Text("predefinedAction"));
  action.shadow = view.IsTrue("shadow");
  const View custom = view["customAction"];
  const View keys = view["keyValueAction"];
  const View& named = custom ? custom : keys;
  action.name = named.String("name");
  action.with = named.String("maskChar");
  action.share = named.Share("percent");
  for (const View& regex : custom.List("regexActions")) {
    action.patterns.push_back({.regex = regex.String("regex").value_or(dsl::Str{"", regex.span()}),
                               .group = regex.Int("subgroup")});
  }
  action.headers = keys.Strings("keysToMask");
  return action;
}

Items ReadMask(Reading& r, const View& config, const Object& object) {
  dsl::MaskItem mask;
  for (const View& view : config.List("actions")) mask.actions.push_back(ReadMaskAction(view));
  const std::string where = config.Text("sanitize");
  if (where == "ACCESS_LOGS") mask.in = dsl::MaskItem::In::kLogs;
  if (where == "RESPONSE_BODY") mask.in = dsl::MaskItem::In::kResponses;
  if (where == "ALL") mask.in = dsl::MaskItem::In::kAll;
  if (mask.actions.empty()) {
    r.diagnostics.Error(codes::kBadCombination, object.span,
                        "DLPPolicy `" + object.name + "` masks nothing: it has no `actions`");
    return {};
  }
  return {ItemOf(std::move(mask), config.span())};
}

}  // namespace

void ReadFilterPolicies(Reading& r) {
  using ReadItems = Items (*)(Reading&, const View&, const Object&);
  const std::vector<std::pair<std::string_view, ReadItems>> kinds = {
      {"CSRFPolicy", ReadCsrf},
      {"HTTPBufferPolicy", ReadBodyLimit},
      {"WAFPolicy", ReadWaf},
      {"DLPPolicy", ReadMask},
      {"TransformationPolicy", ReadTransformation}};
  for (const auto& [kind, read] : kinds) {
    for (const Object* object : r.OfKind(kind)) {
      AddRoutePolicy(r, *object, read(r, r.Spec(*object)["config"], *object), true);
    }
  }
  for (const Object* object : r.OfKind("LuaPolicy")) {
    const View spec = r.Spec(*object);
    const Items items = ReadLua(r, spec["config"], *object);
    AddRoutePolicy(r, *object, items, spec.List("applyToDestinations").empty());
    AddDestinationPolicy(r, *object, items, {Kinds::kServices}, false);
  }
}

}  // namespace weft::gloo
