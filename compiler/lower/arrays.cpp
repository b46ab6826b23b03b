// Array expressions: views, what they are made of, and the loops that compute them.
#include <numeric>
#include <utility>

#include "compiler/lower/function_lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace borel::lowering {

using mlir::Value;
using typed::as;
using typed::Op;

//===- Views ----------------------------------------------------------------------------------===//

View FunctionLowering::view_of(Value value) {
  View out;
  out.base = value;
  out.cheap = true;
  if (prob::is_array(value.getType())) out.extents = prob::extents(b_, loc_, value);
  return out;
}

View FunctionLowering::peel(const View& view, Value index) {
  if (!view.base) return view.element(index);
  View out = view;
  out.extents.erase(out.extents.begin());
  out.prefix.push_back(index);
  if (!out.extents.empty()) return out;
  View element;
  element.base = scalar(out);
  element.cheap = true;
  return element;
}

Value FunctionLowering::scalar(const View& view) {
  if (!view.base || !view.extents.empty()) bug("an array where a scalar is wanted");
  return materialise(view);
}

Value FunctionLowering::at_all(const View& view, mlir::ValueRange indices) {
  View out = view;
  for (const Value index : indices) out = peel(out, index);
  return scalar(out);
}

/// The view's value: itself where there is one, else a nest of plates.
Value FunctionLowering::materialise(const View& view) {
  if (view.is_value()) return view.base;
  if (view.base) {
    mlir::Type type = view.base.getType();
    for (size_t i = 0; i < view.prefix.size(); ++i) type = prob::element_type(type);
    return b_.create<prob::ExtractOp>(loc_, type, view.base, view.prefix, view.place);
  }
  return loop_over(view.extents.front(), /*summing=*/false,
                   [&](Value i) { return materialise(peel(view, i)); });
}

/// The sum of all elements, as a nest of loops.
Value FunctionLowering::sum(const View& view) {
  if (view.extents.empty()) return scalar(view);
  return loop_over(view.extents.front(), /*summing=*/true,
                   [&](Value i) { return sum(peel(view, i)); });
}

/// A loop over 0..extent that collects or sums what `term` computes. The term's type is known once
/// its code is there, so the loop is made around the code.
Value FunctionLowering::loop_over(Value extent, bool summing,
                                  llvm::function_ref<Value(Value)> term) {
  const mlir::Location here = loc_;
  const Value lower = integer(0);
  mlir::Block body;
  Value induction = body.addArgument(b_.getI64Type(), here);
  Value result;
  {
    mlir::OpBuilder::InsertionGuard guard(b_);
    b_.setInsertionPointToEnd(&body);
    result = term(induction);
  }
  const mlir::Type type = result.getType();
  const mlir::TypeRange types(type);
  const mlir::TypeRange none;
  auto loop =
      b_.create<prob::ForOp>(here, lower, extent, mlir::ValueRange{}, summing ? none : types,
                             summing ? types : none, mlir::ValueRange{});
  if (result == induction) result = loop.induction();
  induction.replaceAllUsesWith(loop.induction());
  loop.block().getOperations().splice(loop.block().end(), body.getOperations());
  mlir::OpBuilder::InsertionGuard guard(b_);
  b_.setInsertionPointToEnd(&loop.block());
  const mlir::ValueRange yielded(result);
  const mlir::ValueRange nothing;
  b_.create<prob::YieldOp>(here, nothing, summing ? nothing : yielded, summing ? yielded : nothing,
                           nothing);
  return loop.getResult(0);
}

/// Keeps views whose elements are wanted more than once from computing them more than once.
View FunctionLowering::cheap(const View& view) {
  return view.cheap ? view : view_of(materialise(view));
}

View FunctionLowering::filled(Value scalar_value, Values extents) {
  View out;
  if (extents.empty()) return view_of(scalar_value);
  out.extents = extents;
  out.cheap = true;
  extents.erase(extents.begin());
  out.element = [this, scalar_value, extents](Value) { return filled(scalar_value, extents); };
  return out;
}

View FunctionLowering::elementwise(std::vector<View> args,
                                   std::function<Value(mlir::ValueRange)> combine) {
  const View* shape = nullptr;
  for (const View& arg : args)
    if (arg.rank() != 0 && !shape) shape = &arg;
  if (!shape) {
    Values scalars;
    for (const View& arg : args) scalars.push_back(scalar(arg));
    return view_of(combine(scalars));
  }
  View out;
  out.extents = shape->extents;
  out.element = [this, args = std::move(args), combine = std::move(combine)](Value i) {
    std::vector<View> elements;
    for (const View& arg : args) elements.push_back(arg.rank() == 0 ? arg : peel(arg, i));
    return elementwise(std::move(elements), combine);
  };
  return out;
}

