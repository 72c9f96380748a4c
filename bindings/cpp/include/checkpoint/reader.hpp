// Reading: an open checkpoint, its tensors, and views of them.
#ifndef CHECKPOINT_READER_HPP
#define CHECKPOINT_READER_HPP

#include <checkpoint/core.hpp>
#include <checkpoint/object_graph.hpp>
#include <optional>

namespace checkpoint {

/// How a checkpoint is opened.
class open_options {
   public:
    /// Most bytes that listing a checkpoint may take; by default 16 MiB and 24 for each byte of its index.
    open_options &memory_limit(std::uint64_t bytes) {
        detail::call(ckpt_open_options_set_memory_limit, make(), bytes);
        return *this;
    }
    /// The handle; NULL for the defaults.
    const ckpt_open_options *get() const noexcept { return handle_.get(); }

   private:
    ckpt_open_options *make() { return handle_.make(ckpt_open_options_new); }
    detail::handle<ckpt_open_options, ckpt_open_options_free> handle_;
};

/// How tensors are read.
class read_options {
   public:
    /// So many threads, the caller's among them; 0, the default, lets the library choose.
    read_options &threads(std::uint32_t count) {
        detail::call(ckpt_read_options_set_threads, make(), count);
        return *this;
    }
    /// Whether checksums are compared.
    read_options &checksums(::checkpoint::checksums when) {
        detail::call(ckpt_read_options_set_checksums, make(), static_cast<ckpt_checksums>(when));
        return *this;
    }
    /// The handle; NULL for the defaults.
    const ckpt_read_options *get() const noexcept { return handle_.get(); }

   private:
    ckpt_read_options *make() { return handle_.make(ckpt_read_options_new); }
    detail::handle<ckpt_read_options, ckpt_read_options_free> handle_;
};

/// A tensor as it lies in its data file, mapped into memory. It outlives the reader. While it lives, nobody may truncate or
/// rewrite the data file in place: touching a page that is gone raises SIGBUS. Several threads may use it at once.
class view {
   public:
    /// Takes a handle of the C API, which becomes this object's; its elements are of `type`.
    view(detail::handle<ckpt_view, ckpt_view_free> raw, ::checkpoint::dtype type) noexcept
        : handle_(std::move(raw)), dtype_(type) {}
    /// The bytes of the value: row-major, little-endian.
    span<const std::byte> bytes() const noexcept {
        const ckpt_bytes bytes = ckpt_view_bytes(handle_.get());
        return {reinterpret_cast<const std::byte *>(bytes.data), bytes.len};
    }
    /// The largest power of two, up to 4096, that the address is a multiple of. TensorFlow packs tensors without gaps.
    std::size_t alignment() const noexcept { return ckpt_view_alignment(handle_.get()); }
    /// The values where they lie. checkpoint::reason::dtype for another type than the tensor's, checkpoint::reason::alignment
    /// when they are not aligned for it.
    template <typename T>
    span<const T> values() const {
        if (dtype_of<T> != dtype_) throw error(code::invalid_argument, "the view is of another dtype", reason::dtype);
        if (alignment() < alignof(T)) {
            throw error(code::failed_precondition, "the values are not aligned in their data file", reason::alignment);
        }
        return {reinterpret_cast<const T *>(bytes().data()), bytes().size() / sizeof(T)};
    }

   private:
    detail::handle<ckpt_view, ckpt_view_free> handle_;
    ::checkpoint::dtype dtype_;
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
    /// The bytes of the value; of strings and variants those that are stored, or -1 when that is not known without reading.
    std::int64_t byte_size() const noexcept { return ckpt_tensor_byte_size(raw_); }
    /// The data file, counted from 0; -1 of a partitioned tensor, or in a V1 checkpoint.
    std::int64_t shard() const noexcept { return ckpt_tensor_shard(raw_); }
    /// Where in the data file it begins, in bytes; -1 of a partitioned tensor, or in a V1 checkpoint.
    std::int64_t offset() const noexcept { return ckpt_tensor_offset(raw_); }
    /// The slices in which a partitioned tensor is stored; none of a tensor stored whole. A length of -1 is the whole dimension.
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

