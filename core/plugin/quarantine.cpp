// A row of crashes in a file: read, changed and replaced whole under a lock.
#include "plugin/quarantine.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>

#include "base/file.hpp"
#include "base/text.hpp"

namespace hyops::plugin {
namespace {

namespace fs = std::filesystem;

constexpr size_t most_kept = 20;  // of crashes and of liftings

// Held from reading to writing; the descriptor's end releases it.
Fd exclusive(const fs::path& folder) {
  Fd lock(::open((folder / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  while (lock && ::flock(lock.get(), LOCK_EX) != 0 && errno == EINTR) {
  }
  return lock;
}

template <class Items>
void keep_newest(Items& items) {
  if (items.size() > most_kept)
    items.erase(items.begin(), items.end() - static_cast<std::ptrdiff_t>(most_kept));
}

}  // namespace

bool Case::quarantined() const { return crashes.size() >= Quarantine::crashes_until; }

Json to_json(const Case& about) {
  Json crashes = Json::array();
  for (const auto& crash : about.crashes)
    crashes.push_back({{"at_ms", crash.at_ms}, {"where", crash.where}, {"how", crash.how}});
  return {{"plugin", about.plugin},
          {"digest", about.digest},
          {"crashes", crashes},
          {"lifted", about.lifted}};
}

Result<Case> Quarantine::read(const std::string& id) const {
  Case about;
  about.plugin = id;
  std::error_code problem;
  if (folder_.empty() || !is_name(id) || !fs::exists(file_of(id), problem)) return about;
  auto text = read_file(file_of(id), 1u << 20);
  if (!text) return fail("plugin.quarantine.unreadable", text.error().message);
  auto document = parse_json(*text, file_of(id).string(), 1u << 20);
  const auto list = [&](const char* key) {
    const Json found = document->value(key, Json::array());
    return found.is_array() ? found : Json::array();
  };
  if (!document || !document->is_object() || get_string(*document, "plugin") != id)
    return fail("plugin.quarantine.unreadable", file_of(id).string() + " is damaged");
  about.digest = get_string(*document, "digest");
  for (const auto& crash : list("crashes"))
    about.crashes.push_back(
        {get_int(crash, "at_ms"), get_string(crash, "where"), get_string(crash, "how")});
  for (const auto& lifted : list("lifted")) about.lifted.push_back(lifted);
  return about;
}

Status Quarantine::write(const Case& about) const {
  auto text = canonical(to_json(about));
  if (!text) return pass(text);
  return write_file(file_of(about.plugin), *text + "\n", 0600);
}

Status Quarantine::admit(const std::string& id, const std::string& digest) const {
  auto about = read(id);
  if (!about) return pass(about);
  if (about->digest != digest || !about->quarantined()) return {};
  const Crash& last = about->crashes.back();
  return fail("plugin.quarantined", id + " crashed " + std::to_string(about->crashes.size()) +
                                        " times, the last time in " + last.where + " at " +
                                        to_rfc3339(last.at_ms) + ": " + last.how);
}

Result<bool> Quarantine::crashed(const std::string& id, const std::string& digest,
                                 const std::string& where, const std::string& how) {
  if (folder_.empty()) return false;
  if (auto made = make_folders(folder_); !made) return pass(made);
  const Fd lock = exclusive(folder_);
  auto about = read(id);
  if (!about) return pass(about);
  if (about->digest != digest) about->crashes.clear();
  about->digest = digest;
  about->crashes.push_back({clock_->wall_ms(), printable(where, 60), printable(how, 200)});
  keep_newest(about->crashes);
  if (auto written = write(*about); !written) return pass(written);
  return about->quarantined();
}

void Quarantine::worked(const std::string& id, const std::string& digest,
                        const std::string& where) {
  std::error_code problem;
  if (folder_.empty() || !fs::exists(file_of(id), problem)) return;
  const Fd lock = exclusive(folder_);
  auto about = read(id);
  // A row that is full stays full: only a person ends it.
  if (!about || about->digest != digest || about->crashes.empty() || about->quarantined()) return;
  if (std::erase_if(about->crashes, [&](const Crash& crash) { return crash.where == where; }) == 0)
    return;
  (void)write(*about);  // at worst the next crash counts one too many
}

std::vector<Case> Quarantine::list() const {
  std::vector<Case> cases;
  std::error_code problem;
  for (fs::directory_iterator it(folder_, problem), end; !problem && it != end;
       it.increment(problem)) {
    if (it->path().extension() != ".json") continue;
    if (auto about = read(it->path().stem().string())) cases.push_back(std::move(*about));
  }
  std::sort(cases.begin(), cases.end(),
            [](const Case& a, const Case& b) { return a.plugin < b.plugin; });
  return cases;
}

Status Quarantine::lift(const std::string& id, const std::string& by, const std::string& reason) {
  if (reason.empty())
    return fail("plugin.quarantine.reason", "a quarantine is lifted with a reason");
  std::error_code problem;
  if (folder_.empty() || !is_name(id) || !fs::exists(file_of(id), problem))
    return fail("plugin.quarantine.unknown", printable(id, 80) + " is not in quarantine");
  const Fd lock = exclusive(folder_);
  auto about = read(id);
  if (!about) return pass(about);
  if (!about->quarantined()) return fail("plugin.quarantine.unknown", id + " is not in quarantine");
  about->lifted.push_back({{"at_ms", clock_->wall_ms()},
                           {"by", by},
                           {"reason", reason},
                           {"crashes", about->crashes.size()}});
  keep_newest(about->lifted);
  about->crashes.clear();
  return write(*about);
}

}  // namespace hyops::plugin
