// The descriptor: constants laid out as the structs of borel/program.h.
#include <cstddef>
#include <map>

#include "borel/program.h"
#include "compiler/codegen/emit.h"
#include "compiler/codegen/emit_entry.h"
#include "compiler/support/diagnostics.h"
#include "llvm/Target/TargetMachine.h"

namespace borel::codegen {
namespace {

class Descriptor {
 public:
  Descriptor(ModuleEmitter& module, const ProgramDescription& program)
      : m_(module), program_(program), entries_(module) {}

  void emit(const std::string& source_hash, const std::string& symbol) {
    std::vector<llvm::Constant*> sizes, inputs, models, places, externals;
    for (const SizeDescription& one : program_.sizes) sizes.push_back(size(one));
    for (const InputDescription& one : program_.inputs) inputs.push_back(input(one));
    for (const ModelDescription& one : program_.models) models.push_back(model(one));
    for (const PlaceDescription& one : program_.places) places.push_back(place(one));
    for (const ExternalDescription& one : program_.externals) externals.push_back(external(one));
    llvm::Constant* program =
        record({number(BOREL_ABI_VERSION), number(static_cast<std::int32_t>(sizeof(borel_program))),
                text(m_.target.cpu), text(source_hash), text(program_.name), count(sizes),
                count(inputs), count(models), count(places), list(sizes), list(inputs),
                list(models), list(places), machine(), function(entries_.instance_size(program_)),
                function(entries_.bind(program_)), count(externals), list(externals)});
    internal_check(
        m_.module.getDataLayout().getTypeAllocSize(program->getType()) == sizeof(borel_program),
        "the descriptor is not laid out as the contract says");
    new llvm::GlobalVariable(m_.module, program->getType(), /*isConstant=*/true,
                             llvm::GlobalValue::ExternalLinkage, program, symbol);
  }

 private:
  llvm::Constant* number(std::int32_t value) {
    return llvm::ConstantInt::get(m_.i32, static_cast<std::uint64_t>(value), true);
  }
  llvm::Constant* wide(std::int64_t value) {
    return llvm::ConstantInt::get(m_.i64, static_cast<std::uint64_t>(value), true);
  }
  llvm::Constant* real(double value) { return llvm::ConstantFP::get(m_.f64, value); }
  llvm::Constant* count(const std::vector<llvm::Constant*>& entries) {
    return number(static_cast<std::int32_t>(entries.size()));
  }
  llvm::Constant* record(llvm::ArrayRef<llvm::Constant*> fields) {
    return llvm::ConstantStruct::getAnon(fields);
  }
  llvm::Constant* null() { return llvm::ConstantPointerNull::get(m_.ptr); }
  llvm::Constant* function(llvm::Function* function) {
    return function ? static_cast<llvm::Constant*>(function) : null();
  }

  llvm::Constant* text(const std::string& value) {
    llvm::Constant*& found = texts_[value];
    if (!found) {
      llvm::Constant* bytes = llvm::ConstantDataArray::getString(m_.context, value);
      auto* global = new llvm::GlobalVariable(m_.module, bytes->getType(), true,
                                              llvm::GlobalValue::PrivateLinkage, bytes, "text");
      global->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
      found = global;
    }
    return found;
  }

  // The address of a constant array; null when it is empty.
  llvm::Constant* list(const std::vector<llvm::Constant*>& entries) {
    if (entries.empty()) return null();
    auto* type = llvm::ArrayType::get(entries.front()->getType(), entries.size());
    return new llvm::GlobalVariable(m_.module, type, true, llvm::GlobalValue::PrivateLinkage,
                                    llvm::ConstantArray::get(type, entries), "list");
  }

  llvm::Constant* span(const SpanDescription& s) {
    return record(
        {text(s.file), number(s.line), number(s.column), number(s.end_line), number(s.end_column)});
  }
  llvm::Constant* place(const PlaceDescription& p) {
    return record({span(p.span), p.site.empty() ? null() : text(p.site), text(p.what)});
  }
  llvm::Constant* size(const SizeDescription& s) { return record({text(s.name), span(s.span)}); }
  llvm::Constant* dim(const DimDescription& d) {
    return record({number(d.symbol), wide(d.offset)});
  }
  static borel_type type_of(DataType type) {
    switch (type) {
      case DataType::Bool:
        return BOREL_BOOL;
      case DataType::Int:
        return BOREL_INT;
      case DataType::Real:
        return BOREL_REAL;
      case DataType::Index:
        return BOREL_INDEX;
    }
    throw InternalError("an unknown type of data");
  }
  llvm::Constant* layout(bool column_major) {
    return number(column_major ? BOREL_COLUMN_MAJOR : BOREL_ROW_MAJOR);
  }

