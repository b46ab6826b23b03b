/* A C program with two compiled programs in it, and no runtime: binds data from memory, prints log
 * densities and gradients, runs some iterations of NUTS and prints their draws, all as exact bits. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coin.h"
#include "eight_schools.h"

static void* aligned(int64_t bytes) {
  size_t rounded = ((size_t)bytes + BOREL_ALIGNMENT) / BOREL_ALIGNMENT * BOREL_ALIGNMENT;
  void* memory = aligned_alloc(BOREL_ALIGNMENT, rounded);
  if (!memory) exit(1);
  memset(memory, 0, rounded);
  return memory;
}

static int fail(const char* what) {
  fprintf(stderr, "host: %s\n", what);
  return 1;
}

static int run(const borel_program* program, const borel_array* inputs, const int64_t* sizes) {
  const int64_t space = 1 << 18;
  borel_workspace ws = {0};
  ws.begin = aligned(space);
  ws.end = ws.begin + space;
  void* instance = aligned(program->instance_size(inputs, sizes));
  if (program->bind(inputs, sizes, &ws, instance) != BOREL_OK) return fail("bind");

  const borel_model* model = &program->models[0];
  const int64_t n = model->dimension(instance);
  double *u = aligned(8 * n), *gradient = aligned(8 * n), *other = aligned(8 * n);
  double *draw = aligned(8 * model->draw_size(instance)), *back = aligned(8 * n);
  double lp = NAN, plain = NAN, up = NAN, down = NAN;
  for (int64_t i = 0; i < n; ++i) u[i] = 0.1 * (double)(i + 1);
  if (model->log_density_gradient(instance, &ws, u, &lp, gradient) != BOREL_OK)
    return fail("log_density_gradient");
  printf("lp %a\n", lp);
  for (int64_t i = 0; i < n; ++i) {
    const double h = 1e-6, at = u[i];
    u[i] = at + h;
    if (model->log_density(instance, &ws, u, &up) != BOREL_OK) return fail("log_density");
    u[i] = at - h;
    if (model->log_density(instance, &ws, u, &down) != BOREL_OK) return fail("log_density");
    u[i] = at;
    if (!(fabs((up - down) / (2 * h) - gradient[i]) < 1e-6 * fmax(1, fabs(gradient[i]))))
      return fail("the gradient differs from differences of the log density");
    printf("gradient %a\n", gradient[i]);
  }
  if (model->log_density_gradient_plain(instance, &ws, u, &plain, other) != BOREL_OK)
    return fail("log_density_gradient_plain");
  printf("plain %a\n", plain);
  if (model->constrain(instance, &ws, u, draw) != BOREL_OK) return fail("constrain");
  if (model->unconstrain(instance, &ws, draw, back) != BOREL_OK) return fail("unconstrain");
  for (int64_t i = 0; i < n; ++i)
    if (!(fabs(back[i] - u[i]) < 1e-12)) return fail("unconstrain does not undo constrain");
  int64_t dims[BOREL_MAX_RANK], offset = -2;
  model->site_shape(instance, 0, dims, &offset);
  if (offset != 0) return fail("site_shape");

  const borel_machine* machine = program->machine;
  double* parameters = aligned(8 * machine->parameter_count);
  for (int i = 0; i < machine->parameter_count; ++i)
    parameters[i] =
        strcmp(machine->parameters[i].name, "warmup") == 0 ? 40 : machine->parameters[i].fallback;
  const borel_config config = {parameters, NULL, 2.0};
  borel_key key = {3, 1, 0};
  void* state = aligned(machine->state_size(instance));
  if (machine->init(instance, &ws, &config, key, state) != BOREL_OK) return fail("init");
  for (int i = 0; i < 60; ++i) {
    ++key.step;
    if (machine->step(instance, &ws, key, state) != BOREL_OK) return fail("step");
  }
  if (machine->draw(instance, &ws, state, draw) != BOREL_OK) return fail("draw");
  for (int64_t i = 0; i < model->draw_size(instance); ++i) printf("draw %a\n", draw[i]);
  free(state), free(parameters), free(back), free(draw), free(other), free(gradient), free(u);
  free(instance), free(ws.begin);
  return 0;
}

int main(void) {
  static const double sigma[8] = {15, 10, 16, 11, 9, 11, 10, 18};
  static const double y[8] = {28, 8, -3, 7, -1, 1, 18, 12};
  static const int64_t n = 10, heads[3] = {7, 5, 8};
  const eight_schools_data values = {8, sigma, y};
  const borel_array schools_inputs[2] = {{values.sigma, {values.J}}, {values.y, {values.J}}};
  if (strcmp(eight_schools_program.inputs[0].name, "sigma") != 0) return fail("order of inputs");
  printf("%s\n", eight_schools_program.target_cpu);
  if (run(&eight_schools_program, schools_inputs, &values.J) != 0) return 1;

  const coin_data throws = {3, n, heads};
  const borel_array coin_inputs[2] = {{&throws.n, {0}}, {throws.heads, {throws.k}}};
  if (strcmp(coin_program.inputs[0].name, "n") != 0) return fail("order of inputs");
  return run(&coin_program, coin_inputs, &throws.k);
}
