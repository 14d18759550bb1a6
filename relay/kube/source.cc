#include "relay/kube/source.h"

#include <utility>

#include "relay/kube/decode.h"

namespace weft::relay::kube {
namespace {

constexpr std::size_t kMaxLine = std::size_t{8} << 20;
constexpr std::size_t kMaxPage = std::size_t{64} << 20;
// A watch is asked to end within this time, and taken for dead a little later.
constexpr std::chrono::seconds kWatchLife{290};
constexpr std::chrono::seconds kWatchSilence{320};
constexpr int kOk = 200;

}  // namespace

struct ClusterSource::Stream {
  Stream(const Resource& of, std::uint64_t seed) : resource(of), reflector(of.optional, seed) {}
  const Resource resource;
  Reflector reflector;
  std::uint64_t transfer = 0;  // 0: none
  int status = 0;
  std::string text;  // of a page, of an error, or the beginning of a line
};

ClusterSource::ClusterSource(std::unique_ptr<Transfers> transfers,
                             const std::vector<Resource>& resources, std::uint64_t seed)
    : transfers_(std::move(transfers)) {
  for (const Resource& resource : resources) {
    streams_.push_back(std::make_unique<Stream>(resource, seed + streams_.size()));
  }
}

ClusterSource::~ClusterSource() = default;

bool ClusterSource::Run(std::chrono::milliseconds patience, Time now) {
  now_ = now;
  for (const auto& stream : streams_) Deliver(*stream, Tick{});
  transfers_->Run(patience);
  std::uint64_t changes = 0;
  std::string error;
  for (const auto& stream : streams_) {
    changes += stream->reflector.changes();
    if (error.empty()) error = stream->reflector.trouble(now_);
    if (error.empty() && !stream->reflector.synced()) error = stream->resource.plural;
  }
  const bool news = changes != last_changes_ || error != last_error_;
  last_changes_ = changes;
  last_error_ = error;
  return news;
}

Result<SnapshotPtr> ClusterSource::Found(Time now) const {
  std::map<ObjectKey, ObjectPtr> objects;
  for (const auto& stream : streams_) {
    const Reflector& reflector = stream->reflector;
    const std::string trouble = reflector.trouble(now);
    if (!trouble.empty()) return Error{stream->resource.plural + ": " + trouble};
    if (!reflector.synced()) return Error{stream->resource.plural + " are not read yet"};
    for (const auto& [key, item] : reflector.items()) {
      if (!item.object->content.empty()) objects.emplace(key, item.object);
    }
  }
  if (objects.empty()) return Error{"the API server has no objects"};
  return MakeSnapshot(std::move(objects));
}

void ClusterSource::Deliver(Stream& stream, const Event& event) {
  for (const Action& action : stream.reflector.On(event, now_)) {
    std::visit([&](const auto& one) { Do(stream, one); }, action);
  }
}

void ClusterSource::Do(Stream& stream, const List& action) {
  std::string path = CollectionPath(stream.resource, stream.resource.only_in);
  char separator = '?';
  const auto add = [&](const std::string& name, const std::string& value) {
    path += separator + name + "=" + PercentEncoded(value);
    separator = '&';
  };
  if (action.limit > 0) add("limit", std::to_string(action.limit));
  if (!action.token.empty()) add("continue", action.token);
  stream.text.clear();
  stream.transfer = transfers_->Start(
      {.path = path}, {.opened = {},
                       .bytes =
                           [&stream](std::string_view bytes) {
                             if (stream.text.size() <= kMaxPage) stream.text += bytes;
                           },
                       .ended =
                           [this, &stream](int status, const std::string& error) {
                             stream.transfer = 0;
                             if (!error.empty()) return Deliver(stream, Failed{0, error});
                             if (status != kOk)
                               return Deliver(stream, Failed{status, ReadMessage(stream.text)});
                             if (stream.text.size() > kMaxPage)
                               return Deliver(stream, Failed{0, "a page too large"});
                             Result<Page> page = ReadPage(stream.resource, stream.text);
                             stream.text = {};
                             if (!page.ok()) return Deliver(stream, Failed{0, page.error()});
                             Deliver(stream, std::move(page).value());
                           }});
}

void ClusterSource::Do(Stream& stream, const Watch& action) {
  stream.text.clear();
  stream.status = 0;
  const std::string path =
      CollectionPath(stream.resource, stream.resource.only_in) +
      "?watch=true&allowWatchBookmarks=true&timeoutSeconds=" + std::to_string(kWatchLife.count()) +
      "&resourceVersion=" + PercentEncoded(action.version);
  stream.transfer = transfers_->Start(
      {.path = path, .timeout = kWatchSilence},
      {.opened =
           [this, &stream](int status) {
             stream.status = status;
             if (status == kOk) Deliver(stream, WatchOpened{});
           },
       .bytes = [this, &stream](std::string_view bytes) { TakeLines(stream, bytes); },
       .ended =
           [this, &stream](int status, const std::string& error) {
             stream.transfer = 0;
             if (status != kOk && status != 0) {
               return Deliver(stream, Failed{status, ReadMessage(stream.text)});
             }
             // A watch that was cut off may have lost nothing: it goes on where it was.
             if (!error.empty() && status == 0) return Deliver(stream, Failed{0, error});
             Deliver(stream, WatchEnded{});
           }});
}

void ClusterSource::Do(Stream& stream, const StopWatch&) {
  if (stream.transfer != 0) transfers_->Cancel(std::exchange(stream.transfer, 0));
}

void ClusterSource::TakeLines(Stream& stream, std::string_view bytes) {
  stream.text += bytes;
  if (stream.status != kOk) {
    if (stream.text.size() > kMaxLine) stream.text.resize(kMaxLine);
    return;
  }
  const std::uint64_t transfer = stream.transfer;
  std::size_t begin = 0;
  for (std::size_t end = stream.text.find('\n'); end != std::string::npos;
       end = stream.text.find('\n', begin)) {
    const std::string line = stream.text.substr(begin, end - begin);
    begin = end + 1;
    if (line.empty()) continue;
    std::visit([&](const auto& event) { Deliver(stream, event); },
               ReadEvent(stream.resource, line));
    // It was of no use: the lines that follow are those of a watch nobody runs.
    if (stream.transfer != transfer) return;
  }
  stream.text.erase(0, begin);
  if (stream.text.size() > kMaxLine) {
    Deliver(stream, WatchFailed{0, "an event larger than 8 MiB"});
  }
}

}  // namespace weft::relay::kube
