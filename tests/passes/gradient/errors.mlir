// RUN: not borel-opt %s --pass=gradient 2>&1 | FileCheck %s
// A draw in a loop, named where it stands.
func.func private @f(%x: f64) -> f64 {
  %zero = arith.constant 0 : i64
  %three = arith.constant 3 : i64
  %y = prob.for %i = %zero to %three carry(%c = %x : f64) {
    // CHECK: errors.mlir:[[@LINE+2]]:{{[0-9]+}}: error: {{.*}}a random draw cannot be differentiated
    // CHECK: note: {{.*}}the program asks for a derivative that is not known
    %u = prob.uniform : f64
    %d = arith.mulf %c, %u : f64
    prob.yield carry(%d : f64)
  }
  return %y : f64
}
func.func private @g(f64) -> (f64, f64)
    attributes {prob.derive = {kind = "gradient", of = @f, wrt = [true]}}
