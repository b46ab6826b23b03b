#include "compiler/dialect/prob.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

#include "compiler/dialect/prob_dialect.cpp.inc"
#define GET_OP_CLASSES
#include "compiler/dialect/prob_ops.cpp.inc"

namespace borel::prob {

using mlir::failure;
using mlir::LogicalResult;
using mlir::OpBuilder;
using mlir::RankedTensorType;
using mlir::success;
using mlir::Type;
using mlir::Value;

void ProbDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "compiler/dialect/prob_ops.cpp.inc"
      >();
}

mlir::FloatType real_type(mlir::MLIRContext* context) { return mlir::Float64Type::get(context); }

Type array_type(Type element, unsigned rank) {
  llvm::SmallVector<int64_t> shape(rank, mlir::ShapedType::kDynamic);
  if (auto inner = mlir::dyn_cast<RankedTensorType>(element)) {
    llvm::append_range(shape, inner.getShape());
    element = inner.getElementType();
  }
  return shape.empty() ? element : RankedTensorType::get(shape, element);
}

Type scalar_type(Type type) {
  auto tensor = mlir::dyn_cast<RankedTensorType>(type);
  return tensor ? tensor.getElementType() : type;
}

namespace {
/// The type that `count` leading indices of `array` leave.
Type type_under(Type array, size_t count) {
  auto tensor = mlir::cast<RankedTensorType>(array);
  if (count == static_cast<size_t>(tensor.getRank())) return tensor.getElementType();
  return RankedTensorType::get(tensor.getShape().drop_front(count), tensor.getElementType());
}

LogicalResult verify_access(mlir::Operation* op, Type array, size_t indices, Type value) {
  auto tensor = mlir::cast<RankedTensorType>(array);
  if (indices > static_cast<size_t>(tensor.getRank()))
    return op->emitOpError("has more indices than the array has dimensions");
  if (value != type_under(array, indices))
    return op->emitOpError("has a value of type ")
           << value << " where the array holds " << type_under(array, indices);
  return success();
}

mlir::Speculation::Speculatability speculatability_of_access(bool checked) {
  return checked ? mlir::Speculation::NotSpeculatable : mlir::Speculation::Speculatable;
}
}  // namespace

Type element_type(Type array) { return type_under(array, 1); }

Value real_constant(OpBuilder& b, mlir::Location loc, double value) {
  return b.create<mlir::arith::ConstantOp>(loc, b.getFloatAttr(real_type(b.getContext()), value));
}

Value int_constant(OpBuilder& b, mlir::Location loc, int64_t value) {
  return b.create<mlir::arith::ConstantOp>(loc, b.getI64IntegerAttr(value));
}

Value bool_constant(OpBuilder& b, mlir::Location loc, bool value) {
  return b.create<mlir::arith::ConstantOp>(loc, b.getBoolAttr(value));
}

Value extract(OpBuilder& b, mlir::Location loc, Value array, mlir::ValueRange indices) {
  if (indices.empty()) return array;
  return b.create<ExtractOp>(loc, type_under(array.getType(), indices.size()), array, indices,
                             mlir::IntegerAttr());
}

Value dim(OpBuilder& b, mlir::Location loc, Value array, int64_t dimension) {
  return b.createOrFold<DimOp>(loc, b.getI64Type(), array, b.getI64IntegerAttr(dimension));
}

llvm::SmallVector<Value> extents(OpBuilder& b, mlir::Location loc, Value array) {
  llvm::SmallVector<Value> out;
  const int64_t rank = mlir::cast<RankedTensorType>(array.getType()).getRank();
  for (int64_t i = 0; i < rank; ++i) out.push_back(dim(b, loc, array, i));
  return out;
}

Value zeros_like(OpBuilder& b, mlir::Location loc, Value like) {
  if (!is_array(like.getType())) return real_constant(b, loc, 0.0);
  return b.create<ZerosOp>(loc, like.getType(), extents(b, loc, like));
}

//===- Arrays ---------------------------------------------------------------------------------===//

