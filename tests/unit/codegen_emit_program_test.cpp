// A whole program through its descriptor, as a host uses it: the instance, a model's functions, a
// machine's steps, too little space, faults.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>

#include "compiler/codegen/emit.h"
#include "compiler/codegen/engine.h"
#include "compiler/dialect/prob.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Parser/Parser.h"
#include "runtime/core/philox.h"

namespace borel::codegen {
namespace {

// y[i] ~ Normal(theta[i mod 3], 1) with theta of unit scale and a count; sums of y by group are
// hoisted. The machine adds uniforms to theta and counts.
constexpr const char* text = R"(
prob.slot "size" @N : i64
prob.slot "input" @y : tensor<?xf64> {dims = [@N]}
prob.slot "input" @flag : i1
prob.slot "hoisted" @mean : f64
prob.slot "hoisted" @twice : tensor<?xf64> {dims = [@N]}
prob.slot "hoisted" @many : i1

func.func @borel.bind() -> (f64, tensor<?xf64>, i1) {
  %zero = arith.constant 0 : i64
  %ten = arith.constant 10 : i64
  %n = prob.data @N : i64
  %y = prob.data @y : tensor<?xf64>
  %m, %s = prob.for %i = %zero to %n map(f64) sum(f64) {
    %e = prob.extract %y[%i] : tensor<?xf64> -> f64
    %f = arith.addf %e, %e : f64
    prob.yield map(%f : f64) sum(%e : f64)
  }
  %nf = arith.sitofp %n : i64 to f64
  %mean = arith.divf %s, %nf : f64
  %many = arith.cmpi sgt, %n, %ten : i64
  return %mean, %m, %many : f64, tensor<?xf64>, i1
}

func.func @shape.m() -> (i64, i64, i64, i64, i64, i64, i64) {
  %n = prob.data @N : i64
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i64
  %minus = arith.constant -1 : i64
  %d = arith.addi %n, %one : i64
  %w = arith.addi %d, %n : i64
  return %d, %w, %zero, %n, %one, %n, %minus : i64, i64, i64, i64, i64, i64, i64
}

func.func @lp(%u: tensor<?xf64>) -> f64 {
  %r:2 = func.call @lpg(%u) : (tensor<?xf64>) -> (f64, tensor<?xf64>)
  return %r#0 : f64
}

// -0.5 sum (u - 2 y)^2 with `mean` at u[0]; -infinity where u[0] > 100
func.func @lpg(%u: tensor<?xf64>) -> (f64, tensor<?xf64>) attributes {prob.density} {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %half = arith.constant -0.5 : f64
  %most = arith.constant 100.0 : f64
  %infinite = arith.constant 0xFFF0000000000000 : f64
  %n = prob.data @N : i64
  %y = prob.data @twice : tensor<?xf64>
  %mean = prob.data @mean : f64
  %d = prob.dim %u 0 : tensor<?xf64>
  %z = prob.zeros(%d) : tensor<?xf64>
  %u0 = prob.extract %u[%zero] : tensor<?xf64> -> f64
  %r0 = arith.subf %mean, %u0 : f64
  %g0 = prob.insert %r0 into %z[%zero] : f64 into tensor<?xf64>
  %s, %g = prob.for %i = %zero to %n into(%a = %g0 : tensor<?xf64>) sum(f64) {
    %j = arith.addi %i, %one : i64
    %ui = prob.extract %u[%j] : tensor<?xf64> -> f64
    %yi = prob.extract %y[%i] : tensor<?xf64> -> f64
    %r = arith.subf %yi, %ui : f64
    %r2 = arith.mulf %r, %r : f64
    %a1 = prob.add_at %r into %a[%j] : f64 into tensor<?xf64>
    prob.yield sum(%r2 : f64) into(%a1 : tensor<?xf64>)
  }
  %q = arith.mulf %r0, %r0 : f64
  %t = arith.addf %s, %q : f64
  %l = arith.mulf %t, %half : f64
  %far = arith.cmpf ogt, %u0, %most : f64
  %lp = arith.select %far, %infinite, %l : f64
  return %lp, %g : f64, tensor<?xf64>
}

func.func @constrain(%u: tensor<?xf64>) -> (f64, tensor<?xf64>, tensor<?xi64>) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %n = prob.data @N : i64
  %u0 = prob.extract %u[%zero] : tensor<?xf64> -> f64
  %m, %k = prob.for %i = %zero to %n map(f64, i64) {
    %j = arith.addi %i, %one : i64
    %e = prob.extract %u[%j] : tensor<?xf64> -> f64
    prob.yield map(%e, %j : f64, i64)
  }
  return %u0, %m, %k : f64, tensor<?xf64>, tensor<?xi64>
}

func.func @unconstrain(%a: f64, %x: tensor<?xf64>) -> tensor<?xf64> {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %n = prob.dim %x 0 : tensor<?xf64>
  %d = arith.addi %n, %one : i64
  %z = prob.zeros(%d) : tensor<?xf64>
  %u0 = prob.insert %a into %z[%zero] : f64 into tensor<?xf64>
  %u = prob.for %i = %zero to %n carry(%c = %u0 : tensor<?xf64>) {
    %j = arith.addi %i, %one : i64
    %e = prob.extract %x[%i] : tensor<?xf64> -> f64
    %c1 = prob.insert %e into %c[%j] : f64 into tensor<?xf64>
    prob.yield carry(%c1 : tensor<?xf64>)
  }
  return %u : tensor<?xf64>
}

func.func @init(%p: tensor<?xf64>, %initial: tensor<?xf64>, %radius: f64)
    -> (i64, f64, tensor<?xf64>, i1) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %k = prob.dim %initial 0 : tensor<?xf64>
  %n = prob.data @N : i64
  %d = arith.addi %n, %one : i64
  %scale = prob.extract %p[%zero] : tensor<?xf64> -> f64
  %given = arith.cmpi sgt, %k, %zero : i64
  %u = scf.if %given -> tensor<?xf64> {
    scf.yield %initial : tensor<?xf64>
  } else {
    %m = prob.for %i = %zero to %d map(f64) {
      %r = prob.uniform : f64
      %s = arith.mulf %r, %radius : f64
      prob.yield map(%s : f64)
    }
    scf.yield %m : tensor<?xf64>
  }
  return %zero, %scale, %u, %given : i64, f64, tensor<?xf64>, i1
}

