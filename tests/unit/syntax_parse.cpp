// What the tree of a program is, written as S-expressions (compiler/syntax/print.h), and the spans
// of its nodes.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "compiler/syntax/parse.h"
#include "compiler/syntax/print.h"

namespace borel {
namespace {

struct Parsed {
  SourceManager sources;
  Diagnostics diagnostics;
  ast::File file;

  explicit Parsed(std::string text) {
    file = syntax::parse(sources, sources.add("test.ppl", std::move(text)), diagnostics);
    EXPECT_EQ(render(diagnostics, sources), "");
  }

  const ast::FunctionDecl& function() const {
    return std::get<ast::FunctionDecl>(file.decls.at(0).node);
  }
  const ast::Expr& constant() const { return *std::get<ast::ExprPtr>(function().body); }
  const ast::Block& block() const { return std::get<ast::Block>(function().body); }
  std::string_view text(Span span) const { return sources.text(span); }
};

std::string expression(const std::string& text) {
  return syntax::print(Parsed("def e = " + text).constant());
}

std::string statements(const std::string& text) {
  const Parsed parsed("def f() {\n" + text + "\n}");
  std::string out;
  for (const ast::StmtPtr& one : parsed.block().statements) {
    out += (out.empty() ? "" : " ") + syntax::print(*one);
  }
  return out;
}

std::string type(const std::string& text) {
  const Parsed parsed("def f(x: " + text + ") { x }");
  return syntax::print(*parsed.function().params.at(0).type);
}

std::string declarations(const std::string& text) { return syntax::print(Parsed(text).file); }

TEST(Precedence, Levels) {
  EXPECT_EQ(expression("a || b && c"), "(|| a (&& b c))");
  EXPECT_EQ(expression("a && b == c"), "(&& a (== b c))");
  EXPECT_EQ(expression("a == b | {y}"), "(== a (| b (brace y)))");
  EXPECT_EQ(expression("a | b + c"), "(| a (+ b c))");
  EXPECT_EQ(expression("a < b + c"), "(< a (+ b c))");
  EXPECT_EQ(expression("a + b * c"), "(+ a (* b c))");
  EXPECT_EQ(expression("a * b + c"), "(+ (* a b) c)");
  EXPECT_EQ(expression("a .* b - c ./ d % e"), "(- (.* a b) (% (./ c d) e))");
  EXPECT_EQ(expression("a * -b"), "(* a (unary- b))");
  EXPECT_EQ(expression("-a * b"), "(* (unary- a) b)");
  EXPECT_EQ(expression("-a^2"), "(unary- (^ a 2))");
  EXPECT_EQ(expression("2^-a"), "(^ 2 (unary- a))");
  EXPECT_EQ(expression("2^-a^b * c"), "(* (^ 2 (unary- (^ a b))) c)");
  EXPECT_EQ(expression("!a && !!b"), "(&& (unary! a) (unary! (unary! b)))");
  EXPECT_EQ(expression("a^b[1](c).d"), "(^ a (field (call (index b 1) c) d))");
  EXPECT_EQ(expression("(a + b) * c"), "(* (+ a b) c)");
}

TEST(Precedence, Grouping) {
  EXPECT_EQ(expression("a - b - c"), "(- (- a b) c)");
  EXPECT_EQ(expression("a / b * c"), "(* (/ a b) c)");
  EXPECT_EQ(expression("a ^ b ^ c"), "(^ a (^ b c))");
  EXPECT_EQ(expression("p | {x} | {y}"), "(| (| p (brace x)) (brace y))");
  EXPECT_EQ(expression("t with {x = 1} with {y = 2}"),
            "(with (with t (brace (= x 1))) (brace (= y 2)))");
  EXPECT_EQ(expression("a then b then c"), "(then (then a b) c)");
  EXPECT_EQ(expression("a ? b : c ? d : e"), "(? a b (? c d e))");
  EXPECT_EQ(expression("a ? b ? c : d : e"), "(? a (? b c d) e)");
  EXPECT_EQ(expression("a || b ? c : d then e"), "(then (? (|| a b) c d) e)");
  EXPECT_EQ(expression("(a < b) == (c < d)"), "(== (< a b) (< c d))");
}

TEST(Expressions, Literals) {
  EXPECT_EQ(expression("12"), "12");
  EXPECT_EQ(expression("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(expression("1.5"), "1.5");
  EXPECT_EQ(expression(".5"), "0.5");
  EXPECT_EQ(expression("1."), "1.0");
  EXPECT_EQ(expression("a ? 0. : -1."), "(? a 0.0 (unary- 1.0))");
  EXPECT_EQ(expression("1.*x + 2./y"), "(+ (.* 1 x) (./ 2 y))");
  EXPECT_EQ(expression("a[1..2.]"), "(index a (.. 1 2.0))");
  EXPECT_EQ(expression("1e-3"), "0.001");
  EXPECT_EQ(expression("2e3"), "2000.0");
  EXPECT_EQ(expression("1.5E+2"), "150.0");
  EXPECT_EQ(expression("5e-324"), "5e-324");
  EXPECT_EQ(expression("true"), "true");
  EXPECT_EQ(expression("false"), "false");
  EXPECT_EQ(expression(R"("a\tb\"\\\n")"), R"("a\tb\"\\\n")");
  EXPECT_EQ(expression("\"g\xc3\xb6\""), "\"g\xc3\xb6\"");
}

TEST(Expressions, TuplesArraysAndFields) {
  EXPECT_EQ(expression("(a, b)"), "(tuple a b)");
  EXPECT_EQ(expression("(a, (b, c),)"), "(tuple a (tuple b c))");
  EXPECT_EQ(expression("()"), "(tuple)");
  EXPECT_EQ(expression("(a)"), "a");
  EXPECT_EQ(expression("[]"), "(array)");
  EXPECT_EQ(expression("[1, [2, 3],]"), "(array 1 (array 2 3))");
  EXPECT_EQ(expression("t.x.y"), "(field (field t x) y)");
  EXPECT_EQ(expression("t.0"), "(field t 0)");
  EXPECT_EQ(expression("t.0.1.x"), "(field (field (field t 0) 1) x)");
  EXPECT_EQ(expression("f(x).10 + a[1].0"), "(+ (field (call f x) 10) (field (index a 1) 0))");
  EXPECT_EQ(expression("a +.5"), "(+ a 0.5)");
  EXPECT_EQ(expression("[e + i for i in a..b]"), "(comprehension (+ e i) (in i (.. a b)))");
  EXPECT_EQ(expression("[i * j for i in 0..n, j in v]"),
            "(comprehension (* i j) (in i (.. 0 n)) (in j v))");
}

TEST(Expressions, Indices) {
  EXPECT_EQ(expression("a[i, j]"), "(index a i j)");
  EXPECT_EQ(expression("a[i][j]"), "(index (index a i) j)");
  EXPECT_EQ(expression("a[1..n - 1]"), "(index a (.. 1 (- n 1)))");
  EXPECT_EQ(expression("a[..]"), "(index a (.. - -))");
  EXPECT_EQ(expression("a[1..]"), "(index a (.. 1 -))");
  EXPECT_EQ(expression("a[..n, .., i]"), "(index a (.. - n) (.. - -) i)");
  EXPECT_EQ(expression("a[1..2]"), "(index a (.. 1 2))");
}

TEST(Expressions, Calls) {
  EXPECT_EQ(expression("f()"), "(call f)");
  EXPECT_EQ(expression("f(a, b = c, d = 1,)"), "(call f a (= b c) (= d 1))");
  EXPECT_EQ(expression("r.logp(u)(v)"), "(call (call (field r logp) u) v)");
  EXPECT_EQ(expression("f(support = a, in = b, from = c, step = d)"),
            "(call f (= support a) (= in b) (= from c) (= step d))");
  EXPECT_EQ(expression("t.support + t.model + t.with"),
            "(+ (+ (field t support) (field t model)) (field t with))");
}

TEST(Expressions, BracesAndKeywordsAsNames) {
  EXPECT_EQ(expression("{x, y}"), "(brace x y)");
  EXPECT_EQ(expression("{}"), "(brace)");
  EXPECT_EQ(expression("{x = 1, y, from = 2,}"), "(brace (= x 1) y (= from 2))");
  EXPECT_EQ(expression("{\n  x = 1,\n  y\n}"), "(brace (= x 1) y)");
  EXPECT_EQ(expression("by + from + then + with + param + require"),
            "(+ (+ (+ (+ (+ by from) then) with) param) require)");
  EXPECT_EQ(expression("then then then"), "(then then then)");
  EXPECT_EQ(expression("with with with"), "(with with with)");
  EXPECT_EQ(expression("init + step + draw + info"), "(+ (+ (+ init step) draw) info)");
}

TEST(Expressions, Lambdas) {
  EXPECT_EQ(expression("fn x => x + 1"), "(fn (params x) (+ x 1))");
  EXPECT_EQ(expression("fn (x, y: real) => x ? y : z"), "(fn (params x (y (: real))) (? x y z))");
  EXPECT_EQ(expression("fn () => 1"), "(fn (params) 1)");
  EXPECT_EQ(expression("fn x => fn y => x then y"), "(fn (params x) (fn (params y) (then x y)))");
  EXPECT_EQ(expression("f(fn x {\n let y = x\n return y\n}, 2)"),
            "(call f (fn (params x) (block (let y x) (return y))) 2)");
  EXPECT_EQ(expression("expect { let t ~ q;  t }"), "(expect (block (let-site t q) t))");
}

TEST(Statements, Lets) {
  EXPECT_EQ(statements("let x = e"), "(let x e)");
  EXPECT_EQ(statements("let (a, b) = e"), "(let (tuple a b) e)");
  EXPECT_EQ(statements("let x: real[n] = e"), "(let x (: (type real (dims n))) e)");
  EXPECT_EQ(statements("let x ~ D"), "(let-site x D)");
  EXPECT_EQ(statements("let x: real ~ D by score(b = 1)"),
            "(let-site x (: real) D (by (call score (= b 1))))");
  EXPECT_EQ(statements("var x = e"), "(var x e)");
  EXPECT_EQ(statements("var x: T = e"), "(var x (: T) e)");
  EXPECT_EQ(statements("var x: real[n]"), "(var x (: (type real (dims n))))");
}

TEST(Statements, Targets) {
  EXPECT_EQ(statements("x = e"), "(= x e)");
  EXPECT_EQ(statements("x[i] = e"), "(= (index x i) e)");
  EXPECT_EQ(statements("x[i, 0..n] = e"), "(= (index x i (.. 0 n)) e)");
  EXPECT_EQ(statements("x += e; x -= e; x *= e; x[i] /= e"),
            "(+= x e) (-= x e) (*= x e) (/= (index x i) e)");
  EXPECT_EQ(statements("x ~ D"), "(site x D)");
  EXPECT_EQ(statements("x[i, j] ~ D"), "(site (index x i j) D)");
  EXPECT_EQ(statements("x: real[4] ~ Normal(0, 10)"),
            "(site x (: (type real (dims 4))) (call Normal 0 10))");
  EXPECT_EQ(statements("x ~ D by reparam"), "(site x D (by reparam))");
  EXPECT_EQ(statements("x := e"), "(record x e)");
  EXPECT_EQ(statements("x[i] := e"), "(record (index x i) e)");
}

TEST(Statements, Control) {
  EXPECT_EQ(statements("if a { b }"), "(if a (block b))");
  EXPECT_EQ(statements("if a { b } else { c }"), "(if a (block b) (block c))");
  EXPECT_EQ(statements("if a {\n b\n}\nelse if c {\n d\n}\nelse {\n e\n}"),
            "(if a (block b) (block (if c (block d) (block e))))");
  EXPECT_EQ(statements("for i in a + 1..b { c }"), "(for i (.. (+ a 1) b) (block c))");
  EXPECT_EQ(statements("for d in e { c }"), "(for d e (block c))");
  EXPECT_EQ(statements("while a { }"), "(while a (block))");
  EXPECT_EQ(statements("return (a, b)"), "(return (tuple a b))");
  EXPECT_EQ(statements("factor(w)"), "(call factor w)");
}

TEST(Lines, EndStatements) {
  EXPECT_EQ(statements("a\nb;c;;\n\n;d"), "a b c d");
  EXPECT_EQ(statements("a\n(b)"), "a b");
  EXPECT_EQ(statements("a\n[b]"), "a (array b)");
  EXPECT_EQ(statements("a // comment\nb /* over\nlines */ c()"), "a b (call c)");
  EXPECT_EQ(statements("a\r\nb\r\n"), "a b");
  EXPECT_EQ(statements("let x = a\n-b"), "(let x a) (unary- b)");
}

TEST(Lines, GoOnAfterOperatorsAndInsideBrackets) {
  EXPECT_EQ(statements("let x =\n a +\n b *\n c"), "(let x (+ a (* b c)))");
  EXPECT_EQ(statements("let x = f(a,\n b\n, c\n)"), "(let x (call f a b c))");
  EXPECT_EQ(statements("let x = (a\n + b)"), "(let x (+ a b))");
  EXPECT_EQ(statements("let x = [a\n, b]"), "(let x (array a b))");
  EXPECT_EQ(statements("x ~\n D"), "(site x D)");
  EXPECT_EQ(statements("let x = a ?\n b :\n c"), "(let x (? a b c))");
  EXPECT_EQ(statements("let x = a then\n b with\n c"), "(let x (then a (with b c)))");
  EXPECT_EQ(statements("let x = then\nb"), "(let x then) b");
  EXPECT_EQ(statements("let x = fn y =>\n y"), "(let x (fn (params y) y))");
  // Inside a block inside of brackets, lines count again.
  EXPECT_EQ(statements("f(fn x {\n a\n (b)\n})"), "(call f (fn (params x) (block a b)))");
}

TEST(Lines, BraceOfABlockMayStartALine) {
  EXPECT_EQ(statements("if a\n{\n b\n}\nelse\n{\n c\n}"), "(if a (block b) (block c))");
  EXPECT_EQ(statements("for i in a..b\n{ c }\n{x}"), "(for i (.. a b) (block c)) (brace x)");
  EXPECT_EQ(declarations("model f()\n{\n x ~ D\n}"), "(model f (params) (block (site x D)))\n");
}

TEST(Types, All) {
  EXPECT_EQ(type("real"), "real");
  EXPECT_EQ(type("int[n, m]"), "(type int (dims n m))");
  EXPECT_EQ(type("vector[n]"), "(type vector (sizes n))");
  EXPECT_EQ(type("vector[n][T]"), "(type vector (sizes n) (dims T))");
  EXPECT_EQ(type("matrix[n, m + 1]"), "(type matrix (sizes n (+ m 1)))");
  EXPECT_EQ(type("index[J][N] from 1"), "(type index (sizes J) (dims N) from 1)");
  EXPECT_EQ(type("index[J] from 1"), "(type index (sizes J) from 1)");
  EXPECT_EQ(type("index[J]"), "(type index (sizes J))");
  EXPECT_EQ(type("positive[J]"), "(type positive (dims J))");
  EXPECT_EQ(type("interval(0, hi = 1)[J]"), "(type interval 0 (= hi 1) (dims J))");
  EXPECT_EQ(type("ordered[k][n]"), "(type ordered (sizes k) (dims n))");
  EXPECT_EQ(type("(real, (int, S), vector[3])"),
            "(tuple real (tuple int S) (type vector (sizes 3)))");
}

TEST(Declarations, All) {
  EXPECT_EQ(declarations("def f(a, b: real, c = 1, d: int = 2): real { a }"),
            "(def f (params a (b (: real)) (c (= 1)) (d (: int) (= 2))) (: real) (block a))\n");
  EXPECT_EQ(declarations("random def f() { let x ~ D; x }\n\ndef pi = 3.14"),
            "(random def f (params) (block (let-site x D) x))\n(def pi 3.14)\n");
  EXPECT_EQ(declarations("struct S {\n  a: real,\n  b: vector[3],\n}"),
            "(struct S (a (: real)) (b (: (type vector (sizes 3)))))\n");
  EXPECT_EQ(declarations("infer main(y) { nuts(m() | {y}) }"),
            "(infer main (params y) (block (call nuts (| (call m) (brace y)))))\n");
  EXPECT_EQ(declarations("model m(): real { return 1 }"),
            "(model m (params) (: real) (block (return 1)))\n");
  EXPECT_EQ(declarations(""), "");
  EXPECT_EQ(declarations("// nothing\n\n"), "");
  EXPECT_EQ(declarations("\xef\xbb\xbf"
                         "def a = 1"),
            "(def a 1)\n");
}

TEST(Declarations, MemberBlocks) {
  EXPECT_EQ(declarations("def m(p) = machine {\n"
                         "  param warmup: int = 1000 in 0..10000\n"
                         "  param rate: real = 0.1\n"
                         "  let (r, s) = reals(p)\n"
                         "  init { return 0 }\n"
                         "  step (u, lp) { return u }\n"
                         "  draw (s) { s }\n"
                         "  info (s) { {n = s} }\n"
                         "}"),
            "(def m (params p) (machine (param warmup (: int) 1000 (in (.. 0 10000))) "
            "(param rate (: real) 0.1) (let (tuple r s) (call reals p)) "
            "(method init (params) (block (return 0))) "
            "(method step (params u lp) (block (return u))) (method draw (params s) (block s)) "
            "(method info (params s) (block (brace (= n s))))))\n");
  EXPECT_EQ(declarations("def D(a) = distribution {\n"
                         "  let b = a\n"
                         "  support interval(0, b)\n"
                         "  require a > 0, \"a\"\n"
                         "  logp(x) { return 1 }\n"
                         "  sample() { a }\n"
                         "}"),
            "(def D (params a) (distribution (let b a) (support (call interval 0 b)) "
            "(require (> a 0) \"a\") (method logp (params x) (block (return 1))) "
            "(method sample (params) (block a))))\n");
  EXPECT_EQ(
      declarations("def s(m) = support { let k = m; constrain(u: real[m]) { u }; size() { k } }"),
      "(def s (params m) (support (let k m) "
      "(method constrain (params (u (: (type real (dims m))))) (block u)) "
      "(method size (params) (block k))))\n");
}

TEST(Spans, CoverTheSourceOfEachNode) {
  const Parsed parsed(
      "// gr\xc3\xbc\xc3\x9f dich\n"
      "model m(sigma: real[J] = 2) {\n"
      "  mu ~ Normal(-(a + b), 1) by reparam\n"
      "  x[i, 0..n] = t.y * 2\n"
      "  if c { d } else if e { f }\n"
      "}\n");
  const ast::FunctionDecl& decl = parsed.function();
  EXPECT_EQ(parsed.text(decl.name.span), "m");
  EXPECT_EQ(parsed.text(decl.params[0].span), "sigma: real[J] = 2");
  EXPECT_EQ(parsed.text(decl.params[0].name.span), "sigma");
  EXPECT_EQ(parsed.text(decl.params[0].type->span), "real[J]");
  EXPECT_EQ(parsed.text(decl.params[0].default_value->span), "2");
  EXPECT_EQ(parsed.text(parsed.file.decls[0].span).substr(0, 8), "model m(");
  EXPECT_EQ(parsed.text(parsed.file.decls[0].span).back(), '}');
  EXPECT_EQ(parsed.text(parsed.block().span).front(), '{');

  const auto& statements = parsed.block().statements;
  EXPECT_EQ(parsed.text(statements[0]->span), "mu ~ Normal(-(a + b), 1) by reparam");
  const auto& site = std::get<ast::SiteStmt>(statements[0]->node);
  EXPECT_EQ(parsed.text(site.target.span), "mu");
  EXPECT_EQ(parsed.text(site.by->span), "reparam");
  EXPECT_EQ(parsed.text(site.distribution->span), "Normal(-(a + b), 1)");
  EXPECT_EQ(parsed.sources.place(site.distribution->span), "test.ppl:3:8-26");
  const auto& call = std::get<ast::CallExpr>(site.distribution->node);
  EXPECT_EQ(parsed.text(call.callee->span), "Normal");
  EXPECT_EQ(parsed.text(call.args[0].span), "-(a + b)");
  const auto& negated = std::get<ast::UnaryExpr>(call.args[0].value->node);
  EXPECT_EQ(parsed.text(negated.op_span), "-");
  EXPECT_EQ(parsed.text(negated.operand->span), "(a + b)");
  const auto& sum = std::get<ast::BinaryExpr>(negated.operand->node);
  EXPECT_EQ(parsed.text(sum.op_span), "+");
  EXPECT_EQ(parsed.text(sum.rhs->span), "b");

  const auto& assign = std::get<ast::AssignStmt>(statements[1]->node);
  EXPECT_EQ(parsed.text(assign.target.span), "x[i, 0..n]");
  EXPECT_EQ(parsed.text(assign.target.name.span), "x");
  EXPECT_EQ(parsed.text(assign.target.indices[1]->span), "0..n");
  EXPECT_EQ(parsed.text(assign.op_span), "=");
  EXPECT_EQ(parsed.text(assign.value->span), "t.y * 2");
  const auto& product = std::get<ast::BinaryExpr>(assign.value->node);
  EXPECT_EQ(parsed.text(std::get<ast::FieldExpr>(product.lhs->node).field.span), "y");

  const auto& branch = std::get<ast::IfStmt>(statements[2]->node);
  EXPECT_EQ(parsed.text(branch.then_block.span), "{ d }");
  EXPECT_EQ(parsed.text(branch.else_block->span), "if e { f }");
}

TEST(Spans, TupleFieldsOfNumbersSplitRight) {
  const Parsed parsed("def e = t.0.12");
  const auto& outer = std::get<ast::TupleFieldExpr>(parsed.constant().node);
  EXPECT_EQ(outer.index, 12);
  EXPECT_EQ(parsed.text(parsed.constant().span), "t.0.12");
  EXPECT_EQ(parsed.text(outer.base->span), "t.0");
}

}  // namespace
}  // namespace borel
