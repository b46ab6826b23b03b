#include "tests/measure/function_expressions.h"

namespace borel::testing {

void FunctionExpressions::leave(const Mark& m) {
  reals_.resize(m.reals);
  positives_.resize(m.positives);
  arrays_.resize(m.arrays, ArrayName{"", 'n', false});
  indices_.resize(m.indices, Index{"", 'n'});
}

void FunctionExpressions::slots() {
  out_.line(R"(prob.slot "size" @n : i64
prob.slot "size" @m : i64
prob.slot "size" @k : i64
prob.slot "input" @dn : tensor<?xf64> {dims = [@n]}
prob.slot "input" @dm : tensor<?xf64> {dims = [@m]}
prob.slot "input" @dk : tensor<?xf64> {dims = [@k]}
prob.slot "input" @dq : tensor<?x?xf64> {dims = [@n, @m]}
prob.slot "input" @gn : tensor<?xi64> {dims = [@n], prob.below = @k}
prob.slot "input" @gm : tensor<?xi64> {dims = [@m], prob.below = @k}
prob.slot "input" @ds : f64)");
}

void FunctionExpressions::helpers() {
  out_.line(R"(func.func private @inner(%x: f64, %s: f64) -> (f64, f64) {
%one = arith.constant 1.0 : f64
%p = math.exp %s : f64
%z = arith.divf %x, %p : f64
%d = arith.subf %z, %one : f64
return %d, %p : f64, f64
}
func.func private @outer(%x: f64, %s: f64) -> f64 {
%h, %p = func.call @inner(%x, %s) : (f64, f64) -> (f64, f64)
%c = arith.cmpf olt, %h, %x : f64
%r = scf.if %c -> f64 {
  %a, %b = func.call @inner(%s, %h) : (f64, f64) -> (f64, f64)
  %q = arith.subf %a, %p : f64
  scf.yield %q : f64
} else {
  scf.yield %h : f64
}
return %r : f64
}
func.func private @chain(%x: f64, %n: i64) -> f64 {
%zero = arith.constant 0 : i64
%one = arith.constant 1 : i64
%c = arith.cmpi sle, %n, %zero : i64
%r = scf.if %c -> f64 {
  scf.yield %x : f64
} else {
  %m = arith.subi %n, %one : i64
  %s = math.sin %x : f64
  %p = func.call @chain(%s, %m) : (f64, i64) -> f64
  %q = arith.addf %p, %x : f64
  scf.yield %q : f64
}
return %r : f64
}
func.func private @weighted(%x: tensor<?xf64>, %y: tensor<?xf64>, %s: f64) -> f64 {
%zero = arith.constant 0 : i64
%n = prob.dim %x 0 : tensor<?xf64>
%start = arith.constant 0.0 : f64
%r = prob.for %i = %zero to %n carry(%t = %start : f64) {
  %u = prob.extract %x[%i] : tensor<?xf64> -> f64
  %v = prob.extract %y[%i] : tensor<?xf64> -> f64
  %e = math.exp %v : f64
  %w = arith.divf %u, %e : f64
  %d = arith.subf %w, %s : f64
  %next = arith.addf %t, %d : f64
  prob.yield carry(%next : f64)
}
return %r : f64
})");
}

void FunctionExpressions::begin() {
  zero_ = out_.integer(0);
  one_ = out_.integer(1);
  for (const char* size : {"n", "m", "k"})
    size_[size[0]] = out_.op("prob.data @" + std::string(size) + " : i64");
  for (const char* data : {"dn", "dm", "dk"}) {
    data_rows_[data[1]] = out_.op("prob.data @" + std::string(data) + " : " + row);
    arrays_.push_back({data_rows_[data[1]], data[1], true});
  }
  for (const char* data : {"gn", "gm"})
    gathers_[data[1]] = out_.op("prob.data @" + std::string(data) + " : " + row_of_ints);
  data_matrix_ = out_.op("prob.data @dq : " + std::string(matrix));
  const std::string scalar = out_.op("prob.data @ds : f64");
  data_reals_ = {scalar};
  reals_ = {"%a", "%b", scalar};
  positives_ = {"%a", scalar};
  arrays_.push_back({"%x", 'n', false});
  arrays_.push_back({"%y", 'm', false});
  arrays_.push_back({"%w", 'k', false});
}

std::string FunctionExpressions::upper(char size) {
  if (choose_.chance(0.2)) {
    for (const ArrayName& array : arrays_)
      if (array.size == size && !data_only_ && choose_.chance(0.5))
        return out_.op("prob.dim " + array.name + " 0 : " + row);
  }
  return size_[size];
}

