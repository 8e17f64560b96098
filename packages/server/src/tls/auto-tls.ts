import { join, resolve } from 'node:path';
import { hasCertificate, type TlsSettings } from './tls-settings.ts';
import type { TlsTools } from './tls-tools.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** As in etcd: leap years are a matter of calendars. */
const YEAR_MS = 365 * DAY_MS;
const CERT_MODE = 0o644;
const KEY_MODE = 0o600;

/**
 * The settings with a certificate that was made for them, if they ask for one and none is given. It is kept in `folder`,
 * and there for the next start; to have another one, delete it.
 */
export async function withAutoTls(
  settings: TlsSettings,
  hosts: readonly string[],
  folder: string,
  { files, clock, logger, makeSelfSigned }: TlsTools,
): Promise<TlsSettings> {
  if (!settings.autoTls || hasCertificate(settings)) return settings;
  const certFile = resolve(join(folder, 'cert.pem'));
  const keyFile = resolve(join(folder, 'key.pem'));
  if (!files.exists(certFile) || !files.exists(keyFile)) {
    const nowMs = clock.wallMs();
    const notAfter = new Date(nowMs + settings.selfSignedValidityYears * YEAR_MS);
    logger.warn('automatically generate certificates', {
      'certificate-validity-bound-not-after': notAfter.toISOString(),
    });
    const made = await makeSelfSigned({
      hosts: [...new Set(hosts)],
      notBefore: new Date(nowMs),
      notAfter,
    });
    files.makeFolder(folder);
    files.write(keyFile, made.key, KEY_MODE);
    logger.info('created key file', { path: keyFile });
    files.write(certFile, made.cert, CERT_MODE);
    logger.info('created cert file', { path: certFile });
  }
  return {
    ...settings,
    certFile,
    keyFile,
    clientCertFile: certFile,
    clientKeyFile: keyFile,
    isSelfSigned: true,
  };
}
