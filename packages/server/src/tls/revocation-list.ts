import type { X509Certificate } from 'node:crypto';

/** Serial numbers that a list of revoked certificates names, in upper-case hex without zeros in front. */
export type RevokedSerials = ReadonlySet<string>;

/** Reads lists, in PEM or DER. */
export type ReadRevocationList = (path: string, content: Buffer) => RevokedSerials;

/** The reader; what it takes is loaded with it, since few need it. */
export async function revocationListReader(): Promise<ReadRevocationList> {
  const { AsnConvert } = await import('@peculiar/asn1-schema');
  const { CertificateList } = await import('@peculiar/asn1-x509');
  return (path, content) => {
    try {
      const list = AsnConvert.parse(derOf(content), CertificateList);
      const revoked = list.tbsCertList.revokedCertificates ?? [];
      return new Set(
        revoked.map(({ userCertificate }) =>
          serialOf(Buffer.from(userCertificate).toString('hex')),
        ),
      );
    } catch {
      throw new Error(`${path} holds no list of revoked certificates (X.509 CRL, PEM or DER)`);
    }
  };
}

/** The first certificate of a chain that is on the list. */
export function revokedOf(
  chain: readonly X509Certificate[],
  revoked: RevokedSerials,
): X509Certificate | undefined {
  return chain.find(({ serialNumber }) => revoked.has(serialOf(serialNumber)));
}

function serialOf(hex: string): string {
  return hex.toUpperCase().replace(/^0+(?=.)/, '');
}

function derOf(content: Buffer): Buffer {
  const pem = /-----BEGIN X509 CRL-----([^-]+)-----END X509 CRL-----/.exec(
    content.toString('latin1'),
  );
  return pem === null ? content : Buffer.from(pem[1] ?? '', 'base64');
}
