#include "runtime/io/data_problem.h"

#include <algorithm>

#include "runtime/core/names.h"

namespace borel::io {

std::vector<std::int64_t> element_index(const std::vector<std::int64_t>& dims, std::int64_t i) {
  std::vector<std::int64_t> index(dims.size());
  for (std::size_t d = dims.size(); d-- > 0;) {
    index[d] = i % dims[d] + 1;
    i /= dims[d];
  }
  return index;
}

std::string element_name(const std::string& name, const std::vector<std::int64_t>& element) {
  std::string text = name;
  for (std::size_t d = 0; d < element.size(); ++d) {
    text += (d == 0 ? "[" : ",") + std::to_string(element[d]);
  }
  return element.empty() ? text : text + "]";
}

std::string shape_text(const std::vector<std::int64_t>& dims) {
  if (dims.empty()) {
    return "a single number";
  }
  if (dims.size() == 1) {
    return "an array of " + std::to_string(dims[0]) + (dims[0] == 1 ? " element" : " elements");
  }
  std::string text = "an array of shape [";
  for (std::size_t d = 0; d < dims.size(); ++d) {
    text += (d == 0 ? "" : ", ") + std::to_string(dims[d]);
  }
  return text + "]";
}

DataProblem file_problem(const JsonError& error) {
  DataProblem problem;
  problem.kind = error.place.line == 0 ? DataProblemKind::file : DataProblemKind::syntax;
  problem.place = error.place;
  problem.text = error.place.line == 0 ? "cannot read `" + error.place.file + "`: " + error.text
                                       : "not valid JSON: " + error.text;
  return problem;
}

DataProblem& ProblemList::add(DataProblemKind kind, const std::string& name,
                              const borel_span& declaration, std::string found,
                              std::string expected) {
  DataProblem& problem = problems_.emplace_back();
  problem.kind = kind;
  problem.input = name;
  problem.found = std::move(found);
  problem.expected = std::move(expected);
  problem.declaration = runtime::SourceSpan(declaration);
  problem.text = "`" + name + "`: found " + problem.found + ", expected " + problem.expected;
  return problem;
}

DataProblem& ProblemList::add(DataProblemKind kind, const JsonVariable& variable,
                              std::int64_t element, const borel_span& declaration,
                              std::string found, std::string expected, std::int64_t others) {
  DataProblem& problem =
      add(kind, variable.name, declaration, std::move(found), std::move(expected));
  if (!variable.origin.empty()) {
    problem.place.file = variable.origin;
    return problem;
  }
  if (element < 0) {
    problem.place = document_.place(variable.offset);
    return problem;
  }
  problem.place = document_.element_place(variable, element);
  problem.element = element_index(variable.dims, element);
  problem.text = "`" + element_name(variable.name, problem.element) + "`";
  problem.text += problem.element.empty() ? "" : " (counting from 1)";
  problem.text += ": found " + problem.found + ", expected " + problem.expected;
  if (others > 0) {
    problem.text += "; the same of " + std::to_string(others) +
                    (others == 1 ? " more element" : " more elements");
  }
  return problem;
}

DataProblem& ProblemList::add_missing(const std::string& name, const borel_span& declaration,
                                      const std::string& expected,
                                      const std::vector<std::string>& unused) {
  DataProblem& problem = add(DataProblemKind::missing, name, declaration, "nothing", expected);
  problem.text = "`" + name + "` is missing: expected " + expected;
  const std::string near = runtime::nearest_name(name, unused);
  if (!near.empty()) {
    problem.suggestion = "the data has `" + near + "`: is it meant?";
  }
  return problem;
}

std::vector<std::string> ProblemList::unused(const std::vector<std::string>& wanted) const {
  std::vector<std::string> names;
  for (const JsonVariable& variable : document_.variables()) {
    if (std::find(wanted.begin(), wanted.end(), variable.name) == wanted.end()) {
      names.push_back(variable.name);
    }
  }
  return names;
}

bool ProblemList::usable(const JsonVariable& variable, const borel_span& declaration,
                         const std::string& expected) {
  if (variable.problem.empty()) {
    return true;
  }
  DataProblemKind kind = DataProblemKind::type;
  if (variable.problem == "given twice") {
    kind = DataProblemKind::duplicate;
  } else if (variable.problem.starts_with("a ragged")) {
    kind = DataProblemKind::shape;
  }
  DataProblem& problem = add(kind, variable.name, declaration, variable.problem, expected);
  problem.place = document_.place(variable.problem_offset);
  if (kind == DataProblemKind::duplicate) {
    problem.text = "`" + variable.name + "` is given twice";
  }
  return false;
}

}  // namespace borel::io
