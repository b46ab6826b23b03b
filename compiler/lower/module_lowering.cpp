#include "compiler/lower/module_lowering.h"

#include <algorithm>

#include "compiler/lower/function_lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace borel::lowering {

using mlir::Attribute;
using mlir::OpBuilder;
using typed::VarId;

ModuleLowering::ModuleLowering(const typed::Program& program, const SourceManager& sources,
                               mlir::MLIRContext& context, const LowerOptions& options,
                               LowerResult& result)
    : program_(program), sources_(sources), context_(&context), options_(options), result_(result) {
  context.loadDialect<prob::ProbDialect, mlir::arith::ArithDialect, mlir::func::FuncDialect,
                      mlir::math::MathDialect, mlir::scf::SCFDialect>();
}

mlir::OwningOpRef<mlir::ModuleOp> ModuleLowering::run() {
  module_ = mlir::ModuleOp::create(mlir::UnknownLoc::get(context_), program_.name);
  module_.get()->setAttr(prob::places_attribute, place_attributes());
  result_.description.name = program_.name;
  make_slots();
  declare_functions();
  for (size_t i = 0; i < program_.functions.size(); ++i) {
    const auto id = static_cast<typed::FunctionId>(i);
    mlir::func::FuncOp function = functions_.at(id);
    FunctionLowering(*this, function).lower_function(program_[id]);
  }
  for (const typed::Global& global : program_.globals)
    FunctionLowering(*this, globals_.at(global.variable)).lower_global(global);
  make_host_functions();
  for (size_t i = 0; i < program_.models.size(); ++i) make_model(static_cast<typed::ModelId>(i));
  describe_program();
  if (program_.machine) make_entries();
  return std::move(module_);
}

//===- Types and places -----------------------------------------------------------------------===//

mlir::Type ModuleLowering::scalar_type(typed::Scalar scalar) const {
  switch (scalar) {
    case typed::Scalar::Bool:
      return mlir::IntegerType::get(context_, 1);
    case typed::Scalar::Int:
      return mlir::IntegerType::get(context_, 64);
    case typed::Scalar::Real:
      break;
  }
  return prob::real_type(context_);
}

mlir::Type ModuleLowering::type(const typed::Type& type) const {
  if (type.kind == typed::Type::Kind::Scalar) return scalar_type(type.scalar);
  if (type.kind != typed::Type::Kind::Array)
    throw InternalError("a tuple where one value is wanted");
  return prob::array_type(scalar_type(type.scalar), static_cast<unsigned>(type.dims.size()));
}

llvm::SmallVector<mlir::Type, 4> ModuleLowering::types(const typed::Type& type) const {
  llvm::SmallVector<mlir::Type, 4> out;
  if (type.kind == typed::Type::Kind::Unit) return out;
  if (type.kind != typed::Type::Kind::Tuple) return {this->type(type)};
  for (const typed::Type& element : type.elements) llvm::append_range(out, types(element));
  return out;
}

mlir::Location ModuleLowering::location(Span span) const {
  if (!span.valid()) return mlir::UnknownLoc::get(context_);
  const Position at = sources_.begin(span);
  return mlir::FileLineColLoc::get(context_, sources_.file(span.file).path(), at.line, at.column);
}

SpanDescription ModuleLowering::describe(Span span) const {
  if (!span.valid()) return {};
  const Position begin = sources_.begin(span), end = sources_.end(span);
  return {sources_.file(span.file).path(), static_cast<int32_t>(begin.line),
          static_cast<int32_t>(begin.column), static_cast<int32_t>(end.line),
          static_cast<int32_t>(end.column)};
}

mlir::ArrayAttr ModuleLowering::span_attribute(Span span) const {
  const SpanDescription d = describe(span);
  OpBuilder b(context_);
  return b.getArrayAttr({b.getStringAttr(d.file), b.getI64IntegerAttr(d.line),
                         b.getI64IntegerAttr(d.column), b.getI64IntegerAttr(d.end_line),
                         b.getI64IntegerAttr(d.end_column)});
}

mlir::ArrayAttr ModuleLowering::place_attributes() const {
  OpBuilder b(context_);
  llvm::SmallVector<Attribute> out;
  for (const typed::Place& place : program_.places) {
    out.push_back(b.getDictionaryAttr({b.getNamedAttr("span", span_attribute(place.span)),
                                       b.getNamedAttr("site", b.getStringAttr(place.site)),
                                       b.getNamedAttr("what", b.getStringAttr(place.what))}));
  }
  return b.getArrayAttr(out);
}

namespace {
const char* name_of(typed::Scalar scalar) {
  switch (scalar) {
    case typed::Scalar::Bool:
      return "bool";
    case typed::Scalar::Int:
      return "int";
    case typed::Scalar::Real:
      break;
  }
  return "real";
}
const char* name_of(typed::Site::Kind kind) {
  switch (kind) {
    case typed::Site::Kind::Latent:
      return "latent";
    case typed::Site::Kind::Derived:
      return "derived";
    case typed::Site::Kind::Observed:
      break;
  }
  return "observed";
}
}  // namespace

