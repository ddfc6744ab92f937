// explain: what an error code means and what to do, from the one catalogue.
#include <algorithm>

#include "base/catalogue.hpp"
#include "base/text.hpp"
#include "cli/system.hpp"
#include "cli/terminal.hpp"

namespace hyops::cli {
namespace {

Json to_json(const CatalogueEntry& entry) {
  return {{"code", entry.code},
          {"class", name(entry.kind)},
          {"paragraph", entry.paragraph},
          {"next", entry.next}};
}

int list_codes(Context& context) {
  Json list = Json::array();
  std::string area;
  for (const auto& entry : catalogue()) {
    list.push_back(to_json(entry));
    const std::string own(entry.code.substr(0, entry.code.find('.')));
    if (own != area) context.say((area.empty() ? "" : "\n") + own);
    area = own;
    context.say("  " + cell(entry.code, 36) + " " + std::string(name(entry.kind)));
  }
  context.say("\n  next: hyops explain CODE");
  context.answer({{"codes", list}});
  return exit_ok;
}

int explain(Context& context, const po::variables_map& given) {
  if (!given.count("code")) return list_codes(context);
  const std::string code = option(given, "code");
  const CatalogueEntry* entry = find_in_catalogue(code);
  if (!entry) {
    // Whole codes first; then what people remember of them: the last words.
    std::vector<std::string> all, like;
    for (const auto& known : catalogue()) {
      all.emplace_back(known.code);
      if (code.size() >= 3 && known.code.find(code) != std::string_view::npos)
        like.emplace_back(known.code);
    }
    std::string near = did_you_mean(code, all);
    if (near.empty() && !like.empty()) {
      like.resize(std::min<size_t>(like.size(), 8));
      near = " These hold that word: " + join(like) + ".";
    }
    return context.report(make_error(
        "cli.code.unknown", "there is no error code \"" + printable(code, 80) + "\"." + near));
  }
  context.answer(to_json(*entry));
  context.say(std::string(entry->code) + "  (class " + std::string(name(entry->kind)) + ")\n");
  for (const auto& line : wrap(entry->paragraph, 90)) context.say("  " + line);
  context.say("\n  next: " + std::string(entry->next));
  return exit_ok;
}

}  // namespace

void add_explain_command(Commands& commands) {
  commands.push_back(
      {"explain",
       "",
       "[CODE]",
       "what an error code means, and what to do about it",
       "Without a code: all of them, by area. The class decides whether a profile may retry.\n"
       "  hyops explain engine.runner.plane",
       {"code"},
       nullptr,
       explain});
}

}  // namespace hyops::cli