    /// The values, row-major. checkpoint::reason::dtype when the tensor is of another type. (`CheckpointReader.get_tensor`)
    template <typename T>
    std::vector<T> read(const read_options &options = {}) const {
        return values<T>(static_cast<std::size_t>(element_count()), [&](auto part) {
            detail::call(ckpt_reader_read, reader_.get(), raw_, options.get(), part.data(), part.size_bytes());
        });
    }
    /// The value of a scalar.
    template <typename T>
    T scalar(const read_options &options = {}) const {
        check<T>();
        T value;
        detail::call(ckpt_reader_read, reader_.get(), raw_, options.get(), &value, sizeof value);
        detail::settle(span<T>(&value, 1));
        return value;
    }
    /// Reads the values into `values`, memory for exactly all of them: a std::vector, std::array, span or array of any rank. On
    /// failure it holds anything.
    template <typename Values>
    void read_into(Values &&values, const read_options &options = {}) const {
        auto memory = detail::elements(values);
        check<typename decltype(memory)::value_type>();
        detail::call(ckpt_reader_read, reader_.get(), raw_, options.get(), memory.data(), memory.size_bytes());
        detail::settle(memory);
    }
    /// Reads the bytes of a value of any fixed-size dtype.
    void read_bytes(span<std::byte> buffer, const read_options &options = {}) const {
        detail::call(ckpt_reader_read, reader_.get(), raw_, options.get(), buffer.data(), buffer.size());
    }
    /// A part of the values; `part.start` and `part.length` have a value for each dimension.
    template <typename T>
    std::vector<T> read_slice(const slice &part, const read_options &options = {}) const {
        return values<T>(count_of(part), [&](auto buffer) {
            detail::call(ckpt_reader_read_slice, reader_.get(), raw_, part.start.data(), part.length.data(), rank_of(part),
                         options.get(), buffer.data(), buffer.size_bytes());
        });
    }
    /// Reads a part of the values into memory for exactly that.
    template <typename Values>
    void read_slice_into(const slice &part, Values &&values, const read_options &options = {}) const {
        auto memory = detail::elements(values);
        check<typename decltype(memory)::value_type>();
        detail::call(ckpt_reader_read_slice, reader_.get(), raw_, part.start.data(), part.length.data(), rank_of(part),
                     options.get(), memory.data(), memory.size_bytes());
        detail::settle(memory);
    }
    /// The elements of a string tensor, or of a variant tensor as serialized `VariantTensorDataProto`.
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
    /// Maps the value of a fixed-size tensor as it lies in its data file. checkpoint::code::failed_precondition for strings,
    /// partitioned tensors, V1 checkpoints and values of the other byte order.
    ::checkpoint::view view(const read_options &options = {}) const {
        detail::handle<ckpt_view, ckpt_view_free> raw;
        detail::call(ckpt_reader_view, reader_.get(), raw_, options.get(), raw.out());
        return ::checkpoint::view(std::move(raw), dtype());
    }

    /// What the reader lends, as long as it or any of its tensors lives.
    const ckpt_tensor *get() const noexcept { return raw_; }

   private:
    template <typename T>
    void check() const {
        static_assert(is_element<T>, "no dtype of TensorFlow has elements of this type");
        if (dtype_of<T> != dtype()) {
            throw error(code::invalid_argument,
                        std::string(key()) + " is of " + std::string(name(dtype())) + ", not " + std::string(name(dtype_of<T>)),
                        reason::dtype);
        }
    }
    // std::vector<bool> has no memory to read into.
    template <typename T, typename Read>
    std::vector<T> values(std::size_t count, Read &&read) const {
        check<T>();
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
    // How many elements a part has; what does not fit the tensor, the library refuses.
    std::size_t count_of(const slice &part) const {
        const shape_view whole = shape();
        const std::size_t rank = rank_of(part);
        std::size_t count = 1;
        for (std::size_t d = 0; d < rank; d++) {
            const std::int64_t length = part.length[d] < 0 && d < whole.rank() ? whole[d] - part.start[d] : part.length[d];
            if (d >= whole.rank() || length < 0 || length > whole[d]) return 0;
            count *= static_cast<std::size_t>(length);
        }
        return count;
    }
    static std::size_t rank_of(const slice &part) {
        if (part.start.size() != part.length.size()) {
            throw error(code::invalid_argument, "a slice needs as many starts as lengths", reason::shape);
        }
        return part.start.size();
    }

    std::shared_ptr<const ckpt_reader> reader_;
    const ckpt_tensor *raw_;
};

/// An open checkpoint: a range of its tensors, in the byte order of their keys. Several threads may use it at once.
class reader {
   public:
    /// Opens the checkpoint at `path`: a prefix, one of its `.index` or `.data-…` files, a directory with a `checkpoint` state
    /// file (its latest checkpoint), a SavedModel directory, or a V1 file. Only the index is read, and all of it is validated.
    /// (`tf.train.load_checkpoint`)
    explicit reader(const file_path &path, const open_options &options = {}) {
        detail::handle<ckpt_reader, ckpt_reader_free> raw;
        detail::call(ckpt_reader_open, detail::c_path(path), options.get(), raw.out());
        handle_ = raw.share();
    }
    reader(reader &&) noexcept = default;             ///< Moves.
    reader &operator=(reader &&) noexcept = default;  ///< Moves.

