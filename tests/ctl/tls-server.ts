import { type ServerProgram, TestMember } from '../framework/member.ts';
import { freePorts } from '../framework/ports.ts';
import type { GoldenServer } from './golden.ts';

/** What a server shows, and the authority that it takes certificates of: itself by default. */
export interface ServerCertificate {
  readonly file: string;
  readonly keyFile: string;
  readonly caFile?: string;
}

/** Flags of a server that wants TLS and a client certificate, at this port. */
export function tlsFlags(certificate: ServerCertificate, port: number): string[] {
  const { file, keyFile, caFile = file } = certificate;
  return [
    ...[`--cert-file=${file}`, `--key-file=${keyFile}`],
    ...[`--trusted-ca-file=${caFile}`, '--client-cert-auth', '--unsafe-no-fsync'],
    ...[`--listen-client-urls=https://127.0.0.1:${port}`],
    `--advertise-client-urls=https://127.0.0.1:${port}`,
  ];
}

/** Such a server for a golden table, whose steps know its endpoint without the scheme as `{bare}`. */
export async function startTlsServer(
  program: ServerProgram,
  certificate: ServerCertificate,
  flags: readonly string[] = [],
): Promise<GoldenServer> {
  const [port = 0] = await freePorts(1);
  const all = [...tlsFlags(certificate, port), ...flags];
  const member = await TestMember.start(program, { flags: all });
  return {
    endpoint: `https://127.0.0.1:${port}`,
    names: { bare: `127.0.0.1:${port}` },
    [Symbol.asyncDispose]: () => member[Symbol.asyncDispose](),
  };
}
