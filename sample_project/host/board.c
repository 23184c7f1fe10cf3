/* The machine that builds the firmware, as a board: the console is standard output. */
#include "board.h"

#include <stdio.h>

const char board_name[] = "host";

void board_write(const char *text) { fputs(text, stdout); }
