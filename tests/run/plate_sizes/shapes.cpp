#include "tests/run/plate_sizes/shapes.h"

#include <cmath>
#include <cstring>
#include <memory>
#include <numbers>
#include <stdexcept>

namespace borel::plate_sizes {
namespace {

using Real = long double;

const Real half_log_two_pi = 0.5L * std::log(2 * std::numbers::pi_v<Real>);

/// Uniform on (0, 1), a function of `stream` and `i` alone.
double uniform(std::uint64_t stream, std::uint64_t i) {
  std::uint64_t x = (stream << 40) + i + 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return (static_cast<double>((x ^ (x >> 31)) >> 11) + 0.5) * 0x1p-53;
}

double normal(std::uint64_t stream, std::uint64_t i) {
  return std::sqrt(-2 * std::log(uniform(stream, 2 * i))) *
         std::cos(2 * std::numbers::pi * uniform(stream, 2 * i + 1));
}

std::vector<double> column(std::int64_t size, const std::function<double(std::uint64_t)>& of) {
  std::vector<double> out;
  for (std::int64_t i = 0; i < size; ++i) out.push_back(of(static_cast<std::uint64_t>(i)));
  return out;
}

std::vector<std::int64_t> int_column(std::int64_t size,
                                     const std::function<double(std::uint64_t)>& of) {
  std::vector<std::int64_t> out;
  for (const double x : column(size, of)) out.push_back(static_cast<std::int64_t>(x));
  return out;
}

Column single(std::string name, std::int64_t value) { return {std::move(name), {}, {value}, true}; }

/// A log density with its gradient, summed up term by term.
struct Sum {
  explicit Sum(std::size_t dimension) : gradient(dimension) {}

  Real value = 0;
  std::vector<Real> gradient;