mlir::ArrayAttr ModuleLowering::site_attributes(const typed::Model& model) const {
  OpBuilder b(context_);
  llvm::SmallVector<Attribute> out;
  for (const typed::Site& site : model.sites) {
    const auto rank = static_cast<int64_t>(site.type.dims.size());
    llvm::SmallVector<mlir::NamedAttribute> entries(
        {b.getNamedAttr("name", b.getStringAttr(site.name)),
         b.getNamedAttr("kind", b.getStringAttr(name_of(site.kind))),
         b.getNamedAttr("type", b.getStringAttr(name_of(site.type.scalar))),
         b.getNamedAttr("rank", b.getI64IntegerAttr(rank)),
         b.getNamedAttr("draw_rank", b.getI64IntegerAttr(site.outer_rank)),
         b.getNamedAttr("layout", b.getStringAttr(site.type.matrix ? "column_major" : "row_major")),
         b.getNamedAttr("support", b.getStringAttr(site.support)),
         b.getNamedAttr("span", span_attribute(site.span))});
    if (site.moves) entries.push_back(b.getNamedAttr("moves", b.getUnitAttr()));
    out.push_back(b.getDictionaryAttr(entries));
  }
  return b.getArrayAttr(out);
}

//===- Slots ----------------------------------------------------------------------------------===//

/// The extents of an array slot, in storage order: a size's symbol, a constant, or [symbol,
/// offset].
mlir::ArrayAttr ModuleLowering::slot_dims(const typed::Input& input) const {
  OpBuilder b(context_);
  llvm::SmallVector<Attribute> out;
  typed::Type type = program_[input.variable].type;
  if (!input.dims.empty()) type.dims = input.dims;
  for (const typed::Size& dim : storage_dims(type)) out.push_back(slot_extent(dim));
  return b.getArrayAttr(out);
}

mlir::Attribute ModuleLowering::slot_extent(const typed::Size& size) const {
  OpBuilder b(context_);
  const DimDescription d = describe(size);
  const auto offset = b.getI64IntegerAttr(d.offset);
  if (d.symbol < 0) return offset;
  const auto symbol = mlir::FlatSymbolRefAttr::get(
      context_, "size." + program_[program_.sizes[static_cast<size_t>(d.symbol)]].name);
  if (d.offset == 0) return symbol;
  return b.getArrayAttr({symbol, offset});
}

DimDescription ModuleLowering::describe(const typed::Size& size) const {
  DimDescription out;
  for (const auto& term : size.terms) {
    if (term.factors.empty()) {
      out.offset = term.coefficient;
      continue;
    }
    const auto found = std::find(program_.sizes.begin(), program_.sizes.end(), term.factors[0]);
    if (term.factors.size() != 1 || term.coefficient != 1 || out.symbol >= 0 ||
        found == program_.sizes.end())
      throw InternalError("an extent of an input is not a size symbol plus a constant");
    out.symbol = static_cast<int32_t>(found - program_.sizes.begin());
  }
  return out;
}

void ModuleLowering::make_slots() {
  OpBuilder b = OpBuilder::atBlockEnd(module_->getBody());
  ProgramDescription& description = result_.description;
  for (const VarId id : program_.sizes) {
    const typed::Variable& variable = program_[id];
    const std::string symbol = "size." + variable.name;
    b.create<prob::SlotOp>(location(variable.span), symbol, b.getI64Type(), "size",
                           b.getArrayAttr({}), static_cast<int64_t>(description.sizes.size()));
    slots_[id] = symbol;
    description.sizes.push_back({variable.name, symbol, describe(variable.span)});
  }
  for (const typed::Input& input : program_.inputs) {
    const typed::Variable& variable = program_[input.variable];
    const std::string symbol = "input." + variable.name;
    auto made =
        b.create<prob::SlotOp>(location(variable.span), symbol, type(variable.type), "input",
                               slot_dims(input), static_cast<int64_t>(description.inputs.size()));
    if (input.is_index) made->setAttr(prob::below_attribute, slot_extent(input.index_bound));
    // An int input that is also a size is read as the size.
    slots_.try_emplace(input.variable, symbol);
    InputDescription& out = description.inputs.emplace_back();
    out.name = variable.name;
    out.slot = symbol;
    out.type = input.is_index                                ? DataType::Index
               : variable.type.scalar == typed::Scalar::Int  ? DataType::Int
               : variable.type.scalar == typed::Scalar::Bool ? DataType::Bool
                                                             : DataType::Real;
    for (const typed::Size& dim : input.dims.empty() ? variable.type.dims : input.dims)
      out.dims.push_back(describe(dim));
    out.column_major = variable.type.matrix;
    out.index_base = input.index_base;
    if (input.is_index) out.index_bound = describe(input.index_bound);
    out.lower = input.lower;
    out.upper = input.upper;
    out.lower_open = input.lower_open;
    out.upper_open = input.upper_open;
    out.span = describe(input.span);
    out.fallback = input.fallback;
  }
}

