#include "compiler/driver/c_header.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "compiler/driver/c_names.h"

namespace borel::driver {
namespace {

std::string upper_case(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

class Header {
 public:
  explicit Header(const GeneratedFrom& from)
      : from_(from), program_(from.program), name_(from.name) {}

  std::string text() {
    const std::string guard = "BOREL_GENERATED_" + upper_case(name_) + "_H";
    line(header_mark + from_.version + " from " + comment_text(from_.source) +
         (program_.name.empty() ? "" : ", infer " + comment_text(program_.name)) + ".");
    line(" *");
    line(" * Link it with the static library, its runtime and the C library:");
    line(" *   cc host.c " + comment_text(from_.library) + ".a -lborel_rt -lm -lpthread");
    line(" * Functions and rules of the handles: borel/borel.h. Numbers are in the units that the");
    line(" * program's own text has; log densities are in nats. */");
    line("#ifndef " + guard);
    line("#define " + guard);
    line("");
    line("#include <borel/borel.h>");
    line("#include <stddef.h>");
    line("#include <stdint.h>");
    line("");
    line("#ifdef __cplusplus");
    line("extern \"C\" {");
    line("#endif");
    line("");
    line("/* The program, a constant: give it to borel_library_open. */");
    line("extern const borel_program " + name_ + "_program;");
    data();
    draws();
    externals();
    machine();
    line("");
    line("#ifdef __cplusplus");
    line("}");
    line("#endif");
    line("#endif");
    return std::move(out_);
  }

 private:
  void line(const std::string& text) { out_ += text + "\n"; }
  void heading(const std::string& text) {
    line("");
    line("/* ---- " + text + " " + std::string(90 - std::min<std::size_t>(80, text.size()), '-') +
         " */");
    line("");
  }

  static const char* element_type(DataType type) {
    return type == DataType::Real ? "double" : "int64_t";
  }

  std::vector<std::string> dims_of(const InputDescription& input) const {
    std::vector<std::string> dims;
    for (const DimDescription& dim : input.dims) dims.push_back(dim_text(dim, sizes_));
    return dims;
  }

  /// Whether an input of a size's own name holds the size.
  bool is_input(const std::string& name) const {
    return std::any_of(program_.inputs.begin(), program_.inputs.end(),
                       [&](const InputDescription& input) { return input.name == name; });
  }

  std::string about(const InputDescription& input) const {
    const std::vector<std::string> dims = dims_of(input);
    std::string text = shape_text(input.type, input.column_major, dims);
    const auto add = [&](const std::string& more) {
      if (!more.empty()) text += "; " + more;
    };
    add(layout_text(input.column_major, dims));
    if (input.type == DataType::Bool) add("0 or 1");
    if (input.type == DataType::Index) {
      const DimDescription last{input.index_bound.symbol,
                                input.index_bound.offset + input.index_base - 1};
      add("counted from " + std::to_string(input.index_base) + ", up to " + dim_text(last, sizes_));
    } else {
      add(bounds_text(input.lower, input.lower_open, input.upper, input.upper_open));
    }
    if (input.fallback) add("default " + fallback_text(input));
    return comment_text(text);
  }

  static std::string fallback_text(const InputDescription& input) {
    const auto* whole = std::get_if<std::int64_t>(&*input.fallback);
    return whole ? std::to_string(*whole) : number_text(std::get<double>(*input.fallback));
  }

  void data() {
    heading("data");
    std::vector<std::string> names;
    for (const SizeDescription& size : program_.sizes) names.push_back(size.name);
    for (const InputDescription& input : program_.inputs)
      if (names_size(input) < 0) names.push_back(input.name);
    if (names.empty()) {
      line("/* The program takes no data. */");
      return;
    }
    const std::vector<std::string> members = member_names(names);
    const std::size_t size_count = program_.sizes.size();
    sizes_.assign(members.begin(), members.begin() + static_cast<std::ptrdiff_t>(size_count));
    for (std::size_t i = 0, next = size_count; i < program_.inputs.size(); ++i) {
      const int size = names_size(program_.inputs[i]);
      inputs_.push_back(size >= 0 ? sizes_[static_cast<std::size_t>(size)] : members[next++]);
    }

    line("/* What the program is given. Arrays are borrowed: they stay, unchanged, until every");
    line(" * instance that was bound to them is freed. Numbers are copied. */");
    line("typedef struct " + name_ + "_data {");
    for (std::size_t i = 0; i < size_count; ++i) {
      std::string text = "a size, at least 0";
      const std::vector<std::string> arrays = arrays_of(program_, i);
      for (std::size_t a = 0; a < arrays.size(); ++a) text += (a == 0 ? ": of " : ", ") + arrays[a];
      line("  int64_t " + sizes_[i] + "; /* " + comment_text(text) + " */");
    }
    for (std::size_t i = 0; i < program_.inputs.size(); ++i) {
      const InputDescription& input = program_.inputs[i];
      if (names_size(input) >= 0) continue;
      const std::string type = element_type(input.type);
      line("  " + (input.dims.empty() ? type + " " : "const " + type + "* ") + inputs_[i] +
           "; /* " + about(input) + " */");
    }
    line("} " + name_ + "_data;");
    for (std::size_t i = 0; i < program_.inputs.size(); ++i)
      if (program_.inputs[i].fallback) fallback(program_.inputs[i], inputs_[i]);
    line("");
    line("/* Sets every input of `data`, whose shapes and bounds borel_bind checks. */");
    line("static inline borel_code " + name_ + "_set_data(");
    line("    borel_data* data, const " + name_ + "_data* values, borel_error** error) {");
    line("  borel_code code = BOREL_SUCCESS;");
    for (std::size_t i = 0; i < size_count; ++i)
      if (!bound_by_shape(program_, i) && !is_input(program_.sizes[i].name))
        set_scalar(DataType::Int, program_.sizes[i].name, sizes_[i]);
    for (std::size_t i = 0; i < program_.inputs.size(); ++i) {
      const InputDescription& input = program_.inputs[i];
      if (input.dims.empty())
        set_scalar(input.type, input.name, inputs_[i]);
      else
        set_array(input, inputs_[i]);
    }
    line("  return code;");
    line("}");
  }

  /// The default of an input, for who fills the struct.
  void fallback(const InputDescription& input, const std::string& member) {
    const auto* real = std::get_if<double>(&*input.fallback);
    std::string text = fallback_text(input);
    if (!real && text == std::to_string(std::numeric_limits<std::int64_t>::min()))
      text = "INT64_MIN";
    else if (!real)
      text = "INT64_C(" + text + ")";
    else if (std::isinf(*real))
      text = *real > 0 ? "HUGE_VAL" : "-HUGE_VAL";
    line("#define " + name_ + "_default_" + member + " (" + text + ")");
  }

  /// The size that has an input's name, or -1.
  int names_size(const InputDescription& input) const {
    if (!input.dims.empty() || input.type == DataType::Real) return -1;
    for (std::size_t i = 0; i < program_.sizes.size(); ++i)
      if (program_.sizes[i].name == input.name) return static_cast<int>(i);
    return -1;
  }

  void set_scalar(DataType type, const std::string& name, const std::string& member) {
    line(std::string("  code = borel_data_copy_") + (type == DataType::Real ? "real" : "int") +
         "(data, \"" + name + "\", &values->" + member + ", 0, NULL, error);");
    line("  if (code != BOREL_SUCCESS) return code;");
  }

  void set_array(const InputDescription& input, const std::string& member) {
    std::string dims;
    for (const DimDescription& dim : input.dims)
      dims += (dims.empty() ? "" : ", ") + std::string(dim.symbol < 0 ? "" : "values->") +
              dim_text(dim, sizes_);
    const std::string rank = std::to_string(input.dims.size());
    line("  {");
    line("    const int64_t dims[" + rank + "] = {" + dims + "};");
    line(std::string("    code = borel_data_") + (input.type == DataType::Real ? "real" : "int") +
         "(data, \"" + input.name + "\", values->" + member + ", " + rank + ", dims, error);");
    line("    if (code != BOREL_SUCCESS) return code;");
    line("  }");
  }

  void draws() {
    const ModelDescription* model = model_of_draws(program_);
    if (model == nullptr) return;
    std::vector<std::string> names;
    for (const SiteDescription& site : model->sites)
      if (site.kind != SiteDescription::Kind::Observed) names.push_back(site.name);
    if (names.empty()) return;
    const std::vector<std::string> members = member_names(names);
    heading("draws");
    line("/* A draw's values, site by site: pointers into the draw. All values are doubles; a");
    line(" * scalar is an array of one. */");
    line("typedef struct " + name_ + "_draw {");
    for (std::size_t i = 0; i < members.size(); ++i) {
      const SiteDescription& site = model->sites[i];
      std::string text = site.name == members[i] ? "" : site.name + ": ";
      text += shape_text(site.type, site.column_major, site.dims);
      const std::string layout = layout_text(site.column_major, site.dims);
      if (!layout.empty()) text += "; " + layout;
      if (site.kind == SiteDescription::Kind::Derived)
        text += "; derived";
      else if (!site.support.empty() && site.support != type_name(site.type))
        text += "; support: " + site.support;
      line("  const double* " + members[i] + "; /* " + comment_text(text) + " */");
    }
    line("} " + name_ + "_draw;");
    line("");
    line(
        "/* Where the values of `draw`, of borel_draw_size doubles, lie. The view lives as long "
        "as");
    line(" * the draw. */");
    line("static inline borel_code " + name_ + "_view_draw(");
    line("    const borel_instance* instance, const double* draw, " + name_ + "_draw* view,");
    line("    borel_error** error) {");
    line("  borel_site_info site;");
    line("  borel_code code;");
    const auto number = std::to_string(model - program_.models.data());
    for (std::size_t i = 0; i < members.size(); ++i) {
      line("  code = borel_describe_site(instance, " + number + ", " + std::to_string(i) +
           ", &site, error);");
      line("  if (code != BOREL_SUCCESS) return code;");
      line("  view->" + members[i] + " = draw + site.draw_offset;");
    }
    line("  return code;");
    line("}");
  }

  static std::string without_underscores(std::string name) {
    while (name.size() > 1 && name.back() == '_') name.pop_back();
    return name;
  }

  void externals() {
    if (program_.externals.empty()) return;
    heading("functions of the host");
    std::vector<std::string> names;
    for (const ExternalDescription& external : program_.externals) names.push_back(external.name);
    const std::vector<std::string> members = member_names(names);
    line("/* What borel_data_function is to give, by these names: see borel_function. */");
    const auto shaped = [](const std::string& type, std::int32_t rank) {
      return rank == 0 ? type
                       : type + "[" + std::string(static_cast<std::size_t>(rank) - 1, ',') + "]";
    };
    for (std::size_t i = 0; i < members.size(); ++i) {
      const ExternalDescription& external = program_.externals[i];
      std::string arguments;
      for (const ExternalDescription::Argument& argument : external.arguments)
        arguments += (arguments.empty() ? "" : ", ") +
                     shaped(type_name(argument.type), argument.rank) +
                     (argument.column_major ? " column by column" : "");
      line("#define " + name_ + "_function_" + members[i] + " \"" + external.name + "\" /* (" +
           arguments + ") -> " + shaped("real", external.result_rank) +
           (external.gradient ? "; with its gradient" : "") + " */");
    }
  }

  void machine() {
    if (!program_.has_machine) return;
    const MachineDescription& machine = program_.machine;
    heading("inference: " + comment_text(machine.name));
    std::vector<std::string> names;
    for (const std::string& name : machine.statistics) names.push_back(without_underscores(name));
    const std::vector<std::string> statistics = member_names(names, {"count"});
    line(
        "/* Statistics of an iteration, by their places in what borel_chain_statistics writes. */");
    line("enum {");
    for (std::size_t i = 0; i < statistics.size(); ++i)
      line("  " + name_ + "_statistic_" + statistics[i] + " = " + std::to_string(i) + ", /* " +
           comment_text(machine.statistics[i]) + " */");
    line("  " + name_ + "_statistic_count = " + std::to_string(statistics.size()));
    line("};");
    if (machine.parameters.empty()) return;
    names.clear();
    for (const ParameterDescription& parameter : machine.parameters)
      names.push_back(parameter.name);
    const std::vector<std::string> parameters = member_names(names);
    line("");
    line("/* Parameters, by their names for borel_setting. */");
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const ParameterDescription& parameter = machine.parameters[i];
      const std::string bounds = bounds_text(parameter.lower, false, parameter.upper, false);
      line("#define " + name_ + "_parameter_" + parameters[i] + " \"" + parameter.name + "\" /* " +
           type_name(parameter.type) + (bounds.empty() ? "" : ", " + bounds) + "; default " +
           number_text(parameter.fallback) + " */");
    }
  }

  const GeneratedFrom& from_;
  const ProgramDescription& program_;
  const std::string& name_;
  std::vector<std::string> sizes_, inputs_;  // members
  std::string out_;
};

}  // namespace

std::string c_header(const GeneratedFrom& from) { return Header(from).text(); }

}  // namespace borel::driver
