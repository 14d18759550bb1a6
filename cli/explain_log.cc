#include "cli/explain_log.h"

#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/access_log.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "emit/emit.h"
#include "engine/lower.h"

namespace weft::cli {
namespace {

using Json = nlohmann::ordered_json;
using engine::Outcome;

// What the policy says of one line.
struct Decided {
  LogEntry entry;
  engine::Request request;
  Outcome outcome;
  bool known_caller = false;
  std::vector<Span> lines;  // that decided
  bool agrees = false;      // the log tells the same end
};

class LogReader {
 public:
  LogReader(const Policy& policy, const RequestFlags& flags) : policy_(policy), flags_(flags) {
    const engine::Model& model = policy.model;
    for (const engine::Workload& w : model.workloads) {
      for (const std::string& address : w.addresses) {
        callers_.emplace(address, w.ns + "/" + w.account + "@" + model[w.cluster].name);
      }
    }
    Diagnostics unused;  // what cannot be emitted is named by no log
    for (const auto& [cluster, objects] : emit::EmitIstio(model, {}, unused)) {
      for (const emit::Object& object : objects) {
        if (object.kind == "AuthorizationPolicy") {
          policies_[{object.ns, object.name}] = object.sources;
        }
      }
    }
  }

  [[nodiscard]] Result<Decided> Read(const std::string& line) const {
    Result<LogEntry> entry = ParseLogLine(line);
    if (!entry.ok()) return Error{entry.error()};
    Decided decided{.entry = std::move(entry).value()};
    RequestFlags flags = flags_;
    const auto caller = callers_.find(decided.entry.caller_address);
    if (flags.from.empty() && caller != callers_.end() && !flags.to.starts_with("gateway:")) {
      flags.from = caller->second;
    }
    decided.known_caller = !flags.from.empty() || flags.to.starts_with("gateway:");
    FillIn(decided.entry, flags);
    if (flags.to.empty()) return Error{"the line says neither host nor service"};
    Result<engine::Request> request = MakeRequest(flags, policy_.model);
    if (!request.ok()) return Error{request.error()};
    decided.request = std::move(request).value();
    if (decided.entry.method.empty()) decided.request.layer = engine::Layer::kTcp;
    decided.outcome = engine::Evaluate(policy_.model, decided.request);
    decided.agrees = RefusedByProxy(decided.entry) != decided.outcome.AllowedSomewhere();
    decided.lines = LinesOf(decided);
    return decided;
  }

 private:
  static void FillIn(const LogEntry& entry, RequestFlags& flags) {
    if (!entry.method.empty()) flags.method = entry.method;
    if (!entry.path.empty()) flags.path = entry.path;
    if (!entry.user_agent.empty()) flags.headers.push_back("user-agent=" + entry.user_agent);
    if (flags.to.starts_with("gateway:")) {
      flags.headers.push_back("host=" + entry.authority.substr(0, entry.authority.find(':')));
    } else if (const std::string target = TargetOf(entry); !target.empty()) {
      flags.to = target;
    }
    if (!entry.caller_address.empty()) flags.source_ip = entry.caller_address;
  }

  // The policy that Envoy names is right where it and the evaluator meet; where they do not, its
  // lines are the answer, since it saw the whole request.
  [[nodiscard]] std::vector<Span> LinesOf(const Decided& decided) const {
    std::vector<Span> lines;
    for (const Span& span : decided.outcome.rules) {
      if (span.IsKnown()) lines.push_back(span);
    }
    const MatchedPolicy matched = PolicyOf(decided.entry);
    const auto named = policies_.find({matched.ns, matched.name});
    if (named == policies_.end()) return lines;
    std::vector<Span> both;
    for (const Span& span : lines) {
      const auto& of = named->second;
      if (std::find(of.begin(), of.end(), span) != of.end()) both.push_back(span);
    }
    return both.empty() ? named->second : both;
  }

