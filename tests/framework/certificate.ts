import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A key and the certificate it signed for itself, good for `localhost` and 127.0.0.1 for two days. */
export class Certificate implements Disposable {
  /** Where they are, for programs that want files. */
  readonly file: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
  readonly #folder: string;

  constructor(openssl: string) {
    this.#folder = mkdtempSync(join(tmpdir(), 'kvorum-certificate-'));
    this.file = join(this.#folder, 'cert.pem');
    this.keyFile = join(this.#folder, 'key.pem');
    const args = [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-days', '2', '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
      ...['-keyout', this.keyFile, '-out', this.file],
    ];
    execFileSync(openssl, args, { stdio: 'ignore', timeout: 30_000 });
    this.cert = readFileSync(this.file, 'utf8');
    this.key = readFileSync(this.keyFile, 'utf8');
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
