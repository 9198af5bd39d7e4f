#include "CSSL.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

static struct swl_ssl functions;
static char problem[256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    // The version that the headers, and libcrypto beside it, are of.
    void *library = dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(problem, sizeof problem, "%s", dlerror());
        return;
    }
#define SWL_SSL_FIND(name)                                                                                             \
    if (!(*(void **)&functions.name = dlsym(library, #name))) {                                                       \
        snprintf(problem, sizeof problem, "libssl.so.3 has no function %s", #name);                                    \
        return;                                                                                                        \
    }
    SWL_SSL_FUNCTIONS(SWL_SSL_FIND)
}

const struct swl_ssl *swl_ssl_load(const char **error) {
    pthread_once(&once, load);
    *error = problem;
    return problem[0] ? NULL : &functions;
}
