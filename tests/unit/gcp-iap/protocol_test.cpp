// The protocol without a network: what is read, what is refused, what a close code means.
#include <gtest/gtest.h>

#include "close_code.hpp"
#include "hyops/plugin.hpp"
#include "session.hpp"
#include "target.hpp"

namespace hyops::iap {
namespace {

using namespace std::literals;

std::string data_message(std::string_view bytes) { return encode(Data{bytes}); }

void give(Session& session, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto space = session.space();
    const size_t size = std::min(space.size, bytes.size());
    ASSERT_GT(size, 0u) << "the window is full";
    std::copy_n(bytes.data(), size, space.data);
    session.took(size);
    bytes.remove_prefix(size);
  }
}

template <class Act>
std::string refusal(Act&& act) {
  try {
    act();
  } catch (const sdk::Failed& failed) {
    return failed.code;
  }
  return "";
}

TEST(IapFrame, stands_on_the_wire_as_published) {
  EXPECT_EQ(encode(Ack{0x0102030405060708}), "\0\x07\x01\x02\x03\x04\x05\x06\x07\x08"sv);
  EXPECT_EQ(data_message("ssh"), "\0\x04\0\0\0\x03ssh"sv);
  EXPECT_EQ(encode(Connected{"sid"}), "\0\x01\0\0\0\x03sid"sv);
  EXPECT_EQ(encode(Reconnected{258}), "\0\x02\0\0\0\0\0\0\x01\x02"sv);
  EXPECT_EQ(std::get<Data>(decode("\0\x04\0\0\0\x03sshd"sv)).bytes, "ssh") << "extra bytes count";
  EXPECT_EQ(std::get<Unknown>(decode("\0\x63whatever"sv)).tag, 99);
}

TEST(IapFrame, is_refused_where_it_is_shorter_or_larger_than_allowed) {
  for (const auto bad :
       {""sv, "\0"sv, "\0\x04"sv, "\0\x04\0\0\0\x04ssh"sv, "\0\x04\xff\xff\xff\xffssh"sv,
        "\0\x07\0\0\0\0\0\0\0"sv, "\0\x01\0\0\0\0"sv, "\0\x01\0\0\0\x03s d"sv,
        "\0\x01\0\0\0\x02s\n"sv, "\0\x02\x01"sv})
    EXPECT_EQ(refusal([&] { decode(bad); }), "internal/access.iap.protocol") << bad.size();
  EXPECT_EQ(refusal([&] { decode(data_message(std::string(max_array, 'x'))); }), "");
  EXPECT_EQ(refusal([&] { decode(data_message(std::string(max_array + 1, 'x'))); }),
            "internal/access.iap.protocol");
}

TEST(IapSession, sends_again_what_the_relay_did_not_get) {
  Session session(64);
  give(session, "0123456789");
  EXPECT_TRUE(session.send(100).empty()) << "nothing before the relay said that the session stands";
  session.receive(encode(Connected{"sid"}));
  EXPECT_EQ(session.send(4), "0123");
  EXPECT_EQ(session.send(100), "456789");
  session.receive(encode(Ack{2}));
  session.begin_connection();
  EXPECT_TRUE(session.send(100).empty());
  session.receive(encode(Reconnected{3}));
  EXPECT_EQ(session.send(100), "3456789");
  session.receive(encode(Ack{10}));
  EXPECT_EQ(session.unacknowledged(), 0u);
}

TEST(IapSession, takes_no_more_than_its_window_until_the_relay_acknowledges) {
  Session session(8);
  give(session, "01234567");
  EXPECT_EQ(session.space().size, 0u);
  session.receive(encode(Connected{"sid"}));
  session.send(100);
  EXPECT_EQ(session.space().size, 0u) << "sent is not arrived";
  session.receive(encode(Ack{3}));
  give(session, "abc");
  EXPECT_EQ(session.space().size, 0u);
  EXPECT_EQ(session.send(100), "abc");
}

TEST(IapSession, counts_what_it_got_and_acknowledges_it_in_time) {
  Session session(8);
  session.receive(encode(Connected{"sid"}));
  const std::string full = data_message(std::string(max_array, 'x'));
  EXPECT_EQ(session.receive(full).size(), max_array);
  session.receive(full);
  EXPECT_FALSE(session.acknowledge(Session::When::due)) << "two full messages need none yet";
  session.receive(data_message("x"));
  EXPECT_EQ(session.acknowledge(Session::When::due)->position, 2 * max_array + 1);
  EXPECT_FALSE(session.acknowledge(Session::When::idle)) << "said once";
  session.receive(data_message("x"));
  EXPECT_EQ(session.acknowledge(Session::When::idle)->position, 2 * max_array + 2);
  EXPECT_EQ(session.received(), 2 * max_array + 2);
}

TEST(IapSession, ends_where_the_relay_contradicts_itself) {
  const auto begun = [] {
    Session session(64);
    session.receive(encode(Connected{"sid"}));
    give(session, "0123456789");
    session.send(5);
    session.receive(encode(Ack{3}));
    return session;
  };
  for (const auto& bad :
       {encode(Ack{2}), encode(Ack{6}), encode(Connected{"other"}), encode(Reconnected{3})}) {
    Session session = begun();
    EXPECT_EQ(refusal([&] { session.receive(bad); }), "internal/access.iap.protocol");
  }
  for (const auto& bad : {encode(Reconnected{2}), encode(Reconnected{6}), encode(Ack{3}),
                          encode(Connected{"sid"}), data_message("x")}) {
    Session session = begun();
    session.begin_connection();
    EXPECT_EQ(refusal([&] { session.receive(bad); }), "internal/access.iap.protocol");
  }
  Session fresh(8);
  EXPECT_EQ(refusal([&] { fresh.receive(encode(Reconnected{0})); }),
            "internal/access.iap.protocol");
}

TEST(IapCloseCode, says_what_may_be_resumed) {
  for (const int code : {1001, 1006, 1011, 1012, 4000, 4002})
    EXPECT_EQ(judge_close(static_cast<uint16_t>(code)).next, Next::resume) << code;
  EXPECT_EQ(judge_close(4004).next, Next::renew);
  EXPECT_EQ(judge_close(1000).next, Next::end);
  EXPECT_EQ(judge_close(4010).next, Next::end) << "the host closed the connection";
  for (const int code : {4001, 4003, 4005, 4009, 4033, 4047, 4051, 4074, 4999, 1002})
    EXPECT_EQ(judge_close(static_cast<uint16_t>(code)).next, Next::fail) << code;
  EXPECT_EQ(judge_close(4003).code, "unavailable/access.iap.backend"s);
  EXPECT_EQ(judge_close(4047).code, "unavailable/access.iap.lookup"s);
  EXPECT_EQ(judge_close(4033).code, "denied/access.iap.denied"s);
  EXPECT_EQ(judge_refusal(401).next, Next::renew);
  EXPECT_EQ(judge_refusal(403).code, "denied/access.iap.denied"s);
  EXPECT_EQ(judge_refusal(503).next, Next::resume);
  EXPECT_EQ(judge_refusal(404).next, Next::fail);
}

TEST(IapTarget, stands_in_the_requests_that_google_documents) {
  const Relay relay = parse_relay(google_relay);
  EXPECT_EQ(relay.host + "|" + relay.port + "|" + relay.path, "tunnel.cloudproxy.app|443|/v4");
  const Target target{"acme-work", "europe-west1-b", "db-1", "nic0", 22};
  EXPECT_EQ(connect_request(relay, target),
            "/v4/connect?project=acme-work&port=22&newWebsocket=True&zone=europe-west1-b"
            "&instance=db-1&interface=nic0");
  EXPECT_EQ(reconnect_request(relay, target, "a+b/c=&x", 17),
            "/v4/reconnect?sid=a%2Bb%2Fc%3D%26x&ack=17&newWebsocket=True&zone=europe-west1-b");
}

TEST(IapTarget, takes_no_unencrypted_relay_and_no_name_that_is_none) {
  for (const char* bad : {"ws://relay/v4", "https://relay/v4", "wss://", "wss://user@relay/v4",
                          "wss://relay:0x1/v4", "wss://relay/v4?x=1", "wss://re lay/v4"})
    EXPECT_EQ(refusal([&] { parse_relay(bad); }), "invalid/access.iap.endpoint") << bad;
  const Target good{"acme-work", "europe-west1-b", "db-1", "nic0", 22};
  EXPECT_EQ(refusal([&] { check(good); }), "");
  for (const auto& change : std::vector<void (*)(Target&)>{
           [](Target& t) { t.project = "a&zone=b"; }, [](Target& t) { t.zone = ""; },
           [](Target& t) { t.instance = "db-1\r\nX: y"; }, [](Target& t) { t.interface = "nic 0"; },
           [](Target& t) { t.port = 0; }}) {
    Target bad = good;
    change(bad);
    EXPECT_EQ(refusal([&] { check(bad); }), "invalid/access.iap.target");
  }
}

}  // namespace
}  // namespace hyops::iap
