#include "dsl/parse.h"

#include <algorithm>
#include <array>
#include <utility>

#include "dsl/codes.h"
#include "dsl/readers.h"

namespace weft::dsl {
namespace {

// Reads the declarations of one file, or those in the body of a template.
class DeclarationReader {
 public:
  // `syntax` is what templates keep; it may be null where none can stand.
  DeclarationReader(std::shared_ptr<const Syntax> syntax, Cursor& cursor, Program& program)
      : syntax_(std::move(syntax)), program_(program), cursor_(cursor) {}

  void EnterSection(const Section& section) {
    section_ = section;
    has_section_ = true;
  }

  void Read() {
    while (!cursor_.AtEnd()) {
      const std::uint32_t start = cursor_.at();
      ReadDeclaration();
      if (cursor_.failed()) SkipToDeclaration(start);
      if (cursor_.at() == start) cursor_.Skip();
    }
  }

  void ReadDeclaration() {
    const std::string word(cursor_.Text());
    if (!cursor_.Is(TokenKind::kWord) || !IsDeclarationWord(word)) {
      Diagnostic& d = cursor_.Fail(codes::kUnknownDeclaration, cursor_.SpanAt(),
                                   "expected a declaration, found `" + word.substr(0, 40) + "`");
      const std::vector<std::string> words(kDeclarations.begin(), kDeclarations.end());
      const std::string near = NearestName(word, words);
      if (!near.empty()) {
        d.help = "did you mean `" + near + "`?";
        d.edit = Edit{d.span, near};
      }
      return;
    }
    Header header = ReadHeader(word);
    if (cursor_.failed()) return;
    Dispatch(word, std::move(header));
  }

 private:
  // Keyword, and the name where the kind has one.
  Header ReadHeader(std::string_view word) {
    Header header;
    const std::uint32_t first = cursor_.at();
    header.doc = DocBefore(first);
    header.owner = section_.owner;
    header.owner_span = section_.span;
    cursor_.Skip();
    const bool titled = word == "test" || word == "prove";
    const bool nameless = word == "access" || word == "limit" || word == "use" || word == "istio" ||
                          word == "gateways" || word == "raw" || word == "apply";
    if (word == "trust") cursor_.ExpectWord("root");
    if (titled) {
      header.name = cursor_.ExpectString("a title");
    } else if (!nameless) {
      header.name = cursor_.ExpectName("the name of the " + std::string(word));
    }
    header.span = cursor_.SpanFrom(first);
    RequireSection(word, header);
    return header;
  }

  // `mesh NAME` and `workspace NAME` without a block open a section.
  bool OpensSection(std::string_view word, const Header& header) {
    if (word == "mesh") {
      section_ = {"", header.span};
      has_section_ = true;
      return false;
    }
    if (word != "workspace" || cursor_.Is(TokenKind::kOpenBrace)) return false;
    section_ = {header.name.value, header.name.span};
    has_section_ = true;
    return true;
  }

  void RequireSection(std::string_view word, const Header& header) {
    if (has_section_ || word == "mesh" || word == "use") return;
    // Platform declarations need no section: they belong to the mesh wherever they stand.
    if (word == "workspace" || word == "cluster" || word == "policy" || word == "predicate" ||
        word == "jwt" || word == "apply" || word == "test" || word == "prove" || word == "trust" ||
        word == "istio" || word == "gateways") {
      return;
    }
    cursor_.diagnostics()
        .Error(codes::kMissingSection, header.span,
               "this file does not say whose it is before its first declaration")
        .help = "begin it with `mesh NAME` or `workspace NAME`";
    has_section_ = true;
  }

  std::string DocBefore(std::uint32_t token) const {
    const auto& comments = cursor_.syntax().comments;
    auto at = std::lower_bound(
        comments.begin(), comments.end(), token,
        [](const Comment& comment, std::uint32_t before) { return comment.before < before; });
    std::string doc;
    for (; at != comments.end() && at->before == token; ++at) {
      if (!at->doc) continue;
      std::string_view text = cursor_.syntax().text.substr(at->begin + 3, at->end - at->begin - 3);
      if (text.starts_with(' ')) text.remove_prefix(1);
      if (!doc.empty()) doc += '\n';
      doc += text;
    }
    return doc;
  }

