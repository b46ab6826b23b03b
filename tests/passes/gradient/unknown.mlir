// RUN: not borel-opt %s --pass=gradient 2>&1 | FileCheck %s
func.func private @f(%x: f64) -> f64 {
  // CHECK: unknown.mlir:[[@LINE+1]]:{{[0-9]+}}: error: {{.*}}'trigamma' cannot be differentiated
  %y = prob.special "trigamma" %x : f64
  return %y : f64
}
func.func private @g(f64) -> (f64, f64)
    attributes {prob.derive = {kind = "gradient", of = @f, wrt = [true]}}
