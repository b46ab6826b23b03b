// Where draws are placed, and what shape they give their site.
#include <algorithm>

#include "compiler/sema/elaborator.h"

namespace borel::sema {

bool Elaborator::place_draw(SiteState& site, const std::vector<ExprPtr>& indices,
                            const std::vector<Size>& inner, const Type& element, bool matrix,
                            Span span) {
  Draw draw;
  draw.span = span;
  draw.path = cx_->path;
  draw.outside = cx_->loops.empty() ? draw.path.size() : cx_->loops.front().branches;
  draw.count = constant_size(1);
  for (const Loop& loop : cx_->loops) {
    if (!loop.lower || !loop.upper) draw.count.reset();
    if (draw.count) draw.count = multiply(*draw.count, subtract(*loop.upper, *loop.lower));
  }
  if (cx_->while_depth > 0) {
    error("unsupported.dynamic_site", span,
          "a site in a 'while' loop is not supported yet: '" + site.name + "'");
    return false;
  }
  for (const ExprPtr& index : indices) {
    std::optional<Size> size = try_size(*index);
    std::optional<Size> least = size ? extreme(*size, false) : std::nullopt;
    std::optional<Size> most = size ? extreme(*size, true) : std::nullopt;
    if (!least || !most) {
      draw.boxed = false;
      draw.box.emplace_back();
      continue;
    }
    draw.at.push_back(*size);
    draw.box.emplace_back(*least, *most);
  }
  // A loop that no index mentions draws the same element again and again.
  for (const Loop& loop : cx_->loops) {
    if (!draw.boxed) break;
    bool mentioned = false;
    for (const Size& size : draw.at) {
      for (const Size::Term& term : size.terms) {
        mentioned |= std::find(term.factors.begin(), term.factors.end(), loop.variable) !=
                     term.factors.end();
      }
    }
    // Under a condition it may still be drawn once: `if t == 0 { x[0] ~ … }`.
    if (!mentioned && cx_->path.size() == loop.branches) {
      const std::string& name = program_[loop.variable].name;
      error("site.twice", span, "the site '" + site.name + "' is drawn in every turn of a loop")
          .with_note(program_[loop.variable].span, "the loop over '" + name + "'")
          .with_suggestion("index it: " + site.name + "[" + name + "]");
      return false;
    }
    for (const std::optional<Size>* bound : {&loop.lower, &loop.upper}) {
      if (site.kind != typed::Site::Kind::Latent || !*bound) continue;
      for (const Loop& outer : cx_->loops) {
        for (const Size::Term& term : (*bound)->terms) {
          if (std::find(term.factors.begin(), term.factors.end(), outer.variable) ==
              term.factors.end()) {
            continue;
          }
          error("unsupported.ragged_site", span,
                "the site '" + site.name +
                    "' is drawn for ranges of different lengths, which is not supported yet")
              .with_note(program_[loop.variable].span,
                         "this range depends on '" + program_[outer.variable].name + "'")
              .with_suggestion("draw an array of one dimension, and index into it");
          return false;
        }
      }
    }
    if (loop.random && site.kind == typed::Site::Kind::Latent) {
      error("unsupported.dynamic_site", span,
            "how often '" + site.name + "' is drawn depends on a site, which is not supported yet");
      return false;
    }
  }
  draw.loops = cx_->loops;
  draw.facts = cx_->facts;
  // At most a loop's start is its start, at least its end its end.
  for (const Loop& loop : draw.loops) {
    if (!loop.lower || !loop.upper) continue;
    const Size turn = variable_size(loop.variable), from_start = subtract(turn, *loop.lower),
               to_end = subtract(subtract(*loop.upper, constant_size(1)), turn);
    for (const Fact& fact : cx_->facts) {
      if (fact.kind != Fact::Kind::NotNegative) continue;
      for (const Size& distance : {from_start, to_end}) {
        if (add(fact.size, distance).terms.empty()) {
          draw.facts.push_back({Fact::Kind::Zero, distance});
        }
      }
    }
  }
  if (site.kind != typed::Site::Kind::Derived && !drawn_once(site, draw)) return false;
  // Its type, as far as this draw says.
  bool observed = site.observed.has_value();
  std::vector<Size> dims;
  for (size_t i = 0; i < draw.box.size(); ++i) {
    if (draw.boxed) {
      dims.push_back(add(draw.box[i].second, constant_size(1)));
      continue;
    }
    const Atom* data = observed ? std::get_if<Atom>(&*site.observed) : nullptr;
    if (data != nullptr && is_array(data->type) && i < data->type.dims.size()) {
      dims.push_back(data->type.dims[i]);
      continue;
    }
    error("site.shape", span,
          "the shape of the site '" + site.name + "' cannot be told from its index")
        .with_expected("indices that are sums of loop variables and sizes")
        .with_suggestion("draw the whole array at once, with its shape: " + site.name +
                         ": real[n] ~ …");
    return false;
  }
  site.outer_rank = static_cast<int>(dims.size() + inner.size());
  dims.insert(dims.end(), inner.begin(), inner.end());
  dims.insert(dims.end(), element.dims.begin(), element.dims.end());
  for (size_t i = draw.box.size(); draw.count && i < dims.size(); ++i) {
    draw.count = multiply(*draw.count, dims[i]);
  }
  draw.extents = dims;
  site.draws.push_back(std::move(draw));
  return grow(site, array_type(element.scalar, std::move(dims), matrix), span);
}

bool Elaborator::grow(SiteState& site, const Type& type, Span span) {
  ModelState& model = *cx_->model;
  if (!site.has_type) {
    site.has_type = true;
    site.type = type;
    site.span = span;
    // The second pass knows from the first how large the site becomes.
    if (model.known != nullptr) {
      auto at = model.known->by_name.find(site.name);
      if (at != model.known->by_name.end()) {
        const SiteState& known = model.known->sites[static_cast<size_t>(at->second)];
        if (known.has_type && equal_but_dims(known.type, type)) site.type = known.type;
      }
    }
    if (site.kind != typed::Site::Kind::Observed) {
      site.variable = new_variable(site.name, site.type, span);
      if (site.kind == typed::Site::Kind::Latent) model.random.insert(site.variable);
    } else if (const Atom* data = std::get_if<Atom>(&*site.observed)) {
      const Type& given = data->type;
      bool kinds = given.kind == site.type.kind && given.dims.size() == site.type.dims.size() &&
                   (given.matrix == site.type.matrix ||
                    static_cast<size_t>(site.outer_rank) == site.type.dims.size()) &&
                   (given.scalar == site.type.scalar ||
                    (given.scalar == Scalar::Int && site.type.scalar == Scalar::Real) ||
                    (given.scalar == Scalar::Bool && site.type.scalar == Scalar::Int));
      const VarId* variable = std::get_if<VarId>(&data->value);
      Span where = variable != nullptr ? program_[*variable].span : Span{};
      bool discrete_wanted = site.type.scalar != Scalar::Real && given.scalar == Scalar::Real;
      if (!kinds) {
        Diagnostic& d =
            error(discrete_wanted ? "support.mismatch" : "observe.type", span,
                  discrete_wanted ? "the site '" + site.name + "' is discrete, and its data is not"
                                  : "the data of the site '" + site.name + "' has another type")
                .with_found(text(given))
                .with_expected(text(site.type));
        if (where.valid()) d.with_note(where, "the data");
        if (!is_array(site.type) && is_array(given)) {
          std::string shape = text(given).substr(text(given).find('['));
          d.with_suggestion("one value is drawn here; for an array write " + site.name + ": " +
                            (site.type.scalar == Scalar::Real ? "real" : "int") + shape + " ~ …");
        }
        return false;
      }
      for (size_t i = 0; i < given.dims.size(); ++i) {
        std::optional<int64_t> d = constant_value(subtract(given.dims[i], site.type.dims[i]));
        if (!d || *d == 0) continue;
        Diagnostic& message = error("observe.shape", span,
                                    "the data of the site '" + site.name + "' has another shape")
                                  .with_found(text(given))
                                  .with_expected(text(site.type));
        if (where.valid()) message.with_note(where, "the data");
        return false;
      }
      // A site that is not drawn to its end leaves the data that come after unexplained.
      typed::Block* outer = std::exchange(cx_->block, &model.prologue);
      bool same = same_dims(given, site.type, span,
                            "the data of the site '" + site.name + "' has another shape");
      cx_->block = outer;
      if (!same) return false;
    }
    return true;
  }
  if (!equal_but_dims(site.type, type)) {
    error("site.type", span, "the site '" + site.name + "' is drawn with different types")
        .with_found(text(type))
        .with_expected(text(site.type))
        .with_note(site.span, "first drawn here");
    return false;
  }
  for (size_t i = 0; i < type.dims.size(); ++i) {
    Size& old = site.type.dims[i];
    const Size& now = type.dims[i];
    if (never_negative(subtract(old, now))) continue;
    if (never_negative(subtract(now, old))) {
      old = now;
      continue;
    }
    bool old_constant = constant_value(old).has_value(),
         now_constant = constant_value(now).has_value();
    if (i < static_cast<size_t>(site.outer_rank) && (old_constant || now_constant)) {
      // x[0] ~ … beside a loop to T: T, which must then be large enough.
      const Size least = old_constant ? old : now;
      if (old_constant) old = now;
      ExprPtr enough =
          builtin(span, bool_type(), Op::Ge, size_expr(old, span), size_expr(least, span));
      model.prologue.push_back(typed::Stmt{
          span, typed::Check{std::move(enough),
                             new_place(span, text(old) + " >= " + text(least), site.name)}});
      continue;
    }
    error("site.shape", span, "the shape of the site '" + site.name + "' cannot be told")
        .with_found(text(old) + " and " + text(now))
        .with_note(site.span, "first drawn here");
    return false;
  }
  if (site.variable != VarId::None) {
    program_.variables[static_cast<size_t>(site.variable)].type = site.type;
  }
  return true;
}

}  // namespace borel::sema
