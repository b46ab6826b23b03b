// A chain as bytes. Everything but the state is for refusing bytes that do not fit: a checksum over
// all finds damage, and hashes tell programs, processors and data apart.
//
//   magic, version, size of all, checksum of what follows,
//   hashes of the program's source, its target and the data,
//   seed, stream, iteration, rejections, warmup, number of parameters, their values,
//   size of the state, the state
// Numbers are of eight bytes, in the order of the machine, which the target names.
#include "runtime/core/cpu_level.h"
#include "runtime/host/handles.h"

namespace borel::host {

namespace {

constexpr std::uint64_t magic = 0x7470636c65726f62u;  // "borelcpt"
constexpr std::uint64_t version = 1;
constexpr std::size_t unchecked_words = 5;  // magic, version, size, checksum

Hash hash_text(const char* text) {
  const std::string_view view = text_or_empty(text);
  Hash hash;
  hash.add(view.data(), view.size());
  return hash;
}

// Of the processor that the code is for; of several, the one whose code runs here.
Hash hash_target(const borel_program& program) {
  const std::string_view target = runtime::taken_cpu(text_or_empty(program.target_cpu));
  Hash hash;
  hash.add(target.data(), target.size());
  return hash;
}

// Of the inputs as the program sees them.
Hash hash_data(const borel_instance& instance) {
  const borel_program& program = *instance.program;
  Hash hash;
  for (const std::int64_t size : instance.sizes) {
    hash.add(static_cast<std::uint64_t>(size));
  }
  for (std::int32_t i = 0; i < program.input_count; ++i) {
    const borel_array& array = instance.arrays[static_cast<std::size_t>(i)];
    std::int64_t count = 1;
    for (std::int32_t d = 0; d < program.inputs[i].rank; ++d) {
      hash.add(static_cast<std::uint64_t>(array.dims[d]));
      count *= array.dims[d];
    }
    hash.add(array.data, 8 * static_cast<std::size_t>(count));
  }
  return hash;
}

// What the bytes say before the parameters.
struct Header {
  std::uint64_t magic, version, size;
  Hash checksum;
  Hash source, target, data;
  borel_key key;
  std::int64_t rejections, warmup;
  std::uint64_t parameter_count;
};
static_assert(sizeof(Header) % 8 == 0 && std::is_trivially_copyable_v<Header>);
static_assert(offsetof(Header, source) == 8 * unchecked_words);

Hash checksum_of(const std::uint8_t* bytes, std::size_t size) {
  Hash hash;
  hash.add(bytes + 8 * unchecked_words, size - 8 * unchecked_words);
  return hash;
}

borel_code damaged(const Reporter& report, const char* what) {
  return report(BOREL_BAD_CHECKPOINT, Text() << "not a checkpoint: " << what);
}

borel_code check_header(const Header& header, const borel_instance& instance,
                        const std::uint8_t* bytes, std::size_t size, const Reporter& report) {
  if (header.magic != magic) {
    return damaged(report, "the bytes begin otherwise");
  }
  if (header.version != version) {
    return report(BOREL_BAD_CHECKPOINT, Text() << "the checkpoint is of version "
                                               << static_cast<std::int64_t>(header.version)
                                               << "; this is version "
                                               << static_cast<std::int64_t>(version));
  }
  if (header.size != size) {
    return damaged(report, "the bytes are not all of it");
  }
  if (!(header.checksum == checksum_of(bytes, size))) {
    return damaged(report, "the bytes are damaged");
  }
  const borel_program& program = *instance.program;
  if (!(header.source == hash_text(program.source_hash))) {
    return report(BOREL_BAD_CHECKPOINT,
                  Text() << "the checkpoint is of another program than `" << program.name << "`");
  }
  if (!(header.target == hash_target(program))) {
    return report(BOREL_BAD_CHECKPOINT,
                  Text() << "the checkpoint is of the program compiled for another CPU than `"
                         << text_or_empty(program.target_cpu) << "`");
  }
  if (!(header.data == hash_data(instance))) {
    return report(BOREL_BAD_CHECKPOINT, Text("the checkpoint is of other data"));
  }
  return BOREL_SUCCESS;
}

}  // namespace

}  // namespace borel::host

