// Random models with stops: state-space loops that look a few places back, several of them, with
// branches, plates, whole arrays read later, and all kinds of variables on the way.
#include <algorithm>
#include <map>
#include <set>

#include "tests/measure/stage_expressions.h"
#include "tests/measure/stage_library.h"

namespace borel::testing {
namespace {

class StageGenerator : StageExpressions {
 public:
  explicit StageGenerator(uint64_t seed) : StageExpressions(seed) {}

  StageProgram run() {
    program_.grid = choose_.chance(.7) ? 2 : 4;
    budget_ = program_.grid == 2 ? 7 : 4;
    out_.begin_part();
    for (const char* size : {"n", "m", "s", "k"})
      sizes_[size] = out_.op("prob.data @" + std::string(size) + " : i64");
    data_ = out_.op("prob.data @y : tensor<?xf64>");
    choices_ = out_.op("prob.data @g : tensor<?xi64>");
    header_ += out_.end_part();
    for (const char* scalar : {"f64", "i64", "i1"}) {
      add_variable(scalar, {});
      if (choose_.chance(.6)) add_variable(scalar, {choose_.chance(.6) ? "k" : "s"});
    }
    variables_[0].name = "%a1";
    for (Variable& v : variables_)
      if (v.scalar == "i64" && v.dims.empty()) v.name = "%a0";
    total_ = add_variable("f64", {});

    out_.begin_part();
    const int statements = 2 + choose_.below(5);
    for (int i = 0; i < statements; ++i)
      some_statement(i > 0 && budget_ >= 3 && choose_.chance(.55));
    if (!stepped_) some_statement(true);
    if (choose_.chance(.4)) some_statement(false);
    if (pending_) out_.line("prob.stop");
    const std::string body = out_.end_part();
    write(body);
    for (int i = 0; i < 2; ++i) program_.points.push_back(point(i));
    return std::move(program_);
  }

 private:
  struct Work {
    bool draws = false, weighs = false, records = false;
  };
  /// Where statements stand.
  struct Scope {
    std::set<int> assignable;     // variables
    std::set<int> sites;          // variables of sites that may be drawn or recorded
    std::vector<std::string> at;  // the indices that they have here: of loops
    int times = 1;                // how often it may run
    int depth = 0;
  };

  //===- Statements ---------------------------------------------------------------------------===//

  std::string place() { return " at " + std::to_string(next_place_++); }

  std::string list(const std::vector<std::string>& parts) const {
    std::string out;
    for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
    return out;
  }

  void store(int v, const std::vector<std::string>& at, const std::string& what,
             const std::string& type) {
    if (at.empty()) {
      name_of(v) = what;
      return;
    }
    const std::string before = name_of(v);
    name_of(v) = out_.op("prob.insert " + what + " into " + before + "[" + list(at) +
                         "] : " + type + " into " + type_of(v));
  }

  std::string where(int v, const std::vector<std::string>& at) {
    std::string text = " site " + std::to_string(variable(v).site);
    std::vector<std::string> extents;
    for (size_t d = 0; d < at.size(); ++d) extents.push_back(sizes_.at(variable(v).dims[d]));
    if (!at.empty()) text += " [" + list(at) + "] of (" + list(extents) + ")";
    return text;
  }

  /// Draws or records a site, at `at` and, where it has one more dimension, all of the row.
  void draw(int v, std::vector<std::string> at, int times, Work& work) {
    const std::string& scalar = variable(v).scalar;
    if (site_of(v).kind == "derived") {
      work.records = true;
      const std::string what = value(scalar);
      out_.line("prob.record " + what + " : " + scalar + where(v, at) + place());
      return store(v, at, what, scalar);
    }
    work.draws = true;
    drawn_.insert(v);
    if (at.size() < variable(v).dims.size()) {
      // A row at once, or element by element.
      budget_ -= 2 * times;
      if (scalar == "f64" && choose_.chance(.5)) {
        const std::string a = bounded(), k = sizes_.at("k");
        const std::string row = out_.op("prob.sample @levels(" + a + ", " + k + " : f64, i64)" +
                                        where(v, at) + " reals " + k + " values " + k + place() +
                                        " {sampler = @levels.draw} : tensor<?xf64>");
        return store(v, at, row, "tensor<?xf64>");
      }
      LoopText text;
      text.lower = out_.integer(0);
      text.upper = sizes_.at("k");
      loop(text, {v}, [&] {
        indices_.emplace_back(text.induction, "k");
        std::vector<std::string> inner = at;
        inner.push_back(text.induction);
        draw_one(v, inner);
        indices_.pop_back();
      });
      return;
    }
    budget_ -= times;
    draw_one(v, at);
  }