func.func @step(%k: i64, %scale: f64, %u: tensor<?xf64>, %c: i1)
    -> (i64, f64, tensor<?xf64>, i1) {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %hundred = arith.constant 100 : i64
  %n = prob.dim %u 0 : tensor<?xf64>
  %stop = arith.cmpi sge, %k, %hundred : i64
  prob.fault %stop kind 3 at 0
  %v = prob.for %i = %zero to %n map(f64) {
    %r = prob.uniform : f64
    %e = prob.extract %u[%i] : tensor<?xf64> -> f64
    %t = arith.mulf %r, %scale : f64
    %f = arith.addf %e, %t : f64
    prob.yield map(%f : f64)
  }
  %a:2 = func.call @lpg(%u) : (tensor<?xf64>) -> (f64, tensor<?xf64>)
  %b:2 = func.call @lpg(%v) : (tensor<?xf64>) -> (f64, tensor<?xf64>)
  %better = arith.cmpf ogt, %b#0, %a#0 : f64
  %w = arith.select %better, %v, %u : tensor<?xf64>
  %k1 = arith.addi %k, %one : i64
  return %k1, %scale, %w, %better : i64, f64, tensor<?xf64>, i1
}

func.func @draw(%k: i64, %scale: f64, %u: tensor<?xf64>, %c: i1)
    -> (f64, tensor<?xf64>, tensor<?xi64>) {
  %r:3 = func.call @constrain(%u) : (tensor<?xf64>) -> (f64, tensor<?xf64>, tensor<?xi64>)
  return %r#0, %r#1, %r#2 : f64, tensor<?xf64>, tensor<?xi64>
}

func.func @info(%k: i64, %scale: f64, %u: tensor<?xf64>, %c: i1) -> (i64, i1) {
  return %k, %c : i64, i1
}
)";

