// Gradients by source transformation against forward-mode derivatives of the same program, run by
// the interpreter; and second derivatives, because a gradient's IR is again input to gradient.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "compiler/dialect/prob.h"
#include "compiler/transform/gradient.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "tests/measure/interpreter.h"

namespace borel::testing {
namespace {

class GradientTest : public ::testing::Test {
 protected:
  GradientTest() : context_(mlir::MLIRContext::Threading::DISABLED) {
    context_.loadDialect<prob::ProbDialect, mlir::arith::ArithDialect, mlir::func::FuncDialect,
                         mlir::math::MathDialect, mlir::scf::SCFDialect>();
  }

  mlir::OwningOpRef<mlir::ModuleOp> parse(const std::string& text) {
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context_);
    EXPECT_TRUE(module);
    return module;
  }

  /// Adds @name, the gradient of @of in every real argument, and simplifies the module.
  void add_gradient(mlir::ModuleOp module, const std::string& of, const std::string& name) {
    auto source = module.lookupSymbol<mlir::func::FuncOp>(of);
    llvm::SmallVector<mlir::Type> results(source.getResultTypes());
    llvm::SmallVector<bool> wrt;
    for (const mlir::Type input : source.getArgumentTypes()) {
      wrt.push_back(prob::is_real(input));
      if (wrt.back()) results.push_back(input);
    }
    auto target = mlir::func::FuncOp::create(
        module.getLoc(), name,
        mlir::FunctionType::get(&context_, source.getArgumentTypes(), results));
    target.setPrivate();
    module.push_back(target);
    ASSERT_TRUE(mlir::succeeded(transform::differentiate(source, wrt, target)));
    if (mlir::failed(mlir::verify(module))) {
      std::string text;
      llvm::raw_string_ostream out(text);
      module.print(out, mlir::OpPrintingFlags().printGenericOpForm());
      FAIL() << text;
    }
  }

  void clean(mlir::ModuleOp module) {
    mlir::PassManager manager(&context_);
    manager.addPass(mlir::createCanonicalizerPass());
    manager.addPass(mlir::createCSEPass());
    ASSERT_TRUE(mlir::succeeded(manager.run(module)));
  }

  /// The arguments with a tangent of 1 in one entry.
  static std::vector<Datum> seeded(std::vector<Datum> arguments, size_t argument, size_t element) {
    if (auto* real = std::get_if<Real>(&arguments[argument])) {
      real->tangent = 1;
    } else {
      auto array = std::make_shared<Array>(as_array(arguments[argument]));
      std::get<Real>(array->elements[element]).tangent = 1;
      arguments[argument] = array;
    }
    return arguments;
  }

  /// Every adjoint that @gradient returns against forward-mode derivatives of @f.
  void compare(mlir::ModuleOp module, const std::string& f, const std::string& gradient,
               const std::vector<Datum>& at) {
    Interpreter run(module);
    const auto out = run.call(gradient, at);
    const double value = as_real(run.call(f, at)[0]);
    EXPECT_EQ(as_real(out[0]), value);
    auto source = module.lookupSymbol<mlir::func::FuncOp>(f);
    size_t next = source.getNumResults();
    size_t compared = 0;
    for (size_t i = 0; i < at.size(); ++i) {
      if (!prob::is_real(source.getArgumentTypes()[i])) continue;
      const auto adjoints = scalars(out.at(next++));
      ASSERT_EQ(adjoints.size(), scalars(at[i]).size());
      for (size_t k = 0; k < adjoints.size(); ++k) {
        const double slope = as_dual(run.call(f, seeded(at, i, k))[0]).tangent;
        EXPECT_NEAR(as_real(adjoints[k]), slope, 1e-12 * std::max(1.0, std::fabs(slope)))
            << f << ": argument " << i << ", element " << k;
        ++compared;
      }
    }
    EXPECT_GT(compared, 0u);
  }

