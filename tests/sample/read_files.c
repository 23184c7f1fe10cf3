/* Reads each file named on the command line with the firmware's reader and prints `ok` or what is wrong with it. Each
 * file lies in a block of its own exact size, so the sanitizer sees every access beyond it. */
#include "ms_reader.h"

#include <stdio.h>
#include <stdlib.h>

static uint32_t touch(ms_text text) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < text.length; i++) sum += text.bytes[i];
    return sum;
}

static uint32_t touch_all(const ms_model *model) {
    uint32_t sum = touch(model->version);
    for (uint32_t i = 0; i < model->input_count; i++) sum += touch(model->inputs[i].name);
    for (uint32_t i = 0; i < model->output_count; i++) sum += touch(model->outputs[i].name);
    return sum;
}

static void read_one(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) exit(2);
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(size);
    if (bytes == NULL || fread(bytes, 1, size, file) != size) exit(2);
    fclose(file);
    ms_model model;
    const char *problem = ms_read(bytes, (uint32_t)size, &model);
    volatile uint32_t sum = problem == NULL ? touch_all(&model) : 0;
    (void)sum;
    puts(problem == NULL ? "ok" : problem);
    free(bytes);
}

int main(int count, char **paths) {
    for (int i = 1; i < count; i++) read_one(paths[i]);
    return 0;
}
