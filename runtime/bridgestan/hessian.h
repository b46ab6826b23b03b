// Second derivatives.
//
// A program that was built with products of its Hessian gives them exactly: one product for
// hessian_vector, one for each column of hessian, whose result is the mean of what they make and
// its transpose, which differ in the last bits.
//
// One whose gradient has no known derivative goes by central differences of the gradient g. Column
// j of the Hessian is (g(u + h e_j) - g(u - h e_j)) / 2h with h = eps^(1/3) max(1, |u_j|), eps
// being 2^-52, so h is 6.06e-6 for elements within 1; h is the difference that the rounded points
// have. H is the mean of the matrix so found and its transpose. The product with v is the same
// quotient along v, with h = eps^(1/3) max(1, |u|) / |v| in the largest norm: two gradients instead
// of 2 n. The error of an element is h^2/6 of a third derivative of g and some eps / h of g: about
// 1e-10 of the gradient's size where derivatives are of one magnitude.
#ifndef BOREL_RUNTIME_BRIDGESTAN_HESSIAN_H
#define BOREL_RUNTIME_BRIDGESTAN_HESSIAN_H

#include "runtime/bridgestan/model.h"

namespace borel::bridgestan {

// Each returns 0, or -1 after it told the call why.
int hessian(const bs_model& model, bool jacobian, const double* u, double* log_density,
            double* gradient, double* matrix, const Call& call);
int hessian_vector(const bs_model& model, bool jacobian, const double* u, const double* vector,
                   double* log_density, double* product, const Call& call);

}  // namespace borel::bridgestan

#endif
