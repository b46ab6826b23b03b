// Declarations of functions that passes are to make, the machine's entries, and the descriptor.
#include <algorithm>

#include "compiler/lower/function_lowering.h"
#include "compiler/sema/size.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace borel::lowering {

using mlir::OpBuilder;
using mlir::Value;

namespace {
bool is_latent(const typed::Site& site) { return site.kind == typed::Site::Kind::Latent; }

/// What of a model can be made at all.
struct Abilities {
  bool continuous = true, constrain = true, unconstrain = true, simulate = true, predict = true;

  void look(const typed::Block& block) {
    for (const typed::Stmt& stmt : block) {
      if (const auto* sample = typed::as<typed::Sample>(stmt)) {
        if (sample->observed) {
          if (!sample->distribution.sampler) predict = false;
          continue;
        }
        const typed::Support& support = sample->support;
        if (support.discrete) continuous = constrain = unconstrain = false;
        if (support.constrain && !support.unconstrain) unconstrain = false;
        if (!sample->distribution.sampler) simulate = false;
      } else if (const auto* loop = typed::as<typed::For>(stmt)) {
        look(loop->body);
      } else if (const auto* repeat = typed::as<typed::While>(stmt)) {
        look(repeat->body);
      } else if (const auto* branch = typed::as<typed::If>(stmt)) {
        look(branch->then_block);
        look(branch->else_block);
      }
    }
  }
};
}  // namespace

mlir::func::FuncOp ModuleLowering::derived(typed::ModelId id, llvm::StringRef kind) {
  const typed::Model& model = program_[id];
  const std::string name = model.name + "." + kind.str();
  mlir::func::FuncOp& function = on_demand_[name];
  if (function) return function;
  mlir::func::FuncOp source = models_.at(id);
  OpBuilder b(context_);
  const mlir::Type real = prob::real_type(context_), reals = prob::array_type(real, 1);
  llvm::SmallVector<mlir::Type> latents, trace(source.getResultTypes());
  for (const typed::Site& site : model.sites)
    if (is_latent(site)) latents.push_back(type(site.type));

  llvm::SmallVector<mlir::Type> arguments(source.getArgumentTypes()), results;
  if (kind == "dimension") {
    results = {b.getI64Type()};
  } else if (kind == "constrain" || kind == "simulate") {
    if (kind == "constrain") arguments.push_back(reals);
    results = trace;
  } else if (kind == "unconstrain") {
    llvm::append_range(arguments, latents);
    results = {reals};
  } else if (kind == "predict" || kind == "log_likelihood") {
    for (const typed::Site& site : model.sites) {
      const bool terms = kind == "log_likelihood" && !is_latent(site);
      const size_t rank = terms ? static_cast<size_t>(site.outer_rank) : site.type.dims.size();
      const mlir::Type of = prob::array_type(real, static_cast<unsigned>(rank));
      if (is_latent(site)) arguments.push_back(of);
      if (site.kind == typed::Site::Kind::Observed) results.push_back(of);
    }
  } else if (kind == "trace_log_density") {
    llvm::append_range(arguments, latents);
    results = {real};
  } else if (kind == "diagnose") {
    arguments.push_back(reals);
  } else if (kind == "stage_count" || kind == "frame_reals" || kind == "frame_ints") {
    results = {b.getI64Type()};
  } else if (kind == "advance" || kind == "follow") {
    const mlir::Type frames[] = {prob::array_type(real, 2), prob::array_type(b.getI64Type(), 2)};
    arguments.push_back(b.getI64Type());
    arguments.append({frames[0], frames[1], reals});
    if (kind == "follow") arguments.append({frames[0], frames[1]});
    results = {frames[0], frames[1], reals};
  } else if (kind == "transition") {
    const mlir::Type frames[] = {prob::array_type(real, 2), prob::array_type(b.getI64Type(), 2)};
    arguments.append({b.getI64Type(), frames[0], frames[1], frames[0], frames[1], b.getI64Type()});
    results = {reals};
  } else if (kind == "path_trace") {
    arguments.append({prob::array_type(real, 2), prob::array_type(b.getI64Type(), 2)});
    results = trace;
  } else if (kind == "trace_path") {
    llvm::append_range(arguments, latents);
    results = {prob::array_type(real, 2), prob::array_type(b.getI64Type(), 2)};
  } else if (kind == "check_stage") {
    arguments.append({b.getI64Type(), reals});
  } else if (kind == "stage_summary") {
    arguments.append({prob::array_type(real, 2), prob::array_type(b.getI64Type(), 2), reals});
    for (const auto of : {typed::Site::Kind::Latent, typed::Site::Kind::Derived})
      for (const typed::Site& site : model.sites)
        if (site.kind == of)
          results.append(
              2, prob::array_type(real, static_cast<unsigned>(site.type.dims.size() - site.moves)));
  } else {
    const bool product = kind.starts_with("hessian_vector");
    arguments.push_back(reals);
    results = {real};
    if (product) arguments.push_back(reals);
    if (product || kind.contains("gradient")) results.push_back(reals);
    if (product) results.push_back(reals);
  }
  function = make_function(name, arguments, results, location(model.span), false);
  function->setAttr(
      prob::derive_attribute,
      b.getDictionaryAttr({b.getNamedAttr("kind", b.getStringAttr(kind)),
                           b.getNamedAttr("of", mlir::FlatSymbolRefAttr::get(source))}));
  if (kind.contains("log_density") || kind == "likelihood" || kind.starts_with("hessian_vector"))
    function->setAttr(prob::density_attribute, mlir::UnitAttr::get(context_));
  return function;
}

