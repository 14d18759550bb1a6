#include "dsl/syntax.h"

#include <algorithm>
#include <string>
#include <utility>

#include "dsl/code_point.h"
#include "dsl/codes.h"
#include "dsl/grammar.h"
#include "dsl/literals.h"
#include "dsl/utf8.h"

namespace weft::dsl {
namespace {

namespace peg = tao::pegtl;

// What the grammar's actions fill in.
class Collector {
 public:
  // `mend`: a word of a declaration at the left margin closes what is open.
  Collector(const Source& source, Syntax& syntax, bool mend, Diagnostics& diagnostics)
      : source_(source), syntax_(syntax), mend_(mend), diagnostics_(diagnostics) {}

  [[nodiscard]] bool HasOpen() const { return !open_.empty(); }

  void Add(TokenKind kind, std::uint32_t begin, std::uint32_t end) {
    if (mend_ && kind == TokenKind::kWord && AtMargin(begin) &&
        IsDeclarationWord(TextOf(begin, end))) {
      CloseAll(begin);
      line_start_ = true;
    }
    Token token{kind, line_start_, false, begin, end, 0};
    token.gap_before = !line_start_ && begin >= last_end_ + 2;
    syntax_.tokens.push_back(token);
    line_start_ = false;
    last_end_ = end;
  }

  void Open(TokenKind kind, std::uint32_t begin, std::uint32_t end) {
    if (open_.size() >= kMaxNesting) {
      if (!too_deep_) {
        Error(codes::kTooDeep, begin, end, "brackets nest deeper than 64 levels");
      }
      too_deep_ = true;
      ++skipped_;
      return;
    }
    open_.push_back(static_cast<std::uint32_t>(syntax_.tokens.size()));
    Add(kind, begin, end);
  }

  void Close(TokenKind kind, std::uint32_t begin, std::uint32_t end) {
    if (skipped_ > 0) {
      --skipped_;
      return;
    }
    const TokenKind opener = static_cast<TokenKind>(static_cast<int>(kind) - 1);
    if (open_.empty()) {
      Error(codes::kUnmatched, begin, end,
            "found `" + std::string(TextOf(begin, end)) + "` but nothing is open");
      return;
    }
    if (syntax_.tokens[open_.back()].kind != opener) {
      if (!CloseInner(opener, begin, end)) return;
    }
    Pair(kind, begin, end);
  }

  void NewLine() { line_start_ = true; }

  void AddComment(std::uint32_t begin, std::uint32_t end) {
    if (end > begin && source_.text[end - 1] == '\r') --end;
    Comment comment{begin, end, static_cast<std::uint32_t>(syntax_.tokens.size()), false,
                    line_start_};
    const std::string_view text = TextOf(begin, end);
    comment.doc = text.starts_with("///") && !text.starts_with("////");
    syntax_.comments.push_back(comment);
  }

  void BadString(std::uint32_t begin, std::uint32_t end) {
    Error(codes::kOpenString, begin, end, "this string is not closed on its line").help =
        "close it with `\"`, or use `\"\"\"…\"\"\"` for text of several lines";
    Add(TokenKind::kString, begin, end);
  }

  void BadByte(std::uint32_t begin, std::uint32_t end) {
    if (bad_end_ == begin && bad_end_ != 0) {  // one report for a run of bad bytes
      bad_end_ = end;
      return;
    }
    bad_end_ = end;
    const auto byte = static_cast<unsigned char>(source_.text[begin]);
    const bool printable = byte > 0x20 && byte < 0x7f;
    const CodePoint point = FirstCodePoint(TextOf(begin, SizeOf(source_)));
    Diagnostic& d =
        Error(codes::kBadCharacter, begin, begin + static_cast<std::uint32_t>(point.bytes),
              printable ? "unexpected character `" + std::string(1, source_.text[begin]) + "`"
                        : "unexpected character (" + Describe(point) + ") outside of a string");
    if (byte == '#') d.help = "comments begin with `//`";
    if (byte == '\'') d.help = "strings stand in double quotes";
    if (byte == ';') d.help = "items end with their line; no `;` is needed";
  }

  void OtherString(std::uint32_t begin, std::uint32_t end) {
    const std::string_view body = Unquoted(TextOf(begin, end)).value_or("");
    Diagnostic& d =
        Error(codes::kBadCharacter, begin, end, "strings stand in double quotes (`\"`)");
    if (body.find_first_of("\"\\") == std::string_view::npos) {
      d.help = "write `\"" + std::string(body) + "\"`";
      d.edit = Edit{d.span, "\"" + std::string(body) + "\""};
    }
    Add(TokenKind::kString, begin, end);
  }

