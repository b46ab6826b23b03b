#include "compiler/transform/model_sites.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace borel::transform {

using mlir::Value;
using mlir::func::FuncOp;

llvm::SmallVector<ModelSite> model_sites(FuncOp model) {
  llvm::SmallVector<ModelSite> all, out;
  auto sites = model->getAttrOfType<mlir::ArrayAttr>(prob::sites_attribute);
  if (!sites) return out;
  mlir::MLIRContext* context = model.getContext();
  for (auto [index, attribute] : llvm::enumerate(sites)) {
    auto site = mlir::cast<mlir::DictionaryAttr>(attribute);
    const auto kind = site.getAs<mlir::StringAttr>("kind").getValue();
    const auto type = site.getAs<mlir::StringAttr>("type").getValue();
    const auto rank = static_cast<unsigned>(site.getAs<mlir::IntegerAttr>("rank").getInt());
    const mlir::Type scalar = type == "real"  ? mlir::Type(prob::real_type(context))
                              : type == "int" ? mlir::Type(mlir::IntegerType::get(context, 64))
                                              : mlir::Type(mlir::IntegerType::get(context, 1));
    ModelSite entry;
    entry.index = static_cast<int64_t>(index);
    entry.kind = kind == "latent"    ? ModelSite::Kind::Latent
                 : kind == "derived" ? ModelSite::Kind::Derived
                                     : ModelSite::Kind::Observed;
    entry.type = prob::array_type(scalar, rank);
    const auto draw_rank = site.getAs<mlir::IntegerAttr>("draw_rank");
    entry.draw_rank = draw_rank ? static_cast<unsigned>(draw_rank.getInt()) : rank;
    const auto layout = site.getAs<mlir::StringAttr>("layout");
    entry.column_major = layout && layout.getValue() == "column_major";
    entry.moves = site.contains("moves");
    entry.offset_result = rank;
    all.push_back(entry);
  }
  int64_t next = 2;
  for (const auto kind :
       {ModelSite::Kind::Latent, ModelSite::Kind::Derived, ModelSite::Kind::Observed})
    for (ModelSite site : all) {
      if (site.kind != kind) continue;
      site.shape_result = next;
      site.offset_result += next;
      next = site.offset_result + 1;
      out.push_back(site);
    }
  return out;
}

llvm::SmallVector<ModelSite> latent_sites(FuncOp model) {
  llvm::SmallVector<ModelSite> out;
  for (const ModelSite& site : model_sites(model))
    if (site.kind == ModelSite::Kind::Latent) out.push_back(site);
  return out;
}

mlir::ValueRange call_shape(FuncOp function) {
  auto symbol = function->getAttrOfType<mlir::FlatSymbolRefAttr>(prob::shape_attribute);
  auto shape = mlir::SymbolTable::lookupNearestSymbolFrom<FuncOp>(function, symbol);
  mlir::OpBuilder b = mlir::OpBuilder::atBlockBegin(&function.getBody().front());
  auto call = b.create<mlir::func::CallOp>(
      function.getLoc(), shape, function.getArguments().take_front(shape.getNumArguments()));
  return call.getResults();
}

Value linear_index(mlir::OpBuilder& b, mlir::Location loc, mlir::ValueRange indices,
                   mlir::ValueRange extents) {
  Value out;
  for (auto [index, extent] : llvm::zip(indices, extents))
    out = out ? add_sizes(b, loc, multiply_sizes(b, loc, out, extent), index) : index;
  return out ? out : prob::int_constant(b, loc, 0);
}

Value add_sizes(mlir::OpBuilder& b, mlir::Location loc, Value x, Value y) {
  return b.createOrFold<mlir::arith::AddIOp>(loc, x, y);
}
Value multiply_sizes(mlir::OpBuilder& b, mlir::Location loc, Value x, Value y) {
  return b.createOrFold<mlir::arith::MulIOp>(loc, x, y);
}

void update_type(FuncOp function) {
  mlir::Block& body = function.getBody().front();
  function.setType(mlir::FunctionType::get(function.getContext(), body.getArgumentTypes(),
                                           body.getTerminator()->getOperandTypes()));
}

}  // namespace borel::transform
