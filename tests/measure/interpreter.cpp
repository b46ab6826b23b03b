#include "tests/measure/interpreter.h"

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
double as_real(const Datum& d) { return std::get<Real>(d).value; }
const Real& as_dual(const Datum& d) { return std::get<Real>(d); }
int64_t as_int(const Datum& d) { return std::get<int64_t>(d); }
const Array& as_array(const Datum& d) { return *std::get<std::shared_ptr<const Array>>(d); }
std::vector<Datum> scalars(const Datum& d) {
  if (const auto* array = std::get_if<std::shared_ptr<const Array>>(&d)) return (*array)->elements;
  return {d};
}

namespace {

Datum zero_of(mlir::Type type) {
  if (mlir::isa<mlir::FloatType>(type)) return Real(0);
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
  if (std::holds_alternative<Real>(x)) return as_dual(x) + as_dual(y);
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
  const auto name = mlir::StringAttr::get(module_.getContext(), function);
  auto& f = functions_[name];
  if (!f) f = module_.lookupSymbol<mlir::func::FuncOp>(name);
  mlir::func::FuncOp callee = f;
  if (!callee || callee.isDeclaration()) throw Refused("no body for @" + function.str());
  if (callee.getNumArguments() != arguments.size())
    throw Refused("@" + function.str() + " takes another number of arguments");
  if (++depth_ > 200) throw Refused("recursion too deep");
  Frame frame;
  for (auto [argument, value] : llvm::zip_equal(callee.getArguments(), arguments))
    frame[argument] = value;
  auto out = run_block(callee.getBody().front(), frame);
  --depth_;
  return out;
}

Real Interpreter::generate(Mode mode, llvm::StringRef model, const std::vector<Datum>& arguments) {
  mode_ = mode;
  score_ = Real(0);
  failed_ = false;
  draws.clear();
  returned = call(model, arguments);
  mode_ = Mode::Ordinary;
  return score_so_far();
}

Real Interpreter::score_so_far() const {
  return failed_ ? Real(-std::numeric_limits<double>::infinity()) : score_;
}

Real Interpreter::weigh(llvm::StringRef model, const std::vector<Datum>& arguments) {
  return generate(Mode::Weighing, model, arguments);
}

Real Interpreter::density_of(llvm::StringRef model, const std::vector<Datum>& arguments,
                             const Trace& trace) {
  trace_ = &trace;
  return generate(Mode::OnTrace, model, arguments);
}

Real Interpreter::density_on_reals(llvm::StringRef model, const std::vector<Datum>& arguments,
                                   const Datum& u, const std::map<int64_t, int64_t>& offsets) {
  reals_ = &as_array(u);
  offsets_ = &offsets;
  return generate(Mode::OnReals, model, arguments);
}

std::vector<Datum> Interpreter::simulate(llvm::StringRef model,
                                         const std::vector<Datum>& arguments) {
  generate(Mode::Drawing, model, arguments);
  return returned;
}

// Values live in one frame for the whole call: what an iteration or a branch defines is defined
// again before it is used again.
std::vector<Datum> Interpreter::run_block(mlir::Block& block, Frame& frame) {
  for (Operation& op : block.without_terminator()) run_op(op, frame);
  std::vector<Datum> out;
  for (const Value v : block.getTerminator()->getOperands()) out.push_back(frame.at(v));
  return out;
}

void Interpreter::run_op(Operation& op, Frame& frame) {
  if (++steps > step_limit) throw Refused("too many steps");
  auto get = [&](Value v) -> const Datum& { return frame.find(v)->second; };
  auto set = [&](Datum d) { frame[op.getResult(0)] = std::move(d); };
  auto indices = [&](mlir::ValueRange values) {
    std::vector<int64_t> out;
    for (const Value v : values) out.push_back(as_int(get(v)));
    return out;
  };
  const llvm::StringRef dialect = op.getName().getDialectNamespace();
  if ((dialect == "arith" && !mlir::isa<arith::ConstantOp>(op)) || dialect == "math" ||
      mlir::isa<prob::SpecialOp>(op)) {
    if (!run_scalar(op, frame))
      throw Refused("unknown operation " + op.getName().getStringRef().str());
    return;
  }

  llvm::TypeSwitch<Operation*>(&op)
      .Case([&](arith::ConstantOp c) {
        if (auto real = mlir::dyn_cast<mlir::FloatAttr>(c.getValue())) {
          set(Real(real.getValueAsDouble()));
        } else {
          auto integer = mlir::cast<mlir::IntegerAttr>(c.getValue());
          if (c.getType().isInteger(1)) {
            set(integer.getValue().getBoolValue());
          } else {
            set(integer.getValue().getSExtValue());
          }
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
      .Case([&](prob::FaultOp f) {
        if (std::get<bool>(get(f.getCondition()))) throw Refused("fault");
      })
      .Case([&](prob::UniformOp) {
        if (uniform) return set(Real(uniform()));
        // Weyl's sequence: even, and never 0 or 1.
        const double x = static_cast<double>(++next_uniform) * 0.6180339887498949;
        set(Real(x - std::floor(x)));
      })
      .Case([&](prob::KeyOp) {
        if (!key) throw Refused("a key without a source");
        set(key());
      })
      .Case([&](prob::UniformAtOp u) {
        if (!uniform_at) throw Refused("a uniform by position without a source");
        set(Real(uniform_at(as_int(get(u.getKey())), as_int(get(u.getElement())),
                            as_int(get(u.getNumber())))));
      })
      .Case([&](prob::StopOp) {
        if (mode_ == Mode::Weighing && at_stop) at_stop(score_so_far());
      })
      .Case([&](prob::ForOp) { run_loop(op, frame); })
      .Case([&](scf::IfOp branch) {
        const bool taken = std::get<bool>(get(branch.getCondition()));
        mlir::Region& side = taken ? branch.getThenRegion() : branch.getElseRegion();
        if (side.empty()) return;
        const auto out = run_block(side.front(), frame);
        for (auto [result, value] : llvm::zip_equal(branch.getResults(), out))
          frame[result] = value;
      })
      .Case([&](scf::WhileOp) { run_while(op, frame); })
      .Case([&](mlir::func::CallOp c) {
        std::vector<Datum> arguments;
        for (const Value v : c.getOperands()) arguments.push_back(get(v));
        auto out = call(c.getCallee(), arguments);
        for (auto [value, d] : llvm::zip_equal(c.getResults(), out)) frame[value] = std::move(d);
      })
      .Case<prob::SampleOp, prob::ObserveOp, prob::LatentOp, prob::ScoreOp, prob::RequireOp,
            prob::RecordOp>([&](auto) { run_generative(op, frame); })
      .Default([&](Operation*) {
        throw Refused("unknown operation " + op.getName().getStringRef().str());
      });
}

void Interpreter::run_while(Operation& op, Frame& frame) {
  auto loop = mlir::cast<scf::WhileOp>(op);
  std::vector<Datum> carried;
  for (const Value v : loop.getInits()) carried.push_back(frame.at(v));
  while (true) {
    if (++steps > step_limit) throw Refused("too many steps");
    for (auto [argument, value] : llvm::zip_equal(loop.getBefore().getArguments(), carried))
      frame[argument] = value;
    auto out = run_block(loop.getBefore().front(), frame);
    const bool again = std::get<bool>(out.front());
    out.erase(out.begin());
    if (!again) {
      for (auto [value, d] : llvm::zip_equal(loop.getResults(), out)) frame[value] = d;
      return;
    }
    for (auto [argument, value] : llvm::zip_equal(loop.getAfter().getArguments(), out))
      frame[argument] = value;
    carried = run_block(loop.getAfter().front(), frame);
  }
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
    if (++steps > step_limit) throw Refused("too many steps");
    frame[loop.induction()] = iv;
    for (auto [argument, value] : llvm::zip_equal(loop.carry_args(), carried))
      frame[argument] = value;
    for (auto [argument, value] : llvm::zip_equal(loop.into_args(), accumulated))
      frame[argument] = value;
    const auto out = run_block(loop.block(), frame);
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

/// The value of a draw, recorded among `draws`.
Datum Interpreter::drawn(Operation& op, Frame& frame) {
  auto sample = mlir::cast<prob::SampleOp>(op);
  auto values = [&](mlir::ValueRange range) {
    std::vector<Datum> out;
    for (const Value v : range) out.push_back(frame.at(v));
    return out;
  };
  std::vector<int64_t> where;
  int64_t element_number = 0;
  for (auto [index, extent] : llvm::zip_equal(sample.getIndices(), sample.getExtents())) {
    where.push_back(as_int(frame.at(index)));
    element_number = element_number * as_int(frame.at(extent)) + where.back();
  }
  const auto site = static_cast<int64_t>(sample.getSite());
  Draw draw{site, element_number, 0, 0, {}, where};
  Datum value;
  switch (mode_) {
    case Mode::Ordinary:
      throw Refused("a draw outside of a model's run");
    case Mode::OnTrace: {
      const Datum& whole = trace_->at(site);
      value = where.empty() ? whole : element(as_array(whole), where);
      break;
    }
    case Mode::Drawing:
    case Mode::Weighing:
      value = call(sample.getSampler().value(), values(sample.getParameters()))[0];
      break;
    case Mode::OnReals: {
      draw.reals =
          sample.getUnconstrainedSize() ? as_int(frame.at(sample.getUnconstrainedSize())) : 1;
      draw.first_real = offsets_->at(site) + element_number * draw.reals;
      std::vector<Datum> reals;
      for (int64_t i = 0; i < draw.reals; ++i)
        reals.push_back(reals_->elements.at(static_cast<size_t>(draw.first_real + i)));
      value = sample.getUnconstrainedSize() ? make_array({draw.reals}, reals) : reals[0];
      if (auto constrain = sample.getConstrain()) {
        auto arguments = values(sample.getSupportParameters());
        arguments.push_back(value);
        value = call(*constrain, arguments)[0];  // its log Jacobian is what the tests check
      }
      break;
    }
  }
  draw.value = scalars(value);
  if (!draw.value.empty()) draw.element *= static_cast<int64_t>(draw.value.size());
  draws.push_back(std::move(draw));
  return value;
}

void Interpreter::run_generative(Operation& op, Frame& frame) {
  auto score = [&](llvm::StringRef logp, mlir::ValueRange parameters, const Datum& value) {
    std::vector<Datum> arguments;
    for (const Value v : parameters) arguments.push_back(frame.at(v));
    arguments.push_back(value);
    score_ = score_ + as_dual(call(logp, arguments)[0]);
  };
  if (auto sample = mlir::dyn_cast<prob::SampleOp>(op)) {
    const Datum value = drawn(op, frame);
    if (mode_ != Mode::Drawing && mode_ != Mode::Weighing)
      score(sample.getLogp(), sample.getParameters(), value);
    frame[sample.getValue()] = value;
  } else if (auto observe = mlir::dyn_cast<prob::ObserveOp>(op)) {
    const Datum value = frame.at(observe.getValue());
    if (mode_ != Mode::Drawing) score(observe.getLogp(), observe.getParameters(), value);
  } else if (auto latent = mlir::dyn_cast<prob::LatentOp>(op)) {
    std::vector<int64_t> where;
    for (const Value v : latent.getIndices()) where.push_back(as_int(frame.at(v)));
    const Datum whole = frame.at(latent.getSource());
    frame[latent.getValue()] = where.empty() ? whole : element(as_array(whole), where);
  } else if (auto factor = mlir::dyn_cast<prob::ScoreOp>(op)) {
    score_ = score_ + as_dual(frame.at(factor.getValue()));
  } else if (auto require = mlir::dyn_cast<prob::RequireOp>(op)) {
    if (!std::get<bool>(frame.at(require.getCondition()))) failed_ = true;
  } else if (auto record = mlir::dyn_cast<prob::RecordOp>(op); record && mode_ == Mode::Weighing) {
    Draw noted{static_cast<int64_t>(record.getSite()), 0, 0, 0,
               scalars(frame.at(record.getValue())),   {}};
    for (const Value v : record.getIndices()) noted.indices.push_back(as_int(frame.at(v)));
    draws.push_back(std::move(noted));
  }
}

}  // namespace borel::testing
