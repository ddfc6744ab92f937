// libcurl, loaded with the first request instead of at start.
#pragma once

#include <curl/curl.h>

#include <string>

namespace hyops::net {

// It brings thirty libraries with it (5 ms of start-up and some MiB), and no command, helper or
// waiting core that sends no request is to pay for them.
struct LibCurl {
  decltype(&::curl_global_init) global_init;
  decltype(&::curl_easy_init) easy_init;
  decltype(&::curl_easy_cleanup) easy_cleanup;
  decltype(&::curl_easy_reset) easy_reset;
  decltype(&::curl_easy_setopt) easy_setopt;
  decltype(&::curl_easy_perform) easy_perform;
  decltype(&::curl_easy_getinfo) easy_getinfo;
  decltype(&::curl_easy_strerror) easy_strerror;
  decltype(&::curl_slist_append) slist_append;
  decltype(&::curl_slist_free_all) slist_free_all;
  decltype(&::curl_url) url;
  decltype(&::curl_url_cleanup) url_cleanup;
  decltype(&::curl_url_set) url_set;
  decltype(&::curl_url_get) url_get;
  decltype(&::curl_free) free;
  std::string missing;  // why it cannot be used; empty when it can
};

// Loaded once, for the life of the process.
const LibCurl& libcurl();

}  // namespace hyops::net
