#include "tests/unit/codegen_elementary_support.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <quadmath.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <random>

namespace borel::codegen::testing {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class T>
T expect(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().text().c_str());
    std::abort();
  }
  return std::move(result).value();
}

// void NAME(x, y, out, n): one loop of `width` lanes
void emit_map(llvm::Module& module, const std::string& name, Elementary function, unsigned width,
              const ElementaryOptions& options) {
  llvm::LLVMContext& context = module.getContext();
  llvm::IRBuilder<> b(context);
  auto* pointer = b.getPtrTy();
  auto* type =
      llvm::FunctionType::get(b.getVoidTy(), {pointer, pointer, pointer, b.getInt64Ty()}, false);
  auto* map = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, module);
  for (unsigned i = 0; i < 3; ++i) {
    map->addParamAttr(i, llvm::Attribute::NoAlias);
  }
  auto* entry = llvm::BasicBlock::Create(context, "entry", map);
  auto* loop = llvm::BasicBlock::Create(context, "loop", map);
  auto* done = llvm::BasicBlock::Create(context, "done", map);
  b.SetInsertPoint(entry);
  b.CreateBr(loop);
  b.SetInsertPoint(loop);
  auto* i = b.CreatePHI(b.getInt64Ty(), 2);
  i->addIncoming(b.getInt64(0), entry);
  llvm::Type* real = b.getDoubleTy();
  llvm::Type* wide = width == 1 ? real : llvm::FixedVectorType::get(real, width);
  std::vector<llvm::Value*> operands;
  for (int k = 0; k < elementary_arity(function); ++k) {
    auto* place = b.CreateGEP(real, map->getArg(static_cast<unsigned>(k)), {i});
    operands.push_back(b.CreateAlignedLoad(wide, place, llvm::Align(8)));
  }
  llvm::Value* result = emit_elementary(b, function, operands, options);
  b.CreateAlignedStore(result, b.CreateGEP(real, map->getArg(2), {i}), llvm::Align(8));
  auto* next = b.CreateAdd(i, b.getInt64(width));
  i->addIncoming(next, loop);
  b.CreateCondBr(b.CreateICmpULT(next, map->getArg(3)), loop, done);
  b.SetInsertPoint(done);
  b.CreateRetVoid();
}

bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) ||
         std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

std::size_t rounded_up(int count) { return (static_cast<std::size_t>(count) + 15) / 16 * 16; }

}  // namespace

const std::vector<unsigned>& Loaded::widths() {
  static const std::vector<unsigned> all{1, 2, 4, 8, 16};
  return all;
}

Loaded::Loaded(Elementary function, const TargetSpec& target, const OptimiseOptions& options,
               CodeQuality quality)
    : jit_(expect(Jit::create(target, {}))) {
  llvm::LLVMContext context;
  auto module = std::make_unique<llvm::Module>("elementary", context);
  for (const unsigned width : widths()) {
    emit_map(*module, "map" + std::to_string(width), function, width, elementary_options(target));
  }
  expect(jit_.add(std::move(module), options, quality));
  for (const unsigned width : widths()) {
    maps_[width] = reinterpret_cast<Map>(expect(jit_.look_up("map" + std::to_string(width))));
  }
}

std::vector<double> Loaded::operator()(unsigned width, const std::vector<double>& x,
                                       const std::vector<double>& y) const {
  std::vector<double> out(x.size());
  maps_.at(width)(x.data(), y.data(), out.data(), static_cast<std::int64_t>(x.size()));
  return out;
}

double Loaded::operator()(double x, double y) const {
  double out = 0;
  maps_.at(1)(&x, &y, &out, 1);
  return out;
}

std::vector<TargetSpec> test_targets() {
  std::vector<TargetSpec> targets{expect(host_target())};
  if (targets.front().avx512) {
    targets.push_back(expect(named_target("x86-64-v3")));
  }
  return targets;
}

