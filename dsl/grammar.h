// The grammar of the language's syntax layer, in PEGTL 3.2. It says what a token, a comment, a
// block and a declaration look like; which words a declaration may hold is said by its reader and
// by docs/language.md.
//
//   file        = { declaration }
//   declaration = { token | block }            a phrase, at most one block ends it
//   block       = "{" { token | block } "}" | "[" … "]" | "(" … ")"
#pragma once

#include <tao/pegtl.hpp>

namespace weft::dsl::grammar {

namespace peg = tao::pegtl;

struct Blank : peg::one<' ', '\t', '\r'> {};
struct NewLine : peg::one<'\n'> {};
struct Comment : peg::seq<peg::two<'/'>, peg::star<peg::not_one<'\n'>>> {};

struct WordStart : peg::sor<peg::alpha, peg::one<'_'>> {};
// A hyphen belongs to a word unless it begins an arrow: `a->b` is three tokens.
struct WordHyphen : peg::seq<peg::one<'-'>, peg::not_at<peg::one<'>'>>> {};
struct WordRest : peg::star<peg::sor<peg::alnum, peg::one<'_'>, WordHyphen>> {};
// A word that goes on with a letter of another script is none: see OtherWord.
struct HighByte : peg::range<'\x80', '\xFF'> {};
struct OtherLetter : peg::sor<peg::seq<peg::range<'\xC3', '\xDF'>, HighByte>,
                              peg::seq<peg::range<'\xE3', '\xED'>, HighByte, HighByte>> {};
struct Word : peg::seq<WordStart, WordRest, peg::not_at<OtherLetter>> {};

// Begins with a digit; units, rates, addresses and versions are told apart by the readers.
struct NumberRest : peg::star<peg::sor<peg::alnum, peg::one<'.', ':', '/', '%', '_'>>> {};
struct Number : peg::seq<peg::digit, NumberRest> {};

struct Escape : peg::seq<peg::one<'\\'>, peg::any> {};
struct StringBody : peg::star<peg::sor<Escape, peg::not_one<'"', '\n', '\\'>>> {};
struct String : peg::seq<peg::one<'"'>, StringBody, peg::one<'"'>> {};
struct Quotes : peg::string<'"', '"', '"'> {};
struct Text : peg::seq<Quotes, peg::until<Quotes>> {};

struct Arrow : peg::string<'-', '>'> {};
struct NotEquals : peg::string<'!', '='> {};
struct GreaterEqual : peg::string<'>', '='> {};
struct LessEqual : peg::string<'<', '='> {};
struct Comma : peg::one<','> {};
struct Dot : peg::one<'.'> {};
struct Colon : peg::one<':'> {};
struct Equals : peg::one<'='> {};
struct Less : peg::one<'<'> {};
struct Greater : peg::one<'>'> {};

struct OpenBrace : peg::one<'{'> {};
struct CloseBrace : peg::one<'}'> {};
struct OpenBracket : peg::one<'['> {};
struct CloseBracket : peg::one<']'> {};
struct OpenParen : peg::one<'('> {};
struct CloseParen : peg::one<')'> {};

// An open string ends with its line, an open text with the file.
struct OpenString : peg::seq<peg::one<'"'>, StringBody> {};
// Strings as other languages and word processors quote them.
struct SmartQuote : peg::seq<peg::string<'\xE2', '\x80'>, peg::range<'\x98', '\x9F'>> {};
template <typename Quote>
struct QuotedBy
    : peg::seq<Quote, peg::star<peg::not_at<peg::sor<Quote, NewLine>>, peg::any>, Quote> {};
struct OtherString : peg::sor<QuotedBy<peg::one<'\''>>, QuotedBy<SmartQuote>> {};
// Taken as a whole, so that it is reported once.
struct OtherWord : peg::plus<peg::sor<peg::alnum, peg::one<'_'>, WordHyphen, OtherLetter>> {};
struct BadByte : peg::any {};
// The comment of other languages; taken as a whole so that it is reported once.
struct HashComment : peg::seq<peg::at<peg::one<'#'>>, BadByte, peg::star<peg::not_one<'\n'>>> {};

struct Open : peg::sor<OpenBrace, OpenBracket, OpenParen> {};
struct Close : peg::sor<CloseBrace, CloseBracket, CloseParen> {};
struct Punctuation : peg::sor<Arrow, NotEquals, GreaterEqual, LessEqual, Comma, Dot, Colon, Equals,
                              Less, Greater> {};
struct Token : peg::sor<Word, Number, Text, String, Open, Close, Punctuation> {};

// Brackets are matched by the actions, which can say which bracket lacks its partner and go on.
struct File : peg::until<peg::eof, peg::sor<Blank, NewLine, Comment, Token, OpenString, HashComment,
                                            OtherString, OtherWord, BadByte>> {};

}  // namespace weft::dsl::grammar
