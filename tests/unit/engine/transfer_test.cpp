// What arrives from another machine is hostile until it has shown itself to be what it says it is:
// no file leaves its folder (K6), no state runs backwards (L3), nothing half arrives.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "engine/transfer.hpp"
#include "support/site.hpp"

using namespace hyops;
using hyops::tests::Site;
namespace fs = std::filesystem;

namespace {

// What a peer sends, as a descriptor to read it from.
Fd stream(const std::string& bytes) {
  Fd fd(::memfd_create("frame", MFD_CLOEXEC));
  EXPECT_TRUE(write_all(fd.get(), bytes));
  EXPECT_EQ(::lseek(fd.get(), 0, SEEK_SET), 0);
  return fd;
}

std::string frame(const std::vector<Json>& files, const std::string& bytes) {
  return Json{{"record", 1}, {"files", files}}.dump() + "\n" + bytes;
}

Json file(const std::string& path, const Json& size) { return {{"path", path}, {"size", size}}; }

struct Arrival {
  Arrival() : folder(TempDir::create(fs::temp_directory_path(), "hyops-test").value()) {
    EXPECT_TRUE(make_folders(folder.path() / "runs"));
  }
  fs::path into() const { return folder.path() / "runs/record"; }
  std::string take(const std::string& bytes) const {
    const Fd fd = stream(bytes);
    const auto got = engine::receive_record(fd.get(), into());
    return got ? "taken" : got.error().code;
  }
  // Everything below the folder, so that a stray file shows wherever it went.
  std::vector<std::string> left() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(folder.path()))
      if (!entry.is_directory()) out.push_back(entry.path().lexically_relative(folder.path()));
    std::sort(out.begin(), out.end());
    return out;
  }
  TempDir folder;
};

}  // namespace

TEST(Transfer, carries_a_record_byte_for_byte) {
  const Arrival here;
  const fs::path record = here.folder.path() / "sent";
  ASSERT_TRUE(make_folders(record / "steps/a"));
  ASSERT_TRUE(write_file(record / "run.json", "{}"));
  ASSERT_TRUE(write_file(record / "empty", ""));
  ASSERT_TRUE(write_file(record / "steps/a/log.txt", std::string(3u << 20, 'x') + '\0' + "\n"));
  const Fd fd(::memfd_create("record", MFD_CLOEXEC));
  ASSERT_TRUE(engine::send_record(record, fd.get()));
  ASSERT_EQ(::lseek(fd.get(), 0, SEEK_SET), 0);
  const auto got = engine::receive_record(fd.get(), here.into());
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(digest_of_tree(record).value(), digest_of_tree(here.into()).value());
}