std::vector<double> uniform(double low, double high, int count, unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> between(low, high);
  std::vector<double> points(rounded_up(count));
  for (double& point : points) {
    point = between(random);
  }
  return points;
}

std::vector<double> any_magnitude(double low, double high, bool both_signs, int count,
                                  unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> exponent(low, high);
  std::vector<double> points(rounded_up(count));
  for (double& point : points) {
    const double e = exponent(random);
    point = std::ldexp(std::exp2(e - std::floor(e)), static_cast<int>(std::floor(e)));
    if (both_signs && random() % 2 == 0) {
      point = -point;
    }
  }
  return points;
}

std::vector<double> special_points() {
  std::vector<double> points;
  const double one = 1;
  for (const double x : {0.0,
                         0x1p-1074,
                         0x1.8p-1070,
                         0x1.fffffffffffffp-1023,
                         0x1p-1022,
                         0x1p-1021,
                         0x1p-54,
                         0x1p-53,
                         0x1p-52,
                         0.5,
                         std::nextafter(one, 0),
                         1.0,
                         std::nextafter(one, 2),
                         2.0,
                         0x1p52,
                         0x1p53,
                         0x1p54,
                         0x1p1000,
                         0x1p1023,
                         0x1.fffffffffffffp1023,
                         infinity}) {
    points.push_back(x);
    points.push_back(-x);
  }
  while (points.size() % 16 != 0) {
    points.push_back(std::numeric_limits<double>::quiet_NaN());
  }
  return points;
}

double ulps(double value, Quad reference) {
  const auto rounded = static_cast<double>(reference);
  if (std::isnan(value) || std::isnan(rounded)) {
    return std::isnan(value) && std::isnan(rounded) ? 0 : infinity;
  }
  if (std::isinf(value) && value == rounded) {
    return 0;
  }
  // Just beyond the largest double, a finite reference may round to ∞ where the value is finite.
  const int exponent = reference == 0 ? -1022 : std::max(ilogbq(reference), -1022);
  if (exponent > 1100 || exponent < -1100) {
    return value == rounded ? 0 : infinity;
  }
  const Quad ulp = ldexpq(1, std::min(exponent, 1023) - 52);
  const Quad whole = std::isinf(value) ? copysignq(ldexpq(1, 1024), value) : Quad(value);
  return static_cast<double>(fabsq(whole - reference) / ulp);
}

double mixed_error(double value, Quad reference) {
  if (!std::isfinite(value) || !finiteq(reference)) {
    return ulps(value, reference);
  }
  const Quad scale = fmaxq(1, fabsq(reference));
  return static_cast<double>(fabsq(value - reference) / scale * ldexpq(1, 52));
}

Worst worst_error(Elementary function, const std::function<Quad(Quad, Quad)>& reference,
                  std::vector<double> x, std::vector<double> y, double (*measure)(double, Quad)) {
  while (x.size() % 16 != 0) {
    x.push_back(x.back());
  }
  y.resize(x.size(), 1.0);
  Worst worst;
  std::vector<double> first;
  for (const TargetSpec& target : test_targets()) {
    const Loaded loaded(function, target);
    for (const unsigned width : Loaded::widths()) {
      const std::vector<double> values = loaded(width, x, y);
      if (first.empty()) {
        first = values;
        for (std::size_t i = 0; i < x.size(); ++i) {
          const double error = measure(values[i], reference(x[i], y[i]));
          if (error > worst.error) {
            worst = {error, x[i], y[i], values[i]};
          }
        }
      }
      for (std::size_t i = 0; i < x.size(); ++i) {
        if (!same(values[i], first[i])) {
          std::fprintf(stderr, "%s at width %u on %s: %a at %a, %a; elsewhere %a\n",
                       std::string(elementary_name(function)).c_str(), width, target.cpu.c_str(),
                       values[i], x[i], y[i], first[i]);
          return {infinity, x[i], y[i], values[i]};
        }
      }
    }
  }
  return worst;
}

}  // namespace borel::codegen::testing
