/* Eight schools in C: reads data as CmdStan's JSON, samples in four threads, and prints mean and
 * standard deviation of every quantity with the divergences.
 *   schools DATA.json [SEED] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schools.h"

static borel_error* error;

static void check(borel_code code) {
  if (code == BOREL_SUCCESS) return;
  const borel_span at = borel_error_span(error);
  if (at.file) fprintf(stderr, "%s:%d:%d: ", at.file, at.line, at.column);
  fprintf(stderr, "%s\n", borel_error_message(error));
  borel_error_free(error);
  exit(1);
}

static void* memory(size_t bytes) {
  void* block = malloc(bytes > 0 ? bytes : 1);
  if (!block) fprintf(stderr, "schools: out of memory\n"), exit(1);
  return block;
}

static char* read_file(const char* path, size_t* length) {
  FILE* file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END) != 0) perror(path), exit(1);
  *length = (size_t)ftell(file);
  rewind(file);
  char* text = memory(*length);
  if (fread(text, 1, *length, file) != *length) perror(path), exit(1);
  fclose(file);
  return text;
}

/* What the library has to say beside errors: data that nothing uses, say. */
static void say(void* context, borel_log_level level, const char* message) {
  (void)context;
  fprintf(stderr, "%s%s\n", level == BOREL_LOG_WARNING ? "warning: " : "", message);
}

int main(int argc, char** argv) {
  if (argc < 2) return fprintf(stderr, "usage: schools DATA.json [SEED]\n"), 2;
  const borel_logger logger = {NULL, say};
  borel_library* library;
  check(borel_library_open(&schools_program, NULL, &logger, &library, &error));

  size_t length;
  char* text = read_file(argv[1], &length);
  borel_data* data;
  borel_instance* instance;
  check(borel_data_create(library, &data, &error));
  check(borel_data_json(data, text, length, &error));
  check(borel_bind(data, &instance, &error));
  free(text);
  borel_data_free(data); /* JSON was copied, and the instance has its share */

  enum { chains = 4, draws = 1000 };
  const borel_machine* machine = schools_program.machine;
  const int32_t model = borel_instance_model(instance);
  const size_t size = (size_t)borel_draw_size(instance, model);
  const size_t statistics = (size_t)machine->statistic_count;
  double* values = memory(sizeof(double) * chains * draws * size);
  double* told = memory(sizeof(double) * chains * draws * statistics);
  borel_run_options options;
  borel_run_defaults(&options);
  options.seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
  options.chains = options.threads = chains;
  options.draws = draws;
  options.draw_values = values;
  options.statistic_values = told;
  check(borel_run(instance, &options, NULL, &error));

  printf("%-12s %9s %9s\n", "", "mean", "sd");
  for (int32_t i = 0; i < borel_site_count(instance, model); ++i) {
    borel_site_info site;
    check(borel_describe_site(instance, model, i, &site, &error));
    for (int64_t e = 0; site.draw_offset >= 0 && e < site.elements; ++e) {
      const double* at = values + site.draw_offset + e;
      double mean = 0, square = 0;
      for (int d = 0; d < chains * draws; ++d) mean += at[(size_t)d * size] / (chains * draws);
      for (int d = 0; d < chains * draws; ++d)
        square += pow(at[(size_t)d * size] - mean, 2) / (chains * draws - 1);
      char name[64];
      snprintf(name, sizeof name, site.rank > 0 ? "%s[%lld]" : "%s", site.name, (long long)e);
      printf("%-12s %9.3f %9.3f\n", name, mean, sqrt(square));
    }
  }
  double divergences = 0;
  for (size_t s = 0; s < statistics; ++s)
    for (size_t d = 0; strcmp(machine->statistics[s], "divergent__") == 0 && d < chains * draws;
         ++d)
      divergences += told[d * statistics + s];
  printf("%.0f of %d transitions diverged\n", divergences, chains * draws);

  free(told);
  free(values);
  borel_instance_free(instance);
  borel_library_free(library);
  return 0;
}
