// Sealed secrets, opened here with libsodium alone as core/trust/README.md describes: this test is
// the format.
#include <sodium.h>

#include "support.hpp"

using namespace hyops;
using namespace hyops::trust;

namespace {

using Seal = Folder;
using Bundle = Folder;

const unsigned char* bytes_of(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// A runner as another implementation would have it: a pair of keys and nothing of ours.
struct Runner {
  unsigned char pk[32], sk[32];
  Runner() { crypto_box_keypair(pk, sk); }
  std::string text() const { return to_base64({reinterpret_cast<const char*>(pk), 32}); }
};

// The five steps of the README. Empty where a step fails.
std::string open_independently(const std::string& bundle, const Runner& runner) {
  Json document = Json::parse(bundle);
  const std::string sealed = from_base64(document["recipients"].value(runner.text(), "")).value();
  unsigned char key[32];
  if (crypto_box_seal_open(key, bytes_of(sealed), sealed.size(), runner.pk, runner.sk) != 0)
    return "";
  const std::string body = from_base64(document["body"].get<std::string>()).value();
  const std::string nonce = from_base64(document["nonce"].get<std::string>()).value();
  document.erase("body");
  const std::string aad = document.dump();
  std::string plain(body.size() - 16, '\0');
  if (nonce.size() != 24 ||
      crypto_aead_xchacha20poly1305_ietf_decrypt(
          reinterpret_cast<unsigned char*>(plain.data()), nullptr, nullptr, bytes_of(body),
          body.size(), bytes_of(aad), aad.size(), bytes_of(nonce), key) != 0)
    return "";
  return plain;
}

BundleContents about(std::vector<std::string> recipients) {
  BundleContents out;
  out.name = "drill";
  out.version = 7;
  out.created_ms = noon;
  out.expires_ms = noon + 90 * 24 * hour;
  out.recipients = std::move(recipients);
  return out;
}

std::vector<std::pair<std::string, Secret>> two_secrets() {
  std::vector<std::pair<std::string, Secret>> out;
  out.emplace_back("repository_key", Secret(std::string_view("k\0ey\n", 5)));
  out.emplace_back("db-password", Secret("hunter2"));
  return out;
}

}  // namespace

TEST_F(Bundle, is_opened_by_each_recipient_with_libsodium_alone_and_by_nobody_else) {
  const Runner cloud, onprem, stranger;
  const std::string bundle =
      seal_bundle(about({cloud.text(), onprem.text()}), two_secrets()).value();
  const std::string plain = R"({"db-password":")" + to_base64("hunter2") +
                            R"(","repository_key":")" + to_base64(std::string_view("k\0ey\n", 5)) +
                            "\"}";
  EXPECT_EQ(open_independently(bundle, cloud), plain);
  EXPECT_EQ(open_independently(bundle, onprem), plain);
  EXPECT_EQ(open_independently(bundle, stranger), "");
  EXPECT_EQ(canonical(Json::parse(bundle)).value(), bundle);
  EXPECT_EQ(canonical(Json::parse(plain)).value(), plain);
  EXPECT_EQ(bundle.find("hunter2"), std::string::npos);
  EXPECT_EQ(bundle.find(to_base64("hunter2")), std::string::npos);
}

TEST_F(Bundle, does_not_open_when_any_member_was_changed) {
  const Runner cloud;
  const Json good = Json::parse(seal_bundle(about({cloud.text()}), two_secrets()).value());
  ASSERT_NE(open_independently(good.dump(), cloud), "");
  const auto with = [&](const char* name, Json value) {
    Json changed = good;
    changed[name] = std::move(value);
    return open_independently(changed.dump(), cloud);
  };
  EXPECT_EQ(with("name", "prod"), "");
  EXPECT_EQ(with("version", 8), "");
  EXPECT_EQ(with("created_ms", 1), "");
  EXPECT_EQ(with("expires_ms", noon * 2), "");
  EXPECT_EQ(with("names", Json::array({"db-password"})), "");
  EXPECT_EQ(with("nonce", to_base64(std::string(24, 'n'))), "");
  Json more = good;
  more["recipients"][Runner().text()] = "";
  EXPECT_EQ(open_independently(more.dump(), cloud), "");
}

TEST_F(Bundle, never_repeats_its_key_or_nonce) {
  const Runner cloud;
  const Json one = Json::parse(seal_bundle(about({cloud.text()}), two_secrets()).value());
  const Json two = Json::parse(seal_bundle(about({cloud.text()}), two_secrets()).value());
  EXPECT_NE(one["nonce"], two["nonce"]);
  EXPECT_NE(one["body"], two["body"]);
}

TEST_F(Bundle, lists_what_anyone_may_know) {
  const Runner cloud;
  const auto listing = list_bundle(seal_bundle(about({cloud.text()}), two_secrets()).value());
  ASSERT_TRUE(listing);
  EXPECT_EQ(listing->about.name, "drill");
  EXPECT_EQ(listing->about.version, 7);
  EXPECT_EQ(listing->about.recipients, std::vector{cloud.text()});
  EXPECT_EQ(listing->names, (std::vector<std::string>{"db-password", "repository_key"}));
}

