// A tensor of an open checkpoint.
#ifndef CHECKPOINT_TENSOR_HPP
#define CHECKPOINT_TENSOR_HPP

#include <checkpoint/options.hpp>
#include <checkpoint/view.hpp>
#include <algorithm>
#include <optional>

CHECKPOINT_BEGIN

/// How tensors are read.
class read_options : public basic_read_options<read_options> {
   public:
    /// Has the call stop when `flag` is raised.
    read_options &cancel(const ::checkpoint::cancel &flag) {
        return set([flag](auto *raw) { detail::call(ckpt_read_options_set_cancel, raw, flag.get()); });
    }
};

/// A tensor of an open checkpoint. A value: copies are cheap, and each keeps the checkpoint open.
class tensor {
   public:
    /// `raw`, which `reader` lends.
    tensor(std::shared_ptr<const ckpt_reader> reader, const ckpt_tensor *raw) noexcept : reader_(std::move(reader)), raw_(raw) {}

    /// The key: bytes, UTF-8 in every checkpoint that TensorFlow's Python can list.
    std::string_view key() const noexcept { return detail::text(ckpt_tensor_key(raw_)); }
    /// The type of the elements.
    ::checkpoint::dtype dtype() const noexcept { return static_cast<::checkpoint::dtype>(ckpt_tensor_dtype(raw_)); }
    /// The dimensions.
    shape_view shape() const noexcept { return {ckpt_tensor_shape(raw_), ckpt_tensor_rank(raw_)}; }
    /// The number of elements.
    std::uint64_t element_count() const noexcept { return ckpt_tensor_element_count(raw_); }
    /// The bytes of the value; of strings and variants those that are stored, or -1 when that is
    /// not known without reading.
    std::int64_t byte_size() const noexcept { return ckpt_tensor_byte_size(raw_); }
    /// The data file, counted from 0; -1 of a partitioned tensor, or in a V1 checkpoint.
    std::int64_t shard() const noexcept { return ckpt_tensor_shard(raw_); }
    /// Where in the data file it begins, in bytes; -1 of a partitioned tensor, or in a V1
    /// checkpoint.
    std::int64_t offset() const noexcept { return ckpt_tensor_offset(raw_); }
    /// The slices in which a partitioned tensor is stored; none of a tensor stored whole. A length
    /// of -1 is the whole dimension.
    std::vector<slice> slices() const {
        std::vector<slice> all(ckpt_tensor_slice_count(raw_));
        const std::size_t rank = shape().rank();
        for (std::size_t i = 0; i < all.size(); i++) {
            all[i].start.resize(rank);
            all[i].length.resize(rank);
            detail::call(ckpt_tensor_slice, raw_, i, all[i].start.data(), all[i].length.data());
        }
        return all;
    }