  void check(const std::string& text, const std::vector<Datum>& at) {
    auto module = parse(text);
    ASSERT_TRUE(module);
    add_gradient(*module, "f", "g");
    compare(*module, "f", "g", at);
    clean(*module);
    compare(*module, "f", "g", at);
  }

  mlir::MLIRContext context_;
};

std::vector<double> draws(size_t n, unsigned seed, double lo = -1.5, double hi = 1.5) {
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<double> uniform(lo, hi);
  std::vector<double> out(n);
  for (double& x : out) x = uniform(engine);
  return out;
}

TEST_F(GradientTest, EveryUnaryRule) {
  struct Case {
    const char* op;
    double x;
  };
  const Case cases[] = {
      {"math.exp", .7},    {"math.exp2", .7},  {"math.expm1", .7},    {"math.log", .7},
      {"math.log2", .7},   {"math.log10", .7}, {"math.log1p", .7},    {"math.sqrt", .7},
      {"math.rsqrt", .7},  {"math.cbrt", .7},  {"math.sin", .7},      {"math.cos", .7},
      {"math.tan", .7},    {"math.asin", .7},  {"math.acos", .7},     {"math.atan", .7},
      {"math.sinh", .7},   {"math.cosh", .7},  {"math.tanh", .7},     {"math.asinh", .7},
      {"math.acosh", 1.7}, {"math.atanh", .7}, {"math.erf", .7},      {"math.absf", -.7},
      {"arith.negf", .7},  {"math.floor", .7}, {"math.roundeven", .7}};
  for (const Case& c : cases) {
    check("func.func @f(%x: f64) -> f64 { %y = " + std::string(c.op) +
              " %x : f64\n %z = arith.mulf %y, %y : f64\n %w = arith.addf %z, %y : f64\n"
              " return %w : f64 }",
          {c.x});
  }
  for (const char* name : {"lgamma", "digamma", "erfc", "Phi", "log_Phi"}) {
    check("func.func @f(%x: f64) -> f64 { %y = prob.special \"" + std::string(name) +
              "\" %x : f64\n return %y : f64 }",
          {1.3});
  }
  check(R"(func.func @f(%x: f64) -> f64 { %y = prob.special "log_Phi" %x : f64
    return %y : f64 })",
        {-40.0});
}

TEST_F(GradientTest, EveryBinaryRule) {
  for (const char* op : {"arith.addf", "arith.subf", "arith.mulf", "arith.divf", "arith.maximumf",
                         "arith.minimumf", "arith.maxnumf", "math.powf", "math.atan2"}) {
    check("func.func @f(%x: f64, %y: f64) -> f64 { %z = " + std::string(op) +
              " %x, %y : f64\n %w = math.sin %z : f64\n return %w : f64 }",
          {1.2, 0.8});
  }
  check(R"(func.func @f(%x: f64, %y: f64, %z: f64) -> f64 {
    %w = math.fma %x, %y, %z : f64
    %c = arith.cmpf ogt, %w, %x : f64
    %s = arith.select %c, %w, %y : f64
    return %s : f64 })",
        {1.2, 0.8, .3});
  check(R"(func.func @f(%x: f64) -> f64 {
    %n = arith.constant 3 : i64
    %w = math.fpowi %x, %n : f64, i64
    return %w : f64 })",
        {-1.2});
}

TEST_F(GradientTest, PlateWithSumsMapsGathersAndCapturedScalars) {
  check(R"(
func.func @f(%x: tensor<?xf64>, %i: tensor<?xi64>, %a: f64) -> f64 {
  %zero = arith.constant 0 : i64
  %n = prob.dim %i 0 : tensor<?xi64>
  %m, %s = prob.for %k = %zero to %n map(f64) sum(f64) {
    %j = prob.extract %i[%k] : tensor<?xi64> -> i64
    %v = prob.extract %x[%j] : tensor<?xf64> -> f64
    %e = math.exp %v : f64
    %t = arith.mulf %e, %a : f64
    %q = arith.mulf %t, %t : f64
    prob.yield map(%t : f64) sum(%q : f64)
  }
  %u = prob.for %k = %zero to %n sum(f64) {
    %t = prob.extract %m[%k] : tensor<?xf64> -> f64
    %l = math.sin %t : f64
    prob.yield sum(%l : f64)
  }
  %r = arith.mulf %s, %u : f64
  return %r : f64
})",
        {real_array(draws(4, 1)), int_array({0, 2, 2, 1, 3, 0, 2}), 0.7});
}

