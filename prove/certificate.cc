#include "prove/certificate.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "engine/delivery.h"
#include "engine/fronts.h"
#include "prove/certificate_policy.h"
#include "verifier/cells.h"
#include "verifier/laws.h"
#include "verifier/server.h"
#include "verifier/server_study.h"

namespace weft::prove {
namespace {

using engine::ClusterId;
using engine::Model;
using engine::ServiceId;
using Json = nlohmann::json;
using verifier::Axis;
using verifier::Candidate;
using verifier::Constraint;
using verifier::FormulaId;
using verifier::Study;

// A reason why a request is no counterexample, and its name in the certificate.
struct Reason {
  FormulaId must_hold;
  std::string name;
};

// `asked` first, so that what the question is not about is not divided further; then whom the
// server is closed to, which settles most. Demands and denials are numbered as PolicyWriter lists
// them.
std::vector<Reason> ReasonsOf(FormulaId asked, const std::vector<Constraint>& constraints) {
  std::vector<Reason> reasons{{asked, "other"}};
  std::size_t demands = 0;
  std::size_t denials = 0;
  for (const Constraint& c : constraints) {
    switch (c.kind) {
      case Constraint::Kind::kClosed:
        reasons.insert(reasons.begin() + 1, {c.formula, "closed"});
        break;
      case Constraint::Kind::kDeny:
        reasons.push_back({c.formula, "deny " + std::to_string(denials++)});
        break;
      case Constraint::Kind::kDemand:
        reasons.push_back({c.formula, "demand " + std::to_string(demands++)});
        break;
    }
  }
  return reasons;
}

Json AxisOf(const char* kind, const std::string& name, Json values) {
  return {{"axis", kind}, {"name", name}, {"values", std::move(values)}};
}

// Axes, cells and requests of one question, as numbers of the certificate.
class ArgumentWriter {
 public:
  ArgumentWriter(const PolicyWriter& policy, const Study& study,
                 const std::vector<Candidate>& callers)
      : policy_(policy), study_(study), callers_(callers), axes_(study.space->Axes()) {
    for (std::size_t i = 0; i < axes_.size(); ++i) number_[axes_[i].var] = i;
  }

  // `fixed`: axes that have one value.
  [[nodiscard]] Json AxesJson(const Json& fixed) const {
    Json list = Json::array();
    for (const Axis& axis : axes_) list.push_back(AxisJson(axis));
    for (const Json& axis : fixed) list.push_back(axis);
    return list;
  }

  [[nodiscard]] Json RequestJson(const verifier::Assignment& assignment, const Json& fixed) const {
    Json values = Json::array();
    for (const Axis& axis : axes_) values.push_back(assignment[axis.var.value]);
    for (std::size_t i = 0; i < fixed.size(); ++i) values.push_back(0);
    return values;
  }

  // null when there are too many.
  [[nodiscard]] Json CellsJson(const std::vector<Reason>& reasons) const {
    std::vector<FormulaId> all;
    for (const Reason& reason : reasons) all.push_back(reason.must_hold);
    const auto cells = verifier::Divide(*study_.formulas, all);
    if (!cells) return nullptr;
    Json list = Json::array();
    for (const verifier::Cell& cell : *cells) {
      if (!cell.divided) {
        list.push_back(reasons[cell.by].name);
        continue;
      }
      Json members = Json::array();
      for (std::size_t i = 0; i < cell.members.size(); ++i) {
        if (cell.members[i]) members.push_back(i);
      }
      list.push_back({number_.at(cell.var), std::move(members), cell.yes, cell.no});
    }
    return list;
  }

 private:
  [[nodiscard]] Json CallerJson(const Candidate& caller) const {
    Json id;
    if (caller.identity) {
      id = {{"trust", caller.identity->trust_domain},
            {"ns", caller.identity->ns},
            {"account", caller.identity->account}};
    }
    return {{"identity", std::move(id)}, {"workspace", policy_.Name(caller.workspace)}};
  }

