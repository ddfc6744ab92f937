// From an HTTP request to the method of the lab that answers it, and from its failure to a body.
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <map>
#include <string>

#include "lab.hpp"

namespace hyops::labd {

using HttpRequest = boost::beast::http::request<boost::beast::http::string_body>;
using HttpResponse = boost::beast::http::response<boost::beast::http::string_body>;

class Api {
 public:
  // `tokens`: zone name -> bearer token. The admin socket needs none, its peer is root.
  Api(Lab& lab, std::map<std::string, std::string> tokens)
      : lab_(lab), tokens_(std::move(tokens)) {}

  HttpResponse answer(const Caller& caller, const HttpRequest& request);

 private:
  Result<Reply> route(const Caller& caller, const HttpRequest& request);
  Done authorize(const Caller& caller, const HttpRequest& request) const;

  Lab& lab_;
  std::map<std::string, std::string> tokens_;
};

}  // namespace hyops::labd
