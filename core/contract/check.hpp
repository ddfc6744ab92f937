// What the checks across files share: where complaints go, and a module looked up once however many
// steps name it. Private to core/contract.
#pragma once

#include <unordered_map>

#include "contract/load.hpp"

namespace hyops::contract {

class Complaints {
 public:
  explicit Complaints(Diagnostics& problems) : problems_(problems), before_(problems.size()) {}
  void add(const Place& at, std::string_view code, std::string message);
  void add(const Place& at, Error error);
  Diagnostics& problems() { return problems_; }

 private:
  Diagnostics& problems_;
  size_t before_;
};

class Modules {
 public:
  Modules(Catalog& catalog, Diagnostics& problems) : catalog_(catalog), problems_(problems) {}
  const Module* get(const std::string& name, const Place& asked_at);  // an unknown one is told once

 private:
  Catalog& catalog_;
  Diagnostics& problems_;
  std::unordered_map<std::string, const Module*> known_;
};

// dependencies[i]: the steps that step i needs, by `needs` and by reference, each once, never
// itself.
using Dependencies = std::vector<std::vector<size_t>>;
void check_order(const Blueprint& blueprint, const Dependencies& dependencies,
                 Complaints& complaints);
void check_phases(const Blueprint& blueprint, Modules& modules, const Place& at,
                  Complaints& complaints);

std::vector<std::string> names_of(const Fields& fields);
bool takes_secret(const Type& type);

}  // namespace hyops::contract
