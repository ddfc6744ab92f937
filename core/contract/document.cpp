#include "contract/document.hpp"

#include <algorithm>
#include <tuple>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace hyops::contract {

std::string_view what(Node::Is is) {
  switch (is) {
    case Node::Is::text:
      return "a string";
    case Node::Is::integer:
      return "an integer";
    case Node::Is::boolean:
      return "true or false";
    case Node::Is::list:
      return "a list";
    case Node::Is::table:
      return "a table";
    case Node::Is::refused:
      return "nothing usable";
  }
  return "";
}

Source::~Source() {
  const auto order = [](const Error& a, const Error& b) {
    const auto key = [](const Error& e) {
      return e.place ? std::tuple(e.place->line, e.place->column) : std::tuple(0, 0);
    };
    return key(a) < key(b);
  };
  std::stable_sort(problems_.begin() + static_cast<std::ptrdiff_t>(before_), problems_.end(),
                   order);
}

void Source::wrong(int line, int column, std::string_view code, std::string message) {
  Node at;
  at.line = line;
  at.column = column;
  wrong(at, make_error(code, std::move(message)));
}

void Source::wrong(const Node& at, Error error) {
  constexpr size_t enough = 100;
  if (problems_.size() - before_ > enough) return;
  if (problems_.size() - before_ == enough)
    error = make_error("contract.file.too_many", "there is more wrong; the rest is not listed");
  error.place = place(at);
  problems_.push_back(std::move(error));
}

Node node_of(const Json& value) {
  Node node;
  if (value.is_object()) {
    for (const auto& [key, item] : value.items())
      node.members.push_back({key, 0, 0, node_of(item)});
  } else if (value.is_array()) {
    node.is = Node::Is::list;
    for (const auto& item : value) node.items.push_back(node_of(item));
  } else if (value.is_string()) {
    node.is = Node::Is::text;
    node.text = value.get<std::string>();
  } else if (value.is_boolean()) {
    node.is = Node::Is::boolean;
    node.boolean = value.get<bool>();
  } else if (value.is_number_integer()) {
    node.is = Node::Is::integer;
    node.integer = value.get<int64_t>();
  } else {
    node.is = Node::Is::refused;
  }
  return node;
}

Json json_of(const Node& node) {
  switch (node.is) {
    case Node::Is::text:
      return node.text;
    case Node::Is::integer:
      return node.integer;
    case Node::Is::boolean:
      return node.boolean;
    case Node::Is::list: {
      Json list = Json::array();
      for (const auto& item : node.items) list.push_back(json_of(item));
      return list;
    }
    case Node::Is::table: {
      Json object = Json::object();
      for (const auto& member : node.members) object[member.key] = json_of(member.value);
      return object;
    }
    case Node::Is::refused:
      break;
  }
  return nullptr;
}

bool expect(const Node& node, Node::Is wanted, const std::string& path, Source& source) {
  if (node.is == wanted) return true;
  if (node.is != Node::Is::refused)
    source.wrong(
        node, "contract.value.type",
        path + " is " + std::string(what(node.is)) + ", expected " + std::string(what(wanted)));
  return false;
}

bool one_of(const Node& at, const std::string& value, const std::vector<std::string>& of,
            const std::string& path, Source& source) {
  if (std::find(of.begin(), of.end(), value) != of.end()) return true;
  source.wrong(at, "contract.value.choice",
               path + " is \"" + printable(value, 80) + "\", expected one of " + join(of) + "." +
                   did_you_mean(value, of));
  return false;
}

Table::Table(const Node& node, std::string path, Source& source)
    : node_(node), path_(std::move(path)), source_(source) {}

std::string Table::path(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

const Node* Table::get(std::string_view key, Need need) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  for (const auto& member : node_.members)
    if (member.key == key) return &member.value;
  if (need == Need::required)
    source_.wrong(node_, "contract.key.missing", "the key \"" + path(key) + "\" is missing");
  return nullptr;
}

bool Table::read(std::string_view key, std::string& out, Need need) {
  const Node* node = get(key, need);
  if (!node || !expect(*node, Node::Is::text, path(key), source_)) return false;
  if (need == Need::required && node->text.empty()) {
    source_.wrong(*node, "contract.value.empty", path(key) + " is empty");
    return false;
  }
  out = node->text;
  return true;
}

bool Table::read(std::string_view key, bool& out, Need need) {
  const Node* node = get(key, need);
  if (!node || !expect(*node, Node::Is::boolean, path(key), source_)) return false;
  out = node->boolean;
  return true;
}

bool Table::read(std::string_view key, std::vector<std::string>& out, Need need) {
  const Node* node = get(key, need);
  if (!node || !expect(*node, Node::Is::list, path(key), source_)) return false;
  std::vector<std::string> items;
  for (size_t i = 0; i < node->items.size(); ++i) {
    if (!expect(node->items[i], Node::Is::text, path(key) + "[" + std::to_string(i) + "]", source_))
      return false;
    items.push_back(node->items[i].text);
  }
  out = std::move(items);
  return true;
}

