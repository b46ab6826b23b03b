/// Elaboration recurses as deep as a program's compile-time calls do, up to 256 of them, each
/// through many frames of ours: more than the default stack is sure to hold.
#pragma once

#include <functional>

namespace borel::sema {

/// Runs `work` on a stack of 256 MiB of address space and waits for it. What it throws, this
/// throws.
void on_large_stack(const std::function<void()>& work);

}  // namespace borel::sema
