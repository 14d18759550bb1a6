#include "cli/plan_text.h"

#include <fmt/format.h>

#include <sstream>
#include <string_view>

#include "dsl/render.h"

namespace weft::cli {
namespace {

using verifier::Change;
using verifier::ChangeKind;

std::string_view Title(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::kNewlyAllowed:
      return "newly allowed";
    case ChangeKind::kMtlsWeakened:
      return "mTLS weakened";
    case ChangeKind::kNewlyBlocked:
      return "newly blocked";
    case ChangeKind::kMtlsStrengthened:
      return "mTLS strengthened";
    case ChangeKind::kRerouted:
      return "rerouted";
    case ChangeKind::kFailover:
      return "failover changed";
    case ChangeKind::kLimited:
      return "limit changed";
    case ChangeKind::kTimeout:
      return "timeout changed";
    case ChangeKind::kRetries:
      return "retries changed";
    case ChangeKind::kHandled:
      return "handled differently";
    case ChangeKind::kSettings:
      return "settings changed";
  }
  return "";
}

// Red for what lets more happen, yellow for what lets less happen, blue for the rest.
int ColorOf(ChangeKind kind) {
  if (verifier::Widens(kind)) return 31;
  return kind == ChangeKind::kNewlyBlocked || kind == ChangeKind::kMtlsStrengthened ? 33 : 36;
}

char SignOf(ChangeKind kind) {
  if (verifier::Widens(kind)) return '!';
  return kind == ChangeKind::kNewlyBlocked ? 'x' : '~';
}

std::string ListText(const std::set<std::string>& names) {
  constexpr std::size_t kMost = 6;
  std::string text;
  std::size_t count = 0;
  for (const std::string& name : names) {
    if (count++ == kMost) break;
    text += (text.empty() ? "" : ", ") + name;
  }
  if (names.size() > kMost) text += fmt::format(" and {} more", names.size() - kMost);
  return text;
}

std::string CallersText(const Change& change) {
  std::string text = ListText(change.callers);
  const auto add = [&](const char* words) {
    text += (text.empty() ? "" : "; ") + std::string(words);
  };
  if (change.future_callers) add("workloads that may be deployed");
  if (change.anonymous_callers) add("anyone without mTLS identity");
  return text.empty() ? "none that is discovered" : text;
}

std::string Scope(const Change& change) {
  const std::string callers = change.callers.empty() && change.anonymous_callers
                                  ? "anyone without mTLS identity"
                                  : CountText(change.callers.size(), "discovered caller");
  return callers + ", " + CountText(change.destinations.size(), "destination");
}

std::string SummaryText(const PlanResult& result) {
  std::string text;
  for (const auto& [kind, count] : KindCounts(result)) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, Title(kind));
  }
  const bool decided = result.report.undecided.empty() && result.report.unconfirmed == 0;
  if (!decided)
    text += text.empty() ? "whether requests are treated differently is not decided"
                         : ", not all decided";
  return text.empty() ? "no request is treated differently" : text;
}

std::string ObjectsText(const PlanResult& result) {
  if (!result.emitted) return "what cannot be emitted cannot be compared";
  if (result.objects.empty()) return "none changes";
  const ObjectCounts counts = CountObjects(result);
  return fmt::format("{} to add, {} to change, {} to remove", counts.added, counts.changed,
                     counts.removed);
}

// "- file:line  text", then those of the other side.
std::vector<std::string> CauseLines(const PlanResult& result, const Change& change) {
  std::vector<std::string> lines;
  const auto add = [&](const std::vector<Span>& spans, const SourceMap& sources, char sign) {
    constexpr std::size_t kMost = 8;
    for (std::size_t i = 0; i < spans.size() && i < kMost; ++i) {
      lines.push_back(
          fmt::format("{} {}  {}", sign, sources.FileLine(spans[i]), LineText(spans[i], sources)));
    }
    if (spans.size() > kMost)
      lines.push_back(fmt::format("{} and {} more", sign, spans.size() - kMost));
  };
  add(change.before, result.before.inputs.sources, '-');
  add(change.after, result.after.inputs.sources, '+');
  return lines;
}

