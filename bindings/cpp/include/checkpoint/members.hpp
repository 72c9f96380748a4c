// Plain structs whose members are named once, to be tracked, loaded and written.
#ifndef CHECKPOINT_MEMBERS_HPP
#define CHECKPOINT_MEMBERS_HPP

#include <checkpoint/graph.hpp>

/// Names the members of a plain struct for checkpoint::load, checkpoint::write and
/// checkpoint::module::track. To stand in the struct, behind the members (C++ allows it in no
/// struct that is local to a function):
///
///     struct layer {
///         ckpt::array<float> kernel, bias;
///         CHECKPOINT_MEMBERS(kernel, bias)
///     };
///
/// Members are scalars, arrays, std::array, std::vector, checkpoint::array, structs with members of
/// their own, and std::array or std::vector of these, which are lists. Where names in the
/// checkpoint are others, write the function: `visit(name, member)` names one member,
/// `visit.numbered(prefix, members...)` several.
#define CHECKPOINT_MEMBERS(...)               \
    template <typename Visitor>               \
    void members(Visitor &visit) {            \
        visit.all(#__VA_ARGS__, __VA_ARGS__); \
    }

/// The same for members that are numbered from 0: `CHECKPOINT_NUMBERED("layer_with_weights-", conv,
/// head)` are the edges `layer_with_weights-0` and `layer_with_weights-1`. The last may be a
/// std::vector of structs, which takes all the rest.
#define CHECKPOINT_NUMBERED(prefix, ...)     \
    template <typename Visitor>              \
    void members(Visitor &visit) {           \
        visit.numbered(prefix, __VA_ARGS__); \
    }

CHECKPOINT_BEGIN

/// @cond
namespace detail {

// What is done with the members of structs.
enum class purpose {
    track,  // for as long as the program likes: they stay where they are
    load,   // once: vectors of structs take the length of the checkpoint, tensors its shapes
    write,  // once
};

template <purpose>
class member_visitor;

template <typename T, typename = void>
struct has_members : std::false_type {};
template <typename T>
struct has_members<T, std::void_t<decltype(std::declval<T &>().members(std::declval<member_visitor<purpose::load> &>()))>>
    : std::true_type {};

template <typename T, typename = void>
struct has_state : std::false_type {};
template <typename T>
struct has_state<T, std::void_t<decltype(std::declval<T &>().save(std::declval<sink &>())),
                                decltype(std::declval<T &>().restore(std::declval<const source &>()))>> : std::true_type {};

template <typename T>
struct is_span : std::false_type {};
template <typename T>
struct is_span<span<T>> : std::true_type {};

// The length of an array of structs; 0 of others.
template <typename T>
struct structs : std::integral_constant<std::size_t, 0> {};
template <typename T, std::size_t Length>
struct structs<T[Length]> : std::integral_constant<std::size_t, has_members<T>::value ? Length : 0> {};
template <typename T, std::size_t Length>
struct structs<std::array<T, Length>> : std::integral_constant<std::size_t, has_members<T>::value ? Length : 0> {};

template <typename T>
struct is_vector_of_structs : std::false_type {};
template <typename T, typename Allocator>
struct is_vector_of_structs<std::vector<T, Allocator>> : has_members<T> {};

// What a visit of structs has made, and what it does when the checkpoint has been read.
struct visit_log {
    std::vector<node> made;
    std::vector<std::function<void()>> later;
    std::vector<std::string> absent;  // vectors of structs for which the checkpoint has no element
};

// Makes the objects of a struct's members, and the edges that lead to them from one object.
template <purpose Purpose>
class member_visitor {
   public:
    member_visitor(const graph &graph, node parent, visit_log &log) noexcept : graph_(&graph), parent_(parent), log_(&log) {}

    // One member.
    template <typename T>
    member_visitor &operator()(std::string_view name, T &member) {
        if constexpr (is_vector_of_structs<T>::value) {
            const node list = noted(graph_->add_object());
            graph_->track(parent_, name, list);
            elements(list, std::string(name), "", 0, member);
        } else if (const node made = add(member)) {
            graph_->track(parent_, name, made);
        }
        return *this;
    }
    // Members by their own names, as the preprocessor has them: "kernel, bias".
    template <typename... T>
    void all(std::string_view names, T &...members) {
        const auto next = [&names] {
            const std::size_t end = names.find(',');
            std::string_view name = names.substr(0, end);
            names.remove_prefix(end == std::string_view::npos ? names.size() : end + 1);
            name.remove_prefix(std::min(name.find_first_not_of(" \t\n"), name.size()));
            return name.substr(0, name.find_last_not_of(" \t\n") + 1);
        };
        ((*this)(next(), members), ...);
    }
    // Members by their numbers.
    template <typename... T>
    void numbered(std::string_view prefix, T &...members) {
        std::size_t number = 0;
        (one_numbered(prefix, number, members), ...);
    }

    // An object, and what it leads to.
    template <typename T>
    node add(T &member) {
        if constexpr (has_members<T>::value) {
            const node made = noted(graph_->add_object());
            member_visitor below(*graph_, made, *log_);
            member.members(below);
            return made;
        } else if constexpr (structs<T>::value > 0) {
            const node list = noted(graph_->add_list());
            for (auto &each : member) graph_->list_append(list, add(each));
            return list;
        } else if constexpr (has_state<T>::value) {
            return noted(graph_->add_state([&member](sink &into) { member.save(into); },
                                           [&member](const source &from) { member.restore(from); }));
        } else if constexpr (is_resizable<T>) {
            // Whatever shape the checkpoint has becomes that of a vector of elements, row-major.
            constexpr bool adopts = Purpose == purpose::load && is_vector<T>::value;
            if constexpr (adopts) {
                if constexpr (layout<T>::shape::rank == 1) return noted(graph_->add_container(member, nullptr, -1, {}, {}));
            }
            return noted(graph_->add_resizable(member));
        } else if constexpr (is_span<T>::value) {
            return noted(graph_->add_borrowed({static_cast<std::int64_t>(member.size())}, member));
        } else if constexpr (layout<T>::is_tensor) {
            return noted(graph_->add_borrowed(layout<T>::shape::values, member));
        } else {
            static_assert(!is_vector_of_structs<T>::value || Purpose != purpose::track,
                          "checkpoint: a std::vector moves its structs when it grows; use checkpoint::list or std::array");
            if constexpr (!is_vector_of_structs<T>::value) explain_no_tensor<T>();
            return {};
        }
    }

   private:
    node noted(node made) {
        log_->made.push_back(made);
        return made;
    }
    template <typename T>
    void one_numbered(std::string_view prefix, std::size_t &number, T &member) {
        if constexpr (is_vector_of_structs<T>::value) {
            elements(parent_, std::string(prefix), prefix, number, member);
            number += member.size();
        } else {
            (*this)(std::string(prefix) + std::to_string(number++), member);
        }
    }
    // Structs of a vector, as the edges `prefix` and a number from `first` on. A checkpoint says
    // how many there are when it has been read.
    template <typename T>
    void elements(node list, std::string what, std::string_view prefix, std::size_t first, T &vector) {
        static_assert(Purpose != purpose::track,
                      "checkpoint: a std::vector moves its structs when it grows; use checkpoint::list or std::array");
        const auto visit = [graph = graph_, log = log_, list, prefix = std::string(prefix), first, &vector] {
            member_visitor visitor(*graph, list, *log);
            for (std::size_t i = 0; i < vector.size(); i++) visitor(prefix + std::to_string(first + i), vector[i]);
        };
        if constexpr (Purpose == purpose::load) {
            log_->later.push_back(
                [visit, graph = graph_, log = log_, list, what = std::move(what), prefix = std::string(prefix), first, &vector] {
                    std::size_t count = 0;
                    while (graph->waiting(list, prefix + std::to_string(first + count)) > 0) count++;
                    if (count == 0) return log->absent.push_back(what);
                    vector.resize(count);
                    visit();
                });
        } else {
            visit();
        }
    }

    const graph *graph_;
    node parent_;
    visit_log *log_;
};

}  // namespace detail
/// @endcond

CHECKPOINT_END

#endif
