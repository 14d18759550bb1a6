// What readers read with: a position in a token sequence. Failure is sticky: the first mismatch of
// an item is reported, later expectations of the same item answer with empty values in silence, and
// ReadBlock goes on with the next item. So a reader is written as if all were well.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsl/bounds.h"
#include "dsl/condition.h"
#include "dsl/items.h"
#include "dsl/name.h"
#include "dsl/syntax.h"
#include "dsl/value_faults.h"

namespace weft::dsl {

// Values of the parameters of the template whose body is read.
using ParameterBindings = std::map<std::string, Value>;

class Cursor {
 public:
  Cursor(const Syntax& syntax, std::uint32_t begin, std::uint32_t end, Diagnostics& diagnostics,
         const ParameterBindings* bindings = nullptr)
      : syntax_(syntax), at_(begin), end_(end), diagnostics_(diagnostics), bindings_(bindings) {}

  [[nodiscard]] bool AtEnd() const { return at_ >= end_ || Kind() == TokenKind::kEnd; }
  [[nodiscard]] std::uint32_t at() const { return at_; }
  [[nodiscard]] std::uint32_t end() const { return end_; }
  [[nodiscard]] const Syntax& syntax() const { return syntax_; }
  [[nodiscard]] Diagnostics& diagnostics() { return diagnostics_; }
  [[nodiscard]] const ParameterBindings* bindings() const { return bindings_; }
  void MoveTo(std::uint32_t at) { at_ = at; }

  [[nodiscard]] TokenKind Kind(std::uint32_t ahead = 0) const;
  [[nodiscard]] std::string_view Text(std::uint32_t ahead = 0) const;
  [[nodiscard]] Span SpanAt(std::uint32_t ahead = 0) const;
  [[nodiscard]] Span LastSpan() const;  // of the token before the position
  [[nodiscard]] Span SpanFrom(
      std::uint32_t first) const;  // from a token to the one before the position
  [[nodiscard]] bool Is(TokenKind kind) const { return !AtEnd() && Kind() == kind; }
  [[nodiscard]] bool IsWord(std::string_view word) const {
    return Is(TokenKind::kWord) && Text() == word;
  }
  [[nodiscard]] bool IsWordAt(std::uint32_t ahead, std::string_view word) const;
  [[nodiscard]] bool IsNumberAt(std::uint32_t ahead) const;

  void Skip() { ++at_; }
  bool Accept(TokenKind kind);
  bool AcceptWord(std::string_view word);
  // All of the words in a row, or none.
  bool AcceptWords(std::initializer_list<std::string_view> words);
  void ExpectWord(std::string_view word);
  void Expect(TokenKind kind, std::string_view what);

  Name ExpectName(std::string_view what);
  Name ExpectPlainName(std::string_view what);  // never stands for a template's parameter
  QName ExpectQName(std::string_view what);
  Name ExpectServiceHost(std::string_view what);
  Str ExpectString(std::string_view what);
  // Values out of bounds are reported, those given for a template's parameter too.
  Duration ExpectDuration(std::string_view what, Zero zero = Zero::kRefused);
  Percent ExpectPercent(std::string_view what, Share share = Share::kAny);
  Number ExpectNumber(std::string_view what, Bounds bounds);
  Number ExpectSize(std::string_view what, Bounds bounds = kBytes);
  Port ExpectPort(std::string_view what);
  // One or `[a, b]`.
  std::vector<Name> ExpectNames(std::string_view what);
  std::vector<QName> ExpectQNames(std::string_view what);
  std::vector<Str> ExpectStrings(std::string_view what);
  std::vector<Port> ExpectPorts(std::string_view what);
  std::vector<Str> ExpectBlocks(std::string_view what);  // addresses and CIDR blocks
  // `{ k = "v"  k2 = "v2" }`; keys are words or strings.
  std::vector<LabelTerm> ExpectLabelBlock(std::string_view what);
  // `[ element, element ]` or one element.
  template <typename F>
  void ExpectList(F element) {
    if (!Accept(TokenKind::kOpenBracket)) {
      element();
      return;
    }
    while (!failed_ && !Is(TokenKind::kCloseBracket)) {
      element();
      if (!Accept(TokenKind::kComma)) break;
    }
    Expect(TokenKind::kCloseBracket, "`]`");
  }

  using Words = std::initializer_list<std::string_view>;
  // Reads `{ items }`; `read` is called at each item's first token and consumes it, or returns
  // false for a word it does not know. `known` are the words offered when there is a near one. An
  // item that begins with one of the phrases `once` (of which the longest counts) can stand once.
  void ReadBlock(std::string_view where, Words known,
                 const std::function<bool(std::string_view word)>& read, Words once = {});
  // The same over [at, end) without braces.
  void ReadItems(std::uint32_t end, std::string_view where, Words known,
                 const std::function<bool(std::string_view word)>& read, Words once = {});
  // The known words of the innermost block.
  [[nodiscard]] Words known() const { return known_; }
  // Whether the token at the position goes on with what stands before it: same line, one space.
  [[nodiscard]] bool GoesOn() const;

  // Reports "expected …, found …" at the position and fails the item.
  void FailExpected(std::string_view what) { (void)ReportExpected(what); }
  // The same, for help to be added; nullptr when the item has failed before, or what is found is
  // reported already.
  [[nodiscard]] Diagnostic* ReportExpected(std::string_view what);
  Diagnostic& Fail(const Code& code, Span span, std::string message);
  // Fails with the fault there is; nullptr when there is none or the item failed before.
  Diagnostic* Refuse(Span span, const Judgement& fault);
  [[nodiscard]] bool failed() const { return failed_; }
  void ClearFailure() { failed_ = false; }
  // Whether the token is no string and stands for something that is reported already: a string
  // without an end, a word with letters of another script.
  [[nodiscard]] bool AtBroken() const;
  // Skips to the next token that begins a line or an item, past nested blocks, at most to `end`.
  void Recover(std::uint32_t start, std::uint32_t end);

 private:
  Duration ReadDuration(std::string_view what);
  // Puts the template's arguments in place of `{parameter}`.
  void FillIn(Str& text) const;
  // The phrase of `once` that the position begins with, "" when there is none; and how many words
  // it has.
  [[nodiscard]] std::pair<std::string_view, std::uint32_t> PhraseAt(Words once) const;
  // Fails when an item of this phrase was there before.
  void RefuseRepeated(Words once, std::map<std::string_view, Span>& first);
  // Bound value of the word at the position, when it names a parameter.
  template <typename T>
  std::optional<T> Bound();

  const Syntax& syntax_;
  std::uint32_t at_;
  std::uint32_t end_;
  Diagnostics& diagnostics_;
  const ParameterBindings* bindings_;
  Words known_;
  bool failed_ = false;
};

}  // namespace weft::dsl
