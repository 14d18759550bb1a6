#include "dsl/diagnostic.h"

#include <algorithm>
#include <cctype>
#include <tuple>
#include <utility>

namespace weft {
namespace {

char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

// Optimal string alignment distance without regard to case.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t cost = Lower(a[i - 1]) == Lower(b[j - 1]) ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + cost});
      const bool swapped = i > 1 && j > 1 && Lower(a[i - 1]) == Lower(b[j - 2]) &&
                           Lower(a[i - 2]) == Lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

auto Key(const Diagnostic& d) { return std::tie(d.span.file, d.span.begin, d.number, d.message); }

}  // namespace

Diagnostic& Diagnostics::Add(Diagnostic diagnostic) {
  const auto at = index_.find({diagnostic.span, diagnostic.number, diagnostic.message});
  if (at != index_.end()) {
    Diagnostic& first = items_[at->second];
    for (std::string& cluster : diagnostic.clusters) first.clusters.push_back(std::move(cluster));
    std::sort(first.clusters.begin(), first.clusters.end());
    first.clusters.erase(std::unique(first.clusters.begin(), first.clusters.end()),
                         first.clusters.end());
    return first;
  }
  const std::size_t each = diagnostic.Count();
  if (diagnostic.severity == Severity::kError) errors_ += each;
  if (diagnostic.severity == Severity::kWarning) warnings_ += each;
  Alike& alike = alike_[{diagnostic.span.file, diagnostic.number}];
  if (diagnostic.more > 0 || (diagnostic.span.IsKnown() && alike.kept >= kMostAlike) ||
      items_.size() >= kMostKept) {
    const std::size_t more = alike.last.more + each;
    alike.last = std::move(diagnostic);  // what is added to it goes with it
    alike.last.more = more;
    return alike.last;
  }
  ++alike.kept;
  index_.try_emplace({diagnostic.span, diagnostic.number, diagnostic.message}, items_.size());
  items_.push_back(std::move(diagnostic));
  return items_.back();
}

Diagnostic& Diagnostics::Error(const Code& code, Span span, std::string message) {
  return Add({.severity = Severity::kError,
              .number = code.number,
              .name = code.name,
              .message = std::move(message),
              .span = span});
}

Diagnostic& Diagnostics::Warning(const Code& code, Span span, std::string message) {
  return Add({.severity = Severity::kWarning,
              .number = code.number,
              .name = code.name,
              .message = std::move(message),
              .span = span});
}

std::vector<Diagnostic> Diagnostics::Sorted() const {
  std::vector<Diagnostic> sorted(items_.begin(), items_.end());
  for (const auto& [key, alike] : alike_) {
    if (alike.last.more == 0) continue;
    Diagnostic rest;
    rest.severity = alike.last.severity;
    rest.number = alike.last.number;
    rest.name = alike.last.name;
    rest.span = alike.last.span;
    rest.more = alike.last.more;
    rest.message = "and " + std::to_string(rest.more) + " more like this" +
                   (rest.span.IsKnown() ? " in this file" : "");
    sorted.push_back(std::move(rest));
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Diagnostic& a, const Diagnostic& b) { return Key(a) < Key(b); });
  return sorted;
}

void Diagnostics::Append(const Diagnostics& other) {
  for (const Diagnostic& diagnostic : other.items_) Add(diagnostic);
  for (const auto& [key, alike] : other.alike_) {
    if (alike.last.more > 0) Add(alike.last);
  }
}

std::string NearestName(std::string_view word, const std::vector<std::string>& candidates) {
  const std::size_t limit = std::max<std::size_t>(1, word.size() / 3);
  std::string best;
  std::size_t best_distance = limit + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t longer = std::max(word.size(), candidate.size());
    const std::size_t shorter = std::min(word.size(), candidate.size());
    if (longer - shorter >= best_distance) continue;
    const std::size_t distance = Distance(word, candidate);
    if (distance >= best_distance) continue;
    best_distance = distance;
    best = candidate;
  }
  return best;
}

}  // namespace weft
