// Machines: their entries, and what their functions ask of the model and of each other.
#include <gtest/gtest.h>

#include <cmath>

#include "compiler/dialect/prob.h"
#include "compiler/lower/lower.h"
#include "compiler/transform/derive.h"
#include "mlir/IR/Verifier.h"
#include "tests/measure/interpreter.h"
#include "tests/unit/lower_support.h"

namespace borel::testing {
namespace {

ExprPtr model_call(typed::ModelCall::Kind kind, Type type, std::vector<ExprPtr> args) {
  typed::ModelCall node;
  node.model = typed::ModelId{0};
  node.kind = kind;
  node.args = std::move(args);
  return make(std::move(type), std::move(node));
}

/// Gradient ascent on eight schools: state (u, lp, steps), parameters rate: real and stride: int.
typed::Program ascent() {
  using Kind = typed::ModelCall::Kind;
  ProgramBuilder b;
  b.program = eight_schools();
  const VarId j = b.program.sizes.front();
  const Type schools = array_of(Scalar::Real, {size_of(j)});
  const Type reals = array_of(Scalar::Real, {size_of(j, 2)});
  const Type state = tuple_of({reals, real_type(), int_type()});

  // dim: an infer's `let`.
  const VarId dim = b.variable("dim", int_type());
  b.program.variables.back().global = true;
  b.program.globals.push_back({dim, model_call(Kind::Dimension, int_type(), {})});

  const auto params = [&] {
    return std::vector<VarId>{b.variable("rate", real_type()), b.variable("stride", int_type())};
  };
  const auto state_params = [&](std::vector<VarId> out) {
    for (const auto& [name, type] :
         {std::pair{"u", reals}, std::pair{"lp", real_type()}, std::pair{"steps", int_type()}})
      out.push_back(b.variable(name, type));
    return out;
  };
  typed::Machine machine;
  machine.name = "ascent";
  machine.model = typed::ModelId{0};
  machine.parameters = {{"rate", Scalar::Real, 0, 1, 0.1, {}},
                        {"stride", Scalar::Int, 1, 9, 2, {}}};
  machine.state = state;
  machine.statistics = {"lp", "steps"};
  {
    auto p = params();
    const VarId initial = b.variable("initial", reals), radius = b.variable("radius", real_type());
    auto lp = model_call(Kind::LogDensity, real_type(), list(b.ref(initial)));
    p.insert(p.end(), {initial, radius});
    machine.init = b.function(
        "ascent.init", p, state,
        block(
            give(make(state, typed::MakeTuple{list(b.ref(initial), std::move(lp), integer(0))}))));
  }
  {
    const auto p = state_params(params());
    const VarId v = b.variable("v", real_type()), g = b.variable("g", reals);
    auto both =
        model_call(Kind::LogDensityGradient, tuple_of({real_type(), reals}), list(b.ref(p[2])));
    auto moved = add(b.ref(p[2]), elementwise(Op::Mul, b.ref(g), b.ref(p[0])));
    machine.step =
        b.function("ascent.step", p, state,
                   block(statement(typed::LetTuple{{v, g}, std::move(both)}),
                         give(make(state, typed::MakeTuple{list(std::move(moved), b.ref(v),
                                                                add(b.ref(p[4]), b.ref(p[1])))}))));
  }
  {
    const auto p = state_params(params());
    const Type trace = tuple_of({real_type(), real_type(), schools, schools});
    machine.draw = b.function("ascent.draw", p, trace,
                              block(give(model_call(Kind::Constrain, trace, list(b.ref(p[2]))))));
  }
  {
    const auto p = state_params(params());
    const Type pair = tuple_of({real_type(), real_type()});
    auto steps = apply(Op::IntToReal, real_type(), add(b.ref(p[4]), b.ref(dim)));
    machine.info =
        b.function("ascent.info", p, pair,
                   block(give(make(pair, typed::MakeTuple{list(b.ref(p[3]), std::move(steps))}))));
  }
  b.program.machine = std::move(machine);
  return std::move(b.program);
}

TEST(LowerMachine, EntriesRunTheMachine) {
  SourceManager sources;
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  LowerResult result;
  LowerOptions options;
  options.unconstrain = options.simulate = options.diagnose = false;
  auto module = lower(ascent(), sources, context, options, result);
  ASSERT_TRUE(succeeded(mlir::verify(*module)));
  ASSERT_TRUE(succeeded(transform::derive(*module)));
  ASSERT_TRUE(succeeded(mlir::verify(*module)));

  const ProgramDescription& d = result.description;
  ASSERT_TRUE(d.has_machine);
  EXPECT_EQ(d.machine.parameters[1].type, DataType::Int);
  EXPECT_EQ(d.models[0].simulate, "");
  EXPECT_FALSE(d.models[0].log_density.empty());

  Interpreter interpreter(*module);
  interpreter.slots["size.J"] = int64_t{3};
  interpreter.slots["input.sigma"] = real_array({15, 10, 16});
  interpreter.slots["input.y"] = real_array({28, 8, -3});
  const std::vector<double> u = {1.5, 0.7, -0.3, 0.9, 1.1};
  auto state = interpreter.call(d.machine.init, {real_array({0.01, 2}), real_array(u), 2.0});
  ASSERT_EQ(state.size(), 5u);  // two parameters, then the state
  EXPECT_EQ(as_real(state[0]), 0.01);
  EXPECT_EQ(as_int(state[1]), 2);
  const double start = as_real(state[3]);
  EXPECT_NEAR(start, as_real(interpreter.call(d.models[0].log_density, {real_array(u)})[0]), 1e-12);
  for (int i = 0; i < 3; ++i) state = interpreter.call(d.machine.step, state);
  EXPECT_GT(as_real(state[3]), start);
  EXPECT_EQ(as_int(state[4]), 6);
  const auto info = interpreter.call(d.machine.info, state);
  EXPECT_EQ(as_real(info[0]), as_real(state[3]));
  EXPECT_EQ(as_real(info[1]), 6 + 5);
  const auto draw = interpreter.call(d.machine.draw, state);
  ASSERT_EQ(draw.size(), 4u);
  EXPECT_NEAR(as_real(as_array(draw[3]).elements[1]),
              as_real(draw[0]) + as_real(draw[1]) * as_real(as_array(draw[2]).elements[1]), 1e-12);
}

TEST(LowerMachine, WhatDependsOnDataIsPartOfItsCallers) {
  SourceManager sources;
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  LowerResult result;
  auto module = lower(ascent(), sources, context, {}, result);
  auto info = module->lookupSymbol<mlir::func::FuncOp>("ascent.info");
  int calls = 0;
  info.walk([&](mlir::func::CallOp) { ++calls; });
  EXPECT_EQ(calls, 1);  // @global.dim, which asks for the dimension
  ASSERT_TRUE(succeeded(transform::derive(*module)));
  info.walk([&](mlir::func::CallOp call) { ADD_FAILURE() << call.getCallee().str(); });
}

TEST(LowerMachine, ModelsWithCapturedValuesAreTheProgramsOwn) {
  // x ~ Normal(0, s), for a number s of whoever asks.
  ProgramBuilder b;
  const Library library(b);
  typed::Model model;
  model.name = "scaled";
  model.params = {b.variable("s", real_type())};
  typed::Site site;
  site.name = "x";
  site.kind = typed::Site::Kind::Latent;
  site.type = real_type();
  site.variable = b.variable("x", real_type(), true);
  model.sites.push_back(std::move(site));
  typed::Sample draw;
  draw.distribution = library.normal(real(0), b.ref(model.params.front()));
  draw.place = typed::PlaceId{0};
  model.body = block(statement(std::move(draw)));
  b.program.models.push_back(std::move(model));
  const VarId t = b.variable("t", real_type()),
              u = b.variable("u", array_of(Scalar::Real, {size_of(1)}));
  const Type both = tuple_of({real_type(), array_of(Scalar::Real, {size_of(1)})});
  b.function("f", {t, u}, both,
             block(give(model_call(typed::ModelCall::Kind::LogDensityGradient, both,
                                   list(b.ref(t), b.ref(u))))));

  SourceManager sources;
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  LowerResult result;
  auto module = lower(b.program, sources, context, {}, result);
  EXPECT_TRUE(result.description.models.empty());
  ASSERT_TRUE(succeeded(transform::derive(*module)));
  ASSERT_TRUE(succeeded(mlir::verify(*module)));
  Interpreter interpreter(*module);
  const auto out = interpreter.call("f", {2.0, real_array({0.3})});
  EXPECT_NEAR(as_real(out[0]), -0.5 * 0.15 * 0.15 - std::log(2.0) - 0.5 * std::log(2 * M_PI),
              1e-14);
  EXPECT_NEAR(as_real(as_array(out[1]).elements[0]), -0.3 / 4, 1e-14);
}

TEST(LowerMachine, GradientOfAFunction) {
  // f(a, x) = a x^3 with its derivative by x.
  ProgramBuilder b;
  const VarId a = b.variable("a", real_type()), x = b.variable("x", real_type());
  const auto f =
      b.function("f", {a, x}, real_type(),
                 block(give(mul(b.ref(a), elementwise(Op::PowInt, b.ref(x), integer(3))))));
  const VarId t = b.variable("t", real_type());
  const Type both = tuple_of({real_type(), real_type()});
  typed::GradientCall node;
  node.function = f;
  node.wrt = {false, true};
  node.args = list(real(2), b.ref(t));
  b.function("g", {t}, both, block(give(make(both, std::move(node)))));

  SourceManager sources;
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  LowerResult result;
  auto module = lower(b.program, sources, context, {}, result);
  ASSERT_TRUE(succeeded(transform::derive(*module)));
  Interpreter interpreter(*module);
  const auto out = interpreter.call("g", {3.0});
  EXPECT_DOUBLE_EQ(as_real(out[0]), 54);
  EXPECT_DOUBLE_EQ(as_real(out[1]), 54);
}

}  // namespace
}  // namespace borel::testing
