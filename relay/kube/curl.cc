// The only file that knows libcurl.
#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "relay/files/files.h"
#include "relay/kube/api.h"

namespace weft::relay::kube {
namespace {

constexpr std::size_t kMaxBody = std::size_t{64} << 20;

void InitCurl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

// One request as libcurl needs it, with everything it refers to.
class Transfer {
 public:
  explicit Transfer(Transfers::Handlers handlers)
      : handlers_(std::move(handlers)), easy_(curl_easy_init()), headers_(nullptr) {}
  ~Transfer() {
    curl_easy_cleanup(easy_);
    curl_slist_free_all(headers_);
    curl_slist_free_all(connect_to_);
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  [[nodiscard]] CURL* easy() const { return easy_; }

  Status Prepare(const Access& access, const Request& request) {
    Set(CURLOPT_NOSIGNAL, 1L);
    Set(CURLOPT_PROTOCOLS_STR, "https");
    Set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    Set(CURLOPT_URL, (UrlOf(access) + request.path).c_str());
    Set(CURLOPT_CONNECTTIMEOUT, 10L);
    Set(CURLOPT_TIMEOUT, static_cast<long>(request.timeout.count()));
    Set(CURLOPT_TCP_KEEPALIVE, 1L);
    Set(CURLOPT_TCP_KEEPIDLE, 15L);
    Set(CURLOPT_TCP_KEEPINTVL, 5L);
    Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    Set(CURLOPT_PIPEWAIT, 1L);
    Set(CURLOPT_ERRORBUFFER, error_.data());
    if (!access.proxy.empty()) Set(CURLOPT_PROXY, access.proxy.c_str());
    body_ = request.body;
    if (request.method != "GET") {
      Set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
      Set(CURLOPT_POSTFIELDSIZE, static_cast<long>(body_.size()));
      Set(CURLOPT_POSTFIELDS, body_.c_str());
    }
    Set(CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
    Set(CURLOPT_HEADERDATA, this);
    Set(CURLOPT_WRITEFUNCTION, &Transfer::OnBytes);
    Set(CURLOPT_WRITEDATA, this);
    Set(CURLOPT_PRIVATE, this);
    AddHeader("Accept: application/json");
    if (!request.content_type.empty()) AddHeader("Content-Type: " + request.content_type);
    const Status signed_in = SignIn(access);
    if (!signed_in.ok()) return signed_in;
    Set(CURLOPT_HTTPHEADER, headers_);
    return Unit{};
  }

  // No handler is called any more.
  void Silence() { silent_ = true; }

  void Finish(CURLcode code) {
    Open();
    std::string error;
    if (code != CURLE_OK) {
      error = error_[0] != '\0' ? error_.data() : curl_easy_strerror(code);
    }
    handlers_.ended(StatusOf(), error);
  }

 private:
  template <typename T>
  void Set(CURLoption option, T value) {
    curl_easy_setopt(easy_, option, value);
  }
  void AddHeader(const std::string& line) { headers_ = curl_slist_append(headers_, line.c_str()); }

  // A name of its own in the certificate: the URL has that name, the connection goes to the host.
  std::string UrlOf(const Access& access) {
    if (access.server_name.empty()) return access.server;
    const std::string scheme = "https://";
    std::string host = access.server.substr(scheme.size());
    const std::string path = host.find('/') == std::string::npos ? "" : host.substr(host.find('/'));
    host.resize(host.size() - path.size());
    if (host.find(':', host.rfind(']') == std::string::npos ? 0 : host.rfind(']')) ==
        std::string::npos) {
      host += ":443";
    }
    const std::string port = host.substr(host.rfind(':'));
    connect_to_ = curl_slist_append(nullptr, (access.server_name + port + ":" + host).c_str());
    Set(CURLOPT_CONNECT_TO, connect_to_);
    return scheme + access.server_name + port + path;
  }

  Status SignIn(const Access& access) {
    const auto blob = [this](const Access::Part& part, CURLoption option) -> Status {
      if (part.empty()) return Unit{};
      Result<std::string> text = TextOf(part);
      if (!text.ok()) return Error{text.error()};
      curl_blob value{text.value().data(), text.value().size(), CURL_BLOB_COPY};
      Set(option, &value);
      return Unit{};
    };
    Status set = blob(access.ca, CURLOPT_CAINFO_BLOB);
    if (set.ok()) set = blob(access.certificate, CURLOPT_SSLCERT_BLOB);
    if (set.ok()) set = blob(access.key, CURLOPT_SSLKEY_BLOB);
    if (!set.ok()) return set;
    Set(CURLOPT_SSLCERTTYPE, "PEM");
    Set(CURLOPT_SSLKEYTYPE, "PEM");
    if (access.token.empty()) return Unit{};
    Result<std::string> token = TextOf(access.token);
    if (!token.ok()) return Error{token.error()};
    std::erase_if(token.value(), [](char c) { return c == '\n' || c == '\r' || c == ' '; });
    AddHeader("Authorization: Bearer " + token.value());
    return Unit{};
  }

  static Result<std::string> TextOf(const Access::Part& part) {
    return part.file.empty() ? Result<std::string>(part.text) : ReadWhole(part.file);
  }

  [[nodiscard]] int StatusOf() const {
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    return static_cast<int>(status);
  }
  void Open() {
    if (opened_ || silent_ || StatusOf() < 200) return;
    opened_ = true;
    if (handlers_.opened) handlers_.opened(StatusOf());
  }

  // An empty line ends the headers. A watch that is quiet has no body for long.
  static std::size_t OnHeader(char*, std::size_t size, std::size_t count, void* user) {
    if (size * count <= 2) static_cast<Transfer*>(user)->Open();
    return size * count;
  }

  static std::size_t OnBytes(char* data, std::size_t size, std::size_t count, void* user) {
    auto* self = static_cast<Transfer*>(user);
    self->Open();
    if (!self->silent_) self->handlers_.bytes({data, size * count});
    return size * count;
  }

  Transfers::Handlers handlers_;
  CURL* easy_;
  curl_slist* headers_;
  curl_slist* connect_to_ = nullptr;
  std::string body_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  bool opened_ = false;
  bool silent_ = false;
};

class CurlTransfers : public Transfers {
 public:
  explicit CurlTransfers(Access access) : access_(std::move(access)), multi_(curl_multi_init()) {}
  ~CurlTransfers() override {
    for (const auto& [number, transfer] : transfers_) {
      curl_multi_remove_handle(multi_, transfer->easy());
    }
    transfers_.clear();
    curl_multi_cleanup(multi_);
  }
  CurlTransfers(const CurlTransfers&) = delete;
  CurlTransfers& operator=(const CurlTransfers&) = delete;

  std::uint64_t Start(const Request& request, Handlers handlers) override {
    const std::uint64_t number = ++numbers_;
    // What cannot even be begun ends like anything else, from Run.
    std::function<void(int, const std::string&)> ended = handlers.ended;
    auto transfer = std::make_unique<Transfer>(std::move(handlers));
    const Status prepared = transfer->Prepare(access_, request);
    if (prepared.ok()) {
      curl_multi_add_handle(multi_, transfer->easy());
      transfers_[number] = std::move(transfer);
    } else {
      failed_[number] = [ended, error = prepared.error()] { ended(0, error); };
    }
    return number;
  }

  void Cancel(std::uint64_t number) override {
    failed_.erase(number);
    const auto at = transfers_.find(number);
    if (at == transfers_.end()) return;
    // Within a handler of the same transfer it has to live on until that returns.
    at->second->Silence();
    cancelled_.push_back(std::move(at->second));
    transfers_.erase(at);
  }

  void Run(std::chrono::milliseconds patience) override {
    int running = 0;
    curl_multi_perform(multi_, &running);
    Drop();
    Collect();
    if (!failed_.empty()) return Fail();
    curl_multi_poll(multi_, nullptr, 0, static_cast<int>(patience.count()), nullptr);
    curl_multi_perform(multi_, &running);
    Drop();
    Collect();
    Fail();
  }

  void Wake() override { curl_multi_wakeup(multi_); }

 private:
  void Drop() {
    for (const std::unique_ptr<Transfer>& transfer : cancelled_) {
      curl_multi_remove_handle(multi_, transfer->easy());
    }
    cancelled_.clear();
  }

  void Collect() {
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      const auto at = std::find_if(transfers_.begin(), transfers_.end(), [&](const auto& entry) {
        return entry.second->easy() == message->easy_handle;
      });
      if (at == transfers_.end()) continue;
      const std::unique_ptr<Transfer> transfer = std::move(at->second);
      transfers_.erase(at);
      curl_multi_remove_handle(multi_, transfer->easy());
      transfer->Finish(code);
    }
    Drop();
  }

  void Fail() {
    std::map<std::uint64_t, std::function<void()>> failed = std::exchange(failed_, {});
    for (const auto& [number, end] : failed) end();
  }

  const Access access_;
  CURLM* multi_;
  std::uint64_t numbers_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Transfer>> transfers_;
  std::vector<std::unique_ptr<Transfer>> cancelled_;
  std::map<std::uint64_t, std::function<void()>> failed_;
};

class CurlApi : public Api {
 public:
  explicit CurlApi(Access access) : transfers_(std::move(access)) {}

  Result<Response> Do(const Request& request) override {
    Response response;
    std::string error;
    bool ended = false;
    bool too_large = false;
    const std::uint64_t number = transfers_.Start(
        request, {.opened = {},
                  .bytes =
                      [&](std::string_view bytes) {
                        too_large = too_large || response.body.size() + bytes.size() > kMaxBody;
                        if (!too_large) response.body += bytes;
                      },
                  .ended =
                      [&](int status, const std::string& why) {
                        response.status = status;
                        error = why;
                        ended = true;
                      }});
    while (!ended && !too_large) transfers_.Run(std::chrono::milliseconds(1000));
    if (too_large) {
      transfers_.Cancel(number);
      return Error{"the API server's answer is larger than 64 MiB"};
    }
    if (!error.empty()) return Error{error};
    return response;
  }

 private:
  CurlTransfers transfers_;
};

}  // namespace

std::unique_ptr<Api> MakeApi(Access access) {
  InitCurl();
  return std::make_unique<CurlApi>(std::move(access));
}

std::unique_ptr<Transfers> MakeTransfers(Access access) {
  InitCurl();
  return std::make_unique<CurlTransfers>(std::move(access));
}

}  // namespace weft::relay::kube
