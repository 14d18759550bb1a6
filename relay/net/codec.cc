#include "relay/net/codec.h"

#include <algorithm>
#include <utility>

#include "dsl/overloaded.h"
#include "relay/core/limits.h"

namespace weft::relay {
namespace {

constexpr std::size_t kMaxName = 512;        // of a kind, namespace or name
constexpr std::size_t kMaxText = 16U << 10;  // of a reason, an annotation
constexpr int kMaxAnnotations = 32;

v1::Key* Put(const ObjectKey& key, v1::Key* out) {
  out->set_kind(key.kind);
  out->set_ns(key.ns);
  out->set_name(key.name);
  return out;
}

void Put(const Version& version, v1::Version* out) {
  out->set_term(version.term);
  out->set_generation(version.generation);
}

void Put(const Object& object, bool with_content, v1::Object* out) {
  Put(object.key, out->mutable_key());
  if (with_content && !object.content.empty()) {
    out->set_content(object.content);
    out->mutable_annotations()->insert(object.annotations.begin(), object.annotations.end());
  } else {
    out->set_digest(EncodeDigest(object.digest));
  }
}

void Put(const Delta& delta, std::size_t inline_bytes, v1::Delta* out) {
  out->set_parent(EncodeDigest(delta.parent));
  out->set_root(EncodeDigest(delta.root));
  std::size_t bytes = 0;
  for (const ObjectPtr& object : delta.changed) {
    bytes += object->content.size();
    Put(*object, bytes <= inline_bytes, out->add_changed());
  }
  for (const ObjectKey& key : delta.removed) Put(key, out->add_removed());
}

Version Get(const v1::Version& version) { return {version.term(), version.generation()}; }

// Collects what is wrong with a frame; everything after the first mistake yields empty values.
class Reader {
 public:
  [[nodiscard]] const std::string& error() const { return error_; }
  void Fail(std::string what) {
    if (error_.empty()) error_ = std::move(what);
  }

  Digest ReadDigest(const std::string& bytes) {
    const std::optional<Digest> digest = DecodeDigest(bytes);
    if (!digest) Fail("a digest that is not 32 bytes");
    return digest.value_or(Digest{});
  }
  std::string ReadText(const std::string& text) {
    if (text.size() > kMaxText) Fail("a text longer than 16 KiB");
    return text;
  }
  ObjectKey ReadKey(const v1::Key& key) {
    if (key.kind().empty() || key.name().empty() || key.kind().size() > kMaxName ||
        key.ns().size() > kMaxName || key.name().size() > kMaxName) {
      Fail("a key without kind or name, or one that is too long");
    }
    return {key.kind(), key.ns(), key.name()};
  }
  ObjectPtr ReadObject(const v1::Object& object) {
    ObjectKey key = ReadKey(object.key());
    if (object.content().empty()) {
      auto named = std::make_shared<Object>();
      named->key = std::move(key);
      named->digest = ReadDigest(object.digest());
      return named;
    }
    if (object.content().size() > kMaxObjectBytes) Fail("an object larger than 256 KiB");
    if (object.annotations_size() > kMaxAnnotations) Fail("an object with too many annotations");
    std::map<std::string, std::string> annotations;
    for (const auto& [name, value] : object.annotations()) {
      annotations[ReadText(name)] = ReadText(value);
    }
    if (!error_.empty()) return std::make_shared<Object>();
    return MakeObject(std::move(key), object.content(), std::move(annotations));
  }
  Delta ReadDelta(const v1::Delta& delta) {
    Delta read{.parent = ReadDigest(delta.parent()), .root = ReadDigest(delta.root())};
    for (const v1::Object& object : delta.changed()) {
      read.changed.push_back(ReadObject(object));
      if (!error_.empty()) return read;
    }
    for (const v1::Key& key : delta.removed()) read.removed.push_back(ReadKey(key));
    return read;
  }

