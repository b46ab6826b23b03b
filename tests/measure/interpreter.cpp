#include "tests/measure/interpreter.h"

#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/trigamma.hpp>
#include <cmath>
#include <limits>

#include "compiler/dialect/prob.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace borel::testing {

namespace arith = mlir::arith;
namespace math = mlir::math;
namespace scf = mlir::scf;
using mlir::Operation;
using mlir::Value;

Datum make_array(std::vector<int64_t> shape, std::vector<Datum> elements) {
  return std::make_shared<const Array>(Array{std::move(shape), std::move(elements)});
}
Datum real_array(const std::vector<double>& values) {
  return make_array({static_cast<int64_t>(values.size())}, {values.begin(), values.end()});
}
Datum int_array(const std::vector<int64_t>& values) {
  return make_array({static_cast<int64_t>(values.size())}, {values.begin(), values.end()});
}
double as_real(const Datum& d) { return std::get<double>(d); }
int64_t as_int(const Datum& d) { return std::get<int64_t>(d); }
const Array& as_array(const Datum& d) { return *std::get<std::shared_ptr<const Array>>(d); }

namespace {

Datum zero_of(mlir::Type type) {
  if (mlir::isa<mlir::FloatType>(type)) return 0.0;
  if (type.isInteger(1)) return false;
  return int64_t{0};
}

int64_t count(const std::vector<int64_t>& shape) {
  int64_t n = 1;
  for (const int64_t e : shape) n *= e;
  return n;
}

/// First element and number of elements under a prefix of indices.
std::pair<size_t, size_t> locate(const Array& a, const std::vector<int64_t>& indices) {
  int64_t offset = 0;
  for (size_t i = 0; i < a.shape.size(); ++i) {
    int64_t index = 0;
    if (i < indices.size()) {
      index = indices[i];
      if (index < 0 || index >= a.shape[i])
        throw Refused("index " + std::to_string(index) + " outside 0.." +
                      std::to_string(a.shape[i]));
    }
    offset = offset * a.shape[i] + index;
  }
  const std::vector<int64_t> rest(a.shape.begin() + static_cast<long>(indices.size()),
                                  a.shape.end());
  return {static_cast<size_t>(offset), static_cast<size_t>(count(rest))};
}

Datum element(const Array& a, const std::vector<int64_t>& indices) {
  const auto [first, n] = locate(a, indices);
  if (indices.size() == a.shape.size()) return a.elements[first];
  return make_array({a.shape.begin() + static_cast<long>(indices.size()), a.shape.end()},
                    {a.elements.begin() + static_cast<long>(first),
                     a.elements.begin() + static_cast<long>(first + n)});
}

Datum plus(const Datum& x, const Datum& y) {
  if (std::holds_alternative<double>(x)) return as_real(x) + as_real(y);
  return as_int(x) + as_int(y);
}

Datum stored(const Array& a, const std::vector<int64_t>& indices, const Datum& value, bool add) {
  Array out = a;
  const auto [first, n] = locate(a, indices);
  for (size_t i = 0; i < n; ++i) {
    const Datum& v = indices.size() == a.shape.size() ? value : as_array(value).elements.at(i);
    out.elements[first + i] = add ? plus(a.elements[first + i], v) : v;
  }
  return std::make_shared<const Array>(std::move(out));
}

double special(llvm::StringRef name, double x) {
  if (name == "lgamma") return std::lgamma(x);
  if (name == "digamma") return boost::math::digamma(x);
  if (name == "trigamma") return boost::math::trigamma(x);
  if (name == "erfc") return std::erfc(x);
  if (name == "Phi") return 0.5 * std::erfc(-x / std::sqrt(2.0));
  if (name == "log_Phi") {
    if (x > -30) return std::log(0.5 * std::erfc(-x / std::sqrt(2.0)));
    // Asymptotic series of Mills' ratio.
    const double t = 1 / (x * x);
    return -0.5 * x * x - std::log(-x) - 0.5 * std::log(2 * M_PI) +
           std::log1p(-t * (1 - t * (3 - t * (15 - t * 105))));
  }
  throw Refused("unknown special function " + name.str());
}

}  // namespace

void Interpreter::bind() {
  if (!module_.lookupSymbol<mlir::func::FuncOp>("borel.bind")) return;
  const auto values = call("borel.bind", {});
  size_t next = 0;
  for (auto slot : module_.getOps<prob::SlotOp>())
    if (slot.getKind() == "hoisted") slots[slot.getSymName().str()] = values.at(next++);
}

std::vector<Datum> Interpreter::call(llvm::StringRef function,
                                     const std::vector<Datum>& arguments) {
  auto f = module_.lookupSymbol<mlir::func::FuncOp>(function);
  if (!f || f.isDeclaration()) throw Refused("no body for @" + function.str());
  if (++depth_ > 500) throw Refused("recursion too deep");
  Frame frame;
  for (auto [argument, value] : llvm::zip_equal(f.getArguments(), arguments))
    frame[argument] = value;
  auto out = run_block(f.getBody().front(), frame);
  --depth_;
  return out;
}

