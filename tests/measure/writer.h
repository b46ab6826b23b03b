/// What the generators of random programs share: random choices that are the same on every machine,
/// and IR text with fresh names.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace borel::testing {

/// Random choices. The engine's output is fixed by the standard; its distributions are not used.
class Choice {
 public:
  explicit Choice(uint64_t seed) : engine_(seed * 0x9E3779B97F4A7C15ull + 1) {}
  /// 0 .. n - 1.
  int below(int n) { return static_cast<int>(engine_() % static_cast<uint64_t>(n)); }
  bool chance(double p) { return uniform(0, 1) < p; }
  double uniform(double lo, double hi) {
    return lo + (hi - lo) * (static_cast<double>(engine_() >> 11) + 0.5) * 0x1p-53;
  }
  template <class T>
  const T& of(const std::vector<T>& values) {
    return values[static_cast<size_t>(below(static_cast<int>(values.size())))];
  }

 private:
  std::mt19937_64 engine_;
};

/// IR text, line by line.
class Writer {
 public:
  std::string fresh() { return "%v" + std::to_string(next_++); }
  void line(const std::string& text) { text_ += text + "\n"; }
  /// `name = rhs` with a fresh name, which is returned.
  std::string op(const std::string& rhs) {
    const std::string name = fresh();
    line(name + " = " + rhs);
    return name;
  }
  std::string binary(const char* op_name, const std::string& x, const std::string& y,
                     const char* type = "f64") {
    return op(std::string(op_name) + " " + x + ", " + y + " : " + type);
  }
  std::string unary(const char* op_name, const std::string& x, const char* type = "f64") {
    return op(std::string(op_name) + " " + x + " : " + type);
  }
  std::string real(double value);
  std::string integer(int64_t value) {
    return op("arith.constant " + std::to_string(value) + " : i64");
  }
  std::string boolean(bool value) {
    return op(value ? "arith.constant true" : "arith.constant false");
  }

  /// Text written from now on goes to a buffer of its own, until `end_part` returns it.
  void begin_part() { outer_.push_back(std::move(text_)), text_.clear(); }
  std::string end_part() {
    std::string part = std::move(text_);
    text_ = std::move(outer_.back());
    outer_.pop_back();
    return part;
  }
  void append(const std::string& text) { text_ += text; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::vector<std::string> outer_;
  int next_ = 0;
};

/// A prob.for in text: collect its parts, then `open`, write the body, `close`.
struct LoopText {
  std::string induction, lower, upper;
  bool reverse = false;
  struct Threaded {
    std::string argument, init, type, next, result;
  };
  struct Collected {
    std::string value, type, result;
  };
  std::vector<Threaded> carries, intos;
  std::vector<Collected> maps, sums;
  Threaded& carry(Writer& out, const std::string& init, const std::string& type) {
    return carries.emplace_back(Threaded{out.fresh(), init, type, "", ""});
  }
  Threaded& into(Writer& out, const std::string& init, const std::string& type) {
    return intos.emplace_back(Threaded{out.fresh(), init, type, "", ""});
  }
};

/// Writes the loop around the body that `body()` writes, which sets `next` and `value` of every
/// part and may add maps and sums. The names of the results are set afterwards.
template <class Body>
void write_loop(Writer& out, LoopText& loop, Body body) {
  loop.induction = out.fresh();
  out.begin_part();
  body();
  const std::string inside = out.end_part();
  auto list = [](const auto& parts, auto piece) {
    std::string all;
    for (const auto& part : parts) all += (all.empty() ? "" : ", ") + piece(part);
    return all;
  };
  std::string results, header = "prob.for " + loop.induction + " = " + loop.lower + " to " +
                                loop.upper + (loop.reverse ? " reverse" : "");
  std::string yields = "prob.yield";
  auto name = [&](std::string& result) {
    result = out.fresh();
    results += (results.empty() ? "" : ", ") + result;
  };
  auto value_list = [&](const char* keyword, const std::string& values, const std::string& types) {
    if (!values.empty()) yields += std::string(" ") + keyword + "(" + values + " : " + types + ")";
  };
  for (auto& part : loop.carries) name(part.result);
  for (auto& part : loop.maps) name(part.result);
  for (auto& part : loop.sums) name(part.result);
  for (auto& part : loop.intos) name(part.result);
  auto init = [](const auto& p) { return p.argument + " = " + p.init + " : " + p.type; };
  auto next = [](const auto& p) { return p.next; };
  auto value = [](const auto& p) { return p.value; };
  auto type = [](const auto& p) { return p.type; };
  if (!loop.carries.empty()) header += " carry(" + list(loop.carries, init) + ")";
  if (!loop.intos.empty()) header += " into(" + list(loop.intos, init) + ")";
  if (!loop.maps.empty()) header += " map(" + list(loop.maps, type) + ")";
  if (!loop.sums.empty()) header += " sum(" + list(loop.sums, type) + ")";
  value_list("carry", list(loop.carries, next), list(loop.carries, type));
  value_list("map", list(loop.maps, value), list(loop.maps, type));
  value_list("sum", list(loop.sums, value), list(loop.sums, type));
  value_list("into", list(loop.intos, next), list(loop.intos, type));
  out.line((results.empty() ? "" : results + " = ") + header + " {");
  out.append(inside);
  out.line(yields);
  out.line("}");
}

}  // namespace borel::testing