std::string FunctionExpressions::element(const std::string& array, const std::string& index,
                                         const char* type, const char* to) {
  return out_.op("prob.extract " + array + "[" + index + "] : " + type + " -> " + to);
}

std::string FunctionExpressions::leaf() {
  for (int tries = 0; tries < 4; ++tries) {
    const int kind = choose_.below(10);
    if (kind < 3) {
      const auto& from = data_only_ ? data_reals_ : reals_;
      return from[from.size() - 1 -
                  static_cast<size_t>(choose_.below(static_cast<int>(from.size())))];
    }
    if (kind == 3) return out_.real(choose_.of<double>({0.5, 1.0, 2.0, -1.0, 3.0, -0.7, 0.0}));
    if (kind == 4 && !indices_.empty() && choose_.chance(0.5))
      return out_.op("arith.sitofp " + choose_.of(indices_).name + " : i64 to f64");
    if (kind == 5 && !indices_.empty()) {
      const Index& at = choose_.of(indices_);
      if (at.size == 'k') continue;
      const std::string gathered = element(gathers_[at.size], at.name, row_of_ints, "i64");
      if (const auto array = array_of('k'); !array.empty()) return element(array, gathered);
      continue;
    }
    if (kind == 6 && indices_.size() >= 2) {
      for (const Index& i : indices_)
        for (const Index& j : indices_)
          if (i.size == 'n' && j.size == 'm')
            return out_.op("prob.extract " +
                           (data_only_           ? data_matrix_
                            : choose_.chance(.5) ? "%q"
                                                 : data_matrix_) +
                           "[" + i.name + ", " + j.name + "] : " + matrix + " -> f64");
      continue;
    }
    if (!indices_.empty()) {
      const Index& at = choose_.of(indices_);
      if (const auto array = array_of(at.size); !array.empty()) return element(array, at.name);
      continue;
    }
    if (kind == 7) {
      if (const auto array = array_of('k'); !array.empty()) return element(array, zero_);
    }
  }
  return data_only_ ? data_reals_[0] : "%b";
}

std::string FunctionExpressions::array_of(char size) {
  std::vector<std::string> names;
  for (const ArrayName& array : arrays_)
    if (array.size == size && (array.is_data || !data_only_)) names.push_back(array.name);
  return names.empty() ? "" : choose_.of(names);
}

std::string FunctionExpressions::positive(int depth) {
  switch (choose_.below(depth <= 0 ? 3 : 6)) {
    case 0:
    case 1:
      if (data_only_) return data_reals_[0];
      return choose_.of(positives_);
    case 2:
      return out_.unary("math.exp", out_.unary("math.sin", leaf()));
    case 3: {
      const std::string x = real(depth - 1);
      return out_.binary("arith.addf", out_.binary("arith.mulf", x, x), out_.real(0.5));
    }
    case 4:
      return out_.unary("math.sqrt", positive(depth - 1));
    default:
      return out_.binary("arith.divf", out_.real(1.0), positive(depth - 1));
  }
}

std::string FunctionExpressions::condition(int depth) {
  if (choose_.chance(0.3) && !indices_.empty())
    return out_.op("arith.cmpi " + std::string(choose_.chance(.5) ? "slt" : "eq") + ", " +
                   choose_.of(indices_).name + ", " +
                   (choose_.chance(.5) || data_only_ ? one_ : "%c") + " : i64");
  if (choose_.chance(0.3) && !data_only_) return out_.op("arith.cmpi sgt, %c, " + zero_ + " : i64");
  return out_.op("arith.cmpf ogt, " + real(depth - 1) + ", " + real(depth - 1) + " : f64");
}

std::string FunctionExpressions::real(int depth) {
  if (depth <= 0 || choose_.chance(0.15)) return leaf();
  if (!data_only_ && choose_.chance(0.12)) {
    data_only_ = true;
    const std::string value = real(depth);
    data_only_ = false;
    return value;
  }
  const std::string value = compound(depth);
  if (!data_only_) reals_.push_back(value);
  return value;
}

