// Functions: what is lowered means what the typed program says, by the interpreter of the IR.
#include "compiler/lower/lower.h"

#include <gtest/gtest.h>

#include "compiler/dialect/prob.h"
#include "compiler/support/diagnostics.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Verifier.h"
#include "tests/measure/interpreter.h"
#include "tests/unit/lower_support.h"

namespace borel::testing {
namespace {

using typed::PlaceId;

class LowerFunctions : public ::testing::Test {
 protected:
  /// A function "f" of these parameters; then call.
  void define(std::vector<VarId> params, Type result, typed::Block body) {
    b.function("f", std::move(params), std::move(result), std::move(body));
    module_ = lower(b.program, sources_, context_, LowerOptions{}, result_);
    ASSERT_TRUE(succeeded(mlir::verify(*module_)));
    f_ = module_->lookupSymbol<mlir::func::FuncOp>("f");
  }
  std::vector<Datum> call(std::vector<Datum> arguments) {
    Interpreter interpreter(*module_);
    interpreter.slots = slots;
    return interpreter.call("f", arguments);
  }
  std::vector<double> reals(std::vector<Datum> arguments) {
    std::vector<double> out;
    const auto results = call(std::move(arguments));
    for (const Datum& e : as_array(results.front()).elements) out.push_back(as_real(e));
    return out;
  }
  template <class Op>
  int count() {
    int n = 0;
    f_.walk([&](Op) { ++n; });
    return n;
  }
  Type vector(VarId n) { return array_of(Scalar::Real, {size_of(n)}); }

