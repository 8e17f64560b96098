import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate and its key in files. */
export interface IssuedCertificate {
  readonly file: string;
  readonly keyFile: string;
}

export interface CertificateRequest {
  /** Common name. Default: none, but an organization. */
  readonly commonName?: string;
  /** Alternative names as OpenSSL writes them. Default: `localhost` and 127.0.0.1. */
  readonly names?: string;
  /** Days that it is good for, negative for one that has expired. Default 2. */
  readonly days?: number;
  /** Names of uses of the key, such as `serverAuth`. Default: any. */
  readonly usage?: string;
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** An authority that signs certificates, made by openssl in a folder of its own. */
export class Authority implements Disposable {
  /** Its own certificate. */
  readonly file: string;
  readonly folder: string;
  readonly #openssl: string;
  readonly #keyFile: string;
  #issued = 0;

  constructor(openssl: string, commonName = 'authority') {
    this.#openssl = openssl;
    this.folder = mkdtempSync(join(tmpdir(), 'kvorum-authority-'));
    this.file = join(this.folder, 'ca.pem');
    this.#keyFile = join(this.folder, 'ca-key.pem');
    this.#run([
      ...['req', '-x509', ...newKey, '-days', '2', '-subj', `/CN=${commonName}`],
      ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
      ...['-keyout', this.#keyFile, '-out', this.file],
    ]);
  }

  /** Signs a certificate for a new key. */
  issue(request: CertificateRequest = {}): IssuedCertificate {
    const { commonName, names = 'DNS:localhost,IP:127.0.0.1', days = 2, usage } = request;
    this.#issued += 1;
    const file = join(this.folder, `cert-${this.#issued}.pem`);
    const keyFile = join(this.folder, `key-${this.#issued}.pem`);
    const csr = join(this.folder, 'request.pem');
    const extensions = join(this.folder, 'extensions');
    const subject = commonName === undefined ? '/O=tests' : `/CN=${commonName}`;
    const lines = [
      'basicConstraints=critical,CA:FALSE',
      ...(names === '' ? [] : [`subjectAltName=${names}`]),
      ...(usage === undefined ? [] : [`extendedKeyUsage=${usage}`]),
    ];
    writeFileSync(extensions, `${lines.join('\n')}\n`);
    this.#run(['req', ...newKey, '-subj', subject, '-keyout', keyFile, '-out', csr]);
    this.#run([
      ...['x509', '-req', '-in', csr, '-CA', this.file, '-CAkey', this.#keyFile],
      ...['-set_serial', `0x${(4096 + this.#issued).toString(16)}`, '-days', String(days)],
      ...['-extfile', extensions, '-out', file],
    ]);
    return { file, keyFile };
  }

  /** Writes the list of the certificates that are revoked, in PEM or DER, and returns its path. */
  revoke(certificates: readonly IssuedCertificate[], form: 'PEM' | 'DER' = 'PEM'): string {
    const index = join(this.folder, 'index');
    const config = join(this.folder, 'ca.conf');
    const list = join(this.folder, 'crl.pem');
    writeFileSync(index, '');
    writeFileSync(config, `[ca]\ndefault_ca=own\n[own]\ndatabase=${index}\ndefault_md=sha256\n`);
    const own = ['-config', config, '-keyfile', this.#keyFile, '-cert', this.file];
    for (const { file } of certificates) this.#run(['ca', ...own, '-revoke', file]);
    this.#run(['ca', ...own, '-gencrl', '-crldays', '2', '-out', list]);
    if (form === 'PEM') return list;
    const der = join(this.folder, 'crl.der');
    this.#run(['crl', '-in', list, '-outform', 'DER', '-out', der]);
    return der;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #run(args: readonly string[]): void {
    execFileSync(this.#openssl, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 30_000 });
  }
}
