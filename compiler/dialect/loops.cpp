#include "mlir/IR/Builders.h"

#include "compiler/dialect/prob.h"

namespace borel::prob {

using mlir::Block;
using mlir::LogicalResult;
using mlir::OpBuilder;
using mlir::success;
using mlir::Type;
using mlir::TypeRange;
using mlir::Value;
using mlir::ValueRange;

void ForOp::build(OpBuilder& b, mlir::OperationState& state, Value lower, Value upper,
                  ValueRange carry_inits, TypeRange map_elements, TypeRange sum_types,
                  ValueRange into_inits, bool reverse) {
  state.addOperands({lower, upper});
  state.addOperands(carry_inits);
  state.addOperands(into_inits);
  auto& properties = state.getOrAddProperties<Properties>();
  properties.operandSegmentSizes = {1, 1, static_cast<int32_t>(carry_inits.size()),
                                    static_cast<int32_t>(into_inits.size())};
  properties.resultSegmentSizes = {
      static_cast<int32_t>(carry_inits.size()), static_cast<int32_t>(map_elements.size()),
      static_cast<int32_t>(sum_types.size()), static_cast<int32_t>(into_inits.size())};
  if (reverse) properties.reverse = b.getUnitAttr();
  state.addTypes(carry_inits.getTypes());
  for (const Type element : map_elements) state.addTypes(array_type(element, 1));
  state.addTypes(sum_types);
  state.addTypes(into_inits.getTypes());

  OpBuilder::InsertionGuard guard(b);
  Block* body = b.createBlock(state.addRegion());
  body->addArgument(b.getI64Type(), state.location);
  for (const Value init : carry_inits) body->addArgument(init.getType(), state.location);
  for (const Value init : into_inits) body->addArgument(init.getType(), state.location);
}

Block::BlockArgListType ForOp::carry_args() {
  return block().getArguments().slice(1, getCarryInits().size());
}

Block::BlockArgListType ForOp::into_args() {
  return block().getArguments().drop_front(1 + getCarryInits().size());
}

YieldOp ForOp::terminator() { return mlir::cast<YieldOp>(block().getTerminator()); }

bool ForOp::is_plate() { return getCarries().empty() && mlir::isMemoryEffectFree(*this); }

llvm::SmallVector<mlir::Region*> ForOp::getLoopRegions() { return {&getBody()}; }

LogicalResult ForOp::verify() {
  if (getCarryInits().getTypes() != getCarries().getTypes())
    return emitOpError("has carries of other types than their inits");
  if (getIntoInits().getTypes() != getIntos().getTypes())
    return emitOpError("has into results of other types than their inits");
  return success();
}

namespace {
/// An into argument may flow only through add_at, nested loops' intos and branches to the yield.
LogicalResult verify_accumulator(ForOp loop, Value value) {
  for (mlir::OpOperand& use : value.getUses()) {
    mlir::Operation* user = use.getOwner();
    if (auto add = mlir::dyn_cast<AddAtOp>(user)) {
      if (add.getArray() != value || add.getValue() == value)
        return loop.emitOpError("reads an array that it accumulates into");
      continue;
    }
    if (auto inner = mlir::dyn_cast<ForOp>(user)) {
      if (!llvm::is_contained(inner.getIntoInits(), value))
        return loop.emitOpError("carries an array that it accumulates into");
      continue;
    }
    if (user->hasTrait<mlir::OpTrait::IsTerminator>() || mlir::isa<DimOp>(user)) continue;
    return loop.emitOpError("uses an array that it accumulates into other than by prob.add_at");
  }
  return success();
}
}  // namespace

LogicalResult ForOp::verifyRegions() {
  Block& body = block();
  const size_t carries = getCarryInits().size(), intos = getIntoInits().size();
  if (body.getNumArguments() != 1 + carries + intos)
    return emitOpError(
        "needs a body argument for the induction variable, each carry and each into");
  if (!body.getArgument(0).getType().isInteger(64))
    return emitOpError("needs an i64 induction variable");
  for (auto [argument, init] : llvm::zip(carry_args(), getCarryInits()))
    if (argument.getType() != init.getType())
      return emitOpError("has a carry argument of another type than its init");
  for (auto [argument, init] : llvm::zip(into_args(), getIntoInits()))
    if (argument.getType() != init.getType())
      return emitOpError("has an into argument of another type than its init");
  YieldOp yield = terminator();
  if (yield.getCarries().getTypes() != getCarries().getTypes() ||
      yield.getSums().getTypes() != getSums().getTypes() ||
      yield.getIntos().getTypes() != getIntos().getTypes() ||
      yield.getMaps().size() != getMaps().size())
    return emitOpError("yields other values than its results say");
  for (auto [element, array] : llvm::zip(yield.getMaps(), getMaps()))
    if (array_type(element.getType(), 1) != array.getType())
      return emitOpError("maps values of another type than its result's elements");
  for (const Type type : getSums().getTypes())
    if (type.isInteger(1)) return emitOpError("cannot sum truth values");
  for (const Value argument : into_args())
    if (mlir::failed(verify_accumulator(*this, argument))) return mlir::failure();
  return success();
}

// prob.for %i = %lower to %upper [reverse] carry(%c = %init : T, …) into(%a = %init : T, …)
//     map(T, …) sum(T, …) { … }; map lists the element types.
mlir::ParseResult ForOp::parse(mlir::OpAsmParser& parser, mlir::OperationState& result) {
  auto& b = parser.getBuilder();
  const Type i64 = b.getI64Type();
  llvm::SmallVector<mlir::OpAsmParser::Argument> arguments(1);
  arguments[0].type = i64;
  mlir::OpAsmParser::UnresolvedOperand lower, upper;
  if (parser.parseArgument(arguments[0]) || parser.parseEqual() || parser.parseOperand(lower) ||
      parser.parseKeyword("to") || parser.parseOperand(upper) ||
      parser.resolveOperand(lower, i64, result.operands) ||
      parser.resolveOperand(upper, i64, result.operands))
    return mlir::failure();
  auto& properties = result.getOrAddProperties<Properties>();
  if (mlir::succeeded(parser.parseOptionalKeyword("reverse"))) properties.reverse = b.getUnitAttr();

  auto parse_inits = [&](llvm::StringRef keyword, llvm::SmallVectorImpl<Type>& types) {
    if (mlir::failed(parser.parseOptionalKeyword(keyword))) return mlir::ParseResult(success());
    return parser.parseCommaSeparatedList(mlir::OpAsmParser::Delimiter::Paren, [&] {
      auto& argument = arguments.emplace_back();
      mlir::OpAsmParser::UnresolvedOperand init;
      if (parser.parseArgument(argument) || parser.parseEqual() || parser.parseOperand(init) ||
          parser.parseColonType(argument.type) ||
          parser.resolveOperand(init, argument.type, result.operands))
        return mlir::ParseResult(mlir::failure());
      types.push_back(argument.type);
      return mlir::ParseResult(success());
    });
  };
  auto parse_types = [&](llvm::StringRef keyword, llvm::SmallVectorImpl<Type>& types) {
    if (mlir::failed(parser.parseOptionalKeyword(keyword))) return mlir::ParseResult(success());
    return parser.parseCommaSeparatedList(mlir::OpAsmParser::Delimiter::Paren,
                                          [&] { return parser.parseType(types.emplace_back()); });
  };
  llvm::SmallVector<Type> carries, intos, maps, sums;
  if (parse_inits("carry", carries) || parse_inits("into", intos) || parse_types("map", maps) ||
      parse_types("sum", sums))
    return mlir::failure();

  result.addTypes(carries);
  for (const Type element : maps) result.addTypes(array_type(element, 1));
  result.addTypes(sums);
  result.addTypes(intos);
  properties.operandSegmentSizes = {1, 1, static_cast<int32_t>(carries.size()),
                                    static_cast<int32_t>(intos.size())};
  properties.resultSegmentSizes = {
      static_cast<int32_t>(carries.size()), static_cast<int32_t>(maps.size()),
      static_cast<int32_t>(sums.size()), static_cast<int32_t>(intos.size())};

  mlir::Region* body = result.addRegion();
  if (parser.parseRegion(*body, arguments) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return mlir::failure();
  ForOp::ensureTerminator(*body, b, result.location);
  return success();
}

void ForOp::print(mlir::OpAsmPrinter& p) {
  p << ' ' << induction() << " = " << getLower() << " to " << getUpper();
  if (getReverse()) p << " reverse";
  auto print_inits = [&](llvm::StringRef keyword, auto arguments, ValueRange inits) {
    if (inits.empty()) return;
    p << ' ' << keyword << '(';
    llvm::interleaveComma(llvm::zip(arguments, inits), p, [&](auto pair) {
      p << std::get<0>(pair) << " = " << std::get<1>(pair) << " : " << std::get<1>(pair).getType();
    });
    p << ')';
  };
  print_inits("carry", carry_args(), getCarryInits());
  print_inits("into", into_args(), getIntoInits());
  if (!getMaps().empty()) {
    p << " map(";
    llvm::interleaveComma(terminator().getMaps().getTypes(), p);
    p << ')';
  }
  if (!getSums().empty()) {
    p << " sum(";
    llvm::interleaveComma(getSums().getTypes(), p);
    p << ')';
  }
  p << ' ';
  p.printRegion(getBody(), /*printEntryBlockArgs=*/false, /*printBlockTerminators=*/true);
  p.printOptionalAttrDictWithKeyword((*this)->getAttrs(),
                                     {"operandSegmentSizes", "resultSegmentSizes", "reverse"});
}

}  // namespace borel::prob
