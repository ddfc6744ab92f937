// What the API says about hosts and their operations.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "lab.hpp"

namespace hyops::labd {
namespace {

constexpr size_t most_hosts = 128;

tl::unexpected<Failure> no_host(const std::string& name) {
  return fail(404, "host.unknown", "there is no host " + name, "list hosts: GET /v1/hosts");
}

}  // namespace

Json Lab::host_json(const Host& host) const {
  return {{"name", host.name},
          {"zone", host.zone},
          {"address", host.address},
          {"image", host.image},
          {"power", alive(host.process) ? "on" : "off"},
          {"user", "root"},
          {"port", 22},
          {"host_key", host.host_key},
          {"placement", host.placement},
          {"labels", host.labels},
          {"key", host.key},
          {"operation", host.operation}};
}

Json Lab::operation_json(const Operation& operation) const {
  Json answer{
      {"id", operation.id},       {"kind", operation.kind},         {"host", operation.host},
      {"state", operation.state}, {"permille", operation.permille}, {"note", operation.note}};
  if (operation.state == "done") answer["result"] = operation.result;
  if (operation.state == "failed") answer["error"] = operation.error;
  return answer;
}

Result<Host*> Lab::host_of(const Caller& caller, const std::string& name) {
  const auto found = state_.hosts.find(name);
  if (found == state_.hosts.end() || !caller.sees(found->second.zone))
    return no_host(name.substr(0, 40));
  return &found->second;
}

bool Lab::image_known(const Caller& caller, const std::string& image) const {
  if (image == "runner") return fs::is_directory(paths_.runner_layer());
  return image == "debian" || (image == "web" && caller.admin());
}

Result<std::string> Lab::choose_address(const Zone& zone, const Json& body) const {
  const Cidr network = network_of(zone);
  const auto taken = [&](const std::string& address) {
    return std::any_of(state_.hosts.begin(), state_.hosts.end(),
                       [&](const auto& entry) { return entry.second.address == address; });
  };
  if (body.contains("address") && body["address"] != Json("")) {
    auto text = text_field(body, "address", 15);
    if (!text) return text;
    const auto address = parse_ipv4(*text);
    const uint32_t last = address ? *address & 0xff : 0;
    if (!address || !network.contains(*address) || last < 2 || last > 254) {
      return fail(400, "address.invalid",
                  "address " + *text + " is not one for hosts of zone " + std::string(zone.name),
                  "use one of " + network.text() + " from .2 to .254, or none to get one");
    }
    if (taken(*text)) {
      return fail(409, "address.taken", "address " + *text + " belongs to another host",
                  "use another, or none to get one");
    }
    return *text;
  }
  // From .100 on, so that the addresses people write down stay free for them.
  for (uint32_t last = 100; last <= 254; ++last) {
    auto address = ipv4_text(network.network + last);
    if (!taken(address)) return address;
  }
  return fail(409, "address.exhausted", "zone " + std::string(zone.name) + " has no free address",
              "release a host");
}

Result<Reply> Lab::place(const Caller& caller, const Json& body, const std::string& key) {
  if (key.empty() || key.size() > 200) {
    return fail(400, "idempotency.missing",
                "a placement needs the header Idempotency-Key with 1 to 200 bytes",
                "send a key of your own with every placement, the same one when you repeat it");
  }
  if (auto known = only_keys(
          body, {"name", "zone", "image", "address", "authorized_keys", "labels", "fencing_token"});
      !known) {
    return tl::make_unexpected(known.error());
  }
  const Zone* zone = caller.zone;
  if (body.contains("zone") || caller.admin()) {
    auto named = text_field(body, "zone", 40);
    if (!named) return tl::make_unexpected(named.error());
    auto found = find_zone(*named);
    if (!found) return tl::make_unexpected(found.error());
    if (!caller.sees(*named))
      return invalid("this API places in zone " + std::string(zone->name) + " only");
    zone = *found;
  }
  auto name = text_field(body, "name", 40).and_then(check_name);
  auto image = text_field(body, "image", 40);
  auto keys = check_authorized_keys(body);
  auto labels = check_labels(body);
  if (!name) return tl::make_unexpected(name.error());
  if (!image) return tl::make_unexpected(image.error());
  if (!keys) return tl::make_unexpected(keys.error());
  if (!labels) return tl::make_unexpected(labels.error());
  if (body.contains("fencing_token")) {
    auto token = number_field(body, "fencing_token", 0, INT64_MAX);
    if (!token) return tl::make_unexpected(token.error());
    if (!labels->contains("lane"))
      return invalid("\"fencing_token\" needs the label \"lane\" that it belongs to");
    if (auto done = check_fencing({labels->at("lane"), static_cast<uint64_t>(*token)}); !done) {
      return tl::make_unexpected(done.error());
    }
  }

  const Lock lock(mutex_);
  const std::string canonical = body.dump();  // nlohmann sorts keys: equal requests are equal texts
  const std::string scope = std::string(zone->name) + " " + key;
  if (const auto used = state_.keys.find(scope); used != state_.keys.end()) {
    const auto& earlier = state_.operations[used->second];
    if (earlier.body != canonical) {
      return fail(409, "idempotency.mismatch",
                  "the key was used with another request, operation " + earlier.id,
                  "use a new key for a new request");
    }
    return Reply{202, {{"operation", operation_json(earlier)}}};
  }
  if (auto done = not_lost(std::string(zone->name)); !done)
    return tl::make_unexpected(done.error());
  if (!image_known(caller, *image)) {
    return fail(400, "image.unknown", "there is no image \"" + *image + "\"",
                "GET /v1/images lists them; image runner needs hyops-labd up --prefix DIR");
  }
  if (state_.hosts.contains(*name)) {
    return fail(409, "host.exists", "there is a host " + *name + " already",
                "use another name, or release it first");
  }
  if (state_.hosts.size() >= most_hosts)
    return fail(409, "lab.full", "the lab has its most hosts, 128", "release some");
  auto address = choose_address(*zone, body);
  if (!address) return tl::make_unexpected(address.error());

  Host host;
  host.name = *name;
  host.zone = zone->name;
  host.address = *address;
  host.image = *image;
  host.key = key;
  host.placement = "pl-" + random_hex(8);
  host.link = "v" + host.placement.substr(3, 12);
  host.authorized_keys = *keys;
  host.labels = *labels;
  auto& placed = state_.hosts[*name] = std::move(host);
  auto operation = begin("place", placed, key, canonical);
  if (!operation) return tl::make_unexpected(operation.error());
  return Reply{202, {{"operation", *operation}}};
}

Result<Reply> Lab::list_hosts(const Caller& caller) {
  const Lock lock(mutex_);
  Json hosts = Json::array();
  for (const auto& [name, host] : state_.hosts) {
    if (caller.sees(host.zone)) hosts.push_back(host_json(host));
  }
  return Reply{200, {{"hosts", hosts}}};
}

Result<Reply> Lab::show_host(const Caller& caller, const std::string& name) {
  const Lock lock(mutex_);
  auto host = host_of(caller, name);
  if (!host) return tl::make_unexpected(host.error());
  return Reply{200, host_json(**host)};
}

Result<Reply> Lab::set_power(const Caller& caller, const std::string& name, const Json& body) {
  if (auto known = only_keys(body, {"state"}); !known) return tl::make_unexpected(known.error());
  auto wanted = text_field(body, "state", 8);
  if (!wanted || (*wanted != "on" && *wanted != "off"))
    return invalid("\"state\" is \"on\" or \"off\"");
  const Lock lock(mutex_);
  auto host = host_of(caller, name);
  if (!host) return tl::make_unexpected(host.error());
  if (auto done = not_busy(**host); !done) return tl::make_unexpected(done.error());
  if (*wanted == "on") {
    if (auto done = not_lost((*host)->zone); !done) return tl::make_unexpected(done.error());
  }
  if ((alive((*host)->process) ? "on" : "off") == *wanted) {
    return Reply{200,
                 {{"operation",
                   {{"id", ""},
                    {"state", "done"},
                    {"permille", 1000},
                    {"note", "it is " + *wanted},
                    {"result", host_json(**host)}}}}};
  }
  auto operation = begin("power-" + *wanted, **host, "", "");
  if (!operation) return tl::make_unexpected(operation.error());
  return Reply{202, {{"operation", *operation}}};
}

Result<Reply> Lab::release(const Caller& caller, const std::string& name) {
  const Lock lock(mutex_);
  auto host = host_of(caller, name);
  if (!host) return Reply{200, {{"absent", true}}};
  if (!(*host)->operation.empty()) {
    const auto& running = state_.operations[(*host)->operation];
    if (running.kind == "release") return Reply{202, {{"operation", operation_json(running)}}};
    if (auto done = not_busy(**host); !done) return tl::make_unexpected(done.error());
  }
  auto operation = begin("release", **host, "", "");
  if (!operation) return tl::make_unexpected(operation.error());
  return Reply{202, {{"operation", *operation}}};
}

Result<Reply> Lab::console(const Caller& caller, const std::string& name) {
  {
    const Lock lock(mutex_);
    auto host = host_of(caller, name);
    if (!host) return tl::make_unexpected(host.error());
  }
  constexpr off_t most = 64 * 1024;
  const Fd fd(::open((paths_.host(name) / "console.log").c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(static_cast<size_t>(most), '\0');
  const off_t size = fd.valid() ? lseek(fd.get(), 0, SEEK_END) : 0;
  const ssize_t n =
      fd.valid() ? pread(fd.get(), text.data(), text.size(), std::max<off_t>(0, size - most)) : 0;
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return Reply{200, {{"console", text}, {"bytes", size}}};
}

Result<Reply> Lab::list_images(const Caller& caller) {
  Json images = Json::array();
  for (const auto* image : {"debian", "runner", "web"}) {
    if (image_known(caller, image)) images.push_back({{"name", image}});
  }
  return Reply{200, {{"images", images}}};
}

Result<Reply> Lab::show_operation(const Caller& caller, const std::string& id) {
  const Lock lock(mutex_);
  const auto found = state_.operations.find(id);
  if (found == state_.operations.end() || !caller.sees(found->second.zone)) {
    return fail(
        404, "operation.unknown", "there is no operation " + id.substr(0, 40),
        "finished operations are kept for a while only; look at the host: GET /v1/hosts/NAME");
  }
  return Reply{200, operation_json(found->second)};
}

Result<Reply> Lab::find_operation(const Caller& caller, const std::string& key) {
  const Lock lock(mutex_);
  Json found = Json::array();
  for (const auto& zone : zones) {
    if (!caller.sees(std::string(zone.name))) continue;
    const auto used = state_.keys.find(std::string(zone.name) + " " + key);
    if (used != state_.keys.end()) found.push_back(operation_json(state_.operations[used->second]));
  }
  return Reply{200, {{"operations", found}}};
}

}  // namespace hyops::labd