mlir::func::FuncOp ModuleLowering::gradient(typed::FunctionId id, const std::vector<bool>& wrt) {
  const typed::Function& source = program_[id];
  std::string name = source.name + ".gradient.";
  for (const bool wanted : wrt) name += wanted ? '1' : '0';
  mlir::func::FuncOp& function = on_demand_[name];
  if (function) return function;
  mlir::func::FuncOp of = functions_.at(id);
  llvm::SmallVector<bool> flat;
  llvm::SmallVector<mlir::Type> results(of.getResultTypes());
  for (size_t i = 0; i < wrt.size(); ++i)
    for (const mlir::Type type : types(program_[source.params[i]].type)) {
      const bool wanted = wrt[i] && prob::is_real(type);
      flat.push_back(wanted);
      if (wanted) results.push_back(type);
    }
  OpBuilder b(context_);
  function = make_function(name, of.getArgumentTypes(), results, location(source.span), false);
  function->setAttr(prob::derive_attribute,
                    b.getDictionaryAttr({b.getNamedAttr("kind", b.getStringAttr("gradient")),
                                         b.getNamedAttr("of", mlir::FlatSymbolRefAttr::get(of)),
                                         b.getNamedAttr("wrt", b.getBoolArrayAttr(flat))}));
  return function;
}

//===- The machine's entries ------------------------------------------------------------------===//

