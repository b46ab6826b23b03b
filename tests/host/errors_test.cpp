// Every error path of the host interface that is not one of data, memory or checkpoints.
#include <cmath>
#include <cstring>
#include <limits>

#include "tests/host/host_support.h"
#include "tests/unit/runtime/toy_program.h"

namespace borel::host::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

const borel_program& toy() { return runtime::test::toy_program(); }
const char* const toy_data = R"({"y": [1, 2]})";

TEST(Errors, OfNothing) {
  const std::string version = std::to_string(borel_version() >> 16) + "." +
                              std::to_string(borel_version() >> 8 & 0xff) + "." +
                              std::to_string(borel_version() & 0xff);
  EXPECT_EQ(version, BOREL_VERSION);  // of the compiler
  EXPECT_EQ(borel_error_code(nullptr), BOREL_SUCCESS);
  EXPECT_STREQ(borel_error_message(nullptr), "");
  EXPECT_STREQ(borel_error_subject(nullptr), "");
  EXPECT_EQ(borel_error_span(nullptr).file, nullptr);
  borel_error_free(nullptr);
  borel_library_free(nullptr);
  borel_instance_free(nullptr);
  borel_worker_free(nullptr);
  borel_chain_free(nullptr);
  borel_run_defaults(nullptr);
  EXPECT_EQ(borel_library_program(nullptr), nullptr);
  EXPECT_EQ(borel_instance_program(nullptr), nullptr);
  EXPECT_EQ(borel_instance_model(nullptr), -1);
  EXPECT_EQ(borel_find_model(nullptr, "m"), -1);
  EXPECT_EQ(borel_dimension(nullptr, 0), -1);
  EXPECT_EQ(borel_draw_size(nullptr, 0), -1);
  EXPECT_EQ(borel_site_count(nullptr, 0), -1);
  EXPECT_EQ(borel_chain_iteration(nullptr), -1);
  EXPECT_EQ(borel_chain_warmup(nullptr), -1);
}

TEST(Errors, OfNullHandles) {
  Problem problem;
  double x = 0;
  std::size_t size = 0;
  borel_library* library = nullptr;
  borel_data* data = nullptr;
  borel_instance* instance = nullptr;
  borel_worker* worker = nullptr;
  borel_chain* chain = nullptr;
  borel_site_info info;
  const borel_start start{};
  borel_run_options options;
  borel_run_defaults(&options);
  const borel_code codes[] = {borel_library_open(nullptr, nullptr, nullptr, &library, problem),
                              borel_library_open(&toy(), nullptr, nullptr, nullptr, problem),
                              borel_library_load(nullptr, nullptr, nullptr, &library, problem),
                              borel_library_load("x", nullptr, nullptr, nullptr, problem),
                              borel_data_create(nullptr, &data, problem),
                              borel_bind(nullptr, &instance, problem),
                              borel_rebind(nullptr, nullptr, problem),
                              borel_describe_site(nullptr, 0, 0, &info, problem),
                              borel_worker_create(nullptr, &worker, problem),
                              borel_log_density(nullptr, 0, 1, &x, &x, problem),
                              borel_log_density_gradient(nullptr, 0, 1, &x, &x, &x, problem),
                              borel_constrain(nullptr, 0, &x, &x, problem),
                              borel_unconstrain(nullptr, 0, &x, &x, problem),
                              borel_simulate(nullptr, 0, {1, 1, 1}, &x, problem),
                              borel_chain_create(nullptr, &start, &chain, problem),
                              borel_chain_restart(nullptr, &start, problem),
                              borel_chain_step(nullptr, 1, problem),
                              borel_chain_draw(nullptr, &x, problem),
                              borel_chain_statistics(nullptr, &x, problem),
                              borel_chain_save(nullptr, &x, 8, &size, problem),
                              borel_chain_resume(nullptr, &x, 8, &chain, problem),
                              borel_run(nullptr, &options, nullptr, problem)};
  for (const borel_code code : codes) {
    EXPECT_EQ(code, BOREL_BAD_ARGUMENT);
  }
  EXPECT_NE(problem.message().find("is null"), std::string::npos);
  // Without a place for the error nothing else changes.
  EXPECT_EQ(borel_chain_step(nullptr, 1, nullptr), BOREL_BAD_ARGUMENT);
}

