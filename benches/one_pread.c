/* What one_tensor.c is compared with: reads 1 KiB of a file and prints a byte. */
#define _XOPEN_SOURCE 700
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int count, char **arguments) {
    static unsigned char value[1024];
    if (count < 3) return 1;
    int fd = open(arguments[1], O_RDONLY);
    if (fd < 0 || pread(fd, value, sizeof value, atoll(arguments[2])) != sizeof value) return 1;
    printf("%d\n", value[1]);
    return 0;
}