ProgramDescription description() {
  ProgramDescription d;
  d.name = "main";
  d.sizes.push_back({"N", "N", {"f.ppl", 1, 2, 3, 4}});
  InputDescription y;
  y.name = "y";
  y.slot = "y";
  y.dims = {{0, 0}};
  y.lower = -1;
  InputDescription flag;
  flag.name = "flag";
  flag.slot = "flag";
  flag.type = DataType::Bool;
  d.inputs = {y, flag};
  ModelDescription m;
  m.name = "m";
  using Kind = SiteDescription::Kind;
  m.sites = {{"a", Kind::Latent, DataType::Real, 0, false, "real", {}},
             {"x", Kind::Latent, DataType::Real, 1, false, "positive", {}},
             {"k", Kind::Derived, DataType::Int, 1, false, "", {}}};
  m.shape = "shape.m";
  m.log_density = "lp";
  m.log_density_gradient = "lpg";
  m.constrain = "constrain";
  m.unconstrain = "unconstrain";
  d.models = {m};
  d.places = {{{"f.ppl", 7, 1, 7, 9}, "x", "sigma > 0"}};
  d.has_machine = true;
  d.machine.name = "walk";
  d.machine.model = 0;
  d.machine.parameters = {{"scale", DataType::Real, 0, 10, 0.5, {}}};
  d.machine.statistics = {"steps", "moved"};
  d.machine.init = "init";
  d.machine.step = "step";
  d.machine.draw = "draw";
  d.machine.info = "info";
  return d;
}

class Program : public ::testing::Test {
 protected:
  static constexpr std::int64_t n = 13;

  Program() : context_(mlir::MLIRContext::Threading::DISABLED) {
    context_.loadDialect<prob::ProbDialect, mlir::arith::ArithDialect, mlir::func::FuncDialect,
                         mlir::math::MathDialect, mlir::scf::SCFDialect>();
  }

  void SetUp() override {
    auto source = mlir::parseSourceString<mlir::ModuleOp>(text, &context_);
    ASSERT_TRUE(source);
    auto target = host_target();
    ASSERT_TRUE(target);
    auto module = emit(*source, description(), *target, llvm_context_, "abc");
    ASSERT_TRUE(module) << module.error().text();
    auto compiled = compile(**module, *target, OptimiseOptions{});
    ASSERT_TRUE(compiled) << compiled.error().text();
    auto jit = Jit::create(*target, {});
    ASSERT_TRUE(jit);
    jit_.emplace(std::move(*jit));
    ASSERT_TRUE(jit_->add_object(compiled->object));
    auto entry = jit_->look_up(BOREL_PROGRAM_SYMBOL);
    ASSERT_TRUE(entry) << entry.error().text();
    program_ = static_cast<const borel_program*>(*entry);
    for (std::int64_t i = 0; i < n; ++i) y_[i] = std::sin(static_cast<double>(i));
    inputs_[0] = {y_, {n, 0, 0, 0}};
    inputs_[1] = {&flag_, {0, 0, 0, 0}};
    give_space(4096);
    instance_.resize(static_cast<std::size_t>(program_->instance_size(inputs_, &n_)) + 64);
    ASSERT_EQ(program_->bind(inputs_, &n_, &ws_, instance()), BOREL_OK);
  }

  void give_space(std::size_t bytes) {
    memory_.assign(bytes + 64, 0xcc);
    ws_ = {};
    ws_.begin = reinterpret_cast<std::uint8_t*>(aligned(memory_.data()));
    ws_.end = ws_.begin + bytes;
  }
  static void* aligned(void* p) {
    return reinterpret_cast<void*>((reinterpret_cast<std::uintptr_t>(p) + 63) / 64 * 64);
  }
  void* instance() { return aligned(instance_.data()); }

  // The density and gradient in plain C++.
  double density(const double* u, double* gradient) const {
    double mean = 0, sum = 0;
    for (const double yi : y_) mean += yi / n;
    gradient[0] = mean - u[0];
    sum = gradient[0] * gradient[0];
    for (std::int64_t i = 0; i < n; ++i) {
      gradient[i + 1] = 2 * y_[i] - u[i + 1];
      sum += gradient[i + 1] * gradient[i + 1];
    }
    return -0.5 * sum;
  }

  mlir::MLIRContext context_;
  llvm::LLVMContext llvm_context_;
  std::optional<Jit> jit_;
  const borel_program* program_ = nullptr;
  double y_[n];
  std::int64_t flag_ = 1, n_ = n;
  borel_array inputs_[2];
  borel_workspace ws_{};
  std::vector<std::uint8_t> memory_, instance_;
};