void ModuleLowering::make_entries() {
  const typed::Machine& machine = *program_.machine;
  OpBuilder b(context_);
  const mlir::Type real = prob::real_type(context_), reals = prob::array_type(real, 1);
  const mlir::Location loc = mlir::UnknownLoc::get(context_);
  llvm::SmallVector<mlir::Type> parameters;
  for (const typed::MachineParameter& parameter : machine.parameters)
    parameters.push_back(scalar_type(parameter.type));
  llvm::SmallVector<mlir::Type> state(parameters);
  llvm::append_range(state, types(machine.state));

  auto entry = [&](llvm::StringRef kind, mlir::TypeRange arguments, mlir::TypeRange results) {
    mlir::func::FuncOp function =
        make_function(("machine." + kind).str(), arguments, results, loc, true);
    function.setPublic();
    function->setAttr(prob::entry_attribute, b.getStringAttr(kind));
    b.setInsertionPointToEnd(&function.getBody().front());
    return function;
  };
  auto finish = [&](mlir::ValueRange kept, typed::FunctionId id, mlir::ValueRange arguments) {
    auto call = b.create<mlir::func::CallOp>(loc, functions_.at(id), arguments);
    llvm::SmallVector<Value> results(kept);
    llvm::append_range(results, call.getResults());
    b.create<mlir::func::ReturnOp>(loc, results);
  };

  mlir::func::FuncOp init = entry("init", {reals, reals, real}, state);
  llvm::SmallVector<Value> values;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Value index = prob::int_constant(b, loc, static_cast<int64_t>(i));
    Value value = prob::extract(b, loc, init.getArgument(0), index);
    if (!prob::is_real(parameters[i]))
      value = b.create<mlir::arith::FPToSIOp>(loc, parameters[i], value);
    values.push_back(value);
  }
  llvm::SmallVector<Value> arguments(values);
  arguments.append({init.getArgument(1), init.getArgument(2)});
  finish(values, machine.init, arguments);

  mlir::func::FuncOp step = entry("step", state, state);
  finish(step.getArguments().take_front(parameters.size()), machine.step, step.getArguments());
  mlir::func::FuncOp draw = entry("draw", state, functions_.at(machine.draw).getResultTypes());
  finish({}, machine.draw, draw.getArguments());
  mlir::func::FuncOp info = entry("info", state, functions_.at(machine.info).getResultTypes());
  finish({}, machine.info, info.getArguments());
  if (machine.metric != typed::FunctionId::None) {
    mlir::func::FuncOp metric =
        entry("metric", state, functions_.at(machine.metric).getResultTypes());
    finish({}, machine.metric, metric.getArguments());
  }
  if (machine.steps != typed::VarId::None) {
    mlir::func::FuncOp steps = entry("steps", {}, {b.getI64Type()});
    FunctionLowering(*this, steps).lower_reader(machine.steps);
  }
}

//===- The descriptor -------------------------------------------------------------------------===//

// Names of globals and captured values mean something outside the model; others do not.
std::string ModuleLowering::dim_text(const typed::Size& size) const {
  for (const auto& term : size.terms)
    for (const typed::VarId factor : term.factors)
      if (factor == typed::VarId::None || !program_[factor].global ||
          program_[factor].name.find_first_of(" .") != std::string::npos)
        return "?";
  return sema::text(size, [&](typed::VarId id) { return program_[id].name; });
}