/// The last two dimensions exchanged.
View FunctionLowering::transposed(const View& original) {
  const View source = cheap(original);
  View out;
  out.extents = source.extents;
  out.cheap = true;
  if (source.rank() > 2) {
    std::swap(out.extents[source.rank() - 1], out.extents[source.rank() - 2]);
    out.element = [this, source](Value i) { return transposed(peel(source, i)); };
    return out;
  }
  std::swap(out.extents[0], out.extents[1]);
  out.element = [this, source](Value i) {
    View row;
    row.extents = {source.extents[0]};
    row.cheap = true;
    row.element = [this, source, i](Value j) { return view_of(at_all(source, {j, i})); };
    return row;
  };
  return out;
}

/// A view of an operand in the storage order of the result.
View FunctionLowering::aligned(const typed::Expr& arg, bool matrix) {
  const View out = view(arg);
  return out.rank() >= 2 && arg.type.matrix != matrix ? transposed(out) : out;
}

//===- Expressions ----------------------------------------------------------------------------===//

View FunctionLowering::view(const typed::Expr& expr) {
  if (expr.type.kind != typed::Type::Kind::Array) return view_of(value(expr));
  if (as<typed::VarRef>(expr)) {
    const Value array = value(expr);
    // The shape of a parameter, of a slot and of what a loop carries is the variable's, which its
    // type states (so that loops over several of them have one bound); the array itself tells the
    // shape of anything else.
    mlir::Operation* made_by = array.getDefiningOp();
    const bool stated = !made_by || made_by->getNumRegions() != 0 ||
                        mlir::isa<prob::DataOp, prob::ObservedOp>(made_by);
    View out;
    out.base = array;
    out.cheap = true;
    for (const typed::Size& dim : storage_dims(expr.type))
      out.extents.push_back(
          stated && size_known(dim)
              ? size_value(dim)
              : prob::dim(b_, loc_, array, static_cast<int64_t>(out.extents.size())));
    return out;
  }
  if (const auto* node = as<typed::BlockExpr>(expr)) {
    lower_block(node->statements);
    return view(*node->value);
  }
  if (const auto* node = as<typed::Index>(expr)) return index(*node, expr.type);
  if (const auto* node = as<typed::Comprehension>(expr)) {
    std::vector<size_t> order(node->generators.size());
    std::iota(order.begin(), order.end(), size_t{0});
    const bool stored_swapped = expr.type.matrix && order.size() == expr.type.dims.size();
    if (stored_swapped) std::swap(order[order.size() - 1], order[order.size() - 2]);
    const auto dims = stored_swapped ? storage_dims(expr.type) : expr.type.dims;
    const View out = comprehension(*node, order, dims);
    return expr.type.matrix && order.size() + 1 == expr.type.dims.size() ? transposed(out) : out;
  }
  const auto* node = as<typed::Builtin>(expr);
  if (!node) return view_of(value(expr));

  switch (node->op) {
    case Op::MatMul:
      return matrix_product(*node->args[0], *node->args[1]);
    case Op::Transpose:
      return transposed(view(*node->args[0]));
    case Op::Zeros: {
      Values extents;
      for (const auto& arg : node->args) extents.push_back(extent_value(*arg));
      if (extents.empty())
        for (const typed::Size& dim : expr.type.dims) extents.push_back(extent_value(dim));
      if (expr.type.matrix) std::swap(extents[extents.size() - 1], extents[extents.size() - 2]);
      return view_of(zeros(expr.type, extents).front());
    }
    case Op::Fill: {
      const Value element = value(*node->args[0]);
      Values extents;
      for (const typed::Size& dim : storage_dims(expr.type)) extents.push_back(extent_value(dim));
      return filled(element, extents);
    }
    case Op::Cholesky:
      return view_of(call(module_.cholesky(node->place), {value(*node->args[0])}).front());
    case Op::SolveLower: {
      const Value lower = value(*node->args[0]);
      const Value right = value(*node->args[1]);
      return view_of(
          call(module_.solve_lower(node->args[1]->type.dims.size() == 2), {lower, right}).front());
    }
    default:
      break;
  }
  std::vector<View> args;
  for (const auto& arg : node->args) args.push_back(aligned(*arg, expr.type.matrix));
  const Op op = node->op;
  const typed::PlaceId place = node->place;
  return elementwise(std::move(args),
                     [this, op, place](mlir::ValueRange x) { return operation(op, x, place); });
}

