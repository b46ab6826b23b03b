/* An adaptive tree search. A node's branches give noisy rewards; after each reward the posterior of
 * all branches is drawn anew, and the next branch is chosen by Thompson sampling: the one that is
 * best in a draw. Branches are added as rewards come in (progressive widening), so each refit
 * has data of another size; none of them compiles anything or, once sizes have been there,
 * allocates. tree_search [REFITS [SEED]] Prints how long refits took by the number of branches, and
 * what memory the process held. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "search.h"

enum { chains = 4, warmup = 200, draws = 200, most_branches = 20, most_rewards = 200 };

static void check(borel_code code, borel_error* error) {
  if (code == BOREL_SUCCESS) return;
  fprintf(stderr, "tree_search: %s\n", borel_error_message(error));
  borel_error_free(error);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static long resident_kib(void) {
  long total = 0, resident = 0;
  FILE* file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%ld %ld", &total, &resident) != 2) resident = 0;
  if (file) fclose(file);
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* The world that is searched: uniform and normal random numbers of its own. */
static double uniform(uint64_t* state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return ((double)((z ^ (z >> 31)) >> 12) + 0.5) * 0x1p-52;
}
static double normal(uint64_t* state) {
  const double u = uniform(state), v = uniform(state);
  return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

/* One node: rewards so far, and the truth, which the search does not see. */
typedef struct {
  int64_t branches, rewards;
  int64_t branch_of[most_rewards];
  double reward[most_rewards];
  double truth[most_branches];
} node;

static void add_reward(node* at, int64_t branch, uint64_t* world) {
  at->branch_of[at->rewards] = branch;
  at->reward[at->rewards++] = at->truth[branch] + 0.15 * normal(world);
}
static void add_branch(node* at, uint64_t* world) {
  at->truth[at->branches] = 0.5 + 0.2 * normal(world);
  add_reward(at, at->branches++, world);
}

/* What the posterior of a node says: the best branch in one draw of it, and the means of all. */
typedef struct {
  borel_data* data;
  borel_instance* instance;
  borel_chain* chain;
  int64_t a_offset;
  double* draw;
} posterior;

static int64_t refit(posterior* p, const node* at, uint64_t seed, double* mean) {
  borel_error* error = NULL;
  const search_data values = {
      .G = at->branches, .N = at->rewards, .g = at->branch_of, .y = at->reward};
  check(search_set_data(p->data, &values, &error), error);
  if (p->instance)
    check(borel_rebind(p->instance, p->data, &error), error);
  else
    check(borel_bind(p->data, &p->instance, &error), error);
  for (int64_t b = 0; b < at->branches; ++b) mean[b] = 0;
  const borel_setting settings[] = {{"warmup", warmup}, {"draws", draws}};
  borel_start start = {.seed = seed, .setting_count = 2, .settings = settings};
  int64_t best = 0;
  for (start.chain = 1; start.chain <= chains; ++start.chain) {
    if (p->chain)
      check(borel_chain_restart(p->chain, &start, &error), error);
    else
      check(borel_chain_create(p->instance, &start, &p->chain, &error), error);
    check(borel_chain_step(p->chain, warmup, &error), error);
    for (int i = 0; i < draws; ++i) {
      check(borel_chain_step(p->chain, 1, &error), error);
      check(borel_chain_draw(p->chain, p->draw, &error), error);
      for (int64_t b = 0; b < at->branches; ++b)
        mean[b] += p->draw[p->a_offset + b] / (chains * draws);
    }
  }
  for (int64_t b = 1; b < at->branches; ++b)
    if (p->draw[p->a_offset + b] > p->draw[p->a_offset + best]) best = b;
  return best;
}

static int ascending(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

int main(int argc, char** argv) {
  const long refits = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
  uint64_t world = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
  if (refits < 1) return fprintf(stderr, "usage: tree_search [REFITS [SEED]]\n"), 2;

  borel_error* error = NULL;
  borel_library* library = NULL;
  posterior p = {0};
  check(borel_library_open(&search_program, NULL, NULL, &library, &error), error);
  check(borel_data_create(library, &p.data, &error), error);
  /* mu, sa, sy and then the branches: the most that a draw can have. */
  p.a_offset = 3;
  p.draw = malloc(sizeof(double) * (3 + most_branches));
  double* seconds = malloc(sizeof(double) * (size_t)refits * 2);
  if (!p.draw || !seconds) return 1;
  double* small = seconds + refits;
  long small_count = 0, nodes = 0, memory_halfway = 0;

  node at = {0};
  double mean[most_branches], regret = 0;
  for (long i = 0; i < refits; ++i) {
    if (at.rewards == 0 || at.rewards == most_rewards) { /* the next node */
      at = (node){0};
      add_branch(&at, &world);
      add_branch(&at, &world);
      ++nodes;
    }
    if (i == refits / 2) memory_halfway = resident_kib();
    const double start = now();
    const int64_t choice = refit(&p, &at, (uint64_t)i + 1, mean);
    seconds[i] = now() - start;
    if (at.branches <= 10 && at.rewards <= 60) small[small_count++] = seconds[i];

    double best = at.truth[0];
    for (int64_t b = 1; b < at.branches; ++b) best = fmax(best, at.truth[b]);
    regret += best - at.truth[choice];
    /* Progressive widening: of N rewards, about the square root of 2 N branches. */
    if (at.branches < most_branches && at.branches * at.branches < 2 * at.rewards)
      add_branch(&at, &world);
    else
      add_reward(&at, choice, &world);
  }

  const long memory = resident_kib();
  qsort(seconds, (size_t)refits, sizeof *seconds, ascending);
  qsort(small, (size_t)small_count, sizeof *small, ascending);
  printf("%ld refits of %d chains x (%d + %d), %ld nodes; mean regret %.3f\n", refits, chains,
         warmup, draws, nodes, regret / (double)refits);
  printf("milliseconds a refit: median %.2f, 99 of 100 below %.2f\n", 1e3 * seconds[refits / 2],
         1e3 * seconds[refits * 99 / 100]);
  if (small_count > 0)
    printf("up to 10 branches and 60 rewards: median %.2f\n", 1e3 * small[small_count / 2]);
  printf("resident memory: %ld KiB halfway, %ld KiB at the end\n", memory_halfway, memory);

  borel_chain_free(p.chain);
  borel_instance_free(p.instance);
  borel_data_free(p.data);
  borel_library_free(library);
  free(seconds);
  free(p.draw);
  return 0;
}
