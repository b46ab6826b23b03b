#include "compiler/driver/descriptor.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace borel::driver {
namespace {

using Json = nlohmann::ordered_json;

/// A bound; null where there is none.
Json bound(double value, bool whole) {
  if (std::isinf(value)) return nullptr;
  if (whole && std::abs(value) < 9e15) return static_cast<std::int64_t>(value);
  return value;
}

Json span(const SpanDescription& place) {
  if (place.line == 0) return nullptr;
  return {{"file", place.file},
          {"line", place.line},
          {"column", place.column},
          {"end_line", place.end_line},
          {"end_column", place.end_column}};
}

const char* layout(bool column_major) { return column_major ? "column_major" : "row_major"; }

std::vector<std::string> size_names(const ProgramDescription& program) {
  std::vector<std::string> names;
  for (const SizeDescription& size : program.sizes) names.push_back(size.name);
  return names;
}

Json sizes(const ProgramDescription& program) {
  Json out = Json::array();
  for (std::size_t i = 0; i < program.sizes.size(); ++i)
    out.push_back({{"name", program.sizes[i].name},
                   {"bound_by", arrays_of(program, i)},
                   {"span", span(program.sizes[i].span)}});
  return out;
}

Json inputs(const ProgramDescription& program) {
  const std::vector<std::string> names = size_names(program);
  Json out = Json::array();
  for (const InputDescription& input : program.inputs) {
    Json dims = Json::array();
    for (const DimDescription& dim : input.dims) dims.push_back(dim_text(dim, names));
    const bool whole = input.type != DataType::Real;
    Json entry{{"name", input.name},
               {"type", type_name(input.type)},
               {"dims", dims},
               {"matrix", input.column_major},
               {"layout", layout(input.column_major)},
               {"lower", bound(input.lower, whole)},
               {"lower_open", input.lower_open},
               {"upper", bound(input.upper, whole)},
               {"upper_open", input.upper_open}};
    if (input.type == DataType::Index) {
      entry["index_base"] = input.index_base;
      entry["index_bound"] = dim_text(input.index_bound, names);
    }
    if (input.fallback) std::visit([&](auto value) { entry["default"] = value; }, *input.fallback);
    entry["span"] = span(input.span);
    out.push_back(std::move(entry));
  }
  return out;
}

Json externals(const ProgramDescription& program) {
  Json out = Json::array();
  for (const ExternalDescription& external : program.externals) {
    Json arguments = Json::array();
    for (const ExternalDescription::Argument& argument : external.arguments)
      arguments.push_back({{"type", type_name(argument.type)},
                           {"rank", argument.rank},
                           {"layout", layout(argument.column_major)}});
    out.push_back({{"name", external.name},
                   {"arguments", arguments},
                   {"result_rank", external.result_rank},
                   {"gradient", external.gradient},
                   {"span", span(external.span)}});
  }
  return out;
}

Json models(const ProgramDescription& program) {
  constexpr const char* kinds[] = {"latent", "derived", "observed"};
  Json out = Json::array();
  for (const ModelDescription& model : program.models) {
    Json sites = Json::array();
    for (const SiteDescription& site : model.sites)
      sites.push_back({{"name", site.name},
                       {"kind", kinds[static_cast<int>(site.kind)]},
                       {"type", type_name(site.type)},
                       {"dims", site.dims},
                       {"draw_rank", site.draw_rank},
                       {"matrix", site.column_major},
                       {"layout", layout(site.column_major)},
                       {"support", site.support},
                       {"span", span(site.span)}});
    Json functions = Json::array();
    const auto has = [&](const char* name, const std::string& symbol) {
      if (!symbol.empty()) functions.push_back(name);
    };
    has("log_density", model.log_density);
    has("log_density_gradient", model.log_density_gradient);
    has("log_density_plain", model.log_density_plain);
    has("log_density_gradient_plain", model.log_density_gradient_plain);
    has("constrain", model.constrain);
    has("unconstrain", model.unconstrain);
    has("simulate", model.simulate);
    has("diagnose", model.diagnose);
    has("predict", model.predict);
    has("log_likelihood", model.log_likelihood);
    has("hessian_vector", model.hessian_vector);
    has("hessian_vector_plain", model.hessian_vector_plain);
    out.push_back({{"name", model.name}, {"functions", functions}, {"sites", sites}});
  }
  return out;
}

Json machine(const ProgramDescription& program) {
  if (!program.has_machine) return nullptr;
  const MachineDescription& machine = program.machine;
  Json parameters = Json::array();
  for (const ParameterDescription& parameter : machine.parameters) {
    const bool whole = parameter.type == DataType::Int;
    parameters.push_back({{"name", parameter.name},
                          {"type", type_name(parameter.type)},
                          {"lower", bound(parameter.lower, whole)},
                          {"upper", bound(parameter.upper, whole)},
                          {"default", bound(parameter.fallback, whole)}});
  }
  return {{"name", machine.name},
          {"model", program.models.at(static_cast<std::size_t>(machine.model)).name},
          {"parameters", parameters},
          {"statistics", machine.statistics},
          {"steps", !machine.steps.empty()}};
}

}  // namespace

std::string descriptor(const GeneratedFrom& from, const CompiledProgram& compiled) {
  const ProgramDescription& program = from.program;
  const Json out{{"borel", {{"version", from.version}, {"abi", BOREL_ABI_VERSION}}},
                 {"name", from.name},
                 {"symbol", from.name + "_program"},
                 {"source",
                  {{"file", from.source},
                   {"sha256", compiled.file_hash},
                   {"program_hash", compiled.source_hash}}},
                 {"target", {{"triple", compiled.triple}, {"cpus", compiled.cpus}}},
                 {"infer", program.name},
                 {"sizes", sizes(program)},
                 {"inputs", inputs(program)},
                 {"externals", externals(program)},
                 {"models", models(program)},
                 {"machine", machine(program)}};
  return out.dump(2) + "\n";
}

}  // namespace borel::driver
