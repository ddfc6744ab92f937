// A template is its kind's folder and the common one, with four words to put in.
#include "plugin/scaffold.hpp"

#include <algorithm>
#include <map>

#include "base/file.hpp"
#include "base/text.hpp"

namespace hyops::plugin {
namespace {

namespace fs = std::filesystem;

std::string filled(std::string text, const std::map<std::string, std::string>& words) {
  for (const auto& [word, value] : words) {
    const std::string mark = "@" + word + "@";
    for (size_t at = text.find(mark); at != text.npos; at = text.find(mark, at + value.size()))
      text.replace(at, mark.size(), value);
  }
  return text;
}

// "com.acme.clouds-x" -> "clouds_x": for a CMake target and the area of error codes.
std::string last_word(const std::string& id) {
  std::string word = id.substr(id.rfind('.') + 1);
  std::replace(word.begin(), word.end(), '-', '_');
  return word;
}

}  // namespace

const std::vector<std::string>& kinds() {
  static const std::vector<std::string> all{"provider", "egress", "access", "secret"};
  return all;
}

Result<std::vector<fs::path>> make_new(const Scaffold& wanted) {
  const std::string& id = wanted.id;
  if (!is_name(id) || id.find('.') == id.npos || id.find('_') != id.npos || id.ends_with('.') ||
      id.ends_with('-'))
    return fail("plugin.new.name", "\"" + printable(id, 80) + "\" cannot be a plugin's id");
  if (std::find(kinds().begin(), kinds().end(), wanted.kind) == kinds().end())
    return fail("plugin.new.kind", "there is no kind \"" + printable(wanted.kind, 40) + "\"." +
                                       did_you_mean(wanted.kind, kinds()) +
                                       " There are: " + join(kinds()));
  std::error_code problem;
  if (fs::exists(fs::symlink_status(wanted.to, problem)))
    return fail("plugin.new.exists", wanted.to.string() + " is there already");
  std::vector<fs::path> sources;
  for (const auto& folder : {wanted.templates / "common", wanted.templates / wanted.kind}) {
    for (fs::directory_iterator it(folder, problem), end; !problem && it != end;
         it.increment(problem))
      sources.push_back(it->path());
    if (problem) return fail("plugin.new.template", folder.string() + " cannot be read");
  }
  std::string vendor;  // into a TOML text
  for (const char c : wanted.vendor.empty() ? id.substr(0, id.rfind('.')) : wanted.vendor)
    if (c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20) vendor += c;
  const std::map<std::string, std::string> words{
      {"id", id}, {"vendor", vendor}, {"target", last_word(id)}, {"area", last_word(id)}};
  fs::create_directories(wanted.to, problem);
  if (problem) return fail("file.write", wanted.to.string() + ": " + problem.message());
  std::vector<fs::path> made;
  for (const auto& source : sources) {
    auto text = read_file(source, 1u << 20);
    if (!text) return pass(text);
    made.push_back(wanted.to / source.filename());
    if (auto written = write_file(made.back(), filled(*text, words)); !written)
      return pass(written);
  }
  std::sort(made.begin(), made.end());
  return made;
}

}  // namespace hyops::plugin