TEST_F(GradientTest, NestedPlates) {
  check(R"(
func.func @f(%a: tensor<?x?xf64>, %x: tensor<?xf64>) -> f64 {
  %zero = arith.constant 0 : i64
  %n = prob.dim %a 0 : tensor<?x?xf64>
  %m = prob.dim %a 1 : tensor<?x?xf64>
  %y = prob.for %i = %zero to %n map(f64) {
    %row = prob.extract %a[%i] : tensor<?x?xf64> -> tensor<?xf64>
    %s = prob.for %j = %zero to %m sum(f64) {
      %p = prob.extract %row[%j] : tensor<?xf64> -> f64
      %q = prob.extract %x[%j] : tensor<?xf64> -> f64
      %t = arith.mulf %p, %q : f64
      prob.yield sum(%t : f64)
    }
    %z = math.tanh %s : f64
    prob.yield map(%z : f64)
  }
  %r = prob.for %i = %zero to %n sum(f64) {
    %z = prob.extract %y[%i] : tensor<?xf64> -> f64
    %e = math.exp %z : f64
    prob.yield sum(%e : f64)
  }
  return %r : f64
})",
        {make_array({3, 4},
                    [] {
                      auto d = draws(12, 2);
                      return std::vector<Datum>(d.begin(), d.end());
                    }()),
         real_array(draws(4, 3))});
}

TEST_F(GradientTest, RecurrenceRecordsScalarCarries) {
  const char* text = R"(
func.func @f(%y: tensor<?xf64>, %a: f64, %b: f64) -> f64 {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1.0 : f64
  %n = prob.dim %y 0 : tensor<?xf64>
  %last, %ss = prob.for %t = %zero to %n carry(%s = %one : f64) sum(f64) {
    %v = prob.extract %y[%t] : tensor<?xf64> -> f64
    %s2 = arith.mulf %s, %s : f64
    %p = arith.mulf %s2, %b : f64
    %v2 = arith.mulf %v, %v : f64
    %q = arith.mulf %v2, %a : f64
    %r = arith.addf %p, %q : f64
    %r1 = arith.addf %r, %one : f64
    %new = math.sqrt %r1 : f64
    %l = math.log %new : f64
    prob.yield carry(%new : f64) sum(%l : f64)
  }
  %e = arith.mulf %last, %ss : f64
  return %e : f64
})";
  check(text, {real_array(draws(6, 4)), 0.3, 0.4});
  check(text, {real_array({}), 0.3, 0.4});
}