  void draw_one(int v, const std::vector<std::string>& at) {
    const std::string& scalar = variable(v).scalar;
    std::string name = scalar == "i64" ? "coin" : scalar == "i1" ? "flip" : "level";
    if (scalar == "f64" && choose_.chance(.2)) name = "spread";
    const std::string parameter = scalar == "f64" ? bounded() : probability();
    const std::string drawn =
        out_.op("prob.sample @" + name + "(" + parameter + " : f64)" + where(v, at) + place() +
                " {sampler = @" + name + ".draw} : " + scalar);
    store(v, at, drawn, scalar);
  }

  void weigh(Work& work) {
    work.weighs = true;
    switch (choose_.below(4)) {
      case 0: {
        const std::string what = bounded();
        out_.line("prob.score " + what + " : f64" + place());
        return;
      }
      case 1: {
        if (choose_.chance(.5)) break;
        const std::string c = out_.binary("arith.ori", truth(1), truth(1), "i1");
        out_.line("prob.require " + c + place());
        return;
      }
      case 2: {
        const std::string x = integer(0), p = out_.real(.25 * (1 + choose_.below(3)));
        out_.line("prob.observe " + x + " : i64 from @coin(" + p + " : f64) site " +
                  std::to_string(observed("int")) + place());
        return;
      }
      default:
        break;
    }
    const std::string x =
        out_.op("prob.extract " + data_ + "[" + index("s") + "] : tensor<?xf64> -> f64");
    const std::string mu = choose_.chance(.6) ? read("f64") : bounded();
    out_.line("prob.observe " + x + " : f64 from @bell(" + mu + " : f64) site " +
              std::to_string(observed("real")) + place());
  }
  int observed(const char* type) {
    StageProgram::Site site;
    site.kind = "observed";
    site.type = type;
    program_.sites.push_back(site);
    return static_cast<int>(program_.sites.size()) - 1;
  }

  void assign(const Scope& scope) {
    std::vector<int> options;
    for (const int v : scope.assignable)
      if (variable(v).site < 0 && !(adds_ && v == total_)) options.push_back(v);
    if (options.empty()) return;
    const int v = choose_.of(options);
    const std::string what = value(variable(v).scalar);
    std::vector<std::string> at;
    for (const std::string& dim : variable(v).dims) at.push_back(index(dim));
    store(v, at, what, variable(v).scalar);
  }

  /// A loop that carries these variables.
  template <class Body>
  void loop(LoopText& text, const std::set<int>& carried, Body body) {
    for (const int v : carried) text.carry(out_, name_of(v), type_of(v));
    write_loop(out_, text, [&] {
      size_t next = 0;
      for (const int v : carried) name_of(v) = text.carries[next++].argument;
      body();
      next = 0;
      for (const int v : carried) text.carries[next++].next = name_of(v);
    });
    size_t next = 0;
    for (const int v : carried) name_of(v) = text.carries[next++].result;
  }

  std::set<int> some(const std::set<int>& of, double share) {
    std::set<int> out;
    for (const int v : of)
      if (choose_.chance(share)) out.insert(v);
    return out;
  }

