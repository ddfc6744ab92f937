// What a person, a pipe or a program sees while a run goes, in this process or in another one.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cli/command.hpp"
#include "cli/picture.hpp"
#include "engine/journal.hpp"

namespace hyops::cli {

// On a terminal: a block that is redrawn in place under the finished steps. In a pipe: one line an
// event that matters. With --json: {"type","body","wall_ms"}, one a line; progress has the type
// step.progress. Calls only note what happened; a thread of its own writes, so that a slow or
// stopped reader never holds up a recovery. A reader that went away is no reason to die either:
// SIGPIPE is ignored from here on.
class Live final : public engine::Observer {
 public:
  // `plan` is the plan's document (ledger: plan_of). Nothing is drawn before the first event.
  Live(Context& context, const Json& plan, const RunId& run);
  ~Live() override;  // close()
  Live(const Live&) = delete;
  Live& operator=(const Live&) = delete;

  void event(const std::string& type, const Json& body, int64_t wall_ms) override;
  void progress(const std::string& step, int permille, const std::string& note) override;
  void feed(const ledger::Event& event);  // of a run that another process writes

  // Writes what is left and gives the terminal back, cursor and all. Say nothing to the terminal
  // before.
  void close();

 private:
  enum class Way { block, lines, json };
  void work();
  std::string frame(const std::vector<std::string>& lines);

  const Way way_;
  const bool colour_;
  Picture picture_;
  std::mutex mutex_;  // of everything below and of the picture
  std::condition_variable changed_;
  std::vector<std::string> pending_;  // lines to be written above the block
  std::vector<int> drawn_;            // columns of each line of the block as it stands
  bool dirty_ = false, closing_ = false, begun_ = false;
  std::thread writer_;
};

std::unique_ptr<Live> make_view(Context& context, const Json& plan_document, const RunId& run);

}  // namespace hyops::cli
