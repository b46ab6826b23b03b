#include "runtime/core/threads.h"

#include <algorithm>
#include <utility>

namespace borel::runtime {

int thread_count(int requested, std::int64_t items) {
  const int available = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const std::int64_t wanted = requested > 0 ? requested : available;
  return static_cast<int>(std::clamp<std::int64_t>(std::min(wanted, items), 1, 4096));
}

ThreadPool::ThreadPool(int threads) {
  threads_.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { loop(); });
  }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  work_ready_.notify_all();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void ThreadPool::start(std::int64_t count, std::function<void(std::int64_t)> work) {
  {
    std::lock_guard lock(mutex_);
    work_ = std::move(work);
    next_ = 0;
    count_ = unfinished_ = count;
    thrown_item_ = -1;
    thrown_ = nullptr;
  }
  work_ready_.notify_all();
}

bool ThreadPool::rethrow_if_done(std::unique_lock<std::mutex>& lock) {
  if (unfinished_ > 0) {
    return false;
  }
  work_ = nullptr;
  if (std::exception_ptr thrown = std::exchange(thrown_, nullptr)) {
    lock.unlock();
    std::rethrow_exception(thrown);
  }
  return true;
}

bool ThreadPool::wait_for(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  work_done_.wait_for(lock, time, [this] { return unfinished_ == 0; });
  return rethrow_if_done(lock);
}

void ThreadPool::wait() {
  std::unique_lock lock(mutex_);
  work_done_.wait(lock, [this] { return unfinished_ == 0; });
  rethrow_if_done(lock);
}

void ThreadPool::for_each(std::int64_t count, std::function<void(std::int64_t)> work) {
  start(count, std::move(work));
  wait();
}

void ThreadPool::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_ready_.wait(lock, [this] { return closing_ || next_ < count_; });
    if (closing_) {
      return;
    }
    const std::int64_t item = next_++;
    lock.unlock();
    std::exception_ptr thrown;
    try {
      work_(item);
    } catch (...) {
      thrown = std::current_exception();
    }
    lock.lock();
    if (thrown && (thrown_item_ < 0 || item < thrown_item_)) {
      thrown_item_ = item;
      thrown_ = thrown;
    }
    if (--unfinished_ == 0) {
      work_done_.notify_all();
    }
  }
}

}  // namespace borel::runtime