  double finish(double* out) const {
    for (std::size_t i = 0; i < gradient.size(); ++i) out[i] = static_cast<double>(gradient[i]);
    return static_cast<double>(value);
  }
  /// Normal(0, scale) of coordinate i.
  void prior(std::size_t i, Real u, Real scale) {
    value -= half_log_two_pi + std::log(scale) + 0.5L * u * u / (scale * scale);
    gradient[i] -= u / (scale * scale);
  }
  /// Exponential(1) of exp(u), coordinate i.
  void positive_prior(std::size_t i, Real u) {
    value += u - std::exp(u);
    gradient[i] += 1 - std::exp(u);
  }
};

/// Normal(mean, exp(log_sd)) at x: the derivative in the mean; that in log_sd goes to d_log_sd.
Real normal_term(Real x, Real mean, Real log_sd, Real sd, Sum& sum, Real& d_log_sd) {
  const Real z = (x - mean) / sd;
  sum.value -= half_log_two_pi + log_sd + 0.5L * z * z;
  d_log_sd += z * z - 1;
  return z / sd;
}

Case regression(std::int64_t size) {
  auto x = column(size, [](std::size_t i) { return 2 * uniform(1, i) - 1; });
  auto y = column(size, [&](std::size_t i) { return 0.4 + 0.7 * x[i] + normal(2, i); });
  Case out;
  out.columns = {{"x", x, {}}, {"y", y, {}}};
  out.u = {0.3, -0.2, 0.25};
  out.plain = [x, y](const double* u, double* gradient) {
    Sum sum(3);
    sum.prior(0, u[0], 10);
    sum.prior(1, u[1], 10);
    sum.positive_prior(2, u[2]);
    const Real sd = std::exp(Real(u[2]));
    for (std::size_t i = 0; i < y.size(); ++i) {
      const Real mean = Real(u[0]) + Real(u[1]) * x[i];
      const Real pull = normal_term(y[i], mean, u[2], sd, sum, sum.gradient[2]);
      sum.gradient[0] += pull;
      sum.gradient[1] += pull * x[i];
    }
    return sum.finish(gradient);
  };
  return out;
}

Case groups(std::int64_t size) {
  constexpr std::size_t count = 5;
  auto group = int_column(size, [](std::size_t i) { return std::floor(count * uniform(3, i)); });
  auto x = column(size, [](std::size_t i) { return 2 * uniform(4, i) - 1; });
  auto y = column(size, [&](std::size_t i) {
    return 0.2 * static_cast<double>(group[i]) + 0.7 * x[i] + normal(5, i);
  });
  Case out;
  out.columns = {single("J", count), {"group", {}, group}, {"x", x, {}}, {"y", y, {}}};
  out.u = {0.3, -0.4, 0.1, -0.6, 0.5, 0.2, -0.3, 0.8, 0.15};
  // Coordinates: mu, log tau, a[count], beta, log sigma.
  out.plain = [group, x, y](const double* u, double* gradient) {
    Sum sum(count + 4);
    constexpr std::size_t beta = count + 2, sigma = count + 3;
    sum.prior(0, u[0], 10);
    sum.positive_prior(1, u[1]);
    const Real tau = std::exp(Real(u[1])), sd = std::exp(Real(u[sigma]));
    for (std::size_t j = 2; j < beta; ++j) {
      const Real pull = normal_term(u[j], u[0], u[1], tau, sum, sum.gradient[1]);
      sum.gradient[0] += pull;
      sum.gradient[j] -= pull;
    }
    sum.prior(beta, u[beta], 10);
    sum.positive_prior(sigma, u[sigma]);
    for (std::size_t i = 0; i < y.size(); ++i) {
      const std::size_t a = 2 + static_cast<std::size_t>(group[i]);
      const Real mean = Real(u[a]) + Real(u[beta]) * x[i];
      const Real pull = normal_term(y[i], mean, u[sigma], sd, sum, sum.gradient[sigma]);
      sum.gradient[a] += pull;
      sum.gradient[beta] += pull * x[i];
    }
    return sum.finish(gradient);
  };
  return out;
}

Case logistic(std::int64_t size) {
  auto x = column(size, [](std::size_t i) { return 4 * uniform(6, i) - 2; });
  auto y =
      int_column(size, [&](std::size_t i) { return uniform(7, i) < 0.5 + 0.2 * x[i] ? 1. : 0.; });
  Case out;
  out.columns = {{"x", x, {}}, {"y", {}, y}};
  out.u = {0.4, -1.3};
  out.plain = [x, y](const double* u, double* gradient) {
    Sum sum(2);
    sum.prior(0, u[0], 10);
    sum.prior(1, u[1], 10);
    for (std::size_t i = 0; i < y.size(); ++i) {
      const Real eta = Real(u[0]) + Real(u[1]) * x[i];
      const Real observed = static_cast<Real>(y[i]);
      sum.value += observed * eta - std::log1p(std::exp(eta));
      const Real pull = observed - 1 / (1 + std::exp(-eta));
      sum.gradient[0] += pull;
      sum.gradient[1] += pull * x[i];
    }
    return sum.finish(gradient);
  };
  return out;
}

Case counts(std::int64_t size) {
  auto x = column(size, [](std::size_t i) { return 2 * uniform(8, i) - 1; });
  auto y = int_column(size, [](std::size_t i) { return std::floor(6 * uniform(9, i)); });
  Case out;
  out.columns = {{"x", x, {}}, {"y", {}, y}};
  out.u = column(size + 3, [](std::size_t i) { return uniform(10, i) - 0.5; });
  // Coordinates: alpha, beta, log tau, z[size].
  out.plain = [x, y](const double* u, double* gradient) {
    Sum sum(y.size() + 3);
    sum.prior(0, u[0], 10);
    sum.prior(1, u[1], 10);
    sum.positive_prior(2, u[2]);
    const Real tau = std::exp(Real(u[2]));
    std::array<Real, 6> log_factorial{};
    for (std::size_t k = 2; k < 6; ++k)
      log_factorial[k] = log_factorial[k - 1] + std::log(static_cast<Real>(k));
    for (std::size_t i = 0; i < y.size(); ++i) {
      sum.prior(3 + i, u[3 + i], 1);
      const Real eta = Real(u[0]) + Real(u[1]) * x[i] + tau * u[3 + i];
      const Real observed = static_cast<Real>(y[i]);
      sum.value += observed * eta - std::exp(eta) - log_factorial[static_cast<std::size_t>(y[i])];
      const Real pull = observed - std::exp(eta);
      sum.gradient[0] += pull;
      sum.gradient[1] += pull * x[i];
      sum.gradient[2] += pull * tau * u[3 + i];
      sum.gradient[3 + i] += pull * tau;
    }
    return sum.finish(gradient);
  };
  return out;
}

Case schools(std::int64_t size) {
  auto s = column(size, [](std::size_t i) { return 0.5 + uniform(11, i); });
  auto y = column(size, [&](std::size_t i) { return normal(12, i) + s[i] * normal(13, i); });
  Case out;
  out.columns = {{"s", s, {}}, {"y", y, {}}};
  out.u = column(size + 2, [](std::size_t i) { return uniform(14, i) - 0.5; });
  // Coordinates: mu, log tau, theta[size].
  out.plain = [s, y](const double* u, double* gradient) {
    Sum sum(y.size() + 2);
    sum.prior(0, u[0], 5);
    sum.positive_prior(1, u[1]);
    const Real tau = std::exp(Real(u[1]));
    Real unused = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      const Real pull = normal_term(u[2 + i], u[0], u[1], tau, sum, sum.gradient[1]);
      sum.gradient[0] += pull;
      sum.gradient[2 + i] +=
          normal_term(y[i], u[2 + i], std::log(Real(s[i])), s[i], sum, unused) - pull;
    }
    return sum.finish(gradient);
  };
  return out;
}

Case garch(std::int64_t size) {
  auto y =
      column(size, [](std::size_t i) { return 0.3 + (1 + 0.5 * uniform(15, i)) * normal(16, i); });
  Case out;
  out.columns = {single("N", size), {"y", y, {}}};
  out.u = {0.2, -0.3, -0.9, 0.4};
  // Coordinates: mu, log alpha0, logit alpha1, logit(beta1 / (1 - alpha1)). sigma's square goes
  // along with its derivatives in mu, alpha0, alpha1 and beta1.
  out.plain = [y](const double* u, double* gradient) {
    Sum sum(4);
    sum.prior(0, u[0], 10);
    sum.positive_prior(1, u[1]);
    const Real mu = u[0], alpha0 = std::exp(Real(u[1]));
    const Real alpha1 = 1 / (1 + std::exp(-Real(u[2]))), part = 1 / (1 + std::exp(-Real(u[3])));
    const Real beta1 = (1 - alpha1) * part;
    sum.value += std::log(alpha1 * (1 - alpha1));
    sum.value += std::log((1 - alpha1) * part * (1 - part));
    Real square = 1;
    std::array<Real, 4> d_square{}, d{};
    for (const double at : y) {
      const Real distance = at - mu;
      sum.value -= half_log_two_pi + 0.5L * std::log(square) + 0.5L * distance * distance / square;
      const Real d_value = 0.5L * (distance * distance / square - 1) / square;
      for (std::size_t k = 0; k < 4; ++k) d[k] += d_value * d_square[k];
      d[0] += distance / square;
      const std::array<Real, 4> direct{-2 * alpha1 * distance, 1, distance * distance, square};
      for (std::size_t k = 0; k < 4; ++k) d_square[k] = beta1 * d_square[k] + direct[k];
      square = alpha0 + alpha1 * distance * distance + beta1 * square;
    }
    const Real slope = alpha1 * (1 - alpha1);
    sum.gradient[0] += d[0];
    sum.gradient[1] += d[1] * alpha0;
    sum.gradient[2] += (d[2] - part * d[3]) * slope + (1 - 2 * alpha1) - alpha1;
    sum.gradient[3] += d[3] * beta1 * (1 - part) + (1 - 2 * part);
    return sum.finish(gradient);
  };
  return out;
}

Case arma(std::int64_t size) {
  auto y =
      column(size, [](std::size_t i) { return 0.3 + normal(17, i) + 0.4 * normal(17, i + 1); });
  Case out;
  out.columns = {single("N", size), {"y", y, {}}};
  out.u = {0.2, 0.35, -0.45, 0.1};
  // Coordinates: mu, phi, theta, log sigma.
  out.plain = [y](const double* u, double* gradient) {
    Sum sum(4);
    sum.prior(0, u[0], 10);
    sum.prior(1, u[1], 2);
    sum.prior(2, u[2], 2);
    sum.positive_prior(3, u[3]);
    const Real mu = u[0], phi = u[1], theta = u[2], sd = std::exp(Real(u[3]));
    Real predicted = mu + phi * mu;
    std::array<Real, 3> d_predicted{1 + phi, mu, 0};
    for (const double at : y) {
      const Real pull = normal_term(at, predicted, u[3], sd, sum, sum.gradient[3]);
      for (std::size_t k = 0; k < 3; ++k) sum.gradient[k] += pull * d_predicted[k];
      const std::array<Real, 3> direct{1, Real(at), at - predicted};
      for (std::size_t k = 0; k < 3; ++k) d_predicted[k] = direct[k] - theta * d_predicted[k];
      predicted = mu + phi * at + theta * (at - predicted);
    }
    return sum.finish(gradient);
  };
  return out;
}

}  // namespace