TEST_F(GradientTest, ArrayCarriesByElementAndWhole) {
  // By element: err[t] = y[t] - a err[t-1].
  check(R"(
func.func @f(%y: tensor<?xf64>, %a: f64) -> f64 {
  %one = arith.constant 1 : i64
  %zero = arith.constant 0 : i64
  %n = prob.dim %y 0 : tensor<?xf64>
  %z = prob.zeros(%n) : tensor<?xf64>
  %y0 = prob.extract %y[%zero] : tensor<?xf64> -> f64
  %e0 = prob.insert %y0 into %z[%zero] : f64 into tensor<?xf64>
  %err = prob.for %t = %one to %n carry(%e = %e0 : tensor<?xf64>) {
    %p = arith.subi %t, %one : i64
    %before = prob.extract %e[%p] : tensor<?xf64> -> f64
    %sin = math.sin %before : f64
    %m = arith.mulf %sin, %a : f64
    %v = prob.extract %y[%t] : tensor<?xf64> -> f64
    %d = arith.subf %v, %m : f64
    %e1 = prob.insert %d into %e[%t] : f64 into tensor<?xf64>
    prob.yield carry(%e1 : tensor<?xf64>)
  }
  %r = prob.for %t = %zero to %n sum(f64) {
    %v = prob.extract %err[%t] : tensor<?xf64> -> f64
    %q = arith.mulf %v, %v : f64
    prob.yield sum(%q : f64)
  }
  return %r : f64
})",
        {real_array(draws(5, 5)), 0.6});
  // Whole: a nested loop reads the carried array.
  check(R"(
func.func @f(%x: tensor<?xf64>, %a: f64) -> f64 {
  %zero = arith.constant 0 : i64
  %steps = arith.constant 3 : i64
  %n = prob.dim %x 0 : tensor<?xf64>
  %end = prob.for %t = %zero to %steps carry(%c = %x : tensor<?xf64>) {
    %s = prob.for %i = %zero to %n sum(f64) {
      %v = prob.extract %c[%i] : tensor<?xf64> -> f64
      %e = math.exp %v : f64
      prob.yield sum(%e : f64)
    }
    %l = math.log %s : f64
    %next = prob.for %i = %zero to %n map(f64) {
      %v = prob.extract %c[%i] : tensor<?xf64> -> f64
      %w = arith.mulf %v, %a : f64
      %u = arith.subf %w, %l : f64
      prob.yield map(%u : f64)
    }
    prob.yield carry(%next : tensor<?xf64>)
  }
  %r = prob.for %i = %zero to %n sum(f64) {
    %v = prob.extract %end[%i] : tensor<?xf64> -> f64
    %q = math.sin %v : f64
    prob.yield sum(%q : f64)
  }
  return %r : f64
})",
        {real_array(draws(4, 6)), 0.6});
}

TEST_F(GradientTest, BranchesInAndOutOfLoops) {
  check(R"(
func.func @f(%x: tensor<?xf64>, %a: f64) -> f64 {
  %zero = arith.constant 0 : i64
  %c0 = arith.constant 0.0 : f64
  %n = prob.dim %x 0 : tensor<?xf64>
  %s = prob.for %i = %zero to %n sum(f64) {
    %v = prob.extract %x[%i] : tensor<?xf64> -> f64
    %q = arith.cmpf ogt, %v, %c0 : f64
    %w = scf.if %q -> f64 {
      %l = math.log %v : f64
      %t = arith.mulf %l, %a : f64
      scf.yield %t : f64
    } else {
      %v0 = prob.extract %x[%zero] : tensor<?xf64> -> f64
      %t = arith.mulf %v, %v0 : f64
      scf.yield %t : f64
    }
    prob.yield sum(%w : f64)
  }
  %q = arith.cmpf ogt, %a, %c0 : f64
  %r = scf.if %q -> f64 {
    %t = arith.mulf %s, %a : f64
    scf.yield %t : f64
  } else {
    scf.yield %s : f64
  }
  return %r : f64
})",
        {real_array(draws(7, 7)), 0.6});
}

TEST_F(GradientTest, WhileLoops) {
  check(R"(
func.func @f(%x: f64, %a: f64) -> f64 {
  %limit = arith.constant 40.0 : f64
  %r = scf.while (%v = %x) : (f64) -> f64 {
    %w = arith.mulf %v, %v : f64
    %c = arith.cmpf olt, %w, %limit : f64
    scf.condition(%c) %w : f64
  } do {
  ^bb0(%u: f64):
    %s = math.sqrt %u : f64
    %n = arith.mulf %s, %a : f64
    scf.yield %n : f64
  }
  return %r : f64
})",
        {1.3, 1.4});
}

