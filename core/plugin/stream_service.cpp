// stream.json is written before a keeper is started and after it listens, so that no crash leaves
// one that nobody can find.
#include "plugin/stream_service.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/text.hpp"
#include "process/pidfd.hpp"
#include "process/step_host.hpp"

namespace hyops::plugin {
namespace {

namespace fs = std::filesystem;

constexpr const char* service_name = "hyops.stream/1";
constexpr const char* loopback = "127.0.0.1";
constexpr int64_t listen_ms = 20'000, close_ms = 20'000;
constexpr int64_t shortest_ms = 1'000, longest_ms = 24 * 3'600'000, most_patience_ms = 600'000;
constexpr int port_taken = 3;  // exit status of a keeper whose port somebody else has

// Held until the end of the scope; waits for whoever holds it.
Result<Fd> locked(const fs::path& folder) {
  if (auto made = make_folders(folder); !made) return pass(made);
  Fd fd(::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  while (fd && ::flock(fd.get(), LOCK_EX) != 0)
    if (errno != EINTR) return fail_errno("stream.start", "cannot lock " + folder.string(), errno);
  if (!fd) return fail_errno("stream.start", "cannot lock " + folder.string(), errno);
  return fd;
}

Status keep_stream(const fs::path& folder, const Json& stream) {
  auto text = canonical(stream);
  if (!text) return pass(text);
  return write_file(folder / "stream.json", *text, 0600);
}

// Nothing where there never was one.
Result<std::optional<Json>> read_stream(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::exists(folder / "stream.json", ignored)) return std::nullopt;
  auto text = read_file(folder / "stream.json", 1u << 20);
  if (!text) return pass(text);
  auto stream = parse_json(*text, (folder / "stream.json").string());
  if (!stream) return pass(stream);
  return std::optional(std::move(*stream));
}

fs::path keeper_folder(const fs::path& folder, const Json& stream) {
  return folder / std::to_string(get_int(stream, "starts"));
}

bool listens(const fs::path& folder, const Json& stream) {
  if (get_int(stream, "port") == 0 || get_int(stream, "starts") == 0) return false;
  const auto seen = process::observe_tool(keeper_folder(folder, stream));
  // Where its host was killed, a watcher may still be ending the rest.
  return seen && seen->state == process::ToolState::running && seen->host &&
         process::is_alive(*seen->host);
}

// How long it may still live: by the clock that never jumps, or after another boot by the other
// one.
int64_t life_left_ms(const Json& stream) {
  if (get_string(stream, "boot_id") == process::boot_id())
    return get_int(stream, "until_mono_ms") - system_clock().mono_ms();
  return get_int(stream, "expires_ms") - system_clock().wall_ms();
}

Json endpoint_of(const Json& stream) {
  return {{"address", loopback},
          {"port", get_int(stream, "port")},
          {"expires_ms", get_int(stream, "expires_ms")}};
}

// The port it listens at, told through `ready` as soon as it does.
Result<int64_t> hear_port(int ready, const process::Identity& host, const fs::path& step) {
  const Fd alive(::pidfd_open(host.pid, 0));
  const int64_t until = system_clock().mono_ms() + listen_ms;
  std::string told;
  for (;;) {
    pollfd events[2] = {{ready, POLLIN, 0}, {alive.get(), POLLIN, 0}};
    const int64_t left = until - system_clock().mono_ms();
    if (left <= 0) return fail("stream.start", "the keeper of a stream did not listen in time");
    if (::poll(events, 2, static_cast<int>(left)) < 0 && errno != EINTR)
      return fail_errno("stream.start", "cannot wait for the keeper of a stream", errno);
    char piece[16];
    ssize_t got = 0;
    while ((got = ::read(ready, piece, sizeof piece)) > 0)
      told.append(piece, static_cast<size_t>(got));
    if (told.ends_with('\n')) return std::stoll(told);
    if (!alive || (events[1].revents & POLLIN) == 0) continue;
    const auto seen = process::observe_tool(step);
    const auto log = read_file(step / "log.txt", 1u << 16);
    const bool taken = seen && seen->status && seen->status->exit.code == port_taken;
    return fail(taken ? "stream.port" : "stream.start",
                log ? "the keeper of a stream ended: " + printable(*log, 400)
                    : "the keeper of a stream ended");
  }
}

}  // namespace

fs::path Streams::folder_of(const std::string& key, const std::string& name) const {
  return place_.folder / sha256_hex(key + "\n" + name).substr(0, 16);
}

Status Streams::start(const fs::path& folder, Json& stream) {
  stream["starts"] = get_int(stream, "starts") + 1;
  stream["closed"] = false;
  if (auto kept = keep_stream(folder, stream); !kept) return kept;
  const fs::path step = keeper_folder(folder, stream);
  if (auto made = make_folders(step); !made) return made;
  process::ToolRequest tool;
  Json paths = Json::object();
  for (const auto& [mark, name] : stream["secrets"].items()) {
    auto value = secret_ ? secret_(name.get<std::string>())
                         : Result<Secret>(fail("plugin.service.refused", "there are no secrets"));
    if (!value) return pass(value);
    tool.secrets.push_back({name.get<std::string>(), mark, std::move(*value)});
    paths[mark] = (step / "secrets" / mark).string();
  }
  const Json dial{{"argv", filled_in(stream["argv"], paths)},
                  {"file", stream["file"]},
                  {"sha256", stream["sha256"]},
                  {"port", get_int(stream, "port")},
                  {"patience_ms", stream["patience_ms"]}};
  if (auto written = write_file(step / "dial.json", dial.dump(), 0600, Durable::no); !written)
    return written;
  if (::mkfifo((step / "ready").c_str(), 0600) != 0)
    return fail_errno("stream.start", "cannot make " + (step / "ready").string(), errno);
  const Fd ready(::open((step / "ready").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!ready) return fail_errno("stream.start", "cannot read from a keeper", errno);
  tool.step_folder = step;
  tool.directory = step;
  tool.argv = {place_.stream_host.string(), step.string()};
  tool.environment = {
      {"PATH", process::default_path}, {"LANG", "C.UTF-8"}, {"HOME", step.string()}};
  tool.timeout_ms = std::max<int64_t>(1, life_left_ms(stream));
  if (get_bool(stream, "metadata")) tool.metadata = process::Metadata::declared;
  tool.stop_grace_ms = 0;  // there is nothing that it could finish
  auto host = process::start_tool(place_.step_host, tool);
  if (!host) return pass(host, "while starting the keeper of a stream");
  auto port = hear_port(ready.get(), *host, step);
  if (!port) {
    (void)process::kill_tool(step);
    return pass(port);
  }
  stream["port"] = *port;
  return keep_stream(folder, stream);
}

Status Streams::end(const fs::path& folder, Json& stream) {
  if (get_int(stream, "starts") > 0) {
    const fs::path step = keeper_folder(folder, stream);
    auto seen = process::observe_tool(step);
    if (seen && seen->state == process::ToolState::running) {
      (void)process::kill_tool(step);  // one that cannot be told is ending already
      seen = process::wait_tool(step, close_ms);
    }
    if (!seen) return pass(seen);
    if (seen->state == process::ToolState::running)
      return fail("stream.close", "the keeper of a stream in " + step.string() + " does not end");
  }
  if (get_bool(stream, "closed")) return {};
  stream["closed"] = true;
  return keep_stream(folder, stream);
}

Result<Json> Streams::open(const std::string& key, const std::string& name, const Json& request,
                           const Programs& programs, const Json& values,
                           process::Metadata metadata) {
  auto program = programs.named_by(request, service_name);
  if (!program) return pass(program);
  auto alone = locked(place_.folder);
  if (!alone) return pass(alone);
  const fs::path folder = folder_of(key, name);
  if (auto made = make_folders(folder / "files"); !made) return pass(made);
  auto before = read_stream(folder);
  if (!before) return pass(before);
  Json paths = values;
  if (auto written = write_files(request, folder / "files", paths, service_name); !written)
    return pass(written);
  const int64_t lifetime =
      std::clamp(get_int(request, "lifetime_ms", longest_ms), shortest_ms, longest_ms);
  Json stream{{"name", name},
              {"key", key},
              {"argv", filled_in(request["argv"], paths)},
              {"file", program->file.string()},
              {"sha256", program->sha256},
              {"secrets", request.value("secrets", Json::object())},
              {"metadata", metadata == process::Metadata::declared},
              {"patience_ms",
               std::clamp<int64_t>(get_int(request, "patience_ms", 0), 0, most_patience_ms)}};
  const std::string asked =
      sha256_hex(stream.dump() + request.value("files", Json::object()).dump());
  stream["asked"] = asked;
  stream["boot_id"] = process::boot_id();
  stream["until_mono_ms"] = system_clock().mono_ms() + lifetime;
  stream["expires_ms"] = system_clock().wall_ms() + lifetime;
  if (*before) {
    if (get_string(**before, "asked") == asked && listens(folder, **before))
      return endpoint_of(**before);
    if (auto ended = end(folder, **before); !ended) return pass(ended);
    stream["port"] = get_int(**before, "port");
    stream["starts"] = get_int(**before, "starts");
  }
  if (auto started = start(folder, stream); !started) return pass(started);
  return endpoint_of(stream);
}

Result<Json> Streams::observe(const std::string& key, const std::string& name) {
  const fs::path folder = folder_of(key, name);
  auto stream = read_stream(folder);
  if (!stream) return pass(stream);
  if (!*stream || !listens(folder, **stream)) return Json{{"present", false}};
  Json seen = endpoint_of(**stream);
  seen["present"] = true;
  return seen;
}

Result<Json> Streams::close(const std::string& key, const std::string& name) {
  auto alone = locked(place_.folder);
  if (!alone) return pass(alone);
  const fs::path folder = folder_of(key, name);
  auto stream = read_stream(folder);
  if (!stream) return pass(stream);
  if (*stream)
    if (auto ended = end(folder, **stream); !ended) return pass(ended);
  return Json::object();
}

Json Streams::metadata(const std::string& key, const std::string& name) const {
  const fs::path folder = folder_of(key, name);
  const auto stream = read_stream(folder);
  if (!stream || !*stream) return Json::object();
  const auto seen = process::observe_tool(keeper_folder(folder, **stream));
  if (!seen || !seen->host) return Json::object();
  Json out{{"metadata", process::name(seen->metadata)}};
  if (seen->metadata == process::Metadata::open) out["metadata_open"] = seen->metadata_open;
  return out;
}

namespace {

// Does `work` with every stream of the place; the first error of any, after all were tried.
template <class Work>
Status with_each(const fs::path& place, const Work& work) {
  std::error_code problem;
  if (!fs::exists(place, problem)) return {};
  auto alone = locked(place);
  if (!alone) return pass(alone);
  Status first;
  for (fs::directory_iterator it(place, problem), end; !problem && it != end;
       it.increment(problem)) {
    if (!it->is_directory()) continue;
    auto stream = read_stream(it->path());
    Status done;
    if (!stream)
      done = pass(stream);
    else if (*stream)
      done = work(it->path(), **stream);
    if (first && !done) first = done;
  }
  return first;
}

}  // namespace

Status Streams::revive() {
  return with_each(place_.folder, [&](const fs::path& folder, Json& stream) -> Status {
    if (get_bool(stream, "closed") || life_left_ms(stream) <= 0 || listens(folder, stream))
      return {};
    if (auto ended = end(folder, stream); !ended) return ended;  // one that never said its port
    return start(folder, stream);
  });
}

Status Streams::close_all() {
  return with_each(place_.folder,
                   [&](const fs::path& folder, Json& stream) { return end(folder, stream); });
}

Result<std::vector<Json>> Streams::standing() {
  std::vector<Json> found;
  auto looked = with_each(place_.folder, [&](const fs::path& folder, Json& stream) -> Status {
    if (!listens(folder, stream)) return {};
    Json one = endpoint_of(stream);
    one["key"] = get_string(stream, "key");
    one["name"] = get_string(stream, "name");
    found.push_back(std::move(one));
    return {};
  });
  if (!looked) return pass(looked);
  return found;
}

}  // namespace hyops::plugin
