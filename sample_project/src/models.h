/* What the application demands of the models in its firmware: what it feeds to them and takes from them. */
#ifndef MODELS_H
#define MODELS_H

#include <stdint.h>

#include "mslite_models.h" /* made by the build: where each model lies, and what the build says about it */
#include "ms_reader.h"

/* A NULL name means that any name will do. */
typedef struct {
    const char *name;
    int32_t data_type;
    uint32_t rank;
    int32_t dims[MS_MAX_DIMS];
    int is_label; /* an input that only training reads */
} port_demand;

typedef struct {
    uint32_t input_count, output_count;
    port_demand inputs[MS_MAX_PORTS], outputs[MS_MAX_PORTS];
    uint32_t optimizer_count;
    int is_quantized;
} model_demand;

/* By place in the registry. */
extern const model_demand demands[MSLITE_MODELS_COUNT];

#endif
