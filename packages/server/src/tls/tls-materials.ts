import type { X509Certificate } from 'node:crypto';
import { constants } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { certificatesOf, commonNameOf } from './certificate-names.ts';
import { nodeCiphers } from './cipher-suites.ts';
import { checkKeyPair } from './key-pair.ts';
import { Reloaded } from './reloaded.ts';
import { hasCertificate, type TlsSettings } from './tls-settings.ts';
import type { TlsTools } from './tls-tools.ts';

/** Which certificate is shown: the one of a listener or the one of a dialer. */
export type TlsRole = 'listener' | 'dialer';

const DAY_MS = 24 * 60 * 60 * 1000;
/** An operator hears of a certificate that ends so soon, whenever it is loaded. */
const WARN_BEFORE_MS = 7 * DAY_MS;

/**
 * Certificate, key and authorities as Node's options, and as they are on disk: another object whenever a file has
 * changed. Throws what is wrong with a file, and its name.
 */
export function tlsMaterials(
  settings: TlsSettings,
  role: TlsRole,
  tools: TlsTools,
): Reloaded<SecureContextOptions> {
  const [certFile, keyFile] = shownFiles(settings, role);
  const { trustedCaFile } = settings;
  const { files, logger } = tools;
  const shown = certFile === '' ? [] : [certFile, keyFile];
  const fields = { 'cert-file': certFile, 'trusted-ca-file': trustedCaFile, for: role };
  return new Reloaded({
    files,
    paths: trustedCaFile === '' ? shown : [...shown, trustedCaFile],
    make: (contents) => {
      const [cert, key] = contents;
      const ca = trustedCaFile === '' ? undefined : contents.at(-1);
      if (ca !== undefined) certificatesOf(trustedCaFile, ca);
      const hasPair = certFile !== '' && cert !== undefined && key !== undefined;
      if (hasPair) {
        const certificate = checkKeyPair({ certFile, keyFile, cert, key });
        if (role === 'listener') warnOfEnd(certificate, certFile, tools);
      }
      const options = {
        ...protocolOptions(settings),
        ...(hasPair ? { cert, key } : {}),
        ...(ca === undefined ? {} : { ca }),
      };
      // What OpenSSL has against it had better show now.
      createSecureContext(options);
      return options;
    },
    onReload: () => logger.info('loaded changed certificate files', fields),
    onFailure: (error) => {
      const message = 'cannot load changed certificate files; going on with those before';
      logger.warn(message, { ...fields, error });
    },
  });
}

/** Certificate and key to show, '' for none. Throws when there is only one of the two. */
function shownFiles(settings: TlsSettings, role: TlsRole): [certFile: string, keyFile: string] {
  const { certFile, keyFile, clientCertFile, clientKeyFile } = settings;
  if ((clientCertFile === '') !== (clientKeyFile === '')) {
    throw new Error(
      `ClientKeyFile and ClientCertFile must both be present or both absent: key: ${clientKeyFile}, cert: ${clientCertFile}`,
    );
  }
  if (hasCertificate(settings) && (certFile === '' || keyFile === '')) {
    throw new Error(
      `KeyFile and CertFile must both be present[key: ${keyFile}, cert: ${certFile}]`,
    );
  }
  const isOwn = role === 'dialer' && clientCertFile !== '';
  return isOwn ? [clientCertFile, clientKeyFile] : [certFile, keyFile];
}

function protocolOptions({
  minVersion,
  maxVersion,
  cipherSuites,
}: TlsSettings): SecureContextOptions {
  const ciphers = nodeCiphers(cipherSuites);
  return {
    minVersion,
    maxVersion,
    ...(ciphers === undefined ? {} : { ciphers, honorCipherOrder: true }),
    // A ticket would let a client in after its certificate has been revoked, or its authority replaced.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

function warnOfEnd(certificate: X509Certificate, file: string, { clock, logger }: TlsTools): void {
  const nowMs = clock.wallMs();
  const fields = {
    'cert-file': file,
    'common-name': commonNameOf(certificate),
    'not-before': certificate.validFrom,
    'not-after': certificate.validTo,
  };
  if (nowMs > certificate.validToDate.getTime()) {
    logger.warn('the certificate has expired; nobody will trust it', fields);
  } else if (nowMs < certificate.validFromDate.getTime()) {
    logger.warn('the certificate is not valid yet; nobody will trust it', fields);
  } else if (nowMs > certificate.validToDate.getTime() - WARN_BEFORE_MS) {
    logger.warn('the certificate expires within a week', fields);
  }
}
