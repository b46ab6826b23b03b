// The functions of bridgestan.h.
#include "runtime/bridgestan/bridgestan.h"

#include <cstdlib>

#include "runtime/bridgestan/hessian.h"
#include "runtime/bridgestan/model.h"
#include "runtime/bridgestan/point.h"
#include "runtime/host/error.h"

using borel::bridgestan::Call;
using borel::bridgestan::Lease;

extern "C" {

BOREL_BS_PUBLIC extern const int bs_major_version = BOREL_BRIDGESTAN_MAJOR;
BOREL_BS_PUBLIC extern const int bs_minor_version = BOREL_BRIDGESTAN_MINOR;
BOREL_BS_PUBLIC extern const int bs_patch_version = BOREL_BRIDGESTAN_PATCH;

bs_model* bs_model_construct(const char* data, unsigned int, char** error_msg) {
  return borel::bridgestan::construct(data, Call("construct", error_msg));
}

void bs_model_destruct(bs_model* m) { borel::bridgestan::destruct(m); }

void bs_free_error_msg(char* error_msg) { std::free(error_msg); }

const char* bs_name(const bs_model* m) { return m->name; }

const char* bs_model_info(const bs_model* m) { return m->info.data(); }

const char* bs_param_names(const bs_model* m, bool include_tp, bool) {
  return m->layout.names(include_tp);
}

const char* bs_param_unc_names(const bs_model* m) { return m->layout.unconstrained_names(); }

int bs_param_num(const bs_model* m, bool include_tp, bool) {
  return static_cast<int>(m->layout.count(include_tp));
}

int bs_param_unc_num(const bs_model* m) { return static_cast<int>(m->layout.dimension()); }

int bs_param_constrain(const bs_model* m, bool include_tp, bool include_gq, const double* theta_unc,
                       double* theta, bs_rng* rng, char** error_msg) {
  const Call call("param_constrain", error_msg);
  if (include_gq && rng == nullptr) {
    return call.fail("include_gq=true but rng=nullptr");
  }
  return borel::bridgestan::constrain(*m, include_tp, theta_unc, theta, call);
}

int bs_param_unconstrain(const bs_model* m, const double* theta, double* theta_unc,
                         char** error_msg) {
  const Call call("param_unconstrain", error_msg);
  return borel::bridgestan::unconstrain(*m, theta, theta_unc, call);
}

int bs_param_unconstrain_json(const bs_model* m, const char* json, double* theta_unc,
                              char** error_msg) {
  const Call call("param_unconstrain_json", error_msg);
  return borel::bridgestan::unconstrain_json(*m, json, theta_unc, call);
}

int bs_param_initialize(const bs_model* m, const char* json, bs_rng* rng, double init_radius,
                        int max_tries, bool jacobian, double* theta_unc, char** error_msg) {
  const Call call("param_initialize", error_msg);
  if (rng == nullptr) {
    return call.fail("rng=nullptr");
  }
  return borel::bridgestan::initialize(*m, {json, init_radius, max_tries, jacobian}, *rng,
                                       theta_unc, call);
}

int bs_log_density(const bs_model* m, bool, bool jacobian, const double* theta_unc, double* lp,
                   char** error_msg) {
  const Call call("log_density", error_msg);
  const Lease desk(m, call);
  if (!desk) {
    return -1;
  }
  borel_error* error = nullptr;
  const borel_code code =
      borel_log_density(desk.worker(), m->index, jacobian ? 1 : 0, theta_unc, lp, &error);
  return code == BOREL_SUCCESS ? 0 : call.fail(error);
}

int bs_log_density_gradient(const bs_model* m, bool, bool jacobian, const double* theta_unc,
                            double* val, double* grad, char** error_msg) {
  const Call call("log_density_gradient", error_msg);
  const Lease desk(m, call);
  if (!desk) {
    return -1;
  }
  borel_error* error = nullptr;
  const borel_code code = borel_log_density_gradient(desk.worker(), m->index, jacobian ? 1 : 0,
                                                     theta_unc, val, grad, &error);
  return code == BOREL_SUCCESS ? 0 : call.fail(error);
}

int bs_log_density_hessian(const bs_model* m, bool, bool jacobian, const double* theta_unc,
                           double* val, double* grad, double* hessian, char** error_msg) {
  const Call call("log_density_hessian", error_msg);
  return borel::bridgestan::hessian(*m, jacobian, theta_unc, val, grad, hessian, call);
}

int bs_log_density_hessian_vector_product(const bs_model* m, bool, bool jacobian,
                                          const double* theta_unc, const double* vector,
                                          double* val, double* hvp, char** error_msg) {
  const Call call("log_density_hessian_vector_product", error_msg);
  return borel::bridgestan::hessian_vector(*m, jacobian, theta_unc, vector, val, hvp, call);
}

bs_rng* bs_rng_construct(unsigned int seed, char** error_msg) {
  bs_rng* rng = borel::host::create<bs_rng>(borel::host::default_allocator(), seed, 0u);
  if (rng == nullptr) {
    Call("construct_rng", error_msg).fail_for_memory();
  }
  return rng;
}

void bs_rng_destruct(bs_rng* rng) {
  if (rng != nullptr) {
    borel::host::destroy(borel::host::default_allocator(), rng);
  }
}

int bs_set_print_callback(PrintCallback, char**) { return 0; }

}  // extern "C"
