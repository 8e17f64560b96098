import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/** The common name of a certificate's subject; '' when it has none. Of several the last, as in Go. */
export function commonNameOf(certificate: X509Certificate): string {
  const name: unknown = certificate.toLegacyObject().subject?.CN;
  const last: unknown = Array.isArray(name) ? name.at(-1) : name;
  return typeof last === 'string' ? last : '';
}

/** The alternative names of a certificate's subject. */
export interface AlternativeNames {
  readonly dnsNames: readonly string[];
  readonly addresses: readonly string[];
}

/** Names of other kinds, such as those of mailboxes, are left out. */
export function alternativeNamesOf(certificate: X509Certificate): AlternativeNames {
  // Names with odd characters are in quotes, so that a comma can't pretend to begin another one.
  const entries = (certificate.subjectAltName ?? '').match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? [];
  const texts = entries.map((entry) => entry.trim());
  const valuesOf = (kind: string) =>
    texts.filter((text) => text.startsWith(kind)).map((text) => text.slice(kind.length));
  return { dnsNames: valuesOf('DNS:'), addresses: valuesOf('IP Address:') };
}

/** Whether a certificate is good for a host name or an IP address, by its alternative names alone. */
export function isGoodFor(certificate: X509Certificate, host: string): boolean {
  const match =
    isIP(host) === 0
      ? certificate.checkHost(host, { subject: 'never' })
      : certificate.checkIP(host);
  return match !== undefined;
}

/** Where a certificate is from: its own chain, as far as it was shown. */
export function chainOf(certificate: X509Certificate): readonly X509Certificate[] {
  const chain = [certificate];
  let last: X509Certificate | undefined = certificate;
  while (last !== undefined && chain.length < LONGEST_CHAIN) {
    last = last.issuerCertificate;
    if (last !== undefined) chain.push(last);
  }
  return chain;
}

/** OpenSSL itself takes no longer ones. */
const LONGEST_CHAIN = 100;

/** All certificates of a PEM file. Throws when it has none. */
export function certificatesOf(path: string, pem: Buffer): readonly X509Certificate[] {
  const blocks =
    pem.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ??
    [];
  try {
    if (blocks.length > 0) return blocks.map((block) => new X509Certificate(block));
  } catch {
    // Said below.
  }
  throw new Error(`${path} holds no certificate in PEM`);
}