using namespace borel::host;

extern "C" {

borel_code borel_chain_save(borel_chain* chain, void* bytes, size_t capacity, size_t* size,
                            borel_error** error) {
  if (const borel_code code = check_chain(chain, error)) {
    return code;
  }
  const borel_instance& instance = *chain->worker.instance;
  const Reporter report = reporter(&instance, error);
  if (size == nullptr) {
    return report.bad_argument("the place for the size is null");
  }
  const std::size_t count = chain->parameters.size();
  const std::size_t state_at = sizeof(Header) + 8 * count + 8;
  *size = state_at + chain->state_size;
  if (bytes == nullptr || capacity < *size) {
    return report.bad_argument(Text()
                               << "the chain takes " << static_cast<std::int64_t>(*size)
                               << " bytes; there is room for "
                               << static_cast<std::int64_t>(bytes == nullptr ? 0 : capacity));
  }
  if (!chain->has_hash) {
    chain->data_hash = hash_data(instance);
    chain->has_hash = true;
  }
  Header header = {magic,
                   version,
                   *size,
                   Hash{},
                   hash_text(instance.program->source_hash),
                   hash_target(*instance.program),
                   chain->data_hash,
                   chain->key,
                   chain->worker.raw.rejections,
                   chain->warmup,
                   count};
  std::uint8_t* const to = static_cast<std::uint8_t*>(bytes);
  std::memcpy(to, &header, sizeof header);
  if (count > 0) {
    std::memcpy(to + sizeof header, chain->parameters.data(), 8 * count);
  }
  const std::uint64_t state_size = chain->state_size;
  std::memcpy(to + state_at - 8, &state_size, 8);
  std::memcpy(to + state_at, chain->state.data(), chain->state_size);
  header.checksum = checksum_of(to, *size);
  std::memcpy(to, &header, sizeof header);
  return BOREL_SUCCESS;
}

borel_code borel_chain_resume(const borel_instance* instance, const void* bytes, size_t size,
                              borel_chain** chain, borel_error** error) {
  if (instance == nullptr) {
    return null_handle(error, "the instance");
  }
  const Reporter report = reporter(instance, error);
  if (bytes == nullptr || chain == nullptr) {
    return report.bad_argument("the bytes or the place for the chain are null");
  }
  borel_code code = BOREL_SUCCESS;
  const borel_machine* machine = machine_of(instance, report, code);
  if (machine == nullptr) {
    return code;
  }
  if (size < sizeof(Header)) {
    return damaged(report, "the bytes are too few");
  }
  const std::uint8_t* const from = static_cast<const std::uint8_t*>(bytes);
  Header header;
  std::memcpy(static_cast<void*>(&header), from, sizeof header);
  code = check_header(header, *instance, from, size, report);
  if (code != BOREL_SUCCESS) {
    return code;
  }
  const std::size_t count = static_cast<std::size_t>(machine->parameter_count);
  const std::size_t state_at = sizeof(Header) + 8 * count + 8;
  std::uint64_t state_size = 0;
  if (header.parameter_count != count || size < state_at) {
    return damaged(report, "the parameters are not those of the machine");
  }
  std::memcpy(&state_size, from + state_at - 8, 8);
  if (state_size != size - state_at ||
      static_cast<std::int64_t>(state_size) != machine->state_size(instance->memory.data())) {
    return damaged(report, "the state is not one of the machine");
  }
  borel_chain* made = make_chain(instance);
  if (made == nullptr) {
    return report.no_memory();
  }
  code = prepare_chain(*made, report);
  if (code == BOREL_SUCCESS && !made->parameters.resize(count)) {
    code = report.no_memory();
  }
  if (code != BOREL_SUCCESS) {
    borel_chain_free(made);
    return code;
  }
  if (count > 0) {
    std::memcpy(made->parameters.data(), from + sizeof header, 8 * count);
  }
  std::memcpy(made->state.data(), from + state_at, made->state_size);
  made->key = header.key;
  made->worker.raw.rejections = header.rejections;
  made->warmup = header.warmup;
  made->data_hash = header.data;
  made->has_hash = true;
  made->is_started = true;
  *chain = made;
  return BOREL_SUCCESS;
}

}  // extern "C"