TEST_F(GradientTest, CallsAndRecursion) {
  check(R"(
func.func private @power(%x: f64, %n: i64) -> f64 {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %unit = arith.constant 1.0 : f64
  %c = arith.cmpi eq, %n, %zero : i64
  %r = scf.if %c -> f64 {
    scf.yield %unit : f64
  } else {
    %m = arith.subi %n, %one : i64
    %p = func.call @power(%x, %m) : (f64, i64) -> f64
    %q = arith.mulf %p, %x : f64
    scf.yield %q : f64
  }
  return %r : f64
}
func.func private @norm(%x: tensor<?xf64>) -> f64 {
  %zero = arith.constant 0 : i64
  %n = prob.dim %x 0 : tensor<?xf64>
  %s = prob.for %i = %zero to %n sum(f64) {
    %v = prob.extract %x[%i] : tensor<?xf64> -> f64
    %q = arith.mulf %v, %v : f64
    prob.yield sum(%q : f64)
  }
  return %s : f64
}
func.func @f(%x: tensor<?xf64>) -> f64 {
  %n = arith.constant 4 : i64
  %s = func.call @norm(%x) : (tensor<?xf64>) -> f64
  %p = func.call @power(%s, %n) : (f64, i64) -> f64
  return %p : f64
})",
        {real_array(draws(3, 8, -.6, .6))});
}

TEST_F(GradientTest, SecondDerivatives) {
  auto module = parse(R"(
func.func @f(%x: tensor<?xf64>, %a: f64) -> f64 {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1.0 : f64
  %n = prob.dim %x 0 : tensor<?xf64>
  %last, %s = prob.for %i = %zero to %n carry(%c = %one : f64) sum(f64) {
    %v = prob.extract %x[%i] : tensor<?xf64> -> f64
    %e = math.exp %v : f64
    %t = arith.mulf %e, %c : f64
    %w = math.sin %t : f64
    %u = arith.mulf %w, %a : f64
    prob.yield carry(%w : f64) sum(%u : f64)
  }
  %r = arith.addf %s, %last : f64
  return %r : f64
}
func.func private @g(%x: tensor<?xf64>, %a: f64) -> (f64, tensor<?xf64>, f64)
// The squared length of the gradient: differentiating it needs second derivatives.
func.func @h(%x: tensor<?xf64>, %a: f64) -> f64 {
  %v, %dx, %da = func.call @g(%x, %a) : (tensor<?xf64>, f64) -> (f64, tensor<?xf64>, f64)
  %zero = arith.constant 0 : i64
  %n = prob.dim %dx 0 : tensor<?xf64>
  %s = prob.for %i = %zero to %n sum(f64) {
    %d = prob.extract %dx[%i] : tensor<?xf64> -> f64
    %q = arith.mulf %d, %d : f64
    prob.yield sum(%q : f64)
  }
  %q = arith.mulf %da, %s : f64
  return %q : f64
})");
  ASSERT_TRUE(module);
  auto source = module->lookupSymbol<mlir::func::FuncOp>("f");
  auto target = module->lookupSymbol<mlir::func::FuncOp>("g");
  ASSERT_TRUE(mlir::succeeded(transform::differentiate(source, {true, true}, target)));
  add_gradient(*module, "h", "k");
  compare(*module, "h", "k", {real_array(draws(4, 9)), 0.8});
}

// A nested loop writes the carried array: nothing of it needs a record.
TEST_F(GradientTest, ArrayWrittenByANestedLoop) {
  check(R"(
func.func @f(%x: tensor<?xf64>) -> f64 {
  %zero = arith.constant 0 : i64
  %n = prob.dim %x 0 : tensor<?xf64>
  %z = prob.zeros(%n, %n) : tensor<?x?xf64>
  %filled, %s = prob.for %i = %zero to %n carry(%c = %z : tensor<?x?xf64>) sum(f64) {
    %v = prob.extract %x[%i] : tensor<?xf64> -> f64
    %d = prob.for %j = %zero to %n carry(%e = %c : tensor<?x?xf64>) {
      %w = prob.extract %x[%j] : tensor<?xf64> -> f64
      %p = arith.mulf %v, %w : f64
      %q = math.sin %p : f64
      %e1 = prob.insert %q into %e[%j, %i] : f64 into tensor<?x?xf64>
      prob.yield carry(%e1 : tensor<?x?xf64>)
    }
    %into = prob.for %j = %zero to %i into(%e = %d : tensor<?x?xf64>) {
      %e1 = prob.add_at %v into %e[%j, %i] : f64 into tensor<?x?xf64>
      prob.yield into(%e1 : tensor<?x?xf64>)
    }
    %a = prob.extract %into[%zero, %i] : tensor<?x?xf64> -> f64
    %b = math.exp %a : f64
    prob.yield carry(%into : tensor<?x?xf64>) sum(%b : f64)
  }
  %r = prob.for %i = %zero to %n sum(f64) {
    %v = prob.for %j = %zero to %n sum(f64) {
      %w = prob.extract %filled[%i, %j] : tensor<?x?xf64> -> f64
      %q = arith.mulf %w, %w : f64
      prob.yield sum(%q : f64)
    }
    prob.yield sum(%v : f64)
  }
  %t = arith.addf %r, %s : f64
  return %t : f64
})",
        {real_array(draws(4, 11))});
}