std::string KeyText(const relay::ObjectKey& key) {
  return fmt::format("{} {}/{}", key.kind.substr(0, key.kind.find('.')), key.ns, key.name);
}

std::string StepText(const RolloutStep& step) {
  std::string text;
  const auto add = [&](const std::vector<relay::ObjectKey>& keys, const char* verb) {
    constexpr std::size_t kMost = 4;
    for (std::size_t i = 0; i < keys.size() && i < kMost; ++i) {
      text += (text.empty() ? "" : ", ") + std::string(i == 0 ? verb : "") + KeyText(keys[i]);
    }
    if (keys.size() > kMost) text += fmt::format(" and {} more", keys.size() - kMost);
  };
  add(step.applied, "apply ");
  add(step.removed, "remove ");
  return text;
}

std::string ObjectLine(const emit::ObjectChange& change) {
  const char sign = change.kind == emit::ObjectChange::Kind::kAdded     ? '+'
                    : change.kind == emit::ObjectChange::Kind::kRemoved ? '-'
                                                                        : '~';
  return fmt::format("{} {} {}/{}", sign, change.object_kind, change.ns, change.name);
}

std::string StepsText(const std::vector<RolloutStep>& steps) {
  std::string text;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    text += fmt::format("{}. {}\n", i + 1, StepText(steps[i]));
  }
  return text;
}

std::string ObjectsKey(const std::vector<emit::ObjectChange>& changes) {
  std::string key;
  for (const emit::ObjectChange& change : changes) key += ObjectLine(change) + change.difference;
  return key;
}

// Clusters to which the same happens, named together, in the order of the first of each.
template <typename Changes, typename Key>
std::vector<std::pair<std::string, const Changes*>> Together(
    const std::map<std::string, Changes>& by_cluster, Key key_of) {
  std::vector<std::pair<std::string, const Changes*>> groups;
  std::map<std::string, std::size_t> known;
  for (const auto& [cluster, changes] : by_cluster) {
    const auto [at, fresh] = known.try_emplace(key_of(changes), groups.size());
    if (fresh) {
      groups.emplace_back(cluster, &changes);
    } else {
      groups[at->second].first += ", " + cluster;
    }
  }
  return groups;
}

std::string Indented(const std::string& text, const char* blanks) {
  std::string indented;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) indented += blanks + line + "\n";
  return indented;
}

std::string UndecidedText(const PlanResult& result, const char* bullet) {
  std::string text;
  for (const std::string& one : result.report.undecided) text += bullet + one + "\n";
  if (result.report.unconfirmed > 0) {
    text += fmt::format(
        "{}{} found that the reference evaluator does not confirm: a mistake of weft, please "
        "report it\n",
        bullet, CountText(result.report.unconfirmed, "difference"));
  }
  return text;
}

// A part in a Markdown code span may not hold a back quote.
std::string Code(std::string text) {
  for (char& c : text) {
    if (c == '`') c = '\'';
  }
  return "`" + text + "`";
}

}  // namespace

std::string LineText(Span span, const SourceMap& sources) {
  if (!span.IsKnown()) return "";
  std::string_view line = sources.Line(span.file, sources.Locate(span.file, span.begin).line);
  const std::size_t first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "";
  line.remove_prefix(first);
  return std::string(line.substr(0, line.find_last_not_of(" \t\r") + 1));
}

std::map<ChangeKind, std::size_t> KindCounts(const PlanResult& result) {
  std::map<ChangeKind, std::size_t> counts;
  for (const Change& change : result.report.changes) ++counts[change.kind];
  return counts;
}

