// From a typed model to the functions made from it: the values of eight schools, by the
// interpreter.
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

double normal(double mu, double sigma, double x) {
  const double z = (x - mu) / sigma;
  return -0.5 * z * z - std::log(sigma) - 0.5 * std::log(2 * M_PI);
}

class EightSchools : public ::testing::Test {
 protected:
  void SetUp() override {
    module_ = lower(eight_schools(), sources_, context_, LowerOptions{}, result_);
    ASSERT_TRUE(module_);
    ASSERT_TRUE(succeeded(mlir::verify(*module_)));
    interpreter_ = std::make_unique<Interpreter>(*module_);
    interpreter_->slots["size.J"] = int64_t{3};
    interpreter_->slots["input.sigma"] = real_array(sigma_);
    interpreter_->slots["input.y"] = real_array(y_);
  }
  void derive_all() {
    ASSERT_TRUE(succeeded(transform::derive(*module_)));
    ASSERT_TRUE(succeeded(mlir::verify(*module_)));
  }
  double expected(bool jacobian) const {
    const double mu = u_[0], tau = std::exp(u_[1]);
    double out = normal(0, 5, mu) + normal(0, 5, tau) + (jacobian ? u_[1] : 0);
    for (size_t j = 0; j < 3; ++j)
      out += normal(0, 1, u_[2 + j]) + normal(mu + tau * u_[2 + j], sigma_[j], y_[j]);
    return out;
  }
  double value(const char* function, const std::vector<double>& u) {
    return as_real(interpreter_->call(function, {real_array(u)}).front());
  }

  SourceManager sources_;
  mlir::MLIRContext context_{mlir::MLIRContext::Threading::DISABLED};
  LowerResult result_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  std::unique_ptr<Interpreter> interpreter_;
  std::vector<double> sigma_ = {15, 10, 16}, y_ = {28, 8, -3};
  std::vector<double> u_ = {1.5, 0.7, -0.3, 0.9, 1.1};
};

TEST_F(EightSchools, DescribesItself) {
  const ProgramDescription& d = result_.description;
  ASSERT_EQ(d.sizes.size(), 1u);
  EXPECT_EQ(d.sizes[0].name, "J");
  ASSERT_EQ(d.inputs.size(), 2u);
  EXPECT_EQ(d.inputs[1].slot, "input.y");
  EXPECT_EQ(d.inputs[1].dims[0].symbol, 0);
  ASSERT_EQ(d.models.size(), 1u);
  ASSERT_EQ(d.models[0].sites.size(), 5u);
  EXPECT_EQ(d.models[0].sites[3].kind, SiteDescription::Kind::Derived);
  EXPECT_EQ(d.models[0].log_density_gradient_plain, "eight_schools.log_density_gradient_plain");
  EXPECT_FALSE(d.has_machine);
}

