/* What the firmware needs of the machine under it: a console. The board's start-up code calls main() and hands its
 * result to whoever started the board. */
#ifndef BOARD_H
#define BOARD_H

extern const char board_name[];

/* Writes `text`, which ends in a zero byte, to the console. */
void board_write(const char *text);

#endif
