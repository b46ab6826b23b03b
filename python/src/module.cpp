// borel._core: the part of the Python package that calls the runtime.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "instance.h"
#include "library.h"
#include "run.h"

namespace nb = nanobind;
using namespace nb::literals;
namespace bp = borel::python;

namespace {

// As the class of borel._errors that goes with the code.
void translate_error(const std::exception_ptr& thrown, void*) {
  try {
    std::rethrow_exception(thrown);
  } catch (const borel::Error& error) {
    nb::object place = nb::none();
    if (!error.file().empty()) {
      place = nb::make_tuple(error.file(), error.line(), error.column());
    }
    const nb::object made =
        nb::module_::import_("borel._errors")
            .attr("make_error")(error.code(), error.what(), error.subject(), place);
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(made.ptr())), made.ptr());
  }
}

nb::tuple run(const bp::Instance& instance, std::uint64_t seed, std::int32_t chains,
              std::int64_t warmup, std::int64_t draws, std::int32_t threads, bool save_warmup,
              std::vector<std::pair<std::string, double>> settings,
              std::optional<bp::ConstArray> initial, double initial_radius, bp::Array draw_values,
              bp::Array statistic_values, nb::object tick) {
  bp::RunOptions options;
  options.seed = seed;
  options.chains = chains;
  options.warmup = warmup;
  options.draws = draws;
  options.threads = threads;
  options.save_warmup = save_warmup;
  options.settings = std::move(settings);
  options.initial_radius = initial_radius;
  if (initial) {
    borel::detail::check_size("the starting point", initial->size(), instance.handle().dimension());
    options.initial = initial->data();
  }
  return bp::run(instance, options, std::move(draw_values), std::move(statistic_values),
                 std::move(tick));
}

}  // namespace

NB_MODULE(_core, m) {
  m.doc() = "What of Borel's runtime the package uses; borel is its interface.";
  nb::register_exception_translator(translate_error);
  const std::uint32_t version = borel_version();
  m.attr("runtime_version") = std::to_string(version >> 16) + "." +
                              std::to_string(version >> 8 & 255) + "." +
                              std::to_string(version & 255);

  nb::class_<bp::Library>(m, "Library", "A program in a shared library.")
      .def(nb::init<const std::string&>(), "path"_a, nb::call_guard<nb::gil_scoped_release>())
      .def("describe", &bp::Library::describe, "What the program declares, as dicts.")
      .def("take_messages", &bp::Library::take_messages, "Warnings since the last call.");

  nb::class_<bp::Instance>(m, "Instance", "A program with data.")
      .def(nb::init<std::shared_ptr<bp::Library>, const std::string&, nb::list>(), "library"_a,
           "json"_a, "entries"_a)
      .def("default_model", &bp::Instance::default_model)
      .def("steps", &bp::Instance::steps)
      .def("dimension", &bp::Instance::dimension, "model"_a)
      .def("draw_size", &bp::Instance::draw_size, "model"_a)
      .def("sites", &bp::Instance::sites, "model"_a)
      .def("log_density", &bp::Instance::log_density, "model"_a, "jacobian"_a, "u"_a.noconvert())
      .def("log_density_gradient", &bp::Instance::log_density_gradient, "model"_a, "jacobian"_a,
           "u"_a.noconvert(), "gradient"_a.noconvert())
      .def("log_densities", &bp::Instance::log_densities, "model"_a, "jacobian"_a,
           "u"_a.noconvert(), "values"_a.noconvert())
      .def("log_density_gradients", &bp::Instance::log_density_gradients, "model"_a, "jacobian"_a,
           "u"_a.noconvert(), "values"_a.noconvert(), "gradients"_a.noconvert())
      .def("constrain", &bp::Instance::constrain, "model"_a, "u"_a.noconvert(),
           "draws"_a.noconvert())
      .def("unconstrain", &bp::Instance::unconstrain, "model"_a, "latents"_a.noconvert(),
           "stride"_a, "u"_a.noconvert())
      .def("simulate", &bp::Instance::simulate, "model"_a, "seed"_a, "stream"_a, "first"_a,
           "draws"_a.noconvert())
      .def("observed_size", &bp::Instance::observed_size, "model"_a)
      .def("term_count", &bp::Instance::term_count, "model"_a)
      .def("hessian_vectors", &bp::Instance::hessian_vectors, "model"_a, "jacobian"_a,
           "u"_a.noconvert(), "v"_a.noconvert(), "values"_a.noconvert(), "gradients"_a.noconvert(),
           "products"_a.noconvert())
      .def("predict", &bp::Instance::predict, "model"_a, "seed"_a, "stream"_a, "first"_a,
           "draws"_a.noconvert(), "observed"_a.noconvert())
      .def("log_likelihood", &bp::Instance::log_likelihood, "model"_a, "draws"_a.noconvert(),
           "terms"_a.noconvert());

  m.def("run", &run, "instance"_a, "seed"_a, "chains"_a, "warmup"_a, "draws"_a, "threads"_a,
        "save_warmup"_a, "settings"_a, "initial"_a.none(), "initial_radius"_a,
        "draw_values"_a.noconvert(), "statistic_values"_a.noconvert(), "tick"_a.none(),
        "Runs the program's machine; see run.h.");
}
