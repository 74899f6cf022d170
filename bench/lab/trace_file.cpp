// SPDX-License-Identifier: Apache-2.0
#include "lab/trace_file.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>

#include <zstd.h>

#include "lab/experiment.hpp"

namespace tophash::lab {

struct trace_file::stream {
  static constexpr std::size_t text_bytes = 128 * 1024;
  static constexpr int level = 12;

  struct close_file {
    void operator()(std::FILE* f) const noexcept { std::fclose(f); }
  };
  struct free_packer {
    void operator()(ZSTD_CStream* p) const noexcept { ZSTD_freeCStream(p); }
  };

  stream(const std::filesystem::path& path, bool compressed)
      : name(path.string()), file(std::fopen(name.c_str(), "wb")) {
    if (!file) fail();
    if (compressed) {
      packer.reset(ZSTD_createCStream());
      if (!packer || ZSTD_isError(ZSTD_initCStream(packer.get(), level)))
        throw command_error(exit_check_failed, name + ": the compressor cannot start");
    }
    text.reserve(text_bytes);
    text = "time,op,key,size\n";
  }

  [[noreturn]] void fail() const {
    throw command_error(exit_check_failed, name + " cannot be written: " + std::strerror(errno));
  }

  template <class Number>
  void number(Number n) {
    std::array<char, 20> digits;
    text.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), n).ptr);
  }

  template <class PutKey>
  void row(std::int64_t ms, char operation, const PutKey& put_key, std::optional<std::uint32_t> size_bytes) {
    number(ms);
    text += ',', text += operation, text += ',';
    put_key();
    text += ',';
    if (size_bytes) number(*size_bytes);
    text += '\n';
    if (text.size() + 64 > text_bytes) write(false);
  }

  void put(const char* bytes, std::size_t count) {
    if (std::fwrite(bytes, 1, count, file.get()) != count) fail();
  }

  void write(bool last) {
    if (!packer) {
      put(text.data(), text.size());
    } else {
      ZSTD_inBuffer in{text.data(), text.size(), 0};
      std::size_t left = 1;
      while (last ? left != 0 : in.pos != in.size) {
        std::array<char, 64 * 1024> packed;
        ZSTD_outBuffer out{packed.data(), packed.size(), 0};
        left = ZSTD_compressStream2(packer.get(), &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left)) throw command_error(exit_check_failed, name + ": " + ZSTD_getErrorName(left));
        put(packed.data(), out.pos);
      }
    }
    text.clear();
  }

  std::string name;
  std::unique_ptr<std::FILE, close_file> file;
  std::unique_ptr<ZSTD_CStream, free_packer> packer;
  std::string text;
};

trace_file::trace_file(const std::filesystem::path& path, bool compressed)
    : stream_(std::make_unique<stream>(path, compressed)) {}

trace_file::~trace_file() = default;

void trace_file::row(std::int64_t ms, char operation, std::string_view key,
                     std::optional<std::uint32_t> size_bytes) {
  stream_->row(
      ms, operation, [&] { stream_->text += key; }, size_bytes);
}

void trace_file::row(std::int64_t ms, char operation, std::uint64_t key,
                     std::optional<std::uint32_t> size_bytes) {
  stream_->row(
      ms, operation, [&] { stream_->number(key); }, size_bytes);
}

void trace_file::finish() {
  stream_->write(true);
  std::FILE* const file = stream_->file.release();
  if (std::fclose(file) != 0) stream_->fail();
}

}  // namespace tophash::lab
