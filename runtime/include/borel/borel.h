/* Borel in a host application: bind data to a compiled program, evaluate its densities, run its
 * inference.
 *
 * A program comes from `borel build`: linked into the application (`extern const borel_program
 * NAME_program` in the generated NAME.h) or a shared library opened at run time. Nothing here needs
 * a compiler, LLVM or the C++ library: link libborel_rt.a, libm and pthread.
 *
 *   library   a program, checked against this runtime                      any number of threads
 *   data      inputs on their way to bind: from memory or JSON             one thread at a time
 *   instance  data bound to a library; immutable                           any number of threads
 *   worker    the scratch memory with which one thread calls an instance   one thread at a time
 *   chain     the state of one run of the program's machine                one thread at a time
 *
 * Status and errors. A function that can fail returns a borel_code, BOREL_SUCCESS being 0, and
 * takes `borel_error** error` last. On failure, and if `error` is not null, *error is a new error
 * that the caller frees with borel_error_free; on success it is left as it was. When there is no
 * memory for the error itself the call returns BOREL_NO_MEMORY, whatever else was wrong, and *error
 * is a constant that may be freed like any other. After a failure, output arguments are unspecified
 * and every handle is as it was before, unless a function says otherwise.
 *
 * Ownership. Handles are freed by the function named after them, null being ignored, and outlive
 * what was made from them: a library its data and instances, an instance its workers and chains.
 * Strings and arrays that a handle gives out live as long as the handle. Nothing is ever freed by
 * both sides.
 *
 * What this library never does: throw, abort, exit, print, change signal handlers, locale or
 * floating-point modes, keep mutable globals, or read the environment. Memory comes from the
 * allocator of the library, from no other place; only dlopen and threads that a run is asked for
 * take their own from the system.
 *
 * Units. Log densities are in nats with all constants kept. Durations are in seconds. Counts are of
 * elements, sizes that say so are in bytes. `u` is an unconstrained point in Stan's order, a `draw`
 * is the constrained latent sites and then the derived quantities, both in source order, arrays
 * with the last index fastest and matrices column by column: see program.h.
 */
#ifndef BOREL_BOREL_H
#define BOREL_BOREL_H

#include <stddef.h>
#include <stdint.h>

#include "borel/program.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BOREL_VERSION_MAJOR 0
#define BOREL_VERSION_MINOR 1
#define BOREL_VERSION_PATCH 0

/* Of the runtime that is linked: major << 16 | minor << 8 | patch. */
uint32_t borel_version(void);

/* ---- status and errors --------------------------------------------------------------------- */

typedef int32_t borel_code;
enum {
  BOREL_SUCCESS = 0,
  BOREL_BAD_ARGUMENT = 1,   /* a null handle, an index out of range, a name that does not exist */
  BOREL_BAD_PROGRAM = 2,    /* not a program of this ABI, of another CPU, or not readable */
  BOREL_BAD_DATA = 3,       /* data that the program's declarations do not allow */
  BOREL_RUN_FAILED = 4,     /* the program stopped at a fault, or has no point to start from */
  BOREL_BAD_CHECKPOINT = 5, /* bytes that are not a state of this program and data */
  BOREL_NO_MEMORY = 6,
  BOREL_CANCELLED = 7,    /* a callback asked to stop */
  BOREL_NOT_SUPPORTED = 8 /* the program was built without it */
};

typedef struct borel_error borel_error;

borel_code borel_error_code(const borel_error* error);
/* One line of UTF-8: what is wrong, which value was found and what was expected. */
const char* borel_error_message(const borel_error* error);
/* The name of the site or input that it concerns, "" for none. */
const char* borel_error_subject(const borel_error* error);
/* The place in the program's source; file is null when there is none. */
borel_span borel_error_span(const borel_error* error);
void borel_error_free(borel_error* error);

/* ---- the host's services -------------------------------------------------------------------- */

/* All functions may be called by any thread that is in a call of this library, at the same time.
 * `allocate` returns null when it cannot; `alignment` is a power of two of at most BOREL_ALIGNMENT.
 * `release` gets the size and alignment that `allocate` got. */
