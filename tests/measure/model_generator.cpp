#include <algorithm>
#include <set>

#include "tests/measure/model_library.h"
#include "tests/measure/model_plan.h"

namespace borel::testing {
namespace {

std::string array_type(const std::string& scalar, size_t rank) {
  if (rank == 0) return scalar;
  std::string type = "tensor<";
  for (size_t i = 0; i < rank; ++i) type += "?x";
  return type + scalar + ">";
}

class ModelGenerator : ModelPlan {
 public:
  explicit ModelGenerator(uint64_t seed) : ModelPlan(seed ^ 0x30DE1) {}

  ModelProgram run() {
    finite_budget_ = choose_.chance(0.5) ? 2 : 0;
    continuous_ = finite_budget_ == 0 || choose_.chance(0.6);
    pure_ = choose_.chance(0.3);
    std::vector<Node> body;
    const int n = 2 + choose_.below(4);
    for (int i = 0; i < n; ++i) body.push_back(plan(0, {}));
    if (std::none_of(program_.sites.begin(), program_.sites.end(),
                     [](const auto& site) { return site.kind == "latent"; })) {
      finite_budget_ += continuous_ ? 0 : 1;
      body.push_back(continuous_ ? draw(Node::Draw, {}) : draw(Node::Finite, {}));
    }
    for (const auto& site : program_.sites) {
      if (site.kind != "latent") continue;
      (site.values > 0 ? program_.finite_latents : program_.continuous_latents) = true;
    }
    write(body);
    for (int i = 0; i < 2; ++i) program_.points.push_back(point(i));
    return std::move(program_);
  }

 private:
  static void collect(const std::vector<Node>& nodes, std::set<int>& sites) {
    for (const Node& node : nodes) {
      if (node.site >= 0 && node.kind != Node::Observe) sites.insert(node.site);
      collect(node.body, sites);
      collect(node.otherwise, sites);
    }
  }

  //===- Text ---------------------------------------------------------------------------------===//

  const ModelProgram::Site& site(int index) const {
    return program_.sites[static_cast<size_t>(index)];
  }
  std::string scalar_type(int index) const {
    return site(index).type == "real" ? "f64" : site(index).type == "int" ? "i64" : "i1";
  }
  std::string whole_type(int index) const {
    return array_type(scalar_type(index), site(index).dims.size());
  }

  void write(const std::vector<Node>& body) {
    out_.line("module {");
    out_.line(R"(prob.slot "size" @n : i64
prob.slot "size" @m : i64
prob.slot "size" @k : i64
prob.slot "input" @dn : tensor<?xf64> {dims = [@n]}
prob.slot "input" @dm : tensor<?xf64> {dims = [@m]}
prob.slot "input" @gn : tensor<?xi64> {dims = [@n]})");
    out_.append(model_library);
    write_shape();
    std::string results, types, sites;
    out_.begin_part();
    zero_ = out_.integer(0);
    one_ = out_.integer(1);
    for (const char* size : {"n", "m", "k"})
      sizes_[size] = out_.op("prob.data @" + std::string(size) + " : i64");
    sizes_["2"] = out_.integer(2);
    sizes_["3"] = out_.integer(3);
    arrays_ = {{out_.op("prob.data @dn : tensor<?xf64>"), "n", -1},
               {out_.op("prob.data @dm : tensor<?xf64>"), "m", -1}};
    gather_ = out_.op("prob.data @gn : tensor<?xi64>");
    reals_ = {"%a1"};
    ints_ = {"%a0"};
    for (size_t i = 0; i < program_.sites.size(); ++i) make_variable(static_cast<int>(i));
    for (const Node& node : body) emit(node);
    for (const char* kind : {"latent", "derived"})
      for (size_t i = 0; i < program_.sites.size(); ++i) {
        if (program_.sites[i].kind != kind) continue;
        results += (results.empty() ? "" : ", ") + variables_[static_cast<int>(i)];
        types += (types.empty() ? "" : ", ") + whole_type(static_cast<int>(i));
      }
    out_.line("return " + results + " : " + types);
    const std::string text = out_.end_part();
    for (const auto& entry : program_.sites)
      sites += (sites.empty() ? "" : ", ") + ("{kind = \"" + entry.kind) + "\", type = \"" +
               entry.type + "\", rank = " + std::to_string(entry.dims.size()) + " : i64}";
    out_.line("func.func @model(%a0: i64, %a1: f64) -> (" + types +
              ") attributes {prob.model, prob.shape = @model.shape, prob.sites = [" + sites +
              "]} {");
    out_.append(text);
    out_.line("}\n}");
    program_.text = out_.text();
  }

