#include "relay/compile/repair.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "dsl/edited_lines.h"
#include "engine/lower.h"
#include "relay/compile/findings.h"
#include "verifier/codes.h"
#include "verifier/verify.h"

namespace weft::relay {
namespace {

namespace codes = verifier::codes;

// The disk with some files changed.
class EditedTree : public Tree {
 public:
  explicit EditedTree(const std::map<std::string, std::string>& texts) {
    for (const auto& [path, text] : texts) texts_[Disk().Identity(path)] = text;
  }
  [[nodiscard]] Kind KindOf(const std::string& path) const override { return Disk().KindOf(path); }
  [[nodiscard]] Result<std::vector<std::string>> Entries(const std::string& path) const override {
    return Disk().Entries(path);
  }
  [[nodiscard]] std::optional<std::uintmax_t> SizeOf(const std::string& path) const override {
    return Disk().SizeOf(path);
  }
  [[nodiscard]] Result<std::string> Read(const std::string& path) const override {
    const auto edited = texts_.find(Disk().Identity(path));
    return edited == texts_.end() ? Disk().Read(path) : Result<std::string>(edited->second);
  }
  [[nodiscard]] std::string Identity(const std::string& path) const override {
    return Disk().Identity(path);
  }

 private:
  std::map<std::string, std::string> texts_;
};

struct Found {
  Diagnostic diagnostic;
  std::string caller;  // workspace that sends the request which shows it; "" = none
};

// One state of the policy and what the proofs say of it.
struct State {
  std::map<std::string, std::string> texts;  // edited files
  Inputs inputs;
  bool typed = false;
  std::vector<Found> findings;
  std::multiset<std::string> names;  // of the findings, without lines: these move
};

std::string CallerOf(const engine::Model& model, const verifier::Finding& finding) {
  if (!finding.witness) return "";
  const engine::Request& request = *finding.witness;
  engine::WorkspaceId workspace;
  if (!request.source.IsNone()) {
    workspace = model[request.source].workspace;
  } else if (request.identity && !request.cluster.IsNone()) {
    workspace = model.OwnerOf(request.cluster, request.identity->ns);
  }
  return workspace.IsNone() ? "" : model[workspace].name;
}

std::string NameOf(const Diagnostic& d) { return CodeText(d.number) + " " + d.message; }

std::unique_ptr<State> Prove(const InputOptions& options,
                             std::map<std::string, std::string> texts) {
  auto state = std::make_unique<State>();
  const EditedTree tree(texts);
  state->texts = std::move(texts);
  Diagnostics diagnostics;
  state->inputs.tree = &tree;
  ReadInputs(options, state->inputs, diagnostics);
  const dsl::Program program = LoadProgram(state->inputs, diagnostics);
  const engine::Model model = engine::Lower(program, state->inputs.inventory, diagnostics);
  state->inputs.tree = &Disk();
  state->typed = !diagnostics.HasErrors() && !state->inputs.unreadable;
  if (!state->typed) return state;
  for (verifier::Finding& finding : verifier::Verify(model, {}).findings) {
    if (finding.diagnostic.number == codes::kUndecided.number) continue;
    state->names.insert(NameOf(finding.diagnostic));
    const std::string caller = CallerOf(model, finding);
    state->findings.push_back({std::move(finding.diagnostic), caller});
  }
  // A warning of the language that an edit brings about is no better than what it mends.
  for (const Diagnostic& d : diagnostics.all()) state->names.insert(NameOf(d));
  return state;
}

struct Candidate {
  std::string what;
  FileId file;
  std::string text;  // of the whole file
  bool widens = false;
};

// Candidates for one finding, least harmful first.
class Candidates {
 public:
  Candidates(const SourceMap& sources, const Found& found)
      : sources_(sources), finding_(found.diagnostic), caller_(found.caller) {}

  std::vector<Candidate> Make() {
    const std::uint16_t number = finding_.number;
    if (number == codes::kUnreachableRule.number) {
      MoveUp();
      Remove(finding_.span, "remove the rule");
    } else if (number == codes::kIsolationBroken.number) {
      Narrow(finding_.span);
      Remove(finding_.span, "remove the rule");
      const std::size_t narrow = made_.size();
      Export();
      for (std::size_t i = narrow; i < made_.size(); ++i) made_[i].widens = true;
    } else if (number == codes::kLawViolated.number) {
      for (const Label& label : finding_.related) Narrow(label.span);
      for (const Label& label : finding_.related) Remove(label.span, "remove the rule");
    } else if (number == codes::kNoEjection.number) {
      AddBehind(finding_.span, "eject after 5 errors in 10s for 30s", "add an ejection");
    } else if (number == codes::kMtlsMismatch.number) {
      Remove(finding_.span, "remove the setting");
    } else if (number == codes::kIdleDeny.number) {
      // A `deny` that meets nothing refuses nothing.
      Remove(finding_.span, "remove it");
      for (Candidate& candidate : made_) candidate.widens = false;
    } else if (number == codes::kIdleAllow.number || number == codes::kIdleLimit.number ||
               number == codes::kRefusedRoute.number || number == codes::kRuleConflict.number ||
               number == codes::kFailoverLoop.number) {
      Remove(finding_.span, "remove it");
    }
    return std::move(made_);
  }

