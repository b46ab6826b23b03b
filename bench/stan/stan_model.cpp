// Compiled once for each Stan program, with STAN_PROGRAM naming the C++ that stanc wrote.
#include "stan_model.h"

#include STAN_PROGRAM

#include <nlohmann/json.hpp>
#include <stan/io/array_var_context.hpp>
#include <stan/io/empty_var_context.hpp>
#include <stan/services/sample/hmc_nuts_diag_e_adapt.hpp>

#include <cstring>
#include <fstream>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Json = nlohmann::json;

/// One variable of the data, flattened as Stan wants it: first index fastest.
struct Variable {
  std::vector<size_t> dims;
  std::vector<double> values;
  bool integer = true;
};

double real_of(const Json& value, const std::string& name) {
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) {
    const std::string text = value.get<std::string>();
    if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (text == "+inf" || text == "Infinity") return std::numeric_limits<double>::infinity();
    if (text == "-inf" || text == "-Infinity") return -std::numeric_limits<double>::infinity();
  }
  throw std::runtime_error("data: " + name + " holds something that is not a number");
}

void place(const Json& value, const std::string& name, size_t depth, size_t offset, size_t stride,
           Variable& out) {
  if (depth == out.dims.size()) {
    out.integer = out.integer && value.is_number_integer();
    out.values[offset] = real_of(value, name);
    return;
  }
  if (!value.is_array() || value.size() != out.dims[depth]) {
    throw std::runtime_error("data: " + name + " is ragged");
  }
  for (size_t i = 0; i < value.size(); ++i) {
    place(value[i], name, depth + 1, offset + i * stride, stride * out.dims[depth], out);
  }
}

Variable flatten(const Json& value, const std::string& name) {
  Variable out;
  size_t size = 1;
  for (const Json* level = &value; level->is_array(); level = &(*level)[0]) {
    out.dims.push_back(level->size());
    size *= level->size();
    if (level->empty()) break;
  }
  out.values.resize(size);
  if (size > 0) place(value, name, 0, 0, 1, out);
  return out;
}

stan::io::array_var_context read_data(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path);
  const Json data = Json::parse(file);
  std::vector<std::string> real_names;
  std::vector<std::string> int_names;
  std::vector<double> reals;
  std::vector<int> ints;
  std::vector<std::vector<size_t>> real_dims;
  std::vector<std::vector<size_t>> int_dims;
  for (auto item = data.begin(); item != data.end(); ++item) {
    const Variable variable = flatten(item.value(), item.key());
    if (variable.integer) {
      int_names.push_back(item.key());
      int_dims.push_back(variable.dims);
      for (double v : variable.values) ints.push_back(static_cast<int>(v));
    } else {
      real_names.push_back(item.key());
      real_dims.push_back(variable.dims);
      reals.insert(reals.end(), variable.values.begin(), variable.values.end());
    }
  }
  return stan::io::array_var_context(real_names, reals, real_dims, int_names, ints, int_dims);
}

/// The same steps as stan::math::gradient, without copies of its Eigen arguments.
template <bool Propto, bool Jacobian>
double log_density_gradient(const stan_model& model, const double* u, double* grad, size_t dim,
                            std::string& rejection) {
  using stan::math::var;
  stan::math::start_nested();
  double value;
  try {
    Eigen::Matrix<var, Eigen::Dynamic, 1> point(static_cast<Eigen::Index>(dim));
    for (size_t i = 0; i < dim; ++i) point(static_cast<Eigen::Index>(i)) = u[i];
    var log_density = model.template log_prob<Propto, Jacobian, var>(point, nullptr);
    value = log_density.val();
    stan::math::grad(log_density.vi_);
    for (size_t i = 0; i < dim; ++i) grad[i] = point(static_cast<Eigen::Index>(i)).adj();
  } catch (const std::exception& error) {
    rejection = error.what();
    value = -std::numeric_limits<double>::infinity();
    std::memset(grad, 0, dim * sizeof(double));
  }
  stan::math::recover_memory_nested();
  return value;
}

}  // namespace

