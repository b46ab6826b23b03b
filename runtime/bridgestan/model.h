// bs_model: a program with data bound to it, in BridgeStan's order.
#ifndef BOREL_RUNTIME_BRIDGESTAN_MODEL_H
#define BOREL_RUNTIME_BRIDGESTAN_MODEL_H

#include <atomic>
#include <cstdint>

#include "runtime/bridgestan/bridgestan.h"
#include "runtime/bridgestan/failure.h"
#include "runtime/bridgestan/layout.h"

namespace borel::bridgestan {

// What one thread at a time computes with.
struct Desk {
  borel_worker* worker = nullptr;
  host::Array<double> values;  // scratch

  Desk();
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;
  ~Desk();
};

// Desks that nobody uses. A thread takes the one that it gave back last unless another thread came
// between; waits for nobody.
class Desks {
 public:
  Desks() = default;
  Desks(const Desks&) = delete;
  Desks& operator=(const Desks&) = delete;
  ~Desks() { clear(); }

  void clear();
  // Null: none could be made, for which `error` says why (null there: no memory).
  Desk* take(const borel_instance* instance, borel_error** error);
  void put_back(Desk* desk);

 private:
  // More threads than this at the same time make desks for each call.
  static constexpr std::uint32_t slot_count = 64;
  struct alignas(64) Slot {
    std::atomic<Desk*> desk{nullptr};
  };
  Slot slots_[slot_count];
};

}  // namespace borel::bridgestan

struct bs_model {
  borel_library* library = nullptr;
  borel_instance* instance = nullptr;
  std::int32_t index = 0;  // of the program's model
  const char* name = "";
  borel::bridgestan::Layout layout;
  borel::host::Array<char> info;
  mutable borel::bridgestan::Desks desks;

  bs_model();
  bs_model(const bs_model&) = delete;
  bs_model& operator=(const bs_model&) = delete;
  ~bs_model();
};

struct bs_rng {
  std::uint64_t seed, position;  // of the next random word
};

namespace borel::bridgestan {

// `data` as of bs_model_construct. Null after a failure.
bs_model* construct(const char* data, const Call& call);
void destruct(bs_model* model);

// A desk for the length of a call. Not valid: the call has failed, with a message.
class Lease {
 public:
  Lease(const bs_model* model, const Call& call);
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease();

  explicit operator bool() const { return desk_ != nullptr; }
  borel_worker* worker() const { return desk_->worker; }
  // `count` numbers of scratch, with room for one where there are none; null: no memory.
  double* values(std::int64_t count) const;

 private:
  const bs_model* model_;
  Desk* desk_ = nullptr;
};

}  // namespace borel::bridgestan

#endif