ObjectCounts CountObjects(const PlanResult& result) {
  ObjectCounts counts;
  for (const auto& [cluster, changes] : result.objects) {
    for (const emit::ObjectChange& change : changes) {
      switch (change.kind) {
        case emit::ObjectChange::Kind::kAdded:
          ++counts.added;
          break;
        case emit::ObjectChange::Kind::kChanged:
          ++counts.changed;
          break;
        case emit::ObjectChange::Kind::kRemoved:
          ++counts.removed;
          break;
      }
    }
  }
  return counts;
}

std::string PlanHuman(const PlanResult& result, bool color) {
  const auto paint = [&](const std::string& text, int code) {
    return color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
  };
  std::string text;
  for (const Change& change : result.report.changes) {
    const std::string title = fmt::format("{} {}", SignOf(change.kind), Title(change.kind));
    text += paint(title, ColorOf(change.kind)) + "   " + Scope(change) + "\n";
    for (const std::string& line : CauseLines(result, change)) {
      text += "    " + paint(line, line.front() == '-' ? 31 : 32) + "\n";
    }
    for (const std::string& line : change.request) text += "  " + line + "\n";
    text += "    before " + change.was + "\n    after  " + change.now + "\n";
    text += "    who    " + CallersText(change) + "\n";
    text += "    to     " + ListText(change.destinations) + "\n\n";
  }
  const std::string undecided = UndecidedText(result, "  ");
  if (!undecided.empty()) text += "undecided\n" + undecided + "\n";
  for (const auto& [clusters, changes] : Together(result.objects, ObjectsKey)) {
    text += "objects on " + clusters + "\n";
    for (const emit::ObjectChange& change : *changes) {
      const std::string line = ObjectLine(change);
      text += "  " + paint(line, line.front() == '-' ? 31 : line.front() == '+' ? 32 : 33) + "\n";
      text += Indented(change.difference, "      ");
    }
    text += "\n";
  }
  for (const auto& [clusters, steps] : Together(result.rollout, StepsText)) {
    text += "rollout on " + clusters + "\n" + Indented(StepsText(*steps), "  ") + "\n";
  }
  return text + SummaryText(result) + "; objects: " + ObjectsText(result);
}

std::string PlanMarkdown(const PlanResult& result) {
  std::string text =
      "## weft plan against " + Code(result.against) + "\n\n**" + SummaryText(result) + "**\n";
  for (const Change& change : result.report.changes) {
    text += fmt::format("\n### {}{}\n\n{}\n\n", verifier::Widens(change.kind) ? "⚠️ " : "",
                        Title(change.kind), Scope(change));
    text += "```diff\n";
    for (const std::string& line : CauseLines(result, change)) text += line + "\n";
    text += "```\n\n```text\n";
    for (const std::string& line : change.request) text += line.substr(2) + "\n";
    text += "before " + change.was + "\nafter  " + change.now + "\n```\n\n";
    text += "- who: " + Code(CallersText(change)) +
            "\n- to: " + Code(ListText(change.destinations)) + "\n";
  }
  const std::string undecided = UndecidedText(result, "- ");
  if (!undecided.empty()) text += "\n### undecided\n\n" + undecided;
  if (result.objects.empty()) return text + "\nObjects: " + ObjectsText(result);
  text += "\n<details><summary>Objects: " + ObjectsText(result) + "</summary>\n\n```diff\n";
  for (const auto& [clusters, changes] : Together(result.objects, ObjectsKey)) {
    for (const emit::ObjectChange& change : *changes) {
      text += "# " + clusters + ": " + ObjectLine(change) + "\n" + change.difference;
    }
  }
  text += "```\n\n</details>\n\n<details><summary>Rollout order</summary>\n\n";
  for (const auto& [clusters, steps] : Together(result.rollout, StepsText)) {
    text += clusters + ":\n\n" + StepsText(*steps) + "\n";
  }
  return text + "</details>";
}

}  // namespace weft::cli
