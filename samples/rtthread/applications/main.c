/* Prints the models in this program. */
#include <inttypes.h>
#include <stdio.h>

#include "mslite_models.h"

int main(void) {
    for (int i = 0; i < MSLITE_MODELS_COUNT; i++) {
        const mslite_model *model = &mslite_models[i];
        printf("%s: %.4s, %" PRIu32 " bytes, %" PRIu32 " inputs, %" PRIu32 " outputs\n", model->name,
               (const char *)&model->data[4], model->facts->size, model->input_count, model->output_count);
    }
    return 0;
}
