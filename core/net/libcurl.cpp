// Finds each function of libcurl that is used; one that is missing is an answer, not a crash.
#include "net/libcurl.hpp"

#include <dlfcn.h>

#include <type_traits>

namespace hyops::net {
namespace {

LibCurl load() {
  LibCurl curl{};
  void* const file = ::dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (!file) {
    curl.missing = ::dlerror();
    return curl;
  }
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(file, name));
    if (!function) curl.missing = std::string("libcurl.so.4 has no ") + name;
  };
  find(curl.global_init, "curl_global_init");
  find(curl.easy_init, "curl_easy_init");
  find(curl.easy_cleanup, "curl_easy_cleanup");
  find(curl.easy_reset, "curl_easy_reset");
  find(curl.easy_setopt, "curl_easy_setopt");
  find(curl.easy_perform, "curl_easy_perform");
  find(curl.easy_getinfo, "curl_easy_getinfo");
  find(curl.easy_strerror, "curl_easy_strerror");
  find(curl.slist_append, "curl_slist_append");
  find(curl.slist_free_all, "curl_slist_free_all");
  find(curl.url, "curl_url");
  find(curl.url_cleanup, "curl_url_cleanup");
  find(curl.url_set, "curl_url_set");
  find(curl.url_get, "curl_url_get");
  find(curl.free, "curl_free");
  if (curl.missing.empty() && curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    curl.missing = "libcurl does not start";
  return curl;
}

}  // namespace

const LibCurl& libcurl() {
  static const LibCurl curl = load();
  return curl;
}

}  // namespace hyops::net
