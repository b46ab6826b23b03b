#include "compiler/sema/large_stack.h"

#include <pthread.h>

#include <exception>

namespace borel::sema {

namespace {

struct Job {
  const std::function<void()>& work;
  std::exception_ptr thrown;
};

void* run(void* argument) {
  Job& job = *static_cast<Job*>(argument);
  try {
    job.work();
  } catch (...) {
    job.thrown = std::current_exception();
  }
  return nullptr;
}

}  // namespace

void on_large_stack(const std::function<void()>& work) {
  Job job{work, nullptr};
  pthread_attr_t attributes;
  pthread_t thread{};
  bool started = false;
  if (pthread_attr_init(&attributes) == 0) {
    started = pthread_attr_setstacksize(&attributes, size_t{256} << 20) == 0 &&
              pthread_create(&thread, &attributes, run, &job) == 0;
    pthread_attr_destroy(&attributes);
  }
  if (started) {
    pthread_join(thread, nullptr);
  } else {
    run(&job);  // no room for it: most programs need far less
  }
  if (job.thrown) std::rethrow_exception(job.thrown);
}

}  // namespace borel::sema