  const Policy& policy_;
  const RequestFlags& flags_;
  std::map<std::string, std::string> callers_;  // NS/SA@CLUSTER by address
  std::map<std::pair<std::string, std::string>, std::vector<Span>> policies_;
};

std::string RuleText(Span span, const SourceMap& sources) {
  std::string_view line = sources.Line(span.file, sources.Locate(span.file, span.begin).line);
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  return std::string(line);
}

std::string HumanText(const Policy& policy, std::size_t number, const Decided& decided) {
  const LogEntry& entry = decided.entry;
  std::string text =
      fmt::format("{}: {} {}{} {}  {}\n", number, entry.method.empty() ? "connect" : entry.method,
                  entry.authority.empty() ? TargetOf(entry) : entry.authority, entry.path,
                  entry.status, engine::OutcomeText(policy.model, decided.outcome));
  std::set<std::string> seen;
  for (const Span& span : decided.lines) {
    const std::string line = fmt::format("    by {}  {}\n", policy.inputs.sources.FileLine(span),
                                         RuleText(span, policy.inputs.sources));
    if (seen.insert(line).second) text += line;
  }
  if (!decided.known_caller) text += "    the caller is not known; --from says who it is\n";
  if (!decided.agrees) {
    text += fmt::format("    but the log says it was {}{}\n",
                        RefusedByProxy(entry) ? "refused" : "let through",
                        entry.details.empty() ? "" : ": " + entry.details);
  }
  return text;
}

Json LogJson(const Policy& policy, std::size_t number, const Decided& decided) {
  const LogEntry& entry = decided.entry;
  const engine::Block* block = decided.outcome.FirstBlock();
  Json json = {{"line", number},     {"method", entry.method}, {"host", entry.authority},
               {"path", entry.path}, {"status", entry.status}, {"details", entry.details}};
  json["outcome"] = decided.outcome.AllowedSomewhere() ? "served" : "blocked";
  json["stage"] = block == nullptr ? Json() : Json(engine::StageName(block->stage));
  json["callerKnown"] = decided.known_caller;
  json["agrees"] = decided.agrees;
  json["rules"] = Json::array();
  for (const Span& span : decided.lines) {
    Json rule = PlaceJson(span, policy.inputs.sources);
    rule["text"] = RuleText(span, policy.inputs.sources);
    json["rules"].push_back(std::move(rule));
  }
  return json;
}

// One object for each line, so that a log without end can be read.
int Explain(std::istream& log, const Policy& policy, const RequestFlags& flags, Format format) {
  const LogReader reader(policy, flags);
  std::size_t number = 0;
  std::size_t bad = 0;
  std::size_t read = 0;
  for (std::string line; std::getline(log, line);) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    ++read;
    const Result<Decided> decided = reader.Read(line);
    if (!decided.ok()) {
      ++bad;
      std::fprintf(stderr, "weft: line %zu: %s\n", number, decided.error().c_str());
    } else if (format == Format::kJson) {
      PrintText(LogJson(policy, number, decided.value())
                    .dump(-1, ' ', false, Json::error_handler_t::replace));
    } else {
      std::fputs(HumanText(policy, number, decided.value()).c_str(), stdout);
    }
  }
  if (bad > 0) {
    std::fprintf(stderr, "weft: %s of %zu could not be read\n", CountText(bad, "line").c_str(),
                 read);
  }
  return read > 0 && bad == read ? kExitCannot : policy.ExitCode();
}

}  // namespace

int ExplainLog(const Policy& policy, const std::string& file, const RequestFlags& flags,
               Format format) {
  if (file == "-") return Explain(std::cin, policy, flags, format);
  std::ifstream log(file);
  const bool directory = relay::Disk().KindOf(file) == relay::Tree::Kind::kDirectory;
  if (!log || directory) {
    std::fprintf(stderr, "weft: `%s` %s\n", file.c_str(),
                 directory ? "is a directory" : "cannot be read");
    return kExitCannot;
  }
  return Explain(log, policy, flags, format);
}

}  // namespace weft::cli