  void statement(const Scope& scope, Work& work) {
    switch (choose_.below(scope.depth < 3 ? 9 : 6)) {
      case 0:
      case 1:
        if (!scope.sites.empty()) {
          std::vector<int> options;
          for (const int v : scope.sites)
            if (site_of(v).kind == "derived" || (!drawn_.contains(v) && budget_ >= scope.times * 2))
              options.push_back(v);
          if (!options.empty()) return draw(choose_.of(options), scope.at, scope.times, work);
        }
        return assign(scope);
      case 2:
        return weigh(work);
      case 3:
      case 4:
      case 5:
        return assign(scope);
      case 6: {
        // An inner loop.
        LoopText text;
        text.lower = out_.integer(0);
        text.upper = choose_.chance(.7) ? sizes_.at("k") : integer(1);
        const bool counts = text.upper == sizes_.at("k");
        Scope inner{some(scope.assignable, .6), {}, {}, 2 * scope.times, scope.depth + 1};
        return loop(text, inner.assignable, [&] {
          if (counts) indices_.emplace_back(text.induction, "k");
          for (int i = 1 + choose_.below(2); i > 0; --i) statement(inner, work);
          if (counts) indices_.pop_back();
        });
      }
      default:
        return branch(scope, work);
    }
  }

  void branch(const Scope& scope, Work& work) {
    const std::string c = truth(2);
    Scope inner = scope;
    ++inner.depth;
    for (const int v : std::set<int>(scope.assignable))
      if (variable(v).site < 0 && choose_.chance(.4)) inner.assignable.erase(v);
    const auto before = variables_;
    const auto restore = [&] {
      for (size_t v = 0; v < before.size(); ++v) variables_[v].name = before[v].name;
    };
    const auto side = [&](int statements) {
      out_.begin_part();
      for (int i = 0; i < statements; ++i) statement(inner, work);
      std::string values;
      for (const int v : inner.assignable) values += (values.empty() ? "" : ", ") + name_of(v);
      restore();
      return std::pair(out_.end_part(), values);
    };
    const std::set<int> before_branch = drawn_;
    const auto [yes, yes_values] = side(1 + choose_.below(2));
    // Both sides may draw a site.
    std::set<int> drawn = before_branch;
    std::swap(drawn, drawn_);
    const auto [no, no_values] = side(choose_.below(2));
    drawn_.insert(drawn.begin(), drawn.end());
    if (inner.assignable.empty()) {
      out_.line("scf.if " + c + " {\n" + yes + "} else {\n" + no + "}");
      return;
    }
    std::string results, types;
    for (const int v : inner.assignable) {
      name_of(v) = out_.fresh();
      results += (results.empty() ? "" : ", ") + name_of(v);
      types += (types.empty() ? "" : ", ") + type_of(v);
    }
    out_.line(results + " = scf.if " + c + " -> (" + types + ") {\n" + yes + "scf.yield " +
              yes_values + " : " + types + "\n} else {\n" + no + "scf.yield " + no_values + " : " +
              types + "\n}");
  }

  //===- The top level ------------------------------------------------------------------------===//

  std::set<int> all_plain() const {
    std::set<int> out;
    for (size_t v = 0; v < variables_.size(); ++v)
      if (variables_[v].site < 0) out.insert(static_cast<int>(v));
    return out;
  }

  std::string scalar() { return choose_.of<std::string>({"f64", "f64", "i64", "i1"}); }

  /// A statement of the model's body, with the stops that it calls for.
  template <class Write>
  void top(bool steps, Write write, const std::string& after = "") {
    Work work;
    out_.begin_part();
    write(work);
    const std::string text = out_.end_part();
    if (steps ? pending_ : work.draws && weighed_) {
      out_.line("prob.stop");
      pending_ = weighed_ = false;
    }
    stepped_ |= steps;
    if (!steps) {
      pending_ |= work.draws || work.weighs || work.records;
      weighed_ |= work.weighs;
    }
    out_.append(text + after);
  }

  void some_statement(bool steps) {
    if (!steps) return top(false, [&](Work& work) { simple(work); });
    if (choose_.chance(.8)) return data_loop();
    drawn_loop();
  }