 private:
  // Only what the user wrote in weft's own language is edited.
  [[nodiscard]] const Source* Editable(Span span) const {
    if (!span.IsKnown() || !sources_.Contains(span.file)) return nullptr;
    const Source& source = sources_.Get(span.file);
    return source.kind == SourceKind::kWeft && !source.path.empty() ? &source : nullptr;
  }

  void Add(Span span, std::string what, std::string text) {
    if (text != sources_.Get(span.file).text) {
      made_.push_back({std::move(what), span.file, std::move(text), Guards(span)});
    }
  }

  // The text refuses something: with less of it, more is let in.
  [[nodiscard]] bool Guards(Span span) const {
    const std::string_view text =
        std::string_view(sources_.Get(span.file).text).substr(span.begin, span.end - span.begin);
    return text.starts_with("deny") || text.find("mtls strict") != std::string_view::npos;
  }

  // With the block in braces behind it, such as the items of a rule.
  [[nodiscard]] static Span WithBlock(const std::string& text, Span span) {
    std::size_t at = span.end;
    while (at < text.size() && text[at] == ' ') ++at;
    if (at >= text.size() || text[at] != '{') return span;
    int depth = 0;
    for (; at < text.size(); ++at) {
      depth += text[at] == '{' ? 1 : text[at] == '}' ? -1 : 0;
      if (depth == 0) return {span.file, span.begin, static_cast<std::uint32_t>(at + 1)};
    }
    return span;
  }

  // The span with the whole of its lines where nothing else stands on them.
  [[nodiscard]] static Span WholeLines(const std::string& text, Span inner) {
    const Span span = WithBlock(text, inner);
    std::size_t begin = span.begin;
    while (begin > 0 && (text[begin - 1] == ' ' || text[begin - 1] == '\t')) --begin;
    std::size_t end = span.end;
    while (end < text.size() && (text[end] == ' ' || text[end] == '\t')) ++end;
    const bool alone = (begin == 0 || text[begin - 1] == '\n') &&
                       (end == text.size() || text[end] == '\n' || text.substr(end, 2) == "\r\n");
    if (!alone) return span;
    end = std::min(text.find('\n', end), text.size() - 1) + 1;
    return {span.file, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
  }

  void Remove(Span span, const std::string& what) {
    const Source* source = Editable(span);
    if (source == nullptr) return;
    const Span lines = WholeLines(source->text, span);
    std::string text = source->text;
    Add(span, what, text.erase(lines.begin, lines.end - lines.begin));
  }

  // In front of the first rule that takes its requests.
  void MoveUp() {
    const Source* source = Editable(finding_.span);
    if (source == nullptr) return;
    const Span rule = WholeLines(source->text, finding_.span);
    std::optional<Span> first;
    for (const Label& label : finding_.related) {
      if (label.span.file != rule.file || label.span.begin >= rule.begin) continue;
      const Span lines = WholeLines(source->text, label.span);
      if (!first || lines.begin < first->begin) first = lines;
    }
    if (!first) return;
    std::string text = source->text;
    const std::string moved = text.substr(rule.begin, rule.end - rule.begin);
    text.erase(rule.begin, rule.end - rule.begin);
    Add(finding_.span, "move the rule up", text.insert(first->begin, moved));
  }

  // Words of a rule that admit less: whole segments instead of any prefix, one path instead of all
  // below it.
  void Narrow(Span span) {
    const Source* source = Editable(span);
    if (source == nullptr) return;
    static const std::vector<std::pair<std::string, std::string>> narrower = {
        {" starts \"", " under \""}, {" under \"", " = \""}};
    for (const auto& [wide, narrow] : narrower) {
      for (std::size_t at = source->text.find(wide, span.begin); at < span.end;
           at = source->text.find(wide, at + 1)) {
        std::string text = source->text;
        std::string what = "narrow";
        what.append(wide).append("…\" to").append(narrow).append("…\"");
        Add(span, std::move(what), text.replace(at, wide.size(), narrow));
      }
    }
  }

  // The help of the finding names what is to be shared: "… add `service ledger` to an export".
  void Export() {
    const std::string word = "add `";
    const std::size_t at = finding_.help.find(word);
    if (at == std::string::npos) return;
    const std::size_t from = at + word.size();
    const std::string shared = finding_.help.substr(from, finding_.help.find('`', from) - from);
    for (const Label& label : finding_.related) {
      const Source* source = Editable(label.span);
      if (source == nullptr) continue;
      const std::size_t open = source->text.find('{', label.span.begin);
      const std::size_t close = source->text.rfind('}', label.span.end);
      if (!caller_.empty()) {
        AddBehind(label.span, "export to " + caller_ + " { " + shared + " }",
                  "export `" + shared + "` to `" + caller_ + "`");
      }
      if (open >= label.span.end || close == std::string::npos || close <= open) continue;
      std::size_t end = close;
      while (end > open + 1 && source->text[end - 1] == ' ') --end;
      std::string text = source->text;
      Add(label.span, "export `" + shared + "`", text.insert(end, ", " + shared));
    }
  }

  void AddBehind(Span span, const std::string& item, const std::string& what) {
    const Source* source = Editable(span);
    if (source == nullptr) return;
    const Span lines = WholeLines(source->text, span);
    std::string text = source->text;
    if (lines.begin == span.begin) {
      text.insert(lines.end, "  " + item);
    } else {
      const std::string indent = text.substr(lines.begin, span.begin - lines.begin);
      text.insert(lines.end, indent + item + "\n");
    }
    Add(span, what, std::move(text));
  }

  const SourceMap& sources_;
  const Diagnostic& finding_;
  const std::string& caller_;
  std::vector<Candidate> made_;
};

class Search {
 public:
  Search(const InputOptions& options, bool may_widen)
      : options_(options), may_widen_(may_widen), state_(Prove(options, {})) {}

