// The formatter: the tokens of a file with other white space between them. It decides for each
// token whether it begins a line and how many spaces stand before it; no token or comment is added,
// dropped or moved past another.
#include <algorithm>

#include "dsl/parse.h"
#include "dsl/phrases.h"
#include "dsl/syntax.h"

namespace weft::dsl {
namespace {

constexpr std::uint32_t kColumns = 100;
constexpr std::uint32_t kIndent = 2;
constexpr std::uint32_t kNone = Phrases::kNone;

// Where a token goes.
struct Place {
  bool line = false;              // begins a line
  bool blank = false;             // an empty line stands right before it
  std::uint32_t column = 0;       // where it would stand if the file were one line
  std::uint32_t pad = 0;          // spaces added before it to align a column
  std::uint32_t indent = 0;       // of a bracket: indent of the line it stands on
  std::uint32_t item_indent = 0;  // of a bracket: the same without that of a continued line
};

// Tokens [first, end).
struct Line {
  std::uint32_t first = 0;
  std::uint32_t end = 0;
  std::uint32_t indent = 0;
  std::uint32_t item_indent = 0;
};

// A line `left -> right`; widths in columns.
struct Rule {
  std::uint32_t arrow = 0;
  std::uint32_t left = 0;
  std::uint32_t right = 0;  // up to and with a `{`: what follows can go to a line of its own
};

// In code points; of a text of several lines, that of the first.
std::uint32_t WidthOf(std::string_view text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  return static_cast<std::uint32_t>(std::count_if(line.begin(), line.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
  }));
}

class Formatter {
 public:
  explicit Formatter(const Syntax& syntax)
      : syntax_(syntax),
        phrases_(syntax),
        count_(static_cast<std::uint32_t>(syntax.tokens.size() - 1)),
        places_(syntax.tokens.size()) {}

  std::string Run() {
    KeepLines();
    OpenBlocks();
    Measure();
    LayOut(false);
    // Columns follow from the lines, and a line that is moved into one may have to break.
    for (std::size_t lines = 0; lines != lines_.size();) {
      lines = lines_.size();
      LayOut(true);
    }
    AlignBraces();
    return Print();
  }

 private:
  // ---- tokens

  [[nodiscard]] const Token& At(std::uint32_t i) const { return syntax_.tokens[i]; }
  [[nodiscard]] TokenKind Kind(std::uint32_t i) const { return At(i).kind; }
  [[nodiscard]] std::string_view Text(std::uint32_t i) const { return syntax_.Text(At(i)); }
  [[nodiscard]] bool IsEmpty(std::uint32_t open) const { return At(open).match == open + 1; }

  // ---- comments

  // Index of the first comment that stands before the token and behind the one before it.
  [[nodiscard]] std::size_t CommentsBefore(std::uint32_t i) const {
    const auto& all = syntax_.comments;
    const auto first = std::lower_bound(
        all.begin(), all.end(), i,
        [](const Comment& comment, std::uint32_t before) { return comment.before < before; });
    return static_cast<std::size_t>(first - all.begin());
  }
  // Whether comment `at` is one of those before the token.
  [[nodiscard]] bool IsBefore(std::size_t at, std::uint32_t i) const {
    return at < syntax_.comments.size() && syntax_.comments[at].before == i;
  }
  [[nodiscard]] bool HasComment(std::uint32_t i) const { return IsBefore(CommentsBefore(i), i); }
  [[nodiscard]] bool HasOwnComment(std::uint32_t i) const {
    std::size_t at = CommentsBefore(i);
    while (IsBefore(at, i) && !syntax_.comments[at].own_line) ++at;
    return IsBefore(at, i);
  }
  // Whether an empty line is kept above `begin`, which is the token or comment `at` before it.
  [[nodiscard]] bool BlankAbove(std::uint32_t i, std::size_t at, std::uint32_t begin) const {
    const bool opens = i == 0 || IsOpener(Kind(i - 1));
    const bool commented = at > 0 && IsBefore(at - 1, i);
    if (opens && (!commented || !syntax_.comments[at - 1].own_line)) return false;
    const std::uint32_t end = commented ? syntax_.comments[at - 1].end : At(i - 1).end;
    const std::string_view between = syntax_.text.substr(end, begin - end);
    return std::count(between.begin(), between.end(), '\n') > 1;
  }
  [[nodiscard]] bool BlankBeforeComment(std::size_t at) const {
    return BlankAbove(syntax_.comments[at].before, at, syntax_.comments[at].begin);
  }
  [[nodiscard]] bool BlankBeforeToken(std::uint32_t i) const {
    return !IsCloser(Kind(i)) && BlankAbove(i, CommentsBefore(i + 1), At(i).begin);
  }
  // An empty line before the token or among the comments above it.
  [[nodiscard]] bool BeginsParagraph(std::uint32_t i) const {
    if (places_[i].blank) return true;
    for (std::size_t at = CommentsBefore(i); IsBefore(at, i); ++at) {
      if (BlankBeforeComment(at)) return true;
    }
    return false;
  }

