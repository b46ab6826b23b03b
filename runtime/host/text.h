// Messages: text of bounded length on the stack.
#ifndef BOREL_RUNTIME_HOST_TEXT_H
#define BOREL_RUNTIME_HOST_TEXT_H

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace borel::host {

// Builds one line. What does not fit is left out and "…" ends the line.
class Text {
 public:
  static constexpr std::size_t capacity = 1000;

  Text() = default;
  explicit Text(std::string_view text) { *this << text; }

  Text& operator<<(std::string_view text);
  Text& operator<<(const char* text) { return *this << std::string_view(text); }
  Text& operator<<(std::int64_t value);
  Text& operator<<(std::int32_t value) { return *this << static_cast<std::int64_t>(value); }
  Text& operator<<(std::uint32_t value) { return *this << static_cast<std::int64_t>(value); }
  // The shortest text that reads back as the same number, whatever the locale; "nan", "inf".
  Text& operator<<(double value);

  std::string_view view() const { return {buffer_, size_}; }
  bool empty() const { return size_ == 0; }

 private:
  char buffer_[capacity + 4] = {};
  std::size_t size_ = 0;
  bool full_ = false;
};

// As one line of valid UTF-8, of the same length: control characters become spaces, and bytes that
// are not UTF-8 question marks.
void clean_line(char* text, std::size_t size);

// A text that ends at its first zero byte; "" for null.
inline std::string_view text_or_empty(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

// Whether `text` (zero-terminated, or null) says `wanted`.
inline bool says(const char* text, std::string_view wanted) {
  return text != nullptr && std::string_view(text) == wanted;
}

}  // namespace borel::host

#endif
