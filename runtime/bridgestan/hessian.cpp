#include "runtime/bridgestan/hessian.h"

#include <cmath>

namespace borel::bridgestan {

using host::Text;

namespace {

constexpr double relative_step = 6.0554544523933395e-06;  // cbrt(2^-52)

class Differences {
 public:
  Differences(const bs_model& model, const Lease& desk, bool jacobian, const Call& call)
      : model_(model), desk_(desk), jacobian_(jacobian ? 1 : 0), call_(call) {}

  // A gradient that is finite, or why it is none.
  int gradient(const double* u, double* log_density, double* to) const {
    borel_error* error = nullptr;
    if (borel_log_density_gradient(desk_.worker(), model_.index, jacobian_, u, log_density, to,
                                   &error) != BOREL_SUCCESS) {
      return call_.fail(error);
    }
    if (!std::isfinite(*log_density)) {
      return call_.fail("the density is 0 at the point or close to it");
    }
    for (std::int64_t i = 0; i < model_.layout.dimension(); ++i) {
      if (!std::isfinite(to[i])) {
        return call_.fail(Text() << "element " << i + 1
                                 << " of the gradient is not finite at the point or close to it");
      }
    }
    return 0;
  }

 private:
  const bs_model& model_;
  const Lease& desk_;
  std::int32_t jacobian_;
  const Call& call_;
};

bool is_exact(const bs_model& model) {
  return borel_instance_program(model.instance)->models[model.index].hessian_vector != nullptr;
}

// The Hessian times v, where it is finite. `gradient` is a place for n numbers.
int exact_product(const bs_model& model, const Lease& desk, bool jacobian, const double* u,
                  const double* v, double* gradient, double* product, const Call& call) {
  double log_density = 0;
  borel_error* error = nullptr;
  if (borel_hessian_vector(desk.worker(), model.index, jacobian ? 1 : 0, u, v, &log_density,
                           gradient, product, &error) != BOREL_SUCCESS) {
    return call.fail(error);
  }
  for (std::int64_t i = 0; i < model.layout.dimension(); ++i) {
    if (!std::isfinite(product[i])) {
      return call.fail(Text() << "element " << i + 1
                              << " of the Hessian's product is not finite at the point");
    }
  }
  return 0;
}

void make_symmetric(double* matrix, std::int64_t n) {
  for (std::int64_t j = 0; j < n; ++j) {
    for (std::int64_t i = 0; i < j; ++i) {
      const double mean = (matrix[j * n + i] + matrix[i * n + j]) / 2;
      matrix[j * n + i] = matrix[i * n + j] = mean;
    }
  }
}

double largest(const double* values, std::int64_t count) {
  double size = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    // NaN must not be lost: max would.
    size = std::fabs(values[i]) <= size ? size : std::fabs(values[i]);
    if (std::isnan(size)) {
      return size;
    }
  }
  return size;
}

}  // namespace

int hessian(const bs_model& model, bool jacobian, const double* u, double* log_density,
            double* gradient, double* matrix, const Call& call) {
  const Lease desk(&model, call);
  if (!desk) {
    return -1;
  }
  const std::int64_t n = model.layout.dimension();
  double* point = desk.values(2 * n);
  if (point == nullptr) {
    return call.fail_for_memory();
  }
  double* below = point + n;
  const Differences at(model, desk, jacobian, call);
  if (at.gradient(u, log_density, gradient) != 0) {
    return -1;
  }
  if (is_exact(model)) {
    for (std::int64_t i = 0; i < n; ++i) {
      point[i] = 0;
    }
    for (std::int64_t j = 0; j < n; ++j) {
      point[j] = 1;
      if (exact_product(model, desk, jacobian, u, point, below, matrix + j * n, call) != 0) {
        return -1;
      }
      point[j] = 0;
    }
    make_symmetric(matrix, n);
    return 0;
  }
  for (std::int64_t i = 0; i < n; ++i) {
    point[i] = u[i];
  }
  for (std::int64_t j = 0; j < n; ++j) {
    double* column = matrix + j * n;
    double ignored = 0;
    const double h = relative_step * std::fmax(1, std::fabs(u[j]));
    const volatile double up = u[j] + h, down = u[j] - h;
    point[j] = up;
    if (at.gradient(point, &ignored, column) != 0) {
      return -1;
    }
    point[j] = down;
    if (at.gradient(point, &ignored, below) != 0) {
      return -1;
    }
    point[j] = u[j];
    const double width = up - down;
    for (std::int64_t i = 0; i < n; ++i) {
      column[i] = (column[i] - below[i]) / width;
    }
  }
  make_symmetric(matrix, n);
  return 0;
}

int hessian_vector(const bs_model& model, bool jacobian, const double* u, const double* vector,
                   double* log_density, double* product, const Call& call) {
  const Lease desk(&model, call);
  if (!desk) {
    return -1;
  }
  const std::int64_t n = model.layout.dimension();
  double* point = desk.values(2 * n);
  if (point == nullptr) {
    return call.fail_for_memory();
  }
  double* below = point + n;
  const Differences at(model, desk, jacobian, call);
  // `below` is only a place here: the caller wants no gradient.
  if (at.gradient(u, log_density, below) != 0) {
    return -1;
  }
  const double length = largest(vector, n);
  if (!std::isfinite(length)) {
    return call.fail("an element of the vector is not finite");
  }
  if (length == 0) {
    for (std::int64_t i = 0; i < n; ++i) {
      product[i] = 0;
    }
    return 0;
  }
  if (is_exact(model)) {
    return exact_product(model, desk, jacobian, u, vector, below, product, call);
  }
  const double h = relative_step * std::fmax(1, largest(u, n)) / length;
  double ignored = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    point[i] = u[i] + h * vector[i];
  }
  if (at.gradient(point, &ignored, product) != 0) {
    return -1;
  }
  for (std::int64_t i = 0; i < n; ++i) {
    point[i] = u[i] - h * vector[i];
  }
  if (at.gradient(point, &ignored, below) != 0) {
    return -1;
  }
  for (std::int64_t i = 0; i < n; ++i) {
    product[i] = (product[i] - below[i]) / (2 * h);
  }
  return 0;
}

}  // namespace borel::bridgestan