/// `order` lists the generators from the outermost stored dimension on.
View FunctionLowering::comprehension(const typed::Comprehension& node, llvm::ArrayRef<size_t> order,
                                     llvm::ArrayRef<typed::Size> dims) {
  if (order.empty()) return view(*node.body);
  const auto& generator = node.generators[order.front()];
  const Value lower = value(*generator.lower);
  Value upper = value(*generator.upper);
  if (!known_ordered(*generator.lower, *generator.upper))
    upper = b_.createOrFold<mlir::arith::MaxSIOp>(loc_, upper, lower);
  const auto from = as_size(*generator.lower), to = as_size(*generator.upper);

  View out;
  out.extents = {operation(Op::Sub, {upper, lower}, typed::PlaceId::None)};
  bool shape_known = true;
  for (const typed::Size& dim : dims.drop_front()) {
    shape_known = shape_known && size_known(dim);
    out.extents.push_back(shape_known ? size_value(dim) : Value());
  }
  out.element = [this, &node, lower, from, to, variables = variables_, ranges = ranges_,
                 rest = std::vector<size_t>(order.begin() + 1, order.end()),
                 inner = std::vector<typed::Size>(dims.begin() + 1, dims.end()),
                 variable = generator.variable](Value i) {
    const auto outer_variables = std::exchange(variables_, variables);
    const auto outer_ranges = std::exchange(ranges_, ranges);
    variables_[variable] = {operation(Op::Add, {i, lower}, typed::PlaceId::None)};
    if (from && to) ranges_[variable] = {*from, *to};
    View element = comprehension(node, rest, inner);
    variables_ = outer_variables;
    ranges_ = outer_ranges;
    return element;
  };
  return shape_known ? out : view_of(materialise(out));
}

Value FunctionLowering::make_array(const typed::MakeArray& node, const typed::Type& type) {
  Values elements;
  for (const auto& element : node.elements) elements.push_back(value(*element));
  Values extents = {integer(static_cast<int64_t>(elements.size()))};
  if (!elements.empty() && prob::is_array(elements.front().getType()))
    llvm::append_range(extents, prob::extents(b_, loc_, elements.front()));
  // The elements of a matrix are its rows; of an array of matrices they are matrices.
  const bool rows = type.matrix && type.dims.size() == 2;
  if (elements.empty() && type.dims.size() > 1) bug("an array without elements to tell its shape");
  Value array = zeros(type, extents).front();
  for (size_t i = 0; i < elements.size(); ++i)
    array = b_.create<prob::InsertOp>(loc_, elements[i], array,
                                      mlir::ValueRange{integer(static_cast<int64_t>(i))},
                                      mlir::IntegerAttr());
  return rows ? materialise(transposed(view_of(array))) : array;
}

//===- Subscripts -----------------------------------------------------------------------------===//

FunctionLowering::Selection FunctionLowering::select(
    Value array, const typed::Type& type, Values extents,
    const std::vector<typed::Subscript>& subscripts, bool result_matrix, typed::PlaceId place) {
  using Kind = typed::Subscript::Kind;
  const size_t rank = type.dims.size();
  Selection out;
  out.array = array;
  out.selectors.resize(rank);
  std::vector<size_t> kept;  // storage dimensions, in the order of the result's own
  for (size_t d = 0; d < rank; ++d) {
    const size_t s = storage_dim(type, d);
    Selector& selector = out.selectors[s];
    const typed::Subscript* subscript = d < subscripts.size() ? &subscripts[d] : nullptr;
    if (!subscript || subscript->kind == Kind::All) {
      selector.extent = extents[s];
      selector.full = true;
    } else if (subscript->kind == Kind::At) {
      selector.kind = Selector::Kind::Fixed;
      selector.index = value(*subscript->first);
      if (subscript->checked && !known_in_range(*subscript->first, type.dims[d]))
        out.place = place_attribute(place);
      continue;
    } else if (subscript->kind == Kind::Gather) {
      selector.kind = Selector::Kind::Gather;
      selector.gathered = cheap(view(*subscript->first));
      selector.extent = selector.gathered.extents.front();
      if (subscript->checked) out.place = place_attribute(place);
    } else {
      const Value lower = value(*subscript->first);
      Value upper = value(*subscript->second);
      if (!known_ordered(*subscript->first, *subscript->second))
        upper = b_.createOrFold<mlir::arith::MaxSIOp>(loc_, upper, lower);
      selector.index = lower;
      selector.extent = operation(Op::Sub, {upper, lower}, typed::PlaceId::None);
      if (subscript->checked) check_window(lower, upper, extents[s], place);
    }
    kept.push_back(s);
  }
  if (result_matrix && kept.size() >= 2) std::swap(kept[kept.size() - 1], kept[kept.size() - 2]);
  out.free = kept;
  return out;
}

