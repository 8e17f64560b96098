import { nodeNameResolver } from './name-resolver.ts';
import { makeSelfSigned } from './node-self-signed.ts';
import { nodeTlsFiles } from './node-tls-files.ts';
import type { TlsTools } from './tls-tools.ts';

/** Files and names of this machine, and keys of its randomness. */
export const nodeTlsTools: Omit<TlsTools, 'clock' | 'logger'> = {
  files: nodeTlsFiles,
  resolver: nodeNameResolver,
  makeSelfSigned,
};
