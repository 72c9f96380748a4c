// Reading: an open checkpoint and its tensors.
#ifndef CHECKPOINT_READER_HPP
#define CHECKPOINT_READER_HPP

#include <checkpoint/object_graph.hpp>
#include <checkpoint/options.hpp>
#include <checkpoint/pending.hpp>
#include <checkpoint/tensor.hpp>
#include <optional>

CHECKPOINT_BEGIN

/// How a checkpoint is opened.
class open_options : public basic_open_options<open_options> {
   public:
    /// Has the call stop when `flag` is raised.
    open_options &cancel(const ::checkpoint::cancel &flag) {
        return set([flag](auto *raw) { detail::call(ckpt_open_options_set_cancel, raw, flag.get()); });
    }
    /// Has `log` called about how a path was understood where that may surprise: the directory was
    /// moved, the path is a directory and a prefix, or the state file names a checkpoint that does
    /// not exist.
    open_options &log(std::function<void(severity, std::string_view)> log) {
        return set([log = std::move(log)](auto *raw) { detail::set_log(ckpt_open_options_set_log, raw, log); });
    }
};

/// An open checkpoint: a range of its tensors, in the byte order of their keys. Several threads may
/// use it at once.
class reader {
   public:
    /// Opens the checkpoint at `path`: a prefix, one of its `.index` or `.data-…` files, a
    /// directory with a `checkpoint` state file (its latest checkpoint), a SavedModel directory, or
    /// a V1 file. Only the index is read, and all of it is validated. (`tf.train.load_checkpoint`)
    explicit reader(const file_path &path, const open_options &options = {}) {
        detail::handle<ckpt_reader, ckpt_reader_free> raw;
        detail::call(ckpt_reader_open, detail::c_path(path), options.get(), raw.out());
        handle_ = raw.share();
    }
    /// Takes a handle of the C API, which becomes this object's.
    explicit reader(detail::handle<ckpt_reader, ckpt_reader_free> raw) : handle_(raw.share()) {}
    /// Opens a checkpoint in the background.
    static pending<reader> open_async(const file_path &path, const open_options &options = {}) {
        return detail::begin<reader>(ckpt_reader_open_async, detail::c_path(path), options.get());
    }
    /// The same without exceptions.
    static result<reader> try_open(const file_path &path, const open_options &options = {}) {
        return try_call([&] { return reader(path, options); });
    }
    reader(reader &&) noexcept = default;             ///< Moves.
    reader &operator=(reader &&) noexcept = default;  ///< Moves.

    /// The prefix of the checkpoint's files, which a directory or `.index` path led to.
    std::string_view prefix() const noexcept { return detail::text(ckpt_reader_prefix(get())); }
    /// The path in the state file that led to the checkpoint, as the state file has it; empty if
    /// none was needed.
    std::string_view resolved() const noexcept { return detail::text(ckpt_reader_resolved(get())); }
    /// Whether that path leads to nothing, and the checkpoint of the same name beside the state
    /// file was opened: the directory was moved.
    bool resolved_is_moved() const noexcept { return ckpt_reader_resolved_is_moved(get()); }
    /// Whether the path is a directory, whose checkpoint was opened, and also the prefix of another
    /// checkpoint.
    bool resolved_is_ambiguous() const noexcept { return ckpt_reader_resolved_is_ambiguous(get()); }
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

    /// Whether there is a tensor with this key. Names that are no keys do not count.
    bool contains(std::string_view key) const noexcept { return ckpt_reader_has(get(), key.data(), key.size()); }
    /// The tensor with this key or name: the path of a variable, which is its key without
    /// `/.ATTRIBUTES/VARIABLE_VALUE`, or its full name, with or without `:0`.
    /// checkpoint::code::not_found when there is none; the text names what was perhaps meant.
    /// checkpoint::reason::ambiguous when several tensors have the name; the text names their keys.
    tensor at(std::string_view key) const {
        const ckpt_tensor *found = nullptr;
        detail::call(ckpt_reader_find, get(), key.data(), key.size(), &found);
        return {handle_, found};
    }
    /// The tensor with this key or name, if there is one.
    std::optional<tensor> find(std::string_view key) const {
        try {
            return at(key);
        } catch (const error &missing) {
            if (missing.reason() != reason::no_tensor) throw;
            return std::nullopt;
        }
    }
    /// The values of the tensor with this key or name.
    template <typename T>
    std::vector<T> read(std::string_view key, const read_options &options = {}) const {
        return at(key).template read<T>(options);
    }
    /// read() without exceptions.
    template <typename T>
    result<std::vector<T>> try_read(std::string_view key, const read_options &options = {}) const {
        return try_call([&] { return read<T>(key, options); });
    }
    /// Reads several fixed-size tensors at once, with several threads: each into as many bytes as
    /// it has, which do not overlap. Everything but the values is checked before the first byte is
    /// written.
    void read_many(span<const tensor> tensors, span<const span<std::byte>> buffers, const read_options &options = {}) const {
        const requests all(tensors, buffers);
        detail::call(ckpt_reader_read_many, get(), all.raw.data(), all.raw.size(), options.get(), all.memory.data(),
                     all.sizes.data());
    }
    /// Does the same in the background. The buffers stay as they are until the call is over.
    pending<void> read_many_async(span<const tensor> tensors, span<const span<std::byte>> buffers,
                                  const read_options &options = {}) const {
        const requests all(tensors, buffers);
        return detail::begin<void>(ckpt_reader_read_many_async, get(), all.raw.data(), all.raw.size(), options.get(),
                                   all.memory.data(), all.sizes.data());
    }

    /// The object graph of an object-based checkpoint. checkpoint::reason::no_object_graph when it
    /// was saved by names.
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
    // Tensors and buffers as the C API takes them.
    struct requests {
        requests(span<const tensor> tensors, span<const span<std::byte>> buffers) {
            if (tensors.size() != buffers.size()) {
                fail(error(code::invalid_argument, "as many buffers as tensors are needed", reason::argument));
            }
            for (const tensor &each : tensors) raw.push_back(each.get());
            for (const span<std::byte> &each : buffers) {
                memory.push_back(each.data());
                sizes.push_back(each.size());
            }
        }
        std::vector<const ckpt_tensor *> raw;
        std::vector<void *> memory;
        std::vector<std::size_t> sizes;
    };

    std::shared_ptr<ckpt_reader> handle_;
};

/// @cond
template <>
struct detail::taken<reader> {
    static reader take(const ckpt_pending *pending) {
        handle<ckpt_reader, ckpt_reader_free> raw;
        call(ckpt_pending_take_reader, pending, raw.out());
        return reader(std::move(raw));
    }
};
/// @endcond

CHECKPOINT_END

#endif