  void make_variable(int index) {
    if (site(index).kind == "observed") return;
    const std::string type = whole_type(index);
    if (site(index).dims.empty()) {
      variables_[index] = type == "f64"   ? out_.real(0)
                          : type == "i64" ? out_.integer(0)
                                          : out_.boolean(false);
      return;
    }
    variables_[index] =
        out_.op("prob.zeros(" + extents(index, site(index).dims.size()) + ") : " + type);
  }

  std::string extents(int index, size_t rank) {
    std::string list;
    for (size_t i = 0; i < rank; ++i) list += (i ? ", " : "") + sizes_.at(site(index).dims[i]);
    return list;
  }

  void write_shape() {
    out_.line("func.func private @model.shape(%a0: i64, %a1: f64) -> (i64");
    size_t count = 1;
    for (const auto& entry : program_.sites) count += entry.dims.size() + 1;
    for (size_t i = 0; i < count; ++i) out_.append(", i64");
    out_.line(") {");
    std::map<std::string, std::string> size;
    for (const char* name : {"n", "m", "k"})
      size[name] = out_.op("prob.data @" + std::string(name) + " : i64");
    size["2"] = out_.integer(2);
    size["3"] = out_.integer(3);
    const std::string minus_one = out_.integer(-1);
    std::string dimension = out_.integer(0), total = out_.integer(0), sites;
    for (const char* kind : {"latent", "derived", "observed"})
      for (const auto& entry : program_.sites) {
        if (entry.kind != kind) continue;
        std::string elements = out_.integer(1), reals = elements;
        for (size_t d = 0; d < entry.dims.size(); ++d) {
          const std::string extent = size[entry.dims[d]];
          sites += ", " + extent;
          elements = out_.binary("arith.muli", elements, extent, "i64");
          const bool last = entry.drawn_whole && d + 1 == entry.dims.size();
          const std::string factor =
              last && entry.missing_reals
                  ? out_.binary("arith.subi", extent, out_.integer(entry.missing_reals), "i64")
                  : extent;
          reals = out_.binary("arith.muli", reals, factor, "i64");
        }
        if (entry.kind != "observed") total = out_.binary("arith.addi", total, elements, "i64");
        if (entry.kind != "latent") {
          sites += ", " + minus_one;
          continue;
        }
        sites += ", " + dimension;
        if (entry.values == 0) dimension = out_.binary("arith.addi", dimension, reals, "i64");
      }
    std::string types = "i64";
    for (size_t i = 0; i < count; ++i) types += ", i64";
    out_.line("return " + dimension + ", " + total + sites + " : " + types + "\n}");
  }

  //===- Expressions --------------------------------------------------------------------------===//

  struct Source {
    std::string name, size;
    int site;  // whose variable it is, or -1
  };