bool Table::integer(std::string_view key, int64_t& out, int64_t min, int64_t max, Need need) {
  const Node* node = get(key, need);
  if (!node || !expect(*node, Node::Is::integer, path(key), source_)) return false;
  if (node->integer < min || node->integer > max) {
    source_.wrong(*node, "contract.value.range",
                  path(key) + " is " + std::to_string(node->integer) + ", expected " +
                      std::to_string(min) + " to " + std::to_string(max));
    return false;
  }
  out = node->integer;
  return true;
}

bool Table::duration(std::string_view key, int64_t& out, Need need) {
  const Node* node = get(key, need);
  if (!node || node->is == Node::Is::refused) return false;
  const auto ms = node->is == Node::Is::text ? parse_duration(node->text)
                                             : Result<int64_t>(fail("value.duration", ""));
  if (!ms) {
    const std::string found = node->is == Node::Is::text ? "\"" + printable(node->text, 80) + "\""
                                                         : std::string(what(node->is));
    source_.wrong(
        *node, "contract.value.duration",
        path(key) + " is " + found + ", expected a duration like \"15m\" (ms, s, m, h or d)");
    return false;
  }
  out = *ms;
  return true;
}

bool Table::choice(std::string_view key, std::string& out, const std::vector<std::string>& of,
                   Need need) {
  const Node* node = get(key, need);
  if (!node || !expect(*node, Node::Is::text, path(key), source_)) return false;
  if (!one_of(*node, node->text, of, path(key), source_)) return false;
  out = node->text;
  return true;
}

std::optional<Table> Table::table(std::string_view key, Need need) {
  const Node* node = get(key, need);
  if (!node || !expect(*node, Node::Is::table, path(key), source_)) return std::nullopt;
  return Table(*node, path(key), source_);
}

void Table::each(std::string_view key, const std::function<void(const Member&)>& take) {
  const Node* node = get(key);
  if (!node || !expect(*node, Node::Is::table, path(key), source_)) return;
  for (const auto& member : node->members) take(member);
}

void Table::done() {
  for (const auto& member : node_.members) {
    if (std::find(known_.begin(), known_.end(), member.key) != known_.end()) continue;
    if (member.key == bare_project) {
      source_.wrong(member.line, member.column, "contract.project.bare",
                    path(member.key) + " " + bare_project_why);
      continue;
    }
    std::string hint = did_you_mean(member.key, known_);
    if (hint.empty()) hint = " Known here: " + join(known_) + ".";
    source_.wrong(member.line, member.column, "contract.key.unknown",
                  "there is no key \"" + printable(path(member.key), 120) + "\"." + hint);
  }
}

Error first_of(const Diagnostics& problems) {
  Error error = problems.front();
  if (problems.size() > 1)
    error.context.push_back("and " + std::to_string(problems.size() - 1) + " more");
  return error;
}

bool is_contract_name(std::string_view name, int slashes) {
  if (slashes > 0) {
    const size_t slash = name.find('/');
    return slash != std::string_view::npos && is_contract_name(name.substr(0, slash)) &&
           is_contract_name(name.substr(slash + 1), slashes - 1);
  }
  return is_name(name) && name.find_first_of("._") == std::string_view::npos;
}

bool is_identifier(std::string_view name) {
  if (name.empty() || name.size() > 64 || name[0] < 'a' || name[0] > 'z') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

void check_name(const Node* at, const std::string& name, int slashes, const std::string& path,
                Source& source) {
  if (!at || is_contract_name(name, slashes)) return;
  source.wrong(*at, "contract.name.malformed",
               path + " is \"" + printable(name, 80) +
                   "\", expected small letters, digits and dashes" +
                   (slashes > 0 ? ", with one slash, like postgresql/restore" : ""));
}

void check_version(const Node* at, const std::string& version, const std::string& path,
                   Source& source) {
  if (!at) return;
  const auto parts = split(version, '.');
  const bool good =
      parts.size() == 3 && std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
        return !part.empty() && part.size() < 10 &&
               part.find_first_not_of("0123456789") == std::string::npos;
      });
  if (!good)
    source.wrong(
        *at, "contract.value.version",
        path + " is \"" + printable(version, 80) + "\", expected three numbers like 1.0.0");
}

std::optional<std::string> read_text(const std::filesystem::path& file, Diagnostics& problems) {
  auto text = read_file(file, max_file_bytes);
  if (text) return std::move(*text);
  Error error = std::move(text.error());
  error.place = Place{file.string(), 0, 0};
  problems.push_back(std::move(error));
  return std::nullopt;
}

std::optional<Json> parse_toml(std::string_view text, const std::string& file,
                               Diagnostics& problems) {
  Source source(file, problems);
  const auto document = parse_document(text, source);
  if (!document || !source.clean()) return std::nullopt;
  return json_of(*document);
}

std::optional<Json> load_toml(const std::filesystem::path& file, Diagnostics& problems) {
  const auto text = read_text(file, problems);
  if (!text) return std::nullopt;
  return parse_toml(*text, file.string(), problems);
}

}  // namespace hyops::contract
