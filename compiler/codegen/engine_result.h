// The outcome of an engine step: a value, or an EngineError. Nothing in the engine throws, and no
// llvm::Error leaves it.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace borel::codegen {

/// What failed. `user` errors come from the machine the compiler runs on (no linker, unknown CPU,
/// disk full) and are shown as such; the others are faults of the compiler itself (IR that does not
/// verify, a symbol that generated code asks for and nobody offers).
struct EngineError {
  enum class Kind { user, internal };
  Kind kind = Kind::internal;
  std::string stage;    // "verify", "target", "emit", "link", "load", "look up"
  std::string message;  // one sentence, or LLVM's own text

  /// stage and message on one line
  [[nodiscard]] std::string text() const { return stage + ": " + message; }
};

/// Either a T or the reason why there is none. `value()` on an error is undefined.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}            // NOLINT
  Result(EngineError error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  explicit operator bool() const { return state_.index() == 0; }
  T& value() & { return *std::get_if<0>(&state_); }
  const T& value() const& { return *std::get_if<0>(&state_); }
  T&& value() && { return std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const EngineError& error() const { return *std::get_if<1>(&state_); }

 private:
  std::variant<T, EngineError> state_;
};

/// A step that yields nothing but success.
using Status = Result<std::monostate>;
inline Status success() { return Status(std::monostate{}); }

}  // namespace borel::codegen
