// Nothing here waits or fails by itself: what goes wrong in a check is the plugin's doing.
#include "plugin/check/platform.hpp"

#include <algorithm>

#include "base/digest.hpp"

namespace hyops::plugin::check {

Platform::Platform(const Json& documents) {
  for (const auto& [path, document] : documents.items()) documents_[path] = document;
}

Platform::Reply Platform::put(const std::string& path, const Json& body) {
  auto [at, is_new] = documents_.try_emplace(path, Json::object());
  Json& document = at->second;
  if (is_new) {
    ++made_;
    std::string point(32, '\0');  // of an Ed25519 key as OpenSSH spells it
    std::copy_n(path.begin(), std::min(path.size(), point.size()), point.begin());
    using namespace std::string_literals;
    document = {{"address", "192.0.2." + std::to_string(made_ % 254 + 1)},
                {"user", "admin"},
                {"port", 22},
                {"host_key", "ssh-ed25519 " + to_base64("\0\0\0\x0bssh-ed25519\0\0\0 "s + point)},
                {"placement", path + "#" + std::to_string(made_)}};
  }
  if (body.is_object()) document.update(body);
  Reply reply{is_new ? 201 : 200, document};
  if (is_new) reply.body["initial_password"] = password;  // as clouds do: not to be passed on
  return reply;
}

Platform::Reply Platform::answer(const std::string& method, const std::string& path,
                                 const std::string& key, const Json& body) {
  const bool collection = std::count(path.begin(), path.end(), '/') == 1;
  const auto found = documents_.find(path);
  if (method == "PUT" && !collection) return put(path, body);
  if (method == "POST") {
    if (const auto before = by_key_.find(key); !key.empty() && before != by_key_.end())
      return {200, documents_[before->second]};
    const std::string made = path + "/" + std::to_string(made_ + 1);
    if (!key.empty()) by_key_[key] = made;
    return put(made, body);
  }
  if (method == "GET" && collection) {
    Json items = Json::array();
    for (const auto& [where, document] : documents_)
      if (where.starts_with(path + "/")) items.push_back(document);
    return {200, {{"items", items}}};
  }
  if (found == documents_.end()) return {404, {{"code", "not_found"}}};
  if (method == "GET") return {200, found->second};
  if (method != "DELETE") return {405, {{"code", "method"}}};
  documents_.erase(found);
  return {};
}

}  // namespace hyops::plugin::check
