// What the measured probes ask: answers every HTTP request on the port of its first argument with 200 OK; a request of
// /exit ends it. With a second argument it only ends, well: an exec probe. Built by scripts/bench-probes: -static.
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char **arguments) {
    if (count != 2) return 0;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[1]))};
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64)) return 1;
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        if (connection < 0) continue;
        char request[4096];
        ssize_t length = read(connection, request, sizeof request);
        if (length >= 9 && !memcmp(request, "GET /exit", 9)) _exit(0);
        static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
        if (write(connection, answer, sizeof answer - 1) < 0) continue;
        close(connection);
    }
}
