// Threads that run independent items. Results never depend on how many threads there are: an item
// writes only what is its own, and reductions combine fixed blocks in a fixed tree.
#ifndef BOREL_RUNTIME_CORE_THREADS_H
#define BOREL_RUNTIME_CORE_THREADS_H

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace borel::runtime {

// `threads` for a request of 0 (all that the machine has) or more, and at most `items`, at least 1.
int thread_count(int requested, std::int64_t items);

class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;

  int size() const { return static_cast<int>(threads_.size()); }

  // Starts work(0) … work(count - 1) and returns; they are taken in order. The work of the last
  // start must have been waited for.
  void start(std::int64_t count, std::function<void(std::int64_t)> work);
  // True once every item is done. Then rethrows the exception of the lowest item that threw.
  bool wait_for(std::chrono::milliseconds time);
  void wait();

  // start and wait.
  void for_each(std::int64_t count, std::function<void(std::int64_t)> work);

  // combine over map(0) … map(count - 1), each block of `block` items from the left, the blocks in
  // a balanced tree: the same bits for any number of threads.
  template <class T, class Map, class Combine>
  T reduce(std::int64_t count, std::int64_t block, T identity, Map map, Combine combine) {
    const std::int64_t blocks = (count + block - 1) / block;
    std::vector<T> parts(static_cast<std::size_t>(blocks), identity);
    for_each(blocks, [&](std::int64_t b) {
      T sum = identity;
      const std::int64_t end = std::min(count, (b + 1) * block);
      for (std::int64_t i = b * block; i < end; ++i) {
        sum = combine(sum, map(i));
      }
      parts[static_cast<std::size_t>(b)] = sum;
    });
    for (std::size_t step = 1; step < parts.size(); step *= 2) {
      for (std::size_t i = 0; i + step < parts.size(); i += 2 * step) {
        parts[i] = combine(parts[i], parts[i + step]);
      }
    }
    return parts.empty() ? identity : parts.front();
  }

 private:
  void loop();
  bool rethrow_if_done(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable work_ready_, work_done_;
  std::function<void(std::int64_t)> work_;
  std::int64_t next_ = 0, count_ = 0, unfinished_ = 0;
  std::int64_t thrown_item_ = -1;
  std::exception_ptr thrown_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace borel::runtime

#endif
