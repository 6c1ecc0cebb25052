#include "tools/command_parsers.hpp"

namespace argosy {
namespace {

void add_new_key(CLI::App& to, chosen_command& chosen) {
  const auto options = std::make_shared<key_options>();
  auto* command = add_command(to, "new", "A key of HTTP: prints it once, and adds its name, rights and hash to the file",
                              "(umask 077; argosy key new --name shop-window --rights read --keys keys > shop-window.key)", chosen, true,
                              &run_new_key, options);
  command->add_option("--name", options->name, "Whose it is")->required();
  command->add_option("--rights", options->may, "read, or write: to change products too")
      ->capture_default_str()
      ->check(CLI::IsMember({"read", "write"}));
  command->add_option("--keys", options->keys, "The file of `argosy serve --keys`; made where it is not there")->required();
}

void add_curve_key(CLI::App& to, chosen_command& chosen) {
  const auto options = std::make_shared<curve_key_options>();
  auto* command = add_command(to, "curve", "The two keys of a server or client of messages: FILE, which is secret, and FILE.pub",
                              "argosy key curve server.curve", chosen, true, &run_curve_keys, options);
  command->add_option("FILE", options->file, "Where the secret one goes; one that is there is refused")->required();
}

}  // namespace

void add_key(CLI::App& app, chosen_command& chosen) {
  auto* all = app.add_subcommand("key", "Make keys for those who may ask a server");
  all->require_subcommand(1);
  all->footer("Example:\n  argosy key new --name shop-window --rights read --keys keys");
  add_new_key(*all, chosen);
  add_curve_key(*all, chosen);
}

void add_tls(CLI::App& command, tls_files& files) {
  auto* certificate = command.add_option("--tls-certificate", files.certificate,
                                         "HTTP over TLS alone: the server's certificate and those that signed it, PEM; read at the start");
  auto* key = command.add_option("--tls-key", files.key, "The certificate's key, PEM without a password, which others may not read");
  certificate->needs(key)->check(not_empty);
  key->needs(certificate)->check(not_empty);
}

void add_curve(CLI::App& command, curve_server_files& files) {
  auto* secret =
      command.add_option("--curve-secret", files.secret, "ZeroMQ with CURVE alone: the secret key that `argosy key curve` wrote");
  auto* clients = command.add_option("--curve-clients", files.clients, "Who may ask by messages: lines of NAME read PUBLICKEY");
  secret->needs(clients)->check(not_empty);
  clients->needs(secret)->check(not_empty);
}

}  // namespace argosy
