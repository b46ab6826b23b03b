/// The triangular factors of columns of data, group by group, as IR.
#pragma once

#include "compiler/dialect/prob.h"

namespace borel::transform {

/// Computes, at the builder's place, the factors R of `columns`, real[k, n], whose n-th elements
/// belong to group `group[n]`, int[n], of 0..groups: real[k, k, groups], with R[i, j] of the q-th
/// group at [i, j, q], zero where i > j. n and groups are not negative.
mlir::Value triangles(mlir::OpBuilder& b, mlir::Value k, mlir::Value n, mlir::Value groups,
                      mlir::Value columns, mlir::Value group);

}  // namespace borel::transform
