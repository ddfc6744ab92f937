// Whom a plugin is taken from, and when no more: each refusal has a code of its own.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/digest.hpp"
#include "plugin/ownership.hpp"
#include "unit/plugin/plugin_folder.hpp"

namespace hyops::plugin {
namespace {

namespace fs = std::filesystem;

struct SetClock : Clock {
  int64_t now = *parse_day("2026-06-01");
  int64_t wall_ms() const override { return now; }
  int64_t mono_ms() const override { return system_clock().mono_ms(); }
};

class PluginTrust : public ::testing::Test {
 protected:
  PluginTrust() { there_.put_signed("test.speaking", "speaking"); }
  fs::path home() const { return there_.root() / "home"; }
  fs::path trust() const { return home() / "trust"; }

  // As on a runner: built-ins from nowhere, one home folder.
  Sources sources(const std::string& lane = {}) const {
    Sources out = standard_sources(there_.root() / "nowhere", home(), lane);
    out.plugins = {there_.root() / "plugins"};
    out.helper = std::string(HYOPS_BUILD_DIR) + "/libexec/hyops/hyops-plugin-host";
    return out;
  }
  TrustedKey key(int64_t expires_ms = 0) const {
    return {"tester", there_.key().public_key(), {"test."}, {"hyops.provider/1"}, expires_ms};
  }
  std::string judged(const std::string& lane = {}) const {
    auto registry = Registry::open(sources(lane), clock_);
    if (!registry) return registry.error().code;
    return code(registry->trusted("test.speaking"));
  }
  std::string digest() const {
    return *digest_of_file(there_.folder("test.speaking") / "plugin.toml");
  }
  void put(const fs::path& file, const std::string& text) const {
    ASSERT_TRUE(make_folders(file.parent_path()));
    PluginFolder::write(file, text);
  }