  ProgramBuilder b;
  std::map<std::string, Datum> slots;
  SourceManager sources_;
  mlir::MLIRContext context_{mlir::MLIRContext::Threading::DISABLED};
  LowerResult result_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  mlir::func::FuncOp f_;
};

/// A matrix as it is stored: column by column.
Datum matrix(int64_t rows, int64_t columns, const std::vector<double>& by_rows) {
  std::vector<Datum> elements;
  for (int64_t j = 0; j < columns; ++j)
    for (int64_t i = 0; i < rows; ++i) elements.push_back(by_rows[i * columns + j]);
  return make_array({columns, rows}, elements);
}

TEST_F(LowerFunctions, ElementwiseExpressionIsOnePlate) {
  const VarId n = b.size("n"), x = b.variable("x", vector(n)), y = b.variable("y", vector(n));
  define({x, y}, vector(n),
         block(give(elementwise(Op::Exp, add(mul(b.ref(x), real(2)), b.ref(y))))));
  EXPECT_EQ(count<prob::ForOp>(), 1);
  EXPECT_EQ(count<prob::ExtractOp>(), 2);
  slots["size.n"] = int64_t{2};
  const auto out = reals({real_array({0.5, 1}), real_array({0, -1})});
  EXPECT_DOUBLE_EQ(out[0], std::exp(1.0));
  EXPECT_DOUBLE_EQ(out[1], std::exp(1.0));
}

TEST_F(LowerFunctions, SumAndDotFuseWithTheirOperands) {
  const VarId n = b.size("n"), x = b.variable("x", vector(n));
  define({x}, real_type(),
         block(give(add(apply(Op::Sum, real_type(), mul(b.ref(x), b.ref(x))),
                        apply(Op::Dot, real_type(), b.ref(x), add(b.ref(x), real(1)))))));
  slots["size.n"] = int64_t{3};
  EXPECT_EQ(count<prob::ForOp>(), 2);
  EXPECT_EQ(as_real(call({real_array({1, 2, 3})})[0]), 14.0 + 20.0);
}

TEST_F(LowerFunctions, SlicesAndGathersAddressTheArray) {
  const VarId n = b.size("n"), k = b.size("k"), x = b.variable("x", vector(n)),
              i = b.variable("i", array_of(Scalar::Int, {size_of(k)}));
  // x[i] + x[1 .. 1 + k]
  define(
      {x, i}, vector(k),
      block(give(add(index(vector(k), b.ref(x), gather(b.ref(i))),
                     index(vector(k), b.ref(x), range(integer(1), add(integer(1), b.ref(k))))))));
  slots["size.n"] = int64_t{4};
  slots["size.k"] = int64_t{2};
  EXPECT_EQ(reals({real_array({1, 10, 100, 1000}), int_array({3, 0})}),
            (std::vector<double>{1010, 101}));
  EXPECT_THROW(reals({real_array({1, 10, 100, 1000}), int_array({4, 0})}), Refused);
  slots["size.k"] = int64_t{5};  // the window leaves the array
  EXPECT_THROW(reals({real_array({1, 10, 100, 1000}), int_array({0, 0, 0, 0, 0})}), Refused);
}

TEST_F(LowerFunctions, MatricesAreStoredByColumns) {
  const VarId n = b.size("n"), m = b.size("m");
  const Type a_type = array_of(Scalar::Real, {size_of(n), size_of(m)}, true);
  const VarId a = b.variable("a", a_type);
  // a[1, 2], the row a[1], the column a[.., 2], and the transpose's row 2 as a sum of differences.
  auto all = typed::Subscript{};
  all.kind = typed::Subscript::Kind::All;
  auto column = index(vector(n), b.ref(a), std::move(all), at(integer(2)));
  auto flipped =
      apply(Op::Transpose, array_of(Scalar::Real, {size_of(m), size_of(n)}, true), b.ref(a));
  auto its_row = index(vector(n), std::move(flipped), at(integer(2)));
  define(
      {a}, tuple_of({real_type(), vector(m), real_type()}),
      block(give(make(tuple_of({real_type(), vector(m), real_type()}),
                      typed::MakeTuple{list(
                          index(real_type(), b.ref(a), at(integer(1)), at(integer(2))),
                          index(vector(m), b.ref(a), at(integer(1))),
                          apply(Op::Dot, real_type(), std::move(column), std::move(its_row)))}))));
  slots["size.n"] = int64_t{2};
  slots["size.m"] = int64_t{3};
  const auto out = call({matrix(2, 3, {1, 2, 3, 4, 5, 6})});
  EXPECT_EQ(as_real(out[0]), 6);
  EXPECT_EQ(as_real(as_array(out[1]).elements[0]), 4);
  EXPECT_EQ(as_real(as_array(out[1]).elements[2]), 6);
  EXPECT_EQ(as_real(out[2]), 9 + 36);
}

TEST_F(LowerFunctions, ProductsOfMatricesAndVectors) {
  const VarId n = b.size("n"), m = b.size("m");
  const Type a_type = array_of(Scalar::Real, {size_of(n), size_of(m)}, true);
  const Type square = array_of(Scalar::Real, {size_of(n), size_of(n)}, true);
  const VarId a = b.variable("a", a_type), x = b.variable("x", vector(m)),
              y = b.variable("y", vector(n));
  auto transposed =
      apply(Op::Transpose, array_of(Scalar::Real, {size_of(m), size_of(n)}, true), b.ref(a));
  const Type result = tuple_of({vector(n), vector(m), square});
  define(
      {a, x, y}, result,
      block(give(make(result, typed::MakeTuple{list(
                                  add(apply(Op::MatMul, vector(n), b.ref(a), b.ref(x)), b.ref(y)),
                                  apply(Op::MatMul, vector(m), b.ref(y), b.ref(a)),
                                  apply(Op::MatMul, square, b.ref(a), std::move(transposed)))}))));
  slots["size.n"] = int64_t{2};
  slots["size.m"] = int64_t{3};
  const auto out =
      call({matrix(2, 3, {1, 2, 3, 4, 5, 6}), real_array({1, 0, -1}), real_array({10, 20})});
  EXPECT_EQ(as_real(as_array(out[0]).elements[0]), 8);
  EXPECT_EQ(as_real(as_array(out[0]).elements[1]), 18);
  EXPECT_EQ(as_real(as_array(out[1]).elements[1]), 120);
  EXPECT_EQ(as_array(out[2]).shape, (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(as_real(as_array(out[2]).elements[0]), 14);
  EXPECT_EQ(as_real(as_array(out[2]).elements[1]), 32);
  EXPECT_EQ(as_real(as_array(out[2]).elements[3]), 77);
}

TEST_F(LowerFunctions, CholeskyAndSolve) {
  const VarId n = b.size("n");
  const Type square = array_of(Scalar::Real, {size_of(n), size_of(n)}, true);
  const VarId a = b.variable("a", square), y = b.variable("y", vector(n)),
              l = b.variable("l", square);
  const Type result = tuple_of({square, vector(n), square});
  define({a, y}, result,
         block(let(l, apply(Op::Cholesky, square, b.ref(a))),
               give(make(result, typed::MakeTuple{list(
                                     b.ref(l), apply(Op::SolveLower, vector(n), b.ref(l), b.ref(y)),
                                     apply(Op::SolveLower, square, b.ref(l), b.ref(a)))}))));
  slots["size.n"] = int64_t{2};
  const auto out = call({matrix(2, 2, {4, 2, 2, 10}), real_array({2, 7})});
  const auto& factor = as_array(out[0]).elements;  // by columns
  EXPECT_EQ(as_real(factor[0]), 2);
  EXPECT_EQ(as_real(factor[1]), 1);
  EXPECT_EQ(as_real(factor[2]), 0);
  EXPECT_EQ(as_real(factor[3]), 3);
  EXPECT_EQ(as_real(as_array(out[1]).elements[0]), 1);
  EXPECT_EQ(as_real(as_array(out[1]).elements[1]), 2);
  const auto& back = as_array(out[2]).elements;  // the transposed factor, by columns
  EXPECT_EQ(as_real(back[0]), 2);
  EXPECT_EQ(as_real(back[1]), 0);
  EXPECT_EQ(as_real(back[2]), 1);
  EXPECT_EQ(as_real(back[3]), 3);
}

TEST_F(LowerFunctions, LoopsCarryWhatTheyAssign) {
  const VarId n = b.size("n"), x = b.variable("x", vector(n)),
              s = b.variable("s", real_type(), true), out = b.variable("out", vector(n), true),
              i = b.variable("i", int_type());
  // Running sums, written into an array.
  define({x}, vector(n),
         block(let(s, real(0)), let(out, nullptr),
               loop(i, integer(0), b.ref(n),
                    block(assign(s, add(b.ref(s), b.element(x, b.ref(i)))),
                          assign_at(out, b.ref(s), at(b.ref(i))))),
               give(b.ref(out))));
  slots["size.n"] = int64_t{3};
  EXPECT_EQ(reals({real_array({1, 2, 3})}), (std::vector<double>{1, 3, 6}));
  int checked = 0;
  f_.walk([&](prob::InsertOp op) { checked += op.getPlace().has_value(); });
  f_.walk([&](prob::ExtractOp op) { checked += op.getPlace().has_value(); });
  EXPECT_EQ(checked, 0) << "indices that follow the loop need no check";
}

TEST_F(LowerFunctions, SlicesCanBeAssigned) {
  const VarId n = b.size("n"), m = b.size("m");
  const Type a_type = array_of(Scalar::Real, {size_of(n), size_of(m)}, true);
  const VarId p = b.variable("p", a_type), a = b.variable("a", a_type, true),
              x = b.variable("x", vector(m));
  // a[1] = x (a row); then a[.., 0] = 7
  auto all = typed::Subscript{};
  all.kind = typed::Subscript::Kind::All;
  define({p, x}, a_type,
         block(let(a, b.ref(p)), assign_at(a, b.ref(x), at(integer(1))),
               assign_at(a, real(7), std::move(all), at(integer(0))), give(b.ref(a))));
  slots["size.n"] = int64_t{2};
  slots["size.m"] = int64_t{3};
  EXPECT_EQ(reals({matrix(2, 3, {1, 2, 3, 4, 5, 6}), real_array({40, 50, 60})}),
            (std::vector<double>{7, 7, 2, 50, 3, 60}));
}

TEST_F(LowerFunctions, WhileAndBranches) {
  const VarId n = b.variable("n", int_type()), k = b.variable("k", int_type(), true),
              steps = b.variable("steps", int_type(), true);
  // Collatz: steps until 1; at most 100, then -1.
  typed::While repeat;
  repeat.condition = apply(Op::Ne, bool_type(), b.ref(k), integer(1));
  typed::If parity;
  parity.condition =
      apply(Op::Eq, bool_type(), elementwise(Op::Mod, b.ref(k), integer(2)), integer(0));
  parity.then_block = block(assign(k, div(b.ref(k), integer(2))));
  parity.else_block = block(assign(k, add(mul(b.ref(k), integer(3)), integer(1))));
  repeat.body = block(statement(std::move(parity)), assign(steps, add(b.ref(steps), integer(1))));
  typed::If result;
  result.condition = apply(Op::Gt, bool_type(), b.ref(steps), integer(100));
  result.then_block = block(give(integer(-1)));
  result.else_block = block(give(b.ref(steps)));
  define({n}, int_type(),
         block(let(k, b.ref(n)), let(steps, integer(0)), statement(std::move(repeat)),
               statement(std::move(result))));
  EXPECT_EQ(as_int(call({int64_t{6}})[0]), 8);
  EXPECT_EQ(as_int(call({int64_t{27}})[0]), -1);
}

TEST_F(LowerFunctions, ComprehensionsStartAnywhereAndMayBeEmpty) {
  const VarId a = b.variable("a", int_type()), e = b.variable("e", int_type()),
              i = b.variable("i", int_type());
  typed::Comprehension node;
  node.generators.push_back({i, b.ref(a), b.ref(e)});
  node.body = apply(Op::IntToReal, real_type(), mul(b.ref(i), b.ref(i)));
  const VarId unknown = b.variable("length", int_type());
  define({a, e}, array_of(Scalar::Real, {size_of(unknown)}),
         block(give(make(array_of(Scalar::Real, {size_of(unknown)}), std::move(node)))));
  EXPECT_EQ(reals({int64_t{2}, int64_t{5}}), (std::vector<double>{4, 9, 16}));
  EXPECT_EQ(reals({int64_t{5}, int64_t{2}}), (std::vector<double>{}));
}

TEST_F(LowerFunctions, NestedComprehensionOfAMatrix) {
  const VarId n = b.size("n"), m = b.size("m"), i = b.variable("i", int_type()),
              j = b.variable("j", int_type());
  const Type type = array_of(Scalar::Real, {size_of(n), size_of(m)}, true);
  typed::Comprehension node;
  node.generators.push_back({i, integer(0), b.ref(n)});
  node.generators.push_back({j, integer(0), b.ref(m)});
  node.body = apply(Op::IntToReal, real_type(), add(mul(b.ref(i), integer(10)), b.ref(j)));
  define({}, type, block(give(make(type, std::move(node)))));
  slots["size.n"] = int64_t{2};
  slots["size.m"] = int64_t{3};
  EXPECT_EQ(reals({}), (std::vector<double>{0, 10, 1, 11, 2, 12}));
  EXPECT_EQ(count<prob::ForOp>(), 2);
}

TEST_F(LowerFunctions, UserArithmeticIsCheckedWhereItHasAPlace) {
  const VarId a = b.variable("a", int_type());
  auto product = mul(b.ref(a), b.ref(a));
  std::get<typed::Builtin>(product->node).place = PlaceId{0};
  define({a}, int_type(), block(give(std::move(product))));
  int checked = 0;
  f_.walk([&](mlir::arith::MulIOp op) { checked += op->hasAttr(prob::place_attribute); });
  EXPECT_EQ(checked, 1);
}

TEST_F(LowerFunctions, LazyLogicGuardsTheAccess) {
  const VarId n = b.size("n"), x = b.variable("x", vector(n)), i = b.variable("i", int_type());
  auto inside = apply(Op::Lt, bool_type(), b.ref(i), b.ref(n));
  auto large = apply(Op::Gt, bool_type(), b.element(x, b.ref(i)), real(0));
  define({x, i}, bool_type(),
         block(give(apply(Op::And, bool_type(), std::move(inside), std::move(large)))));
  slots["size.n"] = int64_t{2};
  EXPECT_TRUE(std::get<bool>(call({real_array({1, 2}), int64_t{1}})[0]));
  EXPECT_FALSE(std::get<bool>(call({real_array({1, 2}), int64_t{2}})[0]));
}

TEST_F(LowerFunctions, InputsOfOffsetShapeKnowTheirExtent) {
  const VarId n = b.size("n");
  const VarId y = b.input("y", array_of(Scalar::Real, {size_of(n, 1)}));
  define({}, int_type(), block(give(apply(Op::Dim, int_type(), b.ref(y), integer(0)))));
  auto slot = module_->lookupSymbol<prob::SlotOp>("input.y");
  EXPECT_EQ(mlir::cast<mlir::ArrayAttr>(slot.getDims()[0]).size(), 2u);
  EXPECT_EQ(result_.description.inputs[0].dims[0].offset, 1);
}

TEST_F(LowerFunctions, BrokenProgramsAreBugs) {
  const VarId x = b.variable("x", real_type());
  b.function("f", {}, real_type(), block(give(b.ref(x))));  // x has no value
  EXPECT_THROW(lower(b.program, sources_, context_, LowerOptions{}, result_), InternalError);
}

}  // namespace
}  // namespace borel::testing
