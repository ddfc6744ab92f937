// The services are those of the core, but for the platform in the kit; their limits are the same.
#include "plugin/check/world.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "plugin/stream_service.hpp"
#include "trust/seal.hpp"

namespace hyops::plugin::check {
namespace {

Frame error(const char* kind, const std::string& code, const std::string& message) {
  return {{{"t", "error"}, {"class", kind}, {"code", code}, {"message", message}}, {}};
}

bool lists(const std::vector<std::string>& list, const std::string& wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

// Does plugin.toml let it ask http://platform.test? Literally, or by a setting that names it.
bool may_ask_platform(const Manifest& manifest, const Json& config) {
  for (const auto& host : manifest.http_hosts) {
    if (host == "platform.test:80" || host == "platform.test") return true;
    if (!host.starts_with("{config.")) continue;
    const auto setting = config.find(host.substr(8, host.size() - 9));
    if (setting != config.end() &&
        setting->dump().find("http://platform.test") != std::string::npos)
      return true;
  }
  return false;
}

// A secret as it may be spelled where it does not belong.
std::vector<std::string> spellings(const std::string& secret) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(secret.data());
  std::vector<std::string> out{secret, to_hex({bytes, secret.size()})};
  for (size_t shift = 0; shift < 3; ++shift) {  // wherever in a base64 text it begins
    std::string coded = to_base64(std::string(shift, 'x') + secret);
    coded = coded.substr(shift ? 4 : 0, coded.size() - (shift ? 8 : 4));
    if (coded.size() >= 8) out.push_back(coded);
  }
  return out;
}

}  // namespace

World::World(const Subject& subject)
    : platform(subject.documents),
      subject_(subject),
      host_(services(), subject.manifest, subject.config, system_clock()) {
  for (const auto& [name, value] : subject.secrets) plant(value);
}

World::~World() {
  if (streams_) (void)Streams({{}, {}, streams_->path()}, {}).close_all();
}

Services World::services() {
  Services given;
  given.secret = [this](const std::string& name) -> Result<Secret> {
    const auto found = subject_.secrets.find(name);
    if (found != subject_.secrets.end()) return Secret(found->second);
    return fail("plugin.service.secret", "check.toml gives no secret \"" + name + "\"");
  };
  given.sink = [this](const std::string& name, const std::string&, Secret value) -> Status {
    sunk_.insert(name);
    plant(value.reveal());
    return {};
  };
  given.unseal = [this](std::string_view sealed) -> Result<Secret> {
    auto key = trust::SealKey::load(subject_.seal_key);
    if (!key) return pass(key);
    auto opened = key->unseal(sealed);
    if (opened) plant(opened->reveal());
    return opened;
  };
  given.http_record = [this](const Json& line) {
    const std::string method = get_string(line, "method"), url = get_string(line, "url");
    if (method != "GET" && method != "HEAD") writes_.push_back(method + " " + url);
    heard("a URL", url);
  };
  given.log = [this](std::string_view, const std::string& text) { heard("the log", text); };
  given.exec_values = subject_.exec_values;
  if (lists(subject_.manifest.services, "hyops.stream/1"))
    if (auto folder = TempDir::create(std::filesystem::temp_directory_path())) {
      streams_.emplace(std::move(*folder));
      const auto companions = subject_.helper.parent_path();
      given.streams = {companions / "hyops-step-host", companions / "hyops-stream-host",
                       streams_->path()};
    }
  return given;
}

void World::plant(std::string_view secret) {
  constexpr size_t shortest = 6;  // shorter ones stand in any text by chance
  if (secret.size() >= shortest) secrets_.emplace_back(secret);
}

Frame World::serve(const Frame& asked, int64_t deadline_ms,
                   const std::function<bool()>& cancelled) {
  const std::string id = get_string(asked.head, "id");
  const bool outside = id == "hyops.http/1" || id == "hyops.exec/1" || id == "hyops.stream/1";
  if (offline && outside)
    return error("unavailable", "net.connect", "the check has nobody to ask here");
  const auto n = static_cast<size_t>(std::max<int64_t>(0, get_int(asked.head, "n")));
  if (id == "hyops.http/1" && n <= asked.bytes.size()) {
    auto request = parse_json(std::string_view(asked.bytes).substr(0, n), "a request", max_frame);
    if (request && get_string(*request, "url").starts_with(Platform::url) &&
        lists(subject_.manifest.services, id))
      return http(*request, std::string_view(asked.bytes).substr(n));
  }
  return host_.answer(asked, deadline_ms, cancelled);
}

Frame World::http(const Json& request, std::string_view body) {
  const std::string method = get_string(request, "method", "GET"), url = get_string(request, "url");
  heard("a URL", url);
  heard("the body of a request", std::string(body));
  if (!may_ask_platform(subject_.manifest, subject_.config))
    return error("denied", "net.denied", "[http] hosts of plugin.toml does not list " + url);
  const Json auth = request.value("auth", Json::object());
  if (const auto secret = get_string(auth, "secret");
      !secret.empty() && !lists(secrets_of(subject_.manifest, subject_.config), secret))
    return error("denied", "plugin.service.secret", "the configuration names no secret " + secret);
  if (method != "GET" && method != "HEAD") writes_.push_back(method + " " + url);
  const Json headers = request.value("headers", Json::object());
  auto document = body.empty() ? Result<Json>(Json()) : parse_json(body, "a body", max_frame);
  const auto reply =
      document ? platform.answer(method, url.substr(std::string_view(Platform::url).size()),
                                 get_string(headers, "Idempotency-Key"), *document)
               : Platform::Reply{400, {{"code", "body"}}};
  if (reply.body.contains("initial_password")) plant(Platform::password);
  return {{{"t", "ok"}, {"json", {{"status", reply.status}, {"headers", Json::object()}}}},
          reply.body.dump()};
}

std::string World::leak() const {
  for (const auto& secret : secrets_)
    for (const auto& spelling : spellings(secret))
      for (const auto& said : said_)
        if (said.text.find(spelling) != std::string::npos) return said.where;
  return {};
}

}  // namespace hyops::plugin::check