TEST_F(EightSchools, ShapeOfADraw) {
  const auto shape = interpreter_->call("shape.eight_schools", {});
  const std::vector<int64_t> wanted = {5, 8, 0, 1, 3, 2, 3, -1, 3, -1};
  ASSERT_EQ(shape.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_EQ(as_int(shape[i]), wanted[i]) << i;
}

TEST_F(EightSchools, ModelScoresATrace) {
  const Trace trace = {
      {0, Datum(u_[0])}, {1, Datum(std::exp(u_[1]))}, {2, real_array({u_[2], u_[3], u_[4]})}};
  EXPECT_NEAR(interpreter_->density_of("model.eight_schools", {}, trace).value, expected(false),
              1e-12);
}

TEST_F(EightSchools, LogDensity) {
  derive_all();
  EXPECT_NEAR(value("eight_schools.log_density", u_), expected(true), 1e-12);
  EXPECT_NEAR(value("eight_schools.log_density_plain", u_), expected(false), 1e-12);
}

TEST_F(EightSchools, RequirementGivesMinusInfinity) {
  interpreter_->slots["input.sigma"] = real_array({15, -10, 16});
  derive_all();
  EXPECT_EQ(value("eight_schools.log_density", u_), -INFINITY);
}

TEST_F(EightSchools, DiagnosisNamesTheDrawAndTheCondition) {
  derive_all();
  EXPECT_NO_THROW(interpreter_->call("eight_schools.diagnose", {real_array(u_)}));
  interpreter_->slots["input.sigma"] = real_array({15, -10, 16});
  EXPECT_THROW(interpreter_->call("eight_schools.diagnose", {real_array(u_)}), Refused);

  const size_t before = result_.description.places.size();
  read_places(*module_, result_.description);
  ASSERT_GT(result_.description.places.size(), before);
  const PlaceDescription& place = result_.description.places.back();
  EXPECT_EQ(place.what, "sigma > 0");  // the library's words …
  EXPECT_EQ(place.site, "y");          // … at the program's draw
}

TEST_F(EightSchools, Gradient) {
  derive_all();
  const auto out = interpreter_->call("eight_schools.log_density_gradient", {real_array(u_)});
  ASSERT_EQ(out.size(), 2u);
  EXPECT_NEAR(as_real(out[0]), expected(true), 1e-12);
  for (size_t i = 0; i < u_.size(); ++i) {
    std::vector<double> more = u_, less = u_;
    more[i] += 1e-5;
    less[i] -= 1e-5;
    const double slope =
        (value("eight_schools.log_density", more) - value("eight_schools.log_density", less)) /
        2e-5;
    EXPECT_NEAR(as_real(as_array(out[1]).elements[i]), slope, 1e-7) << i;
  }
}

TEST_F(EightSchools, ConstrainAndBack) {
  derive_all();
  auto trace = interpreter_->call("eight_schools.constrain", {real_array(u_)});
  ASSERT_EQ(trace.size(), 4u);
  EXPECT_DOUBLE_EQ(as_real(trace[0]), u_[0]);
  EXPECT_DOUBLE_EQ(as_real(trace[1]), std::exp(u_[1]));
  for (size_t j = 0; j < 3; ++j) {
    EXPECT_DOUBLE_EQ(as_real(as_array(trace[2]).elements[j]), u_[2 + j]);
    EXPECT_DOUBLE_EQ(as_real(as_array(trace[3]).elements[j]), u_[0] + std::exp(u_[1]) * u_[2 + j]);
  }
  trace.pop_back();
  const auto u = interpreter_->call("eight_schools.unconstrain", trace);
  for (size_t i = 0; i < u_.size(); ++i)
    EXPECT_NEAR(as_real(as_array(u[0]).elements[i]), u_[i], 1e-15) << i;
}

TEST_F(EightSchools, SimulateCallsSamplers) {
  derive_all();
  auto function = module_->lookupSymbol<mlir::func::FuncOp>("eight_schools.simulate");
  ASSERT_TRUE(function && !function.isExternal());
  int draws = 0, calls = 0;
  function.walk([&](prob::UniformOp) { ++draws; });
  function.walk([&](mlir::func::CallOp) { ++calls; });
  EXPECT_EQ(draws, 3);
  EXPECT_EQ(calls, 0);
}

TEST_F(EightSchools, NothingGenerativeIsLeft) {
  derive_all();
  for (auto function : module_->getOps<mlir::func::FuncOp>()) {
    EXPECT_FALSE(function.isExternal()) << function.getName().str();
    if (function->hasAttr(prob::model_attribute)) continue;
    function.walk([&](mlir::Operation* op) {
      EXPECT_FALSE((mlir::isa<prob::SampleOp, prob::LatentOp, prob::ObserveOp, prob::ScoreOp,
                              prob::RequireOp, prob::RecordOp>(op)))
          << function.getName().str();
    });
  }
}

}  // namespace
}  // namespace borel::testing