std::string FunctionExpressions::compound(int depth) {
  const int d = depth - 1;
  switch (choose_.below(26)) {
    case 0:
    case 1:
      return out_.binary("arith.addf", real(d), real(d));
    case 2:
    case 3:
      return out_.binary("arith.subf", real(d), real(d));
    case 4:
    case 5:
    case 6:
      return out_.binary("arith.mulf", real(d), real(d));
    case 7:
    case 8:
      return out_.binary("arith.divf", real(d), positive(d));
    case 9:
      return out_.unary("arith.negf", real(d));
    case 10:
      return out_.unary("math.sin", real(d));
    case 11:
      return out_.unary("math.tanh", real(d));
    case 12:
      return out_.unary("math.exp", out_.unary("math.tanh", real(d)));
    case 13:
      return out_.unary("math.log", positive(d));
    case 14: {
      const double exponent = choose_.of<double>({2, 3, 1, .5, -1, -2, -.5, 1.7});
      return out_.binary("math.powf", positive(d), out_.real(exponent));
    }
    case 15:
      return out_.unary("math.log", out_.unary("math.exp", out_.unary("math.sin", real(d))));
    case 16:
      return out_.unary("math.log", out_.unary("math.sqrt", positive(d)));
    case 17:
      return out_.unary("math.log", out_.binary("arith.divf", out_.real(1), positive(d)));
    case 18: {
      const std::string root = out_.unary("math.sqrt", positive(d));
      return out_.binary("arith.mulf", out_.binary("arith.divf", real(d), root),
                         out_.binary("arith.divf", real(d), root));
    }
    case 19: {
      const std::string root = out_.unary("math.sqrt", positive(d));
      return out_.binary("arith.mulf", root, root);
    }
    case 20: {
      const std::string c = condition(d), x = real(d), y = real(d);
      const std::string inner = out_.op("arith.select " + c + ", " + x + ", " + y + " : f64");
      const std::string wrapped = out_.binary("arith.mulf", inner, real(d));
      return choose_.chance(.5)
                 ? out_.op("arith.select " + c + ", " + wrapped + ", " + real(d) + " : f64")
                 : out_.op("arith.select " + c + ", " + real(d) + ", " + wrapped + " : f64");
    }
    case 21:
      return out_.binary(choose_.chance(.5) ? "arith.maximumf" : "arith.minimumf", real(d),
                         real(d));
    case 22:
      return out_.op("prob.special \"lgamma\" " + positive(d) + " : f64");
    case 23: {
      // Multiples and divisors that a loop around may not change.
      const std::string c = data_only_ ? data_reals_[0] : choose_.of(positives_);
      const std::string scaled = out_.binary("arith.mulf", c, real(d));
      return choose_.chance(.5) ? out_.binary("arith.mulf", scaled, real(d))
                                : out_.binary("arith.divf", scaled, positive(d));
    }
    case 24: {
      const std::string c = out_.real(choose_.of<double>({2, -1, 0.25}));
      const std::string k = out_.real(choose_.of<double>({3, 1, 0}));
      const char* op = choose_.chance(.5) ? "arith.mulf" : "arith.addf";
      return out_.binary(op, out_.binary(op, real(d), c), k);
    }
    default: {
      if (data_only_ || choose_.chance(.3)) return branch(d);
      if (!indices_.empty())
        return out_.op("func.call @outer(" + real(d) + ", " + out_.unary("math.tanh", real(d)) +
                       ") : (f64, f64) -> f64");
      return call(d);
    }
  }
}

std::string FunctionExpressions::call(int d) {
  if (choose_.chance(.4))
    return out_.op("func.call @outer(" + real(d) + ", " + out_.unary("math.tanh", real(d)) +
                   ") : (f64, f64) -> f64");
  if (choose_.chance(.3))
    return out_.op("func.call @chain(" + real(d) + ", %c) : (f64, i64) -> f64");
  const std::string x = array_of('k'), y = array_of('k');
  return out_.op("func.call @weighted(" + x + ", " + (choose_.chance(.5) ? x : "%w") + ", " +
                 real(d) + ") : (" + row + ", " + row + ", f64) -> f64");
}

std::string FunctionExpressions::branch(int depth) {
  const std::string c = condition(depth);
  out_.begin_part();
  Mark m = mark();
  const std::string x = real(depth);
  leave(m);
  const std::string yes = out_.end_part();
  out_.begin_part();
  const std::string y = real(depth);
  leave(m);
  const std::string no = out_.end_part();
  const std::string result = out_.fresh();
  out_.line(result + " = scf.if " + c + " -> f64 {");
  out_.append(yes);
  out_.line("scf.yield " + x + " : f64\n} else {");
  out_.append(no);
  out_.line("scf.yield " + y + " : f64\n}");
  return result;
}

}  // namespace borel::testing
