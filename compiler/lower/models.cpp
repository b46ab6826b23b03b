// Models: their sites' variables, draws, records, and the shape of a draw.
#include "compiler/lower/function_lowering.h"

namespace borel::lowering {

using mlir::Value;
using typed::as;

void FunctionLowering::lower_model(const typed::Model& model) {
  model_ = &model;
  span_ = model.span;
  bind_params(model.params);
  make_site_variables(model);
  reads_observed_ = true;
  for (size_t i = 0; i < model.sites.size(); ++i)
    if (model.sites[i].observed)
      observed_value(*model.sites[i].observed, static_cast<typed::SiteIndex>(i));
  lower_block(model.body);
  Values results;
  for (const auto kind : {typed::Site::Kind::Latent, typed::Site::Kind::Derived})
    for (const typed::Site& site : model.sites)
      if (site.kind == kind) results.push_back(variables_.at(site.variable).front());
  b_.create<mlir::func::ReturnOp>(module_.location(model.span), results);
}

void FunctionLowering::make_site_variables(const typed::Model& model) {
  for (const typed::Site& site : model.sites) {
    if (site.kind == typed::Site::Kind::Observed) continue;
    for (const typed::Size& dim : site.type.dims) need_size(dim);
    Values extents;
    for (const typed::Size& dim : storage_dims(site.type)) extents.push_back(extent_value(dim));
    variables_[site.variable] = zeros(site.type, extents);
    site_extents_[site.variable] = extents;
  }
}

Value FunctionLowering::observed_value(const typed::Expr& data, typed::SiteIndex site) {
  const auto* ref = as<typed::VarRef>(data);
  const Value held = ref ? variable(ref->variable).front() : value(data);
  const typed::Type& type = model_->sites[static_cast<size_t>(site)].type;
  const bool transposed = type.dims.size() >= 2 && data.type.matrix != type.matrix;
  return b_.create<prob::ObservedOp>(loc_, held.getType(), held, static_cast<uint64_t>(site),
                                     transposed);
}

/// A size that a leading `let` of the model names is computed where it is first needed; the `let`
/// itself then computes it once more.
void FunctionLowering::need_size(const typed::Size& size) {
  for (const auto& term : size.terms)
    for (const typed::VarId factor : term.factors) {
      if (program_[factor].global || variables_.contains(factor)) continue;
      const typed::Let* found = nullptr;
      for (const typed::Stmt& stmt : model_->body)
        if (const auto* let = as<typed::Let>(stmt); let && let->variable == factor) found = let;
      if (!found || !found->value)
        bug("the shape of a site depends on '" + program_[factor].name +
            "', which is not known when the model starts");
      need_variables(*found->value);
      variables_[factor] = values(*found->value);
    }
}

void FunctionLowering::need_variables(const typed::Expr& expr) {
  if (const auto* ref = as<typed::VarRef>(expr)) {
    typed::Size size;
    size.terms.push_back({1, {ref->variable}});
    need_size(size);
  } else if (const auto* builtin = as<typed::Builtin>(expr)) {
    for (const auto& arg : builtin->args) need_variables(*arg);
  } else if (const auto* call_node = as<typed::Call>(expr)) {
    for (const auto& arg : call_node->args) need_variables(*arg);
  }
}

//===- Draws ----------------------------------------------------------------------------------===//

/// The element's indices in storage order.
Values FunctionLowering::site_indices(const typed::Site& site,
                                      const std::vector<typed::ExprPtr>& indices) {
  if (indices.size() != static_cast<size_t>(site.outer_rank))
    bug("a draw at site '" + site.name + "' has another number of indices than the site");
  Values out = all_values(indices);
  if (!site.type.matrix) return out;
  const size_t rank = site.type.dims.size();
  if (out.size() == rank) {
    std::swap(out[rank - 1], out[rank - 2]);
  } else if (out.size() + 1 == rank) {
    bug("a draw at site '" + site.name + "' is one row of a matrix");
  }
  return out;
}

void FunctionLowering::store_site(const typed::Site& site, mlir::ValueRange indices, Value value,
                                  const std::vector<typed::ExprPtr>& index_exprs,
                                  typed::PlaceId place) {
  Values& variable = variables_.at(site.variable);
  if (indices.empty()) {
    variable = {value};
    return;
  }
  bool known = true;
  for (size_t i = 0; i < index_exprs.size(); ++i)
    known = known && known_in_range(*index_exprs[i], site.type.dims[i]);
  variable = {b_.create<prob::InsertOp>(loc_, value, variable.front(), indices,
                                        known ? mlir::IntegerAttr() : place_attribute(place))};
}

void FunctionLowering::lower_sample(const typed::Sample& stmt) {
  const typed::Site& site = model_->sites[static_cast<size_t>(stmt.site)];
  const typed::Distribution& distribution = stmt.distribution;
  const Values parameters = all_values(distribution.args);
  const Values indices = site_indices(site, stmt.indices);
  auto symbol = [&](const std::optional<typed::FunctionId>& id) {
    return id ? mlir::FlatSymbolRefAttr::get(module_.function(*id)) : mlir::FlatSymbolRefAttr();
  };
  const auto logp = symbol(distribution.logp);
  const auto index = b_.getI64IntegerAttr(stmt.site);
  const auto place = b_.getI64IntegerAttr(static_cast<int64_t>(stmt.place));
  if (stmt.observed) {
    const Value observed = value(*stmt.observed);
    b_.create<prob::ObserveOp>(loc_, observed, parameters, indices, index, logp,
                               symbol(distribution.sampler), place);
    return;
  }
  const Values support = all_values(stmt.support.args);
  const Value reals =
      stmt.support.unconstrained_size ? extent_value(*stmt.support.unconstrained_size) : Value();
  const Value size = stmt.support.value_size ? value(*stmt.support.value_size) : Value();
  const Value variable = variables_.at(site.variable).front();
  const Values extents(llvm::ArrayRef(site_extents_.at(site.variable)).take_front(indices.size()));
  mlir::Type type = variable.getType();
  for (size_t i = 0; i < indices.size(); ++i) type = prob::element_type(type);
  auto draw = b_.create<prob::SampleOp>(loc_, type, parameters, support, indices, extents, reals,
                                        size, index, logp, symbol(distribution.sampler),
                                        symbol(stmt.support.constrain),
                                        symbol(stmt.support.unconstrain), place);
  store_site(site, indices, draw.getValue(), stmt.indices, stmt.place);
}

void FunctionLowering::lower_record(const typed::Record& stmt) {
  const typed::Site& site = model_->sites[static_cast<size_t>(stmt.site)];
  const Values indices = site_indices(site, stmt.indices);
  const Value recorded = value(*stmt.value);
  const Values extents(llvm::ArrayRef(site_extents_.at(site.variable)).take_front(indices.size()));
  b_.create<prob::RecordOp>(loc_, recorded, indices, extents, stmt.site,
                            static_cast<int64_t>(stmt.place));
  store_site(site, indices, recorded, stmt.indices, stmt.place);
}

//===- The shape of a draw --------------------------------------------------------------------===//

namespace {
/// The first draw at a site, however deep.
const typed::Sample* find_draw(const typed::Block& block, typed::SiteIndex site) {
  for (const typed::Stmt& stmt : block) {
    const typed::Sample* found = nullptr;
    if (const auto* sample = as<typed::Sample>(stmt)) {
      if (sample->site == site) return sample;
    } else if (const auto* loop = as<typed::For>(stmt)) {
      found = find_draw(loop->body, site);
    } else if (const auto* branch = as<typed::If>(stmt)) {
      found = find_draw(branch->then_block, site);
      if (!found) found = find_draw(branch->else_block, site);
    } else if (const auto* repeat = as<typed::While>(stmt)) {
      found = find_draw(repeat->body, site);
    }
    if (found) return found;
  }
  return nullptr;
}
}  // namespace

void FunctionLowering::lower_shape(const typed::Model& model) {
  model_ = &model;
  span_ = model.span;
  bind_params(model.params);
  auto times = [&](Value a, Value b) {
    return operation(typed::Op::Mul, {a, b}, typed::PlaceId::None);
  };
  auto plus = [&](Value a, Value b) {
    return operation(typed::Op::Add, {a, b}, typed::PlaceId::None);
  };
  Value dimension = integer(0), draw_size = integer(0);
  Values sites;
  for (const auto kind :
       {typed::Site::Kind::Latent, typed::Site::Kind::Derived, typed::Site::Kind::Observed})
    for (size_t i = 0; i < model.sites.size(); ++i) {
      const typed::Site& site = model.sites[i];
      if (site.kind != kind) continue;
      Value elements = integer(1), draws = integer(1);
      for (size_t d = 0; d < site.type.dims.size(); ++d) {
        need_size(site.type.dims[d]);
        const Value extent = extent_value(site.type.dims[d]);
        sites.push_back(extent);
        elements = times(extent, elements);
        if (d < static_cast<size_t>(site.outer_rank)) draws = times(extent, draws);
      }
      if (kind != typed::Site::Kind::Observed) draw_size = plus(draw_size, elements);
      if (kind != typed::Site::Kind::Latent) {
        sites.push_back(integer(-1));
        continue;
      }
      sites.push_back(dimension);
      const typed::Sample* draw = find_draw(model.body, static_cast<typed::SiteIndex>(i));
      if (!draw) bug("nothing is drawn at site '" + site.name + "'");
      Value reals = draws;
      if (draw->support.discrete) {
        reals = integer(0);
      } else if (draw->support.unconstrained_size) {
        need_variables(*draw->support.unconstrained_size);
        reals = times(draws, extent_value(*draw->support.unconstrained_size));
      }
      dimension = plus(dimension, reals);
    }
  Values results = {dimension, draw_size};
  llvm::append_range(results, sites);
  b_.create<mlir::func::ReturnOp>(loc_, results);
}

}  // namespace borel::lowering
