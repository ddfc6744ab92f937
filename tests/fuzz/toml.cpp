// Any bytes as any contract file: nothing may crash, hang or leave a document without a verdict.
#include <cstdlib>

#include "contract/document.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  using namespace hyops;
  using namespace hyops::contract;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // A loader that gives nothing has to say why, and one that complains gives nothing.
  const auto judge = [](bool loaded, const Diagnostics& problems) {
    if (loaded != problems.empty()) std::abort();
    for (const auto& problem : problems)
      if (!problem.place || problem.text().empty()) std::abort();
  };
  const auto try_one = [&](auto parse) {
    Diagnostics problems;
    const bool loaded = parse(text, "input.toml", problems).has_value();
    judge(loaded, problems);
  };
  Diagnostics problems;
  const auto json = parse_toml(text, "input.toml", problems);
  judge(json.has_value(), problems);
  if (!json) return 0;
  Diagnostics more;
  load_fields(*json, "input.toml", more);
  try_one(parse_module);
  try_one(parse_pack);
  try_one(parse_profile);
  try_one(parse_lane);
  try_one(parse_lock);
  try_one([](std::string_view bytes, const std::string& file, Diagnostics& found) {
    auto blueprint = parse_blueprint(bytes, file, found);
    Catalog nothing("/nonexistent");
    Diagnostics unknown;
    if (blueprint) check_blueprint(*blueprint, nothing, unknown);
    return blueprint;
  });
  return 0;
}
