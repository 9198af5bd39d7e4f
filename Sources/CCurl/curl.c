#include "CCurl.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define SWL_CURL_FUNCTIONS(use)                                                                                        \
    use(curl_global_init) use(curl_easy_init) use(curl_easy_cleanup) use(curl_easy_reset) use(curl_easy_setopt)        \
    use(curl_easy_perform) use(curl_easy_getinfo) use(curl_easy_strerror) use(curl_slist_append)                       \
    use(curl_slist_free_all)

static struct {
#define SWL_CURL_FIELD(name) __typeof__(&name) f_##name;
    SWL_CURL_FUNCTIONS(SWL_CURL_FIELD)
} functions;
static char problem[256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    // The build with OpenSSL, whose libcrypto is here already, or else the one with GnuTLS.
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library) library = dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(problem, sizeof problem, "%s", dlerror());
        return;
    }
#define SWL_CURL_FIND(name)                                                                                            \
    if (!(*(void **)&functions.f_##name = dlsym(library, #name))) {                                                    \
        snprintf(problem, sizeof problem, "libcurl has no function %s", #name);                                        \
        return;                                                                                                        \
    }
    SWL_CURL_FUNCTIONS(SWL_CURL_FIND)
    CURLcode code = functions.f_curl_global_init(CURL_GLOBAL_ALL);
    if (code) snprintf(problem, sizeof problem, "libcurl does not start: %s", functions.f_curl_easy_strerror(code));
}

const char *swl_curl_load(void) {
    pthread_once(&once, load);
    return problem[0] ? problem : NULL;
}

void *swl_curl_new(void) { return functions.f_curl_easy_init(); }

void swl_curl_free(void *handle) { functions.f_curl_easy_cleanup(handle); }

static size_t on_header(char *bytes, size_t size, size_t count, void *context) {
    const struct swl_transfer *transfer = context;
    return transfer->header(transfer->context, bytes, size * count) ? size * count : 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
    const struct swl_transfer *transfer = context;
    // Less than was given stops the transfer, also when nothing was given.
    return transfer->body(transfer->context, bytes, size * count) ? size * count : CURL_WRITEFUNC_ERROR;
}

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    (void)a, (void)b, (void)c, (void)d;
    const struct swl_transfer *transfer = context;
    return transfer->proceed(transfer->context) ? 0 : 1;
}

static CURLcode prepare(CURL *curl, const struct swl_transfer *transfer, struct curl_slist *headers) {
    CURLcode code;
#define SET(option, value)                                                                                             \
    if ((code = functions.f_curl_easy_setopt(curl, option, value))) return code
    SET(CURLOPT_URL, transfer->url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_USERAGENT, "swiftlet");
    SET(CURLOPT_CONNECTTIMEOUT, transfer->connect_seconds);
    SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(CURLOPT_LOW_SPEED_TIME, transfer->stall_seconds);
    SET(CURLOPT_TIMEOUT, transfer->total_seconds);
    SET(CURLOPT_SSL_VERIFYPEER, transfer->insecure ? 0L : 1L);
    SET(CURLOPT_SSL_VERIFYHOST, transfer->insecure ? 0L : 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (transfer->ca_file) SET(CURLOPT_CAINFO, transfer->ca_file);
    if (transfer->cert_file) SET(CURLOPT_SSLCERT, transfer->cert_file);
    if (transfer->key_file) SET(CURLOPT_SSLKEY, transfer->key_file);
    if (transfer->form) SET(CURLOPT_COPYPOSTFIELDS, transfer->form);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, transfer);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, transfer);
    SET(CURLOPT_NOPROGRESS, 0L);
#undef SET
    return CURLE_OK;
}

void swl_curl_perform(void *handle, const struct swl_transfer *transfer, struct swl_transfer_result *result) {
    char words[CURL_ERROR_SIZE] = "";
    memset(result, 0, sizeof *result);
    functions.f_curl_easy_reset(handle);
    struct curl_slist *headers = NULL;
    CURLcode code = CURLE_OK;
    for (const char *const *line = transfer->headers; *line; line++) {
        struct curl_slist *longer = functions.f_curl_slist_append(headers, *line);
        if (!longer) {
            code = CURLE_OUT_OF_MEMORY;
            break;
        }
        headers = longer;
    }
    if (!code) code = prepare(handle, transfer, headers);
    if (!code) code = functions.f_curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, words);
    if (!code) code = functions.f_curl_easy_perform(handle);
    functions.f_curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &result->status);
    char *redirect = NULL;
    functions.f_curl_easy_getinfo(handle, CURLINFO_REDIRECT_URL, &redirect);
    if (redirect && strlen(redirect) < sizeof result->redirect)
        snprintf(result->redirect, sizeof result->redirect, "%s", redirect);
    result->code = (int)code;
    if (code)
        snprintf(result->message, sizeof result->message, "%s", words[0] ? words : functions.f_curl_easy_strerror(code));
    // What it points to ends here.
    functions.f_curl_easy_reset(handle);
    functions.f_curl_slist_free_all(headers);
}
