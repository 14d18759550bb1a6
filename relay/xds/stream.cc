#include "relay/xds/stream.h"

#include <utility>

namespace weft::relay::mcp {

std::string KindOfType(const std::string& type_url) {
  const std::size_t group = type_url.find('/');
  const std::size_t version = type_url.rfind('/');
  if (group == std::string::npos || group == version) return "";
  return type_url.substr(version + 1) + "." + type_url.substr(0, group);
}

std::shared_ptr<const KindSet> Stream::SetOf(const std::string& type_url) const {
  static const auto* const kNothing =
      new std::shared_ptr<const KindSet>(std::make_shared<KindSet>(KindSet{"empty", {}}));
  const auto at = content_->kinds.find(KindOfType(type_url));
  if (at == content_->kinds.end()) return *kNothing;
  return {content_, &at->second};
}

// Sends the type unless it is as it was sent, or an answer of it is under way.
void Stream::Bring(const std::string& type_url, Type& type, std::vector<Answer>& answers) {
  if (!content_ || type.under_way) return;
  std::shared_ptr<const KindSet> set = SetOf(type_url);
  if (!type.nonce.empty() && type.sent == set->version) return;
  type.nonce = std::to_string(++nonce_);
  type.sent = set->version;
  type.under_way = true;
  answers.push_back({type_url, type.sent, type.nonce, std::move(set)});
}

std::vector<Answer> Stream::On(const Request& request) {
  std::vector<Answer> answers;
  const auto [at, first] = types_.try_emplace(request.type_url);
  Type& type = at->second;
  if (!first) {
    // What is about an older answer, or about none, is answered already or will be.
    if (!type.under_way || request.nonce != type.nonce) return answers;
    type.under_way = false;
    if (request.refused) {
      refusal_ = request.error;
    } else {
      type.acknowledged = type.sent;
    }
  }
  Bring(request.type_url, type, answers);
  return answers;
}

std::vector<Answer> Stream::Serve(ContentPtr content) {
  content_ = std::move(content);
  refusal_.clear();
  std::vector<Answer> answers;
  for (auto& [type_url, type] : types_) Bring(type_url, type, answers);
  return answers;
}

bool Stream::IsUpToDate() const {
  if (!content_ || types_.empty()) return false;
  for (const auto& [type_url, type] : types_) {
    if (type.nonce.empty() || type.acknowledged != SetOf(type_url)->version) return false;
  }
  return true;
}

}  // namespace weft::relay::mcp
