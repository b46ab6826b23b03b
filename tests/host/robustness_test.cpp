// What must hold for any memory and any bytes: every allocation may fail, and data and checkpoints
// may be anything.
#include <pthread.h>

#include <array>
#include <cmath>
#include <cstring>
#include <random>

#include "tests/host/host_support.h"

namespace borel::host::test {
namespace {

// Every kind of call that allocates. BOREL_SUCCESS, or the first failure; `error` gets its error.
borel_code whole_scenario(const borel_allocator* allocator, const std::string& text,
                          const std::vector<char>& checkpoint, borel_error** error) {
  borel_library* library = nullptr;
  borel_data* data = nullptr;
  borel_instance* instance = nullptr;
  borel_worker* worker = nullptr;
  borel_chain *chain = nullptr, *resumed = nullptr;
  const auto body = [&]() -> borel_code {
    borel_code code = borel_library_open(&grouped(), allocator, nullptr, &library, error);
    if (code != 0) return code;
    if ((code = borel_data_create(library, &data, error)) != 0) return code;
    if ((code = borel_data_json(data, text.data(), text.size(), error)) != 0) return code;
    const double ceiling = 0.25;
    if ((code = borel_data_copy_real(data, "ceiling", &ceiling, 0, nullptr, error)) != 0) {
      return code;
    }
    if ((code = borel_bind(data, &instance, error)) != 0) return code;
    const std::int64_t floor = 2;
    if ((code = borel_data_copy_int(data, "floor", &floor, 0, nullptr, error)) != 0) return code;
    if ((code = borel_data_json(data, text.data(), text.size(), error)) != 0) return code;
    if ((code = borel_rebind(instance, data, error)) != 0) return code;
    if ((code = borel_worker_create(instance, &worker, error)) != 0) return code;
    std::vector<double> u(static_cast<std::size_t>(borel_dimension(instance, 0)), 0.1), v(u);
    std::vector<double> draw(static_cast<std::size_t>(borel_draw_size(instance, 0)));
    double lp = 0;
    code = borel_log_density_gradient(worker, 0, 1, u.data(), &lp, v.data(), error);
    if (code != 0) return code;
    if ((code = borel_simulate(worker, 0, {1, 2, 3}, draw.data(), error)) != 0) return code;
    borel_setting settings[] = {{"warmup", 5}, {"draws", 5}, {"chains", 2}};
    borel_start start{};
    start.chain = 1;
    start.settings = settings;
    start.setting_count = 3;
    if ((code = borel_chain_create(instance, &start, &chain, error)) != 0) return code;
    if ((code = borel_chain_step(chain, 10, error)) != 0) return code;
    if ((code = borel_chain_restart(chain, &start, error)) != 0) return code;
    if ((code = borel_chain_draw(chain, draw.data(), error)) != 0) return code;
    code = borel_chain_resume(instance, checkpoint.data(), checkpoint.size(), &resumed, error);
    if (code != 0) return code;
    borel_run_options options;
    borel_run_defaults(&options);
    options.threads = 1;
    options.settings = settings;
    options.setting_count = 3;
    return borel_run(instance, &options, nullptr, error);
  };
  const borel_code code = body();
  borel_chain_free(resumed);
  borel_chain_free(chain);
  borel_worker_free(worker);
  borel_instance_free(instance);
  borel_data_free(data);
  borel_library_free(library);
  return code;
}

std::vector<char> make_checkpoint(const Bound& all) {
  borel_start start{};
  start.chain = 1;
  const Chain at = chain(all.instance, start);
  std::size_t size = 0;
  borel_chain_save(at.get(), nullptr, 0, &size, nullptr);
  std::vector<char> bytes(size);
  EXPECT_EQ(borel_chain_save(at.get(), bytes.data(), size, &size, nullptr), BOREL_SUCCESS);
  return bytes;
}

TEST(Memory, MayFailAtAnyMoment) {
  // A name that nothing uses, and one with escapes, are allocated, too.
  std::string text = grouped_data(300, 7);
  text.insert(1, "\"sp\\u00e9re\": [1, 2.5], ");
  const std::vector<char> checkpoint = make_checkpoint(bound(grouped(), text));
  std::int64_t all = 0;
  {
    CountingAllocator counter;
    Problem problem;
    ASSERT_EQ(whole_scenario(counter.get(), text, checkpoint, problem), BOREL_SUCCESS)
        << problem.message();
    EXPECT_FALSE(problem.is_set());
    all = counter.allocations;
  }
  EXPECT_GT(all, 60);
  for (const bool on : {false, true}) {
    for (std::int64_t n = 0; n < all; ++n) {
      CountingAllocator counter;
      counter.fail_at = n;
      counter.fail_on = on;
      Problem problem;
      ASSERT_EQ(whole_scenario(counter.get(), text, checkpoint, problem), BOREL_NO_MEMORY) << n;
      ASSERT_EQ(problem.code(), BOREL_NO_MEMORY);
      ASSERT_EQ(problem.message(), "out of memory");
      ASSERT_EQ(counter.live, 0) << n;
    }
  }
}

// Where there is no memory for an error, the call says so instead.
TEST(Memory, MayFailForAnError) {
  CountingAllocator counter;
  const Library library = open(grouped(), counter.get());
  borel_data* data = nullptr;
  Problem problem;
  ASSERT_EQ(borel_data_create(library.get(), &data, problem), BOREL_SUCCESS);
  const Data owner(data);
  counter.fail_at = counter.allocations;
  EXPECT_EQ(borel_data_real(data, "nothing", nullptr, 0, nullptr, nullptr), BOREL_BAD_ARGUMENT);
  EXPECT_EQ(counter.allocations, counter.fail_at);  // no error was wanted
  const double x = 0;
  EXPECT_EQ(borel_data_real(data, "nothing", &x, 0, nullptr, problem), BOREL_NO_MEMORY);
  EXPECT_EQ(problem.code(), BOREL_NO_MEMORY);
}

// A handle that met a lack of memory is as it was.
TEST(Memory, AHandleSurvives) {
  CountingAllocator counter;
  const Bound all = bound(grouped(), grouped_data(), counter.get());
  const Worker evaluator = worker(all.instance);
  borel_start start{};
  start.chain = 1;
  const Chain at = chain(all.instance, start);
  const std::string larger = grouped_data(400, 20);
  Problem problem;
  std::vector<double> before(static_cast<std::size_t>(borel_draw_size(all.instance.get(), 0)));
  ASSERT_EQ(borel_chain_step(at.get(), 3, problem), BOREL_SUCCESS);
  ASSERT_EQ(borel_chain_draw(at.get(), before.data(), problem), BOREL_SUCCESS);
  counter.fail_at = counter.allocations;
  counter.fail_on = true;
  EXPECT_EQ(borel_data_json(all.data.get(), larger.data(), larger.size(), problem),
            BOREL_NO_MEMORY);
  EXPECT_EQ(borel_chain_step(at.get(), 3, problem), BOREL_SUCCESS);
  counter.fail_at = -1;
  const Instance same = bind_data(all.data);
  EXPECT_EQ(borel_draw_size(same.get(), 0), static_cast<std::int64_t>(before.size()));
  // A binding that failed leaves an instance that says so, and that binds again.
  ASSERT_EQ(borel_data_json(all.data.get(), larger.data(), larger.size(), problem), BOREL_SUCCESS);
  counter.fail_at = counter.allocations;
  EXPECT_EQ(borel_rebind(all.instance.get(), all.data.get(), problem), BOREL_NO_MEMORY);
  counter.fail_at = -1;
  EXPECT_EQ(borel_dimension(all.instance.get(), 0), -1);
  EXPECT_EQ(borel_site_count(all.instance.get(), 0), -1);
  double lp = 0, u[500] = {};
  EXPECT_FAILS(borel_log_density(evaluator.get(), 0, 1, u, &lp, problem), BOREL_BAD_ARGUMENT,
               problem, "not bound");
  EXPECT_FAILS(borel_chain_step(at.get(), 1, problem), BOREL_BAD_ARGUMENT, problem, "bound again");
  EXPECT_FAILS(borel_chain_restart(at.get(), &start, problem), BOREL_BAD_ARGUMENT, problem,
               "not bound");
  ASSERT_EQ(borel_rebind(all.instance.get(), all.data.get(), problem), BOREL_SUCCESS);
  EXPECT_FAILS(borel_chain_step(at.get(), 1, problem), BOREL_BAD_ARGUMENT, problem, "bound again");
  ASSERT_EQ(borel_chain_restart(at.get(), &start, problem), BOREL_SUCCESS);
  EXPECT_EQ(borel_chain_step(at.get(), 1, problem), BOREL_SUCCESS);
  EXPECT_EQ(borel_log_density(evaluator.get(), 0, 1, u, &lp, problem), BOREL_SUCCESS);
}

// Text of any bytes, as data: refused with a message, or bound.
TEST(Bytes, AsData) {
  CountingAllocator counter;
  const Library library = open(grouped(), counter.get());
  borel_data* data = nullptr;
  ASSERT_EQ(borel_data_create(library.get(), &data, nullptr), BOREL_SUCCESS);
  const Data owner(data);
  std::mt19937 random(23);
  const std::string whole = grouped_data();
  int bound_count = 0, refused = 0;
  for (int i = 0; i < 4000; ++i) {
    std::string text = whole;
    if (i % 4 == 0) {
      text.assign(random() % 200, '\0');
      for (char& c : text) {
        c = static_cast<char>(random());
      }
    }
    for (std::size_t k = random() % 5; k > 0 && !text.empty(); --k) {
      const std::size_t at = random() % text.size();
      if (random() % 2 == 0) {
        text[at] = "0123456789-.,[]{}\"eN"[random() % 20];
      } else {
        text.erase(at, random() % 20);
      }
    }
    const std::vector<char> exact(text.begin(), text.end());
    Problem problem;
    borel_instance* instance = nullptr;
    borel_code code = borel_data_json(data, exact.data(), exact.size(), problem);
    if (code == BOREL_SUCCESS) {
      code = borel_bind(data, &instance, problem);
    }
    ASSERT_TRUE(code == BOREL_SUCCESS || code == BOREL_BAD_DATA || code == BOREL_NO_MEMORY)
        << text << '\n'
        << problem.message();
    (code == BOREL_SUCCESS ? bound_count : refused) += 1;
    if (code != BOREL_SUCCESS) {
      const std::string message = problem.message();
      ASSERT_FALSE(message.empty());
      ASSERT_EQ(message.find('\n'), std::string::npos);
    } else {
      std::vector<double> u(static_cast<std::size_t>(borel_dimension(instance, 0)), 0.1);
      const Instance bound_now(instance);
      const Worker evaluator = worker(bound_now);
      double lp = 0;
      ASSERT_EQ(borel_log_density(evaluator.get(), 0, 1, u.data(), &lp, nullptr), BOREL_SUCCESS);
      instance = nullptr;
    }
    if (i % 2 == 0) {
      borel_data_clear(data);
    }
  }
  EXPECT_GT(bound_count, 300);
  EXPECT_GT(refused, 1000);
}

// A text as deep as may be is read on a small stack.
TEST(Bytes, DeepOnASmallStack) {
  const Library library = open(eight_schools());
  struct Work {
    const borel_library* library;
    borel_code code;
  } work = {library.get(), BOREL_SUCCESS};
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  // A checker of addresses takes several times as much.
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 256 << 10), 0);
  pthread_t thread;
  const auto body = [](void* context) -> void* {
    Work& to = *static_cast<Work*>(context);
    borel_data* data = nullptr;
    borel_data_create(to.library, &data, nullptr);
    const std::string text = "{\"y\": " + std::string(200, '[') + "1" + std::string(200, ']') + "}";
    to.code = borel_data_json(data, text.data(), text.size(), nullptr);
    borel_data_free(data);
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, body, &work), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  EXPECT_EQ(work.code, BOREL_BAD_DATA);
}

