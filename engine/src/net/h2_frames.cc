#include "h2_frames.h"

#include <algorithm>
#include <utility>

namespace lgen {

void put_h2_head(char* at, const H2Head& head) {
  at[0] = static_cast<char>(head.size >> 16);
  at[1] = static_cast<char>(head.size >> 8);
  at[2] = static_cast<char>(head.size);
  at[3] = static_cast<char>(head.type);
  at[4] = static_cast<char>(head.flags);
  put_h2_number(at + 5, static_cast<std::uint32_t>(head.stream));
}

void append_h2_frame(std::string& out, const H2Head& head, std::string_view payload) {
  char bytes[kH2Head];
  put_h2_head(bytes, head);
  out.append(bytes, kH2Head).append(payload);
}

bool H2Frames::next(std::string_view& bytes, H2Part& part) {
  if (!in_frame_ && !take_head(bytes)) return false;
  part.head = head_;
  part.too_large = head_.size > kH2MostFrame;
  if (part.too_large) return true;
  if (head_.type == NGHTTP2_DATA) return next_data(bytes, part);
  part.first = part.last = true;
  if (kept_.empty() && bytes.size() >= left_) {
    part.bytes = bytes.substr(0, left_);
    bytes.remove_prefix(left_);
  } else {
    const std::size_t count = std::min(left_, bytes.size());
    kept_.append(bytes.substr(0, count));
    bytes.remove_prefix(count);
    left_ -= count;
    if (left_ > 0) return false;
    whole_.swap(kept_);
    kept_.clear();
    part.bytes = whole_;
  }
  in_frame_ = false;
  return true;
}

bool H2Frames::take_head(std::string_view& bytes) {
  std::string_view head = bytes.substr(0, kH2Head);
  if (!kept_.empty() || head.size() < kH2Head) {
    head = head.substr(0, kH2Head - kept_.size());
    bytes.remove_prefix(head.size());
    kept_.append(head);
    if (kept_.size() < kH2Head) return false;
    whole_.swap(kept_);
    kept_.clear();
    head = whole_;
  } else {
    bytes.remove_prefix(kH2Head);
  }
  const auto byte = [head](std::size_t i) { return static_cast<unsigned char>(head[i]); };
  left_ = static_cast<std::size_t>(byte(0) << 16 | byte(1) << 8 | byte(2));
  head_ = {left_, byte(3), byte(4), static_cast<std::int32_t>(h2_number(head.data() + 5) & 0x7fffffff)};
  in_frame_ = first_ = true;
  return true;
}

bool H2Frames::next_data(std::string_view& bytes, H2Part& part) {
  const std::size_t count = std::min(left_, bytes.size());
  if (count == 0 && left_ > 0) return false;
  part.bytes = bytes.substr(0, count);
  bytes.remove_prefix(count);
  left_ -= count;
  part.first = std::exchange(first_, false);
  part.last = left_ == 0;
  in_frame_ = !part.last;
  return true;
}

}  // namespace lgen
