// SPDX-License-Identifier: Apache-2.0
// A bucket of records of variable length, one behind the other without padding, with a checksum: what a published
// article imagines a bucket of Go's map to be, whose buckets hold eight keys and eight values of fixed size.
//
//   byte 0        8       10      12         16                                                  Bytes
//        +--------+-------+-------+----------+---------------------------------------------+------+
//        | link   | count | used  | checksum | records                                     | free |
//        +--------+-------+-------+----------+---------------------------------------------+------+
//   record  | u16 key bytes | u16 value bytes | key | value |        (native byte order, no alignment)
//
// Invariants of a bucket that is intact: `count` records fill exactly the first `used` bytes, and the checksum is the
// xor of the records' CRC-32 and of the CRC-32 of count and used. So a write pays for its own record and not for the
// bucket, and the order of records does not matter, as erasing closes gaps. One changed byte, and any 32 bits beside
// each other, are always noticed, since they change one record's CRC; what moves a record's end, and so what is summed,
// but for one chance in 2^32.
// Cost: a search goes from record to record, as there are no tags: one compare of lengths each. A check reads all that
// is used: eight bytes a step.
#ifndef TOPHASH_FRAMEWORK_LAYOUT_PACKED_BUCKET_HPP
#define TOPHASH_FRAMEWORK_LAYOUT_PACKED_BUCKET_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tophash::inline v1 {

namespace layout {

// The tables of CRC-32 (the reflected polynomial of Ethernet and zip): [0] for one byte, [k] for one that k bytes follow.
struct crc32_tables {
  std::array<std::array<std::uint32_t, 256>, 8> of{};
  constexpr crc32_tables() {
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      std::uint32_t crc = byte;
      for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0xedb88320u : 0u);
      of[0][byte] = crc;
    }
    for (std::size_t k = 1; k < of.size(); ++k) {
      for (std::size_t byte = 0; byte < 256; ++byte) of[k][byte] = (of[k - 1][byte] >> 8) ^ of[0][of[k - 1][byte] & 0xff];
    }
  }
};
inline constexpr crc32_tables crc32_table;

// Eight bytes a step (Kounavis and Berry, "A systematic approach to building high performance software-based CRC
// generators").
inline std::uint32_t crc32(const void* bytes, std::size_t count) noexcept {
  const auto* at = static_cast<const unsigned char*>(bytes);
  const auto& t = crc32_table.of;
  std::uint32_t crc = 0xffffffffu;
  for (; count >= 8; count -= 8, at += 8) {
    crc ^= std::uint32_t{at[0]} | std::uint32_t{at[1]} << 8 | std::uint32_t{at[2]} << 16 | std::uint32_t{at[3]} << 24;
    crc = t[7][crc & 0xff] ^ t[6][crc >> 8 & 0xff] ^ t[5][crc >> 16 & 0xff] ^ t[4][crc >> 24] ^ t[3][at[4]] ^
          t[2][at[5]] ^ t[1][at[6]] ^ t[0][at[7]];
  }
  for (; count != 0; --count, ++at) crc = (crc >> 8) ^ t[0][(crc ^ *at) & 0xff];
  return ~crc;
}

// A record where it lies. Valid until the next write to its bucket.
struct packed_record {
  const unsigned char* bytes = nullptr;

  static constexpr std::size_t header_bytes = 4;
  explicit operator bool() const noexcept { return bytes != nullptr; }
  std::size_t key_bytes() const noexcept { return length_at(0); }
  std::size_t value_bytes() const noexcept { return length_at(2); }
  std::size_t size_bytes() const noexcept { return header_bytes + key_bytes() + value_bytes(); }
  std::string_view key() const noexcept { return {text(header_bytes), key_bytes()}; }
  std::string_view value() const noexcept { return {text(header_bytes + key_bytes()), value_bytes()}; }

 private:
  std::size_t length_at(std::size_t offset) const noexcept {
    std::uint16_t length;
    std::memcpy(&length, bytes + offset, sizeof length);
    return length;
  }
  const char* text(std::size_t offset) const noexcept { return reinterpret_cast<const char*>(bytes + offset); }
};

// `Bytes` with the header. All zero bytes are an intact bucket without records, without a link.
template <std::size_t Bytes>
struct packed_bucket {
  static constexpr std::size_t header_bytes = 16;
  static constexpr std::size_t capacity_bytes = Bytes - header_bytes;
  static_assert(Bytes % alignof(void*) == 0 && Bytes >= 64 && Bytes <= 32768,
                "lengths and offsets are 16 bits, and a bucket holds a record at least");

  packed_bucket* link;
  std::uint16_t count;
  std::uint16_t used;
  std::uint32_t checksum;
  unsigned char records[capacity_bytes];

  std::size_t room_bytes() const noexcept { return used < capacity_bytes ? capacity_bytes - used : 0; }

  packed_record first() const noexcept { return used == 0 ? packed_record{} : packed_record{records}; }
  packed_record after(packed_record r) const noexcept {
    r.bytes += r.size_bytes();
    return r.bytes < records + used ? r : packed_record{};
  }
  // Of an intact bucket, as all that follow but is_intact().
  packed_record find(std::string_view key) const noexcept {
    for (packed_record r = first(); r; r = after(r)) {
      if (r.key_bytes() == key.size() && std::memcmp(r.key().data(), key.data(), key.size()) == 0) return r;
    }
    return {};
  }

  // A record as bytes, for which there is room.
  void append(packed_record r) noexcept {
    const std::size_t bytes = r.size_bytes();
    checksum ^= header_sum() ^ crc32(r.bytes, bytes);
    std::memcpy(records + used, r.bytes, bytes);
    used = static_cast<std::uint16_t>(used + bytes);
    ++count;
    checksum ^= header_sum();
  }
  // Those behind it move up.
  void erase(packed_record r) noexcept {
    const std::size_t bytes = r.size_bytes();
    const auto offset = static_cast<std::size_t>(r.bytes - records);
    checksum ^= header_sum() ^ crc32(r.bytes, bytes);
    std::memmove(records + offset, records + offset + bytes, used - offset - bytes);
    used = static_cast<std::uint16_t>(used - bytes);
    --count;
    checksum ^= header_sum();
  }

  // False: bytes have changed that no write of this map changed. Follows no length out of the bucket.
  bool is_intact() const noexcept {
    if (used > capacity_bytes) return false;
    std::uint32_t sum = header_sum();
    std::size_t seen = 0, offset = 0;
    while (offset < used) {
      if (used - offset < packed_record::header_bytes) return false;
      const packed_record r{records + offset};
      const std::size_t bytes = r.size_bytes();
      if (bytes > used - offset) return false;
      sum ^= crc32(r.bytes, bytes);
      offset += bytes;
      ++seen;
    }
    return seen == count && sum == checksum;
  }

 private:
  // Nothing for an empty bucket, so that zero bytes are one.
  std::uint32_t header_sum() const noexcept {
    const std::uint16_t both[] = {count, used};
    return count == 0 && used == 0 ? 0 : crc32(both, sizeof both);
  }
};

}  // namespace layout

}  // namespace tophash::inline v1

#endif
