/* Every kind of input through the generated header and the runtime, and every site of a draw. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

static int fail(const char* what, borel_error* error) {
  fprintf(stderr, "names: %s: %s\n", what, error ? borel_error_message(error) : "");
  borel_error_free(error);
  return 1;
}

int main(void) {
  enum { J = 3, n = 4, k = 2 };
  static const double X[n * k] = {1, 2, 3, 4, 0.5, 0.25, -0.5, -0.25}; /* column by column */
  static const int64_t group[n] = {1, 3, 2, 3}, on[n] = {0, 1, 1, 0};
  static const double table[k * n] = {1, 2, 3, 4, 5, 6, 7, 8}, y[n] = {1, 2, 3, 4};
  names_data values;
  memset(&values, 0, sizeof values);
  values.J = J;
  values.n = n;
  values.k = k;
  values.X = X;
  values.group = group;
  values.double_ = 1.5;
  values.on = on;
  values.table = table;
  values.linux_ = 2;
  values.y = y;

  borel_error* error = NULL;
  borel_library* library = NULL;
  borel_data* data = NULL;
  borel_instance* instance = NULL;
  borel_worker* worker = NULL;
  if (borel_library_open(&names_program, NULL, NULL, &library, &error)) return fail("open", error);
  if (borel_data_create(library, &data, &error)) return fail("data", error);
  if (names_set_data(data, &values, &error)) return fail("set", error);
  if (borel_bind(data, &instance, &error)) return fail("bind", error);
  if (borel_worker_create(instance, &worker, &error)) return fail("worker", error);

  const int32_t model = borel_instance_model(instance);
  const int64_t size = borel_draw_size(instance, model), dimension = borel_dimension(instance, model);
  if (dimension != 3 + J + (k + 1) + 1 + k * J || size != dimension + J + n) return fail("sizes", 0);
  double u[32], draw[32];
  for (int i = 0; i < 32; ++i) u[i] = 0.03 * i;
  if (borel_constrain(worker, model, u, draw, &error)) return fail("constrain", error);
  names_draw view;
  if (names_view_draw(instance, draw, &view, &error)) return fail("view", error);
  if (view.new_ != draw || view.a_x_2 != draw + 1 || view.a_x != draw + 2 ||
      view.class_x != draw + 3 || view.weights != draw + 3 + J || view.NULL_ != draw + 4 + J + k ||
      view.loading != draw + 5 + J + k || view.class_ != draw + dimension ||
      view.doubled != draw + dimension + J)
    return fail("places in the draw", NULL);
  if (fabs(*view.NULL_ - 1 / (1 + exp(-u[4 + J + k]))) > 1e-14) return fail("NULL", NULL);
  for (int i = 0; i < n; ++i) {
    const double shift = X[i] * view.weights[0] + X[n + i] * view.weights[1];
    if (fabs(view.doubled[i] - 2 * shift) > 1e-14) return fail("the matrix", NULL);
  }
  /* What the model says, by hand: every input counts, in its own layout. */
  double expected = 0;
  for (int i = 0; i < n; ++i) {
    const double mean = view.a_x_2[0] + view.a_x[0] + view.class_[group[i] - 1] +
                        view.doubled[i] / 2 + (on[i] ? view.new_[0] : 0) + table[n + i] +
                        view.loading[group[i] - 1];
    const double z = (y[i] - mean) / (*view.NULL_ + 0.1);
    expected += -0.5 * z * z - log(*view.NULL_ + 0.1) - 0.5 * log(2 * M_PI);
  }
  const double pairs[2] = {1.5, 2};
  for (int i = 0; i < 2; ++i)
    expected += -0.5 * u[i] * u[i] / (pairs[i] * pairs[i]) - log(pairs[i]) - 0.5 * log(2 * M_PI);
  for (int i = 2; i < 4 + J + k; ++i) expected += -0.5 * u[i] * u[i] - 0.5 * log(2 * M_PI);
  for (int i = 0; i < k * J; ++i)
    expected += -0.5 * view.loading[i] * view.loading[i] + 0.5 * log(2 / M_PI);
  double lp = NAN;
  if (borel_log_density(worker, model, 0, u, &lp, &error)) return fail("density", error);
  if (!(fabs(lp - expected) < 1e-9 * fabs(expected))) {
    fprintf(stderr, "names: log density %.12g, expected %.12g\n", lp, expected);
    return 1;
  }
  /* Bounds are checked when data are bound. */
  values.double_ = 3;
  if (names_set_data(data, &values, &error)) return fail("set", error);
  if (borel_rebind(instance, data, &error) != BOREL_BAD_DATA) return fail("a bound", NULL);
  if (strcmp(borel_error_subject(error), "double") != 0) return fail("its name", error);
  borel_error_free(error);
  borel_worker_free(worker);
  borel_instance_free(instance);
  borel_data_free(data);
  borel_library_free(library);
  return 0;
}