  void Dispatch(std::string_view word, Header header) {
    if (OpensSection(word, header)) return;
    Cursor& c = cursor_;
    if (word == "mesh") {
      ReadMesh(c, std::move(header), program_);
    } else if (word == "cluster") {
      ReadCluster(c, std::move(header), program_);
    } else if (word == "workspace") {
      ReadWorkspace(c, std::move(header), program_);
    } else if (word == "gateway") {
      ReadGateway(c, std::move(header), program_);
    } else if (word == "service") {
      ReadService(c, std::move(header), program_);
    } else if (word == "external") {
      ReadExternal(c, std::move(header), program_);
    } else if (word == "destination") {
      ReadDestination(c, std::move(header), program_);
    } else if (word == "route" || word == "table") {
      ReadRoute(c, std::move(header), word == "table", program_);
    } else if (word == "access") {
      ReadAccess(c, std::move(header), program_);
    } else if (word == "limit") {
      ReadLimit(c, std::move(header), program_);
    } else {
      DispatchRest(word, std::move(header));
    }
  }

  void DispatchRest(std::string_view word, Header header) {
    Cursor& c = cursor_;
    if (word == "predicate") {
      ReadPredicate(c, std::move(header), program_);
    } else if (word == "policy") {
      ReadPolicy(c, std::move(header), syntax_, program_);
    } else if (word == "apply") {
      ReadApply(c, std::move(header), program_);
    } else if (word == "use") {
      ReadUse(c, std::move(header), program_);
    } else if (word == "jwt") {
      ReadJwt(c, std::move(header), program_);
    } else if (word == "authorizer") {
      ReadAuthorizer(c, std::move(header), program_);
    } else if (word == "limiter") {
      ReadLimiter(c, std::move(header), program_);
    } else if (word == "limits") {
      ReadLimits(c, std::move(header), program_);
    } else if (word == "counter") {
      ReadCounter(c, std::move(header), program_);
    } else {
      DispatchPlatform(word, std::move(header));
    }
  }

  void DispatchPlatform(std::string_view word, Header header) {
    Cursor& c = cursor_;
    if (word == "trust") {
      ReadTrust(c, std::move(header), program_);
    } else if (word == "istio" || word == "gateways") {
      ReadLifecycle(c, std::move(header), word == "gateways", program_);
    } else if (word == "workload") {
      ReadWorkload(c, std::move(header), program_);
    } else if (word == "raw") {
      ReadRaw(c, std::move(header), program_);
    } else if (word == "test") {
      ReadTest(c, std::move(header), program_);
    } else {
      ReadProve(c, std::move(header), program_);
    }
  }

  // To the next line that begins with a declaration's word, past the block of the broken one.
  void SkipToDeclaration(std::uint32_t start) {
    cursor_.ClearFailure();
    std::uint32_t i = start;
    const auto& tokens = cursor_.syntax().tokens;
    while (i < cursor_.end()) {
      const Token& token = tokens[i];
      if (i > start && i >= cursor_.at() && token.line_start && token.kind == TokenKind::kWord &&
          IsDeclarationWord(cursor_.syntax().Text(token))) {
        break;
      }
      const bool opens = token.kind == TokenKind::kOpenBrace ||
                         token.kind == TokenKind::kOpenBracket ||
                         token.kind == TokenKind::kOpenParen;
      i = opens ? token.match + 1 : i + 1;
    }
    cursor_.MoveTo(i);
  }

  std::shared_ptr<const Syntax> syntax_;
  Program& program_;
  Cursor& cursor_;
  Section section_;
  bool has_section_ = false;
};

}  // namespace

Program Parse(const Source& source, Diagnostics& diagnostics) {
  Program program;
  auto syntax = std::make_shared<const Syntax>(Tokenize(source, diagnostics));
  Cursor cursor(*syntax, 0, static_cast<std::uint32_t>(syntax->tokens.size() - 1), diagnostics);
  DeclarationReader(syntax, cursor, program).Read();
  return program;
}

bool MayStandInTemplate(std::string_view word) {
  return word == "access" || word == "jwt" || word == "authorizer" || word == "limiter" ||
         word == "test" || word == "prove";
}

TemplateBody ReadBody(const Syntax& syntax, std::uint32_t begin, std::uint32_t end,
                      const ParameterBindings& bindings, const Section& section,
                      Diagnostics& diagnostics) {
  TemplateBody body;
  Cursor c(syntax, begin, end, diagnostics, &bindings);
  DeclarationReader reader(nullptr, c, body.declarations);
  reader.EnterSection(section);
  c.ReadItems(end, "the template", {}, [&](std::string_view word) {
    if (!MayStandInTemplate(word)) return ReadItem(c, body.items);
    reader.ReadDeclaration();
    return true;
  });
  return body;
}

}  // namespace weft::dsl
