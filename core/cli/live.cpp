#include "cli/live.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/file.hpp"

namespace hyops::cli {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds shortest{100};  // between two frames
constexpr milliseconds clocks{1000};   // between frames in which only time went on

}  // namespace

Live::Live(Context& context, const Json& plan, const RunId& run)
    : way_(context.json       ? Way::json
           : context.terminal ? Way::block
                              : Way::lines),
      colour_(context.colour),
      picture_(plan, run) {
  context.out().flush();
  ::signal(SIGPIPE, SIG_IGN);
  writer_ = std::thread([this] { work(); });
}

Live::~Live() { close(); }

void Live::event(const std::string& type, const Json& body, int64_t wall_ms) {
  const std::lock_guard lock(mutex_);
  if (closing_) return;
  const auto lines = picture_.take(type, body, wall_ms);
  if (way_ == Way::json) {
    const Json line{{"type", type}, {"body", body}, {"wall_ms", wall_ms}};
    pending_.push_back(line.dump(-1, ' ', false, Json::error_handler_t::replace));
  } else if (way_ != Way::block || type != "phase.ended") {  // the block shows phases
    for (const auto& line : lines) pending_.push_back(draw(line, 0, colour_ && way_ == Way::block));
  }
  begun_ = dirty_ = true;
  changed_.notify_one();
}

void Live::progress(const std::string& step, int permille, const std::string& note) {
  const std::lock_guard lock(mutex_);
  if (closing_) return;
  picture_.progress(step, permille, note);
  if (way_ == Way::json) {
    const Json line{{"type", "step.progress"},
                    {"body", {{"step", step}, {"permille", permille}, {"note", note}}},
                    {"wall_ms", system_clock().wall_ms()}};
    pending_.push_back(line.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  dirty_ = true;
  changed_.notify_one();
}

void Live::feed(const ledger::Event& event) { this->event(event.type, event.body, event.wall_ms); }

// Called with the mutex held; everything of one frame leaves in one write, so nothing flickers.
std::string Live::frame(const std::vector<std::string>& lines) {
  std::string out;
  if (way_ != Way::block) {
    for (const auto& line : lines) out += line + '\n';
    return out;
  }
  const Size size = terminal_size(STDOUT_FILENO);
  if (drawn_.empty()) out += "\x1b[?25l";  // the cursor rests while the block moves
  int up = 0;                              // a terminal made narrower has wrapped what stood there
  for (const int width : drawn_) up += std::max(1, (width + size.width - 1) / size.width);
  if (up > 0) out += "\r\x1b[" + std::to_string(up) + "A";
  for (const auto& line : lines) out += line + "\x1b[K\n";
  drawn_.clear();
  for (const auto& line : picture_.block(system_clock().wall_ms(), std::max(3, size.height - 1))) {
    out += draw(line, size.width - 1, colour_) + "\x1b[K\n";
    drawn_.push_back(std::min(size.width - 1, columns(draw(line, 0, false))));
  }
  out += "\x1b[J";
  if (closing_) out += "\x1b[?25h";
  return out;
}

void Live::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait_for(lock, clocks, [&] { return dirty_ || closing_; });
    const bool last = closing_;
    const bool draws = begun_ && (way_ == Way::block || !pending_.empty());
    if (draws) {
      std::vector<std::string> lines;
      lines.swap(pending_);
      dirty_ = false;
      const std::string bytes = frame(lines);
      lock.unlock();
      (void)write_all(STDOUT_FILENO, bytes);  // a reader that went away: the run goes on
      lock.lock();
    }
    dirty_ = !pending_.empty();
    if (last) return;
    if (way_ == Way::block) changed_.wait_for(lock, shortest, [&] { return closing_; });
  }
}

void Live::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  if (writer_.joinable()) writer_.join();
}

std::unique_ptr<Live> make_view(Context& context, const Json& plan_document, const RunId& run) {
  return std::make_unique<Live>(context, plan_document, run);
}

}  // namespace hyops::cli
