// Passes keep the meaning: every function of the passes' own tests is evaluated before and after,
// on arrays of several lengths (none, one, a few), and the results must agree.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <random>

#include "compiler/dialect/prob.h"
#include "compiler/transform/passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "tests/measure/interpreter.h"

namespace borel::testing {
namespace {

/// The passes under test, alone and in the orders in which they work together.
const std::vector<std::vector<std::string>> pipelines = {
    {"structure"},
    {"simplify"},
    {"fuse"},
    {"split"},
    {"hoist"},
    {"structure", "simplify", "fuse", "simplify"},
    {"structure", "simplify", "split", "fuse", "simplify", "hoist", "simplify", "fuse", "simplify"},
};

std::vector<std::string> test_files() {
  std::vector<std::string> files;
  for (const char* folder : {"structure", "simplify", "fuse", "split", "hoist"}) {
    const auto at = std::filesystem::path(BOREL_PASS_TESTS) / folder;
    for (const auto& entry : std::filesystem::directory_iterator(at))
      if (entry.path().extension() == ".mlir") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

class Meaning : public ::testing::TestWithParam<std::string> {
 protected:
  Meaning() : context_(registry(), mlir::MLIRContext::Threading::DISABLED) {
    context_.loadAllAvailableDialects();
  }

  static mlir::DialectRegistry registry() {
    mlir::DialectRegistry out;
    out.insert<prob::ProbDialect, mlir::arith::ArithDialect, mlir::func::FuncDialect,
               mlir::math::MathDialect, mlir::scf::SCFDialect>();
    return out;
  }

  void run(mlir::ModuleOp module, const std::vector<std::string>& names) {
    mlir::PassManager manager(&context_);
    for (const std::string& name : names) {
      for (const auto& entry : transform::passes()) {
        if (name != entry.name) continue;
        auto pass = entry.create();
        const auto anchor = pass->getOpName();
        if (anchor && *anchor != mlir::ModuleOp::getOperationName()) {
          manager.nest(*anchor).addPass(std::move(pass));
        } else {
          manager.addPass(std::move(pass));
        }
      }
    }
    ASSERT_TRUE(mlir::succeeded(manager.run(module)));
  }

  /// A value of a type: positive reals, indices below `length`, arrays of that length.
  Datum any(mlir::Type type, int64_t length) {
    if (mlir::isa<mlir::FloatType>(type))
      return std::uniform_real_distribution<double>(0.3, 1.7)(random_);
    if (type.isInteger(1)) return std::uniform_int_distribution<int>(0, 1)(random_) == 1;
    if (!prob::is_array(type)) return length;
    auto tensor = mlir::cast<mlir::RankedTensorType>(type);
    std::vector<int64_t> shape;
    int64_t count = 1;
    for (const int64_t extent : tensor.getShape()) {
      shape.push_back(mlir::ShapedType::isDynamic(extent) ? length : extent);
      count *= shape.back();
    }
    std::vector<Datum> elements;
    for (int64_t i = 0; i < count; ++i) {
      if (tensor.getElementType().isInteger(64)) {
        elements.emplace_back(
            std::uniform_int_distribution<int64_t>(1, std::max<int64_t>(1, length - 1))(random_) %
            std::max<int64_t>(1, length));
      } else {
        elements.push_back(any(tensor.getElementType(), length));
      }
    }
    return make_array(std::move(shape), std::move(elements));
  }

  std::map<std::string, Datum> slots(mlir::ModuleOp module, int64_t length) {
    std::map<std::string, Datum> out;
    for (auto slot : module.getOps<prob::SlotOp>())
      if (slot.getKind() != "hoisted") out[slot.getSymName().str()] = any(slot.getType(), length);
    return out;
  }

  mlir::MLIRContext context_;
  std::mt19937_64 random_{20};
};

void expect_same(const Datum& a, const Datum& b, const std::string& where) {
  ASSERT_EQ(a.index(), b.index()) << where;
  const bool is_real = !std::holds_alternative<int64_t>(a) && !std::holds_alternative<bool>(a) &&
                       !std::holds_alternative<std::shared_ptr<const Array>>(a);
  if (is_real) {
    const double x = as_real(a), y = as_real(b);
    if (std::isfinite(x)) {
      EXPECT_NEAR(x, y, 1e-9 * std::max(1.0, std::fabs(x))) << where;
    } else {
      EXPECT_EQ(std::isnan(x), std::isnan(y)) << where;
      if (!std::isnan(x)) {
        EXPECT_EQ(x, y) << where;
      }
    }
  } else if (std::holds_alternative<int64_t>(a)) {
    EXPECT_EQ(as_int(a), as_int(b)) << where;
  } else if (std::holds_alternative<bool>(a)) {
    EXPECT_EQ(std::get<bool>(a), std::get<bool>(b)) << where;
  } else {
    const Array &x = as_array(a), &y = as_array(b);
    ASSERT_EQ(x.shape, y.shape) << where;
    for (size_t i = 0; i < x.elements.size(); ++i)
      expect_same(x.elements[i], y.elements[i], where + " element " + std::to_string(i));
  }
}

bool has_trace(mlir::func::FuncOp function) {
  return function
      .walk([](mlir::Operation* op) {
        const bool trace = mlir::isa<prob::ScoreOp, prob::SampleOp, prob::ObserveOp>(op);
        return trace ? mlir::WalkResult::interrupt() : mlir::WalkResult::advance();
      })
      .wasInterrupted();
}

TEST_P(Meaning, is_kept) {
  int compared = 0;
  for (const auto& names : pipelines) {
    auto before = mlir::parseSourceFile<mlir::ModuleOp>(GetParam(), &context_);
    auto after = mlir::parseSourceFile<mlir::ModuleOp>(GetParam(), &context_);
    ASSERT_TRUE(before && after);
    run(*after, names);
    for (const int64_t length : {0, 1, 2, 3, 6}) {
      const auto values = slots(*before, length);
      for (auto function : before->getOps<mlir::func::FuncOp>()) {
        if (has_trace(function)) continue;
        std::vector<Datum> arguments;
        for (const mlir::Type type : function.getArgumentTypes())
          arguments.push_back(any(type, length));
        Interpreter old(*before), made(*after);
        old.slots = made.slots = values;
        std::vector<Datum> expected, found;
        try {
          expected = old.call(function.getName(), arguments);
        } catch (const Refused&) {
          continue;  // the program itself faults at this length
        }
        std::string where = function.getName().str() + " at " + std::to_string(length) + " after";
        for (const auto& name : names) where += " " + name;
        try {
          made.bind();
          found = made.call(function.getName(), arguments);
        } catch (const Refused& refused) {
          ADD_FAILURE() << where << ": " << refused.what();
          continue;
        }
        ASSERT_EQ(expected.size(), found.size());
        for (size_t i = 0; i < expected.size(); ++i) expect_same(expected[i], found[i], where);
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 0);
}

INSTANTIATE_TEST_SUITE_P(Files, Meaning, ::testing::ValuesIn(test_files()), [](const auto& test) {
  std::string name = std::filesystem::path(test.param).parent_path().filename().string() + "_" +
                     std::filesystem::path(test.param).stem().string();
  return name;
});

}  // namespace
}  // namespace borel::testing
