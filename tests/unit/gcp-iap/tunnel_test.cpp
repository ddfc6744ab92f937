// The program against a relay that keeps to the published protocol, and breaks connections.
#include "support/iap_tunnel.hpp"

#include "unit/net/http_server.hpp"

namespace hyops::tests {
namespace {

// It failed, and its last words begin with this code.
bool begins(std::pair<int, std::string> ended, const std::string& code) {
  auto& [status, said] = ended;
  if (!said.empty()) said.pop_back();
  const auto last = said.substr(said.rfind('\n') + 1);
  if (status == 1 && last.compare(0, code.size() + 2, code + ": ") == 0) return true;
  ADD_FAILURE() << "exit " << status << ": " << said;
  return false;
}

// Both ways at once, to a host that reads and writes as fast as it can.
void copy_both_ways(Dialled& dialled, uint64_t size, const Pattern& ours, const Pattern& theirs) {
  std::thread writer([&] { ours.write(dialled.to.get(), size); });
  EXPECT_EQ(theirs.read(dialled.from.get(), size), size);
  writer.join();
}

TEST_F(Tunnel, carries_both_ways_whole_however_often_the_connection_breaks) {
  const uint64_t size = copied_bytes();
  const auto ours = std::make_unique<Pattern>(1), theirs = std::make_unique<Pattern>(2);
  RelayDouble::Behaviour behaviour;
  behaviour.faults = breaks(size, 9);
  relay(behaviour);
  uint64_t arrived = 0;
  Port host([&](int client) {
    std::thread writer([&] { theirs->write(client, size); });
    arrived = ours->read(client, size);
    writer.join();
    char rest;
    arrived += static_cast<uint64_t>(std::max<ssize_t>(0, ::read(client, &rest, 1)));
  });
  Dialled dialled(arguments(host.number()));
  copy_both_ways(dialled, size, *ours, *theirs);
  const auto ended = dialled.end();
  EXPECT_EQ(ended.first, 0) << ended.second;
  host.join();
  EXPECT_EQ(arrived, size) << "and then the end of the stream";
  const auto seen = relay_->seen();
  EXPECT_EQ(seen.connects, 1);
  EXPECT_EQ(seen.cuts, 9);
  EXPECT_GE(seen.reconnects, 9);
  EXPECT_GE(seen.lost, 9u) << "each break takes something, or it shows nothing";
  EXPECT_EQ(seen.violations, std::vector<std::string>{});
}

TEST_F(Tunnel, goes_on_while_acknowledgements_come_late) {
  const uint64_t size = copied_bytes();
  const auto ours = std::make_unique<Pattern>(3);
  RelayDouble::Behaviour behaviour;
  behaviour.ack_every = 64 << 20;  // more than is ever kept: only what a pause of 20 ms brings
  behaviour.faults = breaks(size / 2, 2);
  relay(behaviour);
  uint64_t arrived = 0;
  Port host([&](int client) { arrived = ours->read(client, size); });
  Dialled dialled(arguments(host.number()));
  ours->write(dialled.to.get(), size);
  EXPECT_EQ(dialled.end().first, 0);
  host.join();
  EXPECT_EQ(arrived, size);
  EXPECT_EQ(relay_->seen().violations, std::vector<std::string>{});
}

TEST_F(Tunnel, ends_well_when_the_host_has_said_all) {
  relay();
  Port host([](int client) { (void)write_all(client, "SSH-2.0-x\r\n"); });
  Dialled dialled(arguments(host.number()));
  std::string said(64, '\0');
  EXPECT_EQ(::read(dialled.from.get(), said.data(), said.size()), 11);
  EXPECT_EQ(::read(dialled.from.get(), said.data(), said.size()), 0) << "4010: the host closed";
  EXPECT_EQ(dialled.end().first, 0);
}

// Whoever asks nothing wants to know who is there; a host may take its time to say so.
TEST_F(Tunnel, hears_the_first_word_of_a_host_that_it_asks_nothing) {
  relay();
  bool left = true;
  Port host([&](int client) {
    pollfd gone{client, POLLIN | POLLRDHUP, 0};
    left = ::poll(&gone, 1, 300) != 0;
    (void)write_all(client, "SSH-2.0-x\r\n");
    char byte;
    (void)::recv(client, &byte, 1, 0);
  });
  Dialled dialled(arguments(host.number()));
  dialled.to.reset();
  std::string said(64, '\0');
  EXPECT_EQ(::read(dialled.from.get(), said.data(), said.size()), 11);
  EXPECT_EQ(::read(dialled.from.get(), said.data(), said.size()), 0) << "and then it is over";
  EXPECT_EQ(dialled.end().first, 0);
  host.join();
  EXPECT_FALSE(left);
}

TEST_F(Tunnel, says_why_there_is_no_stream) {
  relay();
  std::string nobody;
  {
    const Port gone([](int) {});
    nobody = gone.number();
  }
  auto with = arguments(nobody);
  EXPECT_TRUE(begins(refusal(with), "unavailable/access.iap.backend")) << "4003";
  with[5] = "db-2";
  EXPECT_TRUE(begins(refusal(with), "unavailable/access.iap.lookup")) << "4047";
  EXPECT_TRUE(
      begins(refusal(arguments(nobody, "token-of-a-stranger")), "denied/access.iap.denied"));
  EXPECT_TRUE(begins(refusal(arguments(nobody, "token-2")), "expired/access.iap.token"));
  EXPECT_TRUE(
      begins(refusal(arguments(nobody, "a token\r\nX: y")), "invalid/access.iap.token.malformed"));
  with = arguments(nobody);
  with[3] = "europe-west1-b&project=other";
  EXPECT_TRUE(begins(refusal(with), "invalid/access.iap.target"));
}

TEST_F(Tunnel, speaks_with_no_relay_whose_certificate_is_not_its_own) {
  relay();
  auto with = arguments("22");
  with.erase(with.begin() + 10, with.begin() + 12);  // --ca-file: the system's do not vouch for it
  EXPECT_TRUE(begins(refusal(with), "denied/access.iap.certificate"));
  RelayDouble::Behaviour elsewhere;
  elsewhere.certificate_for = "DNS:relay.elsewhere.test";
  relay(elsewhere);
  EXPECT_TRUE(begins(refusal(arguments("22")), "denied/access.iap.certificate"));
  EXPECT_EQ(relay_->seen().connects, 0) << "the token was sent";
}

TEST_F(Tunnel, gives_up_a_session_that_the_relay_has_forgotten) {
  RelayDouble::Behaviour behaviour;
  behaviour.faults = {{1, 0, true}};
  relay(behaviour);
  Port host([](int client) {
    char byte;
    (void)::recv(client, &byte, 1, 0);
  });
  Dialled dialled(arguments(host.number()));
  ASSERT_TRUE(write_all(dialled.to.get(), "hello"));
  std::string nothing(1, '\0');
  EXPECT_EQ(::read(dialled.from.get(), nothing.data(), 1), 0);
  EXPECT_TRUE(begins(dialled.end(), "unavailable/access.iap.session_lost"));
}

TEST_F(Tunnel, gives_up_a_relay_that_does_not_come_back_when_patience_ends) {
  RelayDouble::Behaviour behaviour;
  behaviour.refuse_after = 1;
  behaviour.faults = {{1, 0, false}};
  relay(behaviour);
  Port host([](int client) {
    char byte;
    (void)::recv(client, &byte, 1, 0);
  });
  auto with = arguments(host.number());
  with.insert(with.end(), {"--patience", "1"});
  Dialled dialled(with);
  ASSERT_TRUE(write_all(dialled.to.get(), "hello"));
  std::string nothing(1, '\0');
  EXPECT_EQ(::read(dialled.from.get(), nothing.data(), 1), 0);
  EXPECT_TRUE(begins(dialled.end(), "unavailable/access.iap.connection"));
  EXPECT_GT(relay_->seen().refused, 1) << "it tried again";
}

TEST_F(Tunnel, takes_fresh_tokens_from_the_metadata_service) {
  RelayDouble::Behaviour behaviour;
  behaviour.tokens = {"token-1", "token-2"};
  behaviour.faults = {{1, 4004, false}};
  relay(behaviour);
  std::atomic<int> asked = 0;
  const net::HttpServer metadata([&](const net::Request& request) {
    auto answer = net::HttpServer::answer(request["Metadata-Flavor"] == "Google" ? 200 : 403,
                                          R"({"access_token":"token-)" + std::to_string(++asked) +
                                              R"(","expires_in":1,"token_type":"Bearer"})");
    answer.set("Metadata-Flavor", "Google");
    return answer;
  });
  std::string heard(5, '\0');
  Port host([&](int client) { (void)::recv(client, heard.data(), heard.size(), MSG_WAITALL); });
  auto with = arguments(host.number());
  with[12] = "--metadata=" + metadata.url("/token");
  with.pop_back();
  Dialled dialled(with);
  ASSERT_TRUE(write_all(dialled.to.get(), "hello"));
  std::string nothing(1, '\0');
  EXPECT_EQ(::read(dialled.from.get(), nothing.data(), 1), 0);
  EXPECT_EQ(dialled.end().first, 0);
  host.join();
  EXPECT_EQ(heard, "hello");
  EXPECT_EQ(asked, 2) << "one for each connection";
}

