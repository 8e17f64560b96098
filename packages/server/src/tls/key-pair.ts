import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

/** PEM of a certificate, with those that vouch for it, and of its key, with the files they are from. */
export interface KeyPair {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Checks that certificate and key are some and belong together, and returns the certificate. Throws with the file's name. */
export function checkKeyPair({ certFile, keyFile, cert, key }: KeyPair): X509Certificate {
  const certificate = certificateOf(certFile, cert);
  if (!certificate.checkPrivateKey(keyOf(keyFile, key))) {
    throw new Error(
      `tls: private key does not match public key: the key in ${keyFile} is not that of the certificate in ${certFile}`,
    );
  }
  return certificate;
}

/** The first certificate of a file. Throws with the file's name. */
export function certificateOf(path: string, pem: Buffer): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new Error(`${path} holds no certificate in PEM`);
  }
}

function keyOf(path: string, pem: Buffer): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new Error(`${path} holds no private key in PEM without a passphrase`);
  }
}
