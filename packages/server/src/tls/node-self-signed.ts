import { generateKeyPair, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import type { SelfSigned, SelfSignedRequest } from './self-signed.ts';

const SERIAL_BYTES = 16;
/** OIDs, RFC 5758 and 5280: ECDSA with SHA-256, the name of an organization, and uses of a key. */
const ECDSA_SHA256 = '1.2.840.10045.4.3.2';
const ORGANIZATION = '2.5.4.10';
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/** A new key on P-256 and a certificate for it, for servers and clients alike. What it takes is loaded with it. */
export async function makeSelfSigned(request: SelfSignedRequest): Promise<SelfSigned> {
  const { AsnConvert, OctetString } = await import('@peculiar/asn1-schema');
  const x509 = await import('@peculiar/asn1-x509');
  const { privateKey, publicKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });

  const extension = (oid: string, critical: boolean, value: unknown) =>
    new x509.Extension({
      extnID: oid,
      critical,
      extnValue: new OctetString(AsnConvert.serialize(value)),
    });
  const name = new x509.Name([
    new x509.RelativeDistinguishedName([
      new x509.AttributeTypeAndValue({
        type: ORGANIZATION,
        value: new x509.AttributeValue({ utf8String: 'etcd' }),
      }),
    ]),
  ]);
  const algorithm = new x509.AlgorithmIdentifier({ algorithm: ECDSA_SHA256 });
  const { digitalSignature, keyEncipherment } = x509.KeyUsageFlags;
  const alternativeNames = request.hosts.map((host) =>
    isIP(host) === 0
      ? new x509.GeneralName({ dNSName: host })
      : new x509.GeneralName({ iPAddress: host }),
  );
  const content = new x509.TBSCertificate({
    version: x509.Version.v3,
    serialNumber: newSerial(),
    signature: algorithm,
    issuer: name,
    subject: name,
    validity: new x509.Validity({ notBefore: request.notBefore, notAfter: request.notAfter }),
    subjectPublicKeyInfo: AsnConvert.parse(
      publicKey.export({ type: 'spki', format: 'der' }),
      x509.SubjectPublicKeyInfo,
    ),
    extensions: new x509.Extensions([
      extension(x509.id_ce_keyUsage, true, new x509.KeyUsage(digitalSignature | keyEncipherment)),
      extension(
        x509.id_ce_extKeyUsage,
        false,
        new x509.ExtendedKeyUsage([SERVER_AUTH, CLIENT_AUTH]),
      ),
      extension(x509.id_ce_basicConstraints, true, new x509.BasicConstraints({ cA: false })),
      extension(
        x509.id_ce_subjectAltName,
        false,
        new x509.SubjectAlternativeName(alternativeNames),
      ),
    ]),
  });
  const signature = sign('sha256', Buffer.from(AsnConvert.serialize(content)), privateKey);
  const certificate = new x509.Certificate({
    tbsCertificate: content,
    signatureAlgorithm: algorithm,
    signatureValue: Uint8Array.from(signature).buffer,
  });
  return {
    cert: pemOf('CERTIFICATE', Buffer.from(AsnConvert.serialize(certificate))),
    key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  };
}

/** Positive, and as short as it can be written. */
function newSerial(): ArrayBuffer {
  const serial = Uint8Array.from(randomBytes(SERIAL_BYTES));
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial.buffer;
}

function pemOf(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