  [[nodiscard]] Json AxisJson(const Axis& axis) const {
    switch (axis.kind) {
      case Axis::Kind::kCaller: {
        Json callers = Json::array();
        for (const Candidate& caller : callers_) callers.push_back(CallerJson(caller));
        return AxisOf("caller", "", std::move(callers));
      }
      case Axis::Kind::kText:
        return TextJson(axis);
      case Axis::Kind::kClaim:
        return AxisOf("claim", policy_.Claim(axis.field.provider, axis.field.name), axis.values);
      case Axis::Kind::kToken:
        return AxisOf("token", policy_.Name(engine::JwtId{axis.id}),
                      {"absent", "valid", "invalid"});
      case Axis::Kind::kAnswer:
        return AxisOf("authorizer", policy_.Name(engine::AuthorizerId{axis.id}),
                      {"allow", "deny", "unavailable"});
      case Axis::Kind::kLimit:
        return AxisOf("limit", policy_.Name(engine::LimitId{axis.id}), {"room", "exhausted"});
      case Axis::Kind::kLimiter:
        return AxisOf("limiter", policy_.Name(engine::LimiterId{axis.id}), {"answers", "silent"});
      case Axis::Kind::kSourceIp:
        return AxisOf("source_ip", "", AddressesJson(axis));
      case Axis::Kind::kRemoteIp:
        return AxisOf("remote_ip", "", AddressesJson(axis));
    }
    return nullptr;
  }

  static Json AddressesJson(const Axis& axis) {
    Json values = Json::array();
    for (const std::string& value : axis.values) {
      values.push_back(PolicyWriter::Hex(engine::Ip::Parse(value).value()));
    }
    return values;
  }

  static Json TextJson(const Axis& axis) {
    static constexpr const char* kNames[] = {"method", "path",  "host", "sni",
                                             "header", "query", "claim"};
    Json values = Json::array();
    if (axis.optional) values.push_back(nullptr);
    for (const std::string& value : axis.values) values.push_back(value);
    return AxisOf(kNames[static_cast<std::size_t>(axis.field.kind)], axis.field.name,
                  std::move(values));
  }

  const PolicyWriter& policy_;
  const Study& study_;
  const std::vector<Candidate>& callers_;
  std::vector<Axis> axes_;
  std::map<verifier::VarId, std::size_t> number_;
};

class Certifier {
 public:
  Certifier(const Model& model, const verifier::Report& report,
            const std::function<std::string(Span)>& place)
      : model_(model), report_(report), policy_(model, place) {}

  Json Write() {
    json_["arguments"] = Json::array();
    AddWorkspaces();
    AddServers();
    AddForwards();
    AddProperties();
    for (std::uint32_t i = 0; i < model_.services.size(); ++i) ArgueIsolation({i});
    json_["laws"] = Json::array();
    for (const engine::Law& law : model_.laws) {
      if (verifier::IsAtServers(law)) ArgueLaw(law);
    }
    return std::move(json_);
  }

 private:
  void AddWorkspaces() {
    Json& list = json_["workspaces"] = Json::array();
    for (const engine::Workspace& workspace : model_.workspaces) {
      std::set<std::string> namespaces;
      for (const auto& [cluster, ns] : workspace.namespaces) namespaces.insert(ns);
      list.push_back(
          {{"name", workspace.name}, {"isolated", workspace.isolated}, {"namespaces", namespaces}});
    }
  }

  // Every port of every service that has workloads, with what is demanded there.
  void AddServers() {
    Json& destinations = json_["destinations"] = Json::array();
    Json& servers = json_["servers"] = Json::array();
    for (std::uint32_t i = 0; i < model_.services.size(); ++i) {
      for (const engine::ServiceInstance& instance : model_.services[i].instances) {
        if (instance.workloads.empty()) continue;
        Json ports = Json::array();
        for (const engine::ServicePort& port : instance.ports) {
          ports.push_back(port.number);
          numbers_[{{i}, instance.cluster, port.number}] = servers.size();
          servers.push_back(ServerJson({i}, instance, port));
        }
        destinations.push_back({{"service", policy_.Name(ServiceId{i})},
                                {"cluster", model_[instance.cluster].name},
                                {"ports", std::move(ports)}});
      }
    }
  }