  std::string leaf() {
    switch (choose_.below(7)) {
      case 0:
        return out_.real(choose_.uniform(-1.5, 1.5));
      case 1: {
        for (const auto& [name, size] : indices_) {
          for (const Source& source : arrays_)
            if (source.size == size && choose_.chance(.6))
              return out_.op("prob.extract " +
                             (source.site < 0 ? source.name : variables_[source.site]) + "[" +
                             name + "] : tensor<?xf64> -> f64");
          if (size == "n") {
            const std::string at =
                out_.op("prob.extract " + gather_ + "[" + name + "] : tensor<?xi64> -> i64");
            for (const Source& source : arrays_)
              if (source.size == "k")
                return out_.op("prob.extract " +
                               (source.site < 0 ? source.name : variables_[source.site]) + "[" +
                               at + "] : tensor<?xf64> -> f64");
          }
        }
        break;
      }
      case 2:
        return out_.op("arith.sitofp " + choose_.of(ints_) + " : i64 to f64");
      case 3: {
        // An array read at the place that a finite value names.
        for (const Source& source : arrays_)
          if (source.site >= 0 && source.size == "3" && choose_.chance(.7))
            return out_.op("prob.extract " + variables_[source.site] + "[" + finite() +
                           "] : tensor<?xf64> -> f64");
        break;
      }
      default:
        break;
    }
    return reals_[reals_.size() - 1 -
                  static_cast<size_t>(
                      choose_.below(static_cast<int>(std::min<size_t>(reals_.size(), 6))))];
  }

  /// A value in 0 .. 2.
  std::string finite() { return choose_.of(ints_); }

  std::string real(int depth) {
    if (depth <= 0) return leaf();
    switch (choose_.below(7)) {
      case 0:
        return out_.binary("arith.addf", real(depth - 1), real(depth - 1));
      case 1:
        return out_.binary("arith.subf", real(depth - 1), real(depth - 1));
      case 2:
        return out_.binary("arith.mulf", real(depth - 1), out_.unary("math.sin", real(depth - 1)));
      case 3:
        return out_.unary("math.tanh", real(depth - 1));
      case 4: {
        const std::string c = condition();
        const std::string x = real(depth - 1), y = real(depth - 1);
        return out_.op("arith.select " + c + ", " + x + ", " + y + " : f64");
      }
      case 5:
        return out_.binary("arith.divf", real(depth - 1), positive());
      default:
        return leaf();
    }
  }
  std::string mean() { return out_.unary("math.sin", real(2)); }
  std::string positive() { return out_.unary("math.exp", mean()); }
  std::string probability() {
    const std::string e = out_.unary("math.exp", mean());
    const std::string one = out_.real(1);
    return out_.binary("arith.divf", one, out_.binary("arith.addf", e, one));
  }
  std::string condition() {
    if (choose_.chance(.2))
      return out_.op("arith.cmpf ogt, " + real(1) + ", " + real(1) + " : f64");
    return out_.op(
        "arith.cmpi " + std::string(choose_.chance(.5) ? "eq" : "slt") + ", " + finite() + ", " +
        (choose_.chance(.5) || indices_.empty() ? one_ : choose_.of(indices_).first) + " : i64");
  }

  //===- Statements ---------------------------------------------------------------------------===//

  std::string place() { return " at " + std::to_string(next_place_++); }
  std::string at_indices() {
    std::string list;
    for (const auto& [name, size] : indices_) list += (list.empty() ? "" : ", ") + name;
    return list.empty() ? "" : "[" + list + "]";
  }

  void store(int index, const std::string& value, const std::string& value_type) {
    if (indices_.empty()) {
      variables_[index] = value;
      return;
    }
    const std::string type = whole_type(index);
    variables_[index] = out_.op("prob.insert " + value + " into " + variables_[index] +
                                at_indices() + " : " + value_type + " into " + type);
  }

  /// The text of a draw after its parameters.
  std::string drawn(int index, const std::string& logp, const std::string& on,
                    const std::string& type) {
    std::string text = " site " + std::to_string(index);
    if (!indices_.empty())
      text += " " + at_indices() + " of (" + extents(index, indices_.size()) + ")";
    text += on + place() + " {sampler = @" + logp + ".draw";
    const size_t at = on.find("@");
    if (at != std::string::npos) {
      const size_t end = on.find_first_of(" ", at);
      text += ", unconstrain = " + on.substr(at, end - at) + ".inverse";
    }
    return text + "} : " + type;
  }

