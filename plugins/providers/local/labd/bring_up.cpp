// Brings a lab up: directory, tokens, router namespace, daemon, the outside's web server.
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "admin_client.hpp"
#include "commands.hpp"
#include "files.hpp"
#include "http_server.hpp"
#include "process_identity.hpp"
#include "router.hpp"
#include "state.hpp"
#include "subprocess.hpp"
#include "zones.hpp"

namespace hyops::labd {
namespace {

// The directory's path becomes part of mount options, where these characters mean something else.
Done check_dir(const fs::path& dir) {
  const auto text = dir.string();
  if (dir.is_absolute() && text.size() <= 80 &&
      text.find_first_of(":,\\\"' \t\n") == std::string::npos)
    return {};
  return fail(400, "lab.dir", "\"" + text + "\" cannot hold a lab",
              "use an absolute path of at most 80 bytes without spaces, quotes, colons, commas and "
              "backslashes");
}

bool is_mount(const fs::path& path) {
  const auto text = read_file("/proc/self/mountinfo").value_or("");
  return text.find(" " + path.string() + " ") != std::string::npos;
}

Result<Marker> make_dir_of_lab(const UpOptions& options) {
  Marker marker;
  marker.name = options.name;
  std::error_code error;
  marker.made_dir = !fs::exists(options.paths.dir);
  if (!marker.made_dir && !fs::is_empty(options.paths.dir, error)) {
    return fail(409, "lab.dir", options.paths.dir.string() + " exists and is not a lab",
                "name an empty or new directory: hyops-labd up --dir DIR");
  }
  fs::create_directories(options.paths.dir.parent_path(), error);
  for (const auto& path :
       {options.paths.dir, options.paths.tokens(), options.paths.images(), options.paths.hosts()}) {
    if (auto done = make_dir(path, 0700); !done) return tl::make_unexpected(done.error());
  }
  marker.made_netns_mount = !is_mount("/run/netns");
  if (auto done = save_marker(options.paths, marker); !done)
    return tl::make_unexpected(done.error());
  return marker;
}

Done make_tokens(const LabPaths& paths) {
  for (const auto& zone : zones) {
    if (!zone.has_api || fs::exists(paths.token(zone.name))) continue;
    if (auto done = write_atomic(paths.token(zone.name), random_hex(32) + "\n", 0600); !done)
      return done;
  }
  return {};
}

Done make_router(const LabPaths& paths, Marker& marker) {
  const auto router = router_name(marker.name);
  const auto present = netns_inode(router);
  if (marker.netns_inode == 0) {
    if (present != 0 || fs::exists("/run/netns/" + router)) {
      return fail(409, "lab.name_taken",
                  "network namespace " + router + " belongs to somebody else",
                  "use another name: hyops-labd up --name NAME --dir DIR");
    }
    if (auto ran = run({"ip", "netns", "add", router}); !ran)
      return tl::make_unexpected(ran.error());
    marker.netns_inode = netns_inode(router);
    if (auto done = save_marker(paths, marker); !done) return done;
  } else if (present != marker.netns_inode) {
    return fail(409, "lab.half_gone",
                "the router of this lab is gone, perhaps since the machine started anew",
                "remove the rest, then bring it up: hyops-labd down --dir " + paths.dir.string());
  }
  if (auto done = enter_netns(router); !done) return done;
  return build_router();
}

// An installed tree becomes the layer that hosts of image runner see on top of the machine's /usr.
Done copy_runner_layer(const UpOptions& options) {
  if (options.prefix.empty()) return {};
  std::error_code error;
  if (!fs::is_directory(options.prefix)) {
    return fail(404, "prefix.absent", options.prefix.string() + " is not a directory",
                "install first: cmake --install BUILD --prefix DIR");
  }
  const auto layer = options.paths.runner_layer();
  if (auto done = make_dir(layer.parent_path(), 0755); !done) return done;
  if (auto done = make_dir(layer, 0755); !done) return done;
  for (const auto* part : {"bin", "lib", "libexec", "share", "include"}) {
    if (!fs::is_directory(options.prefix / part)) continue;
    fs::copy(options.prefix / part, layer / part,
             fs::copy_options::recursive | fs::copy_options::copy_symlinks |
                 fs::copy_options::overwrite_existing,
             error);
    if (error)
      return fail(500, "prefix.copy",
                  "cannot copy " + (options.prefix / part).string() + ": " + error.message());
  }
  return {};
}

Done start_daemon(const LabPaths& paths) {
  const Fd log(open(paths.log().c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  auto ready = make_pipe();
  if (!log.valid() || !ready) return fail_errno("open " + paths.log().string());
  auto daemon =
      spawn({"/proc/self/exe", "serve", "--dir", paths.dir.string()},
            {.in = -1, .out = log.get(), .err = log.get(), .third = ready->write_end.get()},
            Session::own);
  if (!daemon) return tl::make_unexpected(daemon.error());
  ready->write_end.reset();
  pollfd waiting{ready->read_end.get(), POLLIN, 0};
  char byte = 0;
  if (poll(&waiting, 1, 10'000) == 1 && ::read(ready->read_end.get(), &byte, 1) == 1) return {};
  return fail(500, "lab.serve", "the daemon did not start", "read " + paths.log().string());
}

// First of all, so that nothing is made that nobody looks after.
Done start_keeper(const UpOptions& options) {
  if (options.with == 0 || !find_ours("keep", options.paths.dir.string()).empty()) return {};
  if (identify(options.with).pid == 0)
    return fail(404, "lab.with", "there is no process " + std::to_string(options.with),
                "name one that lives, or leave --with out");
  auto keeper = spawn({"/proc/self/exe", "keep", "--dir", options.paths.dir.string(), "--name",
                       options.name, "--with", std::to_string(options.with)},
                      {}, Session::own);
  return keeper ? Done{} : tl::make_unexpected(keeper.error());
}

Done place_web(const AdminClient& client) {
  auto placed = client.request(
      "POST", "/v1/hosts",
      {{"zone", "internet"}, {"name", "www"}, {"image", "web"}, {"address", "198.51.100.10"}},
      "labd-www");
  if (!placed) return tl::make_unexpected(placed.error());
  auto done = client.wait((*placed)["operation"]["id"]);
  if (!done) return tl::make_unexpected(done.error());
  return {};
}

}  // namespace

Done bring_up(const UpOptions& options) {
  if (auto done = check_dir(options.paths.dir); !done) return done;
  auto marker = load_marker(options.paths);
  const bool is_new = !marker && marker.error().code == "lab.absent";
  if (!marker && !is_new) return tl::make_unexpected(marker.error());
  if (is_new) marker = make_dir_of_lab(options);
  if (!marker) return tl::make_unexpected(marker.error());
  if (marker->name != options.name) {
    return fail(409, "lab.name",
                options.paths.dir.string() + " holds the lab named " + marker->name,
                "name it: --name " + marker->name);
  }
  const Fd lock(open(options.paths.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid() || flock(lock.get(), LOCK_EX) != 0)
    return fail_errno("lock " + options.paths.lock().string());
  if (auto done = start_keeper(options); !done) return done;
  if (auto done = copy_runner_layer(options); !done) return done;
  const AdminClient client(options.paths);
  if (!client.request("GET", "/v1/lab")) {
    if (auto done = make_tokens(options.paths); !done) return done;
    if (auto done = make_router(options.paths, *marker); !done) return done;
    if (auto done = start_daemon(options.paths); !done) return done;
  }
  return is_new ? place_web(client) : Done{};
}

Done serve(const LabPaths& paths) {
  constexpr int ready_fd = 3;
  fcntl(ready_fd, F_SETFD, FD_CLOEXEC);
  const Fd lock(open((paths.dir / "serve.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid() || flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(409, "lab.serving", "another daemon serves this lab",
                "hyops-labd status --dir " + paths.dir.string());
  }
  signal(SIGPIPE, SIG_IGN);
  if (auto done = build_router(); !done) return done;
  auto lab = Lab::open(paths);
  if (!lab) return tl::make_unexpected(lab.error());
  std::map<std::string, std::string> tokens;
  for (const auto& zone : zones) {
    if (!zone.has_api) continue;
    auto token = read_file(paths.token(zone.name)).value_or("");
    while (!token.empty() && token.back() == '\n') token.pop_back();
    if (token.size() < 32)
      return fail(500, "lab.token", "the token of zone " + std::string(zone.name) + " is missing");
    tokens[std::string(zone.name)] = token;
  }
  Api api(**lab, std::move(tokens));
  return serve_http(api, paths, [] {
    [[maybe_unused]] const auto written = ::write(ready_fd, "r", 1);
    ::close(ready_fd);
  });
}

}  // namespace hyops::labd