  [[nodiscard]] Json ServerJson(ServiceId id, const engine::ServiceInstance& instance,
                                const engine::ServicePort& port) const {
    const ClusterId cluster = instance.cluster;
    Json shared = Json::array();
    for (const engine::WorkspaceId to : verifier::AdmittedTo(model_, id, cluster)) {
      if (!to.IsNone()) shared.push_back(model_[to].name);
    }
    const engine::Guard* guard = engine::EnforcedGuard(model_, {cluster, id, ""});
    return {{"service", policy_.Name(id)},
            {"workspace", policy_.Name(model_[id].workspace)},
            {"cluster", model_[cluster].name},
            {"port", port.number},
            {"gateway", !engine::GatewayBehind(model_, instance).IsNone()},
            {"shared_with", std::move(shared)},
            {"guard", policy_.Of(guard, port)}};
  }

  // Of each workspace whose routes send to it and each target, one route.
  void AddForwards() {
    Json& list = json_["forwards"] = Json::array();
    std::set<std::pair<engine::WorkspaceId, engine::TargetRef>> seen;
    for (const engine::Table& table : model_.tables) {
      for (const engine::RouteRule& rule : table.rules) {
        const auto* forwards = std::get_if<std::vector<engine::Forward>>(&rule.action);
        if (forwards == nullptr) continue;
        const engine::WorkspaceId author = model_[rule.from].workspace;
        for (const engine::Forward& forward : *forwards) {
          if (seen.insert({author, forward.target}).second) {
            list.push_back(ForwardJson(author, forward));
          }
        }
      }
    }
  }

  [[nodiscard]] Json ForwardJson(engine::WorkspaceId author, const engine::Forward& forward) const {
    return std::visit(
        [&](auto id) {
          Json shared = Json::array();
          for (const engine::Grant& grant : model_[id].grants) {
            shared.push_back(policy_.Name(grant.to));
          }
          return Json{{"at", policy_.Place(forward.span)},
                      {"from", policy_.Name(author)},
                      {"to", model_[id].name},
                      {"owner", policy_.Name(model_[id].workspace)},
                      {"shared_with", std::move(shared)}};
        },
        forward.target);
  }

  void AddProperties() {
    Json& list = json_["properties"] = Json::array();
    for (const verifier::Property& p : report_.properties) {
      list.push_back({{"property", p.name},
                      {"subject", p.subject},
                      {"verdict", verifier::VerdictName(p.verdict)},
                      {"rests_on", policy_.Places(p.rests_on)},
                      {"assumes", policy_.Places(p.assumes)}});
    }
  }

  void ArgueIsolation(ServiceId id) {
    const engine::Service& service = model_[id];
    if (service.workspace.IsNone() || !model_[service.workspace].isolated) return;
    for (const engine::ServiceInstance& instance : service.instances) {
      const bool front = !engine::GatewayBehind(model_, instance).IsNone();
      if (instance.workloads.empty() || front) continue;
      const engine::Guard* guard = engine::EnforcedGuard(model_, {instance.cluster, id, ""});
      for (const engine::ServicePort& port : instance.ports) {
        const std::vector<Candidate>& callers =
            servers_.Of(guard, id, instance.cluster, port).callers;
        const auto admitted = verifier::AdmittedTo(model_, id, instance.cluster);
        std::vector<Constraint> constraints;
        const Study study = verifier::Prepare(
            atlas_, &callers, [&](verifier::Space& space, verifier::Formulas& formulas) {
              const verifier::View view{.rule = nullptr, .port = port.number, .peer = nullptr};
              constraints = verifier::ConstraintsOf(space, formulas, model_, guard,
                                                    verifier::LayerOf(port), view);
              return std::vector<FormulaId>{space.CallerIs(
                  [&](const Candidate& c) { return verifier::IsForeign(admitted, c); })};
            });
        (void)Argue(
            study, callers, constraints, Json::array(),
            {{"law", nullptr}, {"server", numbers_.at({id, instance.cluster, port.number})}});
      }
    }
  }

  void ArgueLaw(const engine::Law& law) {
    const std::size_t number = json_["laws"].size();
    const Json assumed = Assumed(law.assumed);
    Json covers = Json::array();
    bool settled = false;
    for (const auto& [service, cluster] : verifier::InstancesOf(model_, law)) {
      const engine::ServiceInstance* instance = model_[service].In(cluster);
      if (instance == nullptr || instance->workloads.empty()) continue;
      covers.push_back({policy_.Name(service), model_[cluster].name});
      for (const engine::ServicePort& port : instance->ports) {
        if (settled) continue;  // it is violated already, or undecided
        const auto asked = verifier::StudyOf(model_, callers_, atlas_, law, service, cluster, port);
        settled =
            !Argue(asked->study, asked->callers, asked->constraints, assumed,
                   {{"law", number}, {"server", numbers_.at({service, cluster, port.number})}});
      }
    }
    json_["laws"].push_back({{"title", law.title},
                             {"asks", AsksOf(law)},
                             {"assumed", assumed},
                             {"covers", std::move(covers)}});
  }

