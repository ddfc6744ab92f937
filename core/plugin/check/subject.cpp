// check.toml is the vendor's own file, but it is read as strictly as any other.
#include "plugin/check/subject.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"
#include "contract/load.hpp"

namespace hyops::plugin::check {
namespace {

namespace fs = std::filesystem;

Json plain_inputs(const std::string& interface) {
  if (interface == "hyops.access/1")
    return {{"hosts",
             {{{"name", "check"},
               {"zone", "check"},
               {"address", "192.0.2.10"},
               {"user", "check"},
               {"port", 22},
               {"host_key",
                "ssh-ed25519 "
                "AAAAC3NzaC1lZDI1NTE5AAAAICD2XChnG0CTfFvyOsx8bzflpewGIuNHtXaFcl31up5Q"}}}}};
  if (interface == "hyops.secret/1") return {{"names", {"check"}}};
  if (interface == "hyops.egress/1")
    return {{"zone", "check"}, {"sources", {"192.0.2.0/28"}}, {"allow", Json::array()}};
  return {{"name", "check"}, {"zone", "check"}, {"role", "check"}, {"count", 1}};
}

// {member: table} of check.toml, or an error that names it.
Result<Json> take_table(Json& document, const char* member, const std::string& file) {
  Json value = document.value(member, Json::object());
  document.erase(member);
  if (!value.is_object())
    return fail("plugin.check.invalid", file + ": " + member + " should be a table");
  return value;
}

Status read_check(const fs::path& path, Subject& subject) {
  const std::string file = path.string();
  contract::Diagnostics problems;
  auto document = contract::load_toml(path, problems);
  if (!document || !problems.empty())
    return fail("plugin.check.invalid",
                problems.empty() ? file + " cannot be read" : problems.front().text());
  if (document->contains("seal_key")) subject.seal_key = get_string(*document, "seal_key");
  document->erase("seal_key");
  Json secrets, inputs;
  for (const auto& [member, to] : {std::pair<const char*, Json*>{"config", &subject.config},
                                   {"secrets", &secrets},
                                   {"inputs", &inputs},
                                   {"platform", &subject.documents},
                                   {"exec", &subject.exec_values}}) {
    auto table = take_table(*document, member, file);
    if (!table) return pass(table);
    *to = std::move(*table);
  }
  for (const auto& [key, value] : document->items())
    return fail(
        "plugin.check.invalid",
        file + " has the unknown key \"" + printable(key, 60) + "\"." +
            did_you_mean(key, {"config", "secrets", "inputs", "platform", "exec", "seal_key"}));
  for (const auto& [name, value] : secrets.items()) {
    if (!value.is_string())
      return fail("plugin.check.invalid",
                  file + ": the secret " + printable(name, 60) + " should be a text");
    subject.secrets[name] = value.get<std::string>();
  }
  for (const auto& [interface, value] : inputs.items()) {
    const bool known = subject.inputs.contains(interface);
    if (!known || !value.is_object())
      return fail("plugin.check.invalid",
                  file + ": inputs are a table for each interface of the plugin; \"" +
                      printable(interface, 60) + "\" is none." +
                      did_you_mean(interface, subject.manifest.implements));
    subject.inputs[interface] = value;
  }
  return {};
}

}  // namespace

Result<Subject> read_subject(const fs::path& folder, const fs::path& with, fs::path helper) {
  auto manifest = load_manifest(fs::absolute(folder));
  if (!manifest) return pass(manifest);
  Subject subject;
  subject.manifest = std::move(*manifest);
  subject.helper = std::move(helper);
  auto digest = digest_of_file(subject.manifest.folder / object_name);
  if (!digest) return fail("plugin.file.missing", digest.error().message);
  subject.sha256 = digest->substr(digest->find(':') + 1);
  for (const auto& id : subject.manifest.implements) subject.inputs[id] = plain_inputs(id);
  const fs::path beside = subject.manifest.folder / "check.toml";
  if (!with.empty() || fs::exists(beside))
    if (auto read = read_check(with.empty() ? beside : with, subject); !read) return pass(read);
  auto config = check_config(subject.manifest, subject.config);
  if (!config) return pass(config, "while reading the configuration in check.toml");
  subject.config = std::move(*config);
  return subject;
}

}  // namespace hyops::plugin::check
