#include "checker/checker.h"

#include <algorithm>
#include <exception>
#include <set>

#include "checker/parts.h"

namespace weft::checker {
namespace {

using Why = Refusal::Why;

bool Has(const Json& list, const Json& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// One argument: what a server decides with, a question about it, and cells or a request.
class Argument {
 public:
  // `law` is null for isolation.
  Argument(const Json& axes, const Json& server, const Json* law, std::string where)
      : guard_(server.at("guard")), law_(law), where_(std::move(where)), requests_(axes) {
    const Json shared = {{"workspaces", server.at("shared_with")}};
    const Json inside = {{"axis", "caller"}, {"name", ""}, {"is", Json::array({shared})}};
    asks_ = law_ != nullptr ? law_->at("asks") : Json{{"not", inside}};
    std::vector<const Json*> conditions{&asks_};
    for (const char* list : {"demands", "deny", "allow"}) {
      for (const Json& one : guard_.at(list)) conditions.push_back(&one.at("when"));
    }
    requests_.CheckCover(conditions, where_ + "/axes");
    for (const Json& axis : axes) CheckFixed(axis, server.at("port"));
  }

  // The request is what is asked about, and when `passes` the server lets it in.
  void CheckRequest(const Json& values, bool passes) const {
    const Box box = requests_.One(values);
    const bool asked = !requests_.Holds(asks_, box).fails;
    if (!asked) Refuse(Why::kDoesNotFollow, where_, "has a request it is not about");
    if (!passes) return;
    const auto all = [&](const char* list, bool hold) {
      return std::all_of(guard_.at(list).begin(), guard_.at(list).end(), [&](const Json& one) {
        return requests_.Holds(one.at("when"), box).holds == hold;
      });
    };
    if (all("demands", true) && all("deny", false) && !Holds("closed", box)) return;
    Refuse(Why::kDoesNotFollow, where_ + "/request", "does not get in");
  }

  // The cells are all requests, and in each the reason holds. True when every reason is that
  // nothing is asked about the cell.
  bool CheckCells(const Json& cells) const {
    std::vector<std::pair<std::size_t, Box>> open{{0, requests_.Everything()}};
    std::set<std::size_t> seen;
    bool empty = true;
    while (!open.empty()) {
      const auto [at, box] = std::move(open.back());
      open.pop_back();
      const std::string where = where_ + "/cells/" + std::to_string(at);
      if (!seen.insert(at).second) Refuse(Why::kDoesNotFollow, where, "is there for two parts");
      const Json& cell = cells.at(at);
      if (cell.is_string()) {
        if (!Holds(cell, box)) Refuse(Why::kDoesNotFollow, where, "is not so: " + cell.dump());
        empty = empty && cell == "other";
        continue;
      }
      Box yes = box, no = box;
      const std::size_t axis = cell.at(0);
      yes.at(axis).assign(box[axis].size(), false);
      for (const std::size_t value : cell.at(1)) {
        yes[axis].at(value) = box[axis].at(value);
        no[axis].at(value) = false;
      }
      open.emplace_back(cell.at(2), std::move(yes));
      open.emplace_back(cell.at(3), std::move(no));
    }
    if (seen.size() != cells.size()) Refuse(Why::kDoesNotFollow, where_, "has cells of nothing");
    return empty;
  }

 private:
  // The port is that of the server; what others answer has every value, but for what the law takes
  // for granted.
  void CheckFixed(const Json& axis, const Json& port) const {
    const std::map<std::string, Json> all = {{"port", Json::array({port.dump()})},
                                             {"token", {"absent", "valid", "invalid"}},
                                             {"authorizer", {"allow", "deny", "unavailable"}},
                                             {"limit", {"room", "exhausted"}},
                                             {"limiter", {"answers", "silent"}}};
    const auto values = all.find(axis.at("axis"));
    if (values == all.end() || axis.at("values") == values->second) return;
    if (law_ != nullptr && Has(law_->at("assumed"), axis)) return;
    Refuse(Why::kDoesNotFollow, where_ + "/axes", "leaves out answers: " + axis.dump());
  }

  // No request of the cell is a counterexample, for this reason.
  [[nodiscard]] bool Holds(const std::string& reason, const Box& box) const {
    const auto when = [&](const Json& one) { return requests_.Holds(one.at("when"), box); };
    if (reason == "other") return !requests_.Holds(asks_, box).holds;
    if (reason == "closed") {
      const Json& allow = guard_.at("allow");
      return guard_.at("closed") == true &&
             std::none_of(allow.begin(), allow.end(), [&](auto& one) { return when(one).holds; });
    }
    const std::size_t space = std::min(reason.find(' '), reason.size() - 1);
    const std::size_t number = std::stoul(reason.substr(space));
    if (reason.starts_with("deny ")) return !when(guard_.at("deny").at(number)).fails;
    return reason.starts_with("demand ") && !when(guard_.at("demands").at(number)).holds;
  }

  const Json& guard_;
  const Json* law_;
  Json asks_;  // isolation: callers the service is not shared with
  std::string where_;
  Requests requests_;
};

// What the arguments of one property of one subject come to.
struct Established {
  bool violated = false, undecided = false, taken = false, about = false;
};

class Certificate {
 public:
  Certificate(const Json& json, Accepted& accepted) : json_(json), accepted_(accepted) {
    for (const Json& w : json_.at("workspaces")) {
      for (const Json& ns : w.at("namespaces")) owned_.emplace(w.at("name"), ns);
    }
  }

  // Sets `where` to what it looks at.
  void Check(std::string& where) {
    if (json_.at("format") != 1) Refuse(Why::kUnreadable, "/format", "is not known here");
    CheckServers();
    const Json& arguments = json_.at("arguments");
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      where = "/arguments/" + std::to_string(i);
      CheckArgument(arguments[i], where);
    }
    where = "/";
    CheckComplete();
    CheckVerdicts();
  }

 private:
  // The servers are the ports of the destinations.
  void CheckServers() const {
    Json wanted = Json::array(), found = Json::array();
    for (const Json& d : json_.at("destinations")) {
      for (const Json& port : d.at("ports")) {
        wanted.push_back({d.at("service"), d.at("cluster"), port});
      }
    }
    for (const Json& s : json_.at("servers")) {
      found.push_back({s.at("service"), s.at("cluster"), s.at("port")});
    }
    if (wanted != found) Refuse(Why::kDoesNotFollow, "/servers", "are not /destinations' ports");
  }

  // A caller counts as of a workspace only if its namespace does.
  void CheckCallers(const Json& axes, const std::string& where) const {
    bool unknown = false;
    for (const Json& axis : axes) {
      if (axis.at("axis") != "caller") continue;
      for (const Json& caller : axis.at("values")) {
        const Json& identity = caller.at("identity");
        const Json& workspace = caller.at("workspace");
        unknown = unknown || identity.is_null();
        if (identity.is_null() || workspace.is_null()) continue;
        if (owned_.contains(std::pair(workspace, identity.at("ns")))) continue;
        Refuse(Why::kDoesNotFollow, where, "has a caller that is not of " + workspace.dump());
      }
    }
    if (!unknown) Refuse(Why::kDoesNotFollow, where, "leaves out callers without identity");
  }

  void CheckArgument(const Json& json, const std::string& where) {
    const Json& server = json_.at("servers").at(json.at("server").get<std::size_t>());
    const Json* law = nullptr;
    if (!json.at("law").is_null()) law = &json_.at("laws").at(json.at("law").get<std::size_t>());
    const bool fresh = argued_.emplace(json.at("law"), json.at("server")).second;
    if (!fresh) Refuse(Why::kDoesNotFollow, where, "is there twice");
    Established& so_far =
        law == nullptr ? Of("isolation", server.at("workspace")) : Of("prove", law->at("title"));
    ++accepted_.arguments;
    so_far.undecided = so_far.undecided || json.contains("undecided");
    so_far.taken = so_far.taken || json.contains("signed");
    if (json.contains("undecided") || json.contains("signed")) return;
    CheckCallers(json.at("axes"), where);
    const Argument argument(json.at("axes"), server, law, where);
    if (json.contains("request")) {
      argument.CheckRequest(json.at("request"), true);
      so_far.violated = true;
      return;
    }
    if (json.contains("about")) {
      argument.CheckRequest(json.at("about"), false);
      so_far.about = true;
    }
    if (!argument.CheckCells(json.at("cells")) && !json.contains("about")) {
      Refuse(Why::kDoesNotFollow, where, "gives reasons for what it is not about");
    }
    accepted_.cells += json.at("cells").size();
  }

  // Isolation at every port of an isolated workspace and each law at each port it covers have an
  // argument; the rest of a law that is violated or undecided is not asked.
  void CheckComplete() {
    const Json& servers = json_.at("servers");
    const auto want = [&](const Json& law, std::size_t server) {
      if (argued_.contains(std::pair(law, Json(server)))) return;
      const std::string place = "/servers/" + std::to_string(server);
      Refuse(Why::kDoesNotFollow, "/arguments", "say nothing of " + place + ", law " + law.dump());
    };
    for (const Json& w : json_.at("workspaces")) {
      (void)Of("isolation", w.at("name"));
      for (std::size_t s = 0; s < servers.size(); ++s) {
        const Json& of = servers[s].at(servers[s].at("gateway") == true ? "gateway" : "workspace");
        if (of == w.at("name") && w.at("isolated") == true) want({}, s);
      }
    }
    for (std::size_t i = 0; i < json_.at("laws").size(); ++i) {
      const Json& law = json_.at("laws")[i];
      const Established& so_far = Of("prove", law.at("title"));
      if (so_far.violated || so_far.undecided) continue;
      for (std::size_t s = 0; s < servers.size(); ++s) {
        const Json place = Json::array({servers[s].at("service"), servers[s].at("cluster")});
        if (Has(law.at("covers"), place)) want(i, s);
      }
    }
    for (const Json& f : json_.at("forwards")) {
      const Json& owner = f.at("owner");
      const bool shared = owner == f.at("from") || Has(f.at("shared_with"), f.at("from"));
      if (!shared && !owner.is_null()) Of("isolation", owner).violated = true;
    }
  }

  void CheckVerdicts() {
    for (const Json& p : json_.at("properties")) {
      const std::string name = p.at("property");
      const std::string verdict = p.at("verdict");
      ++accepted_.verdicts[verdict];
      const auto found = established_.find({name, p.at("subject")});
      const bool taken = found == established_.end() || found->second.taken;
      ++(taken ? accepted_.taken : accepted_.established)[name];
      if (found == established_.end()) continue;
      const Established e = found->second;
      established_.erase(found);
      const std::string follows = e.violated                              ? "violated"
                                  : e.undecided                           ? "undecided"
                                  : name == "prove" && !e.about && !taken ? "empty"
                                                                          : "proved";
      if (verdict == follows) continue;
      const std::string what = name + " of " + p.at("subject").dump() + " is " + verdict;
      Refuse(Why::kDoesNotFollow, "/properties", "say " + what + ", not " + follows);
    }
    if (established_.empty()) return;
    Refuse(Why::kDoesNotFollow, "/properties", "lack " + established_.begin()->first.second);
  }

  Established& Of(const std::string& property, const std::string& subject) {
    return established_[{property, subject}];
  }

  const Json& json_;
  Accepted& accepted_;
  std::set<std::pair<Json, Json>> owned_;   // workspace and namespace
  std::set<std::pair<Json, Json>> argued_;  // law (null: isolation) and server
  std::map<std::pair<std::string, std::string>, Established> established_;
};

}  // namespace

std::variant<Accepted, Refusal> Check(const std::string& text, const std::string& key) {
  std::string where = "/";
  try {
    Accepted accepted;
    const Json json = ReadDocument(text, key, accepted.signer);
    accepted.version = json.at("weft");
    for (const Json& input : json.at("inputs")) {
      if (input.at("library") == false) accepted.inputs[input.at("path")] = input.at("sha256");
    }
    Certificate(json, accepted).Check(where);
    return accepted;
  } catch (const Refusal& refusal) {
    return refusal;
  } catch (const std::exception& error) {
    return Refusal{Why::kDoesNotFollow, where, error.what()};
  }
}

}  // namespace weft::checker
