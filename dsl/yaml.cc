#include "dsl/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "dsl/codes.h"
#include "dsl/utf8.h"
#include "dsl/yaml_scalar.h"

namespace weft::yaml {
namespace {

constexpr std::size_t kMaxDepth = 100;
constexpr std::size_t kMaxExpanded = 100'000;
constexpr std::string_view kClusterComment = "# applied to cluster:";

// Thrown through yaml-cpp to stop a parse; caught in Parse.
struct LimitExceeded {
  std::string what;
  int position;
};

std::size_t CountNodes(const Node& node) {
  std::size_t count = 1;
  for (const Node& item : node.items) count += CountNodes(item);
  for (const Node::Entry& entry : node.entries) count += CountNodes(entry.value);
  return count;
}

// Builds a Node tree from yaml-cpp's events.
class Builder : public YAML::EventHandler {
 public:
  Builder(const Source& source, std::uint32_t origin, Diagnostics& diagnostics)
      : source_(source), origin_(origin), diagnostics_(diagnostics) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    root_.reset();
    stack_.clear();
    anchors_.clear();
    begin_ = Offset(mark);
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.span = {source_.id, Offset(mark), Offset(mark)};
    Put(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    Node node = known == anchors_.end() ? Node{} : known->second;
    expanded_ += CountNodes(node);
    if (expanded_ > kMaxExpanded) {
      throw LimitExceeded{"aliases expand to more than 100,000 nodes", mark.pos};
    }
    node.span = {source_.id, Offset(mark), Offset(mark) + 1};
    Put(std::move(node), 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node;
    const std::uint32_t begin = Offset(mark);
    node.span = {source_.id, begin, begin + ScalarLength(begin, value)};
    node.text = value;
    node.kind = ScalarKind(tag, value);
    Put(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    Open(mark, Kind::kSequence, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    Open(mark, Kind::kMapping, anchor);
  }
  void OnMapEnd() override { Close(); }
  void OnAnchor(const YAML::Mark& /*mark*/, const std::string& /*name*/) override {}

  // The finished document; nullopt when it was empty.
  std::optional<Node> Take() { return std::exchange(root_, std::nullopt); }
  [[nodiscard]] std::uint32_t begin() const { return begin_; }

 private:
  struct Frame {
    Node node;
    YAML::anchor_t anchor = 0;
    std::optional<std::string> key;
    Span key_span;
    std::unordered_map<std::string, Span> seen;
    std::vector<Node> merges;
  };

  [[nodiscard]] std::uint32_t Offset(const YAML::Mark& mark) const {
    const auto at = static_cast<std::uint32_t>(std::max(mark.pos, 0)) + origin_;
    return std::min(at, static_cast<std::uint32_t>(source_.text.size()));
  }

  // Length of the scalar's text in the source: the value itself where it stands there verbatim,
  // else to the end of the quoted text or of the line.
  [[nodiscard]] std::uint32_t ScalarLength(std::uint32_t begin, const std::string& value) const {
    const std::string& text = source_.text;
    if (begin >= text.size()) return 0;
    const char quote = text[begin];
    if (quote == '"' || quote == '\'') {
      std::size_t at = begin + 1;
      while (at < text.size() && text[at] != quote) at += text[at] == '\\' && quote == '"' ? 2 : 1;
      return static_cast<std::uint32_t>(std::min(at + 1, text.size()) - begin);
    }
    if (text.compare(begin, value.size(), value) == 0) {
      return static_cast<std::uint32_t>(value.size());
    }
    return static_cast<std::uint32_t>(std::min(text.find('\n', begin), text.size()) - begin);
  }

  void Open(const YAML::Mark& mark, Kind kind, YAML::anchor_t anchor) {
    if (stack_.size() >= kMaxDepth) {
      throw LimitExceeded{"the document nests deeper than 100 levels", mark.pos};
    }
    Frame frame;
    frame.node.kind = kind;
    frame.node.span = {source_.id, Offset(mark), Offset(mark)};
    frame.anchor = anchor;
    stack_.push_back(std::move(frame));
  }

  void Close() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    ApplyMerges(frame);
    Put(std::move(frame.node), frame.anchor);
  }

  // `<<`: entries of the merged mappings that the mapping itself lacks.
  static void ApplyMerges(Frame& frame) {
    for (const Node& merged : frame.merges) {
      for (const Node::Entry& entry : merged.entries) {
        if (frame.seen.try_emplace(entry.key, entry.key_span).second) {
          frame.node.entries.push_back(entry);
        }
      }
    }
  }

  void Put(Node node, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = node;
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    frame.node.span.end = std::max(frame.node.span.end, node.span.end);
    if (frame.node.kind == Kind::kSequence) {
      frame.node.items.push_back(std::move(node));
      return;
    }
    if (!frame.key) {
      frame.key = node.text;
      frame.key_span = node.span;
      return;
    }
    PutEntry(frame, std::move(node));
  }

  void PutEntry(Frame& frame, Node node) {
    std::string key = std::move(*frame.key);
    frame.key.reset();
    if (key == "<<") {
      if (node.IsSequence()) {
        for (Node& item : node.items) frame.merges.push_back(std::move(item));
      } else {
        frame.merges.push_back(std::move(node));
      }
      return;
    }
    const auto [first, inserted] = frame.seen.try_emplace(key, frame.key_span);
    if (!inserted) {
      Diagnostic& d = diagnostics_.Error(dsl::codes::kYamlDuplicateKey, frame.key_span,
                                         "key `" + key + "` is given twice in one mapping");
      d.related.push_back({first->second, "first given here"});
      return;
    }
    frame.node.entries.push_back({std::move(key), frame.key_span, std::move(node)});
  }

  const Source& source_;
  std::uint32_t origin_;
  Diagnostics& diagnostics_;
  std::vector<Frame> stack_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::optional<Node> root_;
  std::size_t expanded_ = 0;
  std::uint32_t begin_ = 0;
};

// yaml-cpp counts the bytes behind a byte order mark.
std::uint32_t MarkOrigin(std::string_view text) { return text.starts_with("\xEF\xBB\xBF") ? 3 : 0; }

// Flow collections recurse in yaml-cpp before any event is sent, so their depth is bounded here.
std::optional<std::size_t> TooDeepFlow(std::string_view text) {
  std::size_t depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == '\\' && quote == '"') ++i;
      if (c == quote || c == '\n') quote = 0;
      continue;
    }
    const bool opens_token = i == 0 || text[i - 1] == ' ' || text[i - 1] == '[' ||
                             text[i - 1] == '{' || text[i - 1] == ',' || text[i - 1] == '\n';
    if ((c == '"' || c == '\'') && opens_token) quote = c;
    if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return i;
    }
    if ((c == ']' || c == '}') && depth > 0) --depth;
    if (c == '\n' && i + 1 < text.size() && text.compare(i + 1, 3, "---") == 0) depth = 0;
  }
  return std::nullopt;
}