  PluginFolder there_;
  SetClock clock_;
};

TEST_F(PluginTrust, begins_with_a_key_that_is_added_and_ends_when_it_is_removed) {
  EXPECT_EQ(judged(), "plugin.signature.unknown_key");
  ASSERT_TRUE(add_trusted_key(trust(), key()));
  EXPECT_EQ(judged(), "ok");
  EXPECT_EQ(code(add_trusted_key(trust(), key())), "plugin.trust.exists");
  ASSERT_TRUE(remove_trusted_key(trust(), "tester"));
  EXPECT_EQ(judged(), "plugin.signature.unknown_key");
  EXPECT_EQ(code(remove_trusted_key(trust(), "tester")), "plugin.trust.unknown");
  EXPECT_EQ(code(remove_trusted_key(trust(), "../../x")), "plugin.trust.unknown");
}

TEST_F(PluginTrust, in_a_key_ends_on_its_day) {
  ASSERT_TRUE(add_trusted_key(trust(), key(*parse_day("2026-06-02"))));
  EXPECT_EQ(judged(), "ok");
  clock_.now = *parse_day("2026-06-02") - 1;
  EXPECT_EQ(judged(), "ok");
  clock_.now += 1;
  EXPECT_EQ(judged(), "plugin.key.expired");
  ASSERT_TRUE(remove_trusted_key(trust(), "tester"));
  ASSERT_TRUE(add_trusted_key(trust(), key(*parse_day("2027-01-01"))));
  EXPECT_EQ(judged(), "ok") << "its owner was asked again";
}

TEST_F(PluginTrust, is_asked_for_anew_whenever_a_long_run_uses_the_plugin) {
  ASSERT_TRUE(add_trusted_key(trust(), key(*parse_day("2026-06-02"))));
  const auto registry = Registry::open(sources(), clock_);
  ASSERT_TRUE(registry);
  EXPECT_EQ(code(registry->trusted("test.speaking")), "ok");
  const fs::path manifest = there_.folder("test.speaking") / "plugin.toml";
  const std::string text = *read_file(manifest);
  put(manifest, text + "\n");
  EXPECT_EQ(code(registry->trusted("test.speaking")), "plugin.signature.wrong");
  put(manifest, text);
  const std::string signature = *read_file(manifest.string() + ".minisig");
  put(manifest.string() + ".minisig", signature.substr(0, signature.size() - 20));
  EXPECT_EQ(code(registry->trusted("test.speaking")), "plugin.signature.malformed");
  put(manifest.string() + ".minisig", signature);
  EXPECT_EQ(code(registry->trusted("test.speaking")), "ok");
  clock_.now = *parse_day("2026-06-02");
  EXPECT_EQ(code(registry->trusted("test.speaking")), "plugin.key.expired");
}

TEST_F(PluginTrust, in_a_key_is_revoked_offline_whatever_else_trusts_it) {
  ASSERT_TRUE(add_trusted_key(trust(), key()));
  Revocation stolen;
  stolen.key = there_.key().public_key();
  EXPECT_EQ(code(add_revocation(trust(), stolen)), "plugin.trust.invalid") << "no reason";
  stolen.reason = "the laptop is gone";
  ASSERT_TRUE(add_revocation(trust(), stolen));
  EXPECT_EQ(judged(), "plugin.key.revoked");
  ASSERT_TRUE(remove_trusted_key(trust(), "tester"));
  EXPECT_EQ(judged(), "plugin.key.revoked") << "a better answer than: unknown";
}

TEST_F(PluginTrust, in_one_plugin_is_revoked_by_digest_or_by_version) {
  ASSERT_TRUE(add_trusted_key(trust(), key()));
  Revocation other;
  other.plugin = "test.speaking";
  other.versions = {"0.9.0"};
  other.reason = "CVE-2026-1";
  ASSERT_TRUE(add_revocation(trust(), other));
  EXPECT_EQ(judged(), "ok");
  other.versions = {"0.9.1", "1.0.0"};
  ASSERT_TRUE(add_revocation(trust(), other));
  EXPECT_EQ(judged(), "plugin.revoked");

  fs::remove(trust() / "revoked.toml");
  Revocation one;
  one.digest = digest();
  one.reason = "the build machine was broken into";
  ASSERT_TRUE(add_revocation(trust(), one));
  EXPECT_EQ(judged(), "plugin.revoked");
}

TEST_F(PluginTrust, reads_its_files_to_the_letter) {
  const std::string good = "[[key]]\nname = \"x\"\nkey = \"" + there_.key().public_key().text +
                           "\"\nids = [\"test.\"]\ninterfaces = [\"hyops.provider/1\"]\n";
  put(trust() / "x.toml", good);
  EXPECT_EQ(judged(), "ok");
  for (const std::string& wrong :
       {good + "expiers = \"2026-01-01\"\n", good + "expires = \"2026-13-01\"\n",
        good + "[[revokd]]\nplugin = \"a.b\"\n", good + "[[revoked]]\nplugin = \"a.b\"\n",
        good + "[[revoked]]\nreason = \"r\"\n",
        good + "[[revoked]]\nplugin = \"a.b\"\ndigest = \"sha256:0\"\nreason = \"r\"\n",
        good + "[[revoked]]\nkey = \"RWx\"\nreason = \"r\"\n", std::string("[[key]]\n")}) {
    put(trust() / "x.toml", wrong);
    EXPECT_EQ(judged(), "plugin.trust.invalid") << wrong;
  }
}

TEST_F(PluginTrust, knows_a_key_by_its_material_and_not_by_its_number) {
  // Another key that bears the trusted key's number, in a narrower scope.
  const auto theirs = *trust::SecretKey::generate();
  auto raw = *from_base64(theirs.public_key().text), ours = *from_base64(key().key.text);
  raw.replace(2, 8, ours.substr(2, 8));
  TrustedKey twin = key();
  twin.name = "aaa-twin";
  twin.key = *trust::parse_public_key(to_base64(raw));
  ASSERT_EQ(twin.key.id, key().key.id);
  TrustedKey narrow = key();
  narrow.ids = {"com.acme."};
  ASSERT_TRUE(add_trusted_key(trust(), twin));
  ASSERT_TRUE(add_trusted_key(trust(), narrow));
  EXPECT_EQ(judged(), "plugin.scope.id") << "the twin's scope is not the signer's";
}

TEST_F(PluginTrust, is_pinned_for_a_home_and_for_a_lane) {
  ASSERT_TRUE(add_trusted_key(trust(), key()));
  Lock lock;
  lock.pins["test.speaking"] = {"1.0.0", digest()};
  ASSERT_TRUE(write_lock(home() / "plugins.lock", lock));
  EXPECT_EQ(judged(), "ok");

  there_.put_signed("test.speaking", "speaking", "requires = [\"hyops.log/1\"]\n");
  EXPECT_EQ(judged(), "plugin.lock.changed") << "signed, but not the one that was rehearsed";
  lock.pins["test.speaking"].digest = digest();
  ASSERT_TRUE(write_lock(home() / "plugins.lock", lock));
  EXPECT_EQ(judged(), "ok");

  Lock lane;
  lane.complete = true;
  ASSERT_TRUE(make_folders(home() / "lanes/prod"));
  ASSERT_TRUE(write_lock(home() / "lanes/prod/plugins.lock", lane));
  EXPECT_EQ(judged(), "ok");
  EXPECT_EQ(judged("drill"), "ok");
  EXPECT_EQ(judged("prod"), "plugin.lock.missing");
  put(home() / "plugins.lock", "complete = 1\n");
  EXPECT_EQ(judged(), "plugin.lock.invalid");
  EXPECT_EQ(read_lock(home() / "lanes/prod/plugins.lock")->complete, true);
}

TEST_F(PluginTrust, needs_folders_that_nobody_else_can_change) {
  ASSERT_TRUE(add_trusted_key(trust(), key()));
  const fs::path folder = there_.folder("test.speaking");
  for (const auto& shared : {folder, folder / "plugin.so", folder.parent_path()}) {
    ASSERT_EQ(::chmod(shared.c_str(), 0777), 0);
    EXPECT_EQ(judged(), "plugin.folder.writable") << shared;
    ASSERT_EQ(::chmod(shared.c_str(), 0755), 0);
  }
  ASSERT_EQ(::chmod((trust() / "tester.toml").c_str(), 0666), 0);
  EXPECT_EQ(judged(), "plugin.folder.writable") << "whoever writes it says whom we trust";
  ASSERT_EQ(::chmod((trust() / "tester.toml").c_str(), 0644), 0);
  EXPECT_EQ(judged(), "ok");
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  for (const auto& given : {folder, folder / "plugin.toml", trust(), trust() / "tester.toml"}) {
    ASSERT_EQ(::chown(given.c_str(), 54321, 0), 0);
    EXPECT_EQ(judged(), "plugin.folder.owner") << given;
    ASSERT_EQ(::chown(given.c_str(), 0, 0), 0);
  }
  EXPECT_EQ(judged(), "ok");
}

// The code of check_owner as that user sees it.
std::string as_user(uid_t user, const fs::path& path) {
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    const bool is = ::setresuid(user, user, user) == 0;
    const std::string said = is ? code(check_owner(path)) : "cannot become that user";
    ::_exit(write_all(ends[1], said) ? 0 : 1);
  }
  ::close(ends[1]);
  char text[200];
  const auto got = ::read(ends[0], text, sizeof text);
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return std::string(text, got < 0 ? 0 : static_cast<size_t>(got));
}

TEST_F(PluginTrust, lets_a_home_belong_to_the_user_of_a_core_that_is_not_roots) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  const fs::path folder = home() / "plugins";
  ASSERT_TRUE(make_folders(folder));
  for (const auto& way : {there_.root(), home(), folder}) ASSERT_EQ(::chmod(way.c_str(), 0755), 0);
  ASSERT_EQ(::chown(folder.c_str(), 54321, 54321), 0);
  EXPECT_EQ(as_user(54321, folder), "ok");
  EXPECT_EQ(as_user(54322, folder), "plugin.folder.owner");
  EXPECT_EQ(code(check_owner(folder)), "plugin.folder.owner") << "root trusts root alone";
  EXPECT_EQ(code(check_owner(folder, folder.parent_path())), "plugin.folder.owner");
  PluginFolder::write(folder / "x", "x");
  EXPECT_EQ(code(check_owner(folder / "x")), "plugin.folder.owner");
  EXPECT_EQ(code(check_owner(folder / "x", folder)), "ok") << "as trustworthy as hyops itself";
}

