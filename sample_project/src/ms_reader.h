/* Reads a MindSpore Lite model (`.ms`, a FlatBuffer) where it lies: no copy, no malloc, no trust.
 *
 * Every offset in the file is checked against the file's size before it is followed, so a damaged model ends in a
 * message and never in a wild read. Numbers are taken byte by byte: any alignment and any byte order will do. */
#ifndef MS_READER_H
#define MS_READER_H

#include <stdint.h>

enum { MS_MAX_PORTS = 4, MS_MAX_DIMS = 6 };

/* The data types a model's input or output can have here (numbers of MindSpore's TypeId). */
enum { MS_INT8 = 32, MS_INT32 = 34, MS_FLOAT32 = 43 };

/* Text inside the model: `length` bytes, not to be trusted as printable. */
typedef struct {
    const uint8_t *bytes;
    uint32_t length;
} ms_text;

/* One input or output of the model. Extents are in elements. */
typedef struct {
    ms_text name;
    int32_t data_type;
    uint32_t rank;
    int32_t dims[MS_MAX_DIMS];
} ms_port;

typedef struct {
    ms_text version; /* of the converter that the file claims, as "MindSpore Lite 2.0.0" */
    uint32_t input_count, output_count;
    ms_port inputs[MS_MAX_PORTS], outputs[MS_MAX_PORTS];
    uint32_t node_count, tensor_count;
    uint32_t optimizer_count;  /* nodes that update weights; 0 in an inference model */
    uint32_t quantized_count;  /* constants stored as 8-bit integers */
    uint32_t constant_bytes;   /* of all constants, padding not counted */
} ms_model;

/* Fills `model` from the `size` bytes at `bytes`. Returns NULL, or what is wrong with the file; `model` is then of no
 * use. Text in `model` points into `bytes`. */
const char *ms_read(const uint8_t *bytes, uint32_t size, ms_model *model);

#endif