 private:
  std::string error_;
};

template <typename Message>
Result<Message> Finish(Message message, const Reader& reader) {
  if (!reader.error().empty()) return Error{reader.error()};
  return message;
}

Phase ReadPhase(v1::Ack::Phase phase, Reader& reader) {
  switch (phase) {
    case v1::Ack::REJECTED:
      return Phase::kRejected;
    case v1::Ack::APPLIED:
      return Phase::kApplied;
    case v1::Ack::EFFECTIVE:
      return Phase::kEffective;
    default:  // protobuf keeps numbers it does not know
      reader.Fail("an unknown phase");
      return Phase::kRejected;
  }
}

Ack ReadAck(const v1::Ack& ack, Reader& reader) {
  Ack read{.version = Get(ack.version()),
           .phase = ReadPhase(ack.phase(), reader),
           .root = reader.ReadDigest(ack.root()),
           .reason = reader.ReadText(ack.reason()),
           .over_budget = ack.over_budget()};
  for (const v1::Ack::Error& error : ack.errors()) {
    read.errors.push_back({reader.ReadKey(error.key()), reader.ReadDigest(error.digest()),
                           reader.ReadText(error.detail())});
    if (error.has_needs()) read.errors.back().needs = reader.ReadKey(error.needs());
  }
  return read;
}

Drift ReadDrift(const v1::Drift& drift, Reader& reader) {
  Drift read{.objects = {}, .held = drift.held()};
  if (static_cast<std::size_t>(drift.objects_size()) > kMaxDrifted) {
    reader.Fail("too many objects");
    return read;
  }
  for (const v1::Drift::Object& object : drift.objects()) {
    read.objects.push_back({reader.ReadKey(object.key()), reader.ReadText(object.detail())});
  }
  return read;
}

Holdings ReadHoldings(const v1::Holdings& holdings, Reader& reader) {
  Holdings read{.root = reader.ReadDigest(holdings.root())};
  if (static_cast<std::size_t>(holdings.entries_size()) > kMaxObjects) {
    reader.Fail("too many objects");
    return read;
  }
  for (const v1::Holdings::Entry& entry : holdings.entries()) {
    read.entries.push_back({reader.ReadKey(entry.key()), reader.ReadDigest(entry.digest())});
  }
  return read;
}

}  // namespace

std::string EncodeDigest(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()};
}

std::optional<Digest> DecodeDigest(const std::string& bytes) {
  Digest digest;
  if (bytes.size() != digest.bytes.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), digest.bytes.begin());
  return digest;
}

v1::Object Encode(const Object& object) {
  v1::Object out;
  Put(object, true, &out);
  return out;
}

v1::AgentFrame Encode(const AgentMessage& message) {
  v1::AgentFrame frame;
  std::visit(Overloaded{[&](const Hello& m) {
                          v1::Hello* out = frame.mutable_hello();
                          out->set_protocol(m.protocol);
                          out->set_store_id(m.store_id);
                          Put(m.applied, out->mutable_applied());
                          Put(m.highest, out->mutable_highest());
                          out->set_reign(m.reign);
                          out->set_root(EncodeDigest(m.root));
                          out->set_in_force(m.in_force);
                        },
                        [&](const Holdings& m) {
                          v1::Holdings* out = frame.mutable_holdings();
                          out->set_root(EncodeDigest(m.root));
                          for (const Holdings::Entry& entry : m.entries) {
                            v1::Holdings::Entry* to = out->add_entries();
                            Put(entry.key, to->mutable_key());
                            to->set_digest(EncodeDigest(entry.digest));
                          }
                        },
                        [&](const Contents& m) {
                          v1::Contents* out = frame.mutable_contents();
                          for (const ObjectPtr& object : m.objects)
                            Put(*object, true, out->add_objects());
                        },
                        [&](const Discovery& m) {
                          v1::Discovery* out = frame.mutable_discovery();
                          out->set_sequence(m.sequence);
                          out->set_part(m.part);
                          out->set_last(m.last);
                          out->set_full(m.full);
                          Put(m.delta, kMaxMessageBytes, out->mutable_delta());
                        },
                        [&](const Degraded& m) { frame.mutable_degraded()->set_reason(m.reason); },
                        [&](const Ack& m) {
                          v1::Ack* out = frame.mutable_ack();
                          Put(m.version, out->mutable_version());
                          out->set_phase(static_cast<v1::Ack::Phase>(m.phase));
                          out->set_root(EncodeDigest(m.root));
                          out->set_reason(m.reason);
                          out->set_over_budget(m.over_budget);
                          for (const ObjectError& error : m.errors) {
                            v1::Ack::Error* to = out->add_errors();
                            Put(error.key, to->mutable_key());
                            to->set_digest(EncodeDigest(error.digest));
                            to->set_detail(error.detail);
                            if (error.needs) Put(*error.needs, to->mutable_needs());
                          }
                        },
                        [&](const Heartbeat& m) {
                          frame.mutable_heartbeat()->set_degraded(m.degraded);
                          frame.mutable_heartbeat()->set_complaint(m.complaint);
                        },
                        [&](const Drift& m) {
                          v1::Drift* out = frame.mutable_drift();
                          out->set_held(m.held);
                          for (const Drifted& object : m.objects) {
                            v1::Drift::Object* to = out->add_objects();
                            Put(object.key, to->mutable_key());
                            to->set_detail(object.detail);
                          }
                        }},
             message);
  return frame;
}