  Repairs Run() {
    Repairs found;
    while (state_->typed) {
      std::optional<Best> best = BestOf(false);
      if (!best && may_widen_) best = BestOf(true);
      if (!best) break;
      found.repairs.push_back(Describe(*best));
      state_ = std::move(best->state);
    }
    found.left = state_->findings.size();
    if (!may_widen_ && state_->typed) {
      if (const std::optional<Best> offer = BestOf(true)) found.offers.push_back(Describe(*offer));
    }
    return found;
  }

 private:
  struct Best {
    std::size_t finding = 0;
    Candidate candidate;
    std::unique_ptr<State> state;
    std::size_t mended = 0;
    std::vector<std::string> otherwise;
  };

  // The best edit of all of that kind.
  std::optional<Best> BestOf(bool widening) {
    std::optional<Best> best;
    for (std::size_t i = 0; i < state_->findings.size(); ++i) {
      bool mine = false;
      for (Candidate& candidate : Candidates(state_->inputs.sources, state_->findings[i]).Make()) {
        if (candidate.widens != widening) continue;
        std::optional<Best> tried = Try(i, std::move(candidate));
        if (!tried) continue;
        if (!best || tried->mended > best->mended) {
          best = std::move(tried);
          mine = true;
        } else if (mine) {
          best->otherwise.push_back(tried->candidate.what);
        }
      }
    }
    return best;
  }

  // The edit mends the finding and brings nothing new.
  std::optional<Best> Try(std::size_t finding, Candidate candidate) {
    if (tries_++ >= kMostTries) return std::nullopt;
    std::map<std::string, std::string> texts = state_->texts;
    texts[state_->inputs.sources.Get(candidate.file).path] = candidate.text;
    std::unique_ptr<State> next = Prove(options_, std::move(texts));
    const std::string name = NameOf(state_->findings[finding].diagnostic);
    if (!next->typed || next->names.count(name) >= state_->names.count(name) ||
        !std::includes(state_->names.begin(), state_->names.end(), next->names.begin(),
                       next->names.end())) {
      return std::nullopt;
    }
    const std::size_t mended = state_->findings.size() - next->findings.size();
    return Best{finding, std::move(candidate), std::move(next), mended, {}};
  }

  [[nodiscard]] Repair Describe(const Best& best) const {
    const SourceMap& sources = state_->inputs.sources;
    const Diagnostic& finding = state_->findings[best.finding].diagnostic;
    const Source& source = sources.Get(best.candidate.file);
    return {.finding = CodeText(finding.number) + " " + sources.FileLine(finding.span) + ": " +
                       finding.message,
            .what = best.candidate.what,
            .files = best.state->texts,
            .difference = "--- " + source.name + "\n+++ " + source.name + "\n" +
                          UnifiedDiff(source.text, best.candidate.text),
            .otherwise = best.otherwise,
            .mended = best.mended};
  }

  const InputOptions& options_;
  bool may_widen_;
  std::unique_ptr<State> state_;
  std::size_t tries_ = 0;
};

}  // namespace

Repairs FindRepairs(const InputOptions& inputs, bool may_widen) {
  return Search(inputs, may_widen).Run();
}

}  // namespace weft::relay