// Compact nesting ("- - - - x") and "? " keys recurse too: one line may not open more than the
// limit.
std::optional<std::size_t> TooDeepBlock(std::string_view text) {
  std::size_t run = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      run = 0;
    } else if ((c == '-' || c == '?' || c == ':') && i + 1 < text.size() && text[i + 1] == ' ') {
      if (++run > kMaxDepth) return i;
    } else if (c != ' ') {
      run = 0;
    }
  }
  return std::nullopt;
}

std::optional<std::size_t> ControlCharacter(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 && c != '\n' && c != '\r' && c != '\t') return i;
  }
  return std::nullopt;
}

// Comments `# applied to cluster: X` by offset.
std::map<std::uint32_t, std::string> ClusterComments(std::string_view text) {
  std::map<std::uint32_t, std::string> found;
  for (std::size_t at = text.find(kClusterComment); at != std::string_view::npos;
       at = text.find(kClusterComment, at + 1)) {
    const std::size_t above = text.rfind('\n', at);
    const std::size_t line = above == std::string_view::npos ? MarkOrigin(text) : above + 1;
    if (text.substr(line, at - line).find_first_not_of(" \t") != std::string_view::npos) continue;
    std::size_t begin = text.find_first_not_of(" \t", at + kClusterComment.size());
    begin = std::min(begin, text.size());
    const std::size_t end = std::min(text.find_first_of(" \t\r\n", begin), text.size());
    found[static_cast<std::uint32_t>(at)] = std::string(text.substr(begin, end - begin));
  }
  return found;
}

