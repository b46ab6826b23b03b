#include <functional>

#include "tests/measure/function_expressions.h"
#include "tests/measure/programs.h"

namespace borel::testing {
namespace {

class FunctionGenerator : FunctionExpressions {
 public:
  explicit FunctionGenerator(uint64_t seed) : FunctionExpressions(seed) {}

  FunctionProgram run() {
    FunctionProgram program;
    out_.line("module {");
    slots();
    helpers();
    out_.line(
        "func.func @f(%x: tensor<?xf64>, %y: tensor<?xf64>, %w: tensor<?xf64>, "
        "%q: tensor<?x?xf64>, %a: f64, %b: f64, %c: i64) -> (f64, tensor<?xf64>, f64) {");
    begin();
    const int statements = 2 + choose_.below(4);
    for (int i = 0; i < statements; ++i) statement(0);
    finish();
    out_.line("}\n}");
    program.text = out_.text();
    for (int i = 0; i < 3; ++i) program.points.push_back(point(i));
    return program;
  }

 private:
  //===- Statements ---------------------------------------------------------------------------===//

  char any_size() { return choose_.of<char>({'n', 'n', 'm', 'k'}); }

  /// A loop over one size, from 0 unless told otherwise; the induction variable is in scope inside.
  template <class Body>
  void loop(LoopText& text, char size, Body body) {
    if (text.lower.empty()) text.lower = zero_;
    if (text.upper.empty()) text.upper = upper(size);
    const Mark m = mark();
    write_loop(out_, text, [&] {
      indices_.push_back({text.induction, size});
      body();
    });
    leave(m);
  }

  void statement(int depth) {
    using S = void (FunctionGenerator::*)(int);
    static const std::vector<S> kinds = {
        &FunctionGenerator::plate,        &FunctionGenerator::plate,
        &FunctionGenerator::fill,         &FunctionGenerator::fill,
        &FunctionGenerator::sum_by_carry, &FunctionGenerator::sum_by_carry,
        &FunctionGenerator::gathered,     &FunctionGenerator::recurrence,
        &FunctionGenerator::regression,   &FunctionGenerator::regression,
        &FunctionGenerator::recurrence,   &FunctionGenerator::nested,
        &FunctionGenerator::fill_matrix,  &FunctionGenerator::repeat,
        &FunctionGenerator::scalar,       &FunctionGenerator::whole_array,
        &FunctionGenerator::calls};
    (this->*choose_.of(kinds))(depth);
  }

  void keep(const std::string& value) {
    reals_.push_back(value);
    if (indices_.empty()) totals_.push_back(value);
  }
  void keep_array(const std::string& name, char size) { arrays_.push_back({name, size, false}); }

  void plate(int) {
    const char size = any_size();
    LoopText text;
    if (choose_.chance(0.1)) text.lower = one_;
    const bool whole = text.lower.empty();
    loop(text, size, [&] {
      const int maps = whole ? choose_.below(3) : 0, sums = choose_.below(3) + (maps == 0);
      for (int i = 0; i < maps; ++i) text.maps.push_back({real(3), "f64", ""});
      for (int i = 0; i < sums; ++i) text.sums.push_back({real(3), "f64", ""});
      if (choose_.chance(.15) && sums > 0) text.sums.push_back(text.sums[0]);
      if (choose_.chance(.15)) text.sums.push_back({out_.real(1), "f64", ""});
    });
    for (const auto& map : text.maps) keep_array(map.result, size);
    for (const auto& sum : text.sums) keep(sum.result);
  }