typedef struct borel_allocator {
  void* context;
  void* (*allocate)(void* context, size_t bytes, size_t alignment);
  void (*release)(void* context, void* memory, size_t bytes, size_t alignment);
} borel_allocator;

typedef enum borel_log_level {
  BOREL_LOG_INFO = 0,
  BOREL_LOG_WARNING = 1 /* names in the data that nothing uses, divergences */
} borel_log_level;

/* Without a logger nothing is said. `message` is one line, valid during the call. */
typedef struct borel_logger {
  void* context;
  void (*log)(void* context, borel_log_level level, const char* message);
} borel_logger;

/* ---- libraries ------------------------------------------------------------------------------ */

typedef struct borel_library borel_library;

/* Checks that `program` is of this runtime's ABI and can run on this processor. The program is
 * borrowed, until the library is freed. `allocator` (null: malloc and free) and `logger` (null:
 * none) are copied. */
borel_code borel_library_open(const borel_program* program, const borel_allocator* allocator,
                              const borel_logger* logger, borel_library** library,
                              borel_error** error);
/* The same for a shared library made by `borel build`, at `path`; closed when freed. */
borel_code borel_library_load(const char* path, const borel_allocator* allocator,
                              const borel_logger* logger, borel_library** library,
                              borel_error** error);
const borel_program* borel_library_program(const borel_library* library);
void borel_library_free(borel_library* library);

/* ---- data ----------------------------------------------------------------------------------- */

typedef struct borel_data borel_data;

borel_code borel_data_create(const borel_library* library, borel_data** data, borel_error** error);
void borel_data_free(borel_data* data);

/* The input `name` from the caller's memory: dims[rank] elements, in the input's layout (arrays
 * with the last index fastest, matrices column by column). The memory is borrowed: it must live,
 * unchanged, until every instance that was bound to it is freed. Copied are only indices that the
 * program counts `from` another number than 0. A scalar that has a default in the program need not
 * be set. A size symbol of the program may be given as a
 * scalar int of its name; otherwise the shapes of arrays bind it. Setting a name again replaces it.
 * Bounds and shapes are checked by borel_bind; the name, the kind of number and the arguments
 * themselves here. */
borel_code borel_data_real(borel_data* data, const char* name, const double* values, int32_t rank,
                           const int64_t* dims, borel_error** error);
borel_code borel_data_int(borel_data* data, const char* name, const int64_t* values, int32_t rank,
                          const int64_t* dims, borel_error** error);
/* The same with a copy of the memory; ints become reals where the input is real. */
borel_code borel_data_copy_real(borel_data* data, const char* name, const double* values,
                                int32_t rank, const int64_t* dims, borel_error** error);
borel_code borel_data_copy_int(borel_data* data, const char* name, const int64_t* values,
                               int32_t rank, const int64_t* dims, borel_error** error);
/* All members of a JSON object in CmdStan's format, `length` bytes of UTF-8; members that no input
 * has are ignored with a warning to the logger. On failure the error names the first problem and
 * the data are as before. Shapes, bounds and what is missing are borel_bind's to find. */
borel_code borel_data_json(borel_data* data, const char* text, size_t length, borel_error** error);
/* A function that the program asks of its host by name (program.h says what it is given and must
 * give): copied, to be had by what is bound afterwards; what `host` points to must live until every
 * such instance is freed. It is called by every thread that calls an instance, several at the same
 * time. Unknown names, and functions without the gradient that the program declares, are
 * BOREL_BAD_ARGUMENT; borel_bind tells what is missing. A function that returns another number than
 * 0 makes the call that needed it BOREL_RUN_FAILED, or ends the chain. Checkpoints do not know
 * which function there was. */
borel_code borel_data_function(borel_data* data, const char* name, const borel_function* function,
                               borel_error** error);
/* Forgets all inputs, but not the functions; memory is kept for the next ones. */
void borel_data_clear(borel_data* data);

