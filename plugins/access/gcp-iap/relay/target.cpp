// Names come from documents and session ids from a network: both are held to their alphabet or
// escaped before they stand in a request.
#include "target.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "hyops/plugin.hpp"

namespace hyops::iap {
namespace {

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool all_of(const std::string& text, std::string_view more, size_t longest) {
  return !text.empty() && text.size() <= longest &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_alnum(c) || more.find(c) != std::string_view::npos; });
}

std::string escaped(const std::string& text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_alnum(c) || c == '-' || c == '_' || c == '.' || c == '~') {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.append({'%', digits[byte >> 4], digits[byte & 15]});
  }
  return out;
}

}  // namespace

Relay parse_relay(const std::string& url) {
  const auto wrong = [&](const char* why) {
    return sdk::Failed("invalid/access.iap.endpoint",
                       "\"" + url.substr(0, 200) + "\" is no address of a relay: " + why);
  };
  constexpr std::string_view scheme = "wss://";
  if (url.rfind(scheme, 0) != 0) throw wrong("it must begin with wss://");
  const std::string rest = url.substr(scheme.size());
  const size_t slash = std::min(rest.find('/'), rest.size());
  Relay relay{rest.substr(0, slash), "443", rest.substr(slash)};
  if (const size_t colon = relay.host.find(':'); colon != std::string::npos) {
    relay.port = relay.host.substr(colon + 1);
    relay.host.resize(colon);
  }
  while (!relay.path.empty() && relay.path.back() == '/') relay.path.pop_back();
  if (!all_of(relay.host, ".-", 253)) throw wrong("the host is no name");
  if (relay.port.size() > 5 || !all_of(relay.port, "", 5) ||
      !std::all_of(relay.port.begin(), relay.port.end(),
                   [](char c) { return c >= '0' && c <= '9'; }))
    throw wrong("the port is no number");
  if (!relay.path.empty() && !all_of(relay.path, "/-_.", 200)) throw wrong("the path is unusual");
  return relay;
}

void check(const Target& target) {
  const auto wrong = [](const char* what, const std::string& value) {
    return sdk::Failed("invalid/access.iap.target", std::string("the ") + what + " \"" +
                                                        value.substr(0, 80) +
                                                        "\" is none that Compute Engine has");
  };
  // "example.com:project" is a project of a domain, RFC 1035 names all else.
  if (!all_of(target.project, "-.:", 128)) throw wrong("project", target.project);
  if (!all_of(target.zone, "-", 63)) throw wrong("zone", target.zone);
  if (!all_of(target.instance, "-", 63)) throw wrong("instance", target.instance);
  if (!all_of(target.interface, "", 16)) throw wrong("interface", target.interface);
  if (target.port == 0) throw wrong("port", "0");
}

std::string connect_request(const Relay& relay, const Target& target) {
  return relay.path + "/connect?project=" + escaped(target.project) +
         "&port=" + std::to_string(target.port) +
         "&newWebsocket=True&zone=" + escaped(target.zone) +
         "&instance=" + escaped(target.instance) + "&interface=" + escaped(target.interface);
}

std::string reconnect_request(const Relay& relay, const Target& target, const std::string& sid,
                              uint64_t ack) {
  return relay.path + "/reconnect?sid=" + escaped(sid) + "&ack=" + std::to_string(ack) +
         "&newWebsocket=True&zone=" + escaped(target.zone);
}

}  // namespace hyops::iap