  llvm::Constant* input(const InputDescription& i) {
    internal_check(i.dims.size() <= BOREL_MAX_RANK, "an input of too many dimensions");
    std::vector<llvm::Constant*> dims;
    for (std::size_t d = 0; d < BOREL_MAX_RANK; ++d)
      dims.push_back(dim(d < i.dims.size() ? i.dims[d] : DimDescription{}));
    auto* type = llvm::ArrayType::get(dims.front()->getType(), BOREL_MAX_RANK);
    return record(
        {text(i.name), number(type_of(i.type)), number(static_cast<std::int32_t>(i.dims.size())),
         layout(i.column_major), number(static_cast<std::int32_t>(i.index_base)),
         llvm::ConstantArray::get(type, dims), dim(i.index_bound), real(i.lower), real(i.upper),
         number(i.lower_open), number(i.upper_open), span(i.span), fallback(i)});
  }

  llvm::Constant* fallback(const InputDescription& i) {
    if (!i.fallback) return null();
    const auto* whole = std::get_if<std::int64_t>(&*i.fallback);
    return list({whole ? wide(*whole) : real(std::get<double>(*i.fallback))});
  }

  llvm::Constant* external(const ExternalDescription& e) {
    std::vector<llvm::Constant*> arguments;
    for (const ExternalDescription::Argument& a : e.arguments)
      arguments.push_back(
          record({number(type_of(a.type)), number(a.rank), layout(a.column_major)}));
    return record({text(e.name), count(arguments), list(arguments), number(e.result_rank),
                   number(e.gradient), span(e.span)});
  }

  llvm::Constant* site(const SiteDescription& s) {
    const borel_site_kind kind = s.kind == SiteDescription::Kind::Latent    ? BOREL_LATENT
                                 : s.kind == SiteDescription::Kind::Derived ? BOREL_DERIVED
                                                                            : BOREL_OBSERVED;
    return record({text(s.name), number(kind), number(type_of(s.type)), number(s.rank),
                   layout(s.column_major), text(s.support), span(s.span), number(s.draw_rank)});
  }

  llvm::Constant* model(const ModelDescription& d) {
    std::vector<llvm::Constant*> sites;
    for (const SiteDescription& one : d.sites) sites.push_back(site(one));
    return record({text(d.name), count(sites), list(sites), function(entries_.dimension(d)),
                   function(entries_.draw_size(d)), function(entries_.site_shape(d)),
                   function(entries_.density(d, d.log_density, false)),
                   function(entries_.density(d, d.log_density_gradient, true)),
                   function(entries_.density(d, d.log_density_plain, false)),
                   function(entries_.density(d, d.log_density_gradient_plain, true)),
                   function(entries_.constrain(d)), function(entries_.unconstrain(d)),
                   function(entries_.simulate(d)), function(entries_.diagnose(d)),
                   function(entries_.hessian_vector(d, d.hessian_vector)),
                   function(entries_.hessian_vector(d, d.hessian_vector_plain)),
                   function(entries_.predict(d)), function(entries_.log_likelihood(d))});
  }

  llvm::Constant* machine() {
    if (!program_.has_machine) return null();
    const MachineDescription& d = program_.machine;
    const ModelDescription& model = program_.models.at(static_cast<std::size_t>(d.model));
    std::vector<llvm::Constant*> parameters, statistics;
    for (const ParameterDescription& p : d.parameters)
      parameters.push_back(record({text(p.name), number(type_of(p.type)), real(p.lower),
                                   real(p.upper), real(p.fallback), span(p.span)}));
    for (const std::string& name : d.statistics) statistics.push_back(text(name));
    return list(
        {record({text(d.name), number(d.model), count(parameters), list(parameters),
                 count(statistics), list(statistics), function(entries_.state_size(d, model)),
                 function(entries_.init(d, model)), function(entries_.step(d, model)),
                 function(entries_.draw(d, model)), function(entries_.info(d, model)),
                 function(entries_.metric_size(d, model)), function(entries_.metric(d, model)),
                 function(entries_.steps(d))})});
  }

  ModuleEmitter& m_;
  const ProgramDescription& program_;
  EntryEmitter entries_;
  std::map<std::string, llvm::Constant*> texts_;
};

}  // namespace

Result<std::unique_ptr<llvm::Module>> emit(mlir::ModuleOp source, const ProgramDescription& program,
                                           const TargetSpec& target, llvm::LLVMContext& context,
                                           const std::string& source_hash,
                                           const std::string& symbol) {
  auto machine = make_target_machine(target);
  if (!machine) return machine.error();
  auto module = std::make_unique<llvm::Module>(program.name, context);
  // The layout first: the sizes of constants depend on it.
  apply_target(*module, target, **machine);
  std::vector<std::string> in_place;
  if (program.has_machine) in_place.push_back(program.machine.step);
  ModuleEmitter emitter(source, *module, target, in_place);
  Descriptor(emitter, program).emit(source_hash, symbol);
  emitter.drop_unused();
  return module;
}

}  // namespace borel::codegen
