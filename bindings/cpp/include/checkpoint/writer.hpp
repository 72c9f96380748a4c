// Writing tensors by name.
#ifndef CHECKPOINT_WRITER_HPP
#define CHECKPOINT_WRITER_HPP

#include <checkpoint/options.hpp>
#include <memory>
#include <mutex>
#include <vector>

CHECKPOINT_BEGIN

/// How a checkpoint is written.
class write_options : public basic_write_options<write_options> {
   public:
    /// Has `log` called when a writer finishes, about a file system that has no locks and the like.
    /// A checkpoint, manager or saver has a log of its own.
    write_options &log(std::function<void(severity, std::string_view)> log) {
        return set([log = std::move(log)](auto *raw) { detail::set_log(ckpt_write_options_set_log, raw, log); });
    }
    /// Has `progress(done, total)` called now and then, in bytes, on the thread that writes. What
    /// it throws stops the writing.
    write_options &progress(std::function<void(std::uint64_t done, std::uint64_t total)> progress) {
        return set([progress](auto *raw) {
            detail::call(ckpt_write_options_set_progress, raw, detail::run_progress, detail::box(progress),
                         detail::free_box<detail::progress_function>);
        });
    }
    /// Has the call stop when `flag` is raised.
    write_options &cancel(const ::checkpoint::cancel &flag) {
        return set([flag](auto *raw) { detail::call(ckpt_write_options_set_cancel, raw, flag.get()); });
    }
};

/// A checkpoint of named tensors that is being put together (`tf.raw_ops.SaveV2`): tensors are
/// added, then finish() writes them all. For one thread at a time: a call during another one does
/// nothing and throws reason::concurrent_use.
///
/// Memory is *borrowed*: it is not copied, and must stay as it is until finish() has returned or
/// the writer is gone. A container that is given as an rvalue (`std::move(weights)`, a temporary)
/// becomes the writer's.
class writer {
   public:
    /// A writer of the checkpoint `prefix`. Nothing is written before finish().
    explicit writer(const file_path &prefix, const write_options &options = {}) {
        detail::call(ckpt_writer_new, detail::c_path(prefix), options.get(), handle_.out());
    }

    /// Adds a tensor: a std::vector, std::array, span or array of any rank, of as many elements as
    /// `shape` says.
    template <typename Values>
    void add(std::string_view key, shape_view shape, Values &&values) {
        auto &stored = keep(std::forward<Values>(values));
        const auto memory = detail::elements(stored);
        add_bytes(key, dtype_of<typename decltype(memory)::value_type>, shape, as_bytes(memory));
    }
    /// Adds a scalar.
    template <typename T, typename = std::enable_if_t<is_element<std::remove_reference_t<T>>>>
    void add(std::string_view key, T &&scalar) {
        add(key, shape_view(), std::forward<T>(scalar));
    }
    /// Adds a tensor of any fixed-size dtype, given by its bytes, row-major and in native byte
    /// order.
    void add_bytes(std::string_view key, dtype type, shape_view shape, span<const std::byte> data) {
        detail::call(ckpt_writer_add, handle_.get(), key.data(), key.size(), static_cast<ckpt_dtype>(type), shape.data(),
                     shape.rank(), data.data(), data.size());
    }
    /// Adds a slice of a partitioned tensor, whose shape is `shape`.
    template <typename Values>
    void add_slice(std::string_view key, shape_view shape, const slice &part, Values &&values) {
        auto &stored = keep(std::forward<Values>(values));
        const auto memory = detail::elements(stored);
        detail::call(ckpt_writer_add_slice, handle_.get(), key.data(), key.size(),
                     detail::number_of<typename decltype(memory)::value_type>(), shape.data(), part.start.data(),
                     part.length.data(), rank_of(shape, part), memory.data(), memory.size_bytes());
    }
    /// Adds a tensor or a slice as TensorFlow's `SaveV2` takes it: `shape` is that of `values`, and
    /// `shape_and_slice` is empty, or the whole tensor's shape and the slice, `5 10 -:0,1`.
    template <typename Values>
    void add_shape_and_slice(std::string_view key, shape_view shape, std::string_view shape_and_slice, Values &&values) {
        auto &stored = keep(std::forward<Values>(values));
        const auto memory = detail::elements(stored);
        detail::call(ckpt_writer_add_shape_and_slice, handle_.get(), key.data(), key.size(),
                     detail::number_of<typename decltype(memory)::value_type>(), shape.data(), shape.rank(),
                     shape_and_slice.data(), shape_and_slice.size(), memory.data(), memory.size_bytes());
    }
    /// Adds a tensor whose bytes are asked for while it is written: `read(offset, buffer)` fills a
    /// span of std::byte. It is called for each piece once, on the threads that write, several at
    /// once.
    void add_read(std::string_view key, dtype type, shape_view shape,
                  std::function<void(std::uint64_t offset, span<std::byte> buffer)> read) {
        detail::call(ckpt_writer_add_read, handle_.get(), key.data(), key.size(), static_cast<ckpt_dtype>(type), shape.data(),
                     shape.rank(), detail::run_read, detail::box(std::move(read)), detail::free_box<detail::read_function>);
    }
    /// Adds a string tensor: a range of what std::string_view can be made of. Elements are copied.
    template <typename Strings>
    void add_strings(std::string_view key, shape_view shape, const Strings &elements) {
        const auto list = detail::list_of(elements);
        detail::call(ckpt_writer_add_strings, handle_.get(), key.data(), key.size(), shape.data(), shape.rank(), list.data(),
                     list.size());
    }
    /// Adds a slice of a partitioned string tensor.
    template <typename Strings>
    void add_strings_slice(std::string_view key, shape_view shape, const slice &part, const Strings &elements) {
        const auto list = detail::list_of(elements);
        detail::call(ckpt_writer_add_strings_slice, handle_.get(), key.data(), key.size(), shape.data(), part.start.data(),
                     part.length.data(), rank_of(shape, part), list.data(), list.size());
    }
    /// Adds a variant tensor: each element a serialized `VariantTensorDataProto`, as
    /// checkpoint::tensor::strings gives it.
    template <typename Strings>
    void add_variants(std::string_view key, shape_view shape, const Strings &elements) {
        const auto list = detail::list_of(elements);
        detail::call(ckpt_writer_add_variants, handle_.get(), key.data(), key.size(), shape.data(), shape.rank(), list.data(),
                     list.size());
    }

