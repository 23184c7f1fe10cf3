/* Prints text and numbers on the board's console, without a C library. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdint.h>

void print(const char *text);
void print_number(int32_t number);
void print_count(uint32_t number);
void print_hex(uint32_t number);

/* Prints `length` bytes of text that may be damaged: what is no printable ASCII becomes `?`. */
void print_bytes(const uint8_t *bytes, uint32_t length);

#endif
