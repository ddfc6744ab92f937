// What a credential says of its own end (L18), and what says nothing of it.
#include "trust/expiry.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/digest.hpp"

namespace hyops::trust {
namespace {

// Two certificates, of 2030-06-01 00:00:00 UTC and of 2021-06-01, made with OpenSSL.
const std::string later = R"pem(-----BEGIN CERTIFICATE-----
MIIBBzCBrgIBATAKBggqhkjOPQQDAjAQMQ4wDAYDVQQDDAVoeW9wczAeFw0yMDAx
MDEwMDAwMDBaFw0zMDA2MDEwMDAwMDBaMBAxDjAMBgNVBAMMBWh5b3BzMFkwEwYH
KoZIzj0CAQYIKoZIzj0DAQcDQgAE3XO4jVGBuLGoRaRTGzSVakPpFtz35oL7dYxF
8d+jCvnciDK4HVrcCab2qFrK1UiFleS0ngls9Eb+SlUTNNuBHDAKBggqhkjOPQQD
AgNIADBFAiBcB3hy+o74Ouyvys+Ed0MAJpchGhVgGamECgU95OJP/AIhAPWsYL+O
x+MF4z9VNDym8wuZ5Que1Xq1SRldRFRyJvtb
-----END CERTIFICATE-----
)pem",
                  earlier = R"pem(-----BEGIN CERTIFICATE-----
MIIBBzCBrgIBAjAKBggqhkjOPQQDAjAQMQ4wDAYDVQQDDAVoeW9wczAeFw0yMDAx
MDEwMDAwMDBaFw0yMTA2MDEwMDAwMDBaMBAxDjAMBgNVBAMMBWh5b3BzMFkwEwYH
KoZIzj0CAQYIKoZIzj0DAQcDQgAE3XO4jVGBuLGoRaRTGzSVakPpFtz35oL7dYxF
8d+jCvnciDK4HVrcCab2qFrK1UiFleS0ngls9Eb+SlUTNNuBHDAKBggqhkjOPQQD
AgNIADBFAiB0LbYpl6TXGi3a9AbfrrNzzhiJHwSHyBL5G6cP1bIsTwIhAKhQn0KY
KLxsvEpOCvthJaB2WfRKInDl2bm+W9R4ooF3
-----END CERTIFICATE-----
)pem";
constexpr int64_t in_2030 = 1'906'502'400'000;

std::string token(const std::string& claims) {
  std::string middle = to_base64(claims);
  middle.resize(middle.find_last_not_of('=') + 1);
  for (char& c : middle) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return "eyJhbGciOiJIUzI1NiJ9." + middle + ".c2lnbmF0dXJl";
}

TEST(Expiry, of_a_certificate_is_its_notAfter) {
  EXPECT_EQ(end_of(later), in_2030);
  EXPECT_EQ(end_of("Bag Attributes\n    friendlyName: db\n" + later), in_2030);
  EXPECT_EQ(end_of(later + earlier), in_2030) << "the root behind it may be an old one";
}

TEST(Expiry, of_a_token_is_its_exp) {
  EXPECT_EQ(end_of(token(R"({"exp":1906502400})")), in_2030);
  EXPECT_EQ(end_of(token(R"({"exp":1906502400,"sub":"a?>b~~"})") + "\n"), in_2030);
}

TEST(Expiry, is_nothing_where_nothing_is_said) {
  for (const std::string& value :
       {std::string(), std::string("hunter2hunter2"), std::string("eyJ"), std::string("eyJ.."),
        std::string("eyJ.eyJ.x"), token("{}"), token(R"({"exp":"soon"})"), token(R"({"exp":-1})"),
        token(R"({"exp":99999999999999999})"), token("no json"),
        std::string("-----BEGIN CERTIFICATE-----"),
        std::string("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
        later.substr(0, later.size() / 2), std::string(1u << 20, 'a')})
    EXPECT_EQ(end_of(value), std::nullopt) << value.substr(0, 60);
}

}  // namespace
}  // namespace hyops::trust
