// RUN: not borel-opt %s --pass=tangent 2>&1 | FileCheck %s
// CHECK: errors.mlir:[[@LINE+2]]:{{[0-9]+}}: error: 'trigamma' cannot be differentiated
func.func private @f(%x: f64) -> f64 {
  %y = prob.special "trigamma" %x : f64
  return %y : f64
}
func.func private @g(f64, f64) -> (f64, f64)
    attributes {prob.derive = {kind = "tangent", of = @f, wrt = [true]}}
