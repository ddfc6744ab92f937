#include "engine/executor.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <thread>
#include <vector>

namespace hyops::engine {
namespace {

class Threads final : public Executor {
 public:
  Threads() = default;
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() override {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    there_.notify_all();
    for (auto& thread : threads_) thread.join();
  }

  void start(std::function<void()> work) override {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    if (idle_ < queue_.size()) threads_.emplace_back([this] { work_on(); });
    there_.notify_one();
  }

  void wait(std::unique_lock<std::mutex>& held, int64_t most_ms) override {
    changed_.wait_for(held, std::chrono::milliseconds(most_ms));
  }
  void notify() override { changed_.notify_all(); }

 private:
  void work_on() {
    std::unique_lock lock(mutex_);
    for (;;) {
      ++idle_;
      there_.wait(lock, [&] { return closing_ || !queue_.empty(); });
      --idle_;
      if (queue_.empty()) return;
      const auto work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      work();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable there_, changed_;
  std::deque<std::function<void()>> queue_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool closing_ = false;
};

}  // namespace

std::unique_ptr<Executor> make_threads() { return std::make_unique<Threads>(); }

}  // namespace hyops::engine