    /// The prefix of the checkpoint's files, which a directory or `.index` path led to.
    std::string_view prefix() const noexcept { return detail::text(ckpt_reader_prefix(get())); }
    /// How the checkpoint is stored.
    ::checkpoint::format format() const noexcept { return static_cast<::checkpoint::format>(ckpt_reader_format(get())); }
    /// The number of data files.
    std::uint32_t shard_count() const noexcept { return ckpt_reader_shard_count(get()); }
    /// The path of data file `shard`, counted from 0, whether or not it is there.
    std::string shard_path(std::uint32_t shard) const {
        detail::string_handle text;
        detail::call(ckpt_reader_shard_path, get(), shard, text.out());
        return detail::take(text);
    }
    /// The version that the writer gave the checkpoint: 1 today.
    std::int32_t producer_version() const noexcept { return ckpt_reader_producer_version(get()); }
    /// The least version of a reader that may read the checkpoint.
    std::int32_t min_consumer_version() const noexcept { return ckpt_reader_min_consumer_version(get()); }
    /// Whether the data files are big-endian. What is read is always in native order.
    bool is_big_endian() const noexcept { return ckpt_reader_is_big_endian(get()); }

    /// The number of tensors.
    std::size_t size() const noexcept { return ckpt_reader_count(get()); }
    /// Whether there are none.
    bool empty() const noexcept { return size() == 0; }
    /// The tensor at `index`, which must be less than size().
    tensor operator[](std::size_t index) const noexcept { return {handle_, ckpt_reader_tensor(get(), index)}; }
    /// Iterates over checkpoint::tensor.
    using iterator = detail::index_iterator<reader, tensor>;
    /// The first.
    iterator begin() const noexcept { return {this, 0}; }
    /// Past the last.
    iterator end() const noexcept { return {this, size()}; }

    /// Whether there is a tensor with this key.
    bool contains(std::string_view key) const noexcept { return ckpt_reader_has(get(), key.data(), key.size()); }
    /// The tensor with this key. checkpoint::code::not_found when there is none; the text names keys that were perhaps meant.
    tensor at(std::string_view key) const {
        const ckpt_tensor *found = nullptr;
        detail::call(ckpt_reader_find, get(), key.data(), key.size(), &found);
        return {handle_, found};
    }
    /// The tensor with this key, if there is one.
    std::optional<tensor> find(std::string_view key) const {
        return contains(key) ? std::optional<tensor>(at(key)) : std::nullopt;
    }
    /// The values of the tensor with this key.
    template <typename T>
    std::vector<T> read(std::string_view key, const read_options &options = {}) const {
        return at(key).template read<T>(options);
    }
    /// Reads several fixed-size tensors at once, with several threads: each into as many bytes as it has, which do not overlap.
    /// Everything but the values is checked before the first byte is written.
    void read_many(span<const tensor> tensors, span<const span<std::byte>> buffers, const read_options &options = {}) const {
        if (tensors.size() != buffers.size()) {
            throw error(code::invalid_argument, "as many buffers as tensors are needed", reason::argument);
        }
        std::vector<const ckpt_tensor *> raw;
        std::vector<void *> memory;
        std::vector<std::size_t> sizes;
        for (const tensor &each : tensors) raw.push_back(each.get());
        for (const span<std::byte> &each : buffers) {
            memory.push_back(each.data());
            sizes.push_back(each.size());
        }
        detail::call(ckpt_reader_read_many, get(), raw.data(), raw.size(), options.get(), memory.data(), sizes.data());
    }

    /// The object graph of an object-based checkpoint. checkpoint::reason::no_object_graph when it was saved by names.
    ::checkpoint::object_graph object_graph() const {
        detail::handle<ckpt_object_graph, ckpt_object_graph_free> raw;
        detail::call(ckpt_reader_object_graph, get(), raw.out());
        return ::checkpoint::object_graph(std::move(raw));
    }
    /// A line for each tensor: `key (DT_FLOAT) [2,3]`. (`CheckpointReader.debug_string`)
    std::string debug_string() const {
        detail::string_handle text;
        detail::call(ckpt_reader_debug_string, get(), text.out());
        return detail::take(text);
    }

    /// The handle, for calls of the C API; it stays this object's.
    const ckpt_reader *get() const noexcept { return handle_.get(); }

   private:
    std::shared_ptr<ckpt_reader> handle_;
};

}  // namespace checkpoint

#endif