TEST_F(Program, DescriptorSaysWhatTheDescriptionSays) {
  EXPECT_EQ(program_->abi_version, BOREL_ABI_VERSION);
  EXPECT_EQ(program_->struct_size, sizeof(borel_program));
  EXPECT_STREQ(program_->name, "main");
  EXPECT_STREQ(program_->source_hash, "abc");
  EXPECT_EQ(program_->target_cpu, host_target()->cpu);
  ASSERT_EQ(program_->size_count, 1);
  EXPECT_STREQ(program_->sizes[0].name, "N");
  EXPECT_EQ(program_->sizes[0].span.end_column, 4);
  ASSERT_EQ(program_->input_count, 2);
  const borel_input& y = program_->inputs[0];
  EXPECT_STREQ(y.name, "y");
  EXPECT_EQ(y.type, BOREL_REAL);
  EXPECT_EQ(y.rank, 1);
  EXPECT_EQ(y.dims[0].symbol, 0);
  EXPECT_EQ(y.dims[1].symbol, -1);
  EXPECT_EQ(y.lower, -1);
  EXPECT_EQ(y.upper, std::numeric_limits<double>::infinity());
  EXPECT_EQ(program_->inputs[1].type, BOREL_BOOL);
  ASSERT_EQ(program_->place_count, 1);
  EXPECT_STREQ(program_->places[0].site, "x");
  EXPECT_STREQ(program_->places[0].what, "sigma > 0");
  ASSERT_EQ(program_->model_count, 1);
  const borel_model& model = program_->models[0];
  ASSERT_EQ(model.site_count, 3);
  EXPECT_STREQ(model.sites[1].support, "positive");
  EXPECT_EQ(model.sites[2].kind, BOREL_DERIVED);
  EXPECT_EQ(model.sites[2].type, BOREL_INT);
  EXPECT_EQ(model.log_density_plain, nullptr);
  EXPECT_EQ(model.simulate, nullptr);
  ASSERT_NE(program_->machine, nullptr);
  EXPECT_STREQ(program_->machine->statistics[1], "moved");
  EXPECT_EQ(program_->machine->parameters[0].fallback, 0.5);
}

