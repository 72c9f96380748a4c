// Objects that keep slot variables for variables, as optimizers do.
#ifndef CHECKPOINT_SLOT_OWNER_HPP
#define CHECKPOINT_SLOT_OWNER_HPP

#include <checkpoint/variable.hpp>
#include <map>

CHECKPOINT_BEGIN

/// The base of an optimizer, which keeps slot variables for variables: a module that may have
/// members, too.
class slot_owner : public module {
   public:
    /// Where a place says.
    explicit slot_owner(const place &at)
        : module(at, at.graph().add_slot_owner([this](slot_request &request) { create_slot(request); })) {}
    /// The child `name` of a module.
    slot_owner(const module &parent, std::string_view name) : slot_owner(place(parent, name)) {}

    /// The slot `name` for `of`, of the same shape. It is made when it is asked for first, of
    /// zeros, or of the value that waits for it.
    template <typename T>
    variable<T> &slot(std::string_view name, const variable<T> &of) {
        const auto key = std::make_pair(std::string(name), of.node());
        auto found = slots_.find(key);
        if (found == slots_.end()) {
            auto made = of.has_value() ? std::make_unique<variable<T>>(graph(), of.shape())
                                       : std::make_unique<variable<T>>(graph(), any_shape);
            found = slots_.emplace(key, std::move(made)).first;
            graph().set_slot(node(), of.node(), name, found->second->node());
        }
        return static_cast<variable<T> &>(*found->second);
    }

   protected:
    /// Makes a slot for which a checkpoint has a value, in a restore. By default it does not: the
    /// value waits for slot().
    virtual void create_slot(slot_request &) {}

   private:
    std::map<std::pair<std::string, ::checkpoint::node>, std::unique_ptr<trackable>> slots_;
};

CHECKPOINT_END

#endif