    /// The values, row-major. checkpoint::reason::dtype when the tensor is of another type, unless
    /// the options convert it: `read<float>(read_options().conversion(conversion::exact))`.
    /// (`CheckpointReader.get_tensor`)
    template <typename T>
    std::vector<T> read(const read_options &options = {}) const {
        const as<T> how(*this, options);
        std::uint64_t count = 0;
        detail::call(ckpt_reader_measure, reader_.get(), raw_, how.elements(), &count, nullptr);
        return values<T>(count, [&](auto part) {
            detail::call(ckpt_reader_read, reader_.get(), raw_, how.get(), part.data(), part.size_bytes());
        });
    }
    /// The value of a scalar.
    template <typename T>
    T scalar(const read_options &options = {}) const {
        T value;
        detail::call(ckpt_reader_read, reader_.get(), raw_, as<T>(*this, options).get(), &value, sizeof value);
        detail::normalize_bools(span<T>(&value, 1));
        return value;
    }
    /// Reads the values into `values`, memory for exactly all of them: a std::vector, std::array,
    /// span or array of any rank. On failure it holds anything.
    template <typename Values>
    void read_into(Values &&values, const read_options &options = {}) const {
        auto memory = detail::elements(values);
        const as<typename decltype(memory)::value_type> how(*this, options);
        detail::call(ckpt_reader_read, reader_.get(), raw_, how.get(), memory.data(), memory.size_bytes());
        detail::normalize_bools(memory);
    }
    /// Reads the bytes of a value of any fixed-size dtype.
    void read_bytes(span<std::byte> buffer, const read_options &options = {}) const {
        detail::call(ckpt_reader_read, reader_.get(), raw_, options.get(), buffer.data(), buffer.size());
    }
    /// A part of the values; `part.start` and `part.length` have a value for each dimension.
    template <typename T>
    std::vector<T> read_slice(const slice &part, const read_options &options = {}) const {
        const as<T> how(*this, options);
        std::uint64_t count = 0;
        detail::call(ckpt_reader_measure_slice, reader_.get(), raw_, part.start.data(), part.length.data(), rank_of(part),
                     how.elements(), &count, nullptr);
        return values<T>(count, [&](auto buffer) {
            detail::call(ckpt_reader_read_slice, reader_.get(), raw_, part.start.data(), part.length.data(), rank_of(part),
                         how.get(), buffer.data(), buffer.size_bytes());
        });
    }
    /// Reads a part of the values into memory for exactly that.
    template <typename Values>
    void read_slice_into(const slice &part, Values &&values, const read_options &options = {}) const {
        auto memory = detail::elements(values);
        const as<typename decltype(memory)::value_type> how(*this, options);
        detail::call(ckpt_reader_read_slice, reader_.get(), raw_, part.start.data(), part.length.data(), rank_of(part), how.get(),
                     memory.data(), memory.size_bytes());
        detail::normalize_bools(memory);
    }
    /// The elements of a string tensor, or of a variant tensor as serialized
    /// `VariantTensorDataProto`.
    ::checkpoint::strings strings(const read_options &options = {}) const {
        detail::handle<ckpt_strings, ckpt_strings_free> raw;
        detail::call(ckpt_reader_read_strings, reader_.get(), raw_, options.get(), raw.out());
        return ::checkpoint::strings(std::move(raw));
    }
    /// A part of the elements.
    ::checkpoint::strings strings_slice(const slice &part, const read_options &options = {}) const {
        detail::handle<ckpt_strings, ckpt_strings_free> raw;
        detail::call(ckpt_reader_read_strings_slice, reader_.get(), raw_, part.start.data(), part.length.data(), rank_of(part),
                     options.get(), raw.out());
        return ::checkpoint::strings(std::move(raw));
    }
    /// Maps the value of a fixed-size tensor as it lies in its data file.
    /// checkpoint::code::failed_precondition for strings, partitioned tensors, V1 checkpoints and
    /// values of the other byte order.
    ::checkpoint::view view(const read_options &options = {}) const {
        detail::handle<ckpt_view, ckpt_view_free> raw;
        detail::call(ckpt_reader_view, reader_.get(), raw_, options.get(), raw.out());
        return ::checkpoint::view(std::move(raw), dtype());
    }

    /// What the reader lends, as long as it or any of its tensors lives.
    const ckpt_tensor *get() const noexcept { return raw_; }

   private:
    // Options with which the values are read as T. The library refuses or converts another type.
    template <typename T>
    class as {
       public:
        as(const tensor &values, const read_options &options) {
            if (options.get() != nullptr) {
                detail::call(ckpt_read_options_copy, options.get(), copy_.out());
                detail::call(ckpt_read_options_set_dtype, copy_.get(), detail::number_of<T>());
            } else if (dtype_of<T> != values.dtype()) {
                detail::call(ckpt_tensor_check_elements, values.raw_, detail::number_of<T>());
            }
        }
        const ckpt_read_options *get() const noexcept { return copy_.get(); }
        // What to measure the values as, which options may convert.
        ckpt_dtype elements() const noexcept { return get() != nullptr ? CKPT_DTYPE_INVALID : detail::number_of<T>(); }

       private:
        detail::handle<ckpt_read_options, ckpt_read_options_free> copy_;
    };
    // The values that `read` reads into memory for `count`. std::vector<bool> has none.
    template <typename T, typename Read>
    static std::vector<T> values(std::uint64_t count, Read &&read) {
        if constexpr (std::is_same_v<T, bool>) {
            std::vector<unsigned char> bytes(count);
            read(span<unsigned char>(bytes));
            return std::vector<bool>(bytes.begin(), bytes.end());
        } else {
            std::vector<T> all(count);
            read(span<T>(all));
            return all;
        }
    }
    static std::size_t rank_of(const slice &part) {
        if (part.start.size() != part.length.size()) {
            fail(error(code::invalid_argument, "a slice needs as many starts as lengths", reason::shape));
        }
        return std::min(part.start.size(), part.length.size());
    }

    std::shared_ptr<const ckpt_reader> reader_;
    const ckpt_tensor *raw_;
};

CHECKPOINT_END

#endif
