#pragma once
#include <lzma.h>

/// Reads any number of streams one after the other; the value is a macro with a cast.
static const uint32_t swl_lzma_concatenated = LZMA_CONCATENATED;

/// The initial value of a stream, which is a macro.
static inline lzma_stream swl_lzma_stream(void) {
    lzma_stream stream = LZMA_STREAM_INIT;
    return stream;
}
