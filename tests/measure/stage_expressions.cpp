#include "tests/measure/stage_expressions.h"

namespace borel::testing {

std::string array_type(const std::string& scalar, size_t rank) {
  if (rank == 0) return scalar;
  std::string type = "tensor<";
  for (size_t i = 0; i < rank; ++i) type += "?x";
  return type + scalar + ">";
}

std::string StageExpressions::type_of(int v) const {
  return array_type(variable(v).scalar, variable(v).dims.size());
}

int StageExpressions::add_variable(const std::string& scalar, std::vector<std::string> dims,
                                   int site) {
  out_.begin_part();
  Variable made{"", scalar, std::move(dims), site};
  if (!made.dims.empty()) {
    std::string extents;
    for (const std::string& dim : made.dims)
      extents += (extents.empty() ? "" : ", ") + sizes_.at(dim);
    made.name = out_.op("prob.zeros(" + extents + ") : " + array_type(scalar, made.dims.size()));
  } else if (scalar == "f64") {
    made.name = out_.real(site < 0 ? choose_.uniform(-1, 1) : 0);
  } else if (scalar == "i64") {
    made.name = out_.integer(site < 0 ? choose_.below(3) : 0);
  } else {
    made.name = out_.boolean(site < 0 && choose_.chance(.5));
  }
  header_ += out_.end_part();
  variables_.push_back(made);
  return static_cast<int>(variables_.size()) - 1;
}

int StageExpressions::add_site(const char* kind, const std::string& scalar,
                               const std::vector<std::string>& dims, bool moves) {
  StageProgram::Site site;
  site.kind = kind;
  site.type = scalar == "f64" ? "real" : scalar == "i64" ? "int" : "bool";
  site.dims = dims;
  site.moves = moves;
  program_.sites.push_back(site);
  return add_variable(scalar, dims, static_cast<int>(program_.sites.size()) - 1);
}

std::string StageExpressions::index(const std::string& dim) {
  std::vector<std::string> options;
  for (const auto& [name, counts] : indices_)
    if (counts == dim) options.insert(options.end(), 3, name);
  options.push_back(out_.integer(dim == "s" ? choose_.below(3) : 0));
  return choose_.of(options);
}

std::string StageExpressions::element(int v) {
  if (variable(v).dims.empty()) return name_of(v);
  std::string list;
  for (const std::string& dim : variable(v).dims) list += (list.empty() ? "" : ", ") + index(dim);
  return out_.op("prob.extract " + name_of(v) + "[" + list + "] : " + type_of(v) + " -> " +
                 variable(v).scalar);
}

std::string StageExpressions::read(const std::string& scalar) {
  std::vector<int> options;
  for (size_t v = 0; v < variables_.size(); ++v)
    if (variables_[v].scalar == scalar && !(adds_ && static_cast<int>(v) == total_)) {
      options.push_back(static_cast<int>(v));
      if (variables_[v].site >= 0) options.insert(options.end(), 2, static_cast<int>(v));
    }
  return element(choose_.of(options));
}

std::string StageExpressions::whole() {
  std::vector<int> options;
  for (size_t v = 0; v < variables_.size(); ++v)
    if (variables_[v].dims.size() == 1 && variables_[v].scalar != "i1")
      options.push_back(static_cast<int>(v));
  if (options.empty()) return read("f64");
  const int v = choose_.of(options);
  LoopText text;
  text.lower = out_.integer(0);
  text.upper = sizes_.at(variable(v).dims[0]);
  write_loop(out_, text, [&] {
    std::string x = out_.op("prob.extract " + name_of(v) + "[" + text.induction +
                            "] : " + type_of(v) + " -> " + variable(v).scalar);
    if (variable(v).scalar == "i64") x = out_.op("arith.sitofp " + x + " : i64 to f64");
    const std::string i = out_.op("arith.sitofp " + text.induction + " : i64 to f64");
    const std::string weight = out_.binary("arith.addf", i, out_.real(.5));
    text.sums.push_back({out_.binary("arith.mulf", x, weight), "f64", ""});
  });
  return text.sums[0].result;
}

std::string StageExpressions::real(int depth) {
  switch (choose_.below(depth > 0 ? 11 : 5)) {
    case 0:
      return out_.real(choose_.uniform(-1, 1));
    case 1:
      return out_.op("arith.sitofp " + read("i64") + " : i64 to f64");
    case 2:
      return out_.op("prob.extract " + data_ + "[" + index("s") + "] : tensor<?xf64> -> f64");
    case 5:
    case 6:
      return out_.binary("arith.addf", real(depth - 1), real(depth - 1));
    case 7:
      return out_.binary("arith.subf", real(depth - 1), real(depth - 1));
    case 8:
      return out_.unary("math.tanh", choose_.chance(.3) ? whole() : real(depth - 1));
    case 9: {
      const std::string c = truth(depth - 1), x = real(depth - 1), y = real(depth - 1);
      return out_.op("arith.select " + c + ", " + x + ", " + y + " : f64");
    }
    case 10:
      return out_.binary("arith.mulf", real(depth - 1), out_.real(choose_.uniform(-1, 1)));
    default:
      return read("f64");
  }
}

std::string StageExpressions::bounded() {
  return choose_.chance(.3) ? read("f64") : out_.unary("math.tanh", real(2));
}

std::string StageExpressions::integer(int depth) {
  switch (choose_.below(depth > 0 ? 6 : 3)) {
    case 0:
      return out_.integer(choose_.below(3));
    case 3: {
      const std::string sum =
          out_.binary("arith.addi", integer(depth - 1), integer(depth - 1), "i64");
      return out_.binary("arith.minsi", sum, out_.integer(2), "i64");
    }
    case 4: {
      const std::string c = truth(depth - 1), x = integer(depth - 1), y = integer(depth - 1);
      return out_.op("arith.select " + c + ", " + x + ", " + y + " : i64");
    }
    case 5:
      return out_.op("prob.extract " + choices_ + "[" + index("s") + "] : tensor<?xi64> -> i64");
    default:
      return read("i64");
  }
}

std::string StageExpressions::truth(int depth) {
  switch (choose_.below(depth > 0 ? 5 : 3)) {
    case 0:
      return out_.op("arith.cmpi " + std::string(choose_.chance(.5) ? "eq" : "slt") + ", " +
                     integer(0) + ", " + integer(0) + " : i64");
    case 3:
      return out_.binary("arith.xori", truth(0), truth(0), "i1");
    case 4:
      return out_.op("arith.cmpf olt, " + real(0) + ", " + real(1) + " : f64");
    default:
      return read("i1");
  }
}

std::string StageExpressions::value(const std::string& scalar) {
  return scalar == "f64" ? bounded() : scalar == "i64" ? integer(2) : truth(2);
}

std::string StageExpressions::probability() {
  if (program_.grid == 2) return out_.real(.5);
  const std::string c = truth(1), x = out_.real(.25 * (1 + choose_.below(3))),
                    y = out_.real(.25 * (1 + choose_.below(3)));
  return out_.op("arith.select " + c + ", " + x + ", " + y + " : f64");
}

}  // namespace borel::testing