// Calls in any order, with arguments that may be wrong: each succeeds or says why not.
TEST(Calls, InAnyOrder) {
  std::mt19937 random(41);
  const auto pick = [&](auto... choices) {
    const std::array all = {choices...};
    return all[random() % all.size()];
  };
  for (int round = 0; round < 150; ++round) {
    CountingAllocator counter;
    const Bound all = bound(grouped(), grouped_data(), counter.get());
    std::vector<Worker> workers;
    std::vector<Chain> made;
    std::vector<double> place(200);
    std::vector<char> bytes(20000);
    std::size_t size = 0;
    for (int i = 0; i < 60; ++i) {
      Problem problem;
      borel_worker* at = workers.empty() ? nullptr : workers[random() % workers.size()].get();
      borel_chain* on = made.empty() ? nullptr : made[random() % made.size()].get();
      const borel_instance* instance = all.instance.get();
      double* out = random() % 20 == 0 ? nullptr : place.data();
      const std::vector<double> u(40, pick(0., 0.3, -5., 400., std::nan(""), HUGE_VAL));
      const int model = random() % 10 == 0 ? pick(-1, 1, 1 << 30) : 0;
      const std::string text =
          grouped_data(1 + static_cast<int>(random() % 9), 1 + static_cast<int>(random() % 4));
      borel_setting settings[] = {
          {pick("warmup", "draws", "max_depth", "nothing"), pick(0., 5., 1.5, -1.)},
          {"chains", pick(1., 2.)}};
      borel_start start{};
      start.seed = random();
      start.chain = random() % 5;
      start.initial = random() % 2 == 0 ? u.data() : nullptr;
      start.settings = settings;
      start.setting_count = static_cast<int>(random() % 3);
      borel_run_options options;
      borel_run_defaults(&options);
      options.warmup = 3;
      options.draws = 2;
      options.threads = static_cast<int>(random() % 3);
      options.settings = settings;
      options.setting_count = start.setting_count;
      options.initial = start.initial;
      double lp = 0;
      borel_worker* new_worker = nullptr;
      borel_chain* new_chain = nullptr;
      borel_code code = BOREL_SUCCESS;
      switch (random() % 15) {
        case 0:
          code = borel_worker_create(instance, &new_worker, problem);
          break;
        case 1:
          code = borel_log_density(at, model, 1, u.data(), &lp, problem);
          break;
        case 2:
          code = borel_log_density_gradient(at, model, 0, u.data(), &lp, out, problem);
          break;
        case 3:
          code = borel_constrain(at, model, u.data(), out, problem);
          break;
        case 4:
          code = borel_unconstrain(at, model, u.data(), out, problem);
          break;
        case 5:
          code = borel_simulate(at, model, {random(), random(), random()}, out, problem);
          break;
        case 6:
          code = borel_chain_create(instance, &start, &new_chain, problem);
          break;
        case 7:
          code = on == nullptr ? code : borel_chain_restart(on, &start, problem);
          break;
        case 8:
          code = borel_chain_step(on, static_cast<int>(random() % 6) - 1, problem);
          break;
        case 9:
          code = borel_chain_draw(on, out, problem);
          break;
        case 10:
          code = borel_chain_statistics(on, out, problem);
          break;
        case 11:
          code = borel_chain_save(on, bytes.data(), bytes.size(), &size, problem);
          break;
        case 12:
          code = borel_chain_resume(instance, bytes.data(), size, &new_chain, problem);
          break;
        case 13:
          code = borel_data_json(all.data.get(), text.data(), text.size(), problem);
          code = code != BOREL_SUCCESS ? code
                                       : borel_rebind(all.instance.get(), all.data.get(), problem);
          break;
        default:
          code = borel_run(instance, &options, nullptr, problem);
      }
      ASSERT_EQ(code != BOREL_SUCCESS, problem.is_set());
      ASSERT_EQ(code, problem.code());
      ASSERT_EQ(code != BOREL_SUCCESS, !problem.message().empty());
      ASSERT_TRUE(code == BOREL_SUCCESS || code == BOREL_BAD_ARGUMENT || code == BOREL_RUN_FAILED ||
                  code == BOREL_BAD_CHECKPOINT)
          << code << problem.message();
      if (new_worker != nullptr) {
        workers.emplace_back(new_worker);
      }
      if (new_chain != nullptr) {
        made.emplace_back(new_chain);
      }
    }
  }
}

