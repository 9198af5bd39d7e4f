// The least that HTTP probes cost: connections made one after the other, a request, the answer to its end. Arguments: how
// often, and ADDRESS:PORT as often as there are. Prints the CPU time of one, which is all the kernel's.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char **arguments) {
    int rounds = count > 2 ? atoi(arguments[1]) : 0;
    if (rounds < 1) return 2;
    for (int round = 0; round < rounds; round++)
        for (int n = 2; n < count; n++) {
            char host[64], answer[4096];
            int port;
            if (sscanf(arguments[n], "%63[^:]:%d", host, &port) != 2) return 2;
            struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
            inet_pton(AF_INET, host, &address.sin_addr);
            int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            if (connect(connection, (struct sockaddr *)&address, sizeof address)) return perror(arguments[n]), 1;
            static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
            if (write(connection, request, sizeof request - 1) < 0) return 1;
            while (read(connection, answer, sizeof answer) > 0) {}
            close(connection);
        }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double used = usage.ru_utime.tv_sec * 1e6 + usage.ru_utime.tv_usec + usage.ru_stime.tv_sec * 1e6 + usage.ru_stime.tv_usec;
    printf("BENCH probe_http_floor_cpu %.1f us\n", used / rounds / (count - 2));
    return 0;
}
