/// Loops over data that only sum squares and products of linear forms become small triangular
/// systems of the data.
///
/// What: in a plate, let the values d = sum_k c_k v_k be linear in parameters v, with columns c_k
/// that depend on data alone (y - (alpha + beta x): columns y, 1 and x). Where everything that the
/// loop adds up, in its sums and into arrays, is a product of two such forms, or one form, times
/// factors that do not vary, the loop needs of its data no more than the triangular factor R of the
/// columns, C = Q R: the sum of d e over the iterations is (R v_d) . (R v_e), with as many terms as
/// there are columns, however many iterations. Parameters that are read through an index from data,
/// alpha[g[n]], are constant within a group: every group has its R, and the loop becomes one over
/// the groups. So likelihoods of normal distributions cost what their sufficient statistics cost.
///
/// Why R and not the sums of products themselves: those lose half of the digits to cancellation.
/// The factor is computed by modified Gram-Schmidt, whose R is as accurate as Householder's (Bjorck
/// 1967; Bjorck and Paige 1992), and a sum of squares stays one. A column within 1e-15 of the span
/// of those before it, as in a group of few members, has a row of zeros.
///
/// Where in the order: after fuse, which brings the sums over one plate together, and before hoist,
/// which moves the factors to @borel.bind. Only loops in a function's own block change.
#pragma once

#include <memory>

#include "mlir/Pass/Pass.h"

namespace borel::transform {

std::unique_ptr<mlir::Pass> create_condense_pass();

}  // namespace borel::transform
