/// What a random model does, before it is written.
#pragma once

#include <string>
#include <vector>

#include "tests/measure/programs.h"
#include "tests/measure/writer.h"

namespace borel::testing {

/// A statement: the sites of a region must be known when it opens.
struct Node {
  enum Kind { Draw, Whole, Finite, Observe, Factor, Require, Record, Loop, Branch, Repeat, Chain };
  Kind kind = Factor;
  int site = -1;
  int form = 0;              // which distribution
  std::string size;          // of a loop
  bool short_trips = false;  // the loop runs only as often as a finite value says
  std::vector<Node> body, otherwise;
};

/// Chooses the statements of a model and its sites, which are entered in the program.
class ModelPlan {
 protected:
  explicit ModelPlan(uint64_t seed) : choose_(seed) {}

  using Sizes = std::vector<std::string>;
  int add_site(const char* kind, const char* type, Sizes dims);
  Node draw(Node::Kind kind, Sizes sizes);
  Node plan(int depth, const Sizes& sizes);
  void fill(std::vector<Node>& nodes, int depth, const Sizes& sizes, int n);
  Node loop(int depth, Sizes sizes);

  Choice choose_;
  ModelProgram program_;
  int finite_budget_ = 0;
  bool continuous_ = true, pure_ = false;
};

}  // namespace borel::testing
