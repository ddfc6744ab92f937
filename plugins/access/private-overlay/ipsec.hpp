// What strongSwan says of its security associations, in `swanctl --list-sas --pretty`.
#pragma once

#include <string>
#include <vector>

namespace hyops::access {

// A pair of them under one IKE association: what may go through, and whether it does.
struct Child {
  std::string state;                // "INSTALLED", "REKEYING", ...
  std::vector<std::string> remote;  // the networks behind the far end
};
struct Association {
  std::string state, far_end;  // "ESTABLISHED", ...; its address
  std::vector<Child> children;
};
// A far end chooses some of the text (its identity). It is on a line of its own, and whatever it
// says adds no association and no network to one.
std::vector<Association> associations_of(const std::string& told);

}  // namespace hyops::access