// Bytes that are not exactly those of a chain are refused, each byte of them.
TEST(Bytes, AsCheckpoints) {
  CountingAllocator counter;
  const Bound all = bound(eight_schools(), eight_schools_data, counter.get());
  const std::vector<char> good = make_checkpoint(all);
  std::mt19937 random(29);
  const auto refuse = [&](const std::vector<char>& bytes) {
    Problem problem;
    borel_chain* chain = nullptr;
    const borel_code code =
        borel_chain_resume(all.instance.get(), bytes.data(), bytes.size(), &chain, problem);
    borel_chain_free(chain);
    ASSERT_EQ(code, BOREL_BAD_CHECKPOINT);
    ASSERT_FALSE(problem.message().empty());
  };
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::vector<char> bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    refuse(bytes);
  }
  for (int i = 0; i < 3000; ++i) {
    std::vector<char> bytes = good;
    if (i % 3 == 0) {
      bytes.resize(1 + random() % (2 * good.size()));
      if (bytes.size() == good.size()) {
        continue;
      }
    } else if (i % 3 == 1) {
      for (char& c : bytes) {
        c = static_cast<char>(random());
      }
      std::memcpy(bytes.data(), good.data(), random() % 64);
    } else {
      const std::size_t from = random() % good.size(), to = random() % good.size();
      if (good[from] == good[to]) {
        continue;
      }
      std::swap(bytes[from], bytes[to]);
    }
    refuse(bytes);
  }
  borel_chain* chain = nullptr;
  EXPECT_EQ(borel_chain_resume(all.instance.get(), good.data(), good.size(), &chain, nullptr),
            BOREL_SUCCESS);
  borel_chain_free(chain);
}