TEST_F(PluginTrust, follows_a_link_to_where_it_leads_before_it_judges) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  ASSERT_TRUE(make_folders(home() / "real"));
  ASSERT_EQ(::chown((home() / "real").c_str(), 54321, 0), 0);
  fs::create_symlink(home() / "real", home() / "link");
  EXPECT_EQ(code(check_owner(home() / "link")), "plugin.folder.owner");
}

// The file is swapped after it was hashed and before it is loaded: the helper does it itself, when
// the order to load has come.
TEST_F(PluginTrust, loads_what_was_hashed_though_the_file_is_swapped_meanwhile) {
  ASSERT_TRUE(add_trusted_key(trust(), key()));
  Sources swapping = sources();
  const std::string real = swapping.helper,
                    impostor = HYOPS_BUILD_DIR "/tests/plugins/impostor/plugin.so";
  swapping.helper = there_.root() / "swapping-helper";
  const std::string object = there_.folder("test.speaking") / "plugin.so";
  PluginFolder::write(swapping.helper,
                      "#!/usr/bin/python3\n"
                      "import os, shutil, socket, struct, time\n"
                      "core = socket.socket(fileno=3)\n"
                      "head, body = struct.unpack('<II', core.recv(8, socket.MSG_PEEK))\n"
                      "first = 8 + head + body\n"  // a look at a local socket waits for no more
                      "while len(core.recv(first + 1, socket.MSG_PEEK)) <= first:\n"
                      "  time.sleep(0.001)\n"
                      "shutil.copyfile('" +
                          impostor + "', '" + object + "')\n" + "os.set_inheritable(3, True)\n" +
                          "os.execv('" + real + "', ['" + real + "'])\n");
  ASSERT_EQ(::chmod(swapping.helper.c_str(), 0755), 0);
  auto registry = Registry::open(swapping, clock_);
  ASSERT_TRUE(registry);
  auto instance = Instance::start(*registry, "test.speaking", Json::object(), {});
  ASSERT_TRUE(instance) << instance.error().text();
  auto answer = instance->call(request("plan", {{"n", 1}}));
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ((*answer)["echo"], (Json{{"n", 1}}));
  EXPECT_EQ(*digest_of_file(there_.folder("test.speaking") / "plugin.so"),
            *digest_of_file(impostor))
      << "the test must have swapped it";
  EXPECT_EQ(code(Instance::start(*registry, "test.speaking", Json::object(), {})),
            "plugin.file.changed");
}

TEST_F(PluginTrust, never_loads_a_file_that_changes_all_the_time) {
  ASSERT_TRUE(add_trusted_key(trust(), key()));
  const fs::path object = there_.folder("test.speaking") / "plugin.so";
  const std::string good = *read_file(object),
                    evil = *read_file(HYOPS_BUILD_DIR "/tests/plugins/impostor/plugin.so");
  std::atomic<bool> enough = false;
  std::thread swapper([&] {
    for (int n = 0; !enough; ++n) (void)write_file(object, n % 2 ? good : evil);
  });
  auto registry = Registry::open(sources(), clock_);
  int loaded = 0, refused = 0;
  for (int n = 0; registry && n < 20; ++n) {
    auto instance = Instance::start(*registry, "test.speaking", Json::object(), {});
    if (!instance) {
      EXPECT_EQ(instance.error().code, "plugin.file.changed") << instance.error().text();
      ++refused;
      continue;
    }
    ++loaded;
    auto answer = instance->call(request("plan"));
    EXPECT_TRUE(answer && (*answer)["echo"] == Json::object());
  }
  enough = true;
  swapper.join();
  EXPECT_EQ(loaded + refused, 20);
}

}  // namespace
}  // namespace hyops::plugin
