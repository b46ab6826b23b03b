// A service that refits a hierarchical model for each request, with a pool of threads.
//
// A request is a line of JSON on the standard input, {"y": […], "sigma": […]}; its answer is a line
// on the standard output: {"request": 3, "mu": …, "tau": …, "theta": […]}, posterior means, or
// {"request": 3, "error": "…"}. Answers come as they are ready. Each thread keeps a chain and its
// memory from request to request; draws depend on the request alone, not on threads.
//   service [THREADS]
#include <borel/borel.hpp>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "groups.h"

namespace {

struct Request {
  long number;
  std::string text;
};

class Queue {
 public:
  void push(Request request) {
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(std::move(request));
    }
    ready_.notify_one();
  }
  void close() {
    {
      const std::lock_guard lock(mutex_);
      is_closed_ = true;
    }
    ready_.notify_all();
  }
  // The next request; none when there will be no more.
  std::optional<Request> pop() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return is_closed_ || !requests_.empty(); });
    if (requests_.empty()) return std::nullopt;
    Request request = std::move(requests_.front());
    requests_.pop_front();
    return request;
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Request> requests_;
  bool is_closed_ = false;
};

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + '"';
}

// One thread's fit: data, instance and chain are made by the first request and used again.
class Fitter {
 public:
  explicit Fitter(const borel::Library& library) : data_(library) {}

  std::string answer(const Request& request) {
    const std::string head = "{\"request\": " + std::to_string(request.number);
    try {
      return head + means(request.text) + "}";
    } catch (const borel::Error& error) {
      return head + ", \"error\": " + quoted(error.what()) + "}";
    }
  }

 private:
  static constexpr int chains = 4, draws = 500;

  std::string means(const std::string& text) {
    data_.clear();
    data_.json(text);
    if (instance_)
      instance_->rebind(data_);
    else
      instance_.emplace(data_);
    const auto options =
        borel::Options().seed(1).warmup(500).draws(draws).set("target_accept", 0.9);
    std::vector<double> mean(static_cast<std::size_t>(instance_->draw_size()));
    for (int number = 1; number <= chains; ++number) {
      if (chain_)
        chain_->restart(*instance_, options, number);
      else
        chain_.emplace(*instance_, options, number);
      chain_->step(chain_->warmup());
      for (int i = 0; i < draws; ++i) {
        chain_->step();
        const std::vector<double> draw = chain_->draw();
        for (std::size_t k = 0; k < mean.size(); ++k) mean[k] += draw[k] / (chains * draws);
      }
    }
    std::string out;
    for (const borel_site_info& site : instance_->sites()) {
      if (site.draw_offset < 0 || std::string(site.name) == "z") continue;
      out += ", \"" + std::string(site.name) + "\": ";
      if (site.rank > 0) out += '[';
      for (std::int64_t i = 0; i < site.elements; ++i)
        out += (i > 0 ? ", " : "") + number(mean[static_cast<std::size_t>(site.draw_offset + i)]);
      if (site.rank > 0) out += ']';
    }
    return out;
  }

  borel::Data data_;
  std::optional<borel::Instance> instance_;
  std::optional<borel::Chain> chain_;
};

}  // namespace

int main(int argc, char** argv) try {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 2;
  if (threads < 1) return std::fprintf(stderr, "usage: service [THREADS]\n"), 2;
  const auto library = borel::Library::open(groups_program);
  Queue queue;
  std::mutex output;
  std::vector<std::thread> pool;
  for (int i = 0; i < threads; ++i)
    pool.emplace_back([&] {
      Fitter fitter(library);
      while (const auto request = queue.pop()) {
        const std::string answer = fitter.answer(*request);
        const std::lock_guard lock(output);
        std::cout << answer << std::endl;
      }
    });
  std::string line;
  for (long count = 1; std::getline(std::cin, line); ++count) queue.push({count, line});
  queue.close();
  for (std::thread& thread : pool) thread.join();
  return std::cout.good() ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "service: %s\n", error.what());
  return 1;
}
