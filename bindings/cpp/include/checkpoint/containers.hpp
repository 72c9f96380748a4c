// Lists and dicts of objects.
#ifndef CHECKPOINT_CONTAINERS_HPP
#define CHECKPOINT_CONTAINERS_HPP

#include <checkpoint/module.hpp>
#include <map>

CHECKPOINT_BEGIN

/// @cond
namespace detail {

// Iterates over the objects that pointers lead to. `Get` gives the object of an element.
template <typename Iterator, typename T>
class object_iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = std::remove_const_t<T>;
    using difference_type = std::ptrdiff_t;
    using pointer = T *;
    using reference = T &;

    object_iterator() = default;
    explicit object_iterator(Iterator at) : at_(at) {}
    T &operator*() const { return **at_; }
    T *operator->() const { return at_->get(); }
    object_iterator &operator++() {
        ++at_;
        return *this;
    }
    object_iterator operator++(int) {
        object_iterator before = *this;
        ++at_;
        return before;
    }
    bool operator==(const object_iterator &other) const { return at_ == other.at_; }
    bool operator!=(const object_iterator &other) const { return at_ != other.at_; }

   private:
    Iterator at_{};
};

}  // namespace detail
/// @endcond

/// A list of objects of type `T`, a checkpoint::trackable whose constructor takes a
/// checkpoint::place (or a checkpoint::graph) first: a range of them. It can only grow, as lists
/// that are saved must.
template <typename T>
class list : public trackable {
    using pointers = std::vector<std::unique_ptr<T>>;

   public:
    /// An empty list.
    explicit list(const place &at) : trackable(at, at.graph().add_list()) {}
    /// As the member `name` of a module.
    list(const module &parent, std::string_view name) : list(place(parent, name)) {}
    /// Appends an object made of a place and `arguments`; if a value waits for it, it has it then.
    template <typename... Arguments>
    T &emplace_back(Arguments &&...arguments) {
        elements_.push_back(std::make_unique<T>(place(graph()), std::forward<Arguments>(arguments)...));
        append unappended{this};
        graph().list_append(node(), elements_.back()->node());
        return *elements_.back();
    }
    /// How many.
    std::size_t size() const noexcept { return elements_.size(); }
    /// Whether there are none.
    bool empty() const noexcept { return elements_.empty(); }
    /// The element at `index`, which must be less than size().
    T &operator[](std::size_t index) noexcept { return *elements_[index]; }
    /// The element at `index`, which must be less than size().
    const T &operator[](std::size_t index) const noexcept { return *elements_[index]; }
    T &back() noexcept { return *elements_.back(); }              ///< The last; there must be one.
    const T &back() const noexcept { return *elements_.back(); }  ///< The last; there must be one.
    /// Iterates over the elements.
    using iterator = detail::object_iterator<typename pointers::const_iterator, T>;
    /// Iterates over the elements, which it does not change.
    using const_iterator = detail::object_iterator<typename pointers::const_iterator, const T>;
    iterator begin() noexcept { return iterator(elements_.begin()); }                    ///< The first.
    iterator end() noexcept { return iterator(elements_.end()); }                        ///< Past the last.
    const_iterator begin() const noexcept { return const_iterator(elements_.begin()); }  ///< The first.
    const_iterator end() const noexcept { return const_iterator(elements_.end()); }      ///< Past the last.

   private:
    // Where restoring fails, the element stands all the same; what was not appended goes.
    struct append {
        list *of;
        ~append() {
            ckpt_nodes *found = nullptr;
            const ckpt_code listed = ckpt_graph_list_elements(of->graph().get(), of->node().id, &found, nullptr);
            const bool appended = listed != CKPT_CODE_OK || ckpt_nodes_count(found) == of->elements_.size();
            ckpt_nodes_free(found);
            // (The answer of emplace_back must be there where there are no exceptions.)
            if (!appended && CHECKPOINT_EXCEPTIONS) of->elements_.pop_back();
        }
    };

    pointers elements_;
};

/// A dict of objects of type `T`, a checkpoint::trackable whose constructor takes a
/// checkpoint::place (or a checkpoint::graph) first: a range of pairs of a key and such an object,
/// in the order of the keys.
template <typename T>
class dict : public trackable {
    using pointers = std::map<std::string, std::unique_ptr<T>>;

   public:
    /// An empty dict.
    explicit dict(const place &at) : trackable(at, at.graph().add_dict()) {}
    /// As the member `name` of a module.
    dict(const module &parent, std::string_view name) : dict(place(parent, name)) {}
    /// The object of a key, made of a place and `arguments` if there is none; if a value waits for
    /// it, it has it then.
    template <typename... Arguments>
    T &emplace(const std::string &key, Arguments &&...arguments) {
        const auto found = elements_.find(key);
        if (found != elements_.end()) return *found->second;
        auto object = std::make_unique<T>(place(graph()), std::forward<Arguments>(arguments)...);
        auto &made = elements_[key] = std::move(object);
        graph().dict_set(node(), key, made->node());
        return *made;
    }
    /// Removes a key and its object.
    void erase(const std::string &key) {
        graph().dict_remove(node(), key);
        elements_.erase(key);
    }
    /// How many.
    std::size_t size() const noexcept { return elements_.size(); }
    /// Whether there are none.
    bool empty() const noexcept { return elements_.empty(); }
    /// Whether there is an object of this key.
    bool contains(const std::string &key) const { return elements_.count(key) > 0; }
    /// The object of a key. std::out_of_range when there is none.
    T &at(const std::string &key) { return *elements_.at(key); }
    /// The object of a key. std::out_of_range when there is none.
    const T &at(const std::string &key) const { return *elements_.at(key); }

    /// Iterates over pairs of a key and its object.
    template <typename Object>
    class basic_iterator {
       public:
        using iterator_category = std::input_iterator_tag;            ///< It gives pairs that it makes.
        using value_type = std::pair<const std::string &, Object &>;  ///< A key and its object.
        using difference_type = std::ptrdiff_t;                       ///< Of nothing.
        using pointer = const value_type *;                           ///< To a pair.
        using reference = value_type;                                 ///< A pair.
        /// At an element.
        explicit basic_iterator(typename pointers::const_iterator at) : at_(at) {}
        /// The key and its object.
        value_type operator*() const { return {at_->first, *at_->second}; }
        /// The next.
        basic_iterator &operator++() {
            ++at_;
            return *this;
        }
        /// The next; the answer is this one.
        basic_iterator operator++(int) {
            basic_iterator before = *this;
            ++at_;
            return before;
        }
        bool operator==(const basic_iterator &other) const { return at_ == other.at_; }  ///< The same.
        bool operator!=(const basic_iterator &other) const { return at_ != other.at_; }  ///< Another.

       private:
        typename pointers::const_iterator at_;
    };
    using iterator = basic_iterator<T>;                                                  ///< Its objects can be changed.
    using const_iterator = basic_iterator<const T>;                                      ///< Its objects cannot.
    iterator begin() noexcept { return iterator(elements_.begin()); }                    ///< The first.
    iterator end() noexcept { return iterator(elements_.end()); }                        ///< Past the last.
    const_iterator begin() const noexcept { return const_iterator(elements_.begin()); }  ///< The first.
    const_iterator end() const noexcept { return const_iterator(elements_.end()); }      ///< Past the last.

   private:
    pointers elements_;
};

CHECKPOINT_END

#endif