TEST(Bytes, OfOtherProgramsAndData) {
  const Bound all = bound(eight_schools(), eight_schools_data);
  const std::vector<char> good = make_checkpoint(all);
  Problem problem;
  borel_chain* chain = nullptr;
  const auto resume = [&](const Bound& other) {
    return borel_chain_resume(other.instance.get(), good.data(), good.size(), &chain, problem);
  };
  borel_program other_source = eight_schools();
  other_source.source_hash = "of another program";
  EXPECT_FAILS(resume(bound(other_source, eight_schools_data)), BOREL_BAD_CHECKPOINT, problem,
               "another program than `main`");
  std::string text = eight_schools_data;
  EXPECT_FAILS(resume(bound(eight_schools(), text.replace(text.find("28"), 2, "27"))),
               BOREL_BAD_CHECKPOINT, problem, "other data");
  borel_program other_target = eight_schools();
  other_target.target_cpu = "x86-64";
  EXPECT_FAILS(resume(bound(other_target, eight_schools_data)), BOREL_BAD_CHECKPOINT, problem,
               "another CPU than `x86-64`");
  std::vector<char> later = good;
  later[8] = 2;
  EXPECT_FAILS(borel_chain_resume(all.instance.get(), later.data(), later.size(), &chain, problem),
               BOREL_BAD_CHECKPOINT, problem, "version 2");
  EXPECT_FAILS(borel_chain_resume(all.instance.get(), good.data(), 20, &chain, problem),
               BOREL_BAD_CHECKPOINT, problem, "too few");
}

}  // namespace
}  // namespace borel::host::test
