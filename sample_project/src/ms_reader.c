#include "ms_reader.h"

#include <stddef.h>

/* Field ids of the `.ms` schema. */
enum { GRAPH_VERSION = 1, GRAPH_INPUTS = 3, GRAPH_OUTPUTS = 4, GRAPH_NODES = 6, GRAPH_TENSORS = 7 };
enum { NODE_PRIMITIVE = 2, NODE_INPUTS = 3, NODE_OUTPUTS = 4, PRIMITIVE_TYPE = 0 };
enum { TENSOR_DATA_TYPE = 1, TENSOR_DIMS = 2, TENSOR_DATA = 6, TENSOR_NAME = 9 };
enum { OP_ADAM = 4, OP_APPLY_MOMENTUM = 10, OP_SGD = 129, OP_ADAM_WEIGHT_DECAY = 220 };

/* `problem` is the first thing found wrong. From then on every read gives 0, so loops over the file run out. */
typedef struct {
    const uint8_t *bytes;
    uint32_t size;
    const char *problem;
} reader;

typedef struct {
    uint32_t first, count; /* position of element 0; 0 elements when the field is absent */
} vector;

static void refuse(reader *r, const char *problem) {
    if (r->problem == NULL) r->problem = problem;
}

static const uint8_t *span(reader *r, uint64_t at, uint32_t length) {
    static const uint8_t zeros[8];
    if (r->problem == NULL && at + length <= r->size) return r->bytes + at;
    refuse(r, "an offset points outside the file");
    return zeros; /* `length` is at most 4 wherever the bytes are looked at */
}

static uint32_t read_u16(reader *r, uint64_t at) {
    const uint8_t *b = span(r, at, 2);
    return (uint32_t)b[0] | (uint32_t)b[1] << 8;
}

