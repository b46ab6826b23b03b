// The C interface of a compiled Stan program: what bench/stan/stan_model.cpp exports from each
// shared object FOLDER.so, and what stan_library.h loads.
//
// A model holds its data and nothing else; evaluations go through Stan's autodiff stack, which is
// a global of the shared object, so a library is used from one thread.
#ifndef BOREL_BENCH_STAN_STAN_MODEL_H
#define BOREL_BENCH_STAN_STAN_MODEL_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct StanModel StanModel;

/// Reads CmdStan JSON from `json_path` and binds it. Null on failure, with the reason in
/// `message` (truncated to `message_size`, always terminated). Freed by stan_model_destroy.
StanModel* stan_model_create(const char* json_path, char* message, size_t message_size);
void stan_model_destroy(StanModel* model);

/// Dimension of the unconstrained space.
size_t stan_model_dim(const StanModel* model);

/// Log density at the unconstrained `u[dim]`; its gradient goes to `grad[dim]`.
/// `propto` drops the constant terms of `~` statements, as Stan's own sampler does;
/// `jacobian` adds the log Jacobian of the constraining transform.
/// Where Stan rejects the point (throws), returns -infinity and a gradient of zeros.
double stan_model_log_density_gradient(StanModel* model, const double* u, double* grad, int propto,
                                       int jacobian);

typedef struct StanNutsOptions {
  unsigned seed;
  unsigned chain;  ///< counted from 1; chains of one seed use disjoint parts of Stan's generator
  int warmup;
  int draws;
  double target_accept;  ///< Stan's default is 0.8
  int max_depth;         ///< Stan's default is 10
} StanNutsOptions;

/// Runs Stan's default sampler (NUTS with a diagonal metric, windowed adaptation, initial point
/// from U(-2, 2)) and hands each draw after warm-up to `receive` as the values of
/// stan_model_draw_name. Returns 0, or Stan's error code when it could not start.
int stan_model_sample(StanModel* model, const StanNutsOptions* options,
                      void (*receive)(void* user, const double* values, size_t count), void* user);

/// Column names of a draw, counted from 0: `lp__ accept_stat__ stepsize__ treedepth__
/// n_leapfrog__ divergent__ energy__`, then parameters, transformed parameters and generated
/// quantities, as Stan spells them. Null when `i` is out of range.
const char* stan_model_draw_name(const StanModel* model, size_t i);

/// How many columns are the sampler's and the parameters'; what follows is derived.
size_t stan_model_parameter_columns(const StanModel* model);

/// Why Stan rejected the last point that it rejected; empty when none was.
const char* stan_model_rejection(const StanModel* model);

/// Names of the unconstrained coordinates, in order, as Stan spells them (`theta.1`).
/// The pointer lives as long as the model; null when `i` is out of range.
const char* stan_model_coordinate_name(const StanModel* model, size_t i);

#ifdef __cplusplus
}
#endif

#endif