TEST(Errors, OfNullArguments) {
  const Bound all = bound(toy(), toy_data);
  const Worker at = worker(all.instance);
  borel_start start{};
  start.chain = 1;
  const Chain chain_at = chain(all.instance, start);
  double u[8] = {}, draw[12], lp = 0;
  const borel_code codes[] = {borel_data_create(all.library.get(), nullptr, nullptr),
                              borel_bind(all.data.get(), nullptr, nullptr),
                              borel_rebind(all.instance.get(), nullptr, nullptr),
                              borel_describe_site(all.instance.get(), 0, 0, nullptr, nullptr),
                              borel_worker_create(all.instance.get(), nullptr, nullptr),
                              borel_log_density(at.get(), 0, 1, nullptr, &lp, nullptr),
                              borel_log_density(at.get(), 0, 1, u, nullptr, nullptr),
                              borel_log_density_gradient(at.get(), 0, 1, nullptr, &lp, u, nullptr),
                              borel_log_density_gradient(at.get(), 0, 1, u, nullptr, u, nullptr),
                              borel_log_density_gradient(at.get(), 0, 1, u, &lp, nullptr, nullptr),
                              borel_constrain(at.get(), 0, nullptr, draw, nullptr),
                              borel_constrain(at.get(), 0, u, nullptr, nullptr),
                              borel_unconstrain(at.get(), 0, nullptr, u, nullptr),
                              borel_unconstrain(at.get(), 0, draw, nullptr, nullptr),
                              borel_chain_create(all.instance.get(), nullptr, nullptr, nullptr),
                              borel_chain_create(all.instance.get(), &start, nullptr, nullptr),
                              borel_chain_restart(chain_at.get(), nullptr, nullptr),
                              borel_chain_draw(chain_at.get(), nullptr, nullptr),
                              borel_chain_statistics(chain_at.get(), nullptr, nullptr),
                              borel_chain_save(chain_at.get(), nullptr, 0, nullptr, nullptr),
                              borel_chain_resume(all.instance.get(), nullptr, 0, nullptr, nullptr),
                              borel_chain_step(chain_at.get(), -1, nullptr),
                              borel_run(all.instance.get(), nullptr, nullptr, nullptr)};
  int i = 0;
  for (const borel_code code : codes) {
    EXPECT_EQ(code, BOREL_BAD_ARGUMENT) << i++;
  }
  const Bound schools = bound(eight_schools(), eight_schools_data);
  const Worker other = worker(schools.instance);
  Problem problem;
  EXPECT_FAILS(borel_simulate(other.get(), 0, {1, 1, 1}, nullptr, problem), BOREL_BAD_ARGUMENT,
               problem, "place for the draw");
  EXPECT_FAILS(borel_rebind(schools.instance.get(), all.data.get(), problem), BOREL_BAD_ARGUMENT,
               problem, "another library");
}

TEST(Libraries, RefuseOtherPrograms) {
  const auto refuse = [](auto change, const char* text) {
    borel_program program = toy();
    change(program);
    borel_library* library = nullptr;
    Problem problem;
    EXPECT_FAILS(borel_library_open(&program, nullptr, nullptr, &library, problem),
                 BOREL_BAD_PROGRAM, problem, text);
    EXPECT_EQ(library, nullptr);
  };
  refuse([](borel_program& p) { p.abi_version = 7; }, "version 7 of the runtime's interface");
  refuse([](borel_program& p) { p.struct_size = 8; }, "8 bytes");
  refuse([](borel_program& p) { p.target_cpu = "pentium9"; }, "for the CPU `pentium9`; this is");
  refuse([](borel_program& p) { p.name = nullptr; }, "name or bind");
  refuse([](borel_program& p) { p.bind = nullptr; }, "name or bind");
  refuse([](borel_program& p) { p.inputs = nullptr; }, "a list is missing");
  refuse([](borel_program& p) { p.size_count = -1; }, "a list is missing");
  borel_size size = {nullptr, {}};
  refuse([&](borel_program& p) { p.sizes = &size; }, "a size lacks its name");
  borel_input input = toy().inputs[0];
  input.dims[0].symbol = 3;
  refuse([&](borel_program& p) { p.inputs = &input; }, "an input is broken");
  borel_model model = toy().models[0];
  model.dimension = nullptr;
  refuse([&](borel_program& p) { p.models = &model; }, "a model is broken");
  borel_model unsorted = toy().models[0];
  borel_site sites[2] = {unsorted.sites[4], unsorted.sites[0]};
  unsorted.sites = sites;
  unsorted.site_count = 2;
  refuse([&](borel_program& p) { p.models = &unsorted; }, "a model is broken");
  borel_machine machine = *toy().machine;
  machine.info = nullptr;
  refuse([&](borel_program& p) { p.machine = &machine; }, "the machine is broken");
}