  void simple(Work& work) {
    Scope scope{all_plain(), {}, {}, 1, 0};
    const int form = choose_.below(6);
    if (form < 3 && budget_ > 0) {
      const bool row = budget_ >= 2 && choose_.chance(.3);
      const int v =
          add_site("latent", scalar(),
                   row ? std::vector<std::string>{"k"} : std::vector<std::string>{}, false);
      if (choose_.chance(.75)) return draw(v, {}, 1, work);
      scope.sites = {v};
      scope.assignable.insert(v);
      if (row) scope.sites.clear();
      return branch(scope, work);
    }
    if (form == 3) {
      const int v = add_site("derived", scalar(), {}, false);
      return draw(v, {}, 1, work);
    }
    statement(scope, work);
  }

  /// The sites of a loop with stops: scalars or rows, moving with it.
  Scope in_loop(int times) {
    Scope scope{some(all_plain(), .6), {}, {}, times, 1};
    const auto add = [&](const char* kind, bool row) {
      std::vector<std::string> dims{"s"};
      if (row) dims.push_back("k");
      const int v = add_site(kind, scalar(), dims, true);
      scope.sites.insert(v);
      scope.assignable.insert(v);
      return v;
    };
    add("latent", budget_ >= 2 * times + 2 && choose_.chance(.2));
    if (choose_.chance(.3)) add("latent", false);
    if (choose_.chance(.3)) add("derived", false);
    return scope;
  }

  void body(Scope& scope, const std::string& induction, int lag, Work& work, const char* mark) {
    indices_.emplace_back(induction, "s");
    for (int back = 1; back <= lag; ++back)
      indices_.emplace_back(out_.binary("arith.subi", induction, out_.integer(back), "i64"), "s");
    scope.at = {induction};
    drawn_.clear();
    // At least one draw and one weight, so that it stops; rows are drawn outside of branches.
    Scope inner = scope;
    inner.sites.erase(*scope.sites.begin());
    for (const int v : scope.sites)
      if (variable(v).dims.size() > 1) inner.sites.erase(v);
    const int n = 1 + choose_.below(3), first = choose_.below(n + 1), second = choose_.below(n + 1);
    for (int i = 0; i <= n; ++i) {
      if (i == first) draw(*scope.sites.begin(), scope.at, scope.times, work);
      if (i == second) weigh(work);
      if (i < n) statement(inner, work);
    }
    // What is only added to is a sum.
    if (adds_) name_of(total_) = out_.binary("arith.addf", name_of(total_), bounded());
    out_.line(std::string("prob.stop") + mark);
    indices_.resize(indices_.size() - 1 - static_cast<size_t>(lag));
  }

  void data_loop() {
    Scope scope = in_loop(3);
    const int lower = choose_.chance(.4) ? 0 : 1 + choose_.below(3);
    // What comes before the loop's first place.
    const int site = *scope.sites.begin();
    for (int t = 0; t < lower && budget_ > 3; ++t)
      if (variable(site).dims.size() == 1 && choose_.chance(.4))
        top(false, [&](Work& work) { draw(site, {out_.integer(t)}, 1, work); });
    if (choose_.chance(.4)) top(false, [&](Work& work) { weigh(work); });
    top(true, [&](Work& work) {
      LoopText text;
      text.lower = out_.integer(lower);
      const std::string trips = sizes_.at(choose_.chance(.6) ? "n" : "m");
      text.upper = choose_.chance(.8) ? out_.binary("arith.addi", text.lower, trips, "i64") : trips;
      adds_ = choose_.chance(.4);
      if (adds_) scope.assignable.insert(total_);
      loop(text, scope.assignable, [&] { body(scope, text.induction, lower, work, ""); });
      adds_ = false;
    });
  }