LogicalResult ZerosOp::verify() {
  if (static_cast<size_t>(mlir::cast<RankedTensorType>(getType()).getRank()) != getExtents().size())
    return emitOpError("needs one extent per dimension");
  return success();
}

mlir::OpFoldResult DimOp::fold(FoldAdaptor) {
  const uint64_t d = getDimension();
  if (auto zeros = getArray().getDefiningOp<ZerosOp>()) return zeros.getExtents()[d];
  // The extents of a chain of updates are those of its start.
  if (auto insert = getArray().getDefiningOp<InsertOp>()) {
    getArrayMutable().assign(insert.getArray());
    return getResult();
  }
  if (auto add = getArray().getDefiningOp<AddAtOp>()) {
    getArrayMutable().assign(add.getArray());
    return getResult();
  }
  return {};
}

bool is_extent(Value value) {
  if (value.getDefiningOp<DimOp>()) return true;
  if (mlir::isa_and_nonnull<mlir::arith::AddIOp, mlir::arith::MulIOp>(value.getDefiningOp()))
    return llvm::all_of(value.getDefiningOp()->getOperands(), is_extent);
  // The larger of something and zero.
  if (auto larger = value.getDefiningOp<mlir::arith::MaxSIOp>())
    return mlir::matchPattern(larger.getRhs(), mlir::m_Zero());
  llvm::APInt constant;
  if (mlir::matchPattern(value, mlir::m_ConstantInt(&constant))) return !constant.isNegative();
  auto data = value.getDefiningOp<DataOp>();
  auto slot = data ? mlir::SymbolTable::lookupNearestSymbolFrom<SlotOp>(data, data.getSlotAttr())
                   : SlotOp();
  return slot && slot.getKind() == "size";
}

LogicalResult DimOp::canonicalize(DimOp op, mlir::PatternRewriter& rewriter) {
  const int64_t d = static_cast<int64_t>(op.getDimension());
  const Value array = op.getArray();
  // A slice keeps the trailing extents.
  if (auto slice = array.getDefiningOp<ExtractOp>()) {
    const int64_t skipped = static_cast<int64_t>(slice.getIndices().size());
    rewriter.replaceOpWithNewOp<DimOp>(op, op.getType(), slice.getArray(),
                                       rewriter.getI64IntegerAttr(d + skipped));
    return success();
  }
  if (auto data = array.getDefiningOp<DataOp>()) {
    auto slot = mlir::SymbolTable::lookupNearestSymbolFrom<SlotOp>(op, data.getSlotAttr());
    if (!slot || slot.getDims().size() <= static_cast<size_t>(d)) return failure();
    const mlir::Attribute extent = slot.getDims()[static_cast<unsigned>(d)];
    if (auto symbol = mlir::dyn_cast<mlir::FlatSymbolRefAttr>(extent)) {
      rewriter.replaceOpWithNewOp<DataOp>(op, op.getType(), symbol);
      return success();
    }
    if (auto sum = mlir::dyn_cast<mlir::ArrayAttr>(extent)) {
      const Value size = rewriter.create<DataOp>(op.getLoc(), op.getType(),
                                                 mlir::cast<mlir::FlatSymbolRefAttr>(sum[0]));
      const Value offset = rewriter.create<mlir::arith::ConstantOp>(
          op.getLoc(), mlir::cast<mlir::IntegerAttr>(sum[1]));
      rewriter.replaceOpWithNewOp<mlir::arith::AddIOp>(op, size, offset);
      return success();
    }
    rewriter.replaceOpWithNewOp<mlir::arith::ConstantOp>(op, mlir::cast<mlir::IntegerAttr>(extent));
    return success();
  }
  auto result = mlir::dyn_cast<mlir::OpResult>(array);
  auto loop = result ? mlir::dyn_cast<ForOp>(result.getOwner()) : ForOp();
  if (!loop) {
    // Arguments of a loop have the shape of what they start from.
    auto argument = mlir::dyn_cast<mlir::BlockArgument>(array);
    auto parent = argument ? mlir::dyn_cast<ForOp>(argument.getOwner()->getParentOp()) : ForOp();
    if (!parent || argument.getArgNumber() == 0) return failure();
    const size_t n = argument.getArgNumber() - 1;
    const size_t carries = parent.getCarryInits().size();
    if (n < carries) return failure();  // a carry may change its shape
    rewriter.modifyOpInPlace(
        op, [&] { op.getArrayMutable().assign(parent.getIntoInits()[n - carries]); });
    return success();
  }
  const size_t n = result.getResultNumber();
  const size_t carries = loop.getCarries().size(), maps = loop.getMaps().size();
  if (n < carries) return failure();
  if (n < carries + maps) {
    if (d != 0) return failure();
    const bool from_zero = mlir::matchPattern(loop.getLower(), mlir::m_Zero());
    if (from_zero && is_extent(loop.getUpper())) {
      rewriter.replaceOp(op, loop.getUpper());
      return success();
    }
    // A range that runs backwards has no iterations, not a negative number of them.
    const mlir::Location loc = op.getLoc();
    const Value span = from_zero ? loop.getUpper()
                                 : rewriter.createOrFold<mlir::arith::SubIOp>(loc, loop.getUpper(),
                                                                              loop.getLower());
    rewriter.replaceOpWithNewOp<mlir::arith::MaxSIOp>(op, span, int_constant(rewriter, loc, 0));
    return success();
  }
  rewriter.modifyOpInPlace(op, [&] {
    op.getArrayMutable().assign(loop.getIntoInits()[n - carries - maps - loop.getSums().size()]);
  });
  return success();
}

