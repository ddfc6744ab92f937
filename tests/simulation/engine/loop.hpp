// One thread, one clock, one seed: everything that happens side by side in a simulation happens
// here, in an order that the seed decides.
#pragma once

#include <sys/mman.h>
#include <ucontext.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace hyops::simulation {

struct Died {};  // thrown through a core that dies: what it held in memory is gone

// What belongs to one core dies and sleeps together.
struct Process {
  bool dead = false;
  int64_t asleep_until = 0;
};

// Fibers take turns where they wait, and nowhere else. So a fiber holds no lock when another one
// runs, and the same seed gives the same order.
class Loop {
 public:
  explicit Loop(uint64_t seed) : random_(seed) {}
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  int64_t now_ms() const { return now_; }
  int64_t between(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(random_() % static_cast<uint64_t>(most - least + 1));
  }
  bool one_in(int64_t n) { return between(1, n) == 1; }

  struct Fiber {
    std::function<void()> body;
    const Process* process = nullptr;
    int64_t due = 0;
    bool done = false;
    Fiber* back = nullptr;  // who resumed it
    ucontext_t context{};
    void* stack = nullptr;
  };

  std::shared_ptr<Fiber> start(const Process& process, std::function<void()> body) {
    auto fiber = std::make_shared<Fiber>();
    fiber->body = std::move(body);
    fiber->process = &process;
    fiber->due = now_;
    fiber->stack = take_stack();
    ::getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = stack_bytes;
    const auto at = reinterpret_cast<uintptr_t>(fiber.get());
    // makecontext passes ints only.
    ::makecontext(&fiber->context, reinterpret_cast<void (*)()>(&Loop::enter), 4,
                  static_cast<unsigned>(at), static_cast<unsigned>(at >> 32),
                  static_cast<unsigned>(reinterpret_cast<uintptr_t>(this)),
                  static_cast<unsigned>(reinterpret_cast<uintptr_t>(this) >> 32));
    fibers_.push_back(fiber);
    return fiber;
  }

  Fiber* current() const { return current_; }

  // Until `ms` have passed or somebody set its `due` lower. Throws Died where its core died.
  void sleep(int64_t ms) {
    Fiber& self = *current_;
    self.due = now_ + ms;
    Fiber* back = self.back;
    current_ = back;
    ::swapcontext(&self.context, back ? &back->context : &outside_);
    if (self.process->dead) throw Died{};
  }

  // Runs a fiber of a dead core to its end, from whoever unwinds that core.
  void bury(Fiber& fiber) {
    if (!fiber.done) resume(fiber);
  }

  // Something that the outside does at its time, whoever lives then.
  void at(int64_t ms, std::function<void()> what) { later_.emplace(now_ + ms, std::move(what)); }
  void skip(int64_t ms) { now_ += ms; }

  // One of those whose time has come, or else time passes.
  void turn() {
    std::vector<std::shared_ptr<Fiber>> ready;
    int64_t next = INT64_MAX;
    for (const auto& fiber : fibers_) {
      const int64_t due = due_of(*fiber);
      if (due <= now_) ready.push_back(fiber);
      next = std::min(next, due);
    }
    if (!later_.empty() && later_.begin()->first <= (ready.empty() ? next : now_)) return happen();
    if (ready.empty()) {
      now_ = next;
      return;
    }
    resume(*ready[static_cast<size_t>(between(0, static_cast<int64_t>(ready.size()) - 1))]);
  }

  // Turns until `fiber` has ended.
  void run_until_done(const Fiber& fiber) {
    while (!fiber.done) turn();
  }
  // Lets `ms` pass with nobody at work.
  void settle(int64_t ms) {
    const int64_t until = now_ + ms;
    while (!later_.empty() && later_.begin()->first <= until) happen();
    now_ = std::max(now_, until);
  }

 private:
  static constexpr size_t stack_bytes = size_t{1} << 20;

  static void enter(unsigned low, unsigned high, unsigned loop_low, unsigned loop_high) {
    auto* fiber = reinterpret_cast<Fiber*>(uintptr_t{low} | uintptr_t{high} << 32);
    auto* loop = reinterpret_cast<Loop*>(uintptr_t{loop_low} | uintptr_t{loop_high} << 32);
    if (!fiber->process->dead) {
      try {
        fiber->body();
      } catch (const Died&) {
      }
    }
    fiber->body = nullptr;
    fiber->done = true;
    Fiber* back = fiber->back;
    loop->current_ = back;
    ::swapcontext(&fiber->context, back ? &back->context : &loop->outside_);
  }

  void resume(Fiber& fiber) {
    Fiber* self = current_;
    fiber.back = self;
    current_ = &fiber;
    ::swapcontext(self ? &self->context : &outside_, &fiber.context);
    if (!fiber.done) return;
    give_stack(fiber.stack);
    std::erase_if(fibers_, [&](const auto& one) { return one.get() == &fiber; });
  }

  int64_t due_of(const Fiber& fiber) const {
    return fiber.process->dead ? now_ : std::max(fiber.due, fiber.process->asleep_until);
  }

  void happen() {
    auto first = later_.extract(later_.begin());
    now_ = std::max(now_, first.key());
    first.mapped()();
  }

  // Stacks are used again: mapping one costs more than many a step.
  static std::vector<void*>& stacks() {
    static std::vector<void*> free;
    return free;
  }
  static void* take_stack() {
    if (stacks().empty())
      return ::mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    void* stack = stacks().back();
    stacks().pop_back();
    return stack;
  }
  static void give_stack(void* stack) { stacks().push_back(stack); }

  std::mt19937_64 random_;
  int64_t now_ = 1'000'000;
  std::multimap<int64_t, std::function<void()>> later_;
  std::vector<std::shared_ptr<Fiber>> fibers_;
  Fiber* current_ = nullptr;
  ucontext_t outside_{};
};

}  // namespace hyops::simulation
