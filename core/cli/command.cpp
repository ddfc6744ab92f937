// How commands answer: words for people, documents for programs, one exit code per kind of failure.
#include "cli/command.hpp"

#include <iostream>

#include "base/text.hpp"

namespace hyops::cli {

Json to_json(const Error& error) {
  Json out{{"code", error.code},
           {"class", std::string(name(error.kind))},
           {"message", error.message},
           {"next", error.next}};
  if (!error.context.empty()) out["context"] = error.context;
  if (error.place)
    out["place"] = {
        {"file", error.place->file}, {"line", error.place->line}, {"column", error.place->column}};
  return out;
}

int exit_code(const Error& error) {
  if (error.code == "cli.cannot") return exit_cannot;
  switch (error.kind) {
    case FailureClass::invalid:
      return exit_usage;
    case FailureClass::denied:
    case FailureClass::expired:
      return exit_denied;
    case FailureClass::conflict:
      return exit_conflict;
    case FailureClass::unavailable:
    case FailureClass::exhausted:
      return exit_unavailable;
    case FailureClass::cancelled:
      return exit_cancelled;
    default:
      return exit_failed;
  }
}

std::ostream& Context::out() { return std::cout; }

void Context::say(const std::string& line) {
  if (!json) std::cout << line << '\n' << std::flush;
}

void Context::answer(const Json& document) {
  if (json)
    std::cout << document.dump(2, ' ', false, Json::error_handler_t::replace) << '\n' << std::flush;
}

void Context::answer_line(const Json& document) {
  if (json)
    std::cout << document.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n'
              << std::flush;
}

int Context::report(const Error& error) { return report(std::vector<Error>{error}); }

int Context::report(const std::vector<Error>& errors) {
  if (errors.empty()) return exit_ok;
  if (json) {
    Json list = Json::array();
    for (const auto& error : errors) list.push_back(to_json(error));
    answer({{"errors", list}});
  }
  std::string last_next;
  for (const auto& error : errors) {
    std::cerr << error.text() << '\n';
    last_next = error.next;
  }
  if (!last_next.empty())
    std::cerr << "  next: " << last_next << "\n  more: hyops explain " << errors.back().code
              << '\n';
  return exit_code(errors.front());
}

std::string option(const po::variables_map& given, const char* name, const std::string& fallback) {
  return given.count(name) ? given[name].as<std::string>() : fallback;
}

bool flag(const po::variables_map& given, const char* name) { return given.count(name) > 0; }

}  // namespace hyops::cli