TEST_F(Tunnel, believes_no_metadata_service_that_is_not_googles) {
  relay();
  const net::HttpServer metadata(
      [&](const net::Request&) { return net::HttpServer::answer(200, R"({"access_token":"x"})"); });
  auto with = arguments("22");
  with[12] = "--metadata=" + metadata.url("/token");
  with.pop_back();
  EXPECT_TRUE(begins(refusal(with), "unavailable/access.iap.metadata"));
}

TEST_F(Tunnel, tells_the_relay_when_it_is_told_to_end) {
  relay();
  std::atomic<bool> closed = false;
  Port host([&](int client) {
    char byte;
    (void)write_all(client, "x");
    closed = ::read(client, &byte, 1) == 0;
  });
  Dialled dialled(arguments(host.number()));
  char byte;
  ASSERT_EQ(::read(dialled.from.get(), &byte, 1), 1);
  ASSERT_TRUE(dialled.child().signal(SIGHUP));
  EXPECT_EQ((*dialled.child().wait(-1))->code, 0);
  host.join();
  EXPECT_TRUE(closed) << "the host would have kept a dead connection";
}

TEST_F(Tunnel, does_not_outlive_whom_it_was_started_by_for_a_relay_that_is_gone) {
  RelayDouble::Behaviour behaviour;
  behaviour.refuse_after = 1;
  behaviour.faults = {{1, 0, false}};
  relay(behaviour);
  Port host([](int client) {
    char byte;
    (void)::recv(client, &byte, 1, 0);
  });
  Dialled dialled(arguments(host.number()));
  ASSERT_TRUE(write_all(dialled.to.get(), "hello"));
  while (relay_->seen().refused == 0) ::sched_yield();
  ASSERT_TRUE(dialled.child().signal(SIGHUP));
  const auto ended = dialled.child().wait(60'000);
  ASSERT_TRUE(ended && *ended) << "it tries to resume for two minutes";
  EXPECT_EQ((*ended)->code, 0);
}

}  // namespace
}  // namespace hyops::tests
