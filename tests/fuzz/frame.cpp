// Any bytes from a helper process: frames are the same however they arrive, and no answer or
// request in them crashes the core or speaks with its words.
#include <sys/socket.h>

#include <cstdlib>

#include "base/file.hpp"
#include "plugin/answer.hpp"
#include "plugin/host_services.hpp"

namespace {

using namespace hyops;
using namespace hyops::plugin;

void must(bool holds) {
  if (!holds) std::abort();
}

struct Wire {
  Fd ours, theirs;

  Wire() {
    int ends[2];
    must(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    ours = Fd(ends[0]);
    theirs = Fd(ends[1]);
  }
};

// "|" and then a line for each frame, "document<tab>bytes": the fuzzer need not guess lengths. All
// else is the wire as it stands.
std::string wire_of(std::string_view input) {
  if (!input.starts_with('|')) return std::string(input);
  std::string out;
  for (size_t at = 1; at < input.size();) {
    const std::string_view line = input.substr(at, input.find('\n', at) - at);
    at += line.size() + 1;
    const std::string_view head = line.substr(0, line.find('\t'));
    const std::string_view bytes = line.substr(std::min(line.size(), head.size() + 1));
    for (const size_t size : {head.size(), bytes.size()})
      for (int i = 0; i < 4; ++i) out += static_cast<char>((size >> (8 * i)) & 0xff);
    out.append(head).append(bytes);
  }
  return out;
}

struct Arrived {
  std::vector<Frame> frames;
  std::string error;  // what ended it; empty when all that is left is the beginning of a frame
};

Arrived arrive(std::string_view wire, size_t piece) {
  const Wire socket;
  FrameReader reader;
  Arrived out;
  while (!wire.empty()) {
    const auto part = wire.substr(0, piece);
    wire.remove_prefix(part.size());
    must(::send(socket.theirs.get(), part.data(), part.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(part.size()));
    must(reader.fill(socket.ours.get(), -1).value());
    for (;;) {
      auto frame = reader.next();
      if (!frame) {
        out.error = frame.error().code;
        return out;
      }
      if (!*frame) break;
      out.frames.push_back(std::move(**frame));
    }
  }
  return out;
}

// A frame that was read can be sent, and is then read as itself.
void same_again(const Frame& frame) {
  const Wire socket;
  if (const auto sent = send_frame(socket.theirs.get(), frame); !sent) return;
  FrameReader reader;
  auto again = receive_frame(socket.ours.get(), reader, -1);
  must(again && *again && (*again)->head == frame.head && (*again)->bytes == frame.bytes);
}

HostServices services() {
  Manifest manifest;
  manifest.id = "test.any";
  manifest.services = all_services();
  Services given;
  given.log = [](std::string_view, const std::string&) {};
  given.sink = [](const std::string&, const std::string&, Secret) { return Status{}; };
  given.unseal = [](std::string_view sealed) { return Result<Secret>(Secret(sealed)); };
  return {std::move(given), manifest, Json::object(), system_clock()};
}

void serve(const Frame& frame) {
  static HostServices host = services();
  const std::string type = frame.type();
  if (type == "log") host.log(get_string(frame.head, "level"), get_string(frame.head, "text"));
  if (type != "service") return;
  // Nothing is declared, so nothing goes out: an HTTP request or an executable would be a finding.
  const Frame reply = host.answer(frame, system_clock().mono_ms() + 1000, [] { return true; });
  must(reply.type() == "ok" || !get_string(reply.head, "code").empty());
  const std::string id = get_string(frame.head, "id");
  if (id == "hyops.http/1" || id == "hyops.exec/1") must(reply.type() == "error");
}

void judge(const Answer& answer) {
  if (const auto said = answer.failure())
    must(said->code != "plugin.died" && said->code != "plugin.protocol" &&
         said->code != "plugin.deadline");
  if (const auto document = answer.judge("test.any", "apply"))
    must(document->is_object() && canonical(*document).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  const std::string wire = wire_of({reinterpret_cast<const char*>(data), size});
  const Arrived whole = arrive(wire, 60'000);
  const Arrived pieces = arrive(wire, 7);
  must(whole.error == pieces.error && whole.frames.size() == pieces.frames.size());
  Answer answer;
  for (size_t i = 0; i < whole.frames.size(); ++i) {
    const Frame& frame = whole.frames[i];
    must(frame.head == pieces.frames[i].head && frame.bytes == pieces.frames[i].bytes);
    same_again(frame);
    serve(frame);
    if (frame.type() == "refused") must(!start_failure(frame, answer).value().code.empty());
    answer.take(frame);
  }
  judge(answer);
  return 0;
}
