// The cases of tests/tracking/cases.txt, which C++ and Go share: what tracking by declaration
// follows, adopts and refuses.
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "testing.hpp"

class tracking : public in_directory {};

namespace {

// The members of a case, tracked, and what `change` does to them.
struct model {
    std::shared_ptr<void> members;
    std::function<void()> change;
};

using maker = std::function<model(ckpt::module &)>;

// A member of a plain type under the name "value" or another.
template <typename T>
maker member(T value, std::function<void(T &)> change = nullptr, const char *name = "value") {
    return [value, change, name](ckpt::module &root) {
        auto held = std::make_shared<T>(value);
        root.track(name, *held);
        return model{held, [held, change] { change(*held); }};
    };
}

maker with_shape() {
    return [](ckpt::module &root) {
        auto held = std::make_shared<std::vector<float>>(std::vector<float>{1, 2, 3, 4});
        root.track("value", *held, {2, 2});
        return model{held, [held] { held->push_back(5); }};
    };
}

struct plain_layer {
    std::array<float, 1> kernel;
    CHECKPOINT_MEMBERS(kernel)
};

struct layer : ckpt::module {
    layer(const ckpt::place &at, float value) : ckpt::module(at), kernel{value} { track("kernel", kernel); }
    std::array<float, 1> kernel;
};

struct own_state {
    std::int64_t count = 3;
    void save(ckpt::sink &into) const { into.put("count", count); }
    void restore(const ckpt::source &from) { count = from.at("count").value<std::int64_t>(); }
};

maker layers() {
    return [](ckpt::module &root) {
        auto held = std::make_shared<ckpt::list<layer>>(root, "layers");
        held->emplace_back(1.0f);
        held->emplace_back(2.0f);
        return model{held, [held] { held->emplace_back(3.0f); }};
    };
}

maker heads() {
    return [](ckpt::module &root) {
        auto held = std::make_shared<ckpt::dict<layer>>(root, "heads");
        // In the order of the keys, as a program does that has them in a map.
        held->emplace("a", 2.0f);
        held->emplace("b", 1.0f);
        return model{held, [held] { held->emplace("c", 3.0f); }};
    };
}

void push(std::vector<float> &value) { value.push_back(3); }

const std::vector<float> one_two = {1, 2};

const std::map<std::string, maker> models = {
    {"scalar", member<std::int64_t>(3)},
    {"scalar_is_saved_as_it_is", member<std::int64_t>(3, [](std::int64_t &value) { value = 5; })},
    {"scalar_is_restored", member<std::int64_t>(3)},
    {"array", member(std::array<float, 2>{1, 2})},
    {"array_of_arrays_is_a_matrix", member(std::array<std::array<float, 3>, 2>{{{1, 2, 3}, {4, 5, 6}}})},
    {"array_refuses_another_length", member(std::array<float, 2>{1, 2})},
    {"sequence_is_saved_as_it_is", member<std::vector<float>>(one_two, push)},
    {"sequence_is_replaced", member<std::vector<float>>(one_two, [](std::vector<float> &value) { value = {7}; })},
    {"sequence_takes_the_length_of_the_checkpoint", member<std::vector<float>>(one_two, push)},
    {"sequence_refuses_another_rank", member<std::vector<float>>(one_two)},
    {"sequence_of_arrays", member(std::vector<std::array<std::int32_t, 2>>{{{1, 2}}, {{3, 4}}})},
    {"sequence_with_a_shape", with_shape()},
    {"sequence_with_a_shape_refuses_another", with_shape()},
    {"sequence_with_a_shape_that_grew", with_shape()},
    {"any_shape_is_saved_as_it_is", member(ckpt::array<float>({1, 2}, {1, 2}))},
    {"any_shape_takes_that_of_the_checkpoint", member(ckpt::array<float>({1, 2}, {1, 2}))},
    {"any_shape_without_a_value_is_not_saved", member(ckpt::array<float>())},
    {"any_shape_without_a_value_takes_that_of_the_checkpoint", member(ckpt::array<float>())},
    {"object", member(plain_layer{{1}}, {}, "inner")},
    {"list_of_objects", member(std::array<plain_layer, 2>{{{{1}}, {{2}}}}, {}, "layers")},
    {"list_grows", layers()},
    {"list_that_grows_takes_what_waits", layers()},
    {"dict", heads()},
    {"dict_grows", heads()},
    {"dict_of_variables",
     [](ckpt::module &root) {
         auto held = std::make_shared<ckpt::dict<ckpt::variable<float>>>(root, "moments");
         auto &x = held->emplace("x", ckpt::shape_view{2});
         std::copy(one_two.begin(), one_two.end(), x.begin());
         return model{held, {}};
     }},
    {"dict_of_scalars",
     [](ckpt::module &root) {
         auto held = std::make_shared<ckpt::dict<ckpt::variable<double>>>(root, "rates");
         *held->emplace("x", ckpt::shape_view()).begin() = 1;
         return model{held, {}};
     }},
    {"one_object_in_two_places",
     [](ckpt::module &root) {
         auto held = std::make_shared<layer>(root.graph(), 1.0f);
         root.track("first", *held);
         root.track("again", *held);
         return model{held, {}};
     }},
    {"state", member(own_state(), {}, "state")},
    {"tracked_after_the_restore", member<std::vector<float>>(one_two)},
};

ckpt::dtype dtype_named(const std::string &name) {
    for (const auto dtype : {ckpt::dtype::float32, ckpt::dtype::float64, ckpt::dtype::int32, ckpt::dtype::int64}) {
        if (ckpt::name(dtype) == name) return dtype;
    }
    throw std::invalid_argument("no such dtype in the table: " + name);
}

template <typename T>
std::vector<T> cast(const std::vector<double> &values) {
    return std::vector<T>(values.begin(), values.end());
}

template <typename T>
std::string text(const ckpt::tensor &tensor) {
    std::ostringstream line;
    for (const T value : tensor.read<T>()) line << ' ' << value;
    return line.str();
}

// The tensors of a checkpoint, as the table has them.
std::vector<std::string> tensors_of(const std::string &path) {
    std::vector<std::string> all;
    const std::string ending = value_key("");
    const ckpt::reader reader(path);
    for (const ckpt::tensor &tensor : reader) {
        std::string key(tensor.key());
        if (tensor.dtype() == ckpt::dtype::string) continue;
        if (key.size() > ending.size() && key.compare(key.size() - ending.size(), ending.size(), ending) == 0)
            key.resize(key.size() - ending.size());
        std::ostringstream line;
        line << key << ' ' << ckpt::name(tensor.dtype()) << " [";
        for (std::size_t i = 0; i < tensor.shape().rank(); i++) line << (i ? "," : "") << tensor.shape()[i];
        line << ']';
        switch (dtype_named(std::string(ckpt::name(tensor.dtype())))) {
            case ckpt::dtype::float32: line << text<float>(tensor); break;
            case ckpt::dtype::float64: line << text<double>(tensor); break;
            case ckpt::dtype::int32: line << text<std::int32_t>(tensor); break;
            default: line << text<std::int64_t>(tensor);
        }
        all.push_back(line.str());
    }
    return all;
}

// The program whose checkpoint a case restores.
struct file : ckpt::module {
    void add(const std::string &path, const std::string &dtype, std::string shape, const std::vector<double> &values) {
        std::vector<std::int64_t> dimensions;
        std::replace_if(shape.begin(), shape.end(), [](char c) { return c == '[' || c == ']' || c == ','; }, ' ');
        std::istringstream lengths(shape);
        for (std::int64_t length; lengths >> length;) dimensions.push_back(length);
        const std::size_t state = path.find("/.ATTRIBUTES/");
        std::istringstream edges(path.substr(0, state));
        ckpt::node at = node();
        std::string edge, rest, so_far;
        std::getline(edges, edge, '/');
        for (; std::getline(edges, rest, '/'); edge = rest) {
            so_far += "/" + edge;
            auto &below = objects[so_far];
            if (!below) {
                below = graph().add_object();
                graph().track(at, edge, below);
            }
            at = below;
        }
        if (state != std::string::npos) {
            states.push_back(std::make_unique<own_state>());
            states.back()->count = static_cast<std::int64_t>(values.at(0));
            own_state *own = states.back().get();
            graph().track(at, edge,
                          graph().add_state([own](ckpt::sink &into) { own->save(into); },
                                            [own](const ckpt::source &from) { own->restore(from); }));
            return;
        }
        const auto owned = [&](auto elements) {
            graph().track(at, edge, graph().add_owned(ckpt::shape_view(dimensions), elements));
        };
        switch (dtype_named(dtype)) {
            case ckpt::dtype::float32: return owned(cast<float>(values));
            case ckpt::dtype::float64: return owned(cast<double>(values));
            case ckpt::dtype::int32: return owned(cast<std::int32_t>(values));
            default: return owned(cast<std::int64_t>(values));
        }
    }
    std::map<std::string, ckpt::node> objects;
    std::vector<std::unique_ptr<own_state>> states;
};

struct one_case {
    std::string name;
    std::vector<std::string> steps;
    bool is_ours = true;
};

std::vector<one_case> cases() {
    std::vector<one_case> all;
    std::ifstream table("tests/tracking/cases.txt");
    for (std::string line; std::getline(table, line);) {
        if (line.rfind("case ", 0) == 0) {
            all.push_back({line.substr(5), {}});
        } else if (line.rfind("  not cpp: ", 0) == 0) {
            all.back().is_ours = false;
        } else if (line.rfind("  ", 0) == 0) {
            all.back().steps.push_back(line.substr(2));
        }
    }
    return all;
}

void run(const one_case &each, const maker &make, const std::string &directory) {
    file stored;
    ckpt::module root;
    const ckpt::checkpoint program(root), source(stored);
    model made;
    std::vector<std::string> saved;
    const auto compare = [&] {
        if (!saved.empty()) {
            EXPECT_EQ(tensors_of(program.write(directory + "/saved")), saved) << each.name;
        }
        saved.clear();
    };
    for (const std::string &step : each.steps) {
        std::istringstream words(step);
        std::string verb, fails, code, reason;
        words >> verb;
        if (verb == "holds" || verb == "not") continue;
        if (verb == "saved") {
            saved.push_back(step.substr(6));
            continue;
        }
        compare();
        if (verb == "file") {
            std::string path, dtype, shape;
            words >> path >> dtype >> shape;
            std::vector<double> values;
            for (double value; words >> value;) values.push_back(value);
            stored.add(path, dtype, shape, values);
            continue;
        }
        if (verb != "track" && verb != "change" && verb != "restore" && verb != "save") {
            ADD_FAILURE() << each.name << ": no such step: " << step;
            continue;
        }
        const auto act = [&] {
            if (verb == "track") made = make(root);
            if (verb == "change") made.change();
            if (verb == "restore") program.read(source.write(directory + "/file")).expect_partial();
            if (verb == "save") program.write(directory + "/saved");
        };
        if (verb != "change" && words >> fails >> code >> reason) {
            try {
                act();
                ADD_FAILURE() << each.name << ": expected " << step;
            } catch (const ckpt::error &thrown) {
                EXPECT_EQ(ckpt::name(thrown.code()), code) << each.name << ": " << thrown.what();
                EXPECT_EQ(ckpt::name(thrown.reason()), reason) << each.name << ": " << thrown.what();
            }
        } else {
            act();
        }
    }
    compare();
}

}  // namespace

TEST_F(tracking, is_what_the_table_says) {
    std::size_t ran = 0;
    for (const one_case &each : cases()) {
        if (!each.is_ours) continue;
        const auto found = models.find(each.name);
        if (found == models.end()) {
            ADD_FAILURE() << "the table has a case that has no model here: " << each.name;
            continue;
        }
        SCOPED_TRACE(each.name);
        run(each, found->second, directory());
        ran++;
    }
    EXPECT_EQ(ran, models.size());
}
