#include "emit/check/route_effect.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <cmath>
#include <cstdlib>
#include <set>

namespace weft::emit::check {
namespace {

double NumberOf(const yaml::Node* node, double fallback) {
  return node == nullptr ? fallback : std::strtod(node->text.c_str(), nullptr);
}

// A share of requests; `percentage` that is not there means all of them.
std::string Percent(const yaml::Node& node) {
  return fmt::format("{:.4f}%", NumberOf(node.At("percentage.value"), 100));
}

std::string TargetText(const yaml::Node& destination, const Registry& registry,
                       const Client& client, std::uint16_t asked) {
  const std::string host = destination.StringOr("host", "");
  const Host* known = registry.Named(client.cluster, host);
  const std::optional<Host> found = known == nullptr ? std::nullopt : std::optional(*known);
  return ShareText(host, destination.StringOr("subset", ""), PortOf(found, destination, asked));
}

std::string To(const yaml::Node& targets, const Registry& registry, const Client& client,
               std::uint16_t asked) {
  std::map<std::string, double> shares;
  const bool one = targets.items.size() == 1;
  for (const yaml::Node& target : targets.items) {
    const yaml::Node* destination = target.Find("destination");
    const double weight = one ? 1 : NumberOf(target.Find("weight"), 0);
    if (destination == nullptr || weight <= 0) continue;
    shares[TargetText(*destination, registry, client, asked)] += weight;
  }
  return SharesText(shares);
}

std::string RedirectText(const yaml::Node& redirect) {
  const yaml::Node* code = redirect.Find("redirectCode");
  const yaml::Node* port = redirect.Find("port");
  return fmt::format("redirect {} scheme={} host={} port={} path={}",
                     code == nullptr ? "301" : code->text, redirect.StringOr("scheme", ""),
                     redirect.StringOr("authority", ""), port == nullptr ? "" : port->text,
                     redirect.StringOr("uri", ""));
}

std::string RetriesText(const yaml::Node& retries) {
  const std::string attempts =
      retries.Find("attempts") == nullptr ? "default" : retries.Find("attempts")->text;
  if (attempts == "0") return "none";
  std::set<std::string> on;
  std::string word;
  for (const char c : retries.StringOr("retryOn", "") + ",") {
    if (c != ',') {
      word += c;
    } else if (!word.empty()) {
      on.insert(word);
      word.clear();
    }
  }
  std::string text =
      attempts + " within " + Milliseconds(retries.StringOr("perTryTimeout", "")) + " on";
  for (const std::string& one : on) text += " " + one;
  const yaml::Node* remote = retries.Find("retryRemoteLocalities");
  return text + (remote != nullptr && remote->AsBool() == true ? " elsewhere" : "");
}

std::string HeadersText(const yaml::Node& headers) {
  std::set<std::string> ops;
  for (const char* side : {"request", "response"}) {
    const yaml::Node* of = headers.Find(side);
    if (of == nullptr) continue;
    for (const char* kind : {"set", "add"}) {
      const yaml::Node* map = of->Find(kind);
      if (map == nullptr) continue;
      for (const auto& entry : map->entries) {
        ops.insert(fmt::format("{} {} {}={}", side, kind, entry.key, entry.value.text));
      }
    }
    if (const yaml::Node* remove = of->Find("remove")) {
      for (const yaml::Node& name : remove->items) {
        ops.insert(fmt::format("{} remove {}", side, name.text));
      }
    }
  }
  std::string text;
  for (const std::string& op : ops) text += op + "; ";
  return text;
}

std::string ListText(const yaml::Node& node, const char* field) {
  std::set<std::string> texts;
  if (const yaml::Node* list = node.Find(field)) {
    for (const yaml::Node& item : list->items) {
      std::string text = item.text;
      for (const auto& entry : item.entries) text += entry.key + "=" + entry.value.text;
      texts.insert(text);
    }
  }
  std::string text;
  for (const std::string& one : texts) text += one + " ";
  return text;
}

std::string CorsText(const yaml::Node& cors) {
  const yaml::Node* credentials = cors.Find("allowCredentials");
  return fmt::format("origins {}methods {}headers {}expose {}age {} credentials {}",
                     ListText(cors, "allowOrigins"), ListText(cors, "allowMethods"),
                     ListText(cors, "allowHeaders"), ListText(cors, "exposeHeaders"),
                     Milliseconds(cors.StringOr("maxAge", "")),
                     credentials == nullptr ? "" : credentials->text);
}

PathChange PathOf(const yaml::Node& rewrite, const yaml::Node* match) {
  if (const yaml::Node* regex = rewrite.Find("uriRegexRewrite")) {
    const std::string from = regex->StringOr("match", ""), to = regex->StringOr("rewrite", "");
    // Every path begins with it.
    if (from == "^/" && to.find('\\') == std::string::npos) {
      return Shortest({PathChange::Kind::kPrefix, "/", to});
    }
    return {PathChange::Kind::kRegex, from, to};
  }
  const std::string uri = rewrite.StringOr("uri", "");
  if (uri.empty()) return {};
  const yaml::Node* matched = match == nullptr ? nullptr : match->Find("uri");
  if (matched == nullptr) return Shortest({PathChange::Kind::kPrefix, "/", uri});
  const yaml::Node* ignore = match->Find("ignoreUriCase");
  if (const yaml::Node* prefix = matched->Find("prefix")) {
    if (ignore != nullptr && ignore->AsBool() == true) {
      return {PathChange::Kind::kRegex, "(?i)^" + re2::RE2::QuoteMeta(prefix->text), uri};
    }
    return Shortest({PathChange::Kind::kPrefix, prefix->text, uri});
  }
  return {PathChange::Kind::kWhole, "", uri};
}

void AddFaults(const yaml::Node& route, RouteEffect& effect) {
  if (const yaml::Node* delay = route.At("fault.delay")) {
    effect.aspects["delay"] =
        Milliseconds(delay->StringOr("fixedDelay", "")) + " " + Percent(*delay);
  }
  if (const yaml::Node* abort = route.At("fault.abort")) {
    const yaml::Node* status = abort->Find("httpStatus");
    effect.aspects["abort"] = (status == nullptr ? "" : status->text) + " " + Percent(*abort);
  }
}

}  // namespace

std::string Milliseconds(const std::string& duration) {
  static const std::map<std::string, double> kUnits = {
      {"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}};
  double total = 0;
  const char* at = duration.c_str();
  while (*at != '\0') {
    char* end = nullptr;
    const double number = std::strtod(at, &end);
    if (end == at) return duration;
    std::string unit;
    for (at = end; *at >= 'a' && *at <= 'z'; ++at) unit += *at;
    const auto known = kUnits.find(unit);
    if (known == kUnits.end()) return duration;
    total += number * known->second;
  }
  return fmt::format("{}ms", std::llround(total));
}

RouteEffect EffectOf(const yaml::Node& route, const yaml::Node* match, const Registry& registry,
                     const Client& client, std::uint16_t port) {
  if (const yaml::Node* redirect = route.Find("redirect")) return Answer(RedirectText(*redirect));
  if (const yaml::Node* answer = route.Find("directResponse")) {
    const yaml::Node* body = answer->At("body.string");
    return Answer(fmt::format("{} {}",
                              answer->Find("status") == nullptr ? "" : answer->Find("status")->text,
                              body == nullptr ? "" : body->text));
  }
  RouteEffect effect;
  if (const yaml::Node* targets = route.Find("route")) {
    effect.aspects["to"] = To(*targets, registry, client, port);
  }
  const std::string timeout = route.StringOr("timeout", "");
  if (!timeout.empty()) effect.aspects["timeout"] = Milliseconds(timeout);
  if (const yaml::Node* retries = route.Find("retries")) {
    effect.aspects["retries"] = RetriesText(*retries);
  }
  AddFaults(route, effect);
  if (const yaml::Node* mirrors = route.Find("mirrors")) {
    std::multiset<std::string> texts;
    for (const yaml::Node& mirror : mirrors->items) {
      const yaml::Node* destination = mirror.Find("destination");
      if (destination == nullptr) continue;
      texts.insert(TargetText(*destination, registry, client, port) + " " + Percent(mirror));
    }
    for (const std::string& text : texts) effect.aspects["mirrors"] += text + "; ";
  }
  if (const yaml::Node* headers = route.Find("headers")) {
    const std::string text = HeadersText(*headers);
    if (!text.empty()) effect.aspects["headers"] = text;
  }
  if (const yaml::Node* cors = route.Find("corsPolicy")) effect.aspects["cors"] = CorsText(*cors);
  if (const yaml::Node* rewrite = route.Find("rewrite")) {
    const std::string host = rewrite->StringOr("authority", "");
    if (!host.empty()) effect.aspects["host"] = host;
    effect.path = PathOf(*rewrite, match);
  }
  return effect;
}

RouteEffect RawEffectOf(const yaml::Node& route, const Registry& registry, const Client& client,
                        std::uint16_t port) {
  RouteEffect effect;
  if (const yaml::Node* targets = route.Find("route")) {
    effect.aspects["to"] = To(*targets, registry, client, port);
  }
  return effect;
}

std::string ShareText(const std::string& host, const std::string& subset, std::uint16_t port) {
  return host + (subset.empty() ? "" : " subset " + subset) + " port " + std::to_string(port);
}

std::string SharesText(const std::map<std::string, double>& shares) {
  double total = 0;
  for (const auto& [target, weight] : shares) total += weight;
  std::string text;
  for (const auto& [target, weight] : shares) {
    text += (text.empty() ? "" : ", ") +
            (shares.size() == 1 ? target : fmt::format("{:.2f}% {}", 100 * weight / total, target));
  }
  return text;
}

RouteEffect Answer(const std::string& text) {
  RouteEffect effect;
  effect.aspects["answer"] = text;
  return effect;
}

RouteEffect ToHost(const std::string& host, std::uint16_t port) {
  RouteEffect effect;
  effect.aspects["to"] = ShareText(host, "", port);
  return effect;
}

PathChange Shortest(PathChange change) {
  if (change.kind != PathChange::Kind::kPrefix) return change;
  while (!change.from.empty() && !change.to.empty() && change.from.back() == change.to.back()) {
    change.from.pop_back();
    change.to.pop_back();
  }
  if (change.from.empty() && change.to.empty()) change.kind = PathChange::Kind::kNone;
  return change;
}

std::string Changed(const PathChange& change, const std::string& path) {
  switch (change.kind) {
    case PathChange::Kind::kNone:
      return path;
    case PathChange::Kind::kWhole:
      return change.to;
    case PathChange::Kind::kPrefix:
      return path.starts_with(change.from) ? change.to + path.substr(change.from.size()) : path;
    case PathChange::Kind::kRegex: {
      std::string changed = path;
      re2::RE2::GlobalReplace(&changed, re2::RE2(change.from, re2::RE2::Quiet), change.to);
      return changed;
    }
  }
  return path;
}

}  // namespace weft::emit::check