TEST(Libraries, Services) {
  Problem problem;
  borel_library* library = nullptr;
  borel_allocator half = {nullptr, nullptr, nullptr};
  const borel_logger silent = {nullptr, nullptr};
  EXPECT_FAILS(borel_library_open(&toy(), &half, nullptr, &library, problem), BOREL_BAD_ARGUMENT,
               problem, "allocator");
  EXPECT_FAILS(borel_library_open(&toy(), nullptr, &silent, &library, problem), BOREL_BAD_ARGUMENT,
               problem, "logger");
  const Library good = open(toy());
  EXPECT_EQ(borel_library_program(good.get()), &toy());
}

TEST(Libraries, FromFiles) {
  Problem problem;
  borel_library* library = nullptr;
  EXPECT_FAILS(borel_library_load("/nowhere/model.so", nullptr, nullptr, &library, problem),
               BOREL_BAD_PROGRAM, problem, "cannot open `/nowhere/model.so`");
  EXPECT_FAILS(borel_library_load("libm.so.6", nullptr, nullptr, &library, problem),
               BOREL_BAD_PROGRAM, problem, "no program of Borel");
}

TEST(Sites, AreDescribed) {
  const Bound all = bound(grouped(), grouped_data(4, 3));
  const borel_instance* instance = all.instance.get();
  EXPECT_EQ(borel_instance_program(instance), &grouped());
  EXPECT_EQ(borel_instance_model(instance), 0);
  EXPECT_EQ(borel_find_model(instance, "grouped"), 0);
  EXPECT_EQ(borel_find_model(instance, "other"), -1);
  EXPECT_EQ(borel_find_model(instance, nullptr), -1);
  EXPECT_EQ(borel_dimension(instance, 0), 1 + 1 + 2 + 3 + 2);
  EXPECT_EQ(borel_dimension(instance, 1), -1);
  ASSERT_EQ(borel_site_count(instance, 0), 7);
  const struct {
    const char* name;
    std::int64_t elements, draw_offset, u_offset, u_elements;
    int kind;
  } expected[] = {{"mu", 1, 0, 0, 1, BOREL_LATENT},    {"tau", 1, 1, 1, 1, BOREL_LATENT},
                  {"share", 3, 2, 2, 2, BOREL_LATENT}, {"a", 3, 5, 4, 3, BOREL_LATENT},
                  {"beta", 2, 8, 7, 2, BOREL_LATENT},  {"rate", 4, 10, -1, 0, BOREL_DERIVED},
                  {"y", 4, -1, -1, 0, BOREL_OBSERVED}};
  Problem problem;
  for (int i = 0; i < 7; ++i) {
    borel_site_info info;
    ASSERT_EQ(borel_describe_site(instance, 0, i, &info, problem), BOREL_SUCCESS);
    EXPECT_STREQ(info.name, expected[i].name);
    EXPECT_EQ(info.elements, expected[i].elements) << i;
    EXPECT_EQ(info.draw_offset, expected[i].draw_offset) << i;
    EXPECT_EQ(info.u_offset, expected[i].u_offset) << i;
    EXPECT_EQ(info.u_elements, expected[i].u_elements) << i;
    EXPECT_EQ(info.kind, expected[i].kind) << i;
    EXPECT_EQ(info.dims[0], info.rank == 1 ? info.elements : 0) << i;
    EXPECT_EQ(info.support[0] == '\0', info.kind == BOREL_DERIVED) << i;
  }
  borel_site_info info;
  EXPECT_FAILS(borel_describe_site(instance, 0, 7, &info, problem), BOREL_BAD_ARGUMENT, problem,
               "no site 7");
  EXPECT_FAILS(borel_describe_site(instance, 2, 0, &info, problem), BOREL_BAD_ARGUMENT, problem,
               "no model 2");
}