TEST_F(Program, ModelFunctions) {
  const borel_model& model = program_->models[0];
  EXPECT_EQ(model.dimension(instance()), n + 1);
  EXPECT_EQ(model.draw_size(instance()), 2 * n + 1);
  std::int64_t dims[4] = {-5, -5, -5, -5}, offset = -5;
  model.site_shape(instance(), 1, dims, &offset);
  EXPECT_EQ(dims[0], n);
  EXPECT_EQ(offset, 1);
  model.site_shape(instance(), 2, dims, &offset);
  EXPECT_EQ(offset, -1);

  double u[n + 1], gradient[n + 2], expected[n + 1], lp = 0;
  for (int i = 0; i <= n; ++i) u[i] = std::cos(i);
  gradient[n + 1] = 77;
  ASSERT_EQ(model.log_density_gradient(instance(), &ws_, u, &lp, gradient), BOREL_OK);
  EXPECT_NEAR(lp, density(u, expected), 1e-12);
  for (int i = 0; i <= n; ++i) EXPECT_NEAR(gradient[i], expected[i], 1e-14);
  EXPECT_EQ(gradient[n + 1], 77);
  double again = 0;
  ASSERT_EQ(model.log_density(instance(), &ws_, u, &again), BOREL_OK);
  EXPECT_EQ(again, lp);
  EXPECT_EQ(ws_.rejections, 0);
  u[0] = 101;
  ASSERT_EQ(model.log_density(instance(), &ws_, u, &again), BOREL_OK);
  EXPECT_EQ(again, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(ws_.rejections, 1);

  double draw[2 * n + 1], back[n + 1];
  ASSERT_EQ(model.constrain(instance(), &ws_, u, draw), BOREL_OK);
  EXPECT_EQ(draw[0], 101);
  for (int i = 0; i < n; ++i) {
    EXPECT_EQ(draw[1 + i], u[1 + i]);
    EXPECT_EQ(draw[1 + n + i], 1.0 + i) << "integers are drawn as reals";
  }
  ASSERT_EQ(model.unconstrain(instance(), &ws_, draw, back), BOREL_OK);
  for (int i = 0; i <= n; ++i) EXPECT_EQ(back[i], u[i]);
}

TEST_F(Program, MachineSteps) {
  const borel_machine& machine = *program_->machine;
  const auto bytes = static_cast<std::size_t>(machine.state_size(instance()));
  EXPECT_EQ(bytes, 64u + 8 * (n + 1) + 8);
  std::vector<std::uint8_t> raw(bytes + 128, 0xaa);
  auto* state = static_cast<std::uint8_t*>(aligned(raw.data()));
  double* u = reinterpret_cast<double*>(state + 64);
  double parameters[1] = {0.25}, start[n + 1];
  borel_config config{parameters, nullptr, 2.0};
  const borel_key key{11, 12, 13};
  ASSERT_EQ(machine.init(instance(), &ws_, &config, key, state), BOREL_OK);
  for (std::size_t i = 0; i <= n; ++i)
    EXPECT_EQ(u[i], 2.0 * runtime::random_uniforms(key, i / 2)[i % 2]);
  for (std::int64_t i = 0; i <= n; ++i) start[i] = static_cast<double>(i);
  config.initial = start;
  ASSERT_EQ(machine.init(instance(), &ws_, &config, key, state), BOREL_OK);
  for (std::int64_t i = 0; i <= n; ++i) EXPECT_EQ(u[i], start[i]);
  EXPECT_EQ(state[bytes], 0xaa);

  // A step against plain C++, from a point where it is accepted and one where it is not.
  for (const double at : {-50.0, 50.0}) {
    double expected[n + 1], gradient[n + 1];
    for (std::size_t i = 0; i <= n; ++i) {
      u[i] = at;
      expected[i] = std::fma(runtime::random_uniforms(key, i / 2)[i % 2], 0.25, at);
    }
    const bool better = density(expected, gradient) > density(u, gradient);
    EXPECT_EQ(better, at < 0);
    ASSERT_EQ(machine.step(instance(), &ws_, key, state), BOREL_OK);
    for (std::size_t i = 0; i <= n; ++i) EXPECT_EQ(u[i], better ? expected[i] : at);
    double statistics[2];
    ASSERT_EQ(machine.info(instance(), &ws_, state, statistics), BOREL_OK);
    EXPECT_EQ(statistics[1], better ? 1 : 0);
  }
  double statistics[2], draw[2 * n + 1];
  ASSERT_EQ(machine.info(instance(), &ws_, state, statistics), BOREL_OK);
  EXPECT_EQ(statistics[0], 2);
  ASSERT_EQ(machine.draw(instance(), &ws_, state, draw), BOREL_OK);
  EXPECT_EQ(draw[0], u[0]);
  EXPECT_EQ(draw[n], u[n]);
  EXPECT_EQ(state[bytes], 0xaa) << "nothing is written past the state";
}

TEST_F(Program, SpaceAndFaults) {
  const borel_machine& machine = *program_->machine;
  std::vector<std::uint8_t> raw(static_cast<std::size_t>(machine.state_size(instance())) + 128);
  auto* state = static_cast<std::uint8_t*>(aligned(raw.data()));
  double parameters[1] = {0.25};
  borel_config config{parameters, nullptr, 2.0};
  const borel_key key{1, 2, 3};
  int tries = 0;
  for (std::size_t space = 0;; ++tries) {
    ASSERT_LT(tries, 10);
    give_space(space);
    borel_status status = machine.init(instance(), &ws_, &config, key, state);
    if (status == BOREL_OK) status = machine.step(instance(), &ws_, key, state);
    if (status == BOREL_OK) break;
    ASSERT_EQ(status, BOREL_NEED_SPACE);
    ASSERT_GT(ws_.needed, static_cast<std::int64_t>(space));
    space = static_cast<std::size_t>(ws_.needed);
  }
  EXPECT_GT(tries, 1);
  std::int64_t steps = 100;
  std::memcpy(state, &steps, sizeof steps);
  ASSERT_EQ(machine.step(instance(), &ws_, key, state), BOREL_FAULT);
  EXPECT_EQ(ws_.fault.kind, BOREL_FAULT_REJECT);
  EXPECT_EQ(ws_.fault.place, 0);
}

}  // namespace
}  // namespace borel::codegen
