// Sections end with a brace, lists with a bracket, and a value with its line.
#include "ipsec.hpp"

#include <sstream>

namespace hyops::access {

std::vector<Association> associations_of(const std::string& told) {
  constexpr size_t association = 2, child = 4;  // how deep each stands
  std::vector<Association> found;
  std::vector<std::string> path;
  std::string list;  // its key, while in one
  std::istringstream lines(told);
  for (std::string line; std::getline(lines, line);) {
    line.erase(0, line.find_first_not_of(' '));
    const size_t equals = line.find(" = ");
    const bool in_child = path.size() == child && path[child - 2] == "child-sas";
    if (!list.empty()) {
      if (line == "]")
        list.clear();
      else if (in_child && list == "remote-ts")
        found.back().children.back().remote.push_back(line);
    } else if (equals != std::string::npos) {
      const std::string key = line.substr(0, equals), value = line.substr(equals + 3);
      if (value == "[") list = key;
      if (in_child && key == "state") found.back().children.back().state = value;
      if (path.size() == association && key == "state") found.back().state = value;
      if (path.size() == association && key == "remote-host") found.back().far_end = value;
    } else if (line.ends_with(" {")) {
      path.push_back(line.substr(0, line.size() - 2));
      if (path.size() == association) found.emplace_back();
      if (path.size() == child && path[child - 2] == "child-sas")
        found.back().children.emplace_back();
    } else if (line == "}" && !path.empty()) {
      path.pop_back();
    }
  }
  return found;
}

}  // namespace hyops::access
