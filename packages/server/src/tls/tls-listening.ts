import type { X509Certificate } from 'node:crypto';
import { createServer, type SecureContextOptions, type Server } from 'node:tls';
import type { RejectionLog } from '../listen/rejection-log.ts';
import { checkAddress, checkAllowedNames, checkRevocation } from './certificate-checks.ts';
import type { HandshakeProblem } from './handshake-error.ts';
import { Reloaded } from './reloaded.ts';
import {
  type ReadRevocationList,
  type RevokedSerials,
  revocationListReader,
} from './revocation-list.ts';
import { TlsAcceptor } from './tls-acceptor.ts';
import { tlsMaterials } from './tls-materials.ts';
import { type TlsSettings, wantsClientCertificates } from './tls-settings.ts';
import type { TlsTools } from './tls-tools.ts';

export interface AcceptorOptions {
  /** What is offered by ALPN, the best first. */
  readonly protocols: readonly string[];
  readonly rejections: RejectionLog;
  /** Whether a client's certificate must be for the address it calls from; `skipClientSanVerification` turns it off. */
  readonly checksAddress: boolean;
}

/** How listeners with the same settings speak TLS, with the files as they are at each handshake. */
export class TlsListening {
  readonly #settings: TlsSettings;
  readonly #tools: TlsTools;
  readonly #materials: Reloaded<SecureContextOptions>;
  readonly #revoked: Reloaded<RevokedSerials> | undefined;

  private constructor(
    settings: TlsSettings,
    tools: TlsTools,
    read: ReadRevocationList | undefined,
  ) {
    this.#settings = settings;
    this.#tools = tools;
    this.#materials = tlsMaterials(settings, 'listener', tools);
    this.#revoked = read === undefined ? undefined : revokedSerials(settings, tools, read);
  }

  /** Reads the files. Rejects with what is wrong with one, and its name. */
  static async open(settings: TlsSettings, tools: TlsTools): Promise<TlsListening> {
    const read = settings.crlFile === '' ? undefined : await revocationListReader();
    return new TlsListening(settings, tools, read);
  }

  /** Shakes hands for listeners. */
  acceptor({ protocols, rejections, checksAddress }: AcceptorOptions): TlsAcceptor {
    let materials: SecureContextOptions | undefined;
    let server: Server;
    const newest = (): Server => {
      const found = this.#materials.get();
      if (found !== materials) {
        materials = found;
        server = createServer({
          ...found,
          ALPNProtocols: [...protocols],
          requestCert: wantsClientCertificates(this.#settings),
          rejectUnauthorized: true,
        });
        acceptor.watch(server);
      }
      return server;
    };
    const acceptor = new TlsAcceptor({
      server: newest,
      clock: this.#tools.clock,
      rejections,
      check: (certificate, address) =>
        this.#check(certificate, checksAddress ? address : undefined),
    });
    return acceptor;
  }

  async #check(
    certificate: X509Certificate,
    address: string | undefined,
  ): Promise<HandshakeProblem | undefined> {
    const problem = checkAllowedNames(certificate, this.#settings);
    if (problem !== undefined) return problem;
    if (this.#revoked !== undefined) {
      const found = checkRevocation(certificate, this.#revoked.get());
      if (found !== undefined) return found;
    }
    // Who comes by a unix socket has no address.
    if (address === undefined || this.#settings.skipClientSanVerification) return undefined;
    return await checkAddress(certificate, address, this.#tools.resolver);
  }
}

function revokedSerials(
  { crlFile }: TlsSettings,
  { files, logger }: TlsTools,
  read: ReadRevocationList,
): Reloaded<RevokedSerials> {
  const fields = { 'crl-file': crlFile };
  return new Reloaded({
    files,
    paths: [crlFile],
    make: ([content]) => read(crlFile, content ?? Buffer.alloc(0)),
    onReload: ({ size }) => {
      logger.info('loaded a changed list of revoked certificates', { ...fields, size });
    },
    onFailure: (error) => {
      const message =
        'cannot load a changed list of revoked certificates; going on with that before';
      logger.warn(message, { ...fields, error });
    },
  });
}
