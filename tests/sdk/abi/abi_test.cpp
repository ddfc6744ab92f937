// The gate in front of the contract: what was released stays where it is, and old and new meet
// well.
#include "sdk/abi/layout.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "hyops/plugin.h"
#include "unit/plugin/plugin_folder.hpp"

namespace hyops::plugin {
namespace {

std::vector<place> all(const place* layout) {
  std::vector<place> out;
  for (; layout->table; ++layout) out.push_back(*layout);
  return out;
}

bool same(const place& one, const place& other) {
  return std::strcmp(one.table, other.table) == 0 && std::strcmp(one.member, other.member) == 0;
}

TEST(Abi, has_every_member_where_each_frozen_header_has_it) {
  const auto today = all(todays_layout);
  for (const auto& frozen : {all(layout_of_1_0), all(layout_of_1_1)})
    for (const auto& then : frozen) {
      const std::string what = std::string(then.table) + "." + then.member;
      const auto now = std::find_if(today.begin(), today.end(),
                                    [&](const place& each) { return same(each, then); });
      ASSERT_NE(now, today.end()) << what;
      EXPECT_EQ(then.at, now->at) << what;
      EXPECT_EQ(then.size, now->size) << what;
      EXPECT_LE(then.whole, now->whole) << what << ": tables grow, they never shrink";
    }
}

// Else something could be released without a frozen copy, and move.
TEST(Abi, is_frozen_as_it_stands) {
  EXPECT_EQ(all(layout_of_1_1).size(), all(todays_layout).size());
}

// Else a member could be released without a line here, and move.
TEST(Abi, has_no_member_that_this_test_does_not_know) {
  for (const auto& layout : {all(layout_of_1_0), all(layout_of_1_1), all(todays_layout)})
    for (size_t n = 0; n < layout.size(); ++n) {
      const bool last =
          n + 1 == layout.size() || std::strcmp(layout[n].table, layout[n + 1].table) != 0;
      EXPECT_EQ(layout[n].at + layout[n].size, last ? layout[n].whole : layout[n + 1].at)
          << layout[n].table << "." << layout[n].member;
    }
}

class AbiPlugin : public ::testing::TestWithParam<const char*> {};

TEST_P(AbiPlugin, runs_under_todays_host) {
  const std::string built = GetParam();
  if (!std::filesystem::exists(HYOPS_BUILD_DIR "/tests/plugins/" + built + "/plugin.so"))
    GTEST_SKIP() << "clang++ with libc++ is not installed";
  PluginFolder there;
  there.put_signed("test.abi", built, "requires = [\"hyops.log/1\"]\n");
  std::vector<std::string> lines;
  Services services;
  services.log = [&](std::string_view, const std::string& line) { lines.push_back(line); };
  auto instance = there.start("test.abi", Json::object(), services);
  ASSERT_TRUE(instance) << instance.error().text();
  auto echo = instance->call(request("apply", {{"n", 7}}));
  ASSERT_TRUE(echo) << echo.error().text();
  EXPECT_EQ(*echo, (Json{{"n", 7}}));
  EXPECT_EQ(lines, std::vector<std::string>{"asked"});
  EXPECT_EQ((*instance->call(request("observe")))["present"], true);
  if (built.find("glued") == std::string::npos) return;
  EXPECT_EQ(code(instance->call(request("release"))), "sdk.exception")
      << "an exception of the other C++ library is fenced as well";
}
INSTANTIATE_TEST_SUITE_P(Built, AbiPlugin,
                         ::testing::Values("abi_plain_frozen", "abi_plain_today",
                                           "abi_glued_frozen", "abi_glued_today",
                                           "abi_plain_released", "abi_glued_released",
                                           "abi_glued_libcxx"),
                         [](const auto& about) { return std::string(about.param); });

// A host of an older minor: its tables end where its struct_size says, and behind them is nothing.
// Reading there is a fault, so that a plugin that does not ask first dies here.
class OlderHost {
 public:
  OlderHost() : page_(static_cast<size_t>(::sysconf(_SC_PAGESIZE))) {
    memory_ = static_cast<char*>(
        ::mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ::mprotect(memory_ + page_, page_, PROT_NONE);
    auto* call = reinterpret_cast<hyops_call_v1*>(memory_ + page_ - older);
    call->struct_size = older;
    call->emit = [](hyops_call*, hyops_bytes json) { said() = {json.data, json.size}; };
    call->fail = [](hyops_call*, hyops_bytes code, hyops_bytes) {
      said() = {code.data, code.size};
    };
    call->progress = [](hyops_call*, uint32_t, hyops_bytes) {};
    call->cancelled = [](const hyops_call*) -> int32_t { return 0; };
    call->deadline_ms = [](const hyops_call*) -> int64_t { return INT64_MAX; };
    call->about = [](const hyops_call*) -> hyops_bytes { return {"{}", 2}; };
    call_ = call;
  }
  ~OlderHost() { ::munmap(memory_, 2 * page_); }
  hyops_call* call() { return call_; }
  static std::string& said() {
    static std::string words;
    return words;
  }

 private:
  static constexpr uint32_t older = offsetof(hyops_call_v1, wait);  // it has no `wait` yet
  size_t page_;
  char* memory_;
  hyops_call* call_;
};

TEST(Abi, lets_todays_plugin_fail_properly_under_a_host_of_an_older_minor) {
  void* library =
      ::dlopen(HYOPS_BUILD_DIR "/tests/plugins/abi_glued_today/plugin.so", RTLD_NOW | RTLD_LOCAL);
  ASSERT_TRUE(library) << ::dlerror();
  const auto* module = static_cast<const hyops_module_v1*>(::dlsym(library, "hyops_module"));
  ASSERT_TRUE(module);
  const hyops_host host{sizeof(hyops_host), 0,
                        [](const hyops_host*, const char*) -> const void* { return nullptr; }};
  OlderHost older;
  auto* instance = module->create(&host, older.call(), {"{}", 2});
  ASSERT_TRUE(instance);
  const auto* provider =
      static_cast<const hyops_provider_v1*>(module->interface(instance, "hyops.provider/1"));
  ASSERT_TRUE(provider);
  EXPECT_EQ(module->interface(instance, "hyops.provider/2"), nullptr);
  provider->observe(instance, older.call(), {"{}", 2});
  EXPECT_EQ(OlderHost::said(), "{\"present\":true}");
  provider->apply(instance, older.call(), {"{}", 2});  // wants to wait
  EXPECT_EQ(OlderHost::said(), "internal/sdk.host");
  module->destroy(instance);
  ::dlclose(library);
}

}  // namespace
}  // namespace hyops::plugin
