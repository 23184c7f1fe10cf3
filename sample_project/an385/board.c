/* Arm MPS2 board with the AN385 image (Cortex-M3), as QEMU's `mps2-an385`.
 *
 * Console and exit go through semihosting: the debugger, or QEMU, performs the call that register r0 names. */
#include "board.h"

#include <stddef.h>
#include <stdint.h>

enum { SYS_WRITE0 = 0x04, SYS_EXIT_EXTENDED = 0x20, ADP_STOPPED_APPLICATION_EXIT = 0x20026 };
enum { FAULT_STATUS = 3 };

extern uint32_t stack_top[], data_begin[], data_end[], data_image[], bss_begin[], bss_end[];

int main(void);
void reset(void); /* the entry point in the linker script */
void *memcpy(void *target, const void *source, size_t size);
void *memset(void *target, int value, size_t size);

const char board_name[] = "mps2-an385 (Cortex-M3)";

static void semihost(uint32_t operation, const void *argument) {
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void board_write(const char *text) { semihost(SYS_WRITE0, text); }

static _Noreturn void leave(uint32_t status) {
    const uint32_t block[2] = {ADP_STOPPED_APPLICATION_EXIT, status};
    semihost(SYS_EXIT_EXTENDED, block);
    for (;;) {
    }
}

static void fault(void) {
    board_write("FAILED: the processor took a fault\n");
    leave(FAULT_STATUS);
}

void reset(void) {
    const uint32_t *image = data_image;
    for (uint32_t *word = data_begin; word < data_end; word++) *word = *image++;
    for (uint32_t *word = bss_begin; word < bss_end; word++) *word = 0;
    leave((uint32_t)main());
}

/* The compiler may call these two even in freestanding code. */
void *memcpy(void *target, const void *source, size_t size) {
    uint8_t *to = target;
    const uint8_t *from = source;
    while (size-- > 0) *to++ = *from++;
    return target;
}

void *memset(void *target, int value, size_t size) {
    uint8_t *to = target;
    while (size-- > 0) *to++ = (uint8_t)value;
    return target;
}

/* Initial stack pointer, then the handlers of reset, NMI and the four faults. The firmware uses no interrupts. */
typedef union {
    uint32_t *stack;
    void (*handler)(void);
} vector_entry;

__attribute__((section(".vectors"), used)) static const vector_entry vectors[] = {
    {.stack = stack_top}, {.handler = reset}, {.handler = fault}, {.handler = fault},
    {.handler = fault},   {.handler = fault}, {.handler = fault},
};
