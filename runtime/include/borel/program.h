/* The contract between a compiled Borel program and whatever runs it.
 *
 * A compiled `infer` exports one constant `borel_program` (symbol BOREL_PROGRAM_SYMBOL): names,
 * shapes and places in the source, and the functions below. The runtime and host applications know
 * these functions and nothing of the algorithm that they carry out.
 *
 * Rules that every function pointer here keeps:
 *  - it never allocates, throws, longjmps, aborts or prints, and touches no global memory;
 *  - `instance` is immutable after `bind` and may be shared by any number of threads;
 *  - `ws` belongs to one thread at a time;
 *  - a state is plain bytes without addresses: it may be copied, written to a file and resumed;
 *  - on BOREL_NEED_SPACE nothing but `ws` and the output arguments was touched; the caller enlarges
 *    the workspace to at least ws->needed bytes, restores the state it passed in, and calls again
 *    with the same key;
 *  - on BOREL_FAULT ws->fault says what happened and where; outputs are unspecified.
 * A log density that a failed parameter constraint or `reject()` makes -infinity is not a fault of
 * the call: the status is BOREL_OK, the value -infinity, ws->rejections counts it and ws->fault
 * names the first one since the caller last cleared it.
 *
 * Unconstrained order is Stan's: sites in source order, arrays element by element with the last
 * index fastest, each matrix column by column. "draw" vectors hold constrained values in the same
 * element order, latent sites first, then derived quantities, both in source order.
 */
#ifndef BOREL_PROGRAM_H
#define BOREL_PROGRAM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BOREL_ABI_VERSION 3u
#define BOREL_PROGRAM_SYMBOL "borel_program_entry"
#define BOREL_MAX_RANK 4
#define BOREL_ALIGNMENT 64 /* of instances, workspaces and states, in bytes */
/* A function that calls itself may take this much stack, in bytes, and is a fault beyond it; all
 * else takes a few KiB. Threads that call a program want twice as much. */
#define BOREL_STACK 524288

typedef int32_t borel_status;
enum {
  BOREL_OK = 0,
  BOREL_NEED_SPACE = 1, /* the workspace is too small: see ws->needed */
  BOREL_FAULT = 2       /* the program cannot go on: see ws->fault */
};

/* A range of source text; lines and columns count from 1, the end column is exclusive. */
typedef struct borel_span {
  const char* file;
  int32_t line, column, end_line, end_column;
} borel_span;

typedef enum borel_fault_kind {
  BOREL_FAULT_NONE = 0,
  BOREL_FAULT_PARAMETER,  /* a distribution's parameter is outside its constraint */
  BOREL_FAULT_SUPPORT,    /* a value is outside its site's support */
  BOREL_FAULT_REJECT,     /* the program called reject() */
  BOREL_FAULT_NOT_FINITE, /* a term of the log density is NaN or +infinity */
  BOREL_FAULT_INDEX,      /* an index is out of range */
  BOREL_FAULT_OVERFLOW,   /* integer overflow */
  BOREL_FAULT_DIVISION,   /* integer division by zero */
  BOREL_FAULT_SHAPE,      /* a size or shape is not what it must be */
  BOREL_FAULT_RECURSION,  /* calls within calls took BOREL_STACK bytes of stack */
  BOREL_FAULT_HOST,       /* a function of the host failed: value is what it returned */
  BOREL_FAULT_WEIGHTS     /* no particle of a population has a density above 0 there */
} borel_fault_kind;

/* What went wrong: `place` indexes borel_program.places; index counts from 0. */
typedef struct borel_fault {
  int32_t kind;  /* borel_fault_kind */
  int32_t place; /* -1: unknown */
  int64_t index; /* element, iteration or offending index; -1: none */
  double value;  /* offending value, NaN when there is none */
} borel_fault;

/* A place that a fault can name: source range, the site it belongs to (or null) and, in words, the
 * term or condition ("sigma > 0"). */
