#include <cmath>

#include "runtime/io/data.h"
#include "runtime/io/data_problem.h"
#include "runtime/io/layout.h"

namespace borel::io {

namespace {

// Copies a variable's numbers to `out` in `layout`; NaN is a problem.
void read_numbers(const JsonVariable& variable, const std::vector<std::int64_t>& dims,
                  std::int32_t layout, const borel_span& span, const std::string& expected,
                  ProblemList& problems, double* out) {
  std::int64_t first_nan = -1, nans = 0;
  visit_layout(dims, layout, [&](std::int64_t from, std::int64_t to) {
    out[to] = variable.real(from);
    if (std::isnan(out[to])) {
      first_nan = nans++ == 0 ? from : first_nan;
    }
  });
  if (nans > 0) {
    problems.add(DataProblemKind::nan, variable, first_nan, span, "NaN", expected, nans - 1);
  }
}

bool shape_agrees(const JsonVariable& variable, const std::vector<std::int64_t>& dims) {
  return variable.dims == dims || (variable.count() == 0 && element_count(dims) == 0);
}

}  // namespace

LatentsResult read_latents(const runtime::Instance& instance, const borel_model& model,
                           const JsonDocument& document) {
  LatentsResult result;
  ProblemList problems(document);
  std::vector<std::string> wanted;
  for (int i = 0; i < model.site_count; ++i) {
    wanted.emplace_back(model.sites[i].name);
  }
  const std::vector<std::string> unused = problems.unused(wanted);
  for (int i = 0; i < model.site_count && model.sites[i].kind == BOREL_LATENT; ++i) {
    const borel_site& site = model.sites[i];
    const runtime::SiteShape shape = instance.site_shape(model, i);
    const std::string expected =
        shape_text(shape.dims) +
        (site.support != nullptr ? std::string(" (") + site.support + ")" : std::string());
    const std::size_t begin = result.values.size();
    result.values.resize(begin + static_cast<std::size_t>(shape.count));
    const JsonVariable* variable = document.find(site.name);
    if (variable == nullptr) {
      problems.add_missing(site.name, site.span, expected, unused);
    } else if (problems.usable(*variable, site.span, expected)) {
      if (shape_agrees(*variable, shape.dims)) {
        read_numbers(*variable, shape.dims, site.layout, site.span, expected, problems,
                     result.values.data() + begin);
      } else {
        problems.add(DataProblemKind::shape, *variable, -1, site.span, shape_text(variable->dims),
                     expected);
      }
    }
  }
  result.problems = problems.take();
  return result;
}

LatentsResult read_vector(const JsonDocument& document, const std::string& name,
                          std::int64_t length) {
  LatentsResult result;
  ProblemList problems(document);
  const borel_span nowhere{};
  const std::vector<std::int64_t> dims{length};
  const std::string expected = shape_text(dims);
  result.values.resize(static_cast<std::size_t>(length));
  const JsonVariable* variable = document.find(name);
  if (variable == nullptr) {
    problems.add_missing(name, nowhere, expected, problems.unused({}));
  } else if (problems.usable(*variable, nowhere, expected)) {
    if (shape_agrees(*variable, dims)) {
      read_numbers(*variable, dims, BOREL_ROW_MAJOR, nowhere, "a number", problems,
                   result.values.data());
    } else {
      problems.add(DataProblemKind::shape, *variable, -1, nowhere, shape_text(variable->dims),
                   expected);
    }
  }
  result.problems = problems.take();
  return result;
}

}  // namespace borel::io