  void emit(const Node& node) {
    switch (node.kind) {
      case Node::Draw:
        return emit_draw(node);
      case Node::Whole:
        return emit_whole(node);
      case Node::Finite:
        return emit_finite(node);
      case Node::Observe:
        return emit_observe(node);
      case Node::Factor:
        return out_.line("prob.score " + real(2) + " : f64" + place());
      case Node::Require: {
        const std::string c =
            choose_.chance(.5)
                ? out_.op("arith.cmpf olt, " + real(1) + ", " + out_.real(choose_.uniform(0, 5)) +
                          " : f64")
                : out_.op("arith.cmpi slt, " + finite() + ", " + sizes_["2"] + " : i64");
        return out_.line("prob.require " + c + place());
      }
      case Node::Record: {
        const std::string value = real(2);
        std::string text = "prob.record " + value + " : f64 site " + std::to_string(node.site);
        if (!indices_.empty())
          text += " " + at_indices() + " of (" + extents(node.site, indices_.size()) + ")";
        out_.line(text + place());
        return store(node.site, value, "f64");
      }
      case Node::Loop:
        return emit_loop(node);
      case Node::Branch:
        return emit_branch(node);
      case Node::Repeat:
        return emit_repeat(node);
      case Node::Chain:
        return emit_chain(node);
    }
  }

  void emit_draw(const Node& node) {
    std::string text;
    if (node.form == 0 || node.form == 3) {
      const std::string mu = mean(), scale = positive();
      text = "prob.sample @normal(" + mu + ", " + scale + " : f64, f64)" +
             drawn(node.site, "normal", "", "f64");
    } else if (node.form == 1) {
      const std::string rate = positive(), lower = choose_.chance(.5) ? out_.real(0) : mean();
      text = "prob.sample @exponential(" + rate + " : f64)" +
             drawn(node.site, "exponential", " on @lower given (" + lower + " : f64)", "f64");
    } else {
      const std::string lo = mean(), hi = out_.binary("arith.addf", lo, positive());
      text = "prob.sample @uniform(" + lo + ", " + hi + " : f64, f64)" +
             drawn(node.site, "uniform", " on @interval given (" + lo + ", " + hi + " : f64, f64)",
                   "f64");
    }
    const std::string value = out_.op(text);
    store(node.site, value, "f64");
    reals_.push_back(value);
  }

  void emit_whole(const Node& node) {
    const char* type = "tensor<?xf64>";
    const std::string size = sizes_.at(node.size);
    std::string reals = size;
    std::string text;
    if (node.form == 2) {
      reals = out_.binary("arith.subi", size, one_, "i64");
      text = "prob.sample @shares(" + positive() + " : f64)";
    } else {
      const std::string mu = mean(), scale = positive();
      text = "prob.sample @normals(" + mu + ", " + scale + " : f64, f64)";
    }
    const char* on[] = {"", " on @ordered", " on @simplex"};
    std::string tail =
        drawn(node.site, "none", std::string(on[node.form]) + " reals " + reals + " values " + size,
              type);
    // Array draws have no sampler.
    const size_t begin = tail.find("sampler = @none.draw");
    tail.erase(begin, std::string("sampler = @none.draw").size());
    if (tail.compare(begin, 2, ", ") == 0) tail.erase(begin, 2);
    program_.has_samplers = false;
    const std::string value = out_.op(text + tail);
    store(node.site, value, type);
    if (indices_.empty()) {
      arrays_.push_back({"", node.size, node.site});
    } else {
      const std::string first =
          out_.op("prob.extract " + value + "[" + zero_ + "] : tensor<?xf64> -> f64");
      reals_.push_back(first);
    }
  }

  void emit_finite(const Node& node) {
    if (node.form == 2) {
      const std::string a = mean(), b = mean();
      const std::string value = out_.op("prob.sample @three(" + a + ", " + b + " : f64, f64)" +
                                        drawn(node.site, "three", "", "i64"));
      store(node.site, value, "i64");
      ints_.push_back(value);
      return;
    }
    const std::string p = probability();
    if (node.form == 1) {
      const std::string value =
          out_.op("prob.sample @flip(" + p + " : f64)" + drawn(node.site, "flip", "", "i1"));
      store(node.site, value, "i1");
      ints_.push_back(out_.op("arith.extui " + value + " : i1 to i64"));
      return;
    }
    const std::string value =
        out_.op("prob.sample @coin(" + p + " : f64)" + drawn(node.site, "coin", "", "i64"));
    store(node.site, value, "i64");
    ints_.push_back(value);
  }

