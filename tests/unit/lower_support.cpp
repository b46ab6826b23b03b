#include "tests/unit/lower_support.h"

#include <cmath>

namespace borel::testing {

Library::Library(ProgramBuilder& b) {
  {
    const VarId mu = b.variable("mu", real_type()), sigma = b.variable("sigma", real_type()),
                x = b.variable("x", real_type()), z = b.variable("z", real_type());
    typed::Require require;
    require.condition = apply(Op::Gt, bool_type(), b.ref(sigma), real(0));
    require.place = b.place("", "sigma > 0");
    auto square = mul(b.ref(z), b.ref(z));
    auto value = sub(sub(mul(real(-0.5), std::move(square)), elementwise(Op::Log, b.ref(sigma))),
                     real(0.5 * std::log(2 * M_PI)));
    normal_logp = b.function(
        "Normal.logp", {mu, sigma, x}, real_type(),
        block(statement(std::move(require)), let(z, div(sub(b.ref(x), b.ref(mu)), b.ref(sigma))),
              give(std::move(value))));
  }
  {
    // Not a normal draw, but a draw: this tests calls, not samplers.
    const VarId mu = b.variable("mu", real_type()), sigma = b.variable("sigma", real_type());
    normal_sample =
        b.function("Normal.sample", {mu, sigma}, real_type(),
                   block(give(add(b.ref(mu), mul(b.ref(sigma), apply(Op::Uniform, real_type()))))));
    b.program.functions.back().random = true;
  }
  {
    const VarId u = b.variable("u", real_type());
    positive_constrain = b.function(
        "positive.constrain", {u}, tuple_of({real_type(), real_type()}),
        block(give(make(tuple_of({real_type(), real_type()}),
                        typed::MakeTuple{list(elementwise(Op::Exp, b.ref(u)), b.ref(u))}))));
  }
  const VarId x = b.variable("x", real_type());
  positive_unconstrain = b.function("positive.unconstrain", {x}, real_type(),
                                    block(give(elementwise(Op::Log, b.ref(x)))));
}

typed::Distribution Library::normal(ExprPtr mu, ExprPtr sigma) const {
  typed::Distribution out;
  out.text = "Normal";
  out.logp = normal_logp;
  out.sampler = normal_sample;
  out.args = list(std::move(mu), std::move(sigma));
  return out;
}

typed::Support Library::positive() const {
  typed::Support out;
  out.text = "positive";
  out.constrain = positive_constrain;
  out.unconstrain = positive_unconstrain;
  return out;
}

typed::Program eight_schools() {
  ProgramBuilder b;
  const VarId size = b.size("J");
  const Type reals = array_of(Scalar::Real, {size_of(size)});
  const VarId sigma = b.input("sigma", reals), y = b.input("y", reals);
  const Library library(b);

  typed::Model model;
  model.name = "eight_schools";
  auto site = [&](const char* name, typed::Site::Kind kind, Type type, int outer) {
    typed::Site s;
    s.name = name;
    s.kind = kind;
    s.type = type;
    s.outer_rank = outer;
    s.support = "real";
    if (kind != typed::Site::Kind::Observed) s.variable = b.variable(name, type, true);
    const VarId variable = s.variable;
    model.sites.push_back(std::move(s));
    return variable;
  };
  using Kind = typed::Site::Kind;
  const VarId mu = site("mu", Kind::Latent, real_type(), 0);
  const VarId tau = site("tau", Kind::Latent, real_type(), 0);
  const VarId z = site("z", Kind::Latent, reals, 1);
  const VarId theta = site("theta", Kind::Derived, reals, 1);
  site("y", Kind::Observed, reals, 1);
  const VarId j = b.variable("j", int_type());

  std::vector<typed::PlaceId> places;
  for (const typed::Site& s : model.sites) places.push_back(b.place(s.name, "a draw"));
  auto sample = [&](int index, typed::Distribution d, typed::Support support = {}) {
    typed::Sample s;
    s.site = index;
    s.distribution = std::move(d);
    s.support = std::move(support);
    s.place = places[static_cast<size_t>(index)];
    return s;
  };
  typed::Sample draw_z = sample(2, library.normal(real(0), real(1)));
  draw_z.indices = list(b.ref(j));
  typed::Record record;
  record.site = 3;
  record.indices = list(b.ref(j));
  record.value = add(b.ref(mu), mul(b.ref(tau), b.element(z, b.ref(j))));
  record.place = typed::PlaceId{0};
  typed::Sample data =
      sample(4, library.normal(b.element(theta, b.ref(j)), b.element(sigma, b.ref(j))));
  data.indices = list(b.ref(j));
  data.observed = b.element(y, b.ref(j));
  model.body = block(statement(sample(0, library.normal(real(0), real(5)))),
                     statement(sample(1, library.normal(real(0), real(5)), library.positive())),
                     loop(j, integer(0), b.ref(size),
                          block(statement(std::move(draw_z)), statement(std::move(record)),
                                statement(std::move(data)))));
  b.program.models.push_back(std::move(model));
  return std::move(b.program);
}

}  // namespace borel::testing