v1::ServerFrame Encode(const ServerMessage& message) {
  v1::ServerFrame frame;
  std::visit(Overloaded{[&](const Welcome& m) {
                          v1::Welcome* out = frame.mutable_welcome();
                          out->set_store_id(m.store_id);
                          out->set_term(m.term);
                          out->set_input_root(EncodeDigest(m.input_root));
                        },
                        [&](const Offer& m) {
                          v1::Offer* out = frame.mutable_offer();
                          out->set_store_id(m.store_id);
                          Put(m.version, out->mutable_version());
                          out->set_reign(m.reign);
                          Put(m.delta, kInlineBytes, out->mutable_delta());
                          out->set_adopt(m.adopt);
                          if (!m.permit) return;
                          out->mutable_permit()->set_removals(EncodeDigest(m.permit->removals));
                          out->mutable_permit()->set_approver(m.permit->approver);
                        },
                        [&](const Inquire& m) {
                          v1::Inquire* out = frame.mutable_inquire();
                          for (const Digest& one : m.wanted) out->add_wanted(EncodeDigest(one));
                        },
                        [&](const InputAck& m) {
                          frame.mutable_input_ack()->set_sequence(m.sequence);
                          frame.mutable_input_ack()->set_root(EncodeDigest(m.root));
                        },
                        [&](const InputNack& m) {
                          frame.mutable_input_nack()->set_sequence(m.sequence);
                          frame.mutable_input_nack()->set_refused(m.refused);
                        }},
             message);
  return frame;
}

Result<ObjectPtr> Decode(const v1::Object& object) {
  Reader reader;
  return Finish(reader.ReadObject(object), reader);
}

Result<AgentMessage> Decode(const v1::AgentFrame& frame) {
  Reader reader;
  AgentMessage message;
  switch (frame.message_case()) {
    case v1::AgentFrame::kHello:
      message = Hello{.protocol = frame.hello().protocol(),
                      .store_id = reader.ReadText(frame.hello().store_id()),
                      .applied = Get(frame.hello().applied()),
                      .highest = Get(frame.hello().highest()),
                      .reign = frame.hello().reign(),
                      .root = reader.ReadDigest(frame.hello().root()),
                      .in_force = frame.hello().in_force()};
      if (frame.hello().protocol() != 1) reader.Fail("a protocol this server does not speak");
      break;
    case v1::AgentFrame::kHoldings:
      message = ReadHoldings(frame.holdings(), reader);
      break;
    case v1::AgentFrame::kContents: {
      Contents contents;
      for (const v1::Object& object : frame.contents().objects()) {
        contents.objects.push_back(reader.ReadObject(object));
      }
      message = std::move(contents);
      break;
    }
    case v1::AgentFrame::kDiscovery:
      message = Discovery{.sequence = frame.discovery().sequence(),
                          .part = frame.discovery().part(),
                          .last = frame.discovery().last(),
                          .full = frame.discovery().full(),
                          .delta = reader.ReadDelta(frame.discovery().delta())};
      break;
    case v1::AgentFrame::kDegraded:
      message = Degraded{reader.ReadText(frame.degraded().reason())};
      break;
    case v1::AgentFrame::kAck:
      message = ReadAck(frame.ack(), reader);
      break;
    case v1::AgentFrame::kHeartbeat:
      message = Heartbeat{reader.ReadText(frame.heartbeat().degraded()),
                          reader.ReadText(frame.heartbeat().complaint())};
      break;
    case v1::AgentFrame::kDrift:
      message = ReadDrift(frame.drift(), reader);
      break;
    case v1::AgentFrame::MESSAGE_NOT_SET:
      reader.Fail("a frame without a message this version knows");
      break;
  }
  return Finish(std::move(message), reader);
}

Result<ServerMessage> Decode(const v1::ServerFrame& frame) {
  Reader reader;
  ServerMessage message;
  switch (frame.message_case()) {
    case v1::ServerFrame::kWelcome:
      message = Welcome{reader.ReadText(frame.welcome().store_id()), frame.welcome().term(),
                        reader.ReadDigest(frame.welcome().input_root())};
      break;
    case v1::ServerFrame::kOffer: {
      const v1::Offer& in = frame.offer();
      Offer offer{.store_id = reader.ReadText(in.store_id()),
                  .version = Get(in.version()),
                  .reign = in.reign(),
                  .delta = reader.ReadDelta(in.delta()),
                  .adopt = reader.ReadText(in.adopt())};
      if (in.has_permit()) {
        offer.permit = Permit{reader.ReadDigest(in.permit().removals()),
                              reader.ReadText(in.permit().approver())};
      }
      message = std::move(offer);
      break;
    }
    case v1::ServerFrame::kInquire: {
      Inquire inquire;
      for (const std::string& one : frame.inquire().wanted()) {
        inquire.wanted.push_back(reader.ReadDigest(one));
      }
      message = std::move(inquire);
      break;
    }
    case v1::ServerFrame::kInputAck:
      message = InputAck{frame.input_ack().sequence(), reader.ReadDigest(frame.input_ack().root())};
      break;
    case v1::ServerFrame::kInputNack:
      message =
          InputNack{frame.input_nack().sequence(), reader.ReadText(frame.input_nack().refused())};
      break;
    case v1::ServerFrame::MESSAGE_NOT_SET:
      reader.Fail("a frame without a message this version knows");
      break;
  }
  return Finish(std::move(message), reader);
}

}  // namespace weft::relay
