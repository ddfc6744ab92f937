// Keys and signatures, proven against the real minisign both ways.
#include <fcntl.h>
#include <sodium.h>

#include "support.hpp"

using namespace hyops;
using namespace hyops::trust;

namespace {

using Minisign = Folder;
using Keys = Folder;
using Signature = Folder;

std::string code_of(const Result<SecretKey>& result) { return result ? "ok" : result.error().code; }
std::string code_of(const Result<Signed>& result) { return result ? "ok" : result.error().code; }

// The decoded 158 bytes of a key file, changed by `change`, as a key file again.
template <class Change>
std::string changed_key(const std::string& text, Change change) {
  const size_t line = text.find('\n') + 1;
  std::string raw = from_base64(text.substr(line, text.size() - line - 1)).value();
  change(raw);
  return text.substr(0, line) + to_base64(raw) + "\n";
}

}  // namespace

TEST_F(Minisign, verifies_what_we_sign) {
  const auto key = new_key();
  ASSERT_TRUE(key.save(path("me.key"), "a test"));
  put("document", "what was said");
  put("document.minisig", key.sign("what was said", "said at noon").value());
  const std::vector<std::string> verify_it = {"minisign", "-V",           "-H", "-q",
                                              "-p",       path("me.pub"), "-m", path("document")};
  EXPECT_EQ(run(verify_it), 0);
  EXPECT_EQ(run({"minisign", "-V", "-q", "-P", key.public_key().text, "-m", path("document")}), 0);
  put("document", "what was never said");
  EXPECT_NE(run(verify_it), 0);
}

TEST_F(Minisign, verifies_an_empty_and_a_large_document_of_ours) {
  const auto key = new_key();
  for (const auto& text : {std::string(), std::string(3'000'000, 'x')}) {
    put("document", text);
    put("document.minisig", key.sign(text, "").value());
    EXPECT_EQ(run({"minisign", "-V", "-q", "-P", key.public_key().text, "-m", path("document")}),
              0);
  }
}

TEST_F(Minisign, signs_with_a_key_that_we_saved) {
  const auto key = new_key();
  ASSERT_TRUE(key.save(path("me.key"), "a test"));
  put("document", "theirs");
  ASSERT_EQ(run({"minisign", "-S", "-W", "-s", path("me.key"), "-t", "theirs at noon", "-m",
                 path("document")}),
            0);
  const auto good = verify("theirs", get("document.minisig"), {key.public_key()});
  ASSERT_EQ(code_of(good), "ok");
  EXPECT_EQ(good->trusted_comment, "theirs at noon");
  EXPECT_EQ(good->key_id, key.public_key().id);
}

TEST_F(Minisign, makes_keys_that_we_load_and_signatures_that_we_verify_in_both_formats) {
  ASSERT_EQ(run({"minisign", "-G", "-W", "-p", path("m.pub"), "-s", path("m.key")}), 0);
  const auto key = SecretKey::load(path("m.key"));
  ASSERT_EQ(code_of(key), "ok");
  const auto listed = parse_public_key(get("m.pub"));
  ASSERT_TRUE(listed);
  EXPECT_EQ(listed->text, key->public_key().text);
  // minisign writes the number without leading zeros.
  const auto number = listed->id.substr(listed->id.find_first_not_of('0'));
  EXPECT_NE(get("m.pub").find("minisign public key " + number + "\n"), std::string::npos);

  put("document", "bytes");
  for (const bool legacy : {false, true}) {
    fs::remove(path("document.minisig"));
    std::vector<std::string> sign = {"minisign", "-S", "-s", path("m.key"), "-m", path("document")};
    if (legacy) sign.push_back("-l");
    ASSERT_EQ(run(sign), 0);
    EXPECT_EQ(code_of(verify("bytes", get("document.minisig"), {*listed})), "ok") << legacy;
    EXPECT_EQ(code_of(verify("Bytes", get("document.minisig"), {*listed})),
              "trust.signature.wrong");
  }
  put("document.minisig", key->sign("bytes", "by us with their key").value());
  EXPECT_EQ(run({"minisign", "-V", "-q", "-p", path("m.pub"), "-m", path("document")}), 0);
}

TEST(KeyNumber, is_shown_as_minisign_does) {
  const auto key = parse_public_key("RWSGoZTNLKVfCO6gByjKZ1MRn3gsWEU61rklAeLYvfTfcgL607FfKyAr");
  EXPECT_EQ(key.value().id, "85FA52CCD94A186") << "without the zero that its number begins with";
}

TEST_F(Minisign, recreates_the_same_public_key_from_a_key_that_we_saved) {
  const auto key = new_key();
  ASSERT_TRUE(key.save(path("me.key"), "a test"));
  ASSERT_EQ(run({"minisign", "-R", "-f", "-s", path("me.key"), "-p", path("again.pub")}), 0);
  EXPECT_EQ(get("again.pub"), get("me.pub"));
}

