/// Values that the interpreter computes with, and that random programs are evaluated at.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace borel::testing {

/// A real with a tangent and a bound of its rounding error: see interpreter.h.
struct Real {
  double value = 0, tangent = 0, error = 0;
  Real(double v = 0, double t = 0, double e = 0) : value(v), tangent(t), error(e) {}
};

struct Array;
/// A value at run time: real, int (i64), truth value, or array (shared, never mutated in place).
using Datum = std::variant<Real, int64_t, bool, std::shared_ptr<const Array>>;

/// Row-major array of scalars of one kind.
struct Array {
  std::vector<int64_t> shape;
  std::vector<Datum> elements;
};

Datum make_array(std::vector<int64_t> shape, std::vector<Datum> elements);
Datum real_array(const std::vector<double>& values);
Datum int_array(const std::vector<int64_t>& values);
double as_real(const Datum& d);
const Real& as_dual(const Datum& d);
int64_t as_int(const Datum& d);
const Array& as_array(const Datum& d);
/// The scalars of a value, in order.
std::vector<Datum> scalars(const Datum& d);

/// Values of sites by index, each a scalar or an array over the site's extents.
using Trace = std::map<int64_t, Datum>;

/// One draw that a generative run made: which site and element (its first scalar's position in the
/// site, row major; also index by index), its value, and on reals its first real in u and how many
/// it has.
struct Draw {
  int64_t site = 0, element = 0, first_real = 0, reals = 0;
  std::vector<Datum> value;
  std::vector<int64_t> indices;
};

/// Sums, with their tangents and errors.
Real operator+(const Real& x, const Real& y);

}  // namespace borel::testing