  /// An array filled place by place through a carry, perhaps from its own earlier places.
  void fill(int) {
    const char size = any_size();
    const int lags = choose_.chance(0.45) ? 1 + choose_.below(2) : 0;
    const bool second_pass = choose_.chance(0.3);
    LoopText text;
    if (lags == 1) text.lower = one_;
    if (lags == 2) text.lower = out_.integer(2);
    std::string start;
    if (lags > 0 || choose_.chance(0.3)) {
      start = array_of(size);
    } else {
      start = out_.op("prob.zeros(" + upper(size) + ") : " + row);
    }
    text.carry(out_, start, row);
    std::string count_init;
    loop(text, size, [&] {
      const std::string iv = text.induction, array = text.carries[0].argument;
      for (int lag = 1; lag <= lags; ++lag) {
        if (lag < lags && choose_.chance(.3)) continue;
        const std::string back =
            choose_.chance(.5) ? out_.op("arith.subi " + iv + ", " + out_.integer(lag) + " : i64")
                               : out_.op("arith.addi " + iv + ", " + out_.integer(-lag) + " : i64");
        reals_.push_back(out_.unary("math.sin", element(array, back)));
      }
      if (choose_.chance(0.2)) reals_.push_back(out_.unary("math.sin", element(array, iv)));
      std::string next;
      const int kind = choose_.below(4);
      if (kind == 0) {
        const std::string c = condition(2);
        const bool both = choose_.chance(.5);
        out_.begin_part();
        const Mark m = mark();
        const std::string then_array =
            out_.op("prob.insert " + real(2) + " into " + array + "[" + iv + "] : f64 into " + row);
        leave(m);
        const std::string yes = out_.end_part();
        out_.begin_part();
        std::string else_array = array;
        if (both)
          else_array = out_.op("prob.insert " + real(2) + " into " + array + "[" + iv +
                               "] : f64 into " + row);
        leave(m);
        const std::string no = out_.end_part();
        next = out_.fresh();
        out_.line(next + " = scf.if " + c + " -> " + row + " {\n" + yes + "scf.yield " +
                  then_array + " : " + row + "\n} else {\n" + no + "scf.yield " + else_array +
                  " : " + row + "\n}");
      } else {
        next = out_.op("prob.insert " + out_.unary("math.tanh", real(3)) + " into " + array + "[" +
                       iv + "] : f64 into " + row);
        if (second_pass) {
          reals_.push_back(element(next, iv));
          next = out_.op("prob.insert " + out_.unary("math.tanh", real(2)) + " into " + next + "[" +
                         iv + "] : f64 into " + row);
        }
      }
      text.carries[0].next = next;
      if (choose_.chance(0.3)) text.sums.push_back({real(2), "f64", ""});
    });
    keep_array(text.carries[0].result, size);
    for (const auto& sum : text.sums) keep(sum.result);
  }

  /// Totals by carries: some are sums, some are read on the way and are not.
  void sum_by_carry(int) {
    const char size = any_size();
    LoopText text;
    const int n = 1 + choose_.below(3);
    for (int i = 0; i < n; ++i) text.carry(out_, choose_.chance(.5) ? out_.real(0) : leaf(), "f64");
    if (choose_.chance(0.2)) text.carry(out_, choose_.of(reals_), "f64");
    if (choose_.chance(.2)) text.reverse = true;
    std::string total;
    loop(text, size, [&] {
      for (size_t i = 0; i < text.carries.size(); ++i) {
        auto& carry = text.carries[i];
        if (static_cast<int>(i) >= n) {
          reals_.push_back(carry.argument);
          carry.next = carry.argument;
          continue;
        }
        const int kind = choose_.below(6);
        const std::string added = real(3);
        if (kind == 0) {
          carry.next = out_.binary("arith.subf", carry.argument, added);
        } else if (kind == 1) {
          carry.next = out_.binary("arith.addf", added, carry.argument);
        } else if (kind == 2) {
          const std::string c = condition(1);
          carry.next = out_.op("arith.select " + c + ", " +
                               out_.binary("arith.addf", carry.argument, added) + ", " +
                               carry.argument + " : f64");
        } else if (kind == 3) {
          const std::string c = condition(1);
          carry.next = out_.fresh();
          out_.line(carry.next + " = scf.if " + c + " -> f64 {");
          out_.line("%then" + carry.next.substr(1) + " = arith.addf " + carry.argument + ", " +
                    added + " : f64\nscf.yield %then" + carry.next.substr(1) + " : f64\n} else {");
          if (choose_.chance(.5)) {
            out_.line("%else" + carry.next.substr(1) + " = arith.subf " + carry.argument + ", " +
                      added + " : f64\nscf.yield %else" + carry.next.substr(1) + " : f64\n}");
          } else {
            out_.line("scf.yield " + carry.argument + " : f64\n}");
          }
        } else if (kind == 4) {
          carry.next = out_.binary("arith.addf", carry.argument, added);
          carry.next = out_.binary("arith.subf", carry.next, real(2));
        } else {
          carry.next = out_.binary("arith.addf", carry.argument, added);
          if (choose_.chance(.5))
            text.sums.push_back({out_.unary("math.sin", carry.argument), "f64", ""});
        }
      }
    });
    for (const auto& carry : text.carries) keep(carry.result);
    for (const auto& sum : text.sums) keep(sum.result);
  }

