/** Why there is no connection: what happened, in the words etcd's operators know, and what to do about it. */
export interface HandshakeProblem {
  readonly error: string;
  readonly hint: string;
}

const distrust =
  'whoever calls does not take the certificate of this address: it needs the authority that has signed it (--cacert, ' +
  '--peer-trusted-ca-file), and a URL with a name or address that is in it';

/** OpenSSL's words for what the other side has against the handshake, and those of Go. */
const alerts: readonly (readonly [RegExp, string])[] = [
  [/unknown ca/, 'unknown certificate authority'],
  [/certificate expired/, 'expired certificate'],
  [/certificate revoked/, 'revoked certificate'],
  [/certificate unknown/, 'unknown certificate'],
  [/unsupported certificate/, 'unsupported certificate'],
  [/bad certificate/, 'bad certificate'],
];

const problems: Readonly<Record<string, HandshakeProblem>> = {
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: {
    error: "tls: client didn't provide a certificate",
    hint: 'who calls this address has to show a certificate (--cert and --key, --peer-cert-file and --peer-key-file)',
  },
  ERR_SSL_UNSUPPORTED_PROTOCOL: {
    error: 'tls: client offered only unsupported versions',
    hint: 'client and server have no version of TLS in common (--tls-min-version, --tls-max-version)',
  },
  ERR_SSL_NO_SHARED_CIPHER: {
    error: 'tls: no cipher suite supported by both client and server',
    hint: 'client and server have no cipher suite in common that suits the kind of key (--cipher-suites)',
  },
  ERR_SSL_NO_APPLICATION_PROTOCOL: {
    error: 'tls: client requested unsupported application protocols',
    hint: 'client and server have no protocol in common (ALPN)',
  },
  ECONNRESET: {
    error: 'EOF',
    hint: `the handshake was ended by the other side. Maybe ${distrust}`,
  },
};

/** Says what went wrong while a client shook hands; `error` is Node's. */
export function handshakeProblem(error: Error): HandshakeProblem {
  const { code = '', reason } = error as NodeJS.ErrnoException & { readonly reason?: unknown };
  const known = problems[code];
  if (known !== undefined) return known;
  const text = typeof reason === 'string' ? reason : error.message;
  const alert = alerts.find(([pattern]) => pattern.test(text));
  if (/\balert\b/.test(text) && alert !== undefined) {
    return { error: `remote error: tls: ${alert[1]}`, hint: distrust };
  }
  return { error: `tls: ${text}`, hint: 'the bytes of the client make no sense to TLS' };
}

const unknownAuthority = {
  error: 'tls: failed to verify certificate: x509: certificate signed by unknown authority',
  hint: 'the authority that signed the certificate is none of the trusted ones (--trusted-ca-file, --peer-trusted-ca-file)',
};

const refusals: Readonly<Record<string, HandshakeProblem>> = {
  CERT_HAS_EXPIRED: {
    error: 'tls: failed to verify certificate: x509: certificate has expired',
    hint: 'the certificate, or one that vouches for it, has to be made anew',
  },
  CERT_NOT_YET_VALID: {
    error: 'tls: failed to verify certificate: x509: certificate is not yet valid',
    hint: 'the clocks of the two machines differ, or the certificate is for later',
  },
  INVALID_PURPOSE: {
    error:
      'tls: failed to verify certificate: x509: certificate specifies an incompatible key usage',
    hint: 'a certificate with an extended key usage needs clientAuth to be shown by a client',
  },
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  CERT_SIGNATURE_FAILURE: unknownAuthority,
};

/** Says what is wrong with the certificate that was shown; `code` is OpenSSL's. */
export function certificateProblem(code: string): HandshakeProblem {
  return (
    refusals[code] ?? {
      error: `tls: failed to verify certificate: ${code.toLowerCase().replaceAll('_', ' ')}`,
      hint: 'the certificate that was shown is of no use',
    }
  );
}
