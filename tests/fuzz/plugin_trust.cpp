// Any bytes as a plugin's signature, as a trust file and as plugins.lock: nothing may crash, be
// believed without a signature, or be read in two ways.
#include <cstdlib>

#include "base/file.hpp"
#include "plugin/lock.hpp"
#include "plugin/trust_store.hpp"

namespace {

using namespace hyops;

void must(bool holds) {
  if (!holds) std::abort();
}

// One folder for all inputs of a process; it goes with it.
struct Home {
  TempDir folder = TempDir::create("/dev/shm", "hyops-fuzz").value();  // every input is synced
  trust::SecretKey key = trust::SecretKey::generate().value();
  plugin::TrustStore store;
  Home() {
    const auto trust = folder.path() / "trust";
    must(plugin::add_trusted_key(trust,
                                 {"fuzz", key.public_key(), {"test."}, plugin::all_interfaces(), 0})
             .has_value());
    store = plugin::TrustStore::open(std::vector{trust}).value();
  }
};

// A signature is good for the bytes it was made over and for no others.
void as_signature(const Home& home, std::string_view text) {
  plugin::Manifest manifest;
  manifest.id = "test.fuzz";
  manifest.implements = plugin::all_interfaces();
  must(!home.store.judge(manifest, "the manifest", text, 1));
  must(!home.store.judge(manifest, text, text, 1));
}

// What was read and is written again reads as the same.
void as_lock(const Home& home, const std::filesystem::path& file) {
  auto lock = plugin::read_lock(file);
  if (!lock) return;
  const auto again = home.folder.path() / "again.lock";
  must(plugin::write_lock(again, *lock).has_value());
  auto read = plugin::read_lock(again);
  must(read && read->complete == lock->complete && read->pins.size() == lock->pins.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  static const Home home;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  as_signature(home, text);
  const auto file = home.folder.path() / "input.toml";
  must(write_file(file, text).has_value());
  if (auto store = plugin::TrustStore::open(std::vector{file})) {
    for (const auto& key : store->keys())
      must(!key.name.empty() && !key.ids.empty() && key.key.material().size() == 32);
    for (const auto& revoked : store->revocations()) must(!revoked.what().empty());
    for (const auto& list : store->lists()) must(list.serial > 0 && !list.ids.empty());
  }
  if (const auto list = plugin::parse_vendor_list(text, file)) must(list->serial > 0);
  must(!plugin::take_vendor_list(home.store, home.folder.path(), file, 1));  // nobody signed it
  as_lock(home, file);
  return 0;
}
