#include "cli/trust.hpp"

#include <algorithm>
#include <charconv>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace hyops::cli {

void add_trust_commands(Commands& commands) {
  add_decision_commands(commands);
  add_approval_commands(commands);
  add_fence_commands(commands);
  add_key_commands(commands);
}

Status needed(const po::variables_map& given, const std::vector<std::string>& names,
              const std::string& command) {
  std::vector<std::string> missing;
  for (const auto& name : names)
    if (option(given, name.c_str()).empty()) missing.push_back("--" + name);
  if (missing.empty()) return {};
  return fail("cli.usage", join(missing) + (missing.size() == 1 ? " is needed." : " are needed."),
              "hyops " + command + " --help");
}

Result<int64_t> time_of_check(const po::variables_map& given) {
  if (!given.count("at")) return system_clock().wall_ms();
  return from_rfc3339(option(given, "at"));
}

Status write_signed(const std::filesystem::path& file, const std::string& document,
                    const trust::SecretKey& key, const std::string& comment) {
  auto signature = key.sign(document, comment);
  if (!signature) return pass(signature);
  if (file.has_parent_path())
    if (auto made = make_folders(file.parent_path()); !made) return made;
  if (auto written = write_file(file, document); !written) return written;
  return write_file(file.string() + ".minisig", *signature);
}

Result<int64_t> parse_money(const std::string& text) {
  const size_t dot = std::min(text.find('.'), text.size());
  std::string fraction = dot < text.size() ? text.substr(dot + 1) : "";
  const std::string digits = text.substr(0, dot);
  const auto all_digits = [](const std::string& part) {
    return std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  const bool dot_without_digits = dot < text.size() && fraction.empty();
  if (digits.empty() || digits.size() > 9 || fraction.size() > 6 || dot_without_digits ||
      !all_digits(digits) || !all_digits(fraction))
    return fail("cli.usage", "\"" + printable(text, 40) + "\" is no amount of money like 5.00");
  fraction.resize(6, '0');
  int64_t micro = 0;
  const std::string whole = digits + fraction;
  std::from_chars(whole.data(), whole.data() + whole.size(), micro);
  return micro;
}

std::string show_money(int64_t micro) {
  std::string fraction = std::to_string(micro % 1'000'000);
  fraction.insert(0, 6 - fraction.size(), '0');
  while (fraction.size() > 2 && fraction.back() == '0') fraction.pop_back();
  return std::to_string(micro / 1'000'000) + "." + fraction;
}

Result<trust::SecretKey> approver_key(const std::string& approver, const std::string& file,
                                      const contract::Lane& lane) {
  const auto found = lane.approvers.find(approver);
  if (found == lane.approvers.end()) {
    std::vector<std::string> names;
    for (const auto& [name, text] : lane.approvers) names.push_back(name);
    return fail("trust.approval.unknown_approver", printable(approver, 80) +
                                                       " is no approver of lane " + lane.name +
                                                       "." + did_you_mean(approver, names));
  }
  auto key = trust::SecretKey::load(file);
  if (!key) return key;
  auto known = trust::parse_public_key(found->second);
  if (!known) return pass(known, "the key of " + approver + " in lane " + lane.name);
  if (known->material() != key->public_key().material())
    return fail("trust.approval.signature",
                file + " is not the key that lane " + lane.name + " has for " + approver);
  return key;
}

}  // namespace hyops::cli