std::span<const Shape> shapes() {
  static constexpr std::array all{Shape{"regression", regression},
                                  Shape{"groups", groups},
                                  Shape{"logistic", logistic},
                                  Shape{"counts", counts},
                                  Shape{"schools", schools},
                                  Shape{"garch", garch},
                                  Shape{"arma", arma}};
  return all;
}

runtime::InputData input_data(const borel_program& program, const std::vector<Column>& columns) {
  runtime::InputData data;
  data.sizes.assign(static_cast<std::size_t>(program.size_count), 0);
  const auto put = [&](const auto& values) {
    data.storage.emplace_back(values.size() * sizeof(values[0]));
    if (!values.empty())
      std::memcpy(data.storage.back().data(), values.data(), values.size() * sizeof(values[0]));
    return data.storage.back().data();
  };
  for (std::int32_t i = 0; i < program.input_count; ++i) {
    const borel_input& input = program.inputs[i];
    const Column* found = nullptr;
    for (const Column& one : columns)
      if (one.name == input.name) found = &one;
    if (found == nullptr || (input.rank == 0) != found->single)
      throw std::runtime_error(std::string("no column for ") + input.name);
    borel_array array{};
    array.data = input.type == BOREL_REAL ? put(found->reals) : put(found->ints);
    if (input.rank == 1) {
      array.dims[0] = static_cast<std::int64_t>(input.type == BOREL_REAL ? found->reals.size()
                                                                         : found->ints.size());
      if (input.dims[0].symbol >= 0)
        data.sizes[static_cast<std::size_t>(input.dims[0].symbol)] =
            array.dims[0] - input.dims[0].offset;
    }
    data.arrays.push_back(array);
  }
  for (std::int32_t s = 0; s < program.size_count; ++s)
    for (const Column& one : columns)
      if (one.single && one.name == program.sizes[s].name)
        data.sizes[static_cast<std::size_t>(s)] = one.ints[0];
  return data;
}

}  // namespace borel::plate_sizes