/// A window that is not empty lies in the array.
void FunctionLowering::check_window(Value lower, Value upper, Value extent, typed::PlaceId place) {
  constexpr int index_fault = 5;  // BOREL_FAULT_INDEX
  const auto none = typed::PlaceId::None;
  const Value filled = operation(Op::Lt, {lower, upper}, none);
  const Value below = operation(Op::Lt, {lower, integer(0)}, none);
  const Value above = operation(Op::Gt, {upper, extent}, none);
  const Value outside = operation(Op::Or, {below, above}, none);
  b_.create<prob::FaultOp>(loc_, operation(Op::And, {filled, outside}, none), Value(), index_fault,
                           static_cast<int64_t>(place));
}

namespace {
/// The prefix of storage dimensions that is fixed, where all others are whole and in order; else
/// none.
template <class Selection, class Selector>
std::optional<size_t> fixed_prefix(const Selection& selection) {
  const size_t rank = selection.selectors.size();
  const size_t prefix = rank - selection.free.size();
  for (size_t d = 0; d < rank; ++d) {
    const Selector& selector = selection.selectors[d];
    if (d < prefix ? selector.kind != Selector::Kind::Fixed : !selector.full) return std::nullopt;
    if (d >= prefix && selection.free[d - prefix] != d) return std::nullopt;
  }
  return prefix;
}
}  // namespace

View FunctionLowering::selected(const Selection& selection) {
  View out;
  out.cheap = true;
  for (const size_t d : selection.free) out.extents.push_back(selection.selectors[d].extent);
  if (const auto prefix = fixed_prefix<Selection, Selector>(selection)) {
    out.base = selection.array;
    for (size_t d = 0; d < *prefix; ++d) out.prefix.push_back(selection.selectors[d].index);
    out.place = selection.place;
    return out.extents.empty() ? view_of(materialise(out)) : out;
  }
  out.element = [this, selection](Value i) {
    Selection next = selection;
    fix(next, i);
    return selected(next);
  };
  return out;
}

/// Fixes the outermost free dimension at position i of what it selects.
void FunctionLowering::fix(Selection& selection, Value i) {
  Selector& selector = selection.selectors[selection.free.front()];
  if (selector.kind == Selector::Kind::Gather) {
    selector.index = at_all(selector.gathered, {i});
  } else {
    selector.index =
        selector.index ? operation(Op::Add, {i, selector.index}, typed::PlaceId::None) : i;
  }
  selector.kind = Selector::Kind::Fixed;
  selector.full = false;
  selection.free.erase(selection.free.begin());
}

View FunctionLowering::index(const typed::Index& node, const typed::Type& result) {
  const View base = view(*node.base);
  const View whole = base.is_value() ? base : view_of(materialise(base));
  return selected(select(whole.base, node.base->type, whole.extents, node.subscripts, result.matrix,
                         node.place));
}

/// The array with what is selected replaced.
Value FunctionLowering::store(const Selection& selection, const View& replacement) {
  if (const auto prefix = fixed_prefix<Selection, Selector>(selection)) {
    Values extents, indices;
    for (const size_t d : selection.free) extents.push_back(selection.selectors[d].extent);
    const Value part =
        materialise(replacement.rank() == 0 ? filled(scalar(replacement), extents) : replacement);
    if (*prefix == 0) return part;
    for (size_t d = 0; d < *prefix; ++d) indices.push_back(selection.selectors[d].index);
    return b_.create<prob::InsertOp>(loc_, part, selection.array, indices, selection.place);
  }
  const mlir::Location here = loc_;
  const Value extent = selection.selectors[selection.free.front()].extent;
  auto loop = b_.create<prob::ForOp>(here, integer(0), extent, mlir::ValueRange{selection.array},
                                     mlir::TypeRange{}, mlir::TypeRange{}, mlir::ValueRange{});
  mlir::OpBuilder::InsertionGuard guard(b_);
  b_.setInsertionPointToEnd(&loop.block());
  Selection next = selection;
  next.array = loop.carry_args().front();
  fix(next, loop.induction());
  const View part = replacement.rank() == 0 ? replacement : peel(replacement, loop.induction());
  const Value stored = store(next, part);
  b_.create<prob::YieldOp>(here, mlir::ValueRange{stored}, mlir::ValueRange{}, mlir::ValueRange{},
                           mlir::ValueRange{});
  return loop.getCarries().front();
}

}  // namespace borel::lowering
