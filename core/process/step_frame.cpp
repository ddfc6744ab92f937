// The frame between the core and the step host; secrets go from locked memory to locked memory.
#include "process/step_frame.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "process/step_files.hpp"

namespace hyops::process {
namespace {

constexpr std::string_view magic = "HYSTEP1\n";
constexpr uint64_t max_json = 64u << 20;
constexpr uint64_t max_secret = 16u << 20;

// send(2) and not write(2): a peer that has gone must be an error here, never SIGPIPE for the core.
Status send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno("process.step.host", "the step host does not listen", errno);
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return {};
}

Status receive_all(int socket, char* into, size_t size) {
  while (size > 0) {
    const ssize_t got = ::recv(socket, into, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("process.step.request", "cannot read the request", errno);
    if (got == 0) return fail("process.step.request", "the request ended before its last byte");
    into += got;
    size -= static_cast<size_t>(got);
  }
  return {};
}

std::string_view bytes_of(const uint64_t& number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

Status send_document(int socket, const Json& document) {
  const auto text = canonical(document);
  if (!text) return Failure(text.error());
  const uint64_t size = text->size();
  if (auto sent = send_all(socket, magic); !sent) return sent;
  if (auto sent = send_all(socket, bytes_of(size)); !sent) return sent;
  return send_all(socket, *text);
}

Result<Json> receive_document(int socket) {
  std::array<char, magic.size()> start{};
  if (auto got = receive_all(socket, start.data(), start.size()); !got) return Failure(got.error());
  if (std::string_view(start.data(), start.size()) != magic)
    return fail("process.step.request", "this is not a frame of the step host");
  uint64_t size = 0;
  if (auto got = receive_all(socket, reinterpret_cast<char*>(&size), sizeof size); !got)
    return Failure(got.error());
  if (size > max_json) return fail("process.step.request", "the request is larger than any can be");
  std::string text(size, '\0');
  if (auto got = receive_all(socket, text.data(), text.size()); !got) return Failure(got.error());
  return parse_json(text, "the frame of the step host", max_json);
}

Result<Secret> receive_secret(int socket, int64_t size) {
  if (size < 0 || static_cast<uint64_t>(size) > max_secret)
    return fail("process.step.request", "a secret is larger than any can be");
  std::string buffer(static_cast<size_t>(size), '\0');
  const auto got = receive_all(socket, buffer.data(), buffer.size());
  Secret secret(buffer);
  wipe(buffer.data(), buffer.size());
  if (!got) return Failure(got.error());
  return secret;
}

}  // namespace

Status send_request(int socket, const ToolRequest& request) {
  Json secrets = Json::array();
  for (const auto& secret : request.secrets)
    secrets.push_back(
        {{"name", secret.name}, {"file", secret.file}, {"size", secret.value.size()}});
  Json reports = Json::array();
  for (const auto& report : request.reports) reports.push_back(report.string());
  const Json document = {{"step_folder", request.step_folder.string()},
                         {"directory", request.directory.string()},
                         {"argv", request.argv},
                         {"environment", request.environment},
                         {"timeout_ms", request.timeout_ms},
                         {"stop_grace_ms", request.stop_grace_ms},
                         {"metadata", request.metadata == Metadata::declared},
                         {"reports", std::move(reports)},
                         {"secrets", std::move(secrets)}};
  if (auto sent = send_document(socket, document); !sent) return sent;
  for (const auto& secret : request.secrets)
    if (auto sent = send_all(socket, secret.value.reveal()); !sent) return sent;
  return {};
}

Result<ToolRequest> receive_request(int socket) {
  auto document = receive_document(socket);
  if (!document) return Failure(document.error());
  ToolRequest request;
  try {
    request.step_folder = document->at("step_folder").get<std::string>();
    request.directory = document->at("directory").get<std::string>();
    document->at("argv").get_to(request.argv);
    document->at("environment").get_to(request.environment);
    document->at("timeout_ms").get_to(request.timeout_ms);
    document->at("stop_grace_ms").get_to(request.stop_grace_ms);
    if (document->at("metadata").get<bool>()) request.metadata = Metadata::declared;
    for (const auto& report : document->at("reports"))
      request.reports.emplace_back(report.get<std::string>());
    for (const auto& entry : document->at("secrets")) {
      auto value = receive_secret(socket, entry.at("size").get<int64_t>());
      if (!value) return Failure(value.error());
      request.secrets.push_back({entry.at("name"), entry.at("file"), std::move(*value)});
    }
  } catch (const Json::exception& error) {
    return fail("process.step.request",
                std::string("the request lacks something: ") + error.what());
  }
  return request;
}

Status send_answer(int socket, const Result<Identity>& answer) {
  if (answer) return send_document(socket, step_files::to_json(*answer));
  const Error& error = answer.error();
  return send_document(
      socket,
      {{"error", {{"code", error.code}, {"message", error.message}, {"next", error.next}}}});
}

Result<Identity> receive_answer(int socket) {
  auto document = receive_document(socket);
  if (!document)
    return fail("process.step.host", "the step host ended without saying whether the tool runs");
  if (const auto error = document->find("error"); error != document->end())
    return fail(get_string(*error, "code"), get_string(*error, "message"),
                get_string(*error, "next"));
  return step_files::identity_from(*document);
}

}  // namespace hyops::process
