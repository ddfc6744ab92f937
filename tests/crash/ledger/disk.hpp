// A disk in memory that can lose its power: what SQLite wrote and did not sync is then lost, torn
// or reordered, as one seed says.
#pragma once

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace hyops::tests {

// While one lives, every database that SQLite opens stands on it; one connection at a time. Files
// that exist outside (a ledger is made, locked and renamed by its path) are only names for what is
// kept here.
class Disk {
 public:
  explicit Disk(uint64_t seed) : random_(seed), under_(sqlite3_vfs_find(nullptr)) {
    vfs_.iVersion = 1;
    vfs_.szOsFile = sizeof(Handle);
    vfs_.mxPathname = under_->mxPathname;
    vfs_.zName = "disk-that-loses-power";
    vfs_.pAppData = this;
    vfs_.xOpen = open;
    vfs_.xDelete = remove;
    vfs_.xAccess = access;
    vfs_.xFullPathname = full_path;
    vfs_.xRandomness = randomness;
    vfs_.xSleep = [](sqlite3_vfs*, int us) { return us; };
    vfs_.xCurrentTime = under_->xCurrentTime;
    vfs_.xGetLastError = [](sqlite3_vfs*, int, char*) { return 0; };
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~Disk() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(under_, 1);
  }
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  // From now on the disk takes `operations` more writes, syncs, truncations and removals; then it
  // is dead until the power is back.
  void die_after(int operations) { left_ = operations; }
  bool dead() const { return left_ == 0; }
  int operations() const { return operations_; }

  // Everything open is closed by now. What was synced is there again; of the rest, whatever the
  // sectors say.
  void lose_power() {
    for (auto& [name, file] : files_) file.seen = file.durable = survivor(file);
    for (auto& [name, file] : files_) file.unsynced.clear();
    left_ = -1;
  }
  std::optional<std::string> read(const std::string& path) { return at(path).seen; }
  void put(const std::string& path, std::optional<std::string> bytes) {
    at(path) = File{bytes, bytes, {}, {}};
  }

 private:
  static constexpr size_t sector = 512;

  struct Change {
    enum class Kind { write, truncate, create, remove } kind;
    size_t at = 0;  // of truncate: the new size
    std::string bytes = {};
  };
  struct File {
    std::optional<std::string> durable, seen;
    std::vector<Change> unsynced;
    std::vector<std::string> shared;  // the WAL index, which no power loss survives

    void sync() {
      for (auto& change : unsynced) {
        if (change.kind == Change::Kind::create) durable = "";
        if (change.kind == Change::Kind::remove) durable.reset();
        if (durable) apply(*durable, change);
      }
      unsynced.clear();
    }
  };
  struct Handle {
    sqlite3_file base;
    Disk* disk;
    File* file;
  };

  // A file is what it is under any name: it is known by its inode where it has one.
  File& at(const std::string& path) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) return files_[path];
    return files_["inode " + std::to_string(found.st_ino)];
  }
  bool chance(unsigned one_in) { return random_() % one_in == 0; }

  // Each sector of each write since the last sync reached the disk or did not, whatever came of the
  // ones before and after it; some were cut in the middle.
  std::optional<std::string> survivor(const File& file) {
    size_t begin = 0, end = file.unsynced.size();
    std::optional<std::string> base = file.durable;
    for (size_t i = end; i-- > 0;) {
      const auto kind = file.unsynced[i].kind;
      if (kind != Change::Kind::create && kind != Change::Kind::remove) continue;
      if (chance(2)) {  // the folder's entry was not written: the older file is still there
        end = i;
        continue;
      }
      begin = i + 1;
      base = kind == Change::Kind::create ? std::optional<std::string>("") : std::nullopt;
      break;
    }
    if (!base) return base;
    const unsigned lost_one_in = std::array{1u, 2u, 8u, 1000u}[random_() % 4];
    for (size_t i = begin; i < end; ++i) {
      const auto& change = file.unsynced[i];
      if (change.kind == Change::Kind::truncate) {
        if (!chance(lost_one_in)) apply(*base, change);
        continue;
      }
      for (size_t from = 0; from < change.bytes.size();) {
        const size_t rest = sector - (change.at + from) % sector;
        size_t length = std::min(rest, change.bytes.size() - from);
        if (!chance(lost_one_in))
          apply(*base, {change.kind, change.at + from,
                        change.bytes.substr(from, chance(16) ? length / 2 : length)});
        from += length;
      }
    }
    return base;
  }

  static void apply(std::string& bytes, const Change& change) {
    if (change.kind == Change::Kind::create || change.kind == Change::Kind::remove) return;
    if (change.kind == Change::Kind::truncate) {
      bytes.resize(change.at, '\0');
      return;
    }
    if (bytes.size() < change.at + change.bytes.size())
      bytes.resize(change.at + change.bytes.size(), '\0');
    std::memcpy(bytes.data() + change.at, change.bytes.data(), change.bytes.size());
  }

  // True: the disk still takes this operation.
  bool takes() {
    if (left_ == 0) return false;
    ++operations_;
    return left_ < 0 || --left_ > 0;
  }
  static Handle& of(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file); }

  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* into, int flags, int* given) {
    Disk& disk = *static_cast<Disk*>(vfs->pAppData);
    Handle& handle = of(into);
    handle = {{nullptr}, &disk, nullptr};
    if (disk.left_ == 0) return SQLITE_IOERR;
    File& file = disk.at(path ? path : "temporary");
    if (!file.seen) {
      struct stat outside {};
      if (!(flags & SQLITE_OPEN_CREATE) && ::stat(path, &outside) != 0) return SQLITE_CANTOPEN;
      file.seen = "";
      file.unsynced.push_back({Change::Kind::create});
    }
    handle = {{&methods()}, &disk, &file};
    if (given) *given = flags;
    return SQLITE_OK;
  }
  static int remove(sqlite3_vfs* vfs, const char* path, int) {
    Disk& disk = *static_cast<Disk*>(vfs->pAppData);
    File& file = disk.at(path);
    if (!file.seen) return SQLITE_IOERR_DELETE_NOENT;
    if (!disk.takes()) return SQLITE_IOERR_DELETE;
    file.seen.reset();
    file.unsynced.push_back({Change::Kind::remove});
    return SQLITE_OK;
  }
  static int access(sqlite3_vfs* vfs, const char* path, int, int* there) {
    *there = static_cast<Disk*>(vfs->pAppData)->at(path).seen.has_value();
    return SQLITE_OK;
  }
  static int full_path(sqlite3_vfs*, const char* path, int size, char* into) {
    sqlite3_snprintf(size, into, "%s", path);
    return SQLITE_OK;
  }
  // SQLite salts its WAL with it, and a seed must tell the whole story.
  static int randomness(sqlite3_vfs* vfs, int size, char* into) {
    Disk& disk = *static_cast<Disk*>(vfs->pAppData);
    for (int i = 0; i < size; ++i) into[i] = static_cast<char>(disk.random_());
    return size;
  }

  static int read(sqlite3_file* file, void* into, int size, sqlite3_int64 at) {
    Handle& handle = of(file);
    if (handle.disk->dead()) return SQLITE_IOERR_READ;
    const std::string& bytes = *handle.file->seen;
    const size_t from = std::min(static_cast<size_t>(at), bytes.size());
    const size_t there = std::min(static_cast<size_t>(size), bytes.size() - from);
    std::memcpy(into, bytes.data() + from, there);
    std::memset(static_cast<char*>(into) + there, 0, static_cast<size_t>(size) - there);
    return there == static_cast<size_t>(size) ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
  }
  int change(File& file, Change made) {
    if (dead()) return SQLITE_IOERR_WRITE;
    const bool alive = takes();  // the last one still reaches the cache of the disk
    apply(*file.seen, made);
    file.unsynced.push_back(std::move(made));
    return alive ? SQLITE_OK : SQLITE_IOERR_WRITE;
  }
  static int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
    Handle& handle = of(file);
    return handle.disk->change(
        *handle.file, {Change::Kind::write, static_cast<size_t>(at),
                       std::string(static_cast<const char*>(bytes), static_cast<size_t>(size))});
  }
  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    Handle& handle = of(file);
    return handle.disk->change(*handle.file, {Change::Kind::truncate, static_cast<size_t>(size)});
  }
  static int sync(sqlite3_file* file, int) {
    Handle& handle = of(file);
    if (!handle.disk->takes()) return SQLITE_IOERR_FSYNC;
    handle.file->sync();
    return SQLITE_OK;
  }
  static int size(sqlite3_file* file, sqlite3_int64* bytes) {
    *bytes = static_cast<sqlite3_int64>(of(file).file->seen->size());
    return SQLITE_OK;
  }
  static int shared_map(sqlite3_file* file, int region, int bytes, int extend,
                        void volatile** into) {
    auto& shared = of(file).file->shared;
    *into = nullptr;
    if (static_cast<size_t>(region) >= shared.size()) {
      if (!extend) return SQLITE_OK;
      shared.reserve(64);  // what was handed out may not move
      while (shared.size() <= static_cast<size_t>(region))
        shared.emplace_back(static_cast<size_t>(bytes), '\0');
    }
    *into = shared[static_cast<size_t>(region)].data();
    return SQLITE_OK;
  }

  static const sqlite3_io_methods& methods() {
    static const sqlite3_io_methods all = [] {
      sqlite3_io_methods made{};
      made.iVersion = 2;
      made.xClose = [](sqlite3_file*) { return SQLITE_OK; };
      made.xRead = read;
      made.xWrite = write;
      made.xTruncate = truncate;
      made.xSync = sync;
      made.xFileSize = size;
      made.xLock = made.xUnlock = [](sqlite3_file*, int) { return SQLITE_OK; };
      made.xCheckReservedLock = [](sqlite3_file*, int* held) { return *held = 0; };
      made.xFileControl = [](sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; };
      made.xSectorSize = [](sqlite3_file*) { return 4096; };
      // As SQLite assumes of every disk under Linux: bytes beside a write are not touched by it.
      made.xDeviceCharacteristics = [](sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; };
      made.xShmMap = shared_map;
      made.xShmLock = [](sqlite3_file*, int, int, int) { return SQLITE_OK; };
      made.xShmBarrier = [](sqlite3_file*) {};
      made.xShmUnmap = [](sqlite3_file* file, int) {
        of(file).file->shared.clear();
        return SQLITE_OK;
      };
      return made;
    }();
    return all;
  }

  std::mt19937_64 random_;
  sqlite3_vfs* under_;
  sqlite3_vfs vfs_{};
  std::map<std::string, File> files_;
  int left_ = -1;  // operations until the disk dies; below 0: it does not
  int operations_ = 0;
};

}  // namespace hyops::tests