TEST_F(Bundle, that_is_damaged_is_not_listed) {
  const Runner cloud;
  const std::string text = seal_bundle(about({cloud.text()}), two_secrets()).value();
  const Json good = Json::parse(text);
  for (const auto& [name, value] : good.items()) {
    Json without = good;
    without.erase(name);
    EXPECT_EQ(said(list_bundle(without.dump())), "trust.seal.bundle") << name;
    for (const Json& other :
         {Json(nullptr), Json(-1), Json("\xc3\xa9"), Json::array({1, 2}), Json{{"x", 1}}}) {
      Json changed = good;
      changed[name] = other;
      EXPECT_EQ(said(list_bundle(changed.dump())), "trust.seal.bundle") << name << other;
    }
  }
  EXPECT_EQ(said(list_bundle(text + " ")), "trust.seal.bundle");
  EXPECT_EQ(said(list_bundle("")), "trust.seal.bundle");
  EXPECT_EQ(said(list_bundle("[]")), "trust.seal.bundle");
}

TEST_F(Bundle, that_cannot_be_is_refused_with_the_reason) {
  const Runner cloud;
  const auto sealed = [&](auto change, auto secrets) {
    auto contents = about({cloud.text()});
    change(contents);
    return said(seal_bundle(contents, secrets));
  };
  const auto as_is = [](BundleContents&) {};
  EXPECT_EQ(sealed([](auto& a) { a.name = "../x"; }, two_secrets()), "trust.seal.bundle");
  EXPECT_EQ(sealed([](auto& a) { a.version = 0; }, two_secrets()), "trust.seal.bundle");
  EXPECT_EQ(sealed([](auto& a) { a.expires_ms = a.created_ms; }, two_secrets()),
            "trust.seal.bundle");
  EXPECT_EQ(sealed([](auto& a) { a.recipients.clear(); }, two_secrets()), "trust.seal.bundle");
  EXPECT_EQ(sealed([](auto& a) { a.recipients = {"not a key"}; }, two_secrets()),
            "trust.seal.public");
  EXPECT_EQ(
      sealed([](auto& a) { a.recipients = {to_base64(std::string(32, '\0'))}; }, two_secrets()),
      "trust.seal.public")
      << "a point of small order would seal to everybody";
  EXPECT_EQ(sealed(as_is, std::vector<std::pair<std::string, Secret>>{}), "trust.seal.bundle");
  auto twice = two_secrets();
  twice.emplace_back("db-password", Secret("again"));
  EXPECT_EQ(sealed(as_is, std::move(twice)), "trust.seal.bundle");
  std::vector<std::pair<std::string, Secret>> odd;
  odd.emplace_back("a\"b", Secret("x"));
  EXPECT_EQ(sealed(as_is, std::move(odd)), "trust.seal.bundle");
  std::vector<std::pair<std::string, Secret>> big;
  big.emplace_back("big", Secret(std::string((1u << 20) + 1, 'x')));
  EXPECT_EQ(sealed(as_is, std::move(big)), "trust.seal.bundle");
}

TEST_F(Seal, opens_for_its_key_only_and_not_when_changed) {
  const auto key = SealKey::generate().value(), other = SealKey::generate().value();
  const std::string sealed = seal_to(key.public_text(), "the data key").value();
  EXPECT_EQ(key.unseal(sealed)->reveal(), "the data key");
  EXPECT_EQ(said(other.unseal(sealed)), "trust.seal.open");
  std::string changed = sealed;
  changed[20] = changed[20] == 'A' ? 'B' : 'A';
  for (const std::string& bad :
       {changed, std::string(), std::string("AAAA"), std::string("not base64")})
    EXPECT_EQ(said(key.unseal(bad)), "trust.seal.open");
  EXPECT_EQ(key.unseal(seal_to(key.public_text(), "").value())->size(), 0u);
}

TEST_F(Seal, keys_are_kept_like_signing_keys) {
  const auto key = SealKey::generate().value();
  ASSERT_TRUE(key.save(path("runner.seal")));
  EXPECT_EQ(said(SealKey::load(path("runner.seal"))), "ok");
  EXPECT_EQ(SealKey::load(path("runner.seal"))->public_text(), key.public_text());
  EXPECT_EQ(key.save(path("runner.seal")).error().code, "trust.key.exists");
  fs::create_symlink(path("runner.seal"), path("link"));
  EXPECT_EQ(said(SealKey::load(path("link"))), "trust.key.link");
  ASSERT_EQ(::chmod(path("runner.seal").c_str(), 0640), 0);
  EXPECT_EQ(said(SealKey::load(path("runner.seal"))), "trust.key.mode");
  std::string text = get("runner.seal");
  text[text.find('\n') + 3] ^= 1;
  put("changed", text, 0600);
  EXPECT_EQ(said(SealKey::load(path("changed"))), "trust.key.malformed");
  EXPECT_EQ(said(SealKey::load(put("signing", "untrusted comment: x\nAAAA\n", 0600))),
            "trust.key.malformed");
}