  // A word with letters of another script; readers take it for reported.
  void OtherWord(std::uint32_t begin, std::uint32_t end) {
    const std::string_view word = TextOf(begin, end);
    std::string latin;
    std::string odd;
    bool alike = true;
    for (std::size_t at = 0; at < word.size();) {
      const CodePoint point = FirstCodePoint(word.substr(at));
      const char letter = point.bytes == 1 ? word[at] : LooksLike(point);
      if (point.bytes > 1 && odd.empty()) odd = Describe(point);
      alike = alike && letter != 0;
      latin += letter;
      at += point.bytes;
    }
    Diagnostic& d = Error(codes::kBadCharacter, begin, end,
                          "`" + std::string(word) + "` has a letter no name can have: " + odd);
    d.help = "names are made of the letters a to z, digits, `-` and `_`";
    if (alike) {
      d.help = "did you mean `" + latin + "`?";
      d.edit = Edit{d.span, latin};
    }
    Add(TokenKind::kString, begin, end);
  }

  // Closes what is still open, and ends the sequence.
  void Finish() {
    const std::uint32_t end = SizeOf(source_);
    CloseAll(end);
    syntax_.tokens.push_back({TokenKind::kEnd, true, false, end, end, 0});
  }

 private:
  static std::uint32_t SizeOf(const Source& source) {
    return static_cast<std::uint32_t>(source.text.size());
  }
  static TokenKind CloserOf(TokenKind opener) {
    return static_cast<TokenKind>(static_cast<int>(opener) + 1);
  }

  [[nodiscard]] std::string_view TextOf(std::uint32_t begin, std::uint32_t end) const {
    return std::string_view(source_.text).substr(begin, end - begin);
  }

  Diagnostic& Error(const Code& code, std::uint32_t begin, std::uint32_t end, std::string message) {
    return diagnostics_.Error(code, {source_.id, begin, end}, std::move(message));
  }

  [[nodiscard]] bool AtMargin(std::uint32_t begin) const {
    return begin == 0 || source_.text[begin - 1] == '\n';
  }

  void CloseAll(std::uint32_t at) {
    while (!open_.empty()) {
      const Token& opener = syntax_.tokens[open_.back()];
      Error(codes::kUnmatched, opener.begin, opener.end,
            "`" + std::string(TextOf(opener.begin, opener.end)) + "` is never closed");
      Pair(CloserOf(opener.kind), at, at);
    }
  }

  // A closer that does not fit: closes the brackets inside the one it belongs to. False when it
  // belongs to none and is dropped.
  bool CloseInner(TokenKind opener, std::uint32_t begin, std::uint32_t end) {
    std::size_t depth = open_.size();
    while (depth > 0 && syntax_.tokens[open_[depth - 1]].kind != opener) --depth;
    const Token& inner = syntax_.tokens[open_.back()];
    Diagnostic& d =
        Error(codes::kUnmatched, begin, end,
              "found `" + std::string(TextOf(begin, end)) + "`, expected the partner of `" +
                  std::string(TextOf(inner.begin, inner.end)) + "`");
    d.related.push_back({{source_.id, inner.begin, inner.end}, "opened here"});
    if (depth == 0) return false;
    while (open_.size() > depth) Pair(CloserOf(syntax_.tokens[open_.back()].kind), begin, begin);
    return true;
  }

  void Pair(TokenKind kind, std::uint32_t begin, std::uint32_t end) {
    const std::uint32_t opener = open_.back();
    open_.pop_back();
    const auto closer = static_cast<std::uint32_t>(syntax_.tokens.size());
    Add(kind, begin, end);
    syntax_.tokens[opener].match = closer;
    syntax_.tokens[closer].match = opener;
  }