  /// Additions to an array through data, as into or as a carry.
  void gathered(int) {
    const char size = choose_.chance(.5) ? 'n' : 'm';
    LoopText text;
    const bool by_carry = choose_.chance(0.5);
    const std::string start =
        choose_.chance(.5) ? out_.op("prob.zeros(" + size_['k'] + ") : " + row) : array_of('k');
    auto& target = by_carry ? text.carry(out_, start, row) : text.into(out_, start, row);
    loop(text, size, [&] {
      const std::string iv = text.induction;
      std::string next = target.argument;
      const int n = 1 + choose_.below(2);
      for (int i = 0; i < n; ++i) {
        const std::string at =
            choose_.chance(0.2) ? zero_ : element(gathers_[size], iv, row_of_ints, "i64");
        const std::string added = real(3);
        if (by_carry) {
          const std::string old = element(next, at);
          next = out_.op("prob.insert " +
                         out_.binary(choose_.chance(.7) ? "arith.addf" : "arith.subf", old, added) +
                         " into " + next + "[" + at + "] : f64 into " + row);
        } else {
          next =
              out_.op("prob.add_at " + added + " into " + next + "[" + at + "] : f64 into " + row);
        }
      }
      target.next = next;
      if (choose_.chance(0.4)) text.sums.push_back({real(2), "f64", ""});
    });
    std::string result = target.result;
    if (!by_carry && choose_.chance(.4)) {
      // A second loop goes on with the same array.
      LoopText more;
      auto& onward = more.into(out_, result, row);
      loop(more, size, [&] {
        const std::string at = element(gathers_[size], more.induction, row_of_ints, "i64");
        onward.next = out_.op("prob.add_at " + real(2) + " into " + onward.argument + "[" + at +
                              "] : f64 into " + row);
      });
      result = onward.result;
    }
    if (choose_.chance(.3))
      result = out_.op("prob.add_at " + leaf() + " into " + result + "[" + zero_ + "] : f64 into " +
                       row);
    keep_array(result, 'k');
    for (const auto& sum : text.sums) keep(sum.result);
  }

  /// Sums of products of linear forms in a plate over data, as log densities of normal
  /// distributions and their gradients have them; parameters perhaps of groups.
  void regression(int) {
    const char size = choose_.chance(.6) ? 'n' : 'm';
    const bool grouped = choose_.chance(.5), adds = grouped && choose_.chance(.6);
    const std::string intercepts = grouped ? array_of('k') : "", intercept = leaf();
    const std::string slope = leaf(), scale = leaf(), weights = grouped ? array_of('k') : "";
    const int columns = choose_.below(3);
    LoopText text;
    if (!grouped && choose_.chance(.2)) text.lower = one_;
    if (adds) text.into(out_, array_of('k'), row);
    loop(text, size, [&] {
      const std::string iv = text.induction, data = element(data_rows_[size], iv);
      const std::string group = grouped ? element(gathers_[size], iv, row_of_ints, "i64") : "";
      const std::string mean = grouped ? element(intercepts, group) : intercept;
      const std::string response =
          choose_.chance(.3) ? out_.binary("arith.mulf", data, data_reals_[0]) : data;
      std::string d = choose_.chance(.7) ? out_.binary("arith.subf", response, mean)
                                         : out_.binary("arith.addf", mean, response);
      std::vector<std::string> forms;
      for (int i = 0; i < columns; ++i) {
        std::string column = out_.unary(i == 0 ? "math.sin" : "math.cos", data);
        if (choose_.chance(.3)) column = out_.op("arith.sitofp " + iv + " : i64 to f64");
        const std::string by = grouped && i == 0 ? element(weights, group) : slope;
        const std::string product = choose_.chance(.5) ? out_.binary("arith.mulf", column, by)
                                                       : out_.binary("arith.mulf", by, column);
        d = out_.binary(choose_.chance(.5) ? "arith.subf" : "arith.addf", d, product);
        forms.push_back(column);
      }
      if (choose_.chance(.3)) d = out_.op("arith.negf " + d + " : f64");
      if (choose_.chance(.3)) d = out_.binary("arith.divf", d, out_.unary("math.exp", data));
      if (choose_.chance(.2)) d = out_.binary("arith.mulf", d, data);
      forms.push_back(d);
      std::string square = out_.binary("arith.mulf", d, d);
      if (choose_.chance(.3)) square = out_.binary("arith.mulf", square, scale);
      if (choose_.chance(.2)) square = out_.binary("arith.subf", square, mean);
      text.sums.push_back({square, "f64", ""});
      if (choose_.chance(.5))
        text.sums.push_back({out_.binary("arith.mulf", choose_.of(forms), d), "f64", ""});
      if (choose_.chance(.4)) text.sums.push_back({d, "f64", ""});
      if (adds) {
        const std::string part = out_.binary("arith.mulf", choose_.of(forms), scale);
        text.intos[0].next =
            out_.op("prob.add_at " + out_.binary("arith.mulf", part, d) + " into " +
                    text.intos[0].argument + "[" + group + "] : f64 into " + row);
      }
    });
    for (const auto& sum : text.sums) keep(sum.result);
    if (adds) keep_array(text.intos[0].result, 'k');
  }

