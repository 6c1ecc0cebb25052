// TLS by OpenSSL, 1.2 and later, for the servers and clients of this room.
// Errors   name the file, what was wanted and what OpenSSL found.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "base/status.hpp"
#include "net/node_credentials.hpp"

namespace argosy {

using tls_context = std::shared_ptr<boost::asio::ssl::context>;

// The key is refused where others than its owner and group may read it, or where it is not the certificate's, or wants a password.
result<tls_context> server_context(const tls_files&);
// Believes who has a certificate that one in `authorities` signed; empty: one of those that the system believes.
result<tls_context> client_context(const std::filesystem::path& authorities);
// Of both ends of a connection between nodes: each shows its certificate, and believes what the authority signed alone; or each proves that
// it has the secret, and believes who has it alone (TLS 1.3).
result<tls_context> node_context(const node_credentials&);
// Of a client's connection, before its handshake: the certificate has to be of this host, a name or a number.
// False: it could not be set, and the connection is not to be made.
bool expect_name(SSL*, const std::string& host);
// Why a certificate was not believed, `: hostname mismatch`; empty when that was not it.
std::string mistrust_of(SSL*);

}  // namespace argosy
