// The C++17 layer over the host interface, with a program that is linked in.
#include <gtest/gtest.h>
#include <borel/borel.hpp>

#include <cmath>
#include <map>
#include <numeric>

#include "filter.h"
#include "schools.h"

namespace {

static_assert(__cplusplus < 202002L, "this is what an application of C++17 sees");
static_assert(!std::is_copy_constructible_v<borel::Library> &&
              std::is_nothrow_move_constructible_v<borel::Library>);
static_assert(!std::is_copy_constructible_v<borel::Chain> &&
              std::is_nothrow_move_assignable_v<borel::Chain>);

const std::vector<double> sigma = {15, 10, 16, 11, 9, 11, 10, 18};
const double y[8] = {28, 8, -3, 7, -1, 1, 18, 12};

borel::Instance bind_schools(const borel::Library& library) {
  borel::Data data(library);
  data.borrow("sigma", sigma).borrow("y", y, {8});
  return borel::Instance(data);
}

// The error with which `call` fails.
template <class Call>
borel::Error failure(Call call) {
  try {
    call();
  } catch (const borel::Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return borel::Error(BOREL_SUCCESS, "nothing was thrown");
}

TEST(Cpp, Densities) {
  const borel::Library library = borel::Library::open(schools_program);
  EXPECT_EQ(&library.program(), &schools_program);
  const borel::Instance instance = bind_schools(library);
  EXPECT_EQ(instance.dimension(), 10);
  EXPECT_EQ(instance.draw_size(), 18);
  EXPECT_EQ(instance.find_model("eight_schools"), instance.model());
  EXPECT_EQ(instance.steps(), -1);
  const std::vector<borel_site_info> sites = instance.sites();
  ASSERT_EQ(sites.size(), 5u);
  EXPECT_STREQ(sites[3].name, "theta");
  EXPECT_EQ(sites[3].draw_offset, 10);

  borel::Worker worker(instance);
  std::vector<double> u(10), gradient(10);
  std::iota(u.begin(), u.end(), -4);
  const double lp = worker.log_density_gradient(u, gradient);
  EXPECT_NEAR(worker.log_density(u), lp, 1e-12 * std::fabs(lp));
  EXPECT_NE(worker.log_density(u, false), lp);
  EXPECT_NEAR(worker.log_density(u, false) + u[1], lp, 1e-10);  // tau = exp(u[1])
  std::vector<double> near = u;
  near[2] += 1e-6;
  EXPECT_NEAR((worker.log_density(near) - lp) / 1e-6, gradient[2], 1e-3);
  const std::vector<double> draw = worker.constrain(u);
  EXPECT_NEAR(draw[1], std::exp(u[1]), 1e-12);
  const std::vector<double> back = worker.unconstrain(draw);
  ASSERT_EQ(back.size(), u.size());
  for (std::size_t i = 0; i < u.size(); ++i) {
    EXPECT_NEAR(back[i], u[i], 1e-12);
  }
  std::vector<double> v(u.size()), same(u.size()), product(u.size());
  v[0] = 2;
  EXPECT_NEAR(worker.hessian_vector(u, v, same, product), lp, 1e-12);
  std::vector<double> moved(u), there(u.size());
  moved[0] += 1;  // the density is quadratic in mu
  worker.log_density_gradient(moved, there);
  EXPECT_NEAR(product[0], 2 * (there[0] - gradient[0]), 1e-12);
  EXPECT_NEAR(same[0], gradient[0], 1e-12);
  EXPECT_THROW(worker.hessian_vector(u, std::vector<double>(1), same, product), borel::Error);

  const std::vector<double> drawn = worker.simulate(1);
  EXPECT_EQ(worker.predict(drawn, 1, 2, 3).size(), 8u);
  EXPECT_EQ(worker.predict(drawn, 1, 2, 3), worker.predict(drawn, 1, 2, 3));
  EXPECT_EQ(worker.log_likelihood(drawn).size(), 8u);
  EXPECT_THROW(worker.predict(u, 1), borel::Error);  // a point is no draw
  EXPECT_THROW(worker.log_likelihood(u), borel::Error);
  borel::Data data(library);
  EXPECT_THROW(data.function("f", borel_function{}), borel::Error);
  EXPECT_EQ(worker.simulate(1, 2, 3), worker.simulate(1, 2, 3));
  EXPECT_NE(worker.simulate(1, 2, 3), worker.simulate(1, 2, 4));
}

TEST(Cpp, Runs) {
  const borel::Library library = borel::Library::open(schools_program);
  const borel::Instance instance = bind_schools(library);
  const borel::Options options =
      borel::Options().seed(9).chains(2).warmup(300).draws(200).set("target_accept", 0.9);
  const borel::Draws draws = borel::run(instance, options);
  EXPECT_EQ(draws.chains(), 2u);
  EXPECT_EQ(draws.draws(), 200u);
  EXPECT_EQ(draws.draw_size(), 18u);
  EXPECT_EQ(draws.values().size(), 2u * 200 * 18);
  EXPECT_EQ(draws.statistics().size(), 2u * 200 * schools_statistic_count);
  EXPECT_EQ(draws.summaries()[1].iterations, 500);
  double mean = 0;
  for (std::size_t c = 0; c < 2; ++c) {
    for (std::size_t i = 0; i < 200; ++i) {
      mean += draws(c, i)[0] / 400;
    }
  }
  EXPECT_GT(mean, 2);
  EXPECT_LT(mean, 7);

  // The same in threads, with warm-up, streamed, and by hand.
  borel::Options more = options;
  const borel::Draws all = borel::run(instance, more.threads(2).save_warmup());
  EXPECT_EQ(all.draws(), 500u);
  EXPECT_TRUE(std::equal(draws(1, 0).begin(), draws(1, 0).end(), all(1, 300).begin()));
  std::map<std::uint64_t, std::vector<double>> streamed;
  borel::stream(instance, options, [&](const borel_iteration& told) {
    if (told.draw != nullptr) {
      streamed[told.chain].insert(streamed[told.chain].end(), told.draw, told.draw + 18);
    }
    return true;
  });
  EXPECT_TRUE(std::equal(streamed[2].begin(), streamed[2].end(), draws(1, 0).begin()));
  EXPECT_EQ(streamed[1].size(), 200u * 18);

  borel::Chain chain(instance, options, 2);
  EXPECT_EQ(chain.warmup(), 300);
  chain.step(250);
  chain = borel::Chain::resume(instance, chain.save());
  chain.step(51);
  EXPECT_EQ(chain.iteration(), 301);
  const std::vector<double> first(draws(1, 0).begin(), draws(1, 0).end());
  EXPECT_EQ(chain.draw(), first);
  chain.restart(instance, options, 2);
  chain.step(301);
  EXPECT_EQ(chain.draw(), first);
}

TEST(Cpp, RefitsAndJson) {
  const borel::Library library = borel::Library::open(schools_program);
  borel::Data data(library);
  data.json(R"({"sigma": [1, 2, 3], "y": [4, 5, 6]})");
  borel::Instance instance(data);
  EXPECT_EQ(instance.dimension(), 5);
  const std::int64_t whole[2] = {1, 2};
  data.clear();
  data.copy("y", whole).copy("sigma", std::vector<double>{1, 2}).copy("J", 2);
  instance.rebind(data);
  EXPECT_EQ(instance.dimension(), 4);
  borel::Worker worker(instance);
  EXPECT_TRUE(std::isfinite(worker.log_density(std::vector<double>(4, 0.1))));
}

TEST(Cpp, Errors) {
  const borel::Library library = borel::Library::open(schools_program);
  borel::Data data(library);
  borel::Error error = failure([&] { data.json("{\"sigma\": [1, true]}"); });
  EXPECT_EQ(error.code(), BOREL_BAD_DATA);
  EXPECT_EQ(error.subject(), "sigma");
  EXPECT_GT(error.line(), 0);
  EXPECT_GT(error.column(), 0);
  EXPECT_NE(error.file().find("eight_schools.ppl"), std::string::npos);
  EXPECT_STREQ(error.what(),
               "`sigma[2]` (counting from 1): found true or false, expected a number");
  error = failure([&] { data.borrow("y", y, {2, 3}); });
  EXPECT_EQ(error.code(), BOREL_BAD_ARGUMENT);
  EXPECT_STREQ(error.what(), "y: found 8 elements, expected 6");
  EXPECT_EQ(failure([&] { borel::Instance instance(data); }).code(), BOREL_BAD_DATA);
  EXPECT_EQ(failure([&] { borel::Library::load("/nowhere.so"); }).code(), BOREL_BAD_PROGRAM);

  const borel::Instance instance = bind_schools(library);
  borel::Worker worker(instance);
  EXPECT_EQ(failure([&] { worker.log_density(std::vector<double>(3)); }).code(),
            BOREL_BAD_ARGUMENT);
  EXPECT_EQ(failure([&] { worker.log_density(std::vector<double>(10, NAN)); }).code(),
            BOREL_RUN_FAILED);
  EXPECT_EQ(failure([&] { borel::run(instance, borel::Options().draws(-7)); }).code(),
            BOREL_BAD_ARGUMENT);
  EXPECT_EQ(failure([&] {
              borel::run(instance, borel::Options().initial({1, 2}));
            }).code(),
            BOREL_BAD_ARGUMENT);
  EXPECT_EQ(failure([&] { borel::Chain::resume(instance, std::vector<std::uint8_t>(100)); }).code(),
            BOREL_BAD_CHECKPOINT);
  // What a callback says and throws.
  int told = 0;
  const auto stop = [&](const borel_iteration&) { return ++told < 5; };
  EXPECT_EQ(failure([&] { borel::run(instance, borel::Options(), stop); }).code(), BOREL_CANCELLED);
  EXPECT_EQ(told, 5);
  const auto thrower = [](const borel_iteration&) -> bool { throw std::out_of_range("mine"); };
  EXPECT_THROW(borel::run(instance, borel::Options().threads(3), thrower), std::out_of_range);
}

TEST(Cpp, AMachineThatMakesItsSteps) {
  const borel::Library library = borel::Library::open(filter_program);
  borel::Data data(library);
  const std::vector<double> observed = {0.5, -1, 0.25, 2, 1};
  data.borrow("y", observed);
  const borel::Instance instance(data);
  EXPECT_EQ(instance.steps(), 5);
  const borel::Draws draws = borel::run(instance, borel::Options().seed(3));
  EXPECT_EQ(draws.chains(), 1u);
  EXPECT_EQ(draws.draws(), 5u);
  EXPECT_EQ(draws.draw_size(), 3u);
  EXPECT_EQ(draws(0, 4)[2], 5);  // t
  const borel::Draws three = borel::run(instance, borel::Options().seed(3).chains(3).threads(2));
  EXPECT_EQ(three.values().size(), 3u * 5 * 3);
  EXPECT_TRUE(std::equal(draws.values().begin(), draws.values().end(), three.values().begin()));
  EXPECT_EQ(failure([&] { borel::run(instance, borel::Options().draws(3)); }).code(),
            BOREL_BAD_ARGUMENT);

  // The struct of the header has the defaults where they are put there.
  filter_data values{};
  values.y = observed.data();
  values.T = 5;
  values.particles = filter_default_particles;
  values.scale = filter_default_scale;
  values.hunger = filter_default_hunger;
  borel::Data filled(library);
  ASSERT_EQ(filter_set_data(filled.get(), &values, nullptr), BOREL_SUCCESS);
  const borel::Instance same(filled);
  EXPECT_EQ(borel::run(same, borel::Options().seed(3)).values(), draws.values());
}

}  // namespace