double Interpreter::density_of(llvm::StringRef model, const std::vector<Datum>& arguments,
                               const Trace& trace) {
  trace_ = &trace;
  score_ = 0;
  call(model, arguments);
  trace_ = nullptr;
  return score_;
}

std::vector<Datum> Interpreter::run_block(mlir::Block& block, Frame& frame) {
  for (Operation& op : block.without_terminator()) run_op(op, frame);
  std::vector<Datum> out;
  for (const Value v : block.getTerminator()->getOperands()) out.push_back(frame.at(v));
  return out;
}

void Interpreter::run_op(Operation& op, Frame& frame) {
  if (++steps > step_limit) throw Refused("too many steps");
  auto get = [&](Value v) -> const Datum& { return frame.at(v); };
  auto set = [&](Datum d) { frame[op.getResult(0)] = std::move(d); };
  auto indices = [&](mlir::ValueRange values) {
    std::vector<int64_t> out;
    for (const Value v : values) out.push_back(as_int(get(v)));
    return out;
  };
  auto scoped = [&](mlir::Region& region) {
    Frame inner = frame;  // values inside are out of scope again afterwards
    return run_block(region.front(), inner);
  };

  llvm::TypeSwitch<Operation*>(&op)
      .Case([&](arith::ConstantOp c) {
        if (auto real = mlir::dyn_cast<mlir::FloatAttr>(c.getValue())) {
          set(real.getValueAsDouble());
        } else {
          auto integer = mlir::cast<mlir::IntegerAttr>(c.getValue());
          if (c.getType().isInteger(1))
            set(integer.getValue().getBoolValue());
          else
            set(integer.getValue().getSExtValue());
        }
      })
      .Case([&](prob::DataOp data) {
        const auto it = slots.find(data.getSlot().str());
        if (it == slots.end()) throw Refused("slot @" + data.getSlot().str() + " has no value");
        set(it->second);
      })
      .Case([&](prob::ZerosOp zeros) {
        auto shape = indices(zeros.getExtents());
        for (int64_t& e : shape)
          if (e < 0) throw Refused("negative extent");
        const auto n = static_cast<size_t>(count(shape));
        set(make_array(shape, std::vector<Datum>(n, zero_of(prob::scalar_type(zeros.getType())))));
      })
      .Case(
          [&](prob::DimOp dim) { set(as_array(get(dim.getArray())).shape.at(dim.getDimension())); })
      .Case([&](prob::ExtractOp e) {
        set(element(as_array(get(e.getArray())), indices(e.getIndices())));
      })
      .Case([&](prob::InsertOp i) {
        set(stored(as_array(get(i.getArray())), indices(i.getIndices()), get(i.getValue()), false));
      })
      .Case([&](prob::AddAtOp a) {
        set(stored(as_array(get(a.getArray())), indices(a.getIndices()), get(a.getValue()), true));
      })
      .Case([&](prob::SpecialOp s) { set(special(s.getFunction(), as_real(get(s.getX())))); })
      .Case([&](prob::FaultOp f) {
        if (std::get<bool>(get(f.getCondition()))) throw Refused("fault");
      })
      .Case([&](prob::ForOp) { run_loop(op, frame); })
      .Case([&](scf::IfOp branch) {
        const bool taken = std::get<bool>(get(branch.getCondition()));
        mlir::Region& side = taken ? branch.getThenRegion() : branch.getElseRegion();
        if (side.empty()) return;
        const auto out = scoped(side);
        for (auto [result, value] : llvm::zip_equal(branch.getResults(), out))
          frame[result] = value;
      })
      .Case([&](scf::WhileOp loop) {
        std::vector<Datum> carried;
        for (const Value v : loop.getInits()) carried.push_back(get(v));
        while (true) {
          Frame inner = frame;
          for (auto [argument, value] : llvm::zip_equal(loop.getBefore().getArguments(), carried))
            inner[argument] = value;
          auto out = run_block(loop.getBefore().front(), inner);
          const bool again = std::get<bool>(out.front());
          out.erase(out.begin());
          if (!again) {
            for (auto [result, value] : llvm::zip_equal(loop.getResults(), out))
              frame[result] = value;
            return;
          }
          Frame body = frame;
          for (auto [argument, value] : llvm::zip_equal(loop.getAfter().getArguments(), out))
            body[argument] = value;
          carried = run_block(loop.getAfter().front(), body);
        }
      })
      .Case([&](mlir::func::CallOp c) {
        std::vector<Datum> arguments;
        for (const Value v : c.getOperands()) arguments.push_back(get(v));
        const auto out = call(c.getCallee(), arguments);
        for (auto [result, value] : llvm::zip_equal(c.getResults(), out)) frame[result] = value;
      })
      .Case<prob::SampleOp, prob::ObserveOp, prob::LatentOp, prob::ScoreOp, prob::RequireOp,
            prob::RecordOp>([&](auto) { run_generative(op, frame); })
      .Default([&](Operation*) {
        if (!run_scalar(op, frame))
          throw Refused("unknown operation " + op.getName().getStringRef().str());
      });
}

