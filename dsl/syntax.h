// The syntax layer: a file as a flat sequence of tokens with matched brackets, made by the PEGTL
// grammar in dsl/grammar.h. Readers (dsl/workspace.cc, dsl/route.cc, ...) turn phrases of tokens
// into declarations; the formatter prints the same sequence back. Nothing is lost: comments stand
// beside the tokens.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dsl/diagnostic.h"
#include "dsl/source.h"

namespace weft::dsl {

enum class TokenKind : std::uint8_t {
  kWord,    // identifier: [A-Za-z_][A-Za-z0-9_-]* ; keywords are words
  kNumber,  // begins with a digit: 443 2s 500ms 10% 100/s 4KiB 10.0.0.0/8 1.3 5xx
  kString,  // "..." with escapes \" \\ \n \t \r \u{X}
  kText,    // """...""": raw
  kArrow,   // ->
  kComma,
  kDot,
  kColon,
  kEquals,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kNotEquals,
  kOpenBrace,
  kCloseBrace,
  kOpenBracket,
  kCloseBracket,
  kOpenParen,
  kCloseParen,
  kEnd,  // end of file, always the last token
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  bool line_start = false;  // first token on its line
  bool gap_before = false;  // at least two spaces (or a tab) before it on its line
  std::uint32_t begin = 0;  // bytes, half-open
  std::uint32_t end = 0;
  std::uint32_t match = 0;  // index of the partner of a bracket; 0 otherwise
};

struct Comment {
  std::uint32_t begin = 0;   // of the `//`
  std::uint32_t end = 0;     // before the line break
  std::uint32_t before = 0;  // index of the first token after it
  bool doc = false;          // `///`
  bool own_line = false;     // nothing but blanks before it on its line
};

struct Syntax {
  FileId file;
  std::string_view text;      // of the Source, which must outlive this
  std::vector<Token> tokens;  // ends with kEnd
  std::vector<Comment> comments;

  [[nodiscard]] std::string_view Text(const Token& token) const {
    return text.substr(token.begin, token.end - token.begin);
  }
};

// Deepest nesting of brackets; deeper input is refused.
inline constexpr std::uint32_t kMaxNesting = 64;

// The words that begin declarations: `service`, `route`, ...
inline constexpr std::array<std::string_view, 27> kDeclarations = {
    "mesh",     "cluster",  "workspace", "gateway",    "service", "external", "destination",
    "route",    "table",    "access",    "limit",      "limits",  "counter",  "predicate",
    "policy",   "use",      "jwt",       "authorizer", "limiter", "trust",    "istio",
    "gateways", "workload", "raw",       "test",       "prove",   "apply"};
[[nodiscard]] bool IsDeclarationWord(std::string_view word);

// Tokens of the file. On an error (bad character, open string, unmatched bracket, nesting) a
// diagnostic is added and reading resumes behind it, so that the result is always well formed:
// unmatched closers are dropped and missing closers are added where the next declaration
// begins at the left margin.
[[nodiscard]] Syntax Tokenize(const Source& source, Diagnostics& diagnostics);

}  // namespace weft::dsl
