// How the binding is compiled.
#ifndef CHECKPOINT_CONFIG_HPP
#define CHECKPOINT_CONFIG_HPP

/// The namespace of the binding. Units without exceptions have one of their own inside it, so that
/// they can be linked with others: the same names, but none of the same symbols.
#if defined(__cpp_exceptions)
#define CHECKPOINT_EXCEPTIONS 1
#define CHECKPOINT_BEGIN namespace checkpoint {
#define CHECKPOINT_END }
#else
#define CHECKPOINT_EXCEPTIONS 0
#define CHECKPOINT_BEGIN  \
    namespace checkpoint { \
    inline namespace without_exceptions {
#define CHECKPOINT_END \
    }                  \
    }
#endif

#endif