  void emit_observe(const Node& node) {
    const std::string where = indices_.empty() ? "" : " " + at_indices();
    if (node.form == 0) {
      std::string value = out_.real(choose_.uniform(-1, 1));
      if (!indices_.empty() && (indices_.back().second == "n" || indices_.back().second == "m"))
        value = out_.op("prob.extract " +
                        (indices_.back().second == "n" ? arrays_[0].name : arrays_[1].name) + "[" +
                        indices_.back().first + "] : tensor<?xf64> -> f64");
      const std::string mu = mean(), scale = positive();
      out_.line("prob.observe " + value + " : f64 from @normal(" + mu + ", " + scale +
                " : f64, f64) site " + std::to_string(node.site) + where + place());
    } else {
      const std::string value = out_.integer(choose_.below(2)), p = probability();
      out_.line("prob.observe " + value + " : i64 from @coin(" + p + " : f64) site " +
                std::to_string(node.site) + where + place());
    }
  }

  struct Mark {
    size_t reals, ints, arrays, indices;
  };
  Mark mark() const { return {reals_.size(), ints_.size(), arrays_.size(), indices_.size()}; }
  void leave(const Mark& m) {
    reals_.resize(m.reals);
    ints_.resize(m.ints);
    arrays_.resize(m.arrays);
    indices_.resize(m.indices);
  }

  /// Sites become carries of a loop around `body`; then their variables are its results.
  template <class Body>
  void carried(LoopText& text, const std::set<int>& sites, bool total, Body body) {
    for (const int s : sites) text.carry(out_, variables_[s], whole_type(s));
    if (total) text.carry(out_, out_.real(0), "f64");
    const Mark m = mark();
    write_loop(out_, text, [&] {
      size_t next = 0;
      for (const int s : sites) variables_[s] = text.carries[next++].argument;
      body();
      next = 0;
      for (const int s : sites) text.carries[next++].next = variables_[s];
      if (total)
        text.carries[next].next = out_.binary("arith.addf", text.carries[next].argument, real(1));
    });
    leave(m);
    size_t next = 0;
    for (const int s : sites) variables_[s] = text.carries[next++].result;
    if (total) reals_.push_back(text.carries[next].result);
  }

  void emit_loop(const Node& node) {
    std::set<int> sites;
    collect(node.body, sites);
    LoopText text;
    text.lower = zero_;
    text.upper = node.short_trips ? out_.binary("arith.minsi", finite(), sizes_["2"], "i64")
                                  : sizes_.at(node.size);
    carried(text, sites, choose_.chance(.3), [&] {
      indices_.emplace_back(text.induction, node.size);
      for (const Node& inner : node.body) emit(inner);
    });
    if (indices_.empty())
      for (const int s : sites)
        if (site(s).dims.size() == 1 && site(s).type == "real")
          arrays_.push_back({"", node.size, s});
  }

  /// x[i] given x[i - 1].
  void emit_chain(const Node& node) {
    LoopText text;
    text.lower = choose_.chance(.5) ? one_ : zero_;
    text.upper = sizes_.at("k");
    const bool from_one = text.lower == one_;
    carried(text, {node.site}, false, [&] {
      indices_.emplace_back(text.induction, "k");
      std::string before;
      if (from_one) {
        const std::string back = out_.binary("arith.subi", text.induction, one_, "i64");
        before = out_.op("prob.extract " + variables_[node.site] + "[" + back +
                         "] : tensor<?xf64> -> f64");
      } else {
        before = real(1);
      }
      reals_.push_back(before);
      const std::string mu = out_.binary("arith.mulf", before, out_.real(.7)), scale = positive();
      const std::string value = out_.op("prob.sample @normal(" + mu + ", " + scale +
                                        " : f64, f64)" + drawn(node.site, "normal", "", "f64"));
      store(node.site, value, "f64");
    });
    arrays_.push_back({"", "k", node.site});
  }