TEST(Transfer, sends_no_file_that_a_link_points_to) {
  const Arrival here;
  const fs::path record = here.folder.path() / "sent";
  ASSERT_TRUE(make_folders(record));
  ASSERT_TRUE(write_file(here.folder.path() / "key", "the runner's key"));
  ASSERT_TRUE(write_file(record / "run.json", "{}"));
  fs::create_symlink(here.folder.path() / "key", record / "log.txt");
  fs::create_directory_symlink(here.folder.path(), record / "steps");
  const Fd fd(::memfd_create("record", MFD_CLOEXEC));
  const auto sent = engine::send_record(record, fd.get());
  std::string bytes(static_cast<size_t>(::lseek(fd.get(), 0, SEEK_END)), '\0');
  ASSERT_EQ(::pread(fd.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  EXPECT_EQ(bytes.find("the runner's key"), std::string::npos);
  EXPECT_FALSE(sent) << "a record holds no links: one that does is not passed on";
}

TEST(Transfer, writes_nothing_outside_the_record) {
  for (const std::string name :
       {"../evil", "/evil", "a/../../evil", "..", ".", "", "a//b", "a/", "a\nb", "a b", "a\\b",
        "a/b/c/d/e/f/g/h/i", "a\xc3\xa4", "$(id)", "~root"}) {
    const Arrival here;
    EXPECT_EQ(here.take(frame({file("ok", 2), file(name, 4)}, "okevil")),
              "engine.transfer.malformed")
        << name;
    EXPECT_TRUE(here.left().empty()) << name << " left " << here.left()[0];
  }
  const Arrival here;
  EXPECT_EQ(here.take(frame({file(std::string(129, 'a'), 0)}, "")), "engine.transfer.malformed");
  EXPECT_EQ(here.take(frame({file(std::string("a\0b", 3), 0)}, "")), "engine.transfer.malformed");
}

TEST(Transfer, follows_no_link_that_waits_where_the_record_goes) {
  const Arrival here;
  ASSERT_TRUE(make_folders(here.folder.path() / "elsewhere"));
  fs::create_directory_symlink(here.folder.path() / "elsewhere", here.into());
  EXPECT_NE(here.take(frame({file("run.json", 2)}, "{}")), "taken");
  EXPECT_TRUE(fs::is_empty(here.folder.path() / "elsewhere"));
}

TEST(Transfer, believes_no_size) {
  const Arrival here;
  for (const Json& size : {Json(-1), Json("2"), Json(2.0), Json(), Json(int64_t{9} << 30),
                           Json(INT64_MAX), Json(UINT64_MAX)})
    EXPECT_EQ(here.take(frame({file("a", size)}, "{}")), "engine.transfer.malformed") << size;
  EXPECT_EQ(here.take(frame({file("a", int64_t{7} << 30)}, "{}")), "engine.transfer.truncated");
  const std::vector<Json> sum{file("a", int64_t{5} << 30), file("b", int64_t{5} << 30)};
  EXPECT_NE(here.take(frame(sum, "{}")), "taken");
  EXPECT_TRUE(here.left().empty());
}

TEST(Transfer, keeps_nothing_of_a_record_that_ends_early_wherever_that_is) {
  const std::string whole = frame({file("run.json", 2), file("steps/a/log.txt", 5)}, "{}hello");
  for (size_t end = 0; end < whole.size(); ++end) {
    const Arrival here;
    EXPECT_EQ(here.take(whole.substr(0, end)), "engine.transfer.truncated") << end;
    EXPECT_TRUE(here.left().empty()) << end;
  }
  const Arrival here;
  EXPECT_EQ(here.take(whole), "taken");
  EXPECT_EQ(here.left(),
            (std::vector<std::string>{"runs/record/run.json", "runs/record/steps/a/log.txt"}));
}

TEST(Transfer, takes_no_file_twice_and_none_below_a_file) {
  const Arrival here;
  EXPECT_EQ(here.take(frame({file("a", 1), file("a", 1)}, "12")), "engine.transfer.malformed");
  EXPECT_NE(here.take(frame({file("a", 1), file("a/b", 1)}, "12")), "taken");
  EXPECT_NE(here.take(frame({file("a/b", 1), file("a", 1)}, "12")), "taken");
  EXPECT_TRUE(here.left().empty());
}

TEST(Transfer, refuses_what_is_no_list_of_files) {
  const Arrival here;
  for (const std::string header :
       {"", "not json", "[]", "{}", "null", "{\"record\":2,\"files\":[]}",
        "{\"record\":1,\"files\":{}}", "{\"record\":1,\"files\":[]}",
        "{\"record\":1,\"files\":[1]}", "{\"record\":1,\"files\":[null]}",
        "{\"record\":1,\"files\":[[]]}"})
    EXPECT_NE(here.take(header + "\n"), "taken") << header;
  std::vector<Json> many;
  for (int i = 0; i <= 100'000; ++i) many.push_back(file("f" + std::to_string(i), 0));
  EXPECT_EQ(here.take(frame(many, "")), "engine.transfer.malformed");
  EXPECT_TRUE(here.left().empty());
}

TEST(Transfer, leaves_a_record_that_is_there_alone) {
  const Arrival here;
  ASSERT_EQ(here.take(frame({file("run.json", 2)}, "{}")), "taken");
  EXPECT_NE(here.take(frame({file("run.json", 2)}, "[]")), "taken");
  EXPECT_EQ(read_file(here.into() / "run.json").value(), "{}");
  EXPECT_EQ(here.left().size(), 1u);
}

TEST(Order, that_was_made_up_is_refused_whole) {
  Json order = engine::to_order({Json::object(), {}, {}, "oncall", "r1", 7});
  ASSERT_TRUE(engine::parse_order(order));
  for (const char* member : {"order", "run", "plan", "requester", "least_token", "approvals"}) {
    Json changed = order;
    changed[member] = {{"surprise", 1}};
    if (std::string(member) == "plan") changed.erase(member);
    EXPECT_EQ(engine::parse_order(changed).error().code, "engine.order.malformed") << member;
  }
  order["approvals"] = {"x"};
  EXPECT_EQ(engine::parse_order(order).error().code, "engine.order.malformed");
  EXPECT_EQ(engine::parse_order(Json::array()).error().code, "engine.order.malformed");
  EXPECT_EQ(engine::parse_order({}).error().code, "engine.order.malformed");
}

TEST(Transfer, hands_on_why_the_other_end_sends_no_record) {
  const Arrival here;
  const Json no{{"errors",
                 {{{"code", "ledger.run.unknown"},
                   {"class", "invalid"},
                   {"message", "there is no run \x1b[2J here"},
                   {"next", "hyops run list"}}}}};
  const Fd fd = stream(no.dump() + "\n");
  const auto got = engine::receive_record(fd.get(), here.into());
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, "ledger.run.unknown");
  EXPECT_EQ(got.error().kind, FailureClass::invalid);
  EXPECT_EQ(got.error().message.find('\x1b'), std::string::npos) << got.error().message;
  EXPECT_TRUE(here.left().empty());
}
