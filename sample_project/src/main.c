/* Checks every embedded model before anything would use it, and prints what it found. */
#include <stddef.h>

#include "board.h"
#include "console.h"
#include "models.h"
#include "ms_reader.h"

static uint32_t crc32(const uint8_t *bytes, uint32_t size) {
    uint32_t crc = 0xffffffffu;
    for (uint32_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
    }
    return ~crc;
}

static int is_same_text(ms_text found, const char *wanted) {
    uint32_t i = 0;
    while (i < found.length && wanted[i] != '\0' && found.bytes[i] == (uint8_t)wanted[i]) i++;
    return i == found.length && wanted[i] == '\0';
}

/* Prints one failed check and counts it: returns 1. */
static int fail(const mslite_model *model, const char *what) {
    print("  FAILED ");
    print(model->name);
    print(": ");
    print(what);
    print("\n");
    return 1;
}

static int check_number(const mslite_model *model, const char *what, uint32_t found, uint32_t wanted) {
    if (found == wanted) return 0;
    print("  ");
    print(what);
    print(": found ");
    print_count(found);
    print(", expected ");
    print_count(wanted);
    print("\n");
    return fail(model, what);
}

static const char *type_name(int32_t data_type) {
    if (data_type == MS_FLOAT32) return "float32";
    if (data_type == MS_INT32) return "int32";
    if (data_type == MS_INT8) return "int8";
    return "type?";
}

static void print_ports(const char *kind, const ms_port *ports, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        print(kind);
        print_bytes(ports[i].name.bytes, ports[i].name.length);
        print(" ");
        print(type_name(ports[i].data_type));
        print("[");
        for (uint32_t d = 0; d < ports[i].rank; d++) {
            if (d != 0) print(",");
            print_number(ports[i].dims[d]);
        }
        print("]\n");
    }
}

static int is_port_as_wanted(const ms_port *found, const mslite_tensor *built, const port_demand *wanted) {
    if (wanted->name != NULL && !is_same_text(found->name, wanted->name)) return 0;
    if (found->data_type != wanted->data_type || found->rank != wanted->rank) return 0;
    for (uint32_t d = 0; d < wanted->rank; d++) {
        if (found->dims[d] != wanted->dims[d]) return 0;
    }
    return built->is_label == (uint32_t)wanted->is_label;
}

/* Whether the registry says about a port what the model itself says. */
static int is_port_as_built(const ms_port *found, const mslite_tensor *built) {
    if (!is_same_text(found->name, built->name)) return 0;
    if (found->data_type != built->type || found->rank != built->rank) return 0;
    for (uint32_t d = 0; d < built->rank; d++) {
        if (found->dims[d] != built->shape[d]) return 0;
    }
    return 1;
}

static int check_ports(const mslite_model *model, const char *what, const ms_port *found, uint32_t count,
                       const mslite_tensor *built, const port_demand *wanted) {
    int failures = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_port_as_built(&found[i], &built[i])) failures += fail(model, "the registry is not about this model");
        if (!is_port_as_wanted(&found[i], &built[i], &wanted[i])) failures += fail(model, what);
    }
    return failures;
}

static int check_counts(const mslite_model *model, const ms_model *content, const model_demand *wanted) {
    int failures = check_number(model, "inputs", content->input_count, wanted->input_count);
    failures += check_number(model, "outputs", content->output_count, wanted->output_count);
    failures += check_number(model, "inputs in the registry", model->input_count, wanted->input_count);
    failures += check_number(model, "outputs in the registry", model->output_count, wanted->output_count);
    return failures;
}

static int check_bytes(const mslite_model *model) {
    int failures = 0;
    uint32_t sum = crc32(model->data, model->facts->size);
    print("  bytes ");
    print_count(model->facts->size);
    print("  crc32 ");
    print_hex(sum);
    print("\n  least RAM ");
    print_count(model->facts->inference_ram);
    print("  for training ");
    print_count(model->facts->training_ram);
    print("\n");
    if (sum != model->facts->crc32) failures += fail(model, "the checksum is not the one of the file that was built");
    if (((uintptr_t)model->data & 15u) != 0) failures += fail(model, "the model is not aligned to 16 bytes");
    return failures;
}

static void print_content(const ms_model *content) {
    print("  version ");
    print_bytes(content->version.bytes, content->version.length);
    print("\n");
    print_ports("  input ", content->inputs, content->input_count);
    print_ports("  output ", content->outputs, content->output_count);
    print("  nodes ");
    print_count(content->node_count);
    print("  tensors ");
    print_count(content->tensor_count);
    print("  constant bytes ");
    print_count(content->constant_bytes);
    print("\n  optimizer nodes ");
    print_count(content->optimizer_count);
    print("  8-bit constants ");
    print_count(content->quantized_count);
    print("\n");
}

static int check_content(const mslite_model *model, const ms_model *content, const model_demand *wanted) {
    int failures = check_counts(model, content, wanted);
    if (failures != 0) return failures;
    failures += check_ports(model, "inputs", content->inputs, content->input_count, model->inputs, wanted->inputs);
    failures += check_ports(model, "outputs", content->outputs, content->output_count, model->outputs, wanted->outputs);
    failures += check_number(model, "optimizer nodes", content->optimizer_count, wanted->optimizer_count);
    if ((content->quantized_count != 0) != wanted->is_quantized) failures += fail(model, "8-bit constants");
    return failures;
}

static int check_model(const mslite_model *model, const model_demand *wanted) {
    ms_model content;
    print("model ");
    print(model->name);
    print("\n");
    int failures = check_bytes(model);
    const char *problem = ms_read(model->data, model->facts->size, &content);
    if (problem != NULL) return failures + fail(model, problem);
    print_content(&content);
    failures += check_content(model, &content, wanted);
    if (failures == 0) print("  OK\n");
    return failures;
}

int main(void) {
    int failures = 0;
    print("sample firmware on ");
    print(board_name);
    print("\n");
    for (uint32_t i = 0; i < MSLITE_MODELS_COUNT; i++) failures += check_model(&mslite_models[i], &demands[i]);
    print(failures == 0 ? "all models are as built\n" : "a model is not as built\n");
    return failures == 0 ? 0 : 1;
}