  // ---- lines

  // Lines begin where they did; a `{` joins its head, and a declaration has its own line.
  void KeepLines() {
    for (std::uint32_t i = 0; i < count_; ++i) {
      const bool joins = i > 0 && Kind(i) == TokenKind::kOpenBrace && !HasComment(i);
      places_[i].line = (At(i).line_start && !joins) || phrases_.EndsDeclaration(i);
    }
  }

  // Whether a line of the source, or of a text in it, begins between the bracket and its partner.
  [[nodiscard]] bool HasLines(std::uint32_t open) const {
    const std::uint32_t close = At(open).match;
    return lines_before_[close + 1] != lines_before_[open + 1];
  }

  // A block that has a line break has one behind `{` and one before `}`.
  void OpenBlocks() {
    lines_before_.assign(count_ + 1, 0);
    for (std::uint32_t i = 0; i < count_; ++i) {
      const bool tall = Kind(i) == TokenKind::kText && Text(i).find('\n') != std::string_view::npos;
      if (IsCloser(Kind(i)) && At(i).match == i - 1 && !HasComment(i)) places_[i].line = false;
      lines_before_[i + 1] = lines_before_[i] + (places_[i].line || tall ? 1 : 0);
    }
    for (std::uint32_t i = 0; i < count_; ++i) {
      if (Kind(i) == TokenKind::kOpenBrace && HasLines(i)) {
        places_[i + 1].line = true;
        places_[At(i).match].line = true;
      }
    }
    for (std::uint32_t i = 0; i < count_; ++i) {
      places_[i].blank = places_[i].line && BlankBeforeToken(i);
    }
  }

  // ---- columns

  [[nodiscard]] std::uint32_t SpacesBefore(std::uint32_t i) const {
    if (i == 0) return 0;
    const TokenKind kind = Kind(i);
    const TokenKind before = Kind(i - 1);
    const bool number = before == TokenKind::kNumber;  // it would take a `.` or `:` as its own
    if (kind == TokenKind::kComma || kind == TokenKind::kCloseBracket ||
        kind == TokenKind::kCloseParen || before == TokenKind::kOpenBracket ||
        before == TokenKind::kOpenParen || before == TokenKind::kDot) {
      return 0;
    }
    if (kind == TokenKind::kDot || kind == TokenKind::kColon) return number ? 1 : 0;
    if (before == TokenKind::kOpenBrace)
      return IsEmpty(i - 1) || phrases_.IsNameList(i - 1) ? 0 : 1;
    if (kind == TokenKind::kCloseBrace) return phrases_.IsNameList(At(i).match) ? 0 : 1;
    if (kind == TokenKind::kOpenParen) {
      const bool call = before == TokenKind::kWord &&
                        !phrases_.IsWord(i - 1, {"and", "in", "not", "or", "per", "when", "where"});
      return call ? 0 : 1;
    }
    return phrases_.HasGap(i) ? 2 : 1;
  }

  void Measure() {
    std::uint32_t end = 0;
    for (std::uint32_t i = 0; i < count_; ++i) {
      places_[i].column = end + SpacesBefore(i);
      end = places_[i].column + WidthOf(Text(i));
    }
  }

  // Of the tokens [first, end) on one line, without padding.
  [[nodiscard]] std::uint32_t Width(std::uint32_t first, std::uint32_t end) const {
    return places_[end - 1].column + WidthOf(Text(end - 1)) - places_[first].column;
  }
  [[nodiscard]] std::uint32_t RightEdge(const Line& line) const {
    std::uint32_t edge = line.indent + Width(line.first, line.end);
    for (std::uint32_t i = line.first + 1; i < line.end; ++i) edge += places_[i].pad;
    return edge;
  }

  // ---- layout

  void LayOut(bool align) {
    lines_.clear();
    for (Place& place : places_) place.pad = 0;
    for (std::uint32_t i = 0; i < count_; i = lines_.back().end) {
      Line line = Begin(i);
      if (Kind(i) == TokenKind::kCloseBrace && i + 1 < line.end && phrases_.Separates(i + 1)) {
        places_[i + 1].line = true;
        line.end = i + 1;
      }
      Fit(line);
      lines_.push_back(line);
      for (std::uint32_t k = line.first; k < line.end; ++k) {
        if (!IsOpener(Kind(k))) continue;
        places_[k].indent = line.indent;
        places_[k].item_indent = line.item_indent;
        if (align && Kind(k) == TokenKind::kOpenBrace && places_[k + 1].line) AlignArrows(k);
      }
    }
  }