  void recurrence(int) {
    const char size = any_size();
    const int kind = choose_.below(5);
    LoopText text;
    const std::string start = kind <= 1 ? positive(1) : leaf();
    text.carry(out_, start, "f64");
    if (kind == 4) text.carry(out_, leaf(), "f64");
    text.reverse = choose_.chance(0.25);
    loop(text, size, [&] {
      auto& carry = text.carries[0];
      const std::string s = carry.argument;
      if (kind == 0) {
        const std::string square = out_.binary("arith.mulf", s, s);
        const std::string v = real(2);
        const std::string sum =
            out_.binary("arith.addf", out_.binary("arith.mulf", square, out_.real(0.4)),
                        out_.binary("arith.addf", out_.binary("arith.mulf", v, v), out_.real(0.3)));
        carry.next = out_.unary("math.sqrt", sum);
        const std::string z = out_.binary("arith.divf", real(2), carry.next);
        text.sums.push_back({out_.binary("arith.mulf", z, z), "f64", ""});
        text.sums.push_back({out_.unary("math.log", carry.next), "f64", ""});
      } else if (kind == 1) {
        const std::string log = out_.unary("math.log", s);
        const std::string x =
            out_.binary("arith.addf", out_.binary("arith.mulf", log, out_.real(0.5)),
                        out_.unary("math.sin", real(2)));
        carry.next = out_.unary("math.exp", x);
        text.sums.push_back(
            {choose_.chance(.5) ? x : out_.binary("arith.mulf", log, real(2)), "f64", ""});
      } else {
        reals_.push_back(s);
        if (kind == 4) reals_.push_back(text.carries[1].argument);
        const std::string heavy = real(3);
        carry.next = out_.unary(
            "math.tanh", out_.binary("arith.addf", out_.binary("arith.mulf", s, leaf()), heavy));
        if (kind == 4)
          text.carries[1].next = out_.unary("math.sin", out_.binary("arith.subf", s, real(2)));
        if (choose_.chance(.6)) text.sums.push_back({real(3), "f64", ""});
      }
      if (choose_.chance(.4)) text.maps.push_back({real(2), "f64", ""});
      if (choose_.chance(.3)) text.maps.push_back({s, "f64", ""});
    });
    if (kind > 1 || choose_.chance(.3))
      for (const auto& carry : text.carries) keep(carry.result);
    for (const auto& map : text.maps) keep_array(map.result, size);
    for (const auto& sum : text.sums) keep(sum.result);
  }

  void nested(int) {
    const bool rows = choose_.chance(.4);
    LoopText outer;
    LoopText inner;
    if (choose_.chance(.3)) outer.into(out_, array_of('k'), row);
    loop(outer, 'n', [&] {
      std::string of_row;
      if (rows) {
        of_row = out_.op("prob.extract " + (choose_.chance(.5) ? "%q" : data_matrix_) + "[" +
                         outer.induction + "] : " + matrix + " -> " + row);
        arrays_.push_back({of_row, 'm', false});
      }
      if (!outer.intos.empty()) inner.into(out_, outer.intos[0].argument, row);
      reals_.push_back(real(2));
      loop(inner, 'm', [&] {
        inner.sums.push_back({real(3), "f64", ""});
        if (choose_.chance(.5)) inner.maps.push_back({real(2), "f64", ""});
        if (!inner.intos.empty()) {
          const std::string at = choose_.chance(.5)
                                     ? element(gathers_['m'], inner.induction, row_of_ints, "i64")
                                     : element(gathers_['n'], outer.induction, row_of_ints, "i64");
          inner.intos[0].next = out_.op("prob.add_at " + real(2) + " into " +
                                        inner.intos[0].argument + "[" + at + "] : f64 into " + row);
        }
      });
      if (!inner.intos.empty()) outer.intos[0].next = inner.intos[0].result;
      reals_.push_back(inner.sums[0].result);
      for (const auto& map : inner.maps) keep_array(map.result, 'm');
      outer.sums.push_back({real(2), "f64", ""});
      outer.maps.push_back({choose_.chance(.5) ? inner.sums[0].result : real(2), "f64", ""});
      if (!inner.maps.empty() && choose_.chance(.6))
        outer.maps.push_back({inner.maps[0].result, row, ""});
    });
    keep_array(outer.maps[0].result, 'n');
    keep(outer.sums[0].result);
    if (!outer.intos.empty()) keep_array(outer.intos[0].result, 'k');
    if (outer.maps.size() > 1) sum_matrix(outer.maps[1].result);
  }

