// Calls of the host interface as bytes say: what the fuzzer and its replay run.
#ifndef BOREL_TESTS_FUZZ_HOST_CALLS_H
#define BOREL_TESTS_FUZZ_HOST_CALLS_H

#include <cstddef>
#include <cstdint>

namespace borel::fuzz {

// Opens one of the built programs and makes calls in the order, with the data, checkpoints, points
// and settings that the bytes stand for, as the comments of borel.h allow them: buffers are exactly
// as long as they must be, handles are freed in the right order, a call may have any value in its
// numbers and any bytes in its texts. Aborts with a message where a call returns a code that there
// is not, an error that is not one line or says another code, bytes that do not resume to
// themselves, or where memory is not given back.
void play(const std::uint8_t* bytes, std::size_t size);

}  // namespace borel::fuzz

#endif
