#include "dsl/cursor.h"

#include <algorithm>
#include <limits>

#include "dsl/codes.h"
#include "dsl/literals.h"

namespace weft::dsl {
namespace {

// What a literal belongs to, in backticks when it is a word of the language.
std::string Ticked(std::string_view what) {
  return what.starts_with('`') ? std::string(what) : "`" + std::string(what) + "`";
}

}  // namespace

TokenKind Cursor::Kind(std::uint32_t ahead) const {
  const std::size_t i = std::min<std::size_t>(at_ + ahead, syntax_.tokens.size() - 1);
  return syntax_.tokens[i].kind;
}

std::string_view Cursor::Text(std::uint32_t ahead) const {
  const std::size_t i = std::min<std::size_t>(at_ + ahead, syntax_.tokens.size() - 1);
  return syntax_.Text(syntax_.tokens[i]);
}

Span Cursor::SpanAt(std::uint32_t ahead) const {
  const std::size_t i = std::min<std::size_t>(at_ + ahead, syntax_.tokens.size() - 1);
  return {syntax_.file, syntax_.tokens[i].begin, syntax_.tokens[i].end};
}

Span Cursor::LastSpan() const {
  const Token& token = syntax_.tokens[at_ == 0 ? 0 : at_ - 1];
  return {syntax_.file, token.begin, token.end};
}

Span Cursor::SpanFrom(std::uint32_t first) const {
  const Token& begin = syntax_.tokens[first];
  return {syntax_.file, begin.begin, std::max(begin.end, LastSpan().end)};
}

bool Cursor::IsWordAt(std::uint32_t ahead, std::string_view word) const {
  return at_ + ahead < end_ && Kind(ahead) == TokenKind::kWord && Text(ahead) == word;
}

bool Cursor::IsNumberAt(std::uint32_t ahead) const {
  return at_ + ahead < end_ && Kind(ahead) == TokenKind::kNumber;
}

bool Cursor::AtBroken() const { return Is(TokenKind::kString) && !Unquoted(Text()); }

bool Cursor::Accept(TokenKind kind) {
  if (failed_ || !Is(kind)) return false;
  Skip();
  return true;
}

bool Cursor::AcceptWord(std::string_view word) {
  if (failed_ || !IsWord(word)) return false;
  Skip();
  return true;
}

bool Cursor::AcceptWords(std::initializer_list<std::string_view> words) {
  if (failed_) return false;
  std::uint32_t ahead = 0;
  for (const std::string_view word : words) {
    if (!IsWordAt(ahead++, word)) return false;
  }
  at_ += ahead;
  return true;
}

void Cursor::ExpectWord(std::string_view word) {
  if (!AcceptWord(word)) FailExpected("`" + std::string(word) + "`");
}

void Cursor::Expect(TokenKind kind, std::string_view what) {
  if (!Accept(kind)) FailExpected(what);
}

Diagnostic* Cursor::ReportExpected(std::string_view what) {
  if (failed_) return nullptr;
  if (AtBroken()) {
    failed_ = true;
    return nullptr;
  }
  std::string found = "the end of the block";
  if (!AtEnd()) found = "`" + std::string(Text()) + "`";
  if (found.size() > 60) found = found.substr(0, 57) + "...`";
  return &Fail(codes::kUnexpected, SpanAt(), "expected " + std::string(what) + ", found " + found);
}

Diagnostic& Cursor::Fail(const Code& code, Span span, std::string message) {
  failed_ = true;
  return diagnostics_.Error(code, span, std::move(message));
}

Diagnostic* Cursor::Refuse(Span span, const Judgement& fault) {
  if (failed_ || !fault) return nullptr;
  Diagnostic& d = Fail(fault->code, span, fault->message);
  d.help = fault->help;
  return &d;
}

template <typename T>
std::optional<T> Cursor::Bound() {
  if (bindings_ == nullptr || failed_ || !Is(TokenKind::kWord)) return std::nullopt;
  const auto at = bindings_->find(std::string(Text()));
  if (at == bindings_->end()) return std::nullopt;
  const T* value = std::get_if<T>(&at->second);
  if (value == nullptr) return std::nullopt;
  Skip();
  return *value;
}

Name Cursor::ExpectName(std::string_view what) {
  const std::uint32_t first = at_;
  if (auto bound = Bound<QName>()) {
    if (bound->parts.size() == 1 && !bound->IsQuoted()) return bound->parts.front();
    at_ = first;
  }
  return ExpectPlainName(what);
}

Name Cursor::ExpectPlainName(std::string_view what) {
  if (failed_) return {};
  if (!Is(TokenKind::kWord)) {
    FailExpected(what);
    return {};
  }
  Name name{std::string(Text()), SpanAt()};
  Skip();
  return name;
}

// `"reviews.bookinfo"`: a service and its namespace.
Name Cursor::ExpectServiceHost(std::string_view what) {
  Name host = ExpectString(what);
  const std::size_t dot = host.value.find('.');
  const bool two = dot != std::string::npos && dot > 0 && dot + 1 < host.value.size() &&
                   host.value.find('.', dot + 1) == std::string::npos;
  if (!failed_ && !two) {
    Fail(codes::kBadLiteral, host.span,
         "`" + host.value + "` is no service with its namespace, such as \"reviews.bookinfo\"");
  }
  return host;
}

QName Cursor::ExpectQName(std::string_view what) {
  if (auto bound = Bound<QName>()) return *bound;
  QName name;
  if (!failed_ && Is(TokenKind::kString)) {
    name.parts.push_back(ExpectServiceHost(what));
  } else {
    name.parts.push_back(ExpectName(what));
  }
  // A dot joins only without a line break, so that a list of names never swallows the next line.
  while (!failed_ && Is(TokenKind::kDot) && Kind(1) == TokenKind::kWord) {
    Skip();
    name.parts.push_back(ExpectName(what));
  }
  name.span = Join(name.parts.front().span, name.parts.back().span);
  return name;
}

Str Cursor::ExpectString(std::string_view what) {
  if (auto bound = Bound<Str>()) return *bound;
  if (failed_) return {};
  if (!Is(TokenKind::kString) && !Is(TokenKind::kText)) {
    FailExpected(std::string(what) + " in double quotes");
    return {};
  }
  if (AtBroken()) {
    failed_ = true;
    return {};
  }
  std::optional<std::string> text = Unescape(Text());
  if (!text) {
    Fail(codes::kBadLiteral, SpanAt(), "unknown escape in a string").help =
        "escapes are \\\" \\\\ \\n \\t \\r \\u{X}";
    return {};
  }
  Str value{std::move(*text), SpanAt()};
  Skip();
  FillIn(value);
  return value;
}

void Cursor::FillIn(Str& text) const {
  if (bindings_ == nullptr) return;
  bool any = false;
  std::string filled;
  std::size_t from = 0;
  for (std::size_t open = text.value.find('{'); open != std::string::npos;
       open = text.value.find('{', open + 1)) {
    const std::size_t close = text.value.find('}', open);
    if (close == std::string::npos) break;
    const auto at = bindings_->find(text.value.substr(open + 1, close - open - 1));
    const auto* argument = at == bindings_->end() ? nullptr : std::get_if<Str>(&at->second);
    if (argument == nullptr) continue;
    filled += text.value.substr(from, open - from) + argument->value;
    from = close + 1;
    if (!any) text.span = argument->span;  // where what is wrong with the whole can be mended
    any = true;
  }
  if (any) text.value = filled + text.value.substr(from);
}

Duration Cursor::ExpectDuration(std::string_view what, Zero zero) {
  Duration duration;
  if (auto bound = Bound<Duration>()) {
    duration = *bound;
  } else {
    duration = ReadDuration(what);
  }
  Refuse(duration.span, DurationFault(what, zero, duration.value));
  return duration;
}

Duration Cursor::ReadDuration(std::string_view what) {
  if (failed_) return {};
  if (!Is(TokenKind::kNumber)) {
    FailExpected("a duration such as `2s` for " + std::string(what));
    return {};
  }
  const Span span = SpanAt();
  const std::string text(Text());
  const std::optional<Millis> value = ParseDuration(text);
  if (value) {
    Skip();
    return {*value, span};
  }
  if (ParseNumber(text)) {
    Diagnostic& d =
        Fail(codes::kMissingUnit, span,
             Ticked(what) + " takes a duration, found the number `" + text + "` without a unit");
    d.help = "write `" + text + "s` for seconds or `" + text + "ms` for milliseconds";
    d.edit = Edit{span, text + "s"};
  } else {
    Fail(codes::kBadLiteral, span,
         Ticked(what) + " takes a duration such as `2s`, found `" + text + "`");
  }
  return {};
}

Percent Cursor::ExpectPercent(std::string_view what, Share share) {
  if (auto bound = Bound<Percent>()) {
    Refuse(bound->span, ShareFault(what, share, bound->value));
    return *bound;
  }
  if (failed_) return {};
  const Span span = SpanAt();
  const std::string text(Text());
  const std::optional<double> value = Is(TokenKind::kNumber) ? ParsePercent(text) : std::nullopt;
  if (value) {
    Skip();
    Refuse(span, ShareFault(what, share, *value));
    return {*value, span};
  }
  if (Is(TokenKind::kNumber) && ParseNumber(text)) {
    Diagnostic& d =
        Fail(codes::kMissingUnit, span,
             std::string(what) + " takes a percentage, found the number `" + text + "`");
    d.help = "write `" + text + "%`";
    d.edit = Edit{span, text + "%"};
  } else if (Is(TokenKind::kNumber)) {
    Fail(codes::kBadLiteral, span,
         std::string(what) + " takes a percentage between `0%` and `100%`, found `" + text + "`");
  } else {
    FailExpected("a percentage such as `10%`");
  }
  return {};
}

Number Cursor::ExpectNumber(std::string_view what, Bounds bounds) {
  if (auto bound = Bound<Number>()) {
    Refuse(bound->span, NumberFault(what, bounds, bound->value));
    return *bound;
  }
  if (failed_) return {};
  const std::optional<std::int64_t> value =
      Is(TokenKind::kNumber) ? ParseNumber(Text()) : std::nullopt;
  const bool digits = !AtEnd() && Text().find_first_not_of("0123456789") == std::string_view::npos;
  if (!value && Is(TokenKind::kNumber) && digits) {  // more than any number can be
    Refuse(SpanAt(), NumberFault(what, bounds, std::numeric_limits<std::int64_t>::max()));
    return {};
  }
  if (!value) {
    FailExpected("a number for " + std::string(what));
    return {};
  }
  Number number{*value, SpanAt()};
  Skip();
  Refuse(number.span, NumberFault(what, bounds, number.value));
  return number;
}

Number Cursor::ExpectSize(std::string_view what, Bounds bounds) {
  if (failed_) return {};
  const std::optional<std::int64_t> value =
      Is(TokenKind::kNumber) ? ParseSize(Text()) : std::nullopt;
  if (!value && Is(TokenKind::kNumber) && ParseNumber(Text())) {
    const std::string text(Text());
    Diagnostic& d =
        Fail(codes::kMissingUnit, SpanAt(),
             Ticked(what) + " takes a size, found the number `" + text + "` without a unit");
    d.help = "write `" + text + "B`, `" + text + "KiB` or `" + text + "MiB`";
    d.edit = Edit{d.span, text + "KiB"};
    return {};
  }
  if (!value) {
    FailExpected("a size such as `4KiB` for " + std::string(what));
    return {};
  }
  Number number{*value, SpanAt()};
  Skip();
  Refuse(number.span, SizeFault(what, bounds, number.value));
  return number;
}

Port Cursor::ExpectPort(std::string_view what) {
  if (failed_) return {};
  const std::optional<std::uint16_t> value =
      Is(TokenKind::kNumber) ? ParsePort(Text()) : std::nullopt;
  if (!value) {
    FailExpected("a port between 1 and 65535 for " + std::string(what));
    return {};
  }
  Port port{*value, SpanAt()};
  Skip();
  return port;
}

std::vector<Name> Cursor::ExpectNames(std::string_view what) {
  std::vector<Name> names;
  ExpectList([&] { names.push_back(ExpectName(what)); });
  return names;
}

std::vector<QName> Cursor::ExpectQNames(std::string_view what) {
  std::vector<QName> names;
  ExpectList([&] { names.push_back(ExpectQName(what)); });
  return names;
}

std::vector<Str> Cursor::ExpectStrings(std::string_view what) {
  if (auto bound = Bound<std::vector<Str>>()) return *bound;
  std::vector<Str> strings;
  ExpectList([&] { strings.push_back(ExpectString(what)); });
  return strings;
}

std::vector<Port> Cursor::ExpectPorts(std::string_view what) {
  std::vector<Port> ports;
  ExpectList([&] { ports.push_back(ExpectPort(what)); });
  return ports;
}

std::vector<Str> Cursor::ExpectBlocks(std::string_view what) {
  if (auto bound = Bound<std::vector<Str>>()) return *bound;
  std::vector<Str> blocks;
  ExpectList([&] {
    if (failed_) return;
    Str block{std::string(Text()), SpanAt()};
    if (Is(TokenKind::kString)) {
      block = ExpectString(what);
    } else if (Is(TokenKind::kNumber)) {
      Skip();
    } else {
      FailExpected("an address block such as `10.0.0.0/8`");
      return;
    }
    if (!IsAddressBlock(block.value)) {
      Fail(codes::kBadLiteral, block.span,
           "`" + block.value + "` is no IP address or block such as `10.0.0.0/8`");
    }
    blocks.push_back(std::move(block));
  });
  return blocks;
}

std::vector<LabelTerm> Cursor::ExpectLabelBlock(std::string_view what) {
  std::vector<LabelTerm> terms;
  Expect(TokenKind::kOpenBrace, "`{`");
  while (!failed_ && !Is(TokenKind::kCloseBrace)) {
    LabelTerm term;
    if (Is(TokenKind::kString)) {
      term.key = ExpectString(what);
    } else {
      const QName name = ExpectQName(what);
      term.key = {name.Text(), name.span};
    }
    Expect(TokenKind::kEquals, "`=`");
    term.value = ExpectString(what);
    terms.push_back(std::move(term));
    Accept(TokenKind::kComma);
  }
  Expect(TokenKind::kCloseBrace, "`}`");
  return terms;
}

}  // namespace weft::dsl
