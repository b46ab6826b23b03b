// What the typed program looks like: small programs over a library of three files.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "compiler/sema/print.h"
#include "compiler/sema/sema.h"
#include "compiler/syntax/parse.h"

namespace borel {
namespace {

class SmallLibrary final : public sema::LibrarySource {
 public:
  std::vector<Text> files() const override {
    return {{"normal.ppl",
             "def Normal(mu: real, sigma: positive) = distribution {\n"
             "  support real\n"
             "  logp(x) { return -0.5 * ((x - mu) / sigma)^2 - log(sigma) }\n"
             "  sample() { return mu + sigma * uniform() }\n"
             "}\n"
             "def Count(rate: real) = distribution {\n"
             "  support naturals\n"
             "  logp(k) { return k * log(rate) - rate }\n"
             "}\n"},
            {"supports.ppl",
             "def positive() = support {\n"
             "  let lower = 0\n"
             "  contains(x) { return x > 0 }\n"
             "  constrain(u) { return (exp(u), u) }\n"
             "  unconstrain(x) { return log(x) }\n"
             "}\n"
             "def between(lo: real, hi: real) = support {\n"
             "  let lower = lo\n"
             "  let upper = hi\n"
             "  contains(x) { return x >= lo && x <= hi }\n"
             "  constrain(u) { return (lo + (hi - lo) / (1 + exp(-u)), 0.) }\n"
             "  unconstrain(x) { return x }\n"
             "}\n"
             "def rising(k: int) = support {\n"
             "  size() { return k }\n"
             "  constrain(u: real[k]) { return (u, sum(u)) }\n"
             "  unconstrain(x: real[k]) { return x }\n"
             "}\n"
             "def Flat(S) = distribution { support S; logp(x) { return 0. } }\n"},
            {"machines.ppl",
             "random def initial_point(r, start: real[k], radius: real): real[r.dim] {\n"
             "  return [radius * uniform() for i in 0..r.dim]\n"
             "}\n"
             "def walk(p, scale: real = 1) = machine {\n"
             "  param scale: real = scale in 0..10\n"
             "  let r = reals(p)\n"
             "  init { let u = r.initial(); return (u, r.logp(u)) }\n"
             "  step (u, lp) {\n"
             "    let v ~ Normal(u, scale)\n"
             "    let lv = r.logp(v)\n"
             "    if log(uniform()) < lv - lp { return (v, lv) }\n"
             "    return (u, lp)\n"
             "  }\n"
             "  draw (u, lp) { return r.trace(u) }\n"
             "  info (u, lp) { return {lp, accepted = true} }\n"
             "}\n"}};
  }
};

struct Analysed {
  std::string text;       // diagnostics, then the program
  std::size_t files = 0;  // that were read
};

Analysed analysed(const std::string& program, const sema::AnalyseOptions& options = {}) {
  SourceManager sources;
  Diagnostics diagnostics;
  SmallLibrary texts;
  sema::Library library(texts, sources, diagnostics);
  FileId id = sources.add("test.ppl", program);
  ast::File file = syntax::parse(sources, id, diagnostics);
  std::optional<typed::Program> typed = sema::analyse(file, library, options, diagnostics);
  std::string text = render(diagnostics, sources);
  if (typed) text += typed::print(*typed);
  return {text, sources.file_count()};
}

// The lines from one that starts with `head` to the one that closes it.
std::string part(const std::string& text, const std::string& head) {
  std::size_t from = text.rfind("\n" + head);
  if (from == std::string::npos) return text;
  std::size_t to = text.find("\n}", from);
  return text.substr(from + 1, to == std::string::npos ? to : to - from + 2);
}

// The functions whose names start with one of the words.
std::string functions(const std::string& text, const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t at = text.find("\nfunction "); at != std::string::npos;
       at = text.find("\nfunction ", at + 1)) {
    for (const std::string& word : words) {
      if (text.compare(at + 10, word.size(), word) != 0) continue;
      out += text.substr(at + 1, text.find("\n}", at) - at + 2);
    }
  }
  return out;
}

TEST(SemaPrint, AModelAndItsMachine) {
  const std::string text = analysed(
                               "model m(s: positive[J]) {\n"
                               "  mu ~ Normal(0, 5)\n"
                               "  tau ~ Flat(positive)\n"
                               "  for j in 0..J {\n"
                               "    y[j] ~ Normal(mu + tau, s[j])\n"
                               "  }\n"
                               "  twice := 2 * mu\n"
                               "}\n"
                               "infer main(s: positive[J], y: real[J]) { walk(m(s) | {y}, 0.5) }\n")
                               .text;
  EXPECT_EQ(
      text,
      "program main\n"
      "size J\n"
      "input s: real[J] > 0\n"
      "input y: real[J]\n"
      "global m.dim: int = m.dim()\n"
      "random function walk.init(scale: real, start: real[start.size], radius: real): "
      "(real[m.dim], real) {\n"
      "  let start.size: int = dim(start, 0)\n"
      "  let initial_point: real[m.dim] = call initial_point(start.size, start, radius)\n"
      "  return (initial_point, m.logp(initial_point))\n"
      "}\n"
      "function Normal.logp(mu: real, sigma: real, x: real): real {\n"
      "  require gt(sigma, 0.0) \"sigma > 0 in Normal\"\n"
      "  return sub(mul(-0.5, powi(div(sub(x, mu), sigma), 2)), log(sigma))\n"
      "}\n"
      "random function Normal.sample(mu: real, sigma: real): real {\n"
      "  let uniform: real = uniform()\n"
      "  return add(mu, mul(sigma, uniform))\n"
      "}\n"
      "function positive.constrain(u: real): (real, real) {\n"
      "  return (exp(u), u)\n"
      "}\n"
      "function positive.unconstrain(x: real): real {\n"
      "  return log(x)\n"
      "}\n"
      "function Flat.logp(x: real): real {\n"
      "  return 0.0\n"
      "}\n"
      "random function initial_point(start.size: int, start: real[start.size], radius: real): "
      "real[m.dim] {\n"
      "  return [{\n"
      "      let uniform: real = uniform()\n"
      "      mul(radius, uniform) } for i in 0..m.dim]\n"
      "}\n"
      "random function walk.step(scale: real, u: real[m.dim], lp: real): (real[m.dim], real) {\n"
      "  let v: real[m.dim] = [{\n"
      "      let mu: real = u[i]\n"
      "      let Normal.sample: real = call Normal.sample(mu, scale)\n"
      "      Normal.sample } for i in 0..m.dim]\n"
      "  let lv: real = m.logp(v)\n"
      "  let uniform: real = uniform()\n"
      "  if lt(log(uniform), sub(lv, lp)) {\n"
      "    return (v, lv)\n"
      "  } else {\n"
      "    return (u, lp)\n"
      "  }\n"
      "}\n"
      "function walk.draw(scale: real, u: real[m.dim], lp: real): (mu: real, tau: real, twice: "
      "real) {\n"
      "  return m.constrain(u)\n"
      "}\n"
      "function walk.info(scale: real, u: real[m.dim], lp: real): (lp: real, accepted: real) {\n"
      "  return (lp = lp, accepted = bool_to_real(true))\n"
      "}\n"
      "model m() {\n"
      "  observed y: real[J] outer 1 on real\n"
      "  latent mu: real outer 0 on real\n"
      "  latent tau: real outer 0 on positive\n"
      "  derived twice: real outer 0\n"
      "  sample mu ~ Normal logp Normal.logp sampler Normal.sample(0.0, 5.0) on real\n"
      "  sample tau ~ Flat logp Flat.logp() on positive by positive.constrain, "
      "positive.unconstrain()\n"
      "  for j in 0..J {\n"
      "    let mu: real = add(mu'1, tau)\n"
      "    let sigma: real = s[j]\n"
      "    sample y[j] ~ Normal logp Normal.logp sampler Normal.sample(mu, sigma) on real observed "
      "y[j]\n"
      "  }\n"
      "  record twice = mul(2.0, mu'1)\n"
      "}\n"
      "machine walk of m {\n"
      "  param scale: real = 0.5 in 0..10\n"
      "  state (real[m.dim], real)\n"
      "  init walk.init\n"
      "  step walk.step\n"
      "  draw walk.draw\n"
      "  info walk.info: lp accepted\n"
      "}\n");
}

TEST(SemaPrint, VectorisedDrawsAreLoops) {
  const std::string text = analysed(
                               "model m(x: real[n]) {\n"
                               "  b: real[2] ~ Normal(0, [1, 2])\n"
                               "  z: real[3] ~ Normal(b[0], 1)\n"
                               "  y ~ Normal(b[0] + b[1] * x, 1)\n"
                               "}\n"
                               "infer main(x: real[n], y: real[n]) { walk(m(x) | {y}) }\n")
                               .text;
  EXPECT_EQ(
      part(text, "model m"),
      "model m() {\n"
      "  observed y: real[n] outer 1 on real\n"
      "  latent b: real[2] outer 1 on real\n"
      "  latent z: real[3] outer 1 on real\n"
      "  let sigma: real[2] = int_to_real([1, 2])\n"
      "  for i in 0..2 {\n"
      "    let sigma'1: real = sigma[i]\n"
      "    sample b[i] ~ Normal logp Normal.logp sampler Normal.sample(0.0, sigma'1) on real\n"
      "  }\n"
      "  let mu: real = b[0]\n"
      "  for i'1 in 0..3 {\n"
      "    sample z[i'1] ~ Normal logp Normal.logp sampler Normal.sample(mu, 1.0) on real\n"
      "  }\n"
      "  let mu'1: real[n] = add(b[0], mul(b[1], x))\n"
      "  for i'2 in 0..n {\n"
      "    let mu'2: real = mu'1[i'2]\n"
      "    sample y[i'2] ~ Normal logp Normal.logp sampler Normal.sample(mu'2, 1.0) on real "
      "observed y[i'2]\n"
      "  }\n"
      "}\n");
}

TEST(SemaPrint, BoundsThatDependOnSites) {
  const std::string text = analysed(
                               "model m() {\n"
                               "  a ~ Flat(between(0, 1))\n"
                               "  b ~ Flat(between(0, 1 - a))\n"
                               "  v ~ Flat(rising(3))\n"
                               "  w: real[2, 3] ~ Flat(rising(3))\n"
                               "}\n"
                               "infer main() { walk(m()) }\n")
                               .text;
  EXPECT_EQ(part(text, "model m"),
            "model m() {\n"
            "  latent a: real outer 0 on between(0, 1)\n"
            "  latent b: real outer 0 on between(0, 1 - a)\n"
            "  latent v: real[3] outer 0 on rising(3)\n"
            "  latent w: real[2, 3] outer 1 on rising(3)\n"
            "  sample a ~ Flat logp Flat.logp(0.0, 1.0) on between(0, 1) by between.constrain, "
            "between.unconstrain(0.0, 1.0)\n"
            "  let hi: real = sub(1.0, a)\n"
            "  sample b ~ Flat logp Flat.logp(0.0, hi) on between(0, 1 - a) by between.constrain, "
            "between.unconstrain(0.0, hi)\n"
            "  sample v ~ Flat logp Flat.logp.1() on rising(3) by rising.constrain, "
            "rising.unconstrain() reals 3 values 3\n"
            "  for i in 0..2 {\n"
            "    sample w[i] ~ Flat logp Flat.logp.1() on rising(3) by rising.constrain, "
            "rising.unconstrain() reals 3 values 3\n"
            "  }\n"
            "}\n");
}

TEST(SemaPrint, ShapesOfLoops) {
  const std::string text = analysed(
                               "model m(T: int, K: int) {\n"
                               "  s[0] ~ Normal(0, 1)\n"
                               "  for t in 1..T { s[t] ~ Normal(s[t-1], 1) }\n"
                               "  for i in 0..K { for j in 0..T + 1 { u[i, j] ~ Normal(0, 1) } }\n"
                               "  total := sum(s)\n"
                               "}\n"
                               "infer main(T: int, K: int) { walk(m(T, K)) }\n")
                               .text;
  EXPECT_EQ(
      part(text, "model m"),
      "model m() {\n"
      "  latent s: real[T] outer 1 on real\n"
      "  latent u: real[K, T + 1] outer 2 on real\n"
      "  derived total: real outer 0\n"
      "  sample s[0] ~ Normal logp Normal.logp sampler Normal.sample(0.0, 1.0) on real\n"
      "  for t in 1..T {\n"
      "    let mu: real = s[sub(t, 1)]\n"
      "    sample s[t] ~ Normal logp Normal.logp sampler Normal.sample(mu, 1.0) on real\n"
      "  }\n"
      "  for i in 0..K {\n"
      "    for j in 0..add(T, 1) {\n"
      "      sample u[i, j] ~ Normal logp Normal.logp sampler Normal.sample(0.0, 1.0) on real\n"
      "    }\n"
      "  }\n"
      "  record total = sum(s)\n"
      "}\n");
}

TEST(SemaPrint, DataAreReadBeforeTheyAreScored) {
  const std::string text = analysed(
                               "model m(T: int) {\n"
                               "  a ~ Normal(0, 1)\n"
                               "  for t in 2..T { y[t] ~ Normal(a * y[t-1] + y[t-2], 1) }\n"
                               "}\n"
                               "infer main(T: int, y: real[T]) { walk(m(T) | {y}) }\n")
                               .text;
  EXPECT_EQ(part(text, "model m"),
            "model m() {\n"
            "  observed y: real[T] outer 1 on real\n"
            "  latent a: real outer 0 on real\n"
            "  sample a ~ Normal logp Normal.logp sampler Normal.sample(0.0, 1.0) on real\n"
            "  for t in 2..T {\n"
            "    let mu: real = add(mul(a, y[sub(t, 1)]), y[sub(t, 2)])\n"
            "    sample y[t] ~ Normal logp Normal.logp sampler Normal.sample(mu, 1.0) on real "
            "observed y[t]\n"
            "  }\n"
            "}\n");
}

TEST(SemaPrint, IndicesIntoData) {
  const std::string text =
      analysed(
          "model m(g: index[J][n]) {\n"
          "  a: real[J] ~ Normal(0, 1)\n"
          "  y ~ Normal(a[g], 1)\n"
          "  for i in 0..n { z[i] ~ Count(exp(a[g[i]])) }\n"
          "}\n"
          "infer main(g: index[J][n] from 1, y: real[n], z: int[n]) { walk(m(g) | {y, z}) }\n")
          .text;
  EXPECT_EQ(
      text,
      "program main\n"
      "size J\n"
      "size n\n"
      "input g: int[n] index J from 1\n"
      "input y: real[n]\n"
      "input z: int[n]\n"
      "global m.dim: int = m.dim()\n"
      "global check: bool = {\n"
      "      check ge(mul(8, max(J, 0)), 0) \"the bytes of real[J]\"\n"
      "      true }\n"
      "random function walk.init(scale: real, start: real[start.size], radius: real): "
      "(real[m.dim], real) {\n"
      "  let start.size: int = dim(start, 0)\n"
      "  let initial_point: real[m.dim] = call initial_point(start.size, start, radius)\n"
      "  return (initial_point, m.logp(initial_point))\n"
      "}\n"
      "function Normal.logp(mu: real, sigma: real, x: real): real {\n"
      "  require gt(sigma, 0.0) \"sigma > 0 in Normal\"\n"
      "  return sub(mul(-0.5, powi(div(sub(x, mu), sigma), 2)), log(sigma))\n"
      "}\n"
      "random function Normal.sample(mu: real, sigma: real): real {\n"
      "  let uniform: real = uniform()\n"
      "  return add(mu, mul(sigma, uniform))\n"
      "}\n"
      "function Count.logp(rate: real, k: int): real {\n"
      "  return sub(mul(int_to_real(k), log(rate)), rate)\n"
      "}\n"
      "random function initial_point(start.size: int, start: real[start.size], radius: real): "
      "real[m.dim] {\n"
      "  return [{\n"
      "      let uniform: real = uniform()\n"
      "      mul(radius, uniform) } for i in 0..m.dim]\n"
      "}\n"
      "random function walk.step(scale: real, u: real[m.dim], lp: real): (real[m.dim], real) {\n"
      "  let v: real[m.dim] = [{\n"
      "      let mu: real = u[i]\n"
      "      let Normal.sample: real = call Normal.sample(mu, scale)\n"
      "      Normal.sample } for i in 0..m.dim]\n"
      "  let lv: real = m.logp(v)\n"
      "  let uniform: real = uniform()\n"
      "  if lt(log(uniform), sub(lv, lp)) {\n"
      "    return (v, lv)\n"
      "  } else {\n"
      "    return (u, lp)\n"
      "  }\n"
      "}\n"
      "function walk.draw(scale: real, u: real[m.dim], lp: real): (a: real[J]) {\n"
      "  return m.constrain(u)\n"
      "}\n"
      "function walk.info(scale: real, u: real[m.dim], lp: real): (lp: real, accepted: real) {\n"
      "  return (lp = lp, accepted = bool_to_real(true))\n"
      "}\n"
      "model m() {\n"
      "  observed y: real[n] outer 1 on real\n"
      "  observed z: int[n] outer 1 on naturals\n"
      "  latent a: real[J] outer 1 on real\n"
      "  for i in 0..J {\n"
      "    sample a[i] ~ Normal logp Normal.logp sampler Normal.sample(0.0, 1.0) on real\n"
      "  }\n"
      "  let mu: real[n] = a[g]\n"
      "  for i'1 in 0..n {\n"
      "    let mu'1: real = mu[i'1]\n"
      "    sample y[i'1] ~ Normal logp Normal.logp sampler Normal.sample(mu'1, 1.0) on real "
      "observed y[i'1]\n"
      "  }\n"
      "  for i'2 in 0..n {\n"
      "    let rate: real = exp(a[g[i'2]])\n"
      "    let z: int = z'1[i'2]\n"
      "    require ge(z, 0) \"a value within naturals\"\n"
      "    sample z[i'2] ~ Count logp Count.logp(rate) on naturals discrete observed z\n"
      "  }\n"
      "}\n"
      "machine walk of m {\n"
      "  param scale: real = 1 in 0..10\n"
      "  state (real[m.dim], real)\n"
      "  init walk.init\n"
      "  step walk.step\n"
      "  draw walk.draw\n"
      "  info walk.info: lp accepted\n"
      "}\n");
}

TEST(SemaPrint, ModelsInModels) {
  const std::string text = analysed(
                               "model step(x: real) {\n"
                               "  e ~ Normal(0, 1)\n"
                               "  return x + e\n"
                               "}\n"
                               "model m(T: int) {\n"
                               "  start ~ step(0)\n"
                               "  s[0] ~ step(start)\n"
                               "  for t in 1..T { s[t] ~ step(s[t-1]) }\n"
                               "}\n"
                               "infer main(T: int) { walk(m(T)) }\n")
                               .text;
  EXPECT_EQ(part(text, "model m"),
            "model m() {\n"
            "  latent start.e: real outer 0 on real\n"
            "  latent s.e: real[T] outer 1 on real\n"
            "  derived s: real[T] outer 1\n"
            "  sample start.e ~ Normal logp Normal.logp sampler Normal.sample(0.0, 1.0) on real\n"
            "  let start: real = add(0.0, start.e)\n"
            "  sample s.e[0] ~ Normal logp Normal.logp sampler Normal.sample(0.0, 1.0) on real\n"
            "  record s[0] = add(start, s.e[0?])\n"
            "  for t in 1..T {\n"
            "    let x: real = s[sub(t, 1)]\n"
            "    sample s.e[t] ~ Normal logp Normal.logp sampler Normal.sample(0.0, 1.0) on real\n"
            "    record s[t] = add(x, s.e[t])\n"
            "  }\n"
            "}\n");
}

TEST(SemaPrint, EarlyReturns) {
  const std::string text = analysed(
                               "def f(x: real) {\n"
                               "  if x < 0 { return -1 }\n"
                               "  let y = sqrt(x)\n"
                               "  if y > 2 {\n"
                               "    if y > 3 { return 3 }\n"
                               "    let z = y * 2\n"
                               "    return z\n"
                               "  }\n"
                               "  y + 1\n"
                               "}\n"
                               "model m() { x ~ Normal(0, 1); factor(f(x)) }\n"
                               "infer main() { walk(m()) }\n")
                               .text;
  EXPECT_EQ(part(text, "function f"),
            "function f(x: real): real {\n"
            "  if lt(x, 0.0) {\n"
            "    return -1.0\n"
            "  } else {\n"
            "    let y: real = sqrt(x)\n"
            "    if gt(y, 2.0) {\n"
            "      if gt(y, 3.0) {\n"
            "        return 3.0\n"
            "      } else {\n"
            "        let z: real = mul(y, 2.0)\n"
            "        return z\n"
            "      }\n"
            "    } else {\n"
            "      return add(y, 1.0)\n"
            "    }\n"
            "  }\n"
            "}\n");
}

TEST(SemaPrint, FunctionsAreSpecialised) {
  const std::string text = analysed(
                               "def twice(f, x) = f(f(x))\n"
                               "def shift(by: real) = fn x => x + by\n"
                               "model m() {\n"
                               "  x ~ Normal(0, 1)\n"
                               "  a := twice(shift(x), x)\n"
                               "  b := twice(shift(1), x)\n"
                               "  c := twice(exp, x)\n"
                               "}\n"
                               "infer main() { walk(m()) }\n")
                               .text;
  EXPECT_EQ(functions(text, {"fn", "twice"}),
            "function twice(x: real, x'1: real): real {\n"
            "  return call fn(x, call fn(x, x'1))\n"
            "}\n"
            "function fn(x: real, x'1: real): real {\n"
            "  return add(x'1, x)\n"
            "}\n"
            "function twice.1(x: real): real {\n"
            "  return exp(exp(x))\n"
            "}\n");
}

TEST(SemaPrint, RecursionOverShrinkingArrays) {
  const std::string text =
      analysed(
          "def total(x: real[n]): real { return n == 0 ? 0 : x[0] + total(x[1..]) }\n"
          "model m(x: real[n]) { a ~ Normal(total(x), 1) }\n"
          "infer main(x: real[n]) { walk(m(x)) }\n")
          .text;
  EXPECT_EQ(functions(text, {"total"}),
            "function total(x: real[n]): real {\n"
            "  return (eq(n, 0) ? 0.0 : {\n"
            "      let size: int = sub(n, 1)\n"
            "      add(x[0?], call total.1(size, x[1..n?])) })\n"
            "}\n"
            "function total.1(size: int, x: real[size]): real {\n"
            "  return (eq(size, 0) ? 0.0 : {\n"
            "      let size'1: int = sub(size, 1)\n"
            "      add(x[0?], call total.1(size'1, x[1..size?])) })\n"
            "}\n");
}

TEST(SemaPrint, SizesOfResults) {
  const std::string text = analysed(
                               "def first(x: real[n]) { let k = n - 1; return x[..k] }\n"
                               "def positives(x: real[n]) {\n"
                               "  var count = 0\n"
                               "  for i in 0..n { if x[i] > 0 { count += 1 } }\n"
                               "  return zeros(count)\n"
                               "}\n"
                               "model m(x: real[n]) {\n"
                               "  a ~ Normal(0, 1)\n"
                               "  b := sum(first(first(x)) + first(x[1..]))\n"
                               "  c := sum(positives(x) + positives(x))\n"
                               "}\n"
                               "infer main(x: real[n]) { walk(m(x)) }\n")
                               .text;
  EXPECT_EQ(part(text, "model m"),
            "model m() {\n"
            "  latent a: real outer 0 on real\n"
            "  derived b: real outer 0\n"
            "  derived c: real outer 0\n"
            "  sample a ~ Normal logp Normal.logp sampler Normal.sample(0.0, 1.0) on real\n"
            "  record b = sum(add(call first.1(call first(x)), call first.1(x[1..n?])))\n"
            "  let result: real[size] = call positives(x)\n"
            "  let size: int = dim(result, 0)\n"
            "  let result'1: real[size'1] = call positives(x)\n"
            "  let size'1: int = dim(result'1, 0)\n"
            "  check eq(size, size'1) \"'+' of arrays of different shapes: size and size\"\n"
            "  record c = sum(add(result, result'1))\n"
            "}\n");
}

TEST(SemaPrint, Gradients) {
  const std::string text = analysed(
                               "def f(a: real[n], k: int, b: real) = k * b * sum(a)\n"
                               "model m(x: real[n]) {\n"
                               "  c ~ Normal(0, 1)\n"
                               "  let (v, da, db) = value_and_grad(f)(x, 2, c)\n"
                               "  let d = grad(fn u => u * c)(v)\n"
                               "  factor(v + sum(da) + db + d)\n"
                               "}\n"
                               "infer main(x: real[n]) { walk(m(x)) }\n")
                               .text;
  EXPECT_EQ(part(text, "model m"),
            "model m() {\n"
            "  latent c: real outer 0 on real\n"
            "  sample c ~ Normal logp Normal.logp sampler Normal.sample(0.0, 1.0) on real\n"
            "  let (v, da, db) = value_and_grad f by 101(x, 2, c)\n"
            "  let d: real = value_and_grad fn by 01(c, v).1\n"
            "  factor add(add(add(v, sum(da)), db), d)\n"
            "}\n");
}

TEST(SemaPrint, AssignmentsAndSlices) {
  const std::string text = analysed(
                               "def f(x: real[n, k]) {\n"
                               "  var a = x\n"
                               "  a[0, ..] = x[1, ..]\n"
                               "  a[1, 0] += 2\n"
                               "  a[..1, 0] = [1]\n"
                               "  var z: int[n]\n"
                               "  z[n - 1] -= 1\n"
                               "  while z[0] < 3 { z[0] = z[0] + 1 }\n"
                               "  return a[z, 0]\n"
                               "}\n"
                               "model m(x: real[n, k]) { a ~ Normal(sum(f(x)), 1) }\n"
                               "infer main(x: real[n, k]) { walk(m(x)) }\n")
                               .text;
  EXPECT_EQ(part(text, "function f"),
            "function f(x: real[n, k]): real[n] {\n"
            "  var a: real[n, k] = x\n"
            "  a[0?, ..] = x[1?, ..]\n"
            "  a[1?, 0?] = add(a[1?, 0?], 2.0)\n"
            "  a[0..1?, 0?] = int_to_real([1])\n"
            "  var z: int[n]\n"
            "  let index: int = sub(n, 1)\n"
            "  z[index?] = sub(z[index?], 1)\n"
            "  while lt(z[0?], 3) {\n"
            "    z[0?] = add(z[0?], 1)\n"
            "  }\n"
            "  return a[z?, 0?]\n"
            "}\n");
}

TEST(SemaPrint, TracesAndStates) {
  const std::string text =
      analysed(
          "model m() { x ~ Normal(0, 1); k ~ Count(1) }\n"
          "def forward(p) = machine {\n"
          "  init { let t = {x = 0., k = 1}; return (t, logp(p, t)) }\n"
          "  step (t, lp) { let u = t with {x = 1}; return (u, logp(p, u) + lp + t.x) }\n"
          "  draw (s) { return s.0 }\n"
          "}\n"
          "infer main() { forward(m()) }\n")
          .text;
  EXPECT_EQ(
      text,
      "program main\n"
      "function forward.init(start: real[start.size], radius: real): ((x: real, k: int), real) {\n"
      "  let start.size: int = dim(start, 0)\n"
      "  let t: (x: real, k: int) = (x = 0.0, k = 1)\n"
      "  return (t, m.trace_logp(t.0, t.1))\n"
      "}\n"
      "function Normal.logp(mu: real, sigma: real, x: real): real {\n"
      "  require gt(sigma, 0.0) \"sigma > 0 in Normal\"\n"
      "  return sub(mul(-0.5, powi(div(sub(x, mu), sigma), 2)), log(sigma))\n"
      "}\n"
      "random function Normal.sample(mu: real, sigma: real): real {\n"
      "  let uniform: real = uniform()\n"
      "  return add(mu, mul(sigma, uniform))\n"
      "}\n"
      "function Count.logp(rate: real, k: int): real {\n"
      "  return sub(mul(int_to_real(k), log(rate)), rate)\n"
      "}\n"
      "function forward.step(t: (x: real, k: int), lp: real): ((x: real, k: int), real) {\n"
      "  let u: (x: real, k: int) = (x = 1.0, k = t.1)\n"
      "  return (u, add(add(m.trace_logp(u.0, u.1), lp), t.0))\n"
      "}\n"
      "function forward.draw(s.0: (x: real, k: int), s.1: real): (x: real, k: int) {\n"
      "  let s: ((x: real, k: int), real) = (s.0, s.1)\n"
      "  return s.0\n"
      "}\n"
      "function forward.info(state.0: (x: real, k: int), state.1: real): () {\n"
      "  return ()\n"
      "}\n"
      "model m() {\n"
      "  latent x: real outer 0 on real\n"
      "  latent k: int outer 0 on naturals\n"
      "  sample x ~ Normal logp Normal.logp sampler Normal.sample(0.0, 1.0) on real\n"
      "  sample k ~ Count logp Count.logp(1.0) on naturals discrete\n"
      "}\n"
      "machine forward of m {\n"
      "  state ((x: real, k: int), real)\n"
      "  init forward.init\n"
      "  step forward.step\n"
      "  draw forward.draw\n"
      "  info forward.info:\n"
      "}\n");
}

TEST(SemaPrint, ShapesThatOnlyTheRunKnows) {
  const std::string text = analysed(
                               "def f(x: real[n], y: real[m]) = sum(x + y)\n"
                               "model m(x: real[n], y: real[k]) {\n"
                               "  a ~ Normal(f(x, y), 1)\n"
                               "  for t in 0..n { y2[t] ~ Normal(a, 1) }\n"
                               "}\n"
                               "infer main(x: real[n], y: real[k]) { walk(m(x, y) | {y2 = y}) }\n")
                               .text;
  EXPECT_EQ(part(text, "model m"),
            "model m() {\n"
            "  observed y2: real[n] outer 1 on real\n"
            "  latent a: real outer 0 on real\n"
            "  check eq(k, n) \"the data of the site 'y2' has another shape: k and n\"\n"
            "  let mu: real = call f(x, y)\n"
            "  sample a ~ Normal logp Normal.logp sampler Normal.sample(mu, 1.0) on real\n"
            "  for t in 0..n {\n"
            "    sample y2[t] ~ Normal logp Normal.logp sampler Normal.sample(a, 1.0) on real "
            "observed y[t?]\n"
            "  }\n"
            "}\n");
}

TEST(SemaPrint, BuiltInSupportsOfData) {
  const std::string text = analysed(
                               "model m() { a ~ Normal(0, 1) }\n"
                               "infer main(p: between(0, 1)[n], c: integers(0, 5), d: naturals[n], "
                               "s: positive, t: real[n + 1]) { walk(m()) }\n")
                               .text;
  EXPECT_EQ(text.substr(0, text.find("random function")),
            "program main\n"
            "size n\n"
            "input p: real[n] >= 0 <= 1\n"
            "input c: int >= 0 <= 5\n"
            "input d: int[n] >= 0\n"
            "input s: real > 0\n"
            "input t: real[n + 1]\n"
            "global m.dim: int = m.dim()\n");
}

TEST(SemaPrint, AModelByItself) {
  sema::AnalyseOptions options;
  options.model = "m";
  options.machine = "walk";
  options.data_names = {"y", "n", "unused"};
  const std::string text = analysed(
                               "model m(x: real[n]) {\n"
                               "  a ~ Normal(0, 1)\n"
                               "  y ~ Normal(a + x, 1)\n"
                               "  for i in 0..n { z[i] ~ Normal(a, 1) }\n"
                               "}\n",
                               options)
                               .text;
  EXPECT_EQ(text.substr(0, text.find("global")),
            "program m\n"
            "size n\n"
            "input x: real[n]\n"
            "input y: real[n]\n");
  EXPECT_NE(text.find("observed y: real[n]"), std::string::npos) << text;
  EXPECT_NE(text.find("latent z: real[n]"), std::string::npos) << text;
}

TEST(SemaPrint, OnlyTheFilesThatAreUsedAreRead) {
  EXPECT_EQ(analysed("infer main() { walk(m()) }\nmodel m() { factor(0) }\n").files, 4u);
  EXPECT_EQ(analysed("model m() { a ~ Flat(real) }\ninfer main() { m() }\n").files, 2u);
}

// `everything` also looks at what no infer uses.
TEST(SemaPrint, EverythingIsLookedAt) {
  const std::string unused =
      "model used() { a ~ Normal(0, 1) }\n"
      "model unused(x: real[n]) { a ~ Normal(x, one) }\n"
      "def generic(x) { return three }\n"
      "def typed(x: real, n: int) { return x + two }\n";
  const std::string main = "infer main() { walk(used()) }\n";
  sema::AnalyseOptions options;
  EXPECT_EQ(analysed(unused + main, options).text.find("error"), std::string::npos);
  options.everything = true;
  const std::string text = analysed(unused + main, options).text;
  EXPECT_NE(text.find("test.ppl:2:42-44: error: unknown name 'one'"), std::string::npos) << text;
  EXPECT_NE(text.find("test.ppl:4:41-43: error: unknown name 'two'"), std::string::npos) << text;
  EXPECT_EQ(text.find("three"), std::string::npos) << text;
  // Without an infer there is nothing to compile, and nothing wrong.
  EXPECT_EQ(analysed("model m(n: int) { a ~ Normal(n, 1) }\n", options).text, "program \n");
  EXPECT_NE(analysed("model m() { a ~ Normal(0, 1) }\n").text.find("no infer"), std::string::npos);
}

}  // namespace
}  // namespace borel