void Interpreter::run_loop(Operation& op, Frame& frame) {
  auto loop = mlir::cast<prob::ForOp>(op);
  const int64_t lower = as_int(frame.at(loop.getLower()));
  const int64_t upper = as_int(frame.at(loop.getUpper()));
  const int64_t trips = std::max<int64_t>(upper - lower, 0);
  const size_t carries = loop.getCarries().size(), maps = loop.getMaps().size(),
               sums = loop.getSums().size(), intos = loop.getIntos().size();
  std::vector<Datum> carried, accumulated, total;
  for (const Value v : loop.getCarryInits()) carried.push_back(frame.at(v));
  for (const Value v : loop.getIntoInits()) accumulated.push_back(frame.at(v));
  for (const mlir::Type t : loop.getSums().getTypes()) total.push_back(zero_of(t));
  std::vector<std::vector<Datum>> mapped(maps, std::vector<Datum>(static_cast<size_t>(trips)));

  for (int64_t k = 0; k < trips; ++k) {
    const int64_t iv = loop.getReverse() ? upper - 1 - k : lower + k;
    Frame inner = frame;
    inner[loop.induction()] = iv;
    for (auto [argument, value] : llvm::zip_equal(loop.carry_args(), carried))
      inner[argument] = value;
    for (auto [argument, value] : llvm::zip_equal(loop.into_args(), accumulated))
      inner[argument] = value;
    const auto out = run_block(loop.block(), inner);
    for (size_t i = 0; i < carries; ++i) carried[i] = out[i];
    for (size_t i = 0; i < maps; ++i) mapped[i][static_cast<size_t>(iv - lower)] = out[carries + i];
    for (size_t i = 0; i < sums; ++i) total[i] = plus(total[i], out[carries + maps + i]);
    for (size_t i = 0; i < intos; ++i) accumulated[i] = out[carries + maps + sums + i];
  }

  unsigned next = 0;
  auto set = [&](Datum d) { frame[loop->getResult(next++)] = std::move(d); };
  for (Datum& d : carried) set(d);
  for (size_t i = 0; i < maps; ++i) {
    Array all;
    all.shape.push_back(trips);
    const auto rank = mlir::cast<mlir::RankedTensorType>(loop.getMaps()[i].getType()).getRank();
    if (rank == 1) {
      all.elements = mapped[i];
    } else {
      for (const Datum& row : mapped[i])
        all.elements.insert(all.elements.end(), as_array(row).elements.begin(),
                            as_array(row).elements.end());
      if (trips > 0)
        all.shape.insert(all.shape.end(), as_array(mapped[i][0]).shape.begin(),
                         as_array(mapped[i][0]).shape.end());
      else
        all.shape.resize(static_cast<size_t>(rank), 0);
    }
    set(std::make_shared<const Array>(std::move(all)));
  }
  for (Datum& d : total) set(d);
  for (Datum& d : accumulated) set(d);
}

void Interpreter::run_generative(Operation& op, Frame& frame) {
  auto values = [&](mlir::ValueRange range) {
    std::vector<Datum> out;
    for (const Value v : range) out.push_back(frame.at(v));
    return out;
  };
  auto at_site = [&](int64_t site, mlir::ValueRange indices) {
    if (!trace_) throw Refused("a draw outside density_of");
    std::vector<int64_t> where;
    for (const Value v : indices) where.push_back(as_int(frame.at(v)));
    const Datum& whole = trace_->at(site);
    return where.empty() ? whole : element(as_array(whole), where);
  };
  if (auto sample = mlir::dyn_cast<prob::SampleOp>(op)) {
    const Datum value = at_site(static_cast<int64_t>(sample.getSite()), sample.getIndices());
    auto arguments = values(sample.getParameters());
    arguments.push_back(value);
    score_ += as_real(call(sample.getLogp(), arguments)[0]);
    frame[sample.getValue()] = value;
  } else if (auto observe = mlir::dyn_cast<prob::ObserveOp>(op)) {
    auto arguments = values(observe.getParameters());
    arguments.push_back(frame.at(observe.getValue()));
    score_ += as_real(call(observe.getLogp(), arguments)[0]);
  } else if (auto latent = mlir::dyn_cast<prob::LatentOp>(op)) {
    std::vector<int64_t> where;
    for (const Value v : latent.getIndices()) where.push_back(as_int(frame.at(v)));
    const Datum& whole = frame.at(latent.getSource());
    frame[latent.getValue()] = where.empty() ? whole : element(as_array(whole), where);
  } else if (auto score = mlir::dyn_cast<prob::ScoreOp>(op)) {
    score_ += as_real(frame.at(score.getValue()));
  } else if (auto require = mlir::dyn_cast<prob::RequireOp>(op)) {
    if (!std::get<bool>(frame.at(require.getCondition())))
      score_ = -std::numeric_limits<double>::infinity();
  }
}

}  // namespace borel::testing
