/* The models in this firmware: where each one lies, what the build said about it, what the application demands. */
#ifndef MODELS_H
#define MODELS_H

#include <stdint.h>

#include "ms_reader.h"

/* What the application feeds to a model or takes from it. A NULL name means that any name will do. */
typedef struct {
    const char *name;
    int32_t data_type;
    uint32_t rank;
    int32_t dims[MS_MAX_DIMS];
} port_demand;

typedef struct {
    const char *name;
    const uint8_t *begin, *end;

    /* From the header that the build generated beside the model. */
    const char *version;
    uint32_t size, crc32, node_count, tensor_count, constant_bytes;

    /* From the application. */
    uint32_t input_count, output_count;
    port_demand inputs[MS_MAX_PORTS], outputs[MS_MAX_PORTS];
    uint32_t optimizer_count;
    int is_quantized;
} embedded_model;

enum { MODEL_COUNT = 2 };
extern const embedded_model models[MODEL_COUNT];

#endif