  // Requests the law is about.
  [[nodiscard]] Json AsksOf(const engine::Law& law) const {
    const PolicyWriter::Seen seen;
    Json all = Json::array({policy_.Of(law.where, seen)});
    if (!law.from.empty()) all.push_back(policy_.Of(law.from, seen));
    if (law.mtls && *law.mtls) all.push_back(PolicyWriter::HasIdentity(seen));
    if (law.mtls && !*law.mtls) all.push_back({{"not", PolicyWriter::HasIdentity(seen)}});
    return {{"all", std::move(all)}};
  }

  [[nodiscard]] Json Assumed(const engine::Assumptions& assumed) const {
    static constexpr const char* kAnswers[] = {"allow", "deny", "unavailable"};
    Json axes = Json::array();
    for (const auto& [id, answer] : assumed.answers) {
      axes.push_back(AxisOf("authorizer", policy_.Name(id),
                            Json::array({kAnswers[static_cast<std::size_t>(answer)]})));
    }
    if (!assumed.within_limits) return axes;
    for (std::uint32_t i = 0; i < model_.limits.size(); ++i) {
      axes.push_back(AxisOf("limit", policy_.Name(engine::LimitId{i}), Json::array({"room"})));
    }
    for (std::uint32_t i = 0; i < model_.limiters.size(); ++i) {
      axes.push_back(
          AxisOf("limiter", policy_.Name(engine::LimiterId{i}), Json::array({"answers"})));
    }
    return axes;
  }

  // Adds the argument; `study.parts[0]` is what the question is about. True when nothing of that
  // gets in.
  bool Argue(const Study& study, const std::vector<Candidate>& callers,
             const std::vector<Constraint>& constraints, Json fixed, Json argument) {
    const auto add = [&](const char* key, Json value) {
      argument[key] = std::move(value);
      json_["arguments"].push_back(std::move(argument));
    };
    if (!study.decidable) {
      add("undecided", study.reason);
      return false;
    }
    const Json& port = json_["servers"][argument.at("server").get<std::size_t>()].at("port");
    fixed.push_back(AxisOf("port", "", Json::array({port.dump()})));
    std::vector<FormulaId> all;
    const std::vector<Reason> reasons = ReasonsOf(study.parts[0], constraints);
    for (const Reason& reason : reasons) all.push_back(reason.must_hold);
    const ArgumentWriter writer(policy_, study, callers);
    argument["axes"] = writer.AxesJson(fixed);
    const verifier::Found found =
        verifier::Ask(solver_, study, study.formulas->And(std::move(all)));
    if (found.verdict != verifier::Verdict::kUnsat) {
      if (found.Sat())
        add("request", writer.RequestJson(found.assignment, fixed));
      else
        add("undecided", found.reason);
      return false;
    }
    const verifier::Found about = verifier::Ask(solver_, study, study.parts[0]);
    if (about.Sat()) argument["about"] = writer.RequestJson(about.assignment, fixed);
    Json cells = writer.CellsJson(about.Sat() ? reasons : std::vector<Reason>{reasons.front()});
    if (cells.is_null())
      add("signed", "there are too many cells");
    else
      add("cells", std::move(cells));
    return true;
  }

  const Model& model_;
  const verifier::Report& report_;
  PolicyWriter policy_;
  verifier::Solver solver_;
  verifier::Callers callers_{model_};
  verifier::Atlas atlas_{model_};
  verifier::ServerStudies servers_{model_, callers_, atlas_};
  std::map<std::tuple<ServiceId, ClusterId, std::uint16_t>, std::size_t> numbers_;
  Json json_ = Json::object();
};

}  // namespace

Json Certify(const Model& model, const verifier::Report& report,
             const std::function<std::string(Span)>& place) {
  return Certifier(model, report, place).Write();
}

}  // namespace weft::prove