TEST(Densities, OfTheToy) {
  const Bound all = bound(toy(), toy_data);
  const Worker at = worker(all.instance);
  Problem problem;
  double u[8] = {1, 0.5, 0, 0, 0, 0, 0, 2}, gradient[8], draw[12], lp = 0;
  // The gradient wants more workspace than there is at first.
  ASSERT_EQ(borel_log_density_gradient(at.get(), 0, 1, u, &lp, gradient, problem), BOREL_SUCCESS);
  EXPECT_EQ(lp, -0.5 * (1 + 0.25 + 4));
  EXPECT_EQ(gradient[7], -2);
  EXPECT_FAILS(borel_log_density_gradient(at.get(), 0, 0, u, &lp, gradient, problem),
               BOREL_NOT_SUPPORTED, problem, "without the gradient of `toy`");
  EXPECT_FAILS(borel_log_density(at.get(), 0, 0, u, &lp, problem), BOREL_NOT_SUPPORTED, problem,
               "without the log density");
  EXPECT_FAILS(borel_simulate(at.get(), 0, {1, 1, 1}, draw, problem), BOREL_NOT_SUPPORTED, problem,
               "without simulation");
  for (const int model : {-1, 1}) {
    EXPECT_FAILS(borel_log_density(at.get(), model, 1, u, &lp, problem), BOREL_BAD_ARGUMENT,
                 problem, "there is no model");
  }
  // A density of 0 is no failure.
  u[0] = 51;
  EXPECT_EQ(borel_log_density(at.get(), 0, 1, u, &lp, problem), BOREL_SUCCESS);
  EXPECT_EQ(lp, -infinity);
  // One that is no number is, and names the term.
  u[0] = 1;
  u[4] = std::nan("");
  EXPECT_FAILS(borel_log_density(at.get(), 0, 1, u, &lp, problem), BOREL_RUN_FAILED, problem,
               "the log density is nan: the log density is not finite, at site `theta`");
  EXPECT_EQ(problem.subject(), "theta");
  EXPECT_EQ(problem.span().line, 20);
  EXPECT_STREQ(problem.span().file, "toy.ppl");
  EXPECT_FAILS(borel_log_density_gradient(at.get(), 0, 1, u, &lp, gradient, problem),
               BOREL_RUN_FAILED, problem, "at element 2 (counting from 0)");
  u[4] = 0;
  // There and back.
  double back[8];
  ASSERT_EQ(borel_constrain(at.get(), 0, u, draw, problem), BOREL_SUCCESS);
  EXPECT_EQ(draw[1], std::exp(0.5));
  ASSERT_EQ(borel_unconstrain(at.get(), 0, draw, back, problem), BOREL_SUCCESS);
  EXPECT_NEAR(back[1], 0.5, 1e-15);
  draw[1] = -2;
  EXPECT_FAILS(borel_unconstrain(at.get(), 0, draw, back, problem), BOREL_BAD_ARGUMENT, problem,
               "a value is outside its site's support, at site `tau`: `tau > 0`, found -2");
}

TEST(Densities, OfCompiledPrograms) {
  const Bound all = bound(grouped(), grouped_data());
  const Worker at = worker(all.instance);
  Problem problem;
  std::vector<double> u(9, 0.2), gradient(9), back(9);
  std::vector<double> draw(14), again(14);
  double lp = 0, plain = 0, alone = 0;
  ASSERT_EQ(borel_log_density_gradient(at.get(), 0, 1, u.data(), &lp, gradient.data(), problem),
            BOREL_SUCCESS);
  ASSERT_EQ(borel_log_density(at.get(), 0, 1, u.data(), &alone, problem), BOREL_SUCCESS);
  ASSERT_EQ(borel_log_density(at.get(), 0, 0, u.data(), &plain, problem), BOREL_SUCCESS);
  EXPECT_NEAR(lp, alone, 1e-12 * std::fabs(lp));
  EXPECT_NE(lp, plain);
  ASSERT_EQ(borel_constrain(at.get(), 0, u.data(), draw.data(), problem), BOREL_SUCCESS);
  EXPECT_NEAR(draw[2] + draw[3] + draw[4], 1, 1e-14);
  ASSERT_EQ(borel_unconstrain(at.get(), 0, draw.data(), back.data(), problem), BOREL_SUCCESS);
  for (int i = 0; i < 9; ++i) {
    EXPECT_NEAR(back[i], 0.2, 1e-12);
  }
  std::vector<double> outside = draw;
  outside[1] = -1;
  EXPECT_FAILS(borel_unconstrain(at.get(), 0, outside.data(), back.data(), problem),
               BOREL_BAD_ARGUMENT, problem, "outside its site's support, at site `tau`");
  EXPECT_EQ(problem.subject(), "tau");
  u[0] = std::nan("");
  EXPECT_FAILS(borel_log_density(at.get(), 0, 1, u.data(), &lp, problem), BOREL_RUN_FAILED, problem,
               "the log density is nan");
  EXPECT_EQ(problem.subject(), "mu");
  EXPECT_GT(problem.span().line, 0);
  // A draw of the model is that of its key.
  ASSERT_EQ(borel_simulate(at.get(), 0, {1, 2, 3}, draw.data(), problem), BOREL_SUCCESS);
  ASSERT_EQ(borel_simulate(at.get(), 0, {1, 2, 4}, again.data(), problem), BOREL_SUCCESS);
  EXPECT_NE(draw, again);
  ASSERT_EQ(borel_simulate(at.get(), 0, {1, 2, 3}, again.data(), problem), BOREL_SUCCESS);
  EXPECT_EQ(draw, again);
}

