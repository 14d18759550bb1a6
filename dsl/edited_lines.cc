#include "dsl/edited_lines.h"

#include <algorithm>
#include <dtl/dtl.hpp>
#include <sstream>

namespace weft {
namespace {

std::vector<std::string> LinesOf(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

using Difference = dtl::Diff<std::string, std::vector<std::string>>;

void PairUp(const std::vector<std::size_t>& gone, const std::vector<std::size_t>& fresh,
            LineChanges& changes) {
  constexpr std::size_t kShort = 3;
  const bool one_for_one = gone.size() == fresh.size();
  if (!one_for_one && (gone.size() > kShort || fresh.size() > kShort)) return;
  for (std::size_t i = 0; i < gone.size(); ++i) {
    for (std::size_t j = 0; j < fresh.size(); ++j) {
      if (one_for_one && i != j) continue;
      changes.replaced_by[gone[i]].push_back(fresh[j]);
      changes.replaces[fresh[j]].push_back(gone[i]);
    }
  }
}

}  // namespace

LineChanges CompareLines(std::string_view before, std::string_view after) {
  const std::vector<std::string> old_lines = LinesOf(before);
  const std::vector<std::string> lines = LinesOf(after);
  LineChanges changes{std::vector<bool>(old_lines.size(), false),
                      std::vector<bool>(lines.size(), false)};
  if (before == after) return changes;
  Difference difference(old_lines, lines);
  difference.onHuge();
  difference.compose();
  std::vector<std::size_t> gone;
  std::vector<std::size_t> fresh;
  const auto pair_up = [&] {
    PairUp(gone, fresh, changes);
    gone.clear();
    fresh.clear();
  };
  for (const auto& [line, info] : difference.getSes().getSequence()) {
    // Numbers are 1-based, in the text the line comes from.
    if (info.type == dtl::SES_DELETE) {
      gone.push_back(static_cast<std::size_t>(info.beforeIdx - 1));
      changes.before[gone.back()] = true;
    } else if (info.type == dtl::SES_ADD) {
      fresh.push_back(static_cast<std::size_t>(info.afterIdx - 1));
      changes.after[fresh.back()] = true;
    } else {
      pair_up();
    }
  }
  pair_up();
  return changes;
}

std::string UnifiedDiff(std::string_view before, std::string_view after) {
  if (before == after) return "";
  Difference difference(LinesOf(before), LinesOf(after), true);
  difference.onHuge();
  difference.compose();
  difference.composeUnifiedHunks();
  std::ostringstream text;
  difference.printUnifiedFormat(text);
  return text.str();
}

EditedLines::EditedLines(const SourceMap& before, const SourceMap& after)
    : before_(before), after_(after) {
  const auto index = [](const SourceMap& sources, std::map<std::string, FileId>& files) {
    for (std::uint32_t i = 0; i < sources.size(); ++i)
      files.emplace(sources.Get({i}).name, FileId{i});
  };
  index(before, old_files_);
  index(after, files_);
}

const LineChanges& EditedLines::ChangesOf(const std::string& name) {
  const auto [known, fresh] = changes_.try_emplace(name);
  if (!fresh) return known->second;
  const auto text = [&](const SourceMap& sources, const std::map<std::string, FileId>& files) {
    const auto at = files.find(name);
    return at == files.end() ? std::string_view() : std::string_view(sources.Get(at->second).text);
  };
  return known->second = CompareLines(text(before_, old_files_), text(after_, files_));
}

void EditedLines::AddLine(const SourceMap& sources, FileId file, std::size_t line,
                          std::vector<Span>& lines) {
  const std::string_view text = sources.Line(file, static_cast<std::uint32_t>(line));
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return;
  const auto start = static_cast<std::uint32_t>(text.data() - sources.Get(file).text.data());
  lines.push_back({file, start + static_cast<std::uint32_t>(first),
                   start + static_cast<std::uint32_t>(text.size())});
}

std::vector<Span> EditedLines::Opposite(bool after, Span line) {
  std::vector<Span> lines;
  if (!line.IsKnown()) return lines;
  const SourceMap& sources = after ? after_ : before_;
  const std::string& name = sources.Get(line.file).name;
  const LineChanges& changes = ChangesOf(name);
  const auto& pairs = after ? changes.replaces : changes.replaced_by;
  const auto& files = after ? old_files_ : files_;
  const auto file = files.find(name);
  const auto found = pairs.find(sources.Locate(line.file, line.begin).line - 1);
  if (file == files.end() || found == pairs.end()) return lines;
  for (const std::size_t other : found->second) {
    AddLine(after ? before_ : after_, file->second, other + 1, lines);
  }
  return lines;
}

std::vector<Span> EditedLines::All(bool after) {
  const SourceMap& sources = after ? after_ : before_;
  std::vector<Span> edited;
  for (const auto& [name, file] : after ? files_ : old_files_) {
    const LineChanges& changes = ChangesOf(name);
    const std::vector<bool>& lines = after ? changes.after : changes.before;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (!lines[i]) continue;
      std::string_view text = sources.Line(file, static_cast<std::uint32_t>(i + 1));
      text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
      if (!text.starts_with("//") && !text.starts_with("#")) AddLine(sources, file, i + 1, edited);
    }
  }
  return edited;
}

std::vector<Span> EditedLines::Within(bool after, Span span) {
  std::vector<Span> edited;
  if (!span.IsKnown()) return edited;
  const SourceMap& sources = after ? after_ : before_;
  const Source& source = sources.Get(span.file);
  const LineChanges& changes = ChangesOf(source.name);
  const std::vector<bool>& lines = after ? changes.after : changes.before;
  const std::uint32_t last = span.end > span.begin ? span.end - 1 : span.end;
  const std::uint32_t from = sources.Locate(span.file, span.begin).line;
  const std::uint32_t to = sources.Locate(span.file, last).line;
  for (std::uint32_t line = from; line <= to && line <= lines.size(); ++line) {
    if (lines[line - 1]) AddLine(sources, span.file, line, edited);
  }
  return edited;
}

}  // namespace weft