  [[nodiscard]] Line Begin(std::uint32_t first) const {
    Line line{first, first + 1, 0, 0};
    while (line.end < count_ && !places_[line.end].line) ++line.end;
    if (IsCloser(Kind(first))) {
      const Place& open = places_[At(first).match];
      line.item_indent = open.item_indent;
      line.indent = Kind(first) == TokenKind::kCloseBrace ? open.item_indent : open.indent;
      return line;
    }
    line.item_indent = Inside(phrases_.Parent(first));
    line.indent = line.item_indent + (phrases_.Continues(first) ? kIndent : 0);
    return line;
  }

  // Indent of what stands in a bracket.
  [[nodiscard]] std::uint32_t Inside(std::uint32_t open) const {
    if (open == kNone) return 0;
    const bool block = Kind(open) == TokenKind::kOpenBrace;
    return (block ? places_[open].item_indent : places_[open].indent) + kIndent;
  }

  // Breaks the blocks of a line that is too long, the last first, or the line between its items.
  void Fit(Line& line) {
    while (RightEdge(line) > kColumns) {
      const std::uint32_t open = LastBlock(line);
      if (open == kNone) {
        BreakItems(line.first + 1, line.end, phrases_.Parent(line.first));
        line.end = FirstBreak(line);
        return;
      }
      places_[open + 1].line = true;
      places_[At(open).match].line = true;
      BreakItems(open + 1, At(open).match, open);
      line.end = open + 1;
    }
  }

  [[nodiscard]] std::uint32_t FirstBreak(const Line& line) const {
    std::uint32_t end = line.first + 1;
    while (end < line.end && !places_[end].line) ++end;
    return end;
  }

  // Gives each item of [begin, end) that stands right in `parent` a line of its own.
  void BreakItems(std::uint32_t begin, std::uint32_t end, std::uint32_t parent) {
    for (std::uint32_t i = begin; i < end; ++i) {
      if (phrases_.Parent(i) == parent && phrases_.Separates(i)) places_[i].line = true;
    }
  }

  // The last block that stands on the line as a whole and in no other such block.
  [[nodiscard]] std::uint32_t LastBlock(const Line& line) const {
    for (std::uint32_t i = line.end; i > line.first; --i) {
      if (!IsCloser(Kind(i - 1)) || At(i - 1).match < line.first) continue;
      const std::uint32_t open = At(i - 1).match;
      const bool block = Kind(open) == TokenKind::kOpenBrace && !phrases_.IsNameList(open);
      if (block && !IsEmpty(open)) return open;
      i = open + 1;
    }
    return kNone;
  }

  // ---- aligned columns

  // Puts the arrows of consecutive lines of a block into one column.
  void AlignArrows(std::uint32_t open) {
    std::vector<Rule> rules;
    const std::uint32_t room = kColumns - std::min(kColumns, Inside(open));
    for (std::uint32_t i = open + 1; i < At(open).match; i = phrases_.Next(i)) {
      if (!places_[i].line || phrases_.Continues(i)) continue;
      const std::optional<Rule> rule = RuleAt(i, At(open).match);
      if (!rule || BeginsParagraph(i)) {
        Align(rules, room);
        rules.clear();
      }
      if (rule) rules.push_back(*rule);
    }
    Align(rules, room);
  }

  // The line that begins with the token, when an arrow stands in it on the level of its block.
  [[nodiscard]] std::optional<Rule> RuleAt(std::uint32_t first, std::uint32_t end) const {
    std::uint32_t arrow = 0;
    std::uint32_t i = first;
    while (i < end && (i == first || !places_[i].line)) {
      const bool breaks = Kind(i) == TokenKind::kOpenBrace || (IsOpener(Kind(i)) && HasLines(i));
      if (Kind(i) == TokenKind::kArrow && arrow == 0) arrow = i;
      i = breaks ? i + 1 : phrases_.Next(i);
      if (breaks) break;
    }
    if (arrow <= first) return std::nullopt;
    return Rule{arrow, Width(first, arrow), Width(arrow, i)};
  }

  // In the column that keeps most lines within `room`; the others stay as they are.
  void Align(const std::vector<Rule>& rules, std::uint32_t room) {
    const auto fits = [room](const Rule& rule, std::uint32_t column) {
      return rule.left <= column && column + 1 + rule.right <= room;
    };
    std::uint32_t best = 0;
    std::ptrdiff_t most = 1;
    for (std::uint32_t column = 1; column < room && rules.size() > 1; ++column) {
      const bool used = std::any_of(rules.begin(), rules.end(),
                                    [&](const Rule& rule) { return rule.left == column; });
      if (!used) continue;
      const std::ptrdiff_t fitting = std::count_if(
          rules.begin(), rules.end(), [&](const Rule& rule) { return fits(rule, column); });
      if (fitting < most) continue;
      most = fitting;
      best = column;
    }
    for (const Rule& rule : rules) {
      if (fits(rule, best)) places_[rule.arrow].pad = best - rule.left;
    }
  }

