/* A C host of a program that was built ahead of time: binds eight schools from memory, evaluates log
 * density and gradient, and checks the gradient by differences. Prints what it found.
 *   host PROGRAM.so */
#include <borel/program.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int main(int argc, char** argv) {
  static const double sigma[8] = {15, 10, 16, 11, 9, 11, 10, 18};
  static const double y[8] = {28, 8, -3, 7, -1, 1, 18, 12};
  if (argc != 2) return fail("usage: host PROGRAM.so");
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (!library) return fail(dlerror());
  const borel_program* program = dlsym(library, BOREL_PROGRAM_SYMBOL);
  if (!program || program->abi_version != BOREL_ABI_VERSION ||
      program->struct_size != sizeof(borel_program))
    return fail("not a program of this version");
  if (program->size_count != 1 || program->input_count != 2 || program->model_count != 1)
    return fail("not eight schools");

  borel_array inputs[2] = {{0}};
  for (int i = 0; i < 2; ++i) {
    inputs[i].data = strcmp(program->inputs[i].name, "y") == 0 ? y : sigma;
    inputs[i].dims[0] = 8;
  }
  const int64_t sizes[1] = {8};
  void* instance = aligned(program->instance_size(inputs, sizes));
  const int64_t space = 1 << 16;
  borel_workspace ws = {0};
  ws.begin = aligned(space);
  ws.end = ws.begin + space;
  if (program->bind(inputs, sizes, &ws, instance) != BOREL_OK) return fail("bind");

  const borel_model* model = &program->models[0];
  const int64_t n = model->dimension(instance);
  if (n != 10) return fail("another dimension");
  double u[10], gradient[10], other[10], lp = NAN, up = NAN, down = NAN;
  for (int i = 0; i < 10; ++i) u[i] = 0.1 * (i + 1);
  if (model->log_density_gradient(instance, &ws, u, &lp, gradient) != BOREL_OK)
    return fail("log_density_gradient");
  for (int i = 0; i < 10; ++i) {
    const double h = 1e-6, at = u[i];
    u[i] = at + h;
    model->log_density_gradient(instance, &ws, u, &up, other);
    u[i] = at - h;
    model->log_density_gradient(instance, &ws, u, &down, other);
    u[i] = at;
    if (!(fabs((up - down) / (2 * h) - gradient[i]) < 1e-6 * fmax(1, fabs(gradient[i]))))
      return fail("the gradient differs from differences of the log density");
  }
  printf("log density %.12g\n", lp);
  free(instance);
  free(ws.begin);
  dlclose(library);
  return 0;
}
