// libssl, loaded when the first connection needs it: an agent without an https endpoint has none of its pages. The
// functions and their types are those of OpenSSL's headers; libcrypto, which has digests too, is linked.
#pragma once
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define SWL_SSL_FUNCTIONS(use)                                                                                         \
    use(TLS_client_method) use(SSL_CTX_new) use(SSL_CTX_free) use(SSL_CTX_ctrl) use(SSL_CTX_set_options)               \
    use(SSL_CTX_set_verify) use(SSL_CTX_set_default_verify_paths) use(SSL_CTX_load_verify_file)                        \
    use(SSL_CTX_use_certificate_chain_file) use(SSL_CTX_use_PrivateKey_file) use(SSL_CTX_set_default_passwd_cb)        \
    use(SSL_CTX_set_alpn_protos) use(SSL_new) use(SSL_free) use(SSL_ctrl)                                              \
    use(SSL_set_bio) use(SSL_set_connect_state) use(SSL_get0_param) use(SSL_do_handshake) use(SSL_read) use(SSL_write) \
    use(SSL_shutdown) use(SSL_get_error) use(SSL_get_verify_result)

struct swl_ssl {
#define SWL_SSL_FIELD(name) __typeof__(&name) _Nonnull name;
    SWL_SSL_FUNCTIONS(SWL_SSL_FIELD)
#undef SWL_SSL_FIELD
};

/// The functions of libssl; null when it cannot be loaded. `*error` is then why, for ever readable. From any thread.
const struct swl_ssl *_Nullable swl_ssl_load(const char *_Nullable *_Nonnull error);
