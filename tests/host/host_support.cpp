#include "tests/host/host_support.h"

#include <cstdlib>
#include <cstring>
#include <map>

namespace borel::host::test {

const borel_program& compiled(const std::string& file, bool hessian) {
  struct Entry {
    std::optional<driver::LoadedProgram> program;
  };
  static std::map<std::pair<std::string, bool>, Entry> programs;
  Entry& entry = programs[{file, hessian}];
  if (!entry.program) {
    driver::PipelineOptions options;
    options.file = BOREL_SOURCE "/" + file;
    options.functions.hessian = hessian;
    SourceManager sources;
    Diagnostics diagnostics;
    driver::StageTimes times;
    entry.program = driver::load(options, sources, diagnostics, times);
    if (!entry.program) {
      std::fprintf(stderr, "%s does not compile\n", file.c_str());
      std::abort();
    }
  }
  return **entry.program;
}

const borel_program& eight_schools() {
  return compiled("examples/eight_schools/eight_schools.ppl");
}
const char* const eight_schools_data =
    R"({"J": 8, "y": [28, 8, -3, 7, -1, 1, 18, 12], "sigma": [15, 10, 16, 11, 9, 11, 10, 18]})";

const borel_program& grouped() { return compiled("tests/host/programs/grouped.ppl"); }

std::string grouped_data(int points, int groups) {
  std::string group, rows, trials, y;
  for (int n = 0; n < points; ++n) {
    const char* comma = n == 0 ? "" : ", ";
    group += comma + std::to_string(n % groups + 1);
    rows += comma + ("[" + std::to_string(0.25 * (n % 7)) + ", " + std::to_string(n % 3 - 1) + "]");
    trials += comma + std::to_string(10 + n % 20);
    y += comma + std::to_string(n % 9);
  }
  return "{\"J\": " + std::to_string(groups) + ", \"group\": [" + group + "], \"X\": [" + rows +
         "], \"trials\": [" + trials + "], \"shifted\": true, \"y\": [" + y +
         "], \"ceiling\": 0.5, \"floor\": 1}";
}

Problem::operator borel_error**() {
  borel_error_free(error_);
  error_ = nullptr;
  return &error_;
}

Library open(const borel_program& program, const borel_allocator* allocator,
             const borel_logger* logger) {
  borel_library* library = nullptr;
  Problem problem;
  EXPECT_EQ(borel_library_open(&program, allocator, logger, &library, problem), BOREL_SUCCESS)
      << problem.message();
  return Library(library);
}

Data from_json(const Library& library, const std::string& text) {
  borel_data* data = nullptr;
  Problem problem;
  EXPECT_EQ(borel_data_create(library.get(), &data, problem), BOREL_SUCCESS) << problem.message();
  EXPECT_EQ(borel_data_json(data, text.data(), text.size(), problem), BOREL_SUCCESS)
      << problem.message();
  return Data(data);
}

Instance bind_data(const Data& data) {
  borel_instance* instance = nullptr;
  Problem problem;
  EXPECT_EQ(borel_bind(data.get(), &instance, problem), BOREL_SUCCESS) << problem.message();
  return Instance(instance);
}

Bound bound(const borel_program& program, const std::string& text,
            const borel_allocator* allocator) {
  Bound all;
  all.library = open(program, allocator);
  all.data = from_json(all.library, text);
  all.instance = bind_data(all.data);
  return all;
}

Worker worker(const Instance& instance) {
  borel_worker* made = nullptr;
  Problem problem;
  EXPECT_EQ(borel_worker_create(instance.get(), &made, problem), BOREL_SUCCESS)
      << problem.message();
  return Worker(made);
}

Chain chain(const Instance& instance, const borel_start& start) {
  borel_chain* made = nullptr;
  Problem problem;
  EXPECT_EQ(borel_chain_create(instance.get(), &start, &made, problem), BOREL_SUCCESS)
      << problem.message();
  return Chain(made);
}

namespace {

// In front of every piece, at twice its alignment.
struct Tag {
  std::size_t bytes, alignment;
};

void* allocate(void* context, std::size_t bytes, std::size_t alignment) {
  CountingAllocator& counter = *static_cast<CountingAllocator*>(context);
  const std::int64_t number = counter.allocations++;
  const bool fails = counter.fail_at >= 0 &&
                     (number == counter.fail_at || (counter.fail_on && number > counter.fail_at));
  if (fails) {
    return nullptr;
  }
  const std::size_t gap = alignment > sizeof(Tag) ? alignment : sizeof(Tag);
  char* memory = static_cast<char*>(std::aligned_alloc(gap, (bytes + 2 * gap - 1) / gap * gap));
  if (memory == nullptr) {
    return nullptr;
  }
  ++counter.live;
  counter.live_bytes += static_cast<std::int64_t>(bytes);
  counter.peak_bytes = std::max<std::int64_t>(counter.peak_bytes, counter.live_bytes);
  const Tag tag{bytes, alignment};
  std::memcpy(memory + gap - sizeof tag, &tag, sizeof tag);
  std::memset(memory + gap, 0xa5, bytes);  // what is not initialised shows
  return memory + gap;
}

void release(void* context, void* memory, std::size_t bytes, std::size_t alignment) {
  CountingAllocator& counter = *static_cast<CountingAllocator*>(context);
  Tag tag{};
  std::memcpy(&tag, static_cast<char*>(memory) - sizeof tag, sizeof tag);
  EXPECT_EQ(tag.bytes, bytes);
  EXPECT_EQ(tag.alignment, alignment);
  --counter.live;
  counter.live_bytes -= static_cast<std::int64_t>(bytes);
  const std::size_t gap = alignment > sizeof(Tag) ? alignment : sizeof(Tag);
  std::free(static_cast<char*>(memory) - gap);
}

}  // namespace

CountingAllocator::CountingAllocator() : raw_{this, allocate, release} {}
CountingAllocator::~CountingAllocator() { EXPECT_EQ(live, 0) << "pieces of memory were not freed"; }

borel_logger Log::get() {
  return {this, [](void* context, borel_log_level level, const char* message) {
            EXPECT_EQ(level, BOREL_LOG_WARNING);
            static_cast<Log*>(context)->messages.emplace_back(message);
          }};
}

}  // namespace borel::host::test
