#include "console.h"

#include "board.h"

void print(const char *text) { board_write(text); }

void print_count(uint32_t number) {
    char digits[11];
    char *at = digits + sizeof digits - 1;
    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    print(at);
}

void print_number(int32_t number) {
    if (number < 0) print("-");
    print_count(number < 0 ? 0u - (uint32_t)number : (uint32_t)number);
}

void print_hex(uint32_t number) {
    char text[11] = "0x";
    for (uint32_t i = 0; i < 8; i++) text[2 + i] = "0123456789abcdef"[number >> (28 - 4 * i) & 15];
    text[10] = '\0';
    print(text);
}

void print_bytes(const uint8_t *bytes, uint32_t length) {
    char piece[2] = "?";
    for (uint32_t i = 0; i < length; i++) {
        piece[0] = bytes[i] >= ' ' && bytes[i] <= '~' ? (char)bytes[i] : '?';
        print(piece);
    }
}
