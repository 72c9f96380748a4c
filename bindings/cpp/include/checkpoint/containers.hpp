// Lists and dicts of objects.
#ifndef CHECKPOINT_CONTAINERS_HPP
#define CHECKPOINT_CONTAINERS_HPP

#include <checkpoint/module.hpp>
#include <map>

namespace checkpoint {

/// A list of objects of type `T`, a checkpoint::trackable that can be made of a checkpoint::graph
/// and other arguments. It can only grow, as lists that are saved must.
template <typename T>
class list : public trackable {
   public:
    /// An empty list, to which nothing leads yet.
    explicit list(const ::checkpoint::graph &graph) : trackable(graph, graph.add_list()) {}
    /// As the member `name` of a module.
    list(module &parent, std::string_view name) : list(parent.graph()) { parent.track(name, *this); }
    /// Appends an object made of the graph and `arguments`; if a value waits for it, it has it
    /// then.
    template <typename... Arguments>
    T &emplace_back(Arguments &&...arguments) {
        elements_.push_back(std::make_unique<T>(graph(), std::forward<Arguments>(arguments)...));
        try {
            graph().list_append(node(), elements_.back()->node());
        } catch (const error &) {
            // Where restoring fails, the element stands all the same.
            if (!appended()) elements_.pop_back();
            throw;
        }
        return *elements_.back();
    }
    /// How many.
    std::size_t size() const noexcept { return elements_.size(); }
    /// The element at `index`, which must be less than size().
    T &operator[](std::size_t index) noexcept { return *elements_[index]; }
    /// The element at `index`, which must be less than size().
    const T &operator[](std::size_t index) const noexcept { return *elements_[index]; }

   private:
    bool appended() const { return graph().list_elements(node()).size() == elements_.size(); }

    std::vector<std::unique_ptr<T>> elements_;
};

/// A dict of objects of type `T`, a checkpoint::trackable that can be made of a checkpoint::graph
/// and other arguments.
template <typename T>
class dict : public trackable {
   public:
    /// An empty dict, to which nothing leads yet.
    explicit dict(const ::checkpoint::graph &graph) : trackable(graph, graph.add_dict()) {}
    /// As the member `name` of a module.
    dict(module &parent, std::string_view name) : dict(parent.graph()) { parent.track(name, *this); }
    /// The object of a key, made of the graph and `arguments` if there is none; if a value waits
    /// for it, it has it then.
    template <typename... Arguments>
    T &emplace(const std::string &key, Arguments &&...arguments) {
        const auto found = elements_.find(key);
        if (found != elements_.end()) return *found->second;
        auto &made = elements_[key] = std::make_unique<T>(graph(), std::forward<Arguments>(arguments)...);
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
    /// The object of a key. std::out_of_range when there is none.
    T &at(const std::string &key) { return *elements_.at(key); }
    /// The object of a key. std::out_of_range when there is none.
    const T &at(const std::string &key) const { return *elements_.at(key); }

   private:
    std::map<std::string, std::unique_ptr<T>> elements_;
};

}  // namespace checkpoint

#endif
