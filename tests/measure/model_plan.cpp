#include "tests/measure/model_plan.h"

namespace borel::testing {

int ModelPlan::add_site(const char* kind, const char* type, Sizes dims) {
  ModelProgram::Site site;
  site.kind = kind;
  site.type = type;
  site.dims = std::move(dims);
  program_.sites.push_back(site);
  return static_cast<int>(program_.sites.size()) - 1;
}

Node ModelPlan::draw(Node::Kind kind, Sizes sizes) {
  Node node;
  node.kind = kind;
  if (kind == Node::Finite) {
    --finite_budget_;
    node.form = choose_.below(3);
    node.site = add_site("latent", node.form == 1 ? "bool" : "int", sizes);
    program_.sites.back().values = node.form == 2 ? 3 : 2;
  } else if (kind == Node::Whole) {
    node.form = choose_.below(3);
    node.size = choose_.of<std::string>({"k", "2", "3"});
    sizes.push_back(node.size);
    node.site = add_site("latent", "real", sizes);
    auto& site = program_.sites.back();
    site.drawn_whole = true;
    site.missing_reals = node.form == 2;
    site.positive = node.form == 2;
  } else {
    node.form = choose_.below(4);
    node.site = add_site("latent", "real", sizes);
  }
  return node;
}

Node ModelPlan::plan(int depth, const Sizes& sizes) {
  Node node;
  for (;;) {
    switch (choose_.below(13)) {
      case 0:
      case 1:
      case 2:
        if (!continuous_) continue;
        return draw(Node::Draw, sizes);
      case 3:
        if (!continuous_ || sizes.size() > 1) continue;
        return draw(Node::Whole, sizes);
      case 4:
      case 5:
        if (finite_budget_ <= 0 || sizes.size() > 1) continue;
        return draw(Node::Finite, sizes);
      case 6:
        if (pure_) continue;
        node.kind = Node::Observe;
        node.form = choose_.below(2);
        node.site = add_site("observed", node.form == 0 ? "real" : "int", sizes);
        program_.is_normalised = false;
        return node;
      case 7:
        if (pure_) continue;
        node.kind = choose_.chance(.6) ? Node::Factor : Node::Require;
        program_.is_normalised = false;
        return node;
      case 8:
        node.kind = Node::Record;
        node.site = add_site("derived", "real", sizes);
        return node;
      case 9:
      case 10:
        if (sizes.size() > 1) continue;
        return loop(depth, sizes);
      case 11:
        if (depth > 1) continue;
        node.kind = Node::Branch;
        fill(node.body, depth + 1, sizes, 1 + choose_.below(2));
        if (choose_.chance(.6)) fill(node.otherwise, depth + 1, sizes, 1);
        return node;
      default:
        if (choose_.chance(.5) && continuous_ && sizes.empty()) {
          node = draw(Node::Draw, {"k"});
          node.kind = Node::Chain;
          return node;
        }
        if (pure_) continue;
        program_.is_normalised = false;
        node.kind = Node::Repeat;
        node.body.emplace_back().kind = Node::Factor;
        if (choose_.chance(.5)) node.body.emplace_back().kind = Node::Require;
        return node;
    }
  }
}

void ModelPlan::fill(std::vector<Node>& nodes, int depth, const Sizes& sizes, int n) {
  for (int i = 0; i < n; ++i) nodes.push_back(plan(depth, sizes));
}

Node ModelPlan::loop(int depth, Sizes sizes) {
  Node node;
  node.kind = Node::Loop;
  node.size = choose_.of<std::string>({"n", "n", "m", "k", "2"});
  node.short_trips = node.size == "2" && choose_.chance(.6);
  sizes.push_back(node.size);
  fill(node.body, depth + 1, sizes, 1 + choose_.below(3));
  return node;
}

}  // namespace borel::testing
