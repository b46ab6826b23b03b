// Points of the unconstrained space from constrained values and from chance.
#ifndef BOREL_RUNTIME_BRIDGESTAN_POINT_H
#define BOREL_RUNTIME_BRIDGESTAN_POINT_H

#include "runtime/bridgestan/model.h"

namespace borel::bridgestan {

// Each returns 0, or -1 after it told the call why.

int constrain(const bs_model& model, bool with_derived, const double* u, double* theta,
              const Call& call);
int unconstrain(const bs_model& model, const double* theta, double* u, const Call& call);
int unconstrain_json(const bs_model& model, const char* json, double* u, const Call& call);

struct Start {
  const char* json;  // null or "": no values are given
  double radius;
  int tries;
  bool jacobian;
};
int initialize(const bs_model& model, const Start& start, bs_rng& rng, double* u, const Call& call);

}  // namespace borel::bridgestan

#endif
