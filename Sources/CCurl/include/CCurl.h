// libcurl, loaded by the one process that asks registries: nobody else has its pages or those of the libraries that it
// brings. One function makes a request; the options of libcurl, which are variadic calls, are set in C.
#pragma once
#include <regex.h> // for the names of repositories on mirrors
#include <stddef.h>
#include <stdint.h>

/// A request. Strings that are null are not set.
struct swl_transfer {
    const char *_Nonnull url;
    /// Lines `Name: value`, ended by a null.
    const char *_Nullable const *_Nonnull headers;
    /// Sent by POST as a form; null for GET.
    const char *_Nullable form;
    const char *_Nullable ca_file;
    const char *_Nullable cert_file;
    const char *_Nullable key_file;
    int insecure;
    long connect_seconds;
    /// Without a byte for so long, the transfer has stalled.
    long stall_seconds;
    /// For all of it; 0 for ever.
    long total_seconds;
    void *_Nonnull context;
    /// Gets a line of the answer's head, with its end; nonzero goes on.
    int (*_Nonnull header)(void *_Nonnull context, const void *_Nonnull bytes, size_t count);
    /// Gets bytes of the answer's body; nonzero goes on.
    int (*_Nonnull body)(void *_Nonnull context, const void *_Nonnull bytes, size_t count);
    /// Asked about once a second and at each piece; nonzero goes on.
    int (*_Nonnull proceed)(void *_Nonnull context);
};

/// What came of it.
struct swl_transfer_result {
    /// libcurl's code; 0 when the answer is complete.
    int code;
    long status;
    /// libcurl's words when it failed.
    char message[256];
    /// The URL that the answer leads to; empty when it is no redirection, or one to a URL that is too long.
    char redirect[4000];
};

/// Loads libcurl. Null when it is there, else why not, for ever readable.
const char *_Nullable swl_curl_load(void);

/// A connection cache of one thread; null without memory. Only after a load that succeeded.
void *_Nullable swl_curl_new(void);
void swl_curl_free(void *_Nonnull handle);

/// Makes the request.
void swl_curl_perform(
    void *_Nonnull handle, const struct swl_transfer *_Nonnull transfer, struct swl_transfer_result *_Nonnull result);
