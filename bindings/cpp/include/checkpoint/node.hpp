// Objects of a graph, and how they are added.
#ifndef CHECKPOINT_NODE_HPP
#define CHECKPOINT_NODE_HPP

#include <checkpoint/options.hpp>

CHECKPOINT_BEGIN

/// @cond
namespace detail {

inline std::vector<ckpt_node> ids_of(span<const node> nodes) {
    std::vector<ckpt_node> ids;
    for (const node each : nodes) ids.push_back(each.id);
    return ids;
}

// A release function as the C API takes it; the library calls it once, also if the call that takes
// it fails.
struct release_callback {
    explicit release_callback(release_function release) {
        if (!release) return;
        user_data = new release_function(std::move(release));
        callback = run_release;
    }
    void *user_data = nullptr;
    ckpt_free_callback callback = nullptr;
};

}  // namespace detail
/// @endcond

/// How an object is added to a graph. An option that is for one kind of object is
/// checkpoint::code::invalid_argument for others.
class node_options : public basic_node_options<node_options> {
   public:
    /// Makes a variable a part of a larger tensor of the shape `whole`, which several variables
    /// make up, mostly one in each process; a length of -1, with a start of 0, takes all of a
    /// dimension. The variable is added with the shape of the part. It is saved as this slice of
    /// the tensor, and restored from it however that was cut, or whole, when it was saved.
    node_options &part(shape_view whole, const slice &part) {
        if (part.start.size() != whole.rank() || part.length.size() != whole.rank()) {
            fail(error(code::invalid_argument, "a part needs a start and a length for each dimension", reason::shape));
        }
        return set([whole = whole.copy(), part](auto *raw) {
            detail::call(ckpt_node_options_set_part, raw, whole.data(), part.start.data(), part.length.data(), whole.size());
        });
    }
    /// The names of the tensors that state needs to be restored: a checkpoint that lacks one is
    /// refused before anything is assigned.
    node_options &tensor_names(const std::vector<std::string> &names) {
        return set([names](auto *raw) {
            const auto list = detail::list_of(names);
            detail::call(ckpt_node_options_set_tensor_names, raw, list.data(), list.size());
        });
    }
};

/// An object of a list of them, with the name where it was found by one: of an edge, or the path
/// under which a saver saves it.
struct named_node {
    ::checkpoint::node node;  ///< None for an element of a list that is not tracked.
    std::string_view name;    ///< Lent by the list.
};

/// Objects that a call found: a range of checkpoint::named_node. Several threads may use it at
/// once.
class nodes {
   public:
    /// Takes a handle of the C API, which becomes this object's.
    explicit nodes(detail::handle<ckpt_nodes, ckpt_nodes_free> raw) noexcept : handle_(std::move(raw)), raw_(handle_.get()) {}
    /// Lent, while a callback runs.
    explicit nodes(const ckpt_nodes *lent) noexcept : raw_(lent) {}
    /// How many.
    std::size_t size() const noexcept { return ckpt_nodes_count(raw_); }
    /// Whether there are none.
    bool empty() const noexcept { return size() == 0; }
    /// The object at `index`; none past the end.
    named_node operator[](std::size_t index) const noexcept {
        return {{ckpt_nodes_get(raw_, index)}, detail::text(ckpt_nodes_name(raw_, index))};
    }
    /// Iterates over checkpoint::named_node.
    using iterator = detail::index_iterator<nodes, named_node>;
    /// The first.
    iterator begin() const noexcept { return {this, 0}; }
    /// Past the last.
    iterator end() const noexcept { return {this, size()}; }

   private:
    detail::handle<ckpt_nodes, ckpt_nodes_free> handle_;
    const ckpt_nodes *raw_;
};

/// What an object was when it was asked about.
struct description {
    ::checkpoint::kind kind;                         ///< What it is.
    ::checkpoint::dtype dtype;                       ///< Of a variable; `invalid` of one that takes what comes, and of others.
    std::optional<std::vector<std::int64_t>> shape;  ///< Of a variable's value; nothing while it has none.
};

CHECKPOINT_END

#endif
