/* A C application with a program linked into it: binds eight schools from memory, evaluates and
 * differentiates, samples, and follows a chain by hand. Prints what a call costs over the program's
 * own function.
 *   host MODEL.so: the same program as a library, which must give the same draws */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model.h"

static borel_error* error;
static int is_broken;
static void check(borel_code code, const char* what) {
  if (code == BOREL_SUCCESS) return;
  fprintf(stderr, "host: %s: %s\n", what, borel_error_message(error));
  borel_error_free(error);
  exit(1);
}
static void expect(int is_true, const char* what) {
  if (is_true) return;
  fprintf(stderr, "host: %s\n", what);
  is_broken = 1;
}

static const double sigma[8] = {15, 10, 16, 11, 9, 11, 10, 18};
static const double y[8] = {28, 8, -3, 7, -1, 1, 18, 12};
enum { chains = 4, draws = 500, dimension = 10, draw_size = 18 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { is_instrumented = 1 };
#else
enum { is_instrumented = 0 };
#endif

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static borel_instance* bind_schools(const borel_library* library, borel_data** data) {
  const int64_t schools = 8;
  borel_instance* instance;
  check(borel_data_create(library, data, &error), "data");
  check(borel_data_real(*data, "sigma", sigma, 1, &schools, &error), "sigma");
  check(borel_data_real(*data, "y", y, 1, &schools, &error), "y");
  check(borel_bind(*data, &instance, &error), "bind");
  return instance;
}

static double* sample(const borel_instance* instance) {
  double* values = malloc(sizeof(double) * chains * draws * draw_size);
  if (!values) exit(1);
  borel_run_options options;
  borel_run_defaults(&options);
  options.seed = 7;
  options.chains = chains;
  options.threads = 2;
  options.draws = draws;
  options.draw_values = values;
  check(borel_run(instance, &options, NULL, &error), "run");
  return values;
}

/* Nanoseconds of the fastest of many repetitions of a thousand calls, through the interface and
 * straight to the program. */
static void time_calls(borel_worker* worker, const double* u) {
  const borel_model* model = &model_program.models[0];
  borel_array inputs[2] = {{0}};
  for (int i = 0; i < 2; ++i) {
    inputs[i].data = strcmp(model_program.inputs[i].name, "y") == 0 ? y : sigma;
    inputs[i].dims[0] = 8;
  }
  static _Alignas(BOREL_ALIGNMENT) unsigned char space[1 << 16], instance[1 << 14];
  const int64_t sizes[1] = {8};
  borel_workspace ws = {0};
  ws.begin = space;
  ws.end = space + sizeof space;
  expect(model_program.instance_size(inputs, sizes) <= (int64_t)sizeof instance, "size");
  expect(model_program.bind(inputs, sizes, &ws, instance) == BOREL_OK, "bind");
  double through = INFINITY, direct = INFINITY, lp, other, gradient[dimension];
  for (int repetition = 0; repetition < 300; ++repetition) {
    const double start = now();
    for (int i = 0; i < 1000; ++i)
      borel_log_density_gradient(worker, 0, 1, u, &lp, gradient, NULL);
    const double middle = now();
    for (int i = 0; i < 1000; ++i)
      model->log_density_gradient(instance, &ws, u, &other, gradient);
    const double end = now();
    through = fmin(through, (middle - start) / 1000);
    direct = fmin(direct, (end - middle) / 1000);
  }
  expect(lp == other, "the log density differs from the program's");
  printf("log_density_gradient: %.1f ns, of which the interface takes %.1f ns\n", through,
         through - direct);
  expect(is_instrumented || through - direct < 50, "a call costs more than 50 ns");
}

int main(int argc, char** argv) {
  if (argc != 2) return fprintf(stderr, "usage: host MODEL.so\n"), 2;
  expect(borel_version() == ((uint32_t)BOREL_VERSION_MAJOR << 16 |
                             (uint32_t)BOREL_VERSION_MINOR << 8 | (uint32_t)BOREL_VERSION_PATCH),
         "the header is of another version than the library");
  borel_library *linked, *loaded;
  borel_data *data, *other_data;
  check(borel_library_open(&model_program, NULL, NULL, &linked, &error), "open");
  borel_instance* instance = bind_schools(linked, &data);
  borel_instance* other = NULL;
  double fastest = INFINITY;
  for (int i = 0; i < 10; ++i) {
    if (other) {
      borel_instance_free(other);
      borel_data_free(other_data);
      borel_library_free(loaded);
    }
    const double start = now();
    check(borel_library_load(argv[1], NULL, NULL, &loaded, &error), "load");
    other = bind_schools(loaded, &other_data);
    fastest = fmin(fastest, now() - start);
  }
  printf("loading and binding: %.1f us\n", fastest / 1e3);
  expect(is_instrumented || fastest < 1e6, "loading and binding take more than 1 ms");
  expect(borel_dimension(instance, 0) == dimension, "another dimension");
  expect(borel_draw_size(instance, 0) == draw_size, "another draw");

  borel_worker* worker;
  check(borel_worker_create(instance, &worker, &error), "worker");
  double u[dimension], gradient[dimension], unused[dimension], lp, up, down;
  for (int i = 0; i < dimension; ++i) u[i] = 0.1 * (i + 1);
  check(borel_log_density_gradient(worker, 0, 1, u, &lp, gradient, &error), "gradient");
  for (int i = 0; i < dimension; ++i) {
    const double h = 1e-6, at = u[i];
    u[i] = at + h;
    check(borel_log_density_gradient(worker, 0, 1, u, &up, unused, &error), "gradient");
    u[i] = at - h;
    check(borel_log_density_gradient(worker, 0, 1, u, &down, unused, &error), "gradient");
    u[i] = at;
    expect(fabs((up - down) / (2 * h) - gradient[i]) < 1e-6 * fmax(1, fabs(gradient[i])),
           "the gradient differs from differences of the log density");
  }
  time_calls(worker, u);

  double* values = sample(instance);
  double* same = sample(other);
  expect(memcmp(values, same, sizeof(double) * chains * draws * draw_size) == 0,
         "draws of the linked and the loaded program differ");
  double mean = 0;
  for (int i = 0; i < chains * draws; ++i) mean += values[i * draw_size] / (chains * draws);
  expect(mean > 3.5 && mean < 5.3, "the mean of mu is not that of the posterior");

  /* The first chain again by hand, stopped and resumed at every hundredth iteration. */
  borel_setting setting = {"draws", draws};
  borel_start begin = {0};
  begin.seed = 7;
  begin.chain = 1;
  begin.settings = &setting;
  begin.setting_count = 1;
  borel_chain* chain;
  check(borel_chain_create(instance, &begin, &chain, &error), "chain");
  double draw[draw_size];
  for (int64_t i = 1; i <= borel_chain_warmup(chain) + draws; ++i) {
    check(borel_chain_step(chain, 1, &error), "step");
    if (i % 100 == 0) {
      size_t size;
      borel_chain_save(chain, NULL, 0, &size, NULL);
      void* bytes = malloc(size);
      if (!bytes) return 1;
      check(borel_chain_save(chain, bytes, size, &size, &error), "save");
      borel_chain_free(chain);
      check(borel_chain_resume(other, bytes, size, &chain, &error), "resume");
      free(bytes);
    }
    if (i <= borel_chain_warmup(chain)) continue;
    check(borel_chain_draw(chain, draw, &error), "draw");
    expect(memcmp(draw, values + (i - borel_chain_warmup(chain) - 1) * draw_size, sizeof draw) == 0,
           "a chain by hand differs from the run");
  }
  borel_chain_free(chain);
  free(values);
  free(same);
  borel_worker_free(worker);
  borel_instance_free(instance);
  borel_instance_free(other);
  borel_data_free(data);
  borel_data_free(other_data);
  borel_library_free(linked);
  borel_library_free(loaded);
  return is_broken;
}