void ModuleLowering::describe_program() {
  ProgramDescription& out = result_.description;
  read_places(*module_, out);
  for (size_t i = 0; i < program_.models.size(); ++i) {
    const auto id = static_cast<typed::ModelId>(i);
    const typed::Model& model = program_[id];
    // The runtime knows no captured values: a model with some is for the program's own use.
    if (!model.params.empty()) continue;
    if (program_.machine && program_.machine->model == id)
      out.machine.model = static_cast<int32_t>(out.models.size());
    ModelDescription& description = out.models.emplace_back();
    description.name = model.name;
    for (const auto kind :
         {typed::Site::Kind::Latent, typed::Site::Kind::Derived, typed::Site::Kind::Observed})
      for (const typed::Site& site : model.sites) {
        if (site.kind != kind) continue;
        SiteDescription& s = description.sites.emplace_back();
        s.name = site.name;
        s.kind = static_cast<SiteDescription::Kind>(site.kind);
        s.type = site.type.scalar == typed::Scalar::Real  ? DataType::Real
                 : site.type.scalar == typed::Scalar::Int ? DataType::Int
                                                          : DataType::Bool;
        s.rank = static_cast<int32_t>(site.type.dims.size());
        s.column_major = site.type.matrix;
        s.support = site.support;
        s.span = describe(site.span);
        s.draw_rank = site.outer_rank;
        for (const typed::Size& dim : site.type.dims) s.dims.push_back(dim_text(dim));
      }
    description.shape = "shape." + model.name;
    if (model.record) continue;
    Abilities can;
    can.look(model.body);
    auto want = [&](bool wanted, const char* kind) -> std::string {
      if (!wanted) return {};
      mlir::func::FuncOp function = derived(id, kind);
      function->setAttr(prob::entry_attribute, mlir::StringAttr::get(context_, kind));
      return function.getName().str();
    };
    const bool density = options_.log_density && can.continuous;
    // A program that asks for a derivative that nobody gives is told so; what is made unasked goes
    // without.
    const bool asked = on_demand_.contains(model.name + ".log_density_gradient");
    const bool gradient = options_.log_density_gradient && can.continuous &&
                          (asked || !reaches_no_derivative(models_.at(id)));
    description.log_density = want(density, "log_density");
    description.log_density_plain = want(density, "log_density_plain");
    description.log_density_gradient = want(gradient, "log_density_gradient");
    description.log_density_gradient_plain = want(gradient, "log_density_gradient_plain");
    const bool hessian = options_.hessian && can.continuous;
    description.hessian_vector = want(hessian, "hessian_vector");
    description.hessian_vector_plain = want(hessian, "hessian_vector_plain");
    description.constrain = want(options_.constrain && can.constrain, "constrain");
    description.unconstrain = want(options_.unconstrain && can.unconstrain, "unconstrain");
    description.simulate = want(options_.simulate && can.simulate, "simulate");
    const bool observes = std::any_of(model.sites.begin(), model.sites.end(), [](const auto& site) {
      return site.kind == typed::Site::Kind::Observed;
    });
    for (const typed::Site& site : model.sites)
      if (site.kind == typed::Site::Kind::Observed && !site.observed) can.predict = false;
    // A whole number that was observed where the model draws a real cannot be read anew.
    models_.at(id).walk([&](prob::ObservedOp read) {
      const typed::Site& site = model.sites[static_cast<size_t>(read.getSite())];
      if (site.type.scalar == typed::Scalar::Real && !prob::is_real(read.getType()) &&
          !read.use_empty())
        can.predict = false;
    });
    description.predict = want(options_.predict && observes && can.predict, "predict");
    description.log_likelihood = want(options_.log_likelihood && observes, "log_likelihood");
    description.diagnose = want(options_.diagnose && can.continuous, "diagnose");
  }

  if (!program_.machine) return;
  const typed::Machine& machine = *program_.machine;
  out.has_machine = true;
  MachineDescription& m = out.machine;
  m.name = machine.name;
  if (m.model < 0)
    throw InternalError("the machine's model has captured values", program_[machine.model].span);
  for (const typed::MachineParameter& parameter : machine.parameters)
    m.parameters.push_back(
        {parameter.name, parameter.type == typed::Scalar::Int ? DataType::Int : DataType::Real,
         parameter.lower, parameter.upper, parameter.fallback, describe(parameter.span)});
  m.statistics = machine.statistics;
  m.init = "machine.init";
  m.step = "machine.step";
  m.draw = "machine.draw";
  m.info = "machine.info";
  if (machine.metric != typed::FunctionId::None) m.metric = "machine.metric";
  if (machine.steps != typed::VarId::None) m.steps = "machine.steps";
}

}  // namespace borel::lowering

namespace borel {

void read_places(mlir::ModuleOp module, ProgramDescription& description) {
  description.places.clear();
  const auto places = module->getAttrOfType<mlir::ArrayAttr>(prob::places_attribute);
  for (const auto attribute : places.getAsRange<mlir::DictionaryAttr>()) {
    const auto span = attribute.getAs<mlir::ArrayAttr>("span");
    auto number = [&](unsigned i) {
      return static_cast<int32_t>(mlir::cast<mlir::IntegerAttr>(span[i]).getInt());
    };
    PlaceDescription& place = description.places.emplace_back();
    place.span = {mlir::cast<mlir::StringAttr>(span[0]).str(), number(1), number(2), number(3),
                  number(4)};
    place.site = attribute.getAs<mlir::StringAttr>("site").str();
    place.what = attribute.getAs<mlir::StringAttr>("what").str();
  }
}

}  // namespace borel