  const Source& source_;
  Syntax& syntax_;
  bool mend_;
  Diagnostics& diagnostics_;
  std::vector<std::uint32_t> open_;
  std::uint32_t last_end_ = 0;
  std::uint32_t bad_end_ = 0;
  std::size_t skipped_ = 0;
  bool too_deep_ = false;
  bool line_start_ = true;
};

template <typename Rule>
struct Action : peg::nothing<Rule> {};

// Adds a token of one kind.
template <TokenKind kKind>
struct AddToken {
  template <typename Input>
  static void apply(const Input& in, const char* base, Collector& collector) {
    collector.Add(kKind, static_cast<std::uint32_t>(in.begin() - base),
                  static_cast<std::uint32_t>(in.end() - base));
  }
};
template <TokenKind kKind>
struct OpenToken {
  template <typename Input>
  static void apply(const Input& in, const char* base, Collector& collector) {
    collector.Open(kKind, static_cast<std::uint32_t>(in.begin() - base),
                   static_cast<std::uint32_t>(in.end() - base));
  }
};
template <TokenKind kKind>
struct CloseToken {
  template <typename Input>
  static void apply(const Input& in, const char* base, Collector& collector) {
    collector.Close(kKind, static_cast<std::uint32_t>(in.begin() - base),
                    static_cast<std::uint32_t>(in.end() - base));
  }
};
template <void (Collector::*kMember)(std::uint32_t, std::uint32_t)>
struct Call {
  template <typename Input>
  static void apply(const Input& in, const char* base, Collector& collector) {
    (collector.*kMember)(static_cast<std::uint32_t>(in.begin() - base),
                         static_cast<std::uint32_t>(in.end() - base));
  }
};

template <>
struct Action<grammar::Word> : AddToken<TokenKind::kWord> {};
template <>
struct Action<grammar::Number> : AddToken<TokenKind::kNumber> {};
template <>
struct Action<grammar::String> : AddToken<TokenKind::kString> {};
template <>
struct Action<grammar::Text> : AddToken<TokenKind::kText> {};
template <>
struct Action<grammar::Arrow> : AddToken<TokenKind::kArrow> {};
template <>
struct Action<grammar::NotEquals> : AddToken<TokenKind::kNotEquals> {};
template <>
struct Action<grammar::GreaterEqual> : AddToken<TokenKind::kGreaterEqual> {};
template <>
struct Action<grammar::LessEqual> : AddToken<TokenKind::kLessEqual> {};
template <>
struct Action<grammar::Comma> : AddToken<TokenKind::kComma> {};
template <>
struct Action<grammar::Dot> : AddToken<TokenKind::kDot> {};
template <>
struct Action<grammar::Colon> : AddToken<TokenKind::kColon> {};
template <>
struct Action<grammar::Equals> : AddToken<TokenKind::kEquals> {};
template <>
struct Action<grammar::Less> : AddToken<TokenKind::kLess> {};
template <>
struct Action<grammar::Greater> : AddToken<TokenKind::kGreater> {};
template <>
struct Action<grammar::OpenBrace> : OpenToken<TokenKind::kOpenBrace> {};
template <>
struct Action<grammar::OpenBracket> : OpenToken<TokenKind::kOpenBracket> {};
template <>
struct Action<grammar::OpenParen> : OpenToken<TokenKind::kOpenParen> {};
template <>
struct Action<grammar::CloseBrace> : CloseToken<TokenKind::kCloseBrace> {};
template <>
struct Action<grammar::CloseBracket> : CloseToken<TokenKind::kCloseBracket> {};
template <>
struct Action<grammar::CloseParen> : CloseToken<TokenKind::kCloseParen> {};
template <>
struct Action<grammar::Comment> : Call<&Collector::AddComment> {};
template <>
struct Action<grammar::OpenString> : Call<&Collector::BadString> {};
template <>
struct Action<grammar::OtherString> : Call<&Collector::OtherString> {};
template <>
struct Action<grammar::OtherWord> : Call<&Collector::OtherWord> {};
template <>
struct Action<grammar::BadByte> : Call<&Collector::BadByte> {};
template <>
struct Action<grammar::NewLine> {
  static void apply0(const char* /*base*/, Collector& collector) { collector.NewLine(); }
};

// Reads the text once. False when a bracket is open at the end and `mend` is not set.
bool ReadTokens(const Source& source, bool mend, Syntax& syntax, Diagnostics& diagnostics) {
  Collector collector(source, syntax, mend, diagnostics);
  syntax.tokens.reserve(source.text.size() / 5 + 1);
  const std::string_view body = source.text;
  const std::size_t skip = body.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  peg::memory_input<peg::tracking_mode::lazy, peg::eol::lf> input(body.data() + skip,
                                                                  body.data() + body.size(), "");
  peg::parse<grammar::File, Action>(input, body.data(), collector);
  if (collector.HasOpen() && !mend) return false;
  collector.Finish();
  return true;
}

}  // namespace

bool IsDeclarationWord(std::string_view word) {
  return std::find(kDeclarations.begin(), kDeclarations.end(), word) != kDeclarations.end();
}

Syntax Tokenize(const Source& source, Diagnostics& diagnostics) {
  Syntax syntax{.file = source.id, .text = source.text, .tokens = {}, .comments = {}};
  if (const auto bad = FirstInvalidUtf8(source.text)) {
    const auto at = static_cast<std::uint32_t>(*bad);
    diagnostics.Error(codes::kNotUtf8, {source.id, at, at + 1}, "the file is not valid UTF-8");
    syntax.tokens.push_back({TokenKind::kEnd, true, false, 0, 0, 0});
    return syntax;
  }
  Diagnostics found;
  if (!ReadTokens(source, false, syntax, found)) {
    // The bracket that is missing is looked for again where the next declaration begins.
    found = Diagnostics();
    syntax.tokens.clear();
    syntax.comments.clear();
    ReadTokens(source, true, syntax, found);
  }
  diagnostics.Append(found);
  return syntax;
}

}  // namespace weft::dsl
