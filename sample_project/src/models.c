#include "models.h"

#include <stddef.h>

#include "lenet_infer_w8_ms.h"
#include "lenet_train_ms.h"

/* The fields that come from the generated header of model `name` (`NAME` in capitals). */
#define FROM_BUILD(name, NAME)                                                                                   \
    .begin = mslite_##name##_begin, .end = mslite_##name##_end, .version = MSLITE_##NAME##_VERSION,              \
    .size = MSLITE_##NAME##_SIZE, .crc32 = MSLITE_##NAME##_CRC32, .node_count = MSLITE_##NAME##_NODE_COUNT,      \
    .tensor_count = MSLITE_##NAME##_TENSOR_COUNT, .constant_bytes = MSLITE_##NAME##_CONSTANT_BYTES

const embedded_model models[MODEL_COUNT] = {
    {
        .name = "lenet_train",
        FROM_BUILD(lenet_train, LENET_TRAIN),
        .input_count = 2,
        .inputs = {{"inputs0", MS_FLOAT32, 4, {4, 32, 32, 1}}, {"inputs1", MS_INT32, 1, {4}}},
        .output_count = 1,
        .outputs = {{NULL, MS_FLOAT32, 1, {1}}}, /* the loss */
        .optimizer_count = 10,                   /* weight and bias of two convolutions and three dense layers */
    },
    {
        .name = "lenet_infer_w8",
        FROM_BUILD(lenet_infer_w8, LENET_INFER_W8),
        .input_count = 1,
        .inputs = {{"x", MS_FLOAT32, 4, {4, 32, 32, 1}}},
        .output_count = 1,
        .outputs = {{NULL, MS_FLOAT32, 2, {4, 10}}}, /* a score for each of ten digits */
        .is_quantized = 1,
    },
};
