#include "cli/baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "cli/codes.h"
#include "cli/output.h"
#include "cli/toml_file.h"
#include "emit/object.h"

namespace weft::cli {
namespace {

std::string LineWithoutBlanks(Span span, const SourceMap& sources) {
  if (!span.IsKnown() || !sources.Contains(span.file)) return "";
  std::string text(sources.Line(span.file, sources.Locate(span.file, span.begin).line));
  text.erase(std::remove_if(text.begin(), text.end(),
                            [](char c) { return c == ' ' || c == '\t' || c == '\r'; }),
             text.end());
  return text;
}

std::string FileOf(Span span, const SourceMap& sources) {
  return span.IsKnown() && sources.Contains(span.file) ? sources.Get(span.file).name : "";
}

// A TOML basic string is a JSON string.
std::string Quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

class EntryReader {
 public:
  EntryReader(Diagnostics& diagnostics, Baseline& baseline)
      : diagnostics_(diagnostics), baseline_(baseline) {}

  void Read(const TomlValue& entry) {
    static const std::vector<std::string> known = {"fingerprint", "until", "reason",
                                                   "code",        "file",  "message"};
    for (const TomlEntry& one : entry.entries) {
      if (std::find(known.begin(), known.end(), one.key) != known.end()) continue;
      Diagnostic& d = diagnostics_.Error(codes::kUnknownSetting, one.span,
                                         "there is no setting `" + one.key + "`");
      const std::string near = NearestName(one.key, known);
      if (!near.empty()) d.help = "did you mean `" + near + "`?";
    }
    const TomlValue* fingerprint = entry.Find("fingerprint");
    const TomlValue* until = entry.Find("until");
    if (fingerprint == nullptr || until == nullptr || !IsDay(until->text)) {
      diagnostics_.Error(codes::kUnreadableToml, until == nullptr ? entry.span : until->span,
                         "an acceptance has a `fingerprint`, and a date `until` which it holds");
      return;
    }
    const TomlValue* reason = entry.Find("reason");
    baseline_[fingerprint->text] = {until->text, reason == nullptr ? "" : reason->text,
                                    fingerprint->span};
  }

 private:
  Diagnostics& diagnostics_;
  Baseline& baseline_;
};

}  // namespace

std::vector<std::string> Fingerprints(const std::vector<Diagnostic>& findings,
                                      const SourceMap& sources) {
  std::vector<std::string> fingerprints;
  std::map<std::string, int> alike;
  for (const Diagnostic& d : findings) {
    const std::string digest =
        emit::Digest(CodeText(d.number) + "\n" + d.message + "\n" + FileOf(d.span, sources) + "\n" +
                     LineWithoutBlanks(d.span, sources));
    const int number = ++alike[digest];
    fingerprints.push_back(number == 1 ? digest : digest + "-" + std::to_string(number));
  }
  return fingerprints;
}

Baseline ReadBaseline(const Source& source, Diagnostics& diagnostics) {
  Baseline baseline;
  const std::optional<TomlValue> top = ReadToml(source, diagnostics);
  if (!top) return baseline;
  for (const TomlEntry& entry : top->entries) {
    if (entry.key != "accepted") {
      diagnostics.Error(codes::kUnknownSetting, entry.span,
                        "there is no setting `" + entry.key + "`; entries are `[[accepted]]`");
      continue;
    }
    for (const TomlValue& item : entry.value.items) {
      EntryReader(diagnostics, baseline).Read(item);
    }
  }
  return baseline;
}

std::string DayFromNow(int days) {
  namespace chrono = std::chrono;
  const auto day = chrono::floor<chrono::days>(chrono::system_clock::now()) + chrono::days(days);
  const chrono::year_month_day date(day);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

bool IsDay(const std::string& text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 4 || i == 7) continue;
    if (text[i] < '0' || text[i] > '9') return false;
  }
  const auto number = [&](std::size_t at, std::size_t size) {
    return std::stoi(text.substr(at, size));
  };
  return std::chrono::year_month_day(std::chrono::year(number(0, 4)),
                                     std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                     std::chrono::day(static_cast<unsigned>(number(8, 2))))
      .ok();
}

std::string BaselineText(const std::vector<Diagnostic>& findings, const SourceMap& sources,
                         const Baseline& known, const std::string& today,
                         const std::string& until) {
  std::string text =
      "# Findings accepted for now; `weft verify --baseline FILE` reports them again after their "
      "day.\n";
  const std::vector<std::string> fingerprints = Fingerprints(findings, sources);
  for (std::size_t i = 0; i < findings.size(); ++i) {
    const auto before = known.find(fingerprints[i]);
    const bool holds = before != known.end() && before->second.until >= today;
    text += fmt::format("\n[[accepted]]\nfingerprint = {}\nuntil = {}\nreason = {}\n",
                        Quoted(fingerprints[i]), holds ? before->second.until : until,
                        Quoted(holds ? before->second.reason : ""));
    text +=
        fmt::format("code = {}\nfile = {}\nmessage = {}\n", Quoted(CodeText(findings[i].number)),
                    Quoted(FileOf(findings[i].span, sources)), Quoted(findings[i].message));
  }
  return text;
}

}  // namespace weft::cli
