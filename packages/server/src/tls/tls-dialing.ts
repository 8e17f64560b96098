import { isIP, type Socket } from 'node:net';
import { type ConnectionOptions, checkServerIdentity, connect, type TLSSocket } from 'node:tls';
import type { EndpointUrl } from '../config/endpoint-url.ts';
import { checkAllowedNames } from './certificate-checks.ts';
import { tlsMaterials } from './tls-materials.ts';
import type { TlsSettings } from './tls-settings.ts';
import type { TlsTools } from './tls-tools.ts';

/** Told how a handshake ended: with a connection, or with an error in words for people. */
export type OnSecured = (
  ...outcome: [error: undefined, secured: TLSSocket] | [error: Error, secured: undefined]
) => void;

/** How connections over TLS are opened; the files are as they are at each handshake. */
export interface TlsDialing {
  /**
   * Shakes hands on an open connection to `url`. The time it may take is the caller's to bound, who listens for the
   * errors of `secured` from then on.
   */
  secure(socket: Socket, url: EndpointUrl, protocol: string, onSecured: OnSecured): void;
}

/** Throws what is wrong with a file, and its name. */
export function tlsDialing(settings: TlsSettings, tools: TlsTools): TlsDialing {
  const materials = tlsMaterials(settings, 'dialer', tools);
  return {
    secure(socket, url, protocol, onSecured) {
      const host = settings.serverName ?? (url.path === '' ? url.host : 'localhost');
      const options: ConnectionOptions = {
        socket,
        ...materials.get(),
        ALPNProtocols: [protocol],
        rejectUnauthorized: !settings.isSelfSigned,
        checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
        ...(isIP(host) === 0 ? { servername: host } : {}),
      };
      const secured = connect(options);
      const fail = (error: Error) => onSecured(new Error(dialProblem(error, url)), undefined);
      secured.once('error', fail);
      secured.once('secureConnect', () => {
        secured.off('error', fail);
        const certificate = secured.getPeerX509Certificate();
        const problem =
          certificate === undefined || settings.isSelfSigned
            ? undefined
            : checkAllowedNames(certificate, settings);
        if (problem === undefined) onSecured(undefined, secured);
        else fail(new Error(`${problem.error}: ${problem.hint}`));
      });
    },
  };
}

const unknownAuthority =
  'x509: certificate signed by unknown authority; this member does not trust who signed it (--peer-trusted-ca-file)';

const texts: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  CERT_SIGNATURE_FAILURE: unknownAuthority,
  CERT_HAS_EXPIRED: 'x509: certificate has expired',
  CERT_NOT_YET_VALID: 'x509: certificate is not yet valid; compare the clocks of the two machines',
  ERR_SSL_WRONG_VERSION_NUMBER:
    'tls: first record does not look like a TLS handshake; the address may be one of http://',
  ERR_SSL_PACKET_LENGTH_TOO_LONG:
    'tls: first record does not look like a TLS handshake; the address may be one of http://',
  ECONNRESET: 'EOF; the other side has ended the handshake, and its log tells why',
};

/** What went wrong when this side dialed, in one line that names the address. */
function dialProblem(error: Error, url: EndpointUrl): string {
  const { code = '', reason } = error as NodeJS.ErrnoException & { readonly reason?: unknown };
  const text =
    code === 'ERR_TLS_CERT_ALTNAME_INVALID'
      ? `x509: ${error.message}`
      : (texts[code] ??
        (typeof reason === 'string' ? `remote error: tls: ${reason}` : error.message));
  return `no TLS connection to ${url.href}: ${text}`;
}