mlir::FlatSymbolRefAttr ModuleLowering::slot(VarId id) const {
  const auto found = slots_.find(id);
  if (found == slots_.end()) return {};
  return mlir::FlatSymbolRefAttr::get(context_, found->second);
}

//===- Functions ------------------------------------------------------------------------------===//

mlir::func::FuncOp ModuleLowering::make_function(llvm::StringRef name, mlir::TypeRange arguments,
                                                 mlir::TypeRange results, mlir::Location location,
                                                 bool with_body) {
  auto function = mlir::func::FuncOp::create(location, name,
                                             mlir::FunctionType::get(context_, arguments, results));
  function.setPrivate();
  module_->getBody()->push_back(function);
  if (with_body) function.addEntryBlock();
  return function;
}

void ModuleLowering::declare_functions() {
  auto params_of = [&](const std::vector<VarId>& params) {
    llvm::SmallVector<mlir::Type> out;
    for (const VarId param : params) llvm::append_range(out, types(program_[param].type));
    return out;
  };
  for (size_t i = 0; i < program_.functions.size(); ++i) {
    const typed::Function& function = program_.functions[i];
    functions_[static_cast<typed::FunctionId>(i)] =
        make_function(function.name, params_of(function.params), types(function.result),
                      location(function.span), true);
    if (function.recursion != typed::PlaceId::None)
      functions_[static_cast<typed::FunctionId>(i)]->setAttr(
          prob::place_attribute,
          OpBuilder(context_).getI64IntegerAttr(static_cast<int64_t>(function.recursion)));
  }
  std::map<std::string, int> names;
  for (const typed::Global& global : program_.globals) {
    const std::string name = program_[global.variable].name;
    const int number = names[name]++;
    const std::string symbol =
        "global." + name + (number == 0 ? "" : "." + std::to_string(number + 1));
    mlir::func::FuncOp function = make_function(
        symbol, {},
        global.check ? llvm::SmallVector<mlir::Type, 4>() : types(program_[global.variable].type),
        location(global.value->span), true);
    if (global.check) {
      function.setPublic();
      function->setAttr(prob::check_attribute, mlir::UnitAttr::get(context_));
    }
    function->setAttr(prob::global_attribute, mlir::UnitAttr::get(context_));
    globals_[global.variable] = function;
  }
  for (size_t i = 0; i < program_.models.size(); ++i) {
    const typed::Model& model = program_.models[i];
    llvm::SmallVector<mlir::Type> results;
    for (const auto kind : {typed::Site::Kind::Latent, typed::Site::Kind::Derived})
      for (const typed::Site& site : model.sites)
        if (site.kind == kind) results.push_back(type(site.type));
    mlir::func::FuncOp function = make_function("model." + model.name, params_of(model.params),
                                                results, location(model.span), true);
    function->setAttr(prob::model_attribute, mlir::UnitAttr::get(context_));
    function->setAttr(prob::sites_attribute, site_attributes(model));
    models_[static_cast<typed::ModelId>(i)] = function;
  }
}

mlir::func::FuncOp ModuleLowering::function(typed::FunctionId id) const {
  return functions_.at(id);
}
mlir::func::FuncOp ModuleLowering::model(typed::ModelId id) const { return models_.at(id); }
mlir::func::FuncOp ModuleLowering::global(VarId id) const {
  const auto found = globals_.find(id);
  if (found == globals_.end())
    throw InternalError("'" + program_[id].name + "' is global but has no definition");
  return found->second;
}

//===- Models ---------------------------------------------------------------------------------===//

void ModuleLowering::make_model(typed::ModelId id) {
  const typed::Model& model = program_[id];
  mlir::func::FuncOp function = models_.at(id);
  FunctionLowering(*this, function).lower_model(model);

  size_t values = 2;
  for (const typed::Site& site : model.sites) values += site.type.dims.size() + 1;
  const llvm::SmallVector<mlir::Type> integers(values, mlir::IntegerType::get(context_, 64));
  mlir::func::FuncOp shape = make_function("shape." + model.name, function.getArgumentTypes(),
                                           integers, location(model.span), true);
  FunctionLowering(*this, shape).lower_shape(model);
  if (model.params.empty()) {
    shape.setPublic();
    shape->setAttr(prob::entry_attribute, mlir::StringAttr::get(context_, "shape"));
  }
  function->setAttr(prob::shape_attribute, mlir::FlatSymbolRefAttr::get(shape));
}

}  // namespace borel::lowering

namespace borel {

mlir::OwningOpRef<mlir::ModuleOp> lower(const typed::Program& program, const SourceManager& sources,
                                        mlir::MLIRContext& context, const LowerOptions& options,
                                        LowerResult& result) {
  return lowering::ModuleLowering(program, sources, context, options, result).run();
}

}  // namespace borel