/* ---- instances ------------------------------------------------------------------------------ */

typedef struct borel_instance borel_instance;

/* Checks the data against the program's declarations, and computes all that depends on data alone,
 * where a fault of the program is BOREL_RUN_FAILED.
 * The instance takes a share of what `data` copied, which may be changed or freed afterwards. */
borel_code borel_bind(borel_data* data, borel_instance** instance, borel_error** error);
/* Binds other data, perhaps of other sizes, to an instance that has no workers or chains in use;
 * memory is reused: refits of like sizes allocate nothing. Workers adapt to the new sizes; chains
 * must be started again. On failure the instance is unbound and only good for binding again. */
borel_code borel_rebind(borel_instance* instance, borel_data* data, borel_error** error);
void borel_instance_free(borel_instance* instance);

/* Models are numbered as in the program; the machine's is borel_instance_model. -1: none. */
const borel_program* borel_instance_program(const borel_instance* instance);
int32_t borel_instance_model(const borel_instance* instance);
int32_t borel_find_model(const borel_instance* instance, const char* name);
/* How many steps a machine makes that runs once through its data, without warm-up: its chains are
 * independent repetitions, one unless asked otherwise. -1: it goes on for as long as it is asked
 * to, there is none, or the instance is unbound. */
int64_t borel_instance_steps(const borel_instance* instance);
/* The counts are -1 where there is no such model and while the instance is unbound. */
int64_t borel_dimension(const borel_instance* instance, int32_t model); /* length of u */
int64_t borel_draw_size(const borel_instance* instance, int32_t model); /* doubles in a draw */
/* Elements of all observed sites, and how many draws they are: lengths of borel_predict's and
 * borel_log_likelihood's results. */
int64_t borel_observed_size(const borel_instance* instance, int32_t model);
int64_t borel_term_count(const borel_instance* instance, int32_t model);

/* A site of a model with this instance's sizes. */
typedef struct borel_site_info {
  const char* name;
  const char* support; /* in words */
  int32_t kind;        /* borel_site_kind */
  int32_t type;        /* borel_type; a draw holds all types as doubles */
  int32_t rank;
  int32_t layout; /* borel_layout */
  int64_t dims[BOREL_MAX_RANK];
  int64_t elements;    /* product of dims */
  int64_t draw_offset; /* of the first element in a draw; -1 for observed sites */
  int64_t u_offset;    /* of the first element in u; -1 unless latent */
  int64_t u_elements;  /* in u; fewer than elements on a simplex */
  int32_t draw_rank;   /* the first dimensions, which number its draws: see borel_log_likelihood */
  int64_t observed_offset; /* of the first element in borel_predict's result; -1 unless observed */
  int64_t term_offset;     /* of the first term in borel_log_likelihood's; -1 unless observed */
  int64_t terms;           /* product of the first draw_rank dims; 0 unless observed */
} borel_site_info;
int32_t borel_site_count(const borel_instance* instance, int32_t model);
borel_code borel_describe_site(const borel_instance* instance, int32_t model, int32_t site,
                               borel_site_info* info, borel_error** error);

/* ---- densities ------------------------------------------------------------------------------ */

typedef struct borel_worker borel_worker;

borel_code borel_worker_create(const borel_instance* instance, borel_worker** worker,
                               borel_error** error);
void borel_worker_free(borel_worker* worker);

/* Log density at u, and its gradient with respect to u. With `jacobian` the log determinant of the
 * transform to the constrained space is included, as samplers want it. A density of 0 is a success
 * with -infinity; NaN and +infinity are BOREL_RUN_FAILED, naming the site and term. `u` and
 * `gradient` have borel_dimension elements and do not overlap. */
borel_code borel_log_density(borel_worker* worker, int32_t model, int32_t jacobian, const double* u,
                             double* log_density, borel_error** error);
borel_code borel_log_density_gradient(borel_worker* worker, int32_t model, int32_t jacobian,
                                      const double* u, double* log_density, double* gradient,
                                      borel_error** error);