typedef struct borel_place {
  borel_span span;
  const char* site;
  const char* what;
} borel_place;

/* Scratch memory of one thread. begin is BOREL_ALIGNMENT-aligned. */
typedef struct borel_workspace {
  uint8_t* begin;
  uint8_t* end;
  int64_t needed;     /* bytes, set with BOREL_NEED_SPACE */
  int64_t rejections; /* log densities that a constraint or reject() made -infinity */
  borel_fault fault;
  uint8_t* stack; /* the program's own: where the stack was when it was called */
  /* How a step shares its work among threads; null: it does all of it itself. `share` calls
   * task(env, i) once for each i below `tasks`, in any order and any threads, and returns when all
   * have returned. Results do not depend on it. */
  void (*share)(void* pool, void (*task)(void* env, int64_t i), void* env, int64_t tasks);
  void* pool;
} borel_workspace;

/* Random bits are a pure function of (seed, stream, step, position); stream is the chain or
 * particle, position a counter that the step itself keeps. */
typedef struct borel_key {
  uint64_t seed, stream, step;
} borel_key;

/* ---- data ---------------------------------------------------------------------------------- */

/* A size symbol of the program, `J`: bound by the shapes of inputs or by an int input of its name.
 */
typedef struct borel_size {
  const char* name;
  borel_span span;
} borel_size;

/* A dimension: sizes[symbol] + offset, or the constant offset when symbol is -1. */
typedef struct borel_dim {
  int32_t symbol;
  int64_t offset;
} borel_dim;

typedef enum borel_type {
  BOREL_BOOL = 0, /* int64_t, 0 or 1 */
  BOREL_INT = 1,  /* int64_t */
  BOREL_REAL = 2, /* double */
  BOREL_INDEX = 3 /* int64_t in [0, bound) once bound; index_base is what the data counts from */
} borel_type;

typedef enum borel_layout {
  BOREL_ROW_MAJOR = 0,   /* arrays: last index fastest */
  BOREL_COLUMN_MAJOR = 1 /* matrices: first index fastest */
} borel_layout;

/* One datum that the program wants. lower and upper (inclusive unless *_open) bound every element;
 * they are -inf and +inf where the type sets no bound. */
typedef struct borel_input {
  const char* name;
  int32_t type;   /* borel_type */
  int32_t rank;   /* 0: a scalar */
  int32_t layout; /* borel_layout of the last two dimensions of a matrix */
  int32_t index_base;
  borel_dim dims[BOREL_MAX_RANK];
  borel_dim index_bound;
  double lower, upper;
  int32_t lower_open, upper_open;
  borel_span span;
  /* Of a scalar int or real: what it is where the data do not say, an int64_t or a double within
   * the bounds. Null: the data must say. */
  const void* fallback;
} borel_input;

/* A datum in memory: dims[rank] elements of int64_t or double in the input's layout. */
typedef struct borel_array {
  const void* data;
  int64_t dims[BOREL_MAX_RANK];
} borel_array;

/* ---- functions of the host ------------------------------------------------------------------ */

/* What a function that the host supplies is given: reals as double, ints and truths as int64_t. */
typedef struct borel_argument {
  int32_t type;   /* BOREL_REAL, BOREL_INT or BOREL_BOOL */
  int32_t rank;   /* 0: a scalar */
  int32_t layout; /* borel_layout of the last two dimensions */
} borel_argument;

/* A function that the program asks of its host (`def f(x: real[n]): real = extern(gradient)`). */
typedef struct borel_external {
  const char* name;
  int32_t argument_count;
  const borel_argument* arguments;
  int32_t result_rank;  /* of reals; 0: one */
  int32_t has_gradient; /* the host gives its derivative, too */
  borel_span span;
} borel_external;