borel_start toy_start(const std::vector<borel_setting>& settings) {
  borel_start start{};
  start.seed = 3;
  start.chain = 2;
  start.settings = settings.data();
  start.setting_count = static_cast<int>(settings.size());
  return start;
}

TEST(Chains, Settings) {
  const Bound all = bound(toy(), toy_data);
  const auto refuse = [&](const std::vector<borel_setting>& settings, const char* text) {
    const borel_start start = toy_start(settings);
    borel_chain* chain = nullptr;
    Problem problem;
    EXPECT_FAILS(borel_chain_create(all.instance.get(), &start, &chain, problem),
                 BOREL_BAD_ARGUMENT, problem, text);
  };
  refuse({{"scale", 20}}, "parameter `scale`: found 20, expected a number from 0.01 to 10");
  refuse({{"scale", std::nan("")}}, "found nan");
  refuse({{"warmup", 1.5}}, "parameter `warmup`: found 1.5, expected an integer from 0 to 1e+09");
  refuse({{"warm_up", 1}}, "no parameter `warm_up`; did you mean `warmup`?");
  refuse({{"entirely", 1}}, "no parameter `entirely`; there are warmup, draws, chains, scale");
  refuse({{nullptr, 1}}, "name of a setting is null");
  borel_start start = toy_start({});
  start.setting_count = 1;
  start.settings = nullptr;
  borel_chain* chain = nullptr;
  Problem problem;
  EXPECT_FAILS(borel_chain_create(all.instance.get(), &start, &chain, problem), BOREL_BAD_ARGUMENT,
               problem, "settings are null");
  start.setting_count = 0;
  start.chain = 0;
  EXPECT_FAILS(borel_chain_create(all.instance.get(), &start, &chain, problem), BOREL_BAD_ARGUMENT,
               problem, "chains count from 1");
  start.chain = 1;
  for (const double radius : {-1., infinity, std::nan("")}) {
    start.initial_radius = radius;
    EXPECT_FAILS(borel_chain_create(all.instance.get(), &start, &chain, problem),
                 BOREL_BAD_ARGUMENT, problem, "initial radius");
  }
}

// A machine that declares none of the parameters that always exist.
TEST(Chains, SettingsThatAlwaysExist) {
  borel_program program = toy();
  borel_machine machine = *toy().machine;
  std::vector<borel_parameter> parameters(machine.parameters,
                                          machine.parameters + machine.parameter_count);
  const char* const renamed[] = {"p", "q", "r"};
  for (int i = 0; i < 3; ++i) {
    parameters[static_cast<std::size_t>(i)].name = renamed[i];
  }
  machine.parameters = parameters.data();
  program.machine = &machine;
  const Bound all = bound(program, toy_data);
  const Chain plain = chain(all.instance, toy_start({}));
  EXPECT_EQ(borel_chain_warmup(plain.get()), 1000);
  const std::vector<borel_setting> settings = {{"warmup", 7}};
  EXPECT_EQ(borel_chain_warmup(chain(all.instance, toy_start(settings)).get()), 7);
  Problem problem;
  borel_chain* none = nullptr;
  const std::vector<borel_setting> bad = {{"chains", 0}};
  const borel_start start = toy_start(bad);
  EXPECT_FAILS(borel_chain_create(all.instance.get(), &start, &none, problem), BOREL_BAD_ARGUMENT,
               problem, "parameter `chains`: found 0, expected an integer from 1 to 1e+15");
}

