import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { badArguments } from '../exit-error.ts';

/** The files of --cacert, --cert and --key with their contents; undefined for those not given. */
export interface PemFiles {
  readonly cacert: PemFile | undefined;
  readonly cert: PemFile | undefined;
  readonly key: PemFile | undefined;
}

export interface PemFile {
  readonly path: string;
  readonly text: string;
}

/** The flags that files are given by. */
export interface PemFlags {
  readonly cacert: string;
  readonly cert: string;
  readonly key: string;
}

/** Throws `ExitError` when files can't be what they are given for; the handshake would say so in riddles. */
export function checkPemFiles({ cacert, cert, key }: PemFiles, flags: PemFlags): void {
  if (cacert !== undefined) certificateOf(cacert, flags.cacert);
  if (cert === undefined || key === undefined) return;
  const certificate = certificateOf(cert, flags.cert);
  if (certificate.checkPrivateKey(keyOf(key, flags.key))) return;
  throw badArguments(`the key in ${key.path} does not belong to the certificate in ${cert.path}`);
}

function certificateOf({ path, text }: PemFile, flag: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch {
    throw badArguments(`${path} holds no certificate in PEM, as ${flag} wants it`);
  }
}

function keyOf({ path, text }: PemFile, flag: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    throw badArguments(
      `${path} holds no private key in PEM without a passphrase, as ${flag} wants it`,
    );
  }
}
