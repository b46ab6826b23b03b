/* The C interface of BridgeStan 2.9, over a Borel program: what `borel build --bridgestan` exports,
 * so that BridgeStan's clients (Python, R, Julia, Rust, nutpie, walnuts) drive the program.
 * Reference: https://roualdes.us/bridgestan/latest/languages/c-api.html
 *
 * Conventions, BridgeStan's unless said otherwise:
 *  - A function that can fail returns -1 (a constructor: null) and, where `error_msg` is not null,
 *    sets *error_msg to a text, "log_density() failed with exception: …\n", that the caller frees
 *    with bs_free_error_msg. On success *error_msg is left as it was.
 *  - theta holds constrained values: sites in source order, each with its first index fastest.
 *    The := quantities of the model are its transformed parameters; it has no generated quantities,
 *    for a Borel program draws nothing outside its machine: include_gq adds nothing.
 *  - theta_unc is the point u of borel.h. That is Stan's order too: arrays with the last index
 *    fastest, each matrix column by column; the names of its elements tell it.
 *  - Names are those of sites, indices behind points and counted from 1: "theta.2.1". An element of
 *    u that is no element of its site (of a simplex) has the indices of its array and its number.
 *  - Log densities keep all constants whether or not `propto` is set. A density of 0 is a success
 *    with -infinity, also where a parameter of a distribution is outside its constraint.
 *  - A model is immutable: any number of threads may use it at the same time, each with its own
 *    RNG handle and output memory. Its strings live until it is destroyed.
 */
#ifndef BOREL_RUNTIME_BRIDGESTAN_BRIDGESTAN_H
#define BOREL_RUNTIME_BRIDGESTAN_BRIDGESTAN_H

#include <cstddef>

#define BOREL_BRIDGESTAN_MAJOR 2
#define BOREL_BRIDGESTAN_MINOR 9
#define BOREL_BRIDGESTAN_PATCH 0

#define BOREL_BS_PUBLIC __attribute__((visibility("default")))

struct bs_model;
struct bs_rng;

extern "C" {

/* Exported besides, for no caller here: bs_major_version, bs_minor_version and bs_patch_version,
 * constant ints that tell the interface's version. */

/* `data`: JSON as CmdStan writes it, or the path of a file of it that ends in ".json"; null and ""
 * are no data. `seed` is BridgeStan's and unused: binding data draws nothing. */
BOREL_BS_PUBLIC bs_model* bs_model_construct(const char* data, unsigned int seed, char** error_msg);
BOREL_BS_PUBLIC void bs_model_destruct(bs_model* m);
BOREL_BS_PUBLIC void bs_free_error_msg(char* error_msg);

BOREL_BS_PUBLIC const char* bs_name(const bs_model* m);
/* Lines as BridgeStan's, with STAN_THREADS=true among them: Rust clients look for it. */
BOREL_BS_PUBLIC const char* bs_model_info(const bs_model* m);

/* Separated by commas. */
BOREL_BS_PUBLIC const char* bs_param_names(const bs_model* m, bool include_tp, bool include_gq);
BOREL_BS_PUBLIC const char* bs_param_unc_names(const bs_model* m);
BOREL_BS_PUBLIC int bs_param_num(const bs_model* m, bool include_tp, bool include_gq);
BOREL_BS_PUBLIC int bs_param_unc_num(const bs_model* m);

/* `rng` may be null unless include_gq; it is never used. */
BOREL_BS_PUBLIC int bs_param_constrain(const bs_model* m, bool include_tp, bool include_gq,
                                       const double* theta_unc, double* theta, bs_rng* rng,
                                       char** error_msg);
/* A value outside its site's support, or a NaN, is an error. */
BOREL_BS_PUBLIC int bs_param_unconstrain(const bs_model* m, const double* theta, double* theta_unc,
                                         char** error_msg);
/* `json`: a value for each latent site by name; other members are ignored. */
BOREL_BS_PUBLIC int bs_param_unconstrain_json(const bs_model* m, const char* json,
                                              double* theta_unc, char** error_msg);
/* A point to start from: sites that `json` (null and "": none) does not name get values drawn from
 * U(-init_radius, init_radius) on the unconstrained scale, anew until log density and gradient are
 * finite, `max_tries` times at most. */
BOREL_BS_PUBLIC int bs_param_initialize(const bs_model* m, const char* json, bs_rng* rng,
                                        double init_radius, int max_tries, bool jacobian,
                                        double* theta_unc, char** error_msg);

BOREL_BS_PUBLIC int bs_log_density(const bs_model* m, bool propto, bool jacobian,
                                   const double* theta_unc, double* lp, char** error_msg);
BOREL_BS_PUBLIC int bs_log_density_gradient(const bs_model* m, bool propto, bool jacobian,
                                            const double* theta_unc, double* val, double* grad,
                                            char** error_msg);
/* Exact, unless bs_model_info says BRIDGESTAN_AD_HESSIAN=false: then central differences of the
 * exact gradient (see hessian.h for steps and errors). `hessian` is symmetric to the bit. Where the
 * density at the point is 0, or within a step of it with differences, the call fails. */
BOREL_BS_PUBLIC int bs_log_density_hessian(const bs_model* m, bool propto, bool jacobian,
                                           const double* theta_unc, double* val, double* grad,
                                           double* hessian, char** error_msg);
BOREL_BS_PUBLIC int bs_log_density_hessian_vector_product(const bs_model* m, bool propto,
                                                          bool jacobian, const double* theta_unc,
                                                          const double* vector, double* val,
                                                          double* hvp, char** error_msg);

BOREL_BS_PUBLIC bs_rng* bs_rng_construct(unsigned int seed, char** error_msg);
BOREL_BS_PUBLIC void bs_rng_destruct(bs_rng* rng);

/* A Borel program prints nothing: the callback is accepted and never called. */
using PrintCallback = void (*)(const char* data, std::size_t size);
BOREL_BS_PUBLIC int bs_set_print_callback(PrintCallback callback, char** error_msg);

}  // extern "C"

#endif
