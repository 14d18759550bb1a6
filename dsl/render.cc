#include "dsl/render.h"

#include <fmt/format.h>

#include <algorithm>

namespace weft {
namespace {

constexpr std::size_t kMaxShown = 160;  // columns of a source line that are shown

struct Glyphs {
  std::string_view bar, corner;
};

std::size_t CodePoints(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

class Renderer {
 public:
  Renderer(const SourceMap& sources, const RenderOptions& options)
      : sources_(sources),
        color_(options.color),
        glyphs_(options.plain ? Glyphs{"|", "-->"} : Glyphs{"│", "┌─"}) {}

  std::string Render(const Diagnostic& d) {
    std::size_t width = 1;
    if (IsShown(d.span)) width = std::max(width, LineWidth(d.span));
    for (const Label& label : d.related) {
      if (IsShown(label.span)) width = std::max(width, LineWidth(label.span));
    }
    width_ = width;
    out_ = FirstLine(d);
    if (IsShown(d.span)) Snippet(d.span, '^', d.label, SeverityStyle(d.severity));
    for (const Label& label : d.related) {
      if (!IsShown(label.span)) {
        out_ += "  " + label.message + "\n";
        continue;
      }
      const LineColumn at = sources_.Locate(label.span.file, label.span.begin);
      out_ += fmt::format("{:{}} {} {}:{}:{}\n", "", width_, glyphs_.corner,
                          sources_.Get(label.span.file).name, at.line, at.column);
      Snippet(label.span, '-', label.message, "36");
    }
    for (const std::string& note : d.notes) out_ += "  " + note + "\n";
    if (!d.help.empty()) out_ += "  " + Style("1", "help:") + " " + d.help + "\n";
    if (d.edit) ShowEdit(*d.edit);
    if (d.clusters.size() > 1) {
      out_ += "  in clusters " + fmt::format("{}", fmt::join(d.clusters, ", ")) + "\n";
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool IsShown(Span span) const {
    return span.IsKnown() && sources_.Contains(span.file);
  }

  [[nodiscard]] std::size_t LineWidth(Span span) const {
    return std::to_string(sources_.Locate(span.file, span.begin).line).size();
  }

  static std::string_view SeverityStyle(Severity severity) {
    switch (severity) {
      case Severity::kError:
        return "1;31";
      case Severity::kWarning:
        return "1;33";
      case Severity::kNote:
        return "1;34";
    }
    return "";
  }

  [[nodiscard]] std::string Style(std::string_view style, std::string_view text) const {
    if (!color_) return std::string(text);
    return fmt::format("\x1b[{}m{}\x1b[0m", style, text);
  }

  [[nodiscard]] std::string FirstLine(const Diagnostic& d) const {
    std::string place = "weft";
    if (IsShown(d.span)) {
      const LineColumn at = sources_.Locate(d.span.file, d.span.begin);
      place = fmt::format("{}:{}:{}", sources_.Get(d.span.file).name, at.line, at.column);
    }
    const std::string head =
        fmt::format("{}[W{:04} {}]:", SeverityName(d.severity), d.number, d.name);
    return fmt::format("{}: {} {}\n", place, Style(SeverityStyle(d.severity), head),
                       Style("1", d.message));
  }

  void Snippet(Span span, char mark, const std::string& label, std::string_view style) {
    const LineColumn at = sources_.Locate(span.file, span.begin);
    const std::string_view line = sources_.Line(span.file, at.line);
    const LineColumn last = sources_.Locate(span.file, std::max(span.begin, span.end));
    std::size_t length = last.line == at.line && last.column > at.column
                             ? last.column - at.column
                             : std::max<std::size_t>(CodePoints(line), at.column) - at.column + 1;
    std::string shown;
    for (const char c : line) shown += c == '\t' ? ' ' : c;
    std::size_t column = at.column;
    if (shown.size() > kMaxShown) Cut(shown, column, length);
    out_ += fmt::format("{:>{}} {} {}\n", at.line, width_, glyphs_.bar, shown);
    const std::string marks(std::max<std::size_t>(length, 1), mark);
    out_ += fmt::format("{:{}} {} {:{}}{}\n", "", width_, glyphs_.bar, "", column - 1,
                        Style(style, label.empty() ? marks : marks + " " + label));
  }

  // Shows the part of a long line around the mark.
  static void Cut(std::string& line, std::size_t& column, std::size_t& length) {
    const std::size_t begin = column > 40 ? std::min(column - 40, line.size()) : 0;
    std::string part = line.substr(begin, kMaxShown);
    while (!part.empty() && (static_cast<unsigned char>(part.front()) & 0xC0U) == 0x80U) {
      part.front() = '.';
    }
    line = (begin > 0 ? "..." : "") + part + "...";
    column = column - begin + (begin > 0 ? 3 : 0);
    length = std::min(length, kMaxShown);
  }

  void ShowEdit(const Edit& edit) {
    if (!IsShown(edit.span) || edit.text.find('\n') != std::string::npos) return;
    const LineColumn at = sources_.Locate(edit.span.file, edit.span.begin);
    const std::string_view line = sources_.Line(edit.span.file, at.line);
    const std::uint32_t begin = LineStart(edit.span);
    if (edit.span.end - begin > line.size()) return;
    std::string text(line);
    text.replace(edit.span.begin - begin, edit.span.end - edit.span.begin, edit.text);
    out_ += fmt::format("{:>{}} {} {}\n", at.line, width_, Style("32", "+"), Style("32", text));
  }

  [[nodiscard]] std::uint32_t LineStart(Span span) const {
    const std::string& text = sources_.Get(span.file).text;
    std::uint32_t at = std::min<std::uint32_t>(span.begin, static_cast<std::uint32_t>(text.size()));
    while (at > 0 && text[at - 1] != '\n') --at;
    return at;
  }

  const SourceMap& sources_;
  bool color_;
  Glyphs glyphs_;
  std::size_t width_ = 1;
  std::string out_;
};

}  // namespace

std::string RenderHuman(const Diagnostic& diagnostic, const SourceMap& sources,
                        const RenderOptions& options) {
  return Renderer(sources, options).Render(diagnostic);
}

std::string CountLine(std::size_t errors, std::size_t warnings) {
  const auto count = [](std::size_t n, std::string_view word) {
    return fmt::format("{} {}{}", n, word, n == 1 ? "" : "s");
  };
  if (errors == 0 && warnings == 0) return "";
  if (warnings == 0) return count(errors, "error");
  if (errors == 0) return count(warnings, "warning");
  return count(errors, "error") + ", " + count(warnings, "warning");
}

std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kNote:
      return "note";
  }
  return "";
}

}  // namespace weft
