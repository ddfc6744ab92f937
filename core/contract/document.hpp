// A parsed file as a tree that remembers where everything stood, and the readers that turn it into
// structs while collecting every complaint with its place. Private to core/contract.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "contract/load.hpp"

namespace hyops::contract {

constexpr size_t max_file_bytes = 1u << 20;
constexpr int max_nesting = 32;

struct Member;

struct Node {
  enum class Is {
    text,
    integer,
    boolean,
    list,
    table,
    refused
  };  // refused: already complained about
  Is is = Is::table;
  std::string text;
  int64_t integer = 0;
  bool boolean = false;
  std::vector<Node> items;      // of a list
  std::vector<Member> members;  // of a table, sorted by key
  int line = 0, column = 0;
};

struct Member {
  std::string key;
  int line = 0, column = 0;  // of the key
  Node value;
};

// "a string", "an integer", ... for "found ..., expected ...".
std::string_view what(Node::Is is);

// Where complaints about one document go. Stops after 100: a file that is wrong everywhere is the
// wrong file, and the next hundred complaints help nobody.
class Source {
 public:
  Source(std::string file, Diagnostics& problems)
      : file_(std::move(file)), problems_(problems), before_(problems.size()) {}
  ~Source();  // puts this document's complaints in the order of the document
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  void wrong(int line, int column, std::string_view code, std::string message);
  void wrong(const Node& at, std::string_view code, std::string message) {
    wrong(at.line, at.column, code, std::move(message));
  }
  void wrong(const Node& at, Error error);
  Place place(const Node& at) const { return {file_, at.line, at.column}; }
  const std::string& file() const { return file_; }
  bool clean() const { return problems_.size() == before_; }
  Diagnostics& problems() { return problems_; }

 private:
  std::string file_;
  Diagnostics& problems_;
  size_t before_;
};

// Hostile TOML in, a tree out: size, characters and nesting are checked before toml++ sees a byte.
std::optional<Node> parse_document(std::string_view text, Source& source);
Node node_of(const Json& value);  // without places
Json json_of(const Node& node);

enum class Need : bool { optional, required };

// One table of a document. Every key that is asked for is known; `done` complains about the rest.
class Table {
 public:
  // `path` is how people call it: "", "inputs.port", "step \"restore\"".
  Table(const Node& node, std::string path, Source& source);

  const Node* get(std::string_view key, Need need = Need::optional);
  // Each reads one value into `out` if it is there and of the right type, and says whether it did.
  bool read(std::string_view key, std::string& out, Need need = Need::optional);
  bool read(std::string_view key, bool& out, Need need = Need::optional);
  bool read(std::string_view key, std::vector<std::string>& out, Need need = Need::optional);
  bool integer(std::string_view key, int64_t& out, int64_t min, int64_t max,
               Need need = Need::optional);
  bool duration(std::string_view key, int64_t& out, Need need = Need::optional);
  // A string out of a closed set.
  bool choice(std::string_view key, std::string& out, const std::vector<std::string>& of,
              Need need = Need::optional);
  std::optional<Table> table(std::string_view key, Need need = Need::optional);
  // Every member of the sub-table `key`, for tables whose keys are free.
  void each(std::string_view key, const std::function<void(const Member&)>& take);
  void done();  // also refuses a bare project_id among the unknown keys

  const Node& node() const { return node_; }
  std::string path(std::string_view key) const;

 private:
  const Node& node_;
  std::string path_;
  Source& source_;
  std::vector<std::string> known_;
};

// Complains and gives false when the node is of another type.
bool expect(const Node& node, Node::Is wanted, const std::string& path, Source& source);
bool one_of(const Node& at, const std::string& value, const std::vector<std::string>& of,
            const std::string& path, Source& source);

// The names a person gives: [a-z0-9][a-z0-9-]*, with one slash where `slashes` is 1.
bool is_contract_name(std::string_view name, int slashes = 0);
bool is_identifier(std::string_view name);  // inputs, outputs, facts: [a-z][a-z0-9_]*
void check_name(const Node* at, const std::string& name, int slashes, const std::string& path,
                Source& source);
void check_version(const Node* at, const std::string& version, const std::string& path,
                   Source& source);

constexpr std::string_view bare_project = "project_id";
extern const std::string bare_project_why;

// C4: finds a bare `project_id` at any depth, and says why it is refused.
void refuse_bare_project(const Node& node, const std::string& path, Source& source);
Status refuse_bare_project(const Json& value, const std::string& path);

Fields read_fields(const Node& table, const std::string& path, Source& source);

// The loaders over text in memory; `file` names the document. load_* read a file and call these.
std::optional<Module> parse_module(std::string_view text, const std::string& file,
                                   Diagnostics& problems);
std::optional<Pack> parse_pack(std::string_view text, const std::string& file,
                               Diagnostics& problems);
std::optional<Profile> parse_profile(std::string_view text, const std::string& file,
                                     Diagnostics& problems);
std::optional<Lane> parse_lane(std::string_view text, const std::string& file,
                               Diagnostics& problems);
std::optional<Blueprint> parse_blueprint(std::string_view text, const std::string& file,
                                         Diagnostics& problems);
std::optional<Lock> parse_lock(std::string_view text, const std::string& file,
                               Diagnostics& problems);

std::optional<std::string> read_text(const std::filesystem::path& file, Diagnostics& problems);

}  // namespace hyops::contract