  /// A loop whose bounds depend on a draw.
  void drawn_loop() {
    const int coin = add_site("latent", "i64", {}, false);
    top(false, [&](Work& work) { draw(coin, {}, 1, work); });
    Scope scope = in_loop(2);
    top(
        true,
        [&](Work& work) {
          LoopText text;
          const std::string drawn = name_of(coin), zero = out_.integer(0), one = out_.integer(1);
          const bool late = choose_.chance(.3);
          text.lower = late ? drawn : zero;
          text.upper =
              late ? out_.integer(2)
                   : out_.binary("arith.addi", drawn, choose_.chance(.5) ? zero : one, "i64");
          loop(text, scope.assignable, [&] { body(scope, text.induction, 0, work, " {inner}"); });
        },
        "prob.stop {after}\n");
  }

  //===- The program --------------------------------------------------------------------------===//

  void write(const std::string& body) {
    Writer all;
    all.line("module {");
    for (const char* size : {"n", "m", "s", "k"})
      all.line("prob.slot \"size\" @" + std::string(size) + " : i64");
    all.line("prob.slot \"input\" @y : tensor<?xf64> {dims = [@s]}");
    all.line("prob.slot \"input\" @g : tensor<?xi64> {dims = [@s]}");
    all.append(stage_library);
    std::string sites, shape, extents, types = "i64, i64";
    for (const auto& site : program_.sites) {
      sites += (sites.empty() ? "" : ", ") + ("{kind = \"" + site.kind) + "\", type = \"" +
               site.type + "\", rank = " + std::to_string(site.dims.size()) + " : i64" +
               (site.moves ? ", moves}" : "}");
    }
    for (const char* kind : {"latent", "derived", "observed"})
      for (const auto& site : program_.sites) {
        if (site.kind != kind) continue;
        for (const std::string& dim : site.dims) extents += ", %" + dim, types += ", i64";
        extents += ", %none";
        types += ", i64";
      }
    all.line("func.func private @model.shape(%a0: i64, %a1: f64) -> (" + types + ") {");
    for (const char* size : {"n", "m", "s", "k"})
      all.line("%" + std::string(size) + " = prob.data @" + size + " : i64");
    all.line("%none = arith.constant -1 : i64\n%zero = arith.constant 0 : i64");
    all.line("return %zero, %zero" + extents + " : " + types + "\n}");
    std::string results, result_types;
    for (const char* kind : {"latent", "derived"})
      for (const Variable& v : variables_) {
        if (v.site < 0 || program_.sites[static_cast<size_t>(v.site)].kind != kind) continue;
        results += (results.empty() ? "" : ", ") + v.name;
        result_types += (result_types.empty() ? "" : ", ") + array_type(v.scalar, v.dims.size());
      }
    all.line("func.func private @model(%a0: i64, %a1: f64) -> (" + result_types +
             ") attributes {prob.model, prob.shape = @model.shape, prob.sites = [" + sites +
             "]} {");
    all.append(header_);
    all.append(body);
    all.line("return " + results + " : " + result_types + "\n}\n}");
    program_.text = all.text();
  }

  Point point(int number) {
    Point p;
    const int64_t n = number == 0 ? 2 + choose_.below(2) : choose_.below(2);
    const int64_t m = number == 0 ? 1 + choose_.below(2) : choose_.below(3);
    const int64_t s = 6, k = 1 + choose_.below(2);
    std::vector<Datum> y, g;
    for (int64_t i = 0; i < s; ++i) {
      y.emplace_back(Real(choose_.uniform(-1, 1)));
      g.emplace_back(int64_t{choose_.below(3)});
    }
    p.slots["n"] = n;
    p.slots["m"] = m;
    p.slots["s"] = s;
    p.slots["k"] = k;
    p.slots["y"] = make_array({s}, std::move(y));
    p.slots["g"] = make_array({s}, std::move(g));
    p.arguments = {int64_t{choose_.below(3)}, Real(choose_.uniform(-1, 1))};
    return p;
  }

  int budget_ = 0, next_place_ = 10;
  std::set<int> drawn_;  // variables of sites of which the iteration being written has drawn
  bool pending_ = false, weighed_ = false, stepped_ = false;
};

}  // namespace

StageProgram random_stages(uint64_t seed) { return StageGenerator(seed).run(); }

}  // namespace borel::testing