LogicalResult ExtractOp::verify() {
  return verify_access(*this, getArray().getType(), getIndices().size(), getType());
}
mlir::Speculation::Speculatability ExtractOp::getSpeculatability() {
  return speculatability_of_access(getPlace().has_value());
}

LogicalResult ExtractOp::canonicalize(ExtractOp op, mlir::PatternRewriter& rewriter) {
  if (op.getIndices().empty()) {
    rewriter.replaceOp(op, op.getArray());
    return success();
  }
  // x[i][j] is x[i, j]; each keeps its own check.
  if (auto outer = op.getArray().getDefiningOp<ExtractOp>()) {
    if (outer.getPlace().has_value() && outer.getPlace() != op.getPlace()) return failure();
    llvm::SmallVector<Value> indices(outer.getIndices());
    llvm::append_range(indices, op.getIndices());
    rewriter.replaceOpWithNewOp<ExtractOp>(op, op.getType(), outer.getArray(), indices,
                                           op.getPlaceAttr());
    return success();
  }
  if (op.getPlace()) return failure();
  if (op.getArray().getDefiningOp<ZerosOp>() && !is_array(op.getType())) {
    rewriter.replaceOpWithNewOp<mlir::arith::ConstantOp>(op, rewriter.getZeroAttr(op.getType()));
    return success();
  }
  if (auto insert = op.getArray().getDefiningOp<InsertOp>()) {
    if (insert.getIndices() == op.getIndices()) {
      rewriter.replaceOp(op, insert.getValue());
      return success();
    }
    // Different constants under an equal prefix: the insert is elsewhere.
    for (auto [mine, its] : llvm::zip(op.getIndices(), insert.getIndices())) {
      llvm::APInt a, b;
      if (mlir::matchPattern(mine, mlir::m_ConstantInt(&a)) &&
          mlir::matchPattern(its, mlir::m_ConstantInt(&b)) && a != b) {
        rewriter.modifyOpInPlace(op, [&] { op.getArrayMutable().assign(insert.getArray()); });
        return success();
      }
    }
  }
  return failure();
}

LogicalResult InsertOp::verify() {
  return verify_access(*this, getArray().getType(), getIndices().size(), getValue().getType());
}
mlir::Speculation::Speculatability InsertOp::getSpeculatability() {
  return speculatability_of_access(getPlace().has_value());
}

LogicalResult AddAtOp::verify() {
  return verify_access(*this, getArray().getType(), getIndices().size(), getValue().getType());
}

}  // namespace borel::prob
