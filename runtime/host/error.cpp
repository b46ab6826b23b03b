#include "runtime/host/error.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "runtime/core/fault_names.h"
#include "runtime/core/huge_pages.h"
#include "runtime/host/memory.h"

// The texts lie behind it in the same memory: its span's file must outlive the program.
struct borel_error {
  borel_allocator allocator;
  std::size_t bytes;  // with the texts; 0: a constant
  borel_code code;
  borel_span span;
  const char* message;
  const char* subject;
};

namespace borel::host {

namespace {

constexpr borel_span nowhere = {nullptr, 0, 0, 0, 0};
constexpr borel_error out_of_memory = {
    {nullptr, nullptr, nullptr}, 0, BOREL_NO_MEMORY, nowhere, "out of memory", ""};

// Copies a text behind an error; null for a null text.
const char* copy_text(char*& at, std::string_view text) {
  char* begin = at;
  if (!text.empty()) {
    std::memcpy(begin, text.data(), text.size());
  }
  clean_line(begin, text.size());
  begin[text.size()] = '\0';
  at += text.size() + 1;
  return begin;
}

}  // namespace

const borel_allocator& default_allocator() {
  static constexpr borel_allocator allocator = {
      nullptr,
      [](void*, std::size_t bytes, std::size_t alignment) -> void* {
        if (alignment <= alignof(std::max_align_t)) {
          return std::malloc(bytes);
        }
        void* memory = nullptr;
        if (posix_memalign(&memory, runtime::alignment_for(bytes, alignment), bytes) != 0) {
          return nullptr;
        }
        runtime::ask_for_huge_pages(memory, bytes);
        return memory;
      },
      [](void*, void* memory, std::size_t, std::size_t) { std::free(memory); }};
  return allocator;
}

borel_code Reporter::operator()(borel_code code, const Text& message, std::string_view subject,
                                const borel_span* span) const {
  if (error == nullptr) {
    return code;
  }
  const std::string_view file = span == nullptr ? std::string_view() : text_or_empty(span->file);
  Text line;
  line << prefix << message.view();
  const std::size_t bytes =
      sizeof(borel_error) + line.view().size() + subject.size() + file.size() + 3;
  void* memory = allocate(allocator, bytes, alignof(borel_error));
  if (memory == nullptr) {
    return no_memory();
  }
  borel_error* made = new (memory) borel_error{allocator, bytes, code, nowhere, nullptr, nullptr};
  char* at = static_cast<char*>(memory) + sizeof(borel_error);
  made->message = copy_text(at, line.view());
  made->subject = copy_text(at, subject);
  if (!file.empty()) {
    made->span = *span;
    made->span.file = copy_text(at, file);
  }
  *error = made;
  return code;
}

borel_code Reporter::no_memory() const {
  if (error != nullptr) {
    *error = const_cast<borel_error*>(&out_of_memory);
  }
  return BOREL_NO_MEMORY;
}

borel_code null_handle(borel_error** error, const char* what) {
  return Reporter{default_allocator(), error}.bad_argument(Text() << what << " is null");
}

borel_code report_fault(const Reporter& report, const borel_program& program,
                        const borel_fault& fault, borel_code code, std::string_view before) {
  Text text;
  std::string_view site;
  const borel_span* span = nullptr;
  text << before << runtime::fault_kind_name(fault.kind);
  if (fault.place >= 0 && fault.place < program.place_count) {
    const borel_place& place = program.places[fault.place];
    span = &place.span;
    if (place.site != nullptr) {
      site = place.site;
      text << ", at site `" << site << "`";
    }
    if (place.what != nullptr && *place.what != '\0') {
      text << ": `" << place.what << "`";
    }
  }
  if (!std::isnan(fault.value)) {
    text << ", found " << fault.value;
  }
  if (fault.kind == BOREL_FAULT_INDEX) {
    text << ", index " << fault.index;
  } else if (fault.index >= 0) {
    text << ", at element " << fault.index << " (counting from 0)";
  }
  return report(code, text, site, span);
}

}  // namespace borel::host

using namespace borel::host;

extern "C" {

uint32_t borel_version(void) {
  return static_cast<uint32_t>(BOREL_VERSION_MAJOR) << 16 |
         static_cast<uint32_t>(BOREL_VERSION_MINOR) << 8 |
         static_cast<uint32_t>(BOREL_VERSION_PATCH);
}

borel_code borel_error_code(const borel_error* error) {
  return error == nullptr ? BOREL_SUCCESS : error->code;
}
const char* borel_error_message(const borel_error* error) {
  return error == nullptr ? "" : error->message;
}
const char* borel_error_subject(const borel_error* error) {
  return error == nullptr ? "" : error->subject;
}
borel_span borel_error_span(const borel_error* error) {
  return error == nullptr ? nowhere : error->span;
}
void borel_error_free(borel_error* error) {
  if (error != nullptr && error->bytes > 0) {
    const borel_allocator allocator = error->allocator;
    release(allocator, error, error->bytes, alignof(borel_error));
  }
}

}  // extern "C"