/* The host's function. Any thread that is in a call of the program calls it, several at the same
 * time; the same arguments give the same result. It returns 0, or another number where it failed,
 * which ends the call with BOREL_FAULT_HOST; no exception and no longjmp leaves it. A result that
 * is -infinity, added to a log density, is a density of 0. */
typedef struct borel_function {
  void* host; /* handed on */
  /* arguments[i].data is argument i, a scalar or an array, its shape in dims as the program states
   * it (a matrix: rows, columns); fills the result. All memory is valid during the call. */
  int32_t (*value)(void* host, const borel_array* arguments, double* result);
  /* The vector-Jacobian product: adjoints[i], of argument i's shape, is filled with the sum over
   * the result's elements of seed times its derivative by that argument's element; null where the
   * argument is not real. `result` is what `value` gave. Null where the program wants none. */
  int32_t (*gradient)(void* host, const borel_array* arguments, const double* result,
                      const double* seed, double* const* adjoints);
} borel_function;

/* ---- models -------------------------------------------------------------------------------- */

typedef enum borel_site_kind {
  BOREL_LATENT = 0,
  BOREL_DERIVED = 1, /* recorded with := */
  BOREL_OBSERVED = 2
} borel_site_kind;

typedef struct borel_site {
  const char* name;
  int32_t kind; /* borel_site_kind */
  int32_t type; /* borel_type */
  int32_t rank;
  int32_t layout;
  const char* support; /* in words: "real", "positive", "interval(0, 1 - alpha1)", … */
  borel_span span;
  /* Its first dimensions, which number its draws; those after them are of one draw, which has one
   * log density: of `y[i] ~ Dirichlet(a)` the first of two. */
  int32_t draw_rank;
} borel_site;

/* A conditioned model that the program uses. Sites are those of a draw, in its order, then the
 * observed ones. Functions may be null where the program was built without them. A machine whose
 * draws are no trace of a model has one of its own: derived sites, of dimension 0 and without any
 * function but those of shapes. */
typedef struct borel_model {
  const char* name;
  int32_t site_count;
  const borel_site* sites;

  int64_t (*dimension)(const void* instance); /* length of u */
  int64_t (*draw_size)(const void* instance); /* doubles in a draw */
  /* Shape of site i (rank entries) and, for a latent site, its first element in u; else -1. */
  void (*site_shape)(const void* instance, int32_t site, int64_t* dims, int64_t* offset);

  /* Log density at unconstrained u, constants kept, log Jacobian included unless `_plain`. */
  borel_status (*log_density)(const void* instance, borel_workspace* ws, const double* u,
                              double* lp);
  borel_status (*log_density_gradient)(const void* instance, borel_workspace* ws, const double* u,
                                       double* lp, double* gradient);
  borel_status (*log_density_plain)(const void* instance, borel_workspace* ws, const double* u,
                                    double* lp);
  borel_status (*log_density_gradient_plain)(const void* instance, borel_workspace* ws,
                                             const double* u, double* lp, double* gradient);
  borel_status (*constrain)(const void* instance, borel_workspace* ws, const double* u,
                            double* draw);
  borel_status (*unconstrain)(const void* instance, borel_workspace* ws, const double* latents,
                              double* u);
  /* A draw from the program's joint distribution with the observed sites held. */
  borel_status (*simulate)(const void* instance, borel_workspace* ws, borel_key key, double* draw);
  /* The log density once more, term by term and slowly, to name what is not finite: ws->fault. */
  borel_status (*diagnose)(const void* instance, borel_workspace* ws, const double* u);

  /* Log density, its gradient and the product of its Hessian with v, all exact. */
  borel_status (*hessian_vector)(const void* instance, borel_workspace* ws, const double* u,
                                 const double* v, double* lp, double* gradient, double* product);
  borel_status (*hessian_vector_plain)(const void* instance, borel_workspace* ws, const double* u,
                                       const double* v, double* lp, double* gradient,
                                       double* product);
  /* Observed sites drawn anew at given values of the latent ones, which lead a draw: all values, in
   * a draw's element order, site after site. */
  borel_status (*predict)(const void* instance, borel_workspace* ws, borel_key key,
                          const double* latents, double* observed);
  /* The log density of each draw of the observed sites (their first draw_rank dimensions), site
   * after site: 0 where the model does not come by. */
  borel_status (*log_likelihood)(const void* instance, borel_workspace* ws, const double* latents,
                                 double* terms);
} borel_model;

