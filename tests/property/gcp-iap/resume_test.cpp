// Wherever connections break, however late acknowledgements come and however messages are cut: both
// streams arrive whole, in order, each byte once.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <deque>

#include "session.hpp"

namespace hyops::iap {
namespace {

// A relay that keeps to the protocol. What is on its way when a connection breaks is lost.
struct Relay {
  std::string in, out;      // what it got; what it has to say
  uint64_t client_has = 0;  // acknowledged by the client
  uint64_t said = 0, acked = 0;
  std::deque<std::string> to_client, to_relay;  // on their way

  void hear(std::string_view message) {
    const Frame frame = decode(message);
    if (const auto* data = std::get_if<Data>(&frame)) in.append(data->bytes);
    if (const auto* ack = std::get_if<Ack>(&frame)) {
      RC_ASSERT(ack->position >= client_has);
      RC_ASSERT(ack->position <= said);
      client_has = ack->position;
    }
  }
  void say(size_t size) {
    const auto bytes = std::string_view(out).substr(said, size);
    if (bytes.empty()) return;
    to_client.push_back(encode(Data{bytes}));
    said += bytes.size();
  }
};

void put(Session& session, std::string_view& bytes, size_t most) {
  const auto space = session.space();
  const size_t size = std::min({space.size, bytes.size(), most});
  std::copy_n(bytes.data(), size, space.data);
  session.took(size);
  bytes.remove_prefix(size);
}

RC_GTEST_PROP(IapResume, loses_and_repeats_nothing, ()) {
  const auto bytes = [](const char* what) {
    return *rc::gen::container<std::string>(rc::gen::arbitrary<char>()).as(what);
  };
  const std::string ours = bytes("ours");
  Relay relay;
  relay.out = bytes("theirs");
  Session session(*rc::gen::inRange<size_t>(1, 40));
  std::string got;
  std::string_view rest = ours;
  relay.to_client.push_back(encode(Connected{"sid"}));

  const auto act = [&](int what, size_t size) {
    switch (what) {
      case 0:
        put(session, rest, size);
        break;
      case 1:
        if (const auto part = session.send(size); !part.empty())
          relay.to_relay.push_back(encode(Data{part}));
        break;
      case 2:
        relay.say(size);
        break;
      case 3:
        if (relay.acked < relay.in.size())
          relay.to_client.push_back(encode(Ack{relay.acked = relay.in.size()}));
        break;
      case 4:
        if (const auto ack = session.acknowledge(Session::When::idle))
          relay.to_relay.push_back(encode(*ack));
        break;
      case 5:
        if (relay.to_client.empty()) break;
        got.append(session.receive(relay.to_client.front()));
        relay.to_client.pop_front();
        break;
      case 6:
        if (relay.to_relay.empty()) break;
        relay.hear(relay.to_relay.front());
        relay.to_relay.pop_front();
        break;
      default:
        if (!session.resumable()) break;
        relay.to_client.clear();
        relay.to_relay.clear();
        session.begin_connection();
        RC_ASSERT(session.received() >= relay.client_has);
        RC_ASSERT(session.received() <= relay.said);
        relay.said = session.received();
        relay.client_has = relay.said;
        relay.acked = relay.in.size();
        relay.to_client.push_back(encode(Reconnected{relay.in.size()}));
    }
    RC_ASSERT(ours.compare(0, relay.in.size(), relay.in) == 0);
    RC_ASSERT(relay.out.compare(0, got.size(), got) == 0);
  };
  for (const int what : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 8)))
    act(what, *rc::gen::inRange<size_t>(1, 20));
  // From here on nothing breaks, and everything has to arrive.
  for (size_t i = 0; i < 20 * (ours.size() + relay.out.size() + 4); ++i)
    for (const int what : {0, 1, 2, 3, 4, 5, 6}) act(what, 7);
  RC_ASSERT(relay.in == ours);
  RC_ASSERT(got == relay.out);
  RC_ASSERT(session.unacknowledged() == 0u);
}

}  // namespace
}  // namespace hyops::iap