/* Log density and gradient as above, and the product of the Hessian with `v`: all exact, by the
 * derivative of the gradient along v, at one and a half to four times a gradient's cost. `v` and
 * `product` have borel_dimension elements; `u` and `v` may be the same memory, results overlap with
 * nothing. Where the density is 0 gradient and product are unspecified. A program has it when it
 * was built with `borel build --hessian`; else this is BOREL_NOT_SUPPORTED. */
borel_code borel_hessian_vector(borel_worker* worker, int32_t model, int32_t jacobian,
                                const double* u, const double* v, double* log_density,
                                double* gradient, double* product, borel_error** error);
/* The draw of an unconstrained point: latent sites and derived quantities. */
borel_code borel_constrain(borel_worker* worker, int32_t model, const double* u, double* draw,
                           borel_error** error);
/* The unconstrained point of latent values, which lead a draw. A value outside its site's support
 * is BOREL_BAD_ARGUMENT, but shares of a simplex are taken as proportions: they need not sum to 1.
 */
borel_code borel_unconstrain(borel_worker* worker, int32_t model, const double* latents, double* u,
                             borel_error** error);
/* A draw from the joint distribution with the observed sites held: of prior and derived
 * quantities. The same seed, stream and step give the same draw. */
borel_code borel_simulate(borel_worker* worker, int32_t model, borel_key key, double* draw,
                          borel_error** error);
/* The observed sites drawn anew at the latent values that lead `draw` (of a chain: the posterior
 * predictive; of borel_simulate: the prior predictive): borel_observed_size doubles, site after
 * site in a draw's element order. They are drawn one after another, so that in `y[t] ~ Normal(a *
 * y[t-1], s)` the y[t-1] is the one that was drawn; other parameters and sizes of arrays are the
 * data's, and elements that the model does not draw are as observed. The same seed, stream and step
 * give the same bits in any thread: take the chain for the stream and the draw's number for the
 * step. Where a parameter is outside its constraint, as in no draw of a chain, values mean nothing.
 * BOREL_NOT_SUPPORTED where a distribution of an observed site cannot be drawn from, or none is
 * observed. */
borel_code borel_predict(borel_worker* worker, int32_t model, borel_key key, const double* draw,
                         double* observed, borel_error** error);
/* The log density of each draw that is observed, at the latent values that lead `draw`, with
 * constants: borel_term_count doubles, site after site. A site that is drawn element by element has
 * one for each element; of `y[i] ~ Dirichlet(a)` each row has one (borel_site_info's draw_rank and
 * terms). 0 where the model does not come by, -infinity where the value or a parameter is outside
 * its support, NaN where the term is. They sum to the log density less that of prior and factors.
 * BOREL_NOT_SUPPORTED where the model observes nothing. */
borel_code borel_log_likelihood(borel_worker* worker, int32_t model, const double* draw,
                                double* terms, borel_error** error);

/* ---- the machine, step by step -------------------------------------------------------------- */

/* A parameter of the machine by its name, as in `borel sample --set`. */
typedef struct borel_setting {
  const char* name;
  double value;
} borel_setting;

typedef struct borel_start {
  uint64_t seed;
  uint64_t chain;        /* its random stream, from 1 as `borel sample` counts; not 0 */
  const double* initial; /* unconstrained, borel_dimension elements; null: tried from U(-r, r) */
  double initial_radius; /* r; 0 stands for 2 */
  int32_t setting_count;
  const borel_setting* settings; /* parameters that are not at their defaults */
} borel_start;

typedef struct borel_chain borel_chain;

/* A chain at its first state, with a worker of its own. Draws are those of `borel sample` with the
 * same seed, settings and processor, bit for bit. */
borel_code borel_chain_create(const borel_instance* instance, const borel_start* start,
                              borel_chain** chain, borel_error** error);
/* Starts again on what the instance is bound to now, with memory reused. On failure the chain has
 * no state and is only good for another restart. */
borel_code borel_chain_restart(borel_chain* chain, const borel_start* start, borel_error** error);
void borel_chain_free(borel_chain* chain);