  void sum_matrix(const std::string& name) {
    LoopText outer;
    loop(outer, 'n', [&] {
      LoopText inner;
      loop(inner, 'm', [&] {
        const std::string v = out_.op("prob.extract " + name + "[" + outer.induction + ", " +
                                      inner.induction + "] : " + matrix + " -> f64");
        reals_.push_back(v);
        inner.sums.push_back({out_.binary("arith.mulf", v, real(1)), "f64", ""});
      });
      outer.sums.push_back({inner.sums[0].result, "f64", ""});
    });
    keep(outer.sums[0].result);
  }

  /// Two carries around one matrix.
  void fill_matrix(int) {
    LoopText outer;
    const std::string start =
        choose_.chance(.6)
            ? out_.op("prob.zeros(" + size_['n'] + ", " + size_['m'] + ") : " + matrix)
            : "%q";
    outer.carry(out_, start, matrix);
    if (choose_.chance(.3)) outer.carry(out_, out_.real(0), "f64");
    loop(outer, 'n', [&] {
      LoopText inner;
      inner.carry(out_, outer.carries[0].argument, matrix);
      if (outer.carries.size() > 1) inner.carry(out_, outer.carries[1].argument, "f64");
      loop(inner, 'm', [&] {
        const std::string at = "[" + outer.induction + ", " + inner.induction + "]";
        if (choose_.chance(.2))
          reals_.push_back(out_.op("prob.extract " + inner.carries[0].argument + at + " : " +
                                   matrix + " -> f64"));
        const std::string v = real(2);
        inner.carries[0].next = out_.op("prob.insert " + v + " into " + inner.carries[0].argument +
                                        at + " : f64 into " + matrix);
        if (inner.carries.size() > 1)
          inner.carries[1].next = out_.binary("arith.addf", inner.carries[1].argument, real(2));
      });
      for (size_t i = 0; i < inner.carries.size(); ++i)
        outer.carries[i].next = inner.carries[i].result;
    });
    if (outer.carries.size() > 1) keep(outer.carries[1].result);
    sum_matrix(outer.carries[0].result);
  }

  void repeat(int) {
    const std::string start = leaf(), a = out_.fresh(), i = out_.fresh(), b = out_.fresh(),
                      j = out_.fresh();
    const std::string result = out_.fresh(), count = out_.fresh();
    const std::string limit = choose_.chance(.5) ? "%c" : size_['m'];
    out_.line(result + ", " + count + " = scf.while (" + a + " = " + start + ", " + i + " = " +
              zero_ + ") : (f64, i64) -> (f64, i64) {");
    const std::string c = out_.op("arith.cmpi slt, " + i + ", " + limit + " : i64");
    out_.line("scf.condition(" + c + ") " + a + ", " + i + " : f64, i64\n} do {\n^bb0(" + b +
              ": f64, " + j + ": i64):");
    const Mark m = mark();
    reals_.push_back(b);
    const std::string next = out_.unary("math.tanh", real(3));
    const std::string step = out_.binary("arith.addi", j, one_, "i64");
    out_.line("scf.yield " + next + ", " + step + " : f64, i64\n}");
    leave(m);
    keep(result);
  }

  void calls(int) { keep(out_.binary("arith.mulf", call(2), call(1))); }

  void scalar(int) {
    if (choose_.chance(.4)) {
      keep(branch(3));
      return;
    }
    const std::string value = real(4);
    if (choose_.chance(.7)) totals_.push_back(value);
    if (choose_.chance(.3)) positives_.push_back(positive(2));
  }

