// The same functions for R, whose .C passes nothing but pointers: handles are pointers to raw
// bytes that hold the address, flags are ints, results are written to places. *err_ptr gets the
// address of the message, which bs_free_error_msg_R frees.
#include "runtime/bridgestan/bridgestan.h"

extern "C" {

BOREL_BS_PUBLIC void bs_version_R(int* major, int* minor, int* patch) {
  *major = BOREL_BRIDGESTAN_MAJOR;
  *minor = BOREL_BRIDGESTAN_MINOR;
  *patch = BOREL_BRIDGESTAN_PATCH;
}

BOREL_BS_PUBLIC void bs_model_construct_R(char** data, int* seed, bs_model** ptr_out,
                                          char** err_msg, void** err_ptr) {
  *ptr_out = bs_model_construct(*data, static_cast<unsigned int>(*seed), err_msg);
  *err_ptr = *err_msg;
}

BOREL_BS_PUBLIC void bs_model_destruct_R(bs_model** model) { bs_model_destruct(*model); }

BOREL_BS_PUBLIC void bs_free_error_msg_R(void** err_msg) {
  bs_free_error_msg(static_cast<char*>(*err_msg));
}

BOREL_BS_PUBLIC void bs_name_R(bs_model** model, char const** name_out) {
  *name_out = bs_name(*model);
}

BOREL_BS_PUBLIC void bs_model_info_R(bs_model** model, char const** info_out) {
  *info_out = bs_model_info(*model);
}

BOREL_BS_PUBLIC void bs_param_names_R(bs_model** model, int* include_tp, int* include_gq,
                                      char const** names_out) {
  *names_out = bs_param_names(*model, *include_tp != 0, *include_gq != 0);
}

BOREL_BS_PUBLIC void bs_param_unc_names_R(bs_model** model, char const** names_out) {
  *names_out = bs_param_unc_names(*model);
}

BOREL_BS_PUBLIC void bs_param_num_R(bs_model** model, int* include_tp, int* include_gq,
                                    int* num_out) {
  *num_out = bs_param_num(*model, *include_tp != 0, *include_gq != 0);
}

BOREL_BS_PUBLIC void bs_param_unc_num_R(bs_model** model, int* num_out) {
  *num_out = bs_param_unc_num(*model);
}

BOREL_BS_PUBLIC void bs_param_constrain_R(bs_model** model, int* include_tp, int* include_gq,
                                          const double* theta_unc, double* theta, bs_rng** rng,
                                          int* return_code, char** err_msg, void** err_ptr) {
  *return_code = bs_param_constrain(*model, *include_tp != 0, *include_gq != 0, theta_unc, theta,
                                    *rng, err_msg);
  *err_ptr = *err_msg;
}

BOREL_BS_PUBLIC void bs_param_unconstrain_R(bs_model** model, const double* theta,
                                            double* theta_unc, int* return_code, char** err_msg,
                                            void** err_ptr) {
  *return_code = bs_param_unconstrain(*model, theta, theta_unc, err_msg);
  *err_ptr = *err_msg;
}

BOREL_BS_PUBLIC void bs_param_unconstrain_json_R(bs_model** model, char const** json,
                                                 double* theta_unc, int* return_code,
                                                 char** err_msg, void** err_ptr) {
  *return_code = bs_param_unconstrain_json(*model, *json, theta_unc, err_msg);
  *err_ptr = *err_msg;
}

BOREL_BS_PUBLIC void bs_log_density_R(bs_model** model, int* propto, int* jacobian,
                                      const double* theta_unc, double* val, int* return_code,
                                      char** err_msg, void** err_ptr) {
  *return_code = bs_log_density(*model, *propto != 0, *jacobian != 0, theta_unc, val, err_msg);
  *err_ptr = *err_msg;
}

BOREL_BS_PUBLIC void bs_log_density_gradient_R(bs_model** model, int* propto, int* jacobian,
                                               const double* theta_unc, double* val, double* grad,
                                               int* return_code, char** err_msg, void** err_ptr) {
  *return_code =
      bs_log_density_gradient(*model, *propto != 0, *jacobian != 0, theta_unc, val, grad, err_msg);
  *err_ptr = *err_msg;
}

BOREL_BS_PUBLIC void bs_log_density_hessian_R(bs_model** model, int* propto, int* jacobian,
                                              const double* theta_unc, double* val, double* grad,
                                              double* hess, int* return_code, char** err_msg,
                                              void** err_ptr) {
  *return_code = bs_log_density_hessian(*model, *propto != 0, *jacobian != 0, theta_unc, val, grad,
                                        hess, err_msg);
  *err_ptr = *err_msg;
}

BOREL_BS_PUBLIC void bs_log_density_hessian_vector_product_R(bs_model** model, int* propto,
                                                             int* jacobian, const double* theta_unc,
                                                             const double* vector, double* val,
                                                             double* hvp, int* return_code,
                                                             char** err_msg, void** err_ptr) {
  *return_code = bs_log_density_hessian_vector_product(*model, *propto != 0, *jacobian != 0,
                                                       theta_unc, vector, val, hvp, err_msg);
  *err_ptr = *err_msg;
}

BOREL_BS_PUBLIC void bs_rng_construct_R(int* seed, bs_rng** ptr_out, char** err_msg,
                                        void** err_ptr) {
  *ptr_out = bs_rng_construct(static_cast<unsigned int>(*seed), err_msg);
  *err_ptr = *err_msg;
}

BOREL_BS_PUBLIC void bs_rng_destruct_R(bs_rng** rng) { bs_rng_destruct(*rng); }

}  // extern "C"
