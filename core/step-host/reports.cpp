// The host does this and not the core: it knows the step's secrets also when the core that asked
// was killed, and the authority they came from is gone.
#include "reports.hpp"

#include "record/redact_document.hpp"

namespace hyops::step_host {
namespace {

Status clean(const std::filesystem::path& file, const record::Redactor& redactor) {
  std::error_code problem;
  if (!std::filesystem::is_regular_file(file, problem))  // reading a pipe might never end
    return fail("file.read", file.string() + " is no file");
  const auto text = read_file(file);
  if (!text) return Failure(text.error());
  const std::string shown = record::redact_document(*text, redactor);
  return shown == *text ? Status{} : write_file(file, shown, 0600);
}

}  // namespace

void clean_reports(const std::vector<std::filesystem::path>& reports,
                   const record::Redactor& redactor, Log& log) {
  for (const auto& report : reports) {
    std::error_code ignored;
    if (!std::filesystem::exists(std::filesystem::symlink_status(report, ignored))) continue;
    const auto done = clean(report, redactor);
    if (done) continue;
    std::filesystem::remove_all(report, ignored);
    log.note(report.filename().string() +
             " was removed, it could not be cleaned of secrets: " + done.error().text());
  }
}

}  // namespace hyops::step_host
