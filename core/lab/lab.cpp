#include "lab/lab.hpp"

#include "base/text.hpp"

namespace hyops::lab {
namespace {

std::string last_lines(const std::string& text) {
  const size_t start = text.size() > 1500 ? text.size() - 1500 : 0;
  std::string tail = text.substr(start);
  while (!tail.empty() && tail.back() == '\n') tail.pop_back();
  return tail;
}

}  // namespace

Result<process::Output> Lab::labd(std::vector<std::string> words, std::string_view input,
                                  int64_t timeout_ms) const {
  process::SpawnRequest request;
  request.argv = std::move(words);
  request.argv.insert(request.argv.begin(), labd_.string());
  request.environment = {{"PATH", process::default_path}, {"LANG", "C.UTF-8"}};
  return process::run(request, timeout_ms, input);
}

Status Lab::up(const std::filesystem::path& prefix) const {
  auto done = labd({"up", "--dir", folder_.string(), "--name", name_, "--prefix", prefix.string()},
                   {}, 120'000);
  if (!done) return pass(done);
  if (done->exit.code == 77) return fail("cli.cannot", last_lines(done->err));
  if (done->exit.code != 0 || done->exit.signal != 0)
    return fail("lab.up", "the lab did not come up: " + last_lines(done->err + done->out));
  return {};
}

Status Lab::down() const {
  auto done = labd({"down", "--dir", folder_.string()}, {}, 120'000);
  if (!done) return pass(done);
  if (done->exit.code != 0)
    return fail("lab.leftover",
                "the lab could not be taken down whole: " + last_lines(done->err + done->out));
  return {};
}

Result<Json> Lab::place(const std::string& zone, const std::string& host, const std::string& image,
                        const std::filesystem::path& authorized_key,
                        const std::string& address) const {
  std::vector<std::string> words{"place",  "--dir", folder_.string(), "--zone", zone,
                                 "--name", host,    "--image",        image};
  if (!authorized_key.empty())
    words.insert(words.end(), {"--authorized-key", authorized_key.string()});
  if (!address.empty()) words.insert(words.end(), {"--address", address});
  auto done = labd(words, {}, 60'000);
  if (!done) return pass(done);
  if (done->exit.code != 0)
    return fail("lab.place",
                "host " + host + " could not be placed: " + last_lines(done->err + done->out));
  return parse_json(done->out, "the answer of hyops-labd");
}

Status Lab::fault(const std::vector<std::string>& words) const {
  std::vector<std::string> all{"fault", "--dir", folder_.string()};
  all.insert(all.end(), words.begin(), words.end());
  auto done = labd(all, {}, 60'000);
  if (!done) return pass(done);
  if (done->exit.code != 0)
    return fail("lab.fault",
                "fault " + join(words, " ") + " failed: " + last_lines(done->err + done->out));
  return {};
}

Result<std::string> Lab::token(const std::string& zone) const {
  auto done = labd({"token", "--dir", folder_.string(), zone}, {}, 10'000);
  if (!done) return pass(done);
  if (done->exit.code != 0) return fail("lab.token", "the lab gives no token of zone " + zone);
  return done->out.substr(0, done->out.find('\n'));
}

std::vector<std::string> Lab::exec_words(const std::string& host,
                                         const std::vector<std::string>& argv) const {
  std::vector<std::string> words{"exec", host, "--dir", folder_.string(), "--"};
  words.insert(words.end(), argv.begin(), argv.end());
  return words;
}

Result<std::string> Lab::run(const std::string& host, const std::vector<std::string>& argv,
                             std::string_view input, int64_t timeout_ms) const {
  auto done = labd(exec_words(host, argv), input, timeout_ms);
  if (!done) return pass(done, "on " + host + ": " + join(argv, " "));
  if (done->exit.code != 0 || done->exit.signal != 0)
    return fail("lab.command", "on " + host + ": " + join(argv, " ") + ": " + done->exit.text() +
                                   "\n" + last_lines(done->out + done->err));
  return done->out;
}

Result<Json> Lab::json(const std::string& host, const std::vector<std::string>& argv,
                       std::string_view input) const {
  auto text = run(host, argv, input);
  if (!text) return pass(text);
  return parse_json(*text, "the answer of " + join(argv, " "));
}

Status Lab::write(const std::string& host, const std::string& file,
                  std::string_view contents) const {
  auto done = run(host, {"/usr/bin/install", "-D", "-m", "0600", "/dev/stdin", file}, contents);
  if (!done) return pass(done);
  return {};
}

Result<process::Child> Lab::start(const std::string& host, const std::vector<std::string>& argv,
                                  int out, int err) const {
  process::SpawnRequest request;
  request.argv = exec_words(host, argv);
  request.argv.insert(request.argv.begin(), labd_.string());
  request.environment = {
      {"PATH", process::default_path}, {"LANG", "C.UTF-8"}, {"TERM", "xterm-256color"}};
  request.out = out;
  request.err = err;
  return process::spawn(request);
}

}  // namespace hyops::lab