  // `prove "a"    { … }` over `prove "a law" { … }`: one-line blocks of one kind on consecutive
  // lines stand in one column where someone began to align them.
  void AlignBraces() {
    std::size_t end = 0;
    for (std::size_t begin = 0; begin < lines_.size(); begin = end) {
      end = begin + 1;
      if (OnlyBlock(lines_[begin]) == kNone) continue;
      while (end < lines_.size() && GoesWith(lines_[begin], lines_[end])) ++end;
      bool wanted = false;
      std::uint32_t column = 0;
      for (std::size_t i = begin; i < end; ++i) {
        const std::uint32_t open = OnlyBlock(lines_[i]);
        wanted = wanted || At(open).gap_before;
        column = std::max(column, Width(lines_[i].first, open));
      }
      if (wanted) PadBraces(begin, end, column);
    }
  }

  void PadBraces(std::size_t begin, std::size_t end, std::uint32_t column) {
    for (std::size_t i = begin; i < end; ++i) {
      const std::uint32_t pad = column - Width(lines_[i].first, OnlyBlock(lines_[i]));
      if (RightEdge(lines_[i]) + pad > kColumns) return;
    }
    for (std::size_t i = begin; i < end; ++i) {
      const std::uint32_t open = OnlyBlock(lines_[i]);
      places_[open].pad = column - Width(lines_[i].first, open);
    }
  }

  // The `{` of a line that begins with a word and ends with its one block; kNone otherwise.
  [[nodiscard]] std::uint32_t OnlyBlock(const Line& line) const {
    if (Kind(line.first) != TokenKind::kWord) return kNone;
    for (std::uint32_t i = line.first; i < line.end; i = phrases_.Next(i)) {
      if (Kind(i) == TokenKind::kArrow) return kNone;
      if (Kind(i) != TokenKind::kOpenBrace) continue;
      return At(i).match == line.end - 1 && !phrases_.IsNameList(i) ? i : kNone;
    }
    return kNone;
  }

  [[nodiscard]] bool GoesWith(const Line& first, const Line& next) const {
    return Text(first.first) == Text(next.first) && first.indent == next.indent &&
           !places_[next.first].blank && !HasOwnComment(next.first) && OnlyBlock(next) != kNone;
  }

  // ---- text

  [[nodiscard]] std::string Print() const {
    std::string out;
    std::size_t comment = 0;
    for (const Line& line : lines_) {
      const bool closes = IsCloser(Kind(line.first));
      PrintComments(line.first, closes ? Inside(At(line.first).match) : line.indent, comment, out);
      NewLine(places_[line.first].blank, line.indent, out);
      for (std::uint32_t i = line.first; i < line.end; ++i) {
        if (i > line.first) out.append(SpacesBefore(i) + places_[i].pad, ' ');
        out += Text(i);
      }
    }
    PrintComments(count_, 0, comment, out);
    if (!out.empty()) out += '\n';
    return out;
  }

  void PrintComments(std::uint32_t before, std::uint32_t indent, std::size_t& at,
                     std::string& out) const {
    for (; IsBefore(at, before); ++at) {
      const Comment& comment = syntax_.comments[at];
      const std::string_view text = syntax_.text.substr(comment.begin, comment.end - comment.begin);
      if (comment.own_line) {
        NewLine(BlankBeforeComment(at), indent, out);
      } else {
        out += "  ";
      }
      out += text.substr(0, text.find_last_not_of(" \t\r") + 1);
    }
  }

  static void NewLine(bool blank, std::uint32_t indent, std::string& out) {
    if (!out.empty()) out += blank ? "\n\n" : "\n";
    out.append(indent, ' ');
  }

  const Syntax& syntax_;
  Phrases phrases_;
  std::uint32_t count_;  // of tokens without kEnd
  std::vector<Place> places_;
  std::vector<std::uint32_t> lines_before_;  // line breaks before each token
  std::vector<Line> lines_;
};

}  // namespace

std::optional<std::string> Format(const Source& source, Diagnostics& diagnostics) {
  const std::size_t errors = diagnostics.errors();
  (void)Parse(source, diagnostics);
  if (diagnostics.errors() > errors) return std::nullopt;
  Diagnostics known;  // what Parse has reported
  const Syntax syntax = Tokenize(source, known);
  return Formatter(syntax).Run();
}

}  // namespace weft::dsl