static uint32_t read_u32(reader *r, uint64_t at) {
    const uint8_t *b = span(r, at, 4);
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* Where field `id` of `table` lies, or 0 when the table leaves it out. `width` is the field's size in bytes. */
static uint32_t field(reader *r, uint32_t table, uint32_t id, uint32_t width) {
    int64_t vtable = (int64_t)table - (int32_t)read_u32(r, table);
    if (r->problem == NULL && (vtable < 0 || vtable >= r->size)) refuse(r, "a table's layout lies outside the file");
    if (r->problem != NULL) return 0;
    uint32_t vtable_size = read_u16(r, (uint64_t)vtable);
    uint32_t table_size = read_u16(r, (uint64_t)vtable + 2);
    if (4 + 2 * id + 2 > vtable_size) return 0;
    uint32_t offset = read_u16(r, (uint64_t)vtable + 4 + 2 * id);
    if (offset == 0) return 0;
    if (offset < 4 || offset + width > table_size) refuse(r, "a field lies outside its table");
    span(r, (uint64_t)table + offset, width);
    return r->problem == NULL ? table + offset : 0;
}

/* Follows the offset stored at `at`; 0 when that leads outside the file. */
static uint32_t follow(reader *r, uint32_t at) {
    uint64_t target = (uint64_t)at + read_u32(r, at);
    span(r, target, 4);
    return r->problem == NULL ? (uint32_t)target : 0;
}

static uint32_t read_int(reader *r, uint32_t table, uint32_t id) {
    uint32_t at = field(r, table, id, 4);
    return at == 0 ? 0 : read_u32(r, at);
}

static vector read_vector(reader *r, uint32_t table, uint32_t id, uint32_t element_size) {
    vector none = {0, 0};
    uint32_t at = field(r, table, id, 4);
    if (at == 0) return none;
    uint32_t start = follow(r, at);
    uint32_t count = read_u32(r, start);
    if (r->problem == NULL && count > (r->size - start - 4) / element_size) refuse(r, "a list runs past the end of the file");
    if (r->problem != NULL) return none;
    vector found = {start + 4, count};
    return found;
}

static ms_text read_text(reader *r, uint32_t table, uint32_t id) {
    vector letters = read_vector(r, table, id, 1);
    ms_text text = {r->bytes + letters.first, letters.count};
    return text;
}

static uint32_t element(reader *r, vector v, uint32_t index) {
    return read_u32(r, (uint64_t)v.first + 4 * (uint64_t)index);
}

static void check_indices(reader *r, vector indices, uint32_t limit) {
    for (uint32_t i = 0; i < indices.count && r->problem == NULL; i++) {
        if (element(r, indices, i) >= limit) refuse(r, "a tensor number is out of range");
    }
}

static void read_port(reader *r, uint32_t tensor, ms_port *port) {
    vector dims = read_vector(r, tensor, TENSOR_DIMS, 4);
    if (dims.count > MS_MAX_DIMS) refuse(r, "an input or output has too many dimensions");
    port->name = read_text(r, tensor, TENSOR_NAME);
    port->data_type = (int32_t)read_int(r, tensor, TENSOR_DATA_TYPE);
    port->rank = dims.count;
    for (uint32_t i = 0; i < dims.count && r->problem == NULL; i++) port->dims[i] = (int32_t)element(r, dims, i);
}

static uint32_t read_ports(reader *r, vector indices, vector tensors, ms_port *ports) {
    check_indices(r, indices, tensors.count);
    if (indices.count == 0) refuse(r, "the model has no inputs or no outputs");
    if (indices.count > MS_MAX_PORTS) refuse(r, "the model has too many inputs or outputs");
    for (uint32_t i = 0; i < indices.count && r->problem == NULL; i++) {
        uint32_t slot = tensors.first + 4 * element(r, indices, i);
        read_port(r, follow(r, slot), &ports[i]);
    }
    return indices.count;
}

static void read_node(reader *r, uint32_t node, uint32_t tensor_count, ms_model *model) {
    check_indices(r, read_vector(r, node, NODE_INPUTS, 4), tensor_count);
    check_indices(r, read_vector(r, node, NODE_OUTPUTS, 4), tensor_count);
    uint32_t at = field(r, node, NODE_PRIMITIVE, 4);
    uint32_t type_at = at == 0 ? 0 : field(r, follow(r, at), PRIMITIVE_TYPE, 1);
    if (type_at == 0) {
        refuse(r, "a node has no operator");
        return;
    }
    uint32_t op = *span(r, type_at, 1);
    if (op == OP_ADAM || op == OP_APPLY_MOMENTUM || op == OP_SGD || op == OP_ADAM_WEIGHT_DECAY) model->optimizer_count++;
}

static void read_tensor(reader *r, uint32_t tensor, ms_model *model) {
    vector data = read_vector(r, tensor, TENSOR_DATA, 1);
    if (data.count == 0) return;
    if (data.count > r->size - model->constant_bytes) refuse(r, "constants overlap");
    model->constant_bytes += data.count;
    if (read_int(r, tensor, TENSOR_DATA_TYPE) == MS_INT8) model->quantized_count++;
}

static void read_graph(reader *r, uint32_t graph, ms_model *model) {
    vector nodes = read_vector(r, graph, GRAPH_NODES, 4);
    vector tensors = read_vector(r, graph, GRAPH_TENSORS, 4);
    model->version = read_text(r, graph, GRAPH_VERSION);
    model->node_count = nodes.count;
    model->tensor_count = tensors.count;
    model->input_count = read_ports(r, read_vector(r, graph, GRAPH_INPUTS, 4), tensors, model->inputs);
    model->output_count = read_ports(r, read_vector(r, graph, GRAPH_OUTPUTS, 4), tensors, model->outputs);
    for (uint32_t i = 0; i < nodes.count && r->problem == NULL; i++) {
        read_node(r, follow(r, nodes.first + 4 * i), tensors.count, model);
    }
    for (uint32_t i = 0; i < tensors.count && r->problem == NULL; i++) {
        read_tensor(r, follow(r, tensors.first + 4 * i), model);
    }
}

const char *ms_read(const uint8_t *bytes, uint32_t size, ms_model *model) {
    reader r = {bytes, size, NULL};
    ms_model empty = {0};
    *model = empty;
    if (size < 8) return "the file is too short to be a model";
    if (bytes[4] != 'M' || bytes[5] != 'S' || bytes[6] != 'L' || bytes[7] != '2') return "the identifier is not MSL2";
    read_graph(&r, follow(&r, 0), model);
    return r.problem;
}
