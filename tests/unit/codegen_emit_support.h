// Runs prob IR text as machine code, next to the interpreter of tests/measure.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "borel/program.h"
#include "compiler/codegen/engine.h"
#include "tests/measure/interpreter.h"

namespace borel::codegen {

using testing::Datum;

struct Outcome {
  borel_status status = BOREL_OK;
  std::vector<Datum> results;
  borel_fault fault{};
  std::int64_t needed = 0;
};

// One module of IR text, compiled for `width` lanes (0: the host's).
class CompiledIr {
 public:
  explicit CompiledIr(const std::string& text, int width = 0,
                      std::vector<std::string> in_place = {});
  ~CompiledIr();

  // Values of the slots, by name; set before calls.
  std::map<std::string, Datum> slots;
  // Bytes of workspace that calls get.
  std::size_t workspace = 1 << 20;
  // The key of the random bits of calls.
  borel_key key{1, 2, 3};

  // Runs machine code. Result arrays have the shapes of `like`, or of the interpreter's results.
  Outcome run(const std::string& function, const std::vector<Datum>& arguments,
              const std::vector<Datum>* like = nullptr);
  std::vector<Datum> interpret(const std::string& function, const std::vector<Datum>& arguments);
  // Whether rounding decided a branch of what was last interpreted: then results may differ.
  bool fragile = false;
  // Runs both and expects equal results, within `tolerance` times 1 + |value|.
  void expect_same(const std::string& function, const std::vector<Datum>& arguments,
                   double tolerance = 1e-12);
  // Nanoseconds of a call, the least of several.
  double time(const std::string& function, const std::vector<Datum>& arguments);

  // How often `text` occurs in the LLVM IR of a function as it was emitted.
  int count_in(const std::string& function, const std::string& text) const;
  const std::string& llvm_ir() const { return ir_; }

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::vector<std::string> in_place_;
  std::string ir_;
};

// The elements of an array of reals.
std::vector<double> numbers(const Datum& array);
std::string show(const Datum& datum);

}  // namespace borel::codegen
