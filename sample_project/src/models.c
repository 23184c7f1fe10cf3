#include "models.h"

#include <stddef.h>

const model_demand demands[MSLITE_MODELS_COUNT] = {
    [MSLITE_MODELS_TINY_TRAIN] =
        {
            .input_count = 2,
            .inputs = {{"inputs0", MS_FLOAT32, 4, {3, 7, 5, 2}, 0}, {"inputs1", MS_INT32, 1, {3}, 1}},
            .output_count = 1,
            .outputs = {{NULL, MS_FLOAT32, 1, {1}, 0}}, /* the loss */
            .optimizer_count = 4, /* weight and bias of one convolution and one dense layer */
        },
    [MSLITE_MODELS_LENET_TRAIN] =
        {
            .input_count = 2,
            .inputs = {{"inputs0", MS_FLOAT32, 4, {4, 32, 32, 1}, 0}, {"inputs1", MS_INT32, 1, {4}, 1}},
            .output_count = 1,
            .outputs = {{NULL, MS_FLOAT32, 1, {1}, 0}},
            .optimizer_count = 10, /* weight and bias of two convolutions and three dense layers */
        },
    [MSLITE_MODELS_LENET_INFER_Q8] =
        {
            .input_count = 1,
            .inputs = {{"x", MS_FLOAT32, 4, {4, 32, 32, 1}, 0}},
            .output_count = 1,
            .outputs = {{NULL, MS_FLOAT32, 2, {4, 10}, 0}}, /* a score for each of ten digits */
            .is_quantized = 1,
        },
};