/* `count` iterations. On failure the chain stays at the last iteration that it finished. More than
 * borel_instance_steps in all is BOREL_BAD_ARGUMENT. */
borel_code borel_chain_step(borel_chain* chain, int64_t count, borel_error** error);
int64_t borel_chain_iteration(const borel_chain* chain); /* finished ones, warm-up included */
int64_t borel_chain_warmup(const borel_chain* chain);    /* of its settings */
/* What the chain is at: a draw, and the statistics of its last iteration in the machine's order. */
borel_code borel_chain_draw(borel_chain* chain, double* draw, borel_error** error);
borel_code borel_chain_statistics(borel_chain* chain, double* statistics, borel_error** error);

/* A chain as bytes: the program's hash, the target, the data's hash, settings, iteration and state.
 * borel_chain_save writes at most `capacity` bytes and always sets *size to what is needed; with
 * too little room it writes nothing and returns BOREL_BAD_ARGUMENT. A chain resumed from them goes
 * on bit for bit as the one that was saved. Any bytes are safe to pass that were not made to
 * deceive: a checksum of 128 bits finds all damage, but it is no signature. */
borel_code borel_chain_save(borel_chain* chain, void* bytes, size_t capacity, size_t* size,
                            borel_error** error);
borel_code borel_chain_resume(const borel_instance* instance, const void* bytes, size_t size,
                              borel_chain** chain, borel_error** error);

/* ---- whole runs ----------------------------------------------------------------------------- */

/* One iteration as a run gives it out. Pointers are valid during the call. */
typedef struct borel_iteration {
  uint64_t chain;           /* from 1 */
  int64_t iteration;        /* from 1, warm-up included */
  int32_t warmup;           /* whether it is one of warm-up */
  const double* draw;       /* borel_draw_size doubles; null in warm-up unless asked for */
  const double* statistics; /* the machine's statistic_count doubles */
} borel_iteration;

typedef struct borel_run_options {
  size_t struct_size; /* sizeof(borel_run_options) */
  uint64_t seed;
  int32_t chains;        /* 0: the machine's parameter `chains`, or 4; 1 where it makes its steps */
  int32_t threads;       /* 0 or 1: in the caller's thread; draws do not depend on it */
  int64_t warmup, draws; /* -1: the machine's defaults */
  int32_t save_warmup;   /* warm-up iterations are given out with draws, too */
  int32_t setting_count;
  const borel_setting* settings;
  const double* initial; /* a point for all chains, or null */
  double initial_radius; /* 0 stands for 2 */

  /* Streaming: called for every iteration, by several threads at a time if threads > 1 (for one
   * chain by one, in order). Non-zero cancels the run. Null: none. */
  void* context;
  int32_t (*on_iteration)(void* context, const borel_iteration* iteration);
  /* Asked between iterations, by several threads at a time if threads > 1; non-zero cancels. Null:
   * never. */
  int32_t (*cancelled)(void* context);

  /* Into caller memory: chains x draws (with save_warmup: warmup + draws) x borel_draw_size, and
   * x statistic_count; row major. Null: not kept. */
  double* draw_values;
  double* statistic_values;
} borel_run_options;

/* Defaults: seed 1, everything else 0, -1 or null as above. */
void borel_run_defaults(borel_run_options* options);

typedef struct borel_chain_summary {
  int64_t iterations; /* finished, warm-up included */
  int64_t rejections; /* log densities that a constraint or reject() made -infinity */
  double warmup_seconds, draw_seconds;
} borel_chain_summary;

/* Runs all chains to their ends. `summaries` has room for each chain, or is null. A failure ends
 * every chain at its next iteration; it is that of the lowest chain that has one. After a failure
 * or cancellation what was given out before stays valid, and summaries tell how far each came. */
borel_code borel_run(const borel_instance* instance, const borel_run_options* options,
                     borel_chain_summary* summaries, borel_error** error);

#ifdef __cplusplus
}
#endif
#endif
