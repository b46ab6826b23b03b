/* Eight schools refitted from C: the posterior mean of mu, which reference draws put at 4.4. */
#include <stdio.h>
#include <stdlib.h>

#include "schools.h"

static int fail(borel_error* error) {
  fprintf(stderr, "app: %s\n", borel_error_message(error));
  borel_error_free(error);
  return 1;
}

int main(void) {
  static const double sigma[8] = {15, 10, 16, 11, 9, 11, 10, 18};
  static const double y[8] = {28, 8, -3, 7, -1, 1, 18, 12};
  const schools_data values = {8, sigma, y};
  borel_error* error = NULL;
  borel_library* library = NULL;
  borel_data* data = NULL;
  borel_instance* instance = NULL;
  if (borel_library_open(&schools_program, NULL, NULL, &library, &error) ||
      borel_data_create(library, &data, &error) || schools_set_data(data, &values, &error) ||
      borel_bind(data, &instance, &error))
    return fail(error);

  enum { chains = 2, draws = 1000 };
  const int64_t size = borel_draw_size(instance, borel_instance_model(instance));
  double* all = malloc(sizeof(double) * (size_t)size * chains * draws);
  const borel_setting settings[] = {{schools_parameter_target_accept, 0.9}};
  borel_run_options options;
  borel_run_defaults(&options);
  options.chains = chains;
  options.draws = draws;
  options.settings = settings;
  options.setting_count = 1;
  options.draw_values = all;
  if (!all || borel_run(instance, &options, NULL, &error)) return fail(error);
  double mean = 0, theta = 0;
  for (int i = 0; i < chains * draws; ++i) {
    schools_draw view;
    if (schools_view_draw(instance, all + i * size, &view, &error)) return fail(error);
    mean += *view.mu / (chains * draws);
    theta += view.theta[0] / (chains * draws);
    const double expected = *view.mu + *view.tau * view.z[0];
    if (!(view.theta[0] - expected < 1e-9 && expected - view.theta[0] < 1e-9)) return 2;
  }
  printf("mu %.3f theta[0] %.3f\n", mean, theta);
  free(all);
  borel_instance_free(instance);
  borel_data_free(data);
  borel_library_free(library);
  return mean > 3.5 && mean < 5.3 && theta > 5 && theta < 7.5 ? 0 : 3;
}
