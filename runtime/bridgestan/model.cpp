#include "runtime/bridgestan/model.h"

#include <cstdio>
#include <cstring>

#include "runtime/host/error.h"

// The program that this library was linked with.
extern "C" const borel_program borel_program_entry;

namespace borel::bridgestan {

using host::Array;
using host::Text;

Desk::Desk() : values(host::default_allocator()) {}
Desk::~Desk() { borel_worker_free(worker); }

void Desks::clear() {
  for (Slot& slot : slots_) {
    if (Desk* desk = slot.desk.exchange(nullptr)) {
      host::destroy(host::default_allocator(), desk);
    }
  }
}

namespace {

// A number for the running thread that tells most threads apart: which stack it has.
std::uint32_t thread_number() {
  const char here = 0;
  const std::uint64_t stack = reinterpret_cast<std::uintptr_t>(&here) >> 21;
  return static_cast<std::uint32_t>(stack * 0x9e3779b97f4a7c15u >> 32);
}

}  // namespace

Desk* Desks::take(const borel_instance* instance, borel_error** error) {
  const std::uint32_t first = thread_number();
  for (std::uint32_t i = 0; i < slot_count; ++i) {
    std::atomic<Desk*>& slot = slots_[(first + i) % slot_count].desk;
    if (slot.load(std::memory_order_relaxed) != nullptr) {
      if (Desk* desk = slot.exchange(nullptr, std::memory_order_acquire)) {
        return desk;
      }
    }
  }
  Desk* desk = host::create<Desk>(host::default_allocator());
  if (desk != nullptr && borel_worker_create(instance, &desk->worker, error) != BOREL_SUCCESS) {
    host::destroy(host::default_allocator(), desk);
    desk = nullptr;
  }
  return desk;
}

void Desks::put_back(Desk* desk) {
  const std::uint32_t first = thread_number();
  for (std::uint32_t i = 0; i < slot_count; ++i) {
    std::atomic<Desk*>& slot = slots_[(first + i) % slot_count].desk;
    Desk* nobody = nullptr;
    if (slot.load(std::memory_order_relaxed) == nullptr &&
        slot.compare_exchange_strong(nobody, desk, std::memory_order_release,
                                     std::memory_order_relaxed)) {
      return;
    }
  }
  host::destroy(host::default_allocator(), desk);
}

Lease::Lease(const bs_model* model, const Call& call) : model_(model) {
  borel_error* error = nullptr;
  desk_ = model->desks.take(model->instance, &error);
  if (desk_ == nullptr) {
    call.fail(error);
  }
}

Lease::~Lease() {
  if (desk_ != nullptr) {
    model_->desks.put_back(desk_);
  }
}

double* Lease::values(std::int64_t count) const {
  return desk_->values.resize(static_cast<std::size_t>(count > 0 ? count : 1))
             ? desk_->values.data()
             : nullptr;
}

namespace {

// False when the file cannot be read or there is no memory for it.
bool read_file(const char* path, Array<char>& text) {
  std::FILE* file = std::fopen(path, "rbe");
  if (file == nullptr) {
    return false;
  }
  bool done = false;
  for (std::size_t wanted = 1 << 14;; wanted *= 2) {
    const std::size_t begin = text.size();
    if (!text.resize(begin + wanted)) {
      break;
    }
    const std::size_t read = std::fread(text.data() + begin, 1, wanted, file);
    // Growing keeps the bytes; the size says how many of them are the file's.
    if (!text.resize(begin + read)) {
      break;
    }
    if (read < wanted) {
      done = std::ferror(file) == 0;
      break;
    }
  }
  std::fclose(file);
  return done;
}

bool is_path(std::string_view data) {
  constexpr std::string_view end = ".json";
  data.remove_prefix(data.size() > end.size() ? data.size() - end.size() : 0);
  return data == end;
}

// Binds `data`; false after a failure.
bool bind(bs_model& model, const char* given, const Call& call) {
  std::string_view text = host::text_or_empty(given);
  Array<char> file(host::default_allocator());
  const bool is_file = is_path(text);
  if (is_file) {
    if (!read_file(given, file)) {
      call.fail(Text() << "Cannot read input file: " << text);
      return false;
    }
    text = {file.data(), file.size()};
  }
  borel_error* error = nullptr;
  borel_data* data = nullptr;
  borel_code code = borel_data_create(model.library, &data, &error);
  // A file that is empty is no JSON, as in Stan; a text that is empty is no data.
  if (code == BOREL_SUCCESS && (is_file || !text.empty())) {
    code = borel_data_json(data, text.data(), text.size(), &error);
  }
  if (code == BOREL_SUCCESS) {
    code = borel_bind(data, &model.instance, &error);
  }
  borel_data_free(data);
  if (code != BOREL_SUCCESS) {
    call.fail(error);
  }
  return code == BOREL_SUCCESS;
}

bool describe(bs_model& model) {
  const borel_program& program = *borel_library_program(model.library);
  Text text;
  text << "BridgeStan version: " << BOREL_BRIDGESTAN_MAJOR << "." << BOREL_BRIDGESTAN_MINOR << "."
       << BOREL_BRIDGESTAN_PATCH << "\n"
       << "Stan version: none, this is a program of Borel\n"
       << "Stan C++ Defines:\n"
       << "\tSTAN_THREADS=true\n"
       << "\tSTAN_MPI=false\n"
       << "\tSTAN_OPENCL=false\n"
       << "\tSTAN_NO_RANGE_CHECKS=false\n"
       << "\tBRIDGESTAN_AD_HESSIAN="
       << (program.models[model.index].hessian_vector != nullptr ? "true" : "false") << "\n"
       << "Stan Compiler Details:\n"
       << "\tborel_version = " << BOREL_VERSION_MAJOR << "." << BOREL_VERSION_MINOR << "."
       << BOREL_VERSION_PATCH << "\n"
       << "\tprogram = " << host::text_or_empty(program.name) << "\n"
       << "\tprogram_hash = " << host::text_or_empty(program.source_hash) << "\n"
       << "\ttarget_cpu = " << host::text_or_empty(program.target_cpu) << "\n";
  const std::string_view line = text.view();
  if (!model.info.resize(line.size() + 1)) {
    return false;
  }
  std::memcpy(model.info.data(), line.data(), line.size());
  return true;
}

bool fill(bs_model& model, const char* data, const Call& call) {
  borel_error* error = nullptr;
  if (borel_library_open(&borel_program_entry, nullptr, nullptr, &model.library, &error) !=
      BOREL_SUCCESS) {
    call.fail(error);
    return false;
  }
  const borel_program& program = *borel_library_program(model.library);
  if (program.model_count == 0) {
    call.fail("the program conditions no model");
    return false;
  }
  if (!bind(model, data, call)) {
    return false;
  }
  const std::int32_t sampled = borel_instance_model(model.instance);
  model.index = sampled < 0 ? 0 : sampled;
  model.name = program.models[model.index].name;
  bool is_too_large = false;
  if (model.layout.read(model.instance, model.index, &error, &is_too_large) != BOREL_SUCCESS) {
    is_too_large ? call.fail("the model has more elements than an int can count")
                 : call.fail(error);
    return false;
  }
  if (!describe(model)) {
    call.fail_for_memory();
    return false;
  }
  return true;
}

}  // namespace

bs_model* construct(const char* data, const Call& call) {
  bs_model* model = host::create<bs_model>(host::default_allocator());
  if (model == nullptr) {
    call.fail_for_memory();
    return nullptr;
  }
  if (!fill(*model, data, call)) {
    destruct(model);
    return nullptr;
  }
  return model;
}

void destruct(bs_model* model) {
  if (model != nullptr) {
    host::destroy(host::default_allocator(), model);
  }
}

}  // namespace borel::bridgestan

bs_model::bs_model() : info(borel::host::default_allocator()) {}

bs_model::~bs_model() {
  desks.clear();  // workers go before their instance
  borel_instance_free(instance);
  borel_library_free(library);
}
