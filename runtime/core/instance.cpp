#include "runtime/core/instance.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <string>

#include "runtime/core/cpu.h"

namespace borel::runtime {

namespace {

Failure incompatible(std::string text) {
  return Error{ErrorKind::incompatible, std::move(text), {}, {}};
}

// A descriptor that names something it does not have.
Failure broken(const borel_program& program, const std::string& what) {
  return Error{ErrorKind::internal,
               "the descriptor of `" + std::string(program.name) + "` is broken: " + what,
               {},
               {}};
}

Failure check_model(const borel_program& program, const borel_model& model) {
  if (model.name == nullptr || model.dimension == nullptr || model.draw_size == nullptr ||
      model.site_shape == nullptr || (model.site_count > 0 && model.sites == nullptr)) {
    return broken(program, "a model lacks its name, sizes or sites");
  }
  std::int32_t kind = BOREL_LATENT;
  for (int i = 0; i < model.site_count; ++i) {
    const borel_site& site = model.sites[i];
    if (site.name == nullptr || site.rank < 0 || site.rank > BOREL_MAX_RANK) {
      return broken(program, "site " + std::to_string(i) + " of model `" + model.name + "`");
    }
    if (site.kind < kind) {
      return broken(program, "sites of model `" + std::string(model.name) + "` are out of order");
    }
    kind = site.kind;
  }
  return {};
}

Failure check_machine(const borel_program& program, const borel_machine& machine) {
  if (machine.model < 0 || machine.model >= program.model_count) {
    return broken(program, "the machine's model");
  }
  if (machine.state_size == nullptr || machine.init == nullptr || machine.step == nullptr ||
      machine.draw == nullptr || (machine.statistic_count > 0 && machine.info == nullptr) ||
      (machine.metric == nullptr) != (machine.metric_size == nullptr)) {
    return broken(program, "the machine lacks a function");
  }
  return {};
}

}  // namespace

Failure check_program(const borel_program& program, std::string_view host_cpu) {
  // The first two fields keep their places in every version; nothing else may be read before them.
  if (program.abi_version != BOREL_ABI_VERSION) {
    return incompatible("the program was compiled for version " +
                        std::to_string(program.abi_version) +
                        " of the runtime's interface; this is version " +
                        std::to_string(BOREL_ABI_VERSION) + "; compile it again");
  }
  if (program.struct_size != sizeof(borel_program)) {
    return incompatible("the program's descriptor has " + std::to_string(program.struct_size) +
                        " bytes where this runtime's has " + std::to_string(sizeof(borel_program)) +
                        "; compile it again");
  }
  if (std::string refusal =
          refuse_cpu(program.target_cpu != nullptr ? program.target_cpu : "", host_cpu);
      !refusal.empty()) {
    return incompatible(std::move(refusal));
  }
  if (program.name == nullptr || program.instance_size == nullptr || program.bind == nullptr) {
    return Error{ErrorKind::internal, "the program's descriptor lacks a name or bind", {}, {}};
  }
  for (int i = 0; i < program.input_count; ++i) {
    const borel_input& input = program.inputs[i];
    bool whole = input.name != nullptr && input.rank >= 0 && input.rank <= BOREL_MAX_RANK &&
                 input.index_bound.symbol < program.size_count &&
                 (input.fallback == nullptr || input.rank == 0);
    for (int d = 0; whole && d < input.rank; ++d) {
      whole = input.dims[d].symbol < program.size_count;
    }
    if (!whole) {
      return broken(program, "input " + std::to_string(i));
    }
  }
  for (int i = 0; i < program.model_count; ++i) {
    if (Failure failure = check_model(program, program.models[i])) {
      return failure;
    }
  }
  return program.machine != nullptr ? check_machine(program, *program.machine) : Failure();
}

Workspace::Workspace(std::size_t bytes) : memory_(bytes) {
  raw_.begin = memory_.data();
  raw_.end = raw_.begin + bytes;
  raw_.needed = 0;
  clear_faults();
}

void Workspace::grow() {
  const std::size_t needed = static_cast<std::size_t>(std::max<std::int64_t>(raw_.needed, 0));
  if (needed <= memory_.size()) {
    throw ContractViolation("a call wants " + std::to_string(raw_.needed) +
                            " bytes of workspace, which it already has");
  }
  if (needed > std::numeric_limits<std::size_t>::max() / 4) {
    throw std::bad_alloc();
  }
  // Half as much again, so that a tape that grows step by step asks only a few times; in whole
  // blocks of the alignment.
  std::size_t size = std::max(needed, memory_.size() + memory_.size() / 2);
  size = (size + BOREL_ALIGNMENT - 1) / BOREL_ALIGNMENT * BOREL_ALIGNMENT;
  memory_ = AlignedBuffer();
  raw_.begin = raw_.end = nullptr;
  memory_ = AlignedBuffer(size);
  raw_.begin = memory_.data();
  raw_.end = raw_.begin + size;
}

void Workspace::clear_faults() {
  raw_.rejections = 0;
  raw_.fault = {BOREL_FAULT_NONE, -1, -1, std::numeric_limits<double>::quiet_NaN()};
}

std::variant<Instance, Error> Instance::bind(const borel_program& program, InputData data) {
  if (program.external_count > 0) {
    const borel_external& wanted = program.externals[0];
    Error error{ErrorKind::incompatible,
                "the function `" + std::string(wanted.name) +
                    "` is one of a host: only an application that supplies it can run this program",
                {},
                {}};
    error.span = SourceSpan(wanted.span);
    return error;
  }
  Instance instance;
  instance.program_ = &program;
  instance.data_ = std::move(data);
  const borel_array* arrays = instance.data_.arrays.data();
  const std::int64_t* sizes = instance.data_.sizes.data();
  try {
    const std::int64_t bytes = program.instance_size(arrays, sizes);
    if (bytes < 0) {
      throw ContractViolation("instance_size is negative");
    }
    // Never empty, so that an instance always has an address.
    instance.memory_ = AlignedBuffer(static_cast<std::size_t>(std::max<std::int64_t>(bytes, 1)));
    Workspace workspace;
    const borel_status status = workspace.run([&](borel_workspace* ws) {
      return program.bind(arrays, sizes, ws, instance.memory_.data());
    });
    if (status != BOREL_OK) {
      return describe_fault(program, workspace.get()->fault);
    }
  } catch (const std::bad_alloc&) {
    return Error{ErrorKind::memory, "out of memory while binding the data", {}, {}};
  } catch (const ContractViolation& violation) {
    return Error{ErrorKind::internal, violation.what(), {}, {}};
  }
  return instance;
}

std::int64_t Instance::steps() const {
  const borel_machine* machine = program_->machine;
  if (machine == nullptr || machine->steps == nullptr) {
    return -1;
  }
  return std::max<std::int64_t>(machine->steps(get()), 0);
}

SiteShape Instance::site_shape(const borel_model& model, std::int32_t site) const {
  SiteShape shape;
  std::int64_t dims[BOREL_MAX_RANK] = {};
  model.site_shape(get(), site, dims, &shape.offset);
  shape.dims.assign(dims, dims + model.sites[site].rank);
  for (const std::int64_t dim : shape.dims) {
    shape.count *= dim;
  }
  return shape;
}

}  // namespace borel::runtime
