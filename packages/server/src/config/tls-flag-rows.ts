import type { Flag } from './flag.ts';
import { rows } from './flag-row.ts';

const security = rows('Security', 'supported');

/** TLS for clients, between members, and what both have in common. */
export const tlsFlags: readonly Flag[] = [
  security('text', 'cert-file', '', 'Certificate to show to clients, PEM.', {
    fileKey: 'client-transport-security.cert-file',
  }),
  security('text', 'key-file', '', 'Key of --cert-file, PEM.', {
    fileKey: 'client-transport-security.key-file',
  }),
  security('text', 'client-cert-file', '', 'Certificate to show instead when this member dials.', {
    fileKey: 'client-transport-security.client-cert-file',
  }),
  security('text', 'client-key-file', '', 'Key of --client-cert-file.', {
    fileKey: 'client-transport-security.client-key-file',
  }),
  security(
    'bool',
    'client-cert-auth',
    'false',
    'Require a certificate of clients; its common name is their user.',
    { fileKey: 'client-transport-security.client-cert-auth' },
  ),
  security(
    'text',
    'trusted-ca-file',
    '',
    'Authorities that certificates of clients must come from; requires one.',
    { fileKey: 'client-transport-security.trusted-ca-file' },
  ),
  security('text', 'client-crl-file', '', 'Certificates of clients that are revoked.', {
    fileKey: null,
  }),
  security(
    'list',
    'client-cert-allowed-hostname',
    '',
    'Names, one of which a certificate of a client must be good for.',
    { fileKey: 'client-transport-security.allowed-hostname' },
  ),
  security(
    'bool',
    'auto-tls',
    'false',
    'Make a certificate when none is given; it proves nothing.',
    { fileKey: 'client-transport-security.auto-tls' },
  ),
  security('text', 'peer-cert-file', '', 'Certificate to show to other members, PEM.', {
    fileKey: 'peer-transport-security.cert-file',
  }),
  security('text', 'peer-key-file', '', 'Key of --peer-cert-file, PEM.', {
    fileKey: 'peer-transport-security.key-file',
  }),
  security(
    'text',
    'peer-client-cert-file',
    '',
    'Certificate to show instead when this member dials another.',
    { fileKey: 'peer-transport-security.client-cert-file' },
  ),
  security('text', 'peer-client-key-file', '', 'Key of --peer-client-cert-file.', {
    fileKey: 'peer-transport-security.client-key-file',
  }),
  security('bool', 'peer-client-cert-auth', 'false', 'Require a certificate of other members.', {
    fileKey: 'peer-transport-security.client-cert-auth',
  }),
  security(
    'text',
    'peer-trusted-ca-file',
    '',
    'Authorities that certificates of other members must come from; requires one.',
    { fileKey: 'peer-transport-security.trusted-ca-file' },
  ),
  security('text', 'peer-crl-file', '', 'Certificates of other members that are revoked.', {
    fileKey: null,
  }),
  security(
    'list',
    'peer-cert-allowed-cn',
    '',
    'Common names that a member may have, comma-separated.',
    { fileKey: 'peer-transport-security.allowed-cn' },
  ),
  security(
    'list',
    'peer-cert-allowed-hostname',
    '',
    'Names, one of which a certificate of a member must be good for.',
    { fileKey: 'peer-transport-security.allowed-hostname' },
  ),
  security(
    'bool',
    'peer-skip-client-san-verification',
    'false',
    "Don't compare names in a member's certificate with its address.",
    { fileKey: 'peer-transport-security.skip-client-san-verification' },
  ),
  security(
    'bool',
    'peer-auto-tls',
    'false',
    'Make a certificate when none is given; members then trust any.',
    { fileKey: 'peer-transport-security.auto-tls' },
  ),
  security(
    'uint',
    'self-signed-cert-validity',
    '1',
    'Years that a certificate of --auto-tls and --peer-auto-tls is good.',
  ),
  security(
    'list',
    'cipher-suites',
    '',
    'Suites of TLS 1.2, comma-separated, by names such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256.',
  ),
  security('text', 'tls-min-version', 'TLS1.2', 'Oldest version of TLS: TLS1.2 or TLS1.3.'),
  security('text', 'tls-max-version', '', 'Newest version of TLS; the newest there is when empty.'),
];
