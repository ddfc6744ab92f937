// OpenSSL reads certificates. It is loaded when one is met, as libcurl is, so that no other command
// pays for it.
#include "trust/expiry.hpp"

#include <dlfcn.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <string>

#include "base/digest.hpp"
#include "base/json.hpp"

namespace hyops::trust {
namespace {

struct LibCrypto {
  bool there = false;
  decltype(&BIO_new_mem_buf) bio_new_mem_buf;
  decltype(&BIO_free) bio_free;
  decltype(&PEM_read_bio_X509) pem_read_bio_x509;
  decltype(&X509_get0_notAfter) x509_get0_not_after;
  decltype(&X509_free) x509_free;
  decltype(&ASN1_TIME_to_tm) asn1_time_to_tm;
};

LibCrypto load() {
  LibCrypto crypto{};
  void* const file = ::dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
  if (!file) return crypto;
  crypto.there = true;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(file, name));
    crypto.there = crypto.there && function;
  };
  find(crypto.bio_new_mem_buf, "BIO_new_mem_buf");
  find(crypto.bio_free, "BIO_free");
  find(crypto.pem_read_bio_x509, "PEM_read_bio_X509");
  find(crypto.x509_get0_not_after, "X509_get0_notAfter");
  find(crypto.x509_free, "X509_free");
  find(crypto.asn1_time_to_tm, "ASN1_TIME_to_tm");
  return crypto;
}

// Of the first: those that follow are whose word it stands on, and old roots among them do no harm.
std::optional<int64_t> end_of_certificate(std::string_view pem) {
  static const LibCrypto crypto = load();
  if (!crypto.there) return std::nullopt;
  const std::unique_ptr<BIO, decltype(crypto.bio_free)> source(
      crypto.bio_new_mem_buf(pem.data(), static_cast<int>(pem.size())), crypto.bio_free);
  if (!source) return std::nullopt;
  const std::unique_ptr<X509, decltype(crypto.x509_free)> certificate(
      crypto.pem_read_bio_x509(source.get(), nullptr, nullptr, nullptr), crypto.x509_free);
  std::tm end{};
  if (!certificate ||
      crypto.asn1_time_to_tm(crypto.x509_get0_not_after(certificate.get()), &end) != 1)
    return std::nullopt;
  return static_cast<int64_t>(::timegm(&end)) * 1000;
}

std::optional<int64_t> end_of_token(std::string_view token) {
  const size_t first = token.find('.'), second = token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) return std::nullopt;
  // What it claims is no secret; what proves it, behind the second point, is not copied.
  std::string claims(token.substr(first + 1, second - first - 1));  // base64url without padding
  std::replace(claims.begin(), claims.end(), '-', '+');
  std::replace(claims.begin(), claims.end(), '_', '/');
  claims.resize((claims.size() + 3) / 4 * 4, '=');
  const auto text = from_base64(claims);
  if (!text) return std::nullopt;
  const auto said = parse_json(*text, "token", 64u << 10);
  const int64_t seconds = said ? get_int(*said, "exp") : 0;
  if (seconds <= 0 || seconds > int64_t{1} << 40) return std::nullopt;
  return seconds * 1000;
}

}  // namespace

std::optional<int64_t> end_of(std::string_view value) {
  constexpr size_t most = 256u << 10;  // a chain of certificates is smaller, a token by far
  if (value.size() > most) return std::nullopt;
  if (value.find("-----BEGIN CERTIFICATE-----") != value.npos) return end_of_certificate(value);
  if (value.starts_with("eyJ")) return end_of_token(value);
  return std::nullopt;
}

}  // namespace hyops::trust