  /// An array that is replaced as a whole in every iteration.
  void whole_array(int) {
    LoopText outer;
    outer.upper = "%c";
    outer.carry(out_, array_of('m'), row);
    const Mark m = mark();
    if (outer.lower.empty()) outer.lower = zero_;
    write_loop(out_, outer, [&] {
      const std::string array = outer.carries[0].argument;
      arrays_.push_back({array, 'm', false});
      LoopText total;
      loop(total, 'm', [&] {
        total.sums.push_back({out_.unary("math.sin", element(array, total.induction)), "f64", ""});
      });
      reals_.push_back(total.sums[0].result);
      LoopText next;
      loop(next, 'm', [&] {
        const std::string v = element(array, next.induction);
        next.maps.push_back({out_.binary("arith.subf", out_.unary("math.tanh", real(2)),
                                         out_.binary("arith.mulf", v, out_.real(.3))),
                             "f64", ""});
      });
      outer.carries[0].next = next.maps[0].result;
    });
    leave(m);
    keep_array(outer.carries[0].result, 'm');
  }

  void finish() {
    // Everything that a loop left feeds the first result.
    std::vector<ArrayName> arrays;
    for (const ArrayName& array : arrays_)
      if (!array.is_data && array.name[1] == 'v' && choose_.chance(0.8)) arrays.push_back(array);
    for (const ArrayName& array : arrays) {
      LoopText text;
      loop(text, array.size, [&] {
        const std::string v = element(array.name, text.induction);
        const std::string weight = out_.op("arith.sitofp " + text.induction + " : i64 to f64");
        const std::string varied = out_.binary("arith.addf", weight, out_.real(1.3));
        text.sums.push_back({out_.binary("arith.mulf", v, varied), "f64", ""});
      });
      totals_.push_back(text.sums[0].result);
    }
    std::string total = out_.real(0.25);
    int i = 0;
    for (const std::string& value : totals_) {
      const std::string weighted = out_.binary("arith.mulf", value, out_.real(1 + 0.37 * ++i));
      total = out_.binary("arith.addf", total, weighted);
    }
    const std::string array = array_of(any_size()), last = choose_.of(reals_);
    out_.line("return " + total + ", " + array + ", " + last + " : f64, " + row + ", f64");
  }

  //===- Points -------------------------------------------------------------------------------===//

  Datum row_of(int64_t n) {
    std::vector<Datum> values;
    for (int64_t i = 0; i < n; ++i) values.emplace_back(Real(choose_.uniform(-1.5, 1.5)));
    return make_array({n}, std::move(values));
  }
  Datum matrix_of(int64_t n, int64_t m) {
    return make_array({n, m}, as_array(row_of(n * m)).elements);
  }
  Datum indices_into(int64_t n, int64_t k) {
    std::vector<Datum> values;
    for (int64_t i = 0; i < n; ++i)
      values.emplace_back(int64_t{choose_.below(static_cast<int>(k))});
    return make_array({n}, std::move(values));
  }

  Point point(int number) {
    const int64_t n = number == 0 ? 3 + choose_.below(3) : choose_.of<int64_t>({0, 1, 2, 4});
    const int64_t m = number == 0 ? 2 + choose_.below(2) : choose_.of<int64_t>({0, 1, 3});
    const int64_t k = number == 0 ? 3 : choose_.of<int64_t>({1, 2, 4});
    Point p;
    p.slots["n"] = n;
    p.slots["m"] = m;
    p.slots["k"] = k;
    p.slots["dn"] = row_of(n);
    p.slots["dm"] = row_of(m);
    p.slots["dk"] = row_of(k);
    p.slots["dq"] = matrix_of(n, m);
    p.slots["gn"] = indices_into(n, k);
    p.slots["gm"] = indices_into(m, k);
    p.slots["ds"] = Real(choose_.uniform(0.4, 1.8));
    p.arguments = {row_of(n),
                   row_of(m),
                   row_of(k),
                   matrix_of(n, m),
                   Real(choose_.uniform(0.4, 1.8)),
                   Real(choose_.uniform(-1.5, 1.5)),
                   int64_t{choose_.below(4)}};
    return p;
  }
};

}  // namespace

FunctionProgram random_function(uint64_t seed) { return FunctionGenerator(seed).run(); }

}  // namespace borel::testing
