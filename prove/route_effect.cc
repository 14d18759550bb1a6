#include "prove/route_effect.h"

#include <fmt/format.h>

#include <set>

#include "dsl/overloaded.h"
#include "engine/match.h"
#include "engine/rewrite.h"

namespace weft::prove {
namespace {

using emit::check::PathChange;
using emit::check::RouteChoice;
using emit::check::RouteEffect;
using engine::Condition;
using engine::Model;
using engine::RouteRule;

class Writer {
 public:
  Writer(const Model& model, engine::ClusterId cluster, const engine::Request& base,
         const RouteRule& rule)
      : model_(model), cluster_(cluster), base_(base), rule_(rule) {}

  RouteEffect Effect() {
    RouteEffect effect = std::visit(
        Overloaded{
            [&](const std::vector<engine::Forward>& forwards) {
              RouteEffect forward;
              std::map<std::string, double> shares;
              for (const engine::Forward& f : forwards) {
                if (f.weight > 0) shares[Target(f)] += f.weight;
              }
              forward.aspects["to"] = emit::check::SharesText(shares);
              return forward;
            },
            [](const engine::Redirect& r) {
              return emit::check::Answer(fmt::format(
                  "redirect {} scheme={} host={} port={} path={}", r.code, r.https ? "https" : "",
                  r.host, r.port ? std::to_string(*r.port) : "", r.path));
            },
            [](const engine::Respond& r) {
              return emit::check::Answer(fmt::format("{} {}", r.status, r.body));
            },
        },
        rule_.action);
    const bool forwards = effect.aspects.contains("to");
    if (forwards && rule_.layer == engine::Layer::kHttp) AddModifiers(effect);
    return effect;
  }

 private:
  [[nodiscard]] std::string Target(const engine::Forward& forward) const {
    return emit::check::ShareText(HostOf(model_, cluster_, forward.target), forward.subset,
                                  engine::PortOf(model_, forward, base_, cluster_));
  }

  static std::string Time(engine::Millis time) { return fmt::format("{}ms", time.count()); }
  static std::string Time(const std::optional<engine::Millis>& time) {
    return time ? Time(*time) : "0ms";
  }
  static std::string Percent(double share) { return fmt::format("{:.4f}%", share); }

  static std::string Retries(const engine::Retries& retries) {
    if (retries.attempts == 0) return "none";
    std::string text = fmt::format("{} within {} on", retries.attempts, Time(retries.per_try));
    for (const std::string& on : std::set<std::string>(retries.on.begin(), retries.on.end())) {
      text += " " + on;
    }
    return text + (retries.across_localities ? " elsewhere" : "");
  }

  static std::string Headers(const std::vector<engine::HeaderOp>& ops) {
    std::set<std::string> texts;
    for (const engine::HeaderOp& op : ops) {
      const char* side = op.side == engine::HeaderOp::Side::kRequest ? "request" : "response";
      switch (op.kind) {
        case engine::HeaderOp::Kind::kSet:
          texts.insert(fmt::format("{} set {}={}", side, op.name, op.value));
          break;
        case engine::HeaderOp::Kind::kAdd:
          texts.insert(fmt::format("{} add {}={}", side, op.name, op.value));
          break;
        case engine::HeaderOp::Kind::kRemove:
          texts.insert(fmt::format("{} remove {}", side, op.name));
          break;
      }
    }
    std::string text;
    for (const std::string& one : texts) text += one + "; ";
    return text;
  }

  static std::string List(const std::vector<std::string>& list) {
    std::string text;
    for (const std::string& one : std::set<std::string>(list.begin(), list.end())) {
      text += one + " ";
    }
    return text;
  }

  static std::string Cors(const engine::Cors& cors) {
    std::set<std::string> origins;
    for (const Pattern& origin : cors.origins) AddOrigin(origin, origins);
    return fmt::format("origins {}methods {}headers {}expose {}age {} credentials {}",
                       List({origins.begin(), origins.end()}), List(cors.methods),
                       List(cors.headers), List(cors.expose), Time(cors.max_age),
                       cors.credentials ? (*cors.credentials ? "true" : "false") : "");
  }

  static void AddOrigin(const Pattern& origin, std::set<std::string>& texts) {
    std::visit(Overloaded{
                   [&](const Exact& p) { texts.insert("exact=" + p.value); },
                   [&](const Prefix& p) { texts.insert("prefix=" + p.value); },
                   [&](const Under& p) {
                     texts.insert("exact=" + p.value);
                     texts.insert("prefix=" + p.value + "/");
                   },
                   [&](const auto&) { texts.insert("regex=" + engine::ToRegex(origin)); },
               },
               origin);
  }