Span At(const Source& source, std::size_t offset) {
  const auto begin = static_cast<std::uint32_t>(std::min(offset, source.text.size()));
  return {source.id, begin, begin + 1};
}

bool CheckText(const Source& source, Diagnostics& diagnostics) {
  const std::string_view text = source.text;
  if (const auto bad = FirstInvalidUtf8(text)) {
    diagnostics.Error(dsl::codes::kNotUtf8, At(source, *bad), "the file is not valid UTF-8");
    return false;
  }
  if (const auto bad = ControlCharacter(text)) {
    diagnostics.Error(dsl::codes::kYamlSyntax, At(source, *bad),
                      "control characters are not allowed in YAML");
    return false;
  }
  for (const auto& deep : {TooDeepFlow(text), TooDeepBlock(text)}) {
    if (!deep) continue;
    diagnostics.Error(dsl::codes::kYamlLimit, At(source, *deep),
                      "the document nests deeper than 100 levels");
    return false;
  }
  return true;
}

}  // namespace

std::vector<Document> Parse(const Source& source, Diagnostics& diagnostics) {
  std::vector<Document> documents;
  if (!CheckText(source, diagnostics)) return documents;
  const std::uint32_t origin = MarkOrigin(source.text);
  const std::map<std::uint32_t, std::string> clusters = ClusterComments(source.text);
  const auto position = [&](int offset) {
    return At(source, static_cast<std::size_t>(std::max(offset, 0)) + origin);
  };
  std::istringstream stream(source.text);
  Builder builder(source, origin, diagnostics);
  try {
    YAML::Parser parser(stream);
    std::optional<std::uint32_t> last;
    while (parser.HandleNextDocument(builder)) {
      // On a stray `,` or `]` between documents yaml-cpp reports documents for ever without reading
      // on.
      if (last && *last >= builder.begin()) {
        diagnostics.Error(dsl::codes::kYamlSyntax, At(source, builder.begin()),
                          "unexpected character between documents");
        break;
      }
      last = builder.begin();
      std::optional<Node> root = builder.Take();
      if (!root || root->IsNull()) continue;
      Document document{std::move(*root), ""};
      const auto after = clusters.upper_bound(document.root.span.begin);
      if (after != clusters.begin()) document.cluster = std::prev(after)->second;
      documents.push_back(std::move(document));
    }
  } catch (const LimitExceeded& limit) {
    diagnostics.Error(dsl::codes::kYamlLimit, position(limit.position), limit.what);
  } catch (const YAML::Exception& error) {
    diagnostics.Error(dsl::codes::kYamlSyntax, position(error.mark.pos), error.msg);
  }
  return documents;
}

const Node* Node::Find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

const Node* Node::At(std::string_view dotted_path) const {
  const Node* node = this;
  while (node != nullptr && !dotted_path.empty()) {
    const std::size_t dot = dotted_path.find('.');
    node = node->Find(dotted_path.substr(0, dot));
    dotted_path = dot == std::string_view::npos ? "" : dotted_path.substr(dot + 1);
  }
  return node;
}

std::optional<std::string> Node::AsString() const {
  if (kind != Kind::kString) return std::nullopt;
  return text;
}

std::optional<std::int64_t> Node::AsInt() const {
  if (kind != Kind::kInt) return std::nullopt;
  return ParseInt(text);
}

std::optional<bool> Node::AsBool() const {
  if (kind != Kind::kBool) return std::nullopt;
  return IsTrueWord(text);
}

std::string Node::StringOr(std::string_view key, std::string_view fallback) const {
  const Node* node = Find(key);
  return node != nullptr && node->IsString() ? node->text : std::string(fallback);
}

}  // namespace weft::yaml
