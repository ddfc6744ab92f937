// docs/plugins.md and the README of the SDK, executed: every block of code is taken out of the page
// and does what the page says, in the page's order.
#include <map>

#include "contract/load.hpp"
#include "sdk/vendor/runner.hpp"
#include "sdk/vendor/sdk.hpp"

namespace hyops::test {
namespace {

struct Block {
  std::string language, text;
  int section = 0;  // of "## 4. Sign and ship"
  std::string first_line() const { return text.substr(0, text.find('\n')); }
  std::string rest() const { return text.substr(text.find('\n') + 1); }
};

std::vector<Block> blocks_of(const fs::path& page) {
  const auto text = read_file(page);
  EXPECT_TRUE(text);
  std::vector<Block> out;
  int section = 0;
  bool inside = false;
  for (size_t at = 0; text && at < text->size();) {
    const std::string line = text->substr(at, text->find('\n', at) - at);
    at += line.size() + 1;
    if (line.starts_with("```")) {
      inside = !inside;
      if (inside) out.push_back({line.substr(3), "", section});
    } else if (inside) {
      out.back().text += line + "\n";
    } else if (line.starts_with("## ")) {
      ++section;
    }
  }
  EXPECT_FALSE(inside) << "a block has no end";
  return out;
}

void replace(std::string& text, const std::string& what, const std::string& with) {
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

// The two desks of the page: sections 1 to 4 are the vendor's, 5 and 6 the site owner's.
class Page {
 public:
  Page() : vendor_(*TempDir::create(fs::temp_directory_path(), "hyops-vendor")) {
    desk_ = vendor_.path();
    runner_.lane("drill", "drill", "drill", authority());
    runner_.take("compute/host");
  }

  void follow(Block block) {
    replace(block.text, "http://127.0.0.1:8080", cloud_.url());
    replace(block.text, "https://api.acme.example", cloud_.url());
    replace(block.text, "=PREFIX", "=" + Sdk::here().prefix().string());
    replace(block.text, "2028-01-01", "2999-01-01");  // the page's day will come
    if (block.section == 5 && !shipped_) ship();
    if (block.language == "sh") return type(block);
    ASSERT_EQ(block.language, "toml") << block.text;
    const std::string file = block.first_line().substr(2);
    if (file == "check.toml") return check_with(block);
    if (file == "revoked.toml") return (void)write_file(desk_ / file, block.text);
    if (file.starts_with("catalog/packs/") || file.starts_with("catalog/blueprints/"))
      return runner_.write(file, block.text);
    if (file.ends_with("under [bind]")) return bind(block);
    ASSERT_TRUE(file.starts_with("lanes/drill/lane.toml")) << file;
    if (file.ends_with("of an authority")) return is_a_lane(block);
    runner_.lane("drill", "drill", "drill", authority() + block.text);
  }
  size_t placed() const { return cloud_.asked("PUT", "/hosts/db"); }

 private:
  std::string authority() {
    if (bundle_.empty()) bundle_ = runner_.bundle();
    return "[secrets]\nauthority = \"hyops.secrets.offline-bundle\"\nconfig = { bundle = \"" +
           bundle_ + "\" }\n";
  }

  // What travels: the archive and the public key, by whatever way.
  void ship() {
    shipped_ = true;
    for (const char* file :
         {"com.acme.clouds-0.1.0.tar.gz", "keys/acme.pub", "revoked.toml", "revoked.toml.minisig"})
      fs::copy_file(desk_ / file, runner_.path() / fs::path(file).filename());
    desk_ = runner_.path();
  }

  void type(const Block& block) {
    const std::string hyops = shipped_ ? std::string(HYOPS_BUILD_DIR) +
                                             "/bin/hyops \"$@\" --home " + runner_.path().string() +
                                             " --catalog " + runner_.catalog().string()
                                       : Sdk::here().hyops() + " \"$@\"";
    const fs::path where = vendor_.path() / "where";
    const auto done =
        run_in(desk_, {"/bin/sh", "-euc",
                       "hyops() { " + hyops + "; }\n" + block.text + "pwd > " + where.string()});
    ASSERT_EQ(done.exit.code, 0) << block.text << done.out << done.err;
    const auto at = read_file(where);
    desk_ = at->substr(0, at->find('\n'));
  }

  void check_with(const Block& block) {
    const std::string file = (vendor_.path() / "sandbox.toml").string();
    ASSERT_TRUE(write_file(file, block.text));
    type({"sh", "hyops plugin check build/com.acme.clouds --with " + file +
                    " --only creates,apply-is-idempotent,release-twice\n"});
  }

  void bind(const Block& block) {
    const size_t middle = block.rest().find(" = ");
    const auto unquoted = [](const std::string& text) {
      return text.substr(1, text.rfind('"') - 1);
    };
    runner_.bind(unquoted(block.rest().substr(0, middle)),
                 unquoted(block.rest().substr(middle + 3)));
  }

  void is_a_lane(const Block& block) {
    runner_.lane("vault", "drill", "drill", block.text);
    contract::Diagnostics problems;
    const auto lane = contract::load_lane(runner_.path() / "lanes/vault/lane.toml", problems);
    for (const auto& problem : problems) ADD_FAILURE() << problem.text();
    EXPECT_TRUE(lane && !lane->secrets.plugin.empty() && !lane->plugins.empty());
  }

  const Cloud cloud_{Json::object()};
  TempDir vendor_;
  Runner runner_;
  std::string bundle_;
  fs::path desk_;
  bool shipped_ = false;
};

TEST(Docs, lead_from_an_empty_folder_to_a_host_that_a_run_placed) {
  Page page;
  int shell = 0, toml = 0;
  for (const auto& block : blocks_of(Sdk::here().share() / "plugins.md")) {
    (block.language == "sh" ? shell : toml) += 1;
    page.follow(block);
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_EQ(page.placed(), 1u);
  EXPECT_GE(shell, 5);
  EXPECT_GE(toml, 5);
}

// The API that the README's example stands on: it answers with documents of plugin.h.
net::Response documents(const net::Request& asked, std::map<std::string, std::string>& hosts) {
  const std::string path(asked.target());
  if (asked.method_string() == "DELETE") hosts.erase(path);
  if (asked.method_string() == "PUT")
    hosts[path] =
        "{\"name\":\"" + path.substr(7) +
        "\",\"zone\":\"z\",\"address\":\"192.0.2.1\",\"user\":\"admin\",\"port\":22,\"host_key\":"
        "\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICD2XChnG0CTfFvyOsx8bzflpewGIuNHtXaFcl31up5Q\","
        "\"placement\":\"p\"}";
  const auto there = hosts.find(path);
  const bool present = there != hosts.end();
  return net::HttpServer::answer(200, std::string("{\"present\":") + (present ? "true" : "false") +
                                          ",\"hosts\":[" + (present ? there->second : "") + "]}");
}

TEST(Readme, begins_with_a_provider_that_works) {
  const auto blocks = blocks_of(Sdk::here().share() / "README.md");
  ASSERT_EQ(blocks.size(), 1u);
  ASSERT_EQ(blocks.front().language, "cpp");
  auto temp = TempDir::create(fs::temp_directory_path(), "hyops-readme");
  const auto put = [&](const char* file, const std::string& text) {
    ASSERT_TRUE(write_file(temp->path() / file, text));
  };
  std::map<std::string, std::string> hosts;
  const net::HttpServer api(
      [&](const net::Request& asked) { return std::optional(documents(asked, hosts)); });
  const std::string url = api.url();
  put("clouds.cpp", blocks.front().text);
  put("CMakeLists.txt",
      "cmake_minimum_required(VERSION 3.16)\nproject(clouds LANGUAGES CXX)\n"
      "find_package(hyops-sdk 1 REQUIRED)\nhyops_add_plugin(clouds SOURCES clouds.cpp)\n"
      "target_compile_options(clouds PRIVATE -Wall -Wextra -Wpedantic -Werror)\n");
  put("plugin.toml",
      "plugin = \"com.acme.clouds\"\nversion = \"1.0.0\"\ntitle = \"Clouds\"\nvendor = \"Acme\"\n"
      "abi = \"1.0\"\nstatus = \"preview\"\nimplements = [\"hyops.provider/1\"]\n"
      "requires = [\"hyops.http/1\"]\nhttp.hosts = [\"{config.api}\"]\n"
      "inputs.api = { type = \"string\", required = true }\n");
  put("check.toml", "config.api = \"" + url.substr(0, url.size() - 1) + "\"\n");
  build(temp->path(), temp->path() / "build");
  const auto checked = run(
      {Sdk::here().hyops(), "plugin", "check", (temp->path() / "build/com.acme.clouds").string()});
  EXPECT_EQ(checked.exit.code, 0) << checked.out << checked.err;
}

}  // namespace
}  // namespace hyops::test