TEST(Chains, Faults) {
  const Bound all = bound(toy(), toy_data);
  Problem problem;
  // Iteration 5 of this stream fails; the chain stays at iteration 4. Each wants more workspace.
  const std::vector<borel_setting> settings = {{"fail_at", 5}, {"fail_chain", 1}, {"hunger", 9000}};
  const Chain at = chain(all.instance, toy_start(settings));
  const std::vector<borel_setting> calm = {{"hunger", 0}};
  const Chain undisturbed = chain(all.instance, toy_start(calm));
  double draw[12], other[12];
  for (int again = 0; again < 2; ++again) {
    EXPECT_FAILS(borel_chain_step(at.get(), 10, problem), BOREL_RUN_FAILED, problem,
                 "an index is out of range, at site `theta`: `theta[k]`, index 12");
    EXPECT_EQ(problem.subject(), "theta");
    EXPECT_EQ(problem.span().line, 20);
    EXPECT_EQ(borel_chain_iteration(at.get()), 4);
    ASSERT_EQ(borel_chain_draw(at.get(), draw, problem), BOREL_SUCCESS);
  }
  ASSERT_EQ(borel_chain_step(undisturbed.get(), 4, problem), BOREL_SUCCESS);
  ASSERT_EQ(borel_chain_draw(undisturbed.get(), other, problem), BOREL_SUCCESS);
  EXPECT_EQ(std::memcmp(draw, other, sizeof draw), 0);
  // A start that fails leaves a chain that says so.
  borel_start start = toy_start({});
  double nan_start[8] = {std::nan("")};
  start.initial = nan_start;
  EXPECT_FAILS(borel_chain_restart(at.get(), &start, problem), BOREL_RUN_FAILED, problem,
               "not finite");
  EXPECT_FAILS(borel_chain_step(at.get(), 1, problem), BOREL_BAD_ARGUMENT, problem,
               "its last start failed");
  start.initial = nullptr;
  ASSERT_EQ(borel_chain_restart(at.get(), &start, problem), BOREL_SUCCESS);
  EXPECT_EQ(borel_chain_step(at.get(), 1, problem), BOREL_SUCCESS);
}

TEST(Chains, ThatFindNoStart) {
  const Bound all = bound(grouped(), grouped_data());
  borel_start start{};
  start.chain = 1;
  start.initial_radius = 1e300;
  borel_chain* chain = nullptr;
  Problem problem;
  EXPECT_FAILS(borel_chain_create(all.instance.get(), &start, &chain, problem), BOREL_RUN_FAILED,
               problem, "no starting point with a finite log density was found in 100 tries");
  const std::vector<double> given(9, std::nan(""));
  start.initial_radius = 0;
  start.initial = given.data();
  EXPECT_FAILS(
      borel_chain_create(all.instance.get(), &start, &chain, problem), BOREL_RUN_FAILED, problem,
      "the log density at the given starting point is -inf: the log density is not finite, at "
      "site `mu`");
}

TEST(Chains, OfAProgramWithoutMachine) {
  borel_program program = toy();
  program.machine = nullptr;
  const Bound all = bound(program, toy_data);
  EXPECT_EQ(borel_instance_model(all.instance.get()), -1);
  const borel_start start = toy_start({});
  borel_chain* chain = nullptr;
  borel_run_options options;
  borel_run_defaults(&options);
  Problem problem;
  EXPECT_FAILS(borel_chain_create(all.instance.get(), &start, &chain, problem), BOREL_NOT_SUPPORTED,
               problem, "no machine");
  EXPECT_FAILS(borel_run(all.instance.get(), &options, nullptr, problem), BOREL_NOT_SUPPORTED,
               problem, "no machine");
}