    /// Writes everything that was added and publishes it. The checkpoint that the prefix had before
    /// stays until the new one is whole. The writer is used up, whether this succeeds or not,
    /// unless another call was using it (reason::concurrent_use).
    void finish() {
        const auto held = kept().hold();  // goes after the call, although another may find the writer finished
        const result<void> finished = try_call([&] { detail::call(ckpt_writer_finish, handle_.get()); });
        if (finished || finished.error().reason() != reason::concurrent_use) kept().clear();
        if (!finished) fail(finished.error());
    }
    /// finish() without exceptions.
    result<void> try_finish() {
        return try_call([&] { finish(); });
    }

   private:
    // What became the writer's, for several threads at once.
    class kept_values {
       public:
        using list = std::vector<std::shared_ptr<const void>>;
        void add(std::shared_ptr<const void> value) {
            const std::lock_guard<std::mutex> lock(mutex_);
            values_->push_back(std::move(value));
        }
        std::shared_ptr<const list> hold() {
            const std::lock_guard<std::mutex> lock(mutex_);
            return values_;
        }
        void clear() {
            auto none = std::make_shared<list>();
            const std::lock_guard<std::mutex> lock(mutex_);
            values_.swap(none);
        }

       private:
        std::mutex mutex_;
        std::shared_ptr<list> values_ = std::make_shared<list>();
    };
    // None after a move.
    kept_values &kept() {
        if (!kept_) kept_ = std::make_unique<kept_values>();
        return *kept_;
    }

    template <typename T>
    static span<const std::byte> as_bytes(span<T> values) noexcept {
        return {reinterpret_cast<const std::byte *>(values.data()), values.size_bytes()};
    }
    // What is given as an lvalue, or only borrows itself, stays where it is; the rest becomes the
    // writer's.
    template <typename Values>
    const std::remove_reference_t<Values> &keep(Values &&values) {
        using type = std::remove_reference_t<Values>;
        if constexpr (std::is_lvalue_reference_v<Values> || std::is_array_v<type>) {
            return values;
        } else {
            auto owned = std::make_shared<const type>(std::forward<Values>(values));
            kept().add(owned);
            return *owned;
        }
    }
    static std::size_t rank_of(shape_view shape, const slice &part) {
        if (part.start.size() != shape.rank() || part.length.size() != shape.rank()) {
            fail(error(code::invalid_argument, "a slice needs a start and a length for each dimension", reason::shape));
        }
        return shape.rank();
    }

    std::unique_ptr<kept_values> kept_ = std::make_unique<kept_values>();  // lives longer than the handle
    detail::handle<ckpt_writer, ckpt_writer_free> handle_;
};

CHECKPOINT_END

#endif
