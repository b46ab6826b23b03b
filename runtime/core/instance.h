// A program bound to data, and the workspaces in which its functions run.
#ifndef BOREL_RUNTIME_CORE_INSTANCE_H
#define BOREL_RUNTIME_CORE_INSTANCE_H

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/core/buffer.h"
#include "runtime/core/fault.h"
#include "runtime/include/borel/program.h"

namespace borel::runtime {

// Refuses a program of another ABI version or struct size, one for another CPU (see refuse_cpu),
// and a descriptor that is not whole. `host_cpu`: this machine's CPU in LLVM's spelling, or "".
Failure check_program(const borel_program& program, std::string_view host_cpu = {});

// Scratch memory of one thread; grows when a call asks for more.
class Workspace {
 public:
  explicit Workspace(std::size_t bytes = 1 << 14);
  Workspace(Workspace&&) = delete;

  borel_workspace* get() { return &raw_; }
  std::size_t capacity() const { return memory_.size(); }

  // After BOREL_NEED_SPACE: at least raw->needed bytes. Throws ContractViolation when the call had
  // that much already, std::bad_alloc when there is no such memory.
  void grow();

  // Runs `call(borel_workspace*)`, whose only effects are on its outputs, until it has space
  // enough.
  template <class Call>
  borel_status run(Call&& call) {
    return run(std::forward<Call>(call), [] {});
  }

  // The same for a call with a state that it changes: `restore` puts back what it was given.
  template <class Call, class Restore>
  borel_status run(Call&& call, Restore&& restore) {
    const std::int64_t rejections = raw_.rejections;
    const borel_fault fault = raw_.fault;
    borel_status status = call(&raw_);
    while (status == BOREL_NEED_SPACE) {
      grow();
      restore();
      raw_.rejections = rejections;  // the repetition counts them again
      raw_.fault = fault;
      status = call(&raw_);
    }
    return status;
  }

  void clear_faults();

 private:
  AlignedBuffer memory_;
  borel_workspace raw_{};
};

// Inputs in memory, as a program's bind takes them. `arrays` point into `storage`.
struct InputData {
  std::vector<AlignedBuffer> storage;
  std::vector<borel_array> arrays;
  std::vector<std::int64_t> sizes;
};

// Shape of a site, and for a latent one its first element in u (else -1).
struct SiteShape {
  std::vector<std::int64_t> dims;
  std::int64_t offset = -1;
  std::int64_t count = 1;  // product of dims
};

// Immutable after binding; shared by any number of threads. The program must outlive it.
class Instance {
 public:
  // Owns the data. A fault in bind is an Error of kind fault.
  static std::variant<Instance, Error> bind(const borel_program& program, InputData data);

  const borel_program& program() const { return *program_; }
  const borel_machine& machine() const { return *program_->machine; }
  const borel_model& model(std::int32_t index) const { return program_->models[index]; }
  // The model whose draws the machine makes.
  const borel_model& machine_model() const { return model(machine().model); }
  const void* get() const { return memory_.data(); }
  const InputData& data() const { return data_; }

  std::int64_t dimension(const borel_model& model) const { return model.dimension(get()); }
  std::int64_t draw_size(const borel_model& model) const { return model.draw_size(get()); }
  // That the machine makes; -1 where there is none, or it goes on for as long as it is asked to.
  std::int64_t steps() const;
  SiteShape site_shape(const borel_model& model, std::int32_t site) const;

 private:
  Instance() = default;

  const borel_program* program_ = nullptr;
  InputData data_;
  AlignedBuffer memory_;
};

}  // namespace borel::runtime

#endif
