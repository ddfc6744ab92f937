// A provider over the C++ glue that uses all of it: exceptions, waiting, services.
#include "hyops/plugin.hpp"

#include <stdexcept>

namespace {

using hyops::sdk::Call;
using hyops::sdk::Failed;

class Glued {
 public:
  Glued(const hyops::sdk::Host& host, std::string_view) : host_(host) {}
  std::string plan(Call&, std::string_view inputs) { return std::string(inputs); }
  std::string apply(Call& call, std::string_view inputs) {
    host_.log(1, "asked");
    call.progress(500, "half");
    call.wait(1);
    return std::string(inputs);
  }
  std::string observe(Call& call, std::string_view) {
    return call.cancelled() ? "{\"present\":false}" : "{\"present\":true}";
  }
  std::string release(Call&, std::string_view) { throw std::runtime_error("thrown on purpose"); }

 private:
  hyops::sdk::Host host_;
};

}  // namespace

HYOPS_PLUGIN("test.abi", "1.0.0", Glued, hyops::sdk::Provider<Glued>)