// What a program that breaks its contract gets.
TEST(Contract, Broken) {
  borel_program program = toy();
  borel_model model = toy().models[0];
  model.log_density = [](const void*, borel_workspace* ws, const double*, double*) -> borel_status {
    ws->needed = 16;
    return BOREL_NEED_SPACE;
  };
  program.models = &model;
  const Bound all = bound(program, toy_data);
  const Worker at = worker(all.instance);
  Problem problem;
  double u[8] = {}, lp = 0;
  EXPECT_FAILS(borel_log_density(at.get(), 0, 1, u, &lp, problem), BOREL_BAD_PROGRAM, problem,
               "wants 16 bytes of workspace, which it already has");
  model.log_density = [](const void*, borel_workspace* ws, const double*, double*) -> borel_status {
    ws->needed = std::numeric_limits<std::int64_t>::max();
    return BOREL_NEED_SPACE;
  };
  EXPECT_FAILS(borel_log_density(at.get(), 0, 1, u, &lp, problem), BOREL_NO_MEMORY, problem,
               "out of memory");
  program.instance_size = [](const borel_array*, const std::int64_t*) -> std::int64_t {
    return -1;
  };
  borel_instance* instance = nullptr;
  EXPECT_FAILS(borel_bind(all.data.get(), &instance, problem), BOREL_BAD_DATA, problem,
               "too large");
  borel_machine machine = *toy().machine;
  machine.state_size = [](const void*) -> std::int64_t { return -1; };
  program = toy();
  program.machine = &machine;
  const Bound other = bound(program, toy_data);
  const borel_start start = toy_start({});
  borel_chain* chain = nullptr;
  EXPECT_FAILS(borel_chain_create(other.instance.get(), &start, &chain, problem), BOREL_BAD_DATA,
               problem, "too large");
}

TEST(Binding, Faults) {
  const Library library = open(toy());
  const Data data = from_json(library, R"({"y": [1, 99]})");
  borel_instance* instance = nullptr;
  Problem problem;
  EXPECT_FAILS(
      borel_bind(data.get(), &instance, problem), BOREL_RUN_FAILED, problem,
      "a distribution's parameter is outside its constraint, at site `y`: `y != 99`, found "
      "99, at element 1");
}

TEST(Runs, Options) {
  const Bound all = bound(toy(), toy_data);
  Problem problem;
  const auto refuse = [&](auto change, const char* text) {
    borel_run_options options;
    borel_run_defaults(&options);
    change(options);
    EXPECT_FAILS(borel_run(all.instance.get(), &options, nullptr, problem), BOREL_BAD_ARGUMENT,
                 problem, text);
  };
  refuse([](auto& o) { o.struct_size = 0; }, "borel_run_defaults");
  refuse([](auto& o) { o.chains = -1; }, "below their least");
  refuse([](auto& o) { o.threads = -1; }, "below their least");
  refuse([](auto& o) { o.warmup = -2; }, "below their least");
  refuse([](auto& o) { o.draws = -2; }, "below their least");
  refuse([](auto& o) { o.draws = std::int64_t{1} << 60; }, "parameter `draws`");
  refuse([](auto& o) { o.setting_count = 1; }, "settings are null");
  refuse([](auto& o) { o.initial_radius = -1; }, "chain 1: the initial radius");
}

TEST(Runs, Faults) {
  const Bound all = bound(toy(), toy_data);
  for (const int threads : {1, 4}) {
    borel_run_options options;
    borel_run_defaults(&options);
    options.threads = threads;
    const borel_setting settings[] = {{"fail_at", 50}, {"fail_chain", 2}};
    options.settings = settings;
    options.setting_count = 2;
    borel_chain_summary summaries[4];
    Problem problem;
    EXPECT_FAILS(borel_run(all.instance.get(), &options, summaries, problem), BOREL_RUN_FAILED,
                 problem, "chain 3: an index is out of range, at site `theta`");
    EXPECT_EQ(summaries[2].iterations, 49);
    EXPECT_EQ(borel_run(all.instance.get(), &options, nullptr, nullptr), BOREL_RUN_FAILED);
    if (threads == 1) {
      EXPECT_EQ(summaries[1].iterations, 500);
      EXPECT_EQ(summaries[3].iterations, 0);
    }
  }
}

TEST(Runs, CountRejections) {
  const Bound all = bound(toy(), toy_data);
  borel_run_options options;
  borel_run_defaults(&options);
  const borel_setting settings[] = {{"reject_above", 0.5}, {"hunger", 100}};
  options.settings = settings;
  options.setting_count = 2;
  borel_chain_summary with_hunger[4], without[4];
  const double origin[8] = {};  // which the constraint allows
  options.initial = origin;
  ASSERT_EQ(borel_run(all.instance.get(), &options, with_hunger, nullptr), BOREL_SUCCESS);
  options.setting_count = 1;
  ASSERT_EQ(borel_run(all.instance.get(), &options, without, nullptr), BOREL_SUCCESS);
  for (int c = 0; c < 4; ++c) {
    EXPECT_GT(without[c].rejections, 20);
    EXPECT_EQ(with_hunger[c].rejections, without[c].rejections);
  }
}

}  // namespace
}  // namespace borel::host::test