TEST_F(GradientTest, CarriedArrayThatChangesItsShape) {
  check(R"(
func.func @f(%x: tensor<?xf64>, %y: tensor<?xf64>) -> f64 {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %two = arith.constant 2 : i64
  %last, %s = prob.for %i = %zero to %two carry(%c = %x : tensor<?xf64>) sum(f64) {
    %k = arith.muli %i, %two : i64
    %at = arith.addi %k, %one : i64
    %v = prob.extract %c[%at] : tensor<?xf64> -> f64
    %q = math.exp %v : f64
    prob.yield carry(%y : tensor<?xf64>) sum(%q : f64)
  }
  %three = arith.constant 3 : i64
  %w = prob.extract %last[%three] : tensor<?xf64> -> f64
  %r = arith.mulf %w, %s : f64
  return %r : f64
})",
        {real_array(draws(2, 12)), real_array(draws(4, 13))});
}

// x^3 by a loop, whose adjoint is a formula: the formula is what is called, and is differentiated
// in turn.
TEST_F(GradientTest, AdjointOfItsOwn) {
  const std::string text = R"(
func.func private @cube(%x: f64) -> (f64, i64) attributes {prob.adjoint = @cube_adjoint} {
  %zero = arith.constant 0 : i64
  %three = arith.constant 3 : i64
  %one = arith.constant 1.0 : f64
  %y = prob.for %i = %zero to %three carry(%c = %one : f64) {
    %d = arith.mulf %c, %x : f64
    prob.yield carry(%d : f64)
  }
  return %y, %three : f64, i64
}
func.func private @cube_adjoint(%x: f64, %y: f64, %n: i64, %seed: f64) -> f64
    attributes {prob.adjoint_of = @cube} {
  %r = arith.sitofp %n : i64 to f64
  %q = arith.divf %y, %x : f64
  %p = arith.mulf %q, %r : f64
  %d = arith.mulf %p, %seed : f64
  return %d : f64
}
func.func @f(%x: f64) -> f64 {
  %y, %n = func.call @cube(%x) : (f64) -> (f64, i64)
  %s = math.sin %y : f64
  return %s : f64
}
func.func private @g(%x: f64) -> (f64, f64)
func.func @h(%x: f64) -> f64 {
  %v, %d = func.call @g(%x) : (f64) -> (f64, f64)
  %q = arith.mulf %d, %v : f64
  return %q : f64
})";
  auto module = parse(text);
  ASSERT_TRUE(module);
  auto source = module->lookupSymbol<mlir::func::FuncOp>("f");
  auto target = module->lookupSymbol<mlir::func::FuncOp>("g");
  ASSERT_TRUE(mlir::succeeded(transform::differentiate(source, {true}, target)));
  size_t calls = 0;
  target.walk([&](mlir::func::CallOp call) { calls += call.getCallee() == "cube_adjoint"; });
  EXPECT_EQ(calls, 1u);
  compare(*module, "f", "g", {0.9});
  add_gradient(*module, "h", "k");
  compare(*module, "h", "k", {0.9});
}

}  // namespace
}  // namespace borel::testing