struct StanModel {
  explicit StanModel(stan::io::array_var_context data)
      : program(data, 0, nullptr), dim(program.num_params_r()) {
    program.unconstrained_param_names(names, false, false);
    columns = {"lp__",         "accept_stat__", "stepsize__", "treedepth__",
               "n_leapfrog__", "divergent__",   "energy__"};
    std::vector<std::string> parameters;
    std::vector<std::string> all;
    program.constrained_param_names(parameters, false, false);
    program.constrained_param_names(all, true, true);
    parameter_columns = columns.size() + parameters.size();
    columns.insert(columns.end(), all.begin(), all.end());
  }
  stan_model program;
  size_t dim;
  std::vector<std::string> names;
  std::vector<std::string> columns;
  size_t parameter_columns;
  std::string rejection;
};

namespace {

class DrawWriter : public stan::callbacks::writer {
 public:
  DrawWriter(void (*receive)(void*, const double*, size_t), void* user)
      : receive_(receive), user_(user) {}
  using stan::callbacks::writer::operator();
  void operator()(const std::vector<double>& state) override {
    receive_(user_, state.data(), state.size());
  }

 private:
  void (*receive_)(void*, const double*, size_t);
  void* user_;
};

}  // namespace

#define STAN_MODEL_EXPORT extern "C" __attribute__((visibility("default")))

STAN_MODEL_EXPORT StanModel* stan_model_create(const char* json_path, char* message,
                                               size_t message_size) {
  try {
    std::unique_ptr<StanModel> model(new StanModel(read_data(json_path)));
    return model.release();
  } catch (const std::exception& error) {
    if (message_size > 0) {
      std::strncpy(message, error.what(), message_size - 1);
      message[message_size - 1] = '\0';
    }
    return nullptr;
  }
}

STAN_MODEL_EXPORT void stan_model_destroy(StanModel* model) { delete model; }

STAN_MODEL_EXPORT size_t stan_model_dim(const StanModel* model) { return model->dim; }

STAN_MODEL_EXPORT double stan_model_log_density_gradient(StanModel* model, const double* u,
                                                         double* grad, int propto, int jacobian) {
  const stan_model& program = model->program;
  const size_t dim = model->dim;
  std::string& reason = model->rejection;
  if (propto) {
    return jacobian ? log_density_gradient<true, true>(program, u, grad, dim, reason)
                    : log_density_gradient<true, false>(program, u, grad, dim, reason);
  }
  return jacobian ? log_density_gradient<false, true>(program, u, grad, dim, reason)
                  : log_density_gradient<false, false>(program, u, grad, dim, reason);
}

STAN_MODEL_EXPORT int stan_model_sample(StanModel* model, const StanNutsOptions* options,
                                        void (*receive)(void*, const double*, size_t), void* user) {
  stan::io::empty_var_context no_initial_point;
  stan::callbacks::interrupt interrupt;
  stan::callbacks::logger logger;
  stan::callbacks::writer ignored;
  DrawWriter draws(receive, user);
  // Everything not in the options is Stan's default.
  return stan::services::sample::hmc_nuts_diag_e_adapt(
      model->program, no_initial_point, options->seed, options->chain, /*init_radius=*/2.0,
      options->warmup, options->draws, /*num_thin=*/1, /*save_warmup=*/false, /*refresh=*/0,
      /*stepsize=*/1.0, /*stepsize_jitter=*/0.0, options->max_depth, options->target_accept,
      /*gamma=*/0.05, /*kappa=*/0.75, /*t0=*/10.0, /*init_buffer=*/75, /*term_buffer=*/50,
      /*window=*/25, interrupt, logger, ignored, draws, ignored);
}

STAN_MODEL_EXPORT const char* stan_model_draw_name(const StanModel* model, size_t i) {
  return i < model->columns.size() ? model->columns[i].c_str() : nullptr;
}

STAN_MODEL_EXPORT size_t stan_model_parameter_columns(const StanModel* model) {
  return model->parameter_columns;
}

STAN_MODEL_EXPORT const char* stan_model_rejection(const StanModel* model) {
  return model->rejection.c_str();
}

STAN_MODEL_EXPORT const char* stan_model_coordinate_name(const StanModel* model, size_t i) {
  return i < model->names.size() ? model->names[i].c_str() : nullptr;
}
