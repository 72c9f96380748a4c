// Values in another dtype: small floating-point numbers and float, arrays of any numbers.
#ifndef CHECKPOINT_CONVERSION_HPP
#define CHECKPOINT_CONVERSION_HPP

#include <checkpoint/core.hpp>

CHECKPOINT_BEGIN

/// Converts values to as many of another type, as tensors are converted that are read or restored.
/// checkpoint::reason::dtype when `kind` does not convert between the types, or an integer does not
/// fit; `out` is unchanged then.
template <typename From, typename To>
void convert(const From &values, To &&out, conversion kind = conversion::lossy) {
    const auto from = detail::elements(values);
    const auto to = detail::elements(out);
    constexpr ckpt_dtype source = detail::number_of<detail::element_of<const From>>();
    constexpr ckpt_dtype target = detail::number_of<detail::element_of<To>>();
    detail::call(ckpt_convert_values, static_cast<ckpt_conversion>(kind), source, static_cast<const void *>(from.data()),
                 from.size_bytes(), target, static_cast<void *>(to.data()), to.size_bytes());
}

/// A small floating-point number (half, bfloat16, float8_…, float4_…) as a float, which has all of
/// their values. For many, convert() is faster.
template <dtype Type, typename Bits>
float to_float(bits<Type, Bits> value) {
    float result = 0;
    convert(value, result, conversion::exact);
    return result;
}

/// A float as a small floating-point number, `from_float<bfloat16>(1.5f)`: the nearest one, ties to
/// even.
template <typename Small>
Small from_float(float value) {
    Small result{};
    convert(value, result);
    return result;
}

CHECKPOINT_END

#endif