  void emit_branch(const Node& node) {
    std::set<int> sites;
    collect(node.body, sites);
    collect(node.otherwise, sites);
    const std::string c = condition();
    const auto before = variables_;
    const auto side = [&](const std::vector<Node>& nodes) {
      out_.begin_part();
      const Mark m = mark();
      for (const Node& inner : nodes) emit(inner);
      leave(m);
      std::string values;
      for (const int s : sites) values += (values.empty() ? "" : ", ") + variables_[s];
      variables_ = before;
      return std::pair(out_.end_part(), values);
    };
    const auto [yes, yes_values] = side(node.body);
    const auto [no, no_values] = side(node.otherwise);
    std::string results, types;
    for (const int s : sites) {
      variables_[s] = out_.fresh();
      results += (results.empty() ? "" : ", ") + variables_[s];
      types += (types.empty() ? "" : ", ") + whole_type(s);
    }
    if (sites.empty()) {
      out_.line("scf.if " + c + " {\n" + yes + "}" + (no.empty() ? "" : " else {\n" + no + "}"));
      return;
    }
    out_.line(results + " = scf.if " + c + " -> (" + types + ") {\n" + yes + "scf.yield " +
              yes_values + " : " + types + "\n} else {\n" + no + "scf.yield " + no_values + " : " +
              types + "\n}");
  }

  void emit_repeat(const Node& node) {
    const std::string limit = finite(), i = out_.fresh(), j = out_.fresh(), result = out_.fresh();
    out_.line(result + " = scf.while (" + i + " = " + zero_ + ") : (i64) -> i64 {");
    const std::string c = out_.op("arith.cmpi slt, " + i + ", " + limit + " : i64");
    out_.line("scf.condition(" + c + ") " + i + " : i64\n} do {\n^bb0(" + j + ": i64):");
    const Mark m = mark();
    reals_.push_back(out_.op("arith.sitofp " + j + " : i64 to f64"));
    for (const Node& inner : node.body) emit(inner);
    leave(m);
    out_.line("scf.yield " + out_.binary("arith.addi", j, one_, "i64") + " : i64\n}");
  }

  Point point(int number) {
    Point p;
    const int64_t n = number == 0 ? 2 : choose_.below(3), m = number == 0 ? 2 : choose_.below(3);
    const int64_t k = 1 + choose_.below(program_.finite_latents ? 2 : 3);
    const auto row = [&](int64_t size) {
      std::vector<Datum> values;
      for (int64_t i = 0; i < size; ++i) values.emplace_back(Real(choose_.uniform(-1.5, 1.5)));
      return make_array({size}, std::move(values));
    };
    std::vector<Datum> gather;
    for (int64_t i = 0; i < n; ++i)
      gather.emplace_back(int64_t{choose_.below(static_cast<int>(k))});
    p.slots["n"] = n;
    p.slots["m"] = m;
    p.slots["k"] = k;
    p.slots["dn"] = row(n);
    p.slots["dm"] = row(m);
    p.slots["gn"] = make_array({n}, std::move(gather));
    p.arguments = {int64_t{number == 0 ? 2 : choose_.below(3)}, Real(choose_.uniform(-1, 1))};
    return p;
  }

  Writer out_;
  int next_place_ = 10;
  std::string zero_, one_, gather_;
  std::map<std::string, std::string> sizes_;
  std::map<int, std::string> variables_;
  std::vector<std::string> reals_, ints_;
  std::vector<Source> arrays_;
  std::vector<std::pair<std::string, std::string>> indices_;
};

}  // namespace

int64_t size_at(const std::string& dim, const Point& point) {
  if (const auto found = point.slots.find(dim); found != point.slots.end())
    return as_int(found->second);
  return std::stoll(dim);
}

ModelProgram random_model(uint64_t seed) { return ModelGenerator(seed).run(); }

}  // namespace borel::testing
