// SHA256SUMS against the folder, both ways, and the signature against SHA256SUMS.
#include <algorithm>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "record/findings.hpp"

namespace hyops::record {
namespace {

namespace fs = std::filesystem;

constexpr const char* sums_name = "SHA256SUMS";
constexpr const char* signature_name = "SHA256SUMS.minisig";

std::string shown(const std::string& name) { return printable(name, 200); }

// A path that stays below the folder and has one spelling.
bool is_inside(const std::string& name) {
  if (name.empty() || name.front() == '/' || name.find('\\') != std::string::npos) return false;
  const auto parts = split(name, '/');
  return std::none_of(parts.begin(), parts.end(), [](const std::string& part) {
    return part.empty() || part == "." || part == "..";
  });
}

// Name -> hex digest as SHA256SUMS says.
std::map<std::string, std::string> read_sums(const std::string& text, Findings& findings) {
  std::map<std::string, std::string> sums;
  std::string before;
  int64_t number = 0;
  for (size_t at = 0; at < text.size();) {
    ++number;
    const std::string where = "SHA256SUMS line " + std::to_string(number);
    const size_t end = text.find('\n', at);
    if (end == std::string::npos)
      findings.add("record.sums.malformed", where + ": the file ends within the line");
    const std::string line = text.substr(at, end == std::string::npos ? end : end - at);
    at = end == std::string::npos ? text.size() : end + 1;
    const bool formed = line.size() > 66 && line.compare(64, 2, "  ") == 0 &&
                        line.find_first_not_of("0123456789abcdef") == 64;
    if (!formed) {
      findings.add("record.sums.malformed", where + ": not a digest, two spaces and a name");
      continue;
    }
    const std::string name = line.substr(66);
    if (!is_inside(name)) {
      findings.add("record.file.name", where + ": \"" + shown(name) + "\" would leave the record");
      continue;
    }
    if (name == sums_name || name == signature_name)
      findings.add("record.sums.malformed",
                   where + ": the list cannot hold itself or its signature");
    else if (!sums.emplace(name, line.substr(0, 64)).second)
      findings.add("record.sums.duplicate", where + ": " + shown(name) + " is listed twice");
    else if (!before.empty() && name < before)
      findings.add("record.sums.unsorted",
                   where + ": " + shown(name) + " stands behind " + shown(before));
    before = name;
  }
  return sums;
}

// Regular files of the folder; everything else but folders is a finding. Links are never followed.
Result<std::vector<std::string>> list_files(const fs::path& folder, Findings& findings) {
  std::vector<std::string> names;
  std::error_code problem;
  fs::recursive_directory_iterator it(folder, problem);
  if (problem)
    return fail("record.unreadable",
                "cannot read the folder " + folder.string() + ": " + problem.message());
  for (const fs::recursive_directory_iterator end; it != end; it.increment(problem)) {
    const std::string name = it->path().lexically_relative(folder).string();
    const auto kind = it->symlink_status(problem).type();
    if (kind == fs::file_type::symlink)
      findings.add("record.file.link",
                   shown(name) + " is a symbolic link; a record holds its files itself");
    else if (kind == fs::file_type::regular)
      names.push_back(name);
    else if (kind != fs::file_type::directory)
      findings.add("record.file.link", shown(name) + " is neither a file nor a folder");
  }
  if (problem)
    return fail("record.unreadable",
                "cannot read the folder " + folder.string() + ": " + problem.message());
  std::sort(names.begin(), names.end());
  return names;
}

std::string check_signature(const fs::path& folder, const std::string& sums, const Verifier& check,
                            Findings& findings) {
  auto signature = read_file(folder / signature_name, 65536);
  if (!signature) {
    findings.add("record.signature.missing",
                 "SHA256SUMS.minisig is missing or unreadable: nobody signed this record");
    return {};
  }
  auto signer = check(sums, *signature);
  if (signer) return *signer;
  const std::string& code = signer.error().code;
  findings.add(
      code.ends_with("unknown_key") ? "record.signature.unknown" : "record.signature.wrong",
      "SHA256SUMS.minisig: " + signer.error().message);
  return {};
}

}  // namespace

Result<Files> check_files(const fs::path& folder, const Verifier& check, Findings& findings) {
  auto names = list_files(folder, findings);
  if (!names) return pass(names);
  Files files;
  std::map<std::string, std::string> sums;
  if (auto text = read_file(folder / sums_name)) {
    files.signer = check_signature(folder, *text, check, findings);
    sums = read_sums(*text, findings);
  } else {
    findings.add("record.sums.missing",
                 "SHA256SUMS is missing or unreadable: nothing says what belongs to the record");
  }
  for (const auto& name : *names) {
    if (name == sums_name || name == signature_name) continue;
    Sha256 sum;
    auto read = read_chunks(folder / name, [&](std::string_view chunk) { sum.update(chunk); });
    if (!read) findings.add("record.file.unreadable", shown(name) + " cannot be read to its end");
    files.digests[name] = sum.hex();
  }
  std::map<std::string, std::string> extra;  // digest -> name
  for (const auto& [name, digest] : files.digests)
    if (!sums.contains(name)) extra[digest] = name;
  for (const auto& [name, digest] : sums) {
    const auto found = files.digests.find(name);
    if (found != files.digests.end()) {
      if (found->second != digest)
        findings.add("record.file.changed", shown(name) + " is not what was signed");
    } else if (const auto moved = extra.find(digest); moved != extra.end()) {
      findings.add("record.file.renamed", shown(name) + " is now called " + shown(moved->second));
      extra.erase(moved);
    } else {
      findings.add("record.file.missing", shown(name) + " is missing");
    }
  }
  std::set<std::string> left;
  for (const auto& [digest, name] : extra) left.insert(name);
  for (const auto& [name, digest] : files.digests)
    if (!sums.contains(name) && left.contains(name) && !sums.empty())
      findings.add("record.file.extra", shown(name) + " does not belong to the record");
  for (const char* needed :
       {"run.json", "plan.json", "inputs.json", "events.jsonl", "http.jsonl", "verdict.json"})
    if (!files.digests.contains(needed) && !sums.contains(needed))
      findings.add("record.file.missing", std::string(needed) + " is missing; every record has it");
  return files;
}

// What was there before the run began stays for ever; everything else while no event comes to it.
// The rest is drawn from the events anew whenever a record is written.
void check_listed(const Files& files, const trust::SignedDocument& list, const Verifier& check,
                  Findings& findings) {
  if (!check(list.document, list.signature)) {
    findings.add("record.witness.signer",
                 "the list of files that the witness remembers is not signed by the runner");
    return;
  }
  Findings ignored;
  const auto before = read_sums(list.document, ignored);
  const auto digest_now = [&](const std::string& name) {
    const auto found = files.digests.find(name);
    return found == files.digests.end() ? std::string() : found->second;
  };
  const auto events = before.find("events.jsonl");
  const bool same_chain = events != before.end() && events->second == digest_now("events.jsonl");
  for (const auto& [name, digest] : before) {
    const bool drawn = name == "run.json" || name == "verdict.json" || name == "report.html";
    const bool fixed = name == "plan.json" || name == "inputs.json" ||
                       name.starts_with("decision.json") || name.starts_with("approvals/") ||
                       name.starts_with("checkpoints/") || name.starts_with("statements/");
    if (drawn || !(fixed || same_chain)) continue;
    const std::string now = digest_now(name);
    if (now.empty())
      findings.add("record.fork.file", shown(name) + " is missing, which the witness saw");
    else if (now != digest)
      findings.add("record.fork.file", shown(name) + " is not what the runner signed before");
  }
}

}  // namespace hyops::record