  void AddModifiers(RouteEffect& effect) const {
    const engine::RouteModifiers& m = rule_.modifiers;
    if (m.timeout) effect.aspects["timeout"] = Time(*m.timeout);
    if (m.retries) effect.aspects["retries"] = Retries(*m.retries);
    if (m.delay) effect.aspects["delay"] = Time(m.delay->delay) + " " + Percent(m.delay->share);
    if (m.abort) {
      effect.aspects["abort"] = fmt::format("{} {}", m.abort->status, Percent(m.abort->share));
    }
    std::multiset<std::string> mirrors;
    for (const engine::Mirror& mirror : m.mirrors) {
      mirrors.insert(Target(mirror.to) + " " + Percent(mirror.share));
    }
    for (const std::string& text : mirrors) effect.aspects["mirrors"] += text + "; ";
    if (!m.headers.empty()) effect.aspects["headers"] = Headers(m.headers);
    if (m.cors) effect.aspects["cors"] = Cors(*m.cors);
    if (!m.rewrite) return;
    if (m.rewrite->host) effect.aspects["host"] = *m.rewrite->host;
    if (m.rewrite->regex) {
      effect.path = {PathChange::Kind::kRegex, *m.rewrite->regex, m.rewrite->path.value_or("")};
    }
  }

  const Model& model_;
  engine::ClusterId cluster_;
  const engine::Request& base_;
  const RouteRule& rule_;
};

// Patterns a rewrite may replace the part of, in the order engine/rewrite.h tries them.
void Replaceable(const Condition& condition, std::vector<Pattern>& patterns) {
  if (condition.kind == Condition::Kind::kNot) return;
  if (condition.matcher) {
    const auto* match = std::get_if<engine::PathMatch>(&*condition.matcher);
    if (match == nullptr) return;
    for (const Pattern& pattern : match->any_of) {
      if (std::holds_alternative<Exact>(pattern) || std::holds_alternative<Under>(pattern) ||
          std::holds_alternative<Prefix>(pattern)) {
        patterns.push_back(pattern);
      }
    }
  }
  for (const Condition& child : condition.children) Replaceable(child, patterns);
}

// What is replaced where the path fits `part`, a piece of `pattern`.
PathChange ChangeOf(const Pattern& pattern, const Pattern& part, const engine::Rewrite& rewrite) {
  const Condition only = Condition::Of(engine::PathMatch{{pattern}}, {});
  if (const auto* exact = std::get_if<Exact>(&part)) {
    return {PathChange::Kind::kWhole, "", engine::RewritePath(only, rewrite, exact->value)};
  }
  const std::string& prefix = std::get<Prefix>(part).value;
  return emit::check::Shortest(
      {PathChange::Kind::kPrefix, prefix, engine::RewritePath(only, rewrite, prefix)});
}

std::vector<Pattern> PiecesOf(const Pattern& pattern) {
  const auto* under = std::get_if<Under>(&pattern);
  if (under == nullptr) return {pattern};
  if (under->value == "/") return {Prefix{"/"}};
  return {Exact{under->value}, Prefix{under->value + "/"}};
}

}  // namespace

std::string HostOf(const Model& model, engine::ClusterId cluster, const engine::TargetRef& target) {
  return std::visit(Overloaded{
                        [&](engine::ServiceId id) { return model[id].Fqdn(model[cluster]); },
                        [&](auto id) {
                          const auto& hosts = model[id].hosts;
                          return hosts.empty() ? std::string() : hosts.front();
                        },
                    },
                    target);
}

std::vector<RouteChoice> ChoicesOf(const Model& model, engine::ClusterId cluster,
                                   const engine::Request& base, const RouteRule& rule) {
  std::vector<RouteChoice> choices;
  const RouteEffect effect = Writer(model, cluster, base, rule).Effect();
  const auto add = [&](Condition when, PathChange path) {
    choices.push_back({std::move(when), effect, nullptr, rule.span});
    choices.back().effect.path = std::move(path);
  };
  const auto& rewrite = rule.modifiers.rewrite;
  const bool by_part = rewrite && rewrite->path && !rewrite->regex && effect.aspects.contains("to");
  if (!by_part) {
    add(rule.match, effect.path);
    return choices;
  }
  std::vector<Pattern> patterns;
  Replaceable(rule.match, patterns);
  for (const Pattern& pattern : patterns) {
    for (const Pattern& piece : PiecesOf(pattern)) {
      add(Condition::And({rule.match, Condition::Of(engine::PathMatch{{piece}}, rule.span)}),
          ChangeOf(pattern, piece, *rewrite));
    }
  }
  add(rule.match, emit::check::Shortest({PathChange::Kind::kPrefix, "/", *rewrite->path}));
  return choices;
}

}  // namespace weft::prove
