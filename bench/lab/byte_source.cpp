// SPDX-License-Identifier: Apache-2.0
#include "lab/byte_source.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include <zstd.h>

#include "lab/sha256.hpp"

namespace tophash::lab {

namespace {

constexpr std::size_t piece_bytes = 64 * 1024, line_limit_bytes = 64 * 1024;

}  // namespace

struct byte_source::stream {
  struct close_file {
    void operator()(std::FILE* f) const noexcept { std::fclose(f); }
  };
  struct free_decoder {
    void operator()(ZSTD_DStream* d) const noexcept { ZSTD_freeDStream(d); }
  };

  // More bytes of the file into `packed`; false at its end.
  bool read_packed() {
    packed_end = std::fread(packed.data(), 1, packed.size(), file.get());
    packed_begin = 0;
    if (packed_end == 0 && std::ferror(file.get()) != 0) throw input_error("read error");
    hash.feed({packed.data(), packed_end});
    return packed_end != 0;
  }

  // The first bytes tell whether the file is compressed.
  void begin() {
    if (!read_packed()) throw input_error("the file is empty");
    constexpr std::string_view magic = "\x28\xb5\x2f\xfd";
    if (packed_end >= magic.size() && std::string_view{packed.data(), magic.size()} == magic) {
      decoder.reset(ZSTD_createDStream());
      if (!decoder) throw input_error("no memory to decompress");
      if (ZSTD_isError(ZSTD_initDStream(decoder.get()))) throw input_error("the decompressor cannot start");
      in_frame = true;
    }
    started = true;
  }

  std::string_view next() {
    if (!started) begin();
    for (;;) {
      if (packed_begin == packed_end && !read_packed()) {
        if (decoder && in_frame)
          throw input_error("the compressed data ends in the middle: the file was cut");
        return {};
      }
      const std::string_view out = decoder ? decompressed() : plain();
      if (!out.empty()) return out;
    }
  }

  std::string_view decompressed() {
    ZSTD_inBuffer in{packed.data(), packed_end, packed_begin};
    ZSTD_outBuffer out{text.data(), text.size(), 0};
    const std::size_t left = ZSTD_decompressStream(decoder.get(), &out, &in);
    if (ZSTD_isError(left))
      throw input_error(std::string{"the compressed data is damaged: "} + ZSTD_getErrorName(left));
    in_frame = left != 0;
    packed_begin = in.pos;
    return {text.data(), out.pos};
  }

  std::string_view plain() {
    const std::string_view out{packed.data() + packed_begin, packed_end - packed_begin};
    packed_begin = packed_end;
    return out;
  }

  std::unique_ptr<std::FILE, close_file> file;
  std::unique_ptr<ZSTD_DStream, free_decoder> decoder;
  std::vector<char> packed = std::vector<char>(piece_bytes);
  std::vector<char> text = std::vector<char>(piece_bytes);
  std::size_t packed_begin = 0, packed_end = 0;
  bool started = false, in_frame = false;
  class sha256 hash;
};

byte_source::byte_source(const std::filesystem::path& file) : stream_(std::make_unique<stream>()) {
  stream_->file.reset(std::fopen(file.c_str(), "rb"));
  if (!stream_->file) throw input_error(std::string{"cannot be opened: "} + std::strerror(errno));
  if (std::filesystem::is_directory(file)) throw input_error("is a directory");
}

byte_source::~byte_source() = default;

std::string_view byte_source::next() { return stream_->next(); }

std::string byte_source::sha256() const {
  class sha256 copy = stream_->hash;
  return copy.hex();
}

// In place where the line lies in one piece.
bool line_source::next(std::string_view& out) {
  carried_.clear();
  ++line_;
  for (;;) {
    if (rest_.empty() && (rest_ = bytes_.next()).empty()) {
      out = carried_;
      return !carried_.empty();
    }
    const std::size_t newline = rest_.find('\n');
    const std::size_t length = std::min(newline, rest_.size());
    if (carried_.size() + length > line_limit_bytes) throw input_error("a line of more than 64 KiB");
    out = rest_.substr(0, length);
    const bool whole = newline != std::string_view::npos;
    rest_.remove_prefix(length + (whole ? 1 : 0));
    if (whole && carried_.empty()) return true;
    carried_.append(out);
    if (whole) {
      out = carried_;
      return true;
    }
  }
}

bool record_source::next(std::string_view& out) {
  carried_.clear();
  ++record_;
  for (;;) {
    if (rest_.empty() && (rest_ = bytes_.next()).empty()) {
      if (carried_.empty()) return false;
      throw input_error("the file ends after " + std::to_string(carried_.size()) + " of its " +
                        std::to_string(record_bytes_) + " bytes");
    }
    const std::size_t length = std::min(record_bytes_ - carried_.size(), rest_.size());
    out = rest_.substr(0, length);
    rest_.remove_prefix(length);
    if (length == record_bytes_) return true;
    carried_.append(out);
    if (carried_.size() == record_bytes_) {
      out = carried_;
      return true;
    }
  }
}

}  // namespace tophash::lab