TEST_F(Keys, come_back_from_disk_as_they_were_saved_and_readable_by_the_owner_only) {
  const auto key = new_key();
  const auto before = ::umask(0);
  ASSERT_TRUE(key.save(path("me.key"), "a test"));
  ::umask(before);
  struct stat info {};
  ASSERT_EQ(::stat(path("me.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  const auto again = SecretKey::load(path("me.key"));
  ASSERT_EQ(code_of(again), "ok");
  EXPECT_EQ(again->public_key().text, key.public_key().text);
  EXPECT_EQ(again->sign("x", "y").value(), key.sign("x", "y").value());
}

TEST_F(Keys, are_never_overwritten) {
  const auto key = new_key();
  ASSERT_TRUE(key.save(path("me.key"), "first"));
  const std::string first = get("me.key"), first_public = get("me.pub");
  EXPECT_EQ(new_key().save(path("me.key"), "second").error().code, "trust.key.exists");
  EXPECT_EQ(new_key().save(path("me.secret"), "same .pub").error().code, "trust.key.exists");
  fs::remove(path("me.pub"));
  EXPECT_EQ(new_key().save(path("me.key"), "second").error().code, "trust.key.exists");
  EXPECT_EQ(new_key().save(path("other.pub"), "in the public key's place").error().code,
            "file.name");
  EXPECT_EQ(get("me.key"), first);
  EXPECT_FALSE(fs::exists(path("me.secret")));
}

TEST_F(Keys, that_others_can_read_are_refused) {
  ASSERT_TRUE(new_key().save(path("me.key"), ""));
  for (const mode_t mode : {0640, 0604, 0644, 0620, 0602, 0700, 0610}) {
    ASSERT_EQ(::chmod(path("me.key").c_str(), mode), 0);
    const auto refused = SecretKey::load(path("me.key"));
    ASSERT_EQ(code_of(refused), "trust.key.mode") << std::oct << mode;
    EXPECT_NE(refused.error().next.find("chmod 600"), std::string::npos);
  }
  ASSERT_EQ(::chmod(path("me.key").c_str(), 0400), 0);
  EXPECT_EQ(code_of(SecretKey::load(path("me.key"))), "ok");
}

TEST_F(Keys, behind_a_link_in_a_fifo_or_absent_are_refused) {
  ASSERT_TRUE(new_key().save(path("me.key"), ""));
  fs::create_symlink(path("me.key"), path("link.key"));
  EXPECT_EQ(code_of(SecretKey::load(path("link.key"))), "trust.key.link");
  EXPECT_EQ(code_of(SecretKey::load(path("none.key"))), "file.open");
  ASSERT_EQ(::mkfifo(path("fifo.key").c_str(), 0600), 0);
  EXPECT_EQ(code_of(SecretKey::load(path("fifo.key"))), "trust.key.malformed");
  fs::create_symlink(path("elsewhere"), path("new.key"));
  EXPECT_EQ(new_key().save(path("new.key"), "").error().code, "trust.key.exists");
  EXPECT_FALSE(fs::exists(path("elsewhere")));
}

TEST_F(Keys, with_a_password_say_so_and_what_to_do) {
  // Made by minisign 0.11 with the password "pw".
  put("locked.key",
      "untrusted comment: minisign encrypted secret key\n"
      "RWRTY0Iyn55h+qWF86y48oEBqYGcE0d9K4zZN+"
      "EMI0mYibte2aIAAAACAAAAAAAAAEAAAAAAdxLBowQFFooVKkzOIf9X7yUkUu30qr+C"
      "qtU3b8nlTYDZymP8RutrlyXp8OPxDwHiDWD+"
      "7MSi760dtdfIKQ4UNrgZSHOhS4dNo5MTCXJpmdVQ99OVZ7UnE8Basp5QDPWf3DgmOULm"
      "01A=\n",
      0600);
  const auto refused = SecretKey::load(path("locked.key"));
  ASSERT_EQ(code_of(refused), "trust.key.password");
  EXPECT_NE(refused.error().next.find("minisign -C -W"), std::string::npos);
}

TEST_F(Keys, that_are_damaged_anywhere_are_refused) {
  ASSERT_TRUE(new_key().save(path("me.key"), ""));
  const std::string text = get("me.key");
  int number = 0;
  const auto load = [&](const std::string& contents) {
    return code_of(SecretKey::load(put("damaged" + std::to_string(number++), contents, 0600)));
  };
  EXPECT_EQ(load(""), "trust.key.malformed");
  EXPECT_EQ(load(text.substr(0, text.size() - 9)), "trust.key.malformed");
  EXPECT_EQ(load(text + "more\n"), "trust.key.malformed");
  EXPECT_EQ(load(text + std::string(5000, 'A')), "trust.key.malformed");
  for (const size_t at : {0u, 2u, 4u, 60u, 80u, 110u, 140u})  // every field that means something
    EXPECT_EQ(load(changed_key(text, [&](std::string& raw) { raw[at] ^= 1; })),
              "trust.key.malformed")
        << at;
  // Without checksum, as minisign 0.11 writes it, the two halves still prove each other.
  const auto unchecked = [](std::string& raw) { raw.replace(126, 32, std::string(32, '\0')); };
  EXPECT_EQ(load(changed_key(text, unchecked)), "ok");
  for (const size_t at : {62u, 93u, 94u, 125u})
    EXPECT_EQ(load(changed_key(text, [&](std::string& raw) { unchecked(raw), raw[at] ^= 1; })),
              "trust.key.malformed")
        << at;
}

TEST_F(Keys, that_are_public_parse_from_a_line_or_a_file_and_nothing_else) {
  const auto key = new_key().public_key();
  EXPECT_EQ(parse_public_key(key.text)->id, key.id);
  EXPECT_EQ(parse_public_key(key.text + "\n")->text, key.text);
  EXPECT_EQ(parse_public_key(public_key_file(key))->text, key.text);
  EXPECT_EQ(key.material().size(), 32u);
  for (const auto& bad :
       {std::string(), std::string("RW"), key.text + "A", key.text.substr(4), " " + key.text,
        key.text + "\n" + key.text, "RV" + key.text.substr(2), key.text.substr(0, 55) + "*",
        std::string("untrusted comment: x"), std::string(100'000, 'R')}) {
    const auto refused = parse_public_key(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code, "trust.key.public");
  }
}

TEST_F(Signature, by_an_unknown_key_on_other_bytes_or_with_another_comment_is_told_apart) {
  const auto key = new_key(), other = new_key();
  const std::string good = key.sign("message", "comment").value();
  EXPECT_EQ(code_of(verify("message", good, {other.public_key(), key.public_key()})), "ok");
  EXPECT_EQ(code_of(verify("message", good, {other.public_key()})), "trust.signature.unknown_key");
  EXPECT_EQ(code_of(verify("message", good, {})), "trust.signature.unknown_key");
  EXPECT_EQ(code_of(verify("messagE", good, {key.public_key()})), "trust.signature.wrong");
  std::string commented = good;
  commented.replace(commented.find("trusted comment: comment"), 24, "trusted comment: Comment");
  EXPECT_EQ(code_of(verify("message", commented, {key.public_key()})), "trust.signature.wrong");
}

TEST_F(Signature, of_a_key_that_borrows_a_trusted_number_is_wrong) {
  const auto trusted = new_key().public_key();
  const auto thief = new_key();
  std::string raw = from_base64(thief.public_key().text).value();
  raw.replace(2, 8, from_base64(trusted.text).value().substr(2, 8));
  const PublicKey borrowed{trusted.id, to_base64(raw)};
  std::string text = thief.sign("message", "").value();
  const size_t line = text.find('\n') + 1;
  std::string packed = from_base64(text.substr(line, 100)).value();
  packed.replace(2, 8, raw.substr(2, 8));
  text.replace(line, 100, to_base64(packed));
  EXPECT_EQ(code_of(verify("message", text, {trusted})), "trust.signature.wrong");
  EXPECT_EQ(code_of(verify("message", text, {trusted, borrowed})), "ok");
  EXPECT_NE(borrowed.material(), trusted.material());
}

TEST_F(Signature, that_is_not_four_whole_lines_is_malformed) {
  const auto key = new_key();
  const std::string good = key.sign("message", "c").value();
  for (size_t size = 0; size + 1 < good.size(); ++size)
    EXPECT_EQ(code_of(verify("message", good.substr(0, size), {key.public_key()})),
              "trust.signature.malformed")
        << size;
  EXPECT_EQ(code_of(verify("message", good.substr(0, good.size() - 1), {key.public_key()})), "ok");
  for (const auto& bad :
       {good + "\n", good + "x", "\n" + good, good + good, std::string(100'000, 'A')})
    EXPECT_EQ(code_of(verify("message", bad, {key.public_key()})), "trust.signature.malformed");
}

TEST_F(Signature, refuses_comments_that_could_forge_lines) {
  const auto key = new_key();
  for (const auto& bad :
       {std::string("a\nb"), std::string("\x1b[2J"), std::string("a\rb"), std::string(5000, 'x')})
    EXPECT_EQ(key.sign("m", bad).error().code, "trust.signature.comment");
  EXPECT_EQ(code_of(verify("m", key.sign("m", "file:a\tlane:drill").value(), {key.public_key()})),
            "ok");
}