/* ---- the machine --------------------------------------------------------------------------- */

/* A number that a flag or a host may set. The runtime itself uses those named warmup, draws and
 * chains; the machine reads the rest (and these) from borel_config. A machine with `steps` has
 * neither warmup nor draws. */
typedef struct borel_parameter {
  const char* name;
  int32_t type;                  /* BOREL_INT or BOREL_REAL */
  double lower, upper, fallback; /* fallback: the default */
  borel_span span;
} borel_parameter;

typedef struct borel_config {
  const double* parameters; /* parameter_count values, checked against their ranges */
  const double* initial;    /* unconstrained start of length dimension, or null: draw one */
  double initial_radius;    /* of U(-r, r) for drawn starts; Stan's 2 */
} borel_config;

typedef struct borel_machine {
  const char* name;
  int32_t model; /* index of the model whose draws it makes */
  int32_t parameter_count;
  const borel_parameter* parameters;
  int32_t statistic_count; /* of one step, as info writes them */
  const char* const* statistics;
  int64_t (*state_size)(const void* instance); /* bytes */
  borel_status (*init)(const void* instance, borel_workspace* ws, const borel_config* config,
                       borel_key key, void* state);
  borel_status (*step)(const void* instance, borel_workspace* ws, borel_key key, void* state);
  borel_status (*draw)(const void* instance, borel_workspace* ws, const void* state, double* draw);
  borel_status (*info)(const void* instance, borel_workspace* ws, const void* state,
                       double* statistics);
  /* The inverse metric that a state moves by, for the record of a run: `metric_size` doubles, the
   * diagonal (as many as the model's dimension) or all of it, column by column. Both null: none. */
  int64_t (*metric_size)(const void* instance);
  borel_status (*metric)(const void* instance, borel_workspace* ws, const void* state,
                         double* inverse_metric);
  /* Of a machine that runs once through: how many steps it makes, each of which is recorded; there
   * is no warm-up, and chains are independent repetitions. It may be stepped no further. Null: the
   * machine goes on for as long as it is asked to. */
  int64_t (*steps)(const void* instance);
} borel_machine;

/* ---- the program --------------------------------------------------------------------------- */

typedef struct borel_program {
  uint32_t abi_version;   /* BOREL_ABI_VERSION */
  uint32_t struct_size;   /* sizeof(borel_program) */
  const char* target_cpu; /* or levels, "x86-64-v2,x86-64-v3": it takes the last that is here */
  const char* source_hash;
  const char* name; /* of the infer */

  int32_t size_count, input_count, model_count, place_count;
  const borel_size* sizes;
  const borel_input* inputs;
  const borel_model* models;
  const borel_place* places;
  const borel_machine* machine; /* null: models only */

  /* Bytes of an instance for these inputs, whose size symbols have these values. */
  int64_t (*instance_size)(const borel_array* inputs, const int64_t* sizes);
  /* Fills `instance` (instance_size bytes). Borrows the inputs, which must outlive it, and computes
   * all that depends on data alone. Behind the inputs come the functions of the host: the `data` of
   * inputs[input_count + i] is the address of a borel_function for externals[i]. */
  borel_status (*bind)(const borel_array* inputs, const int64_t* sizes, borel_workspace* ws,
                       void* instance);

  int32_t external_count;
  const borel_external* externals;
} borel_program;

#ifdef __cplusplus
}
#endif
#endif
