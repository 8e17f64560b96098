import type { Clock } from '../clock.ts';
import type { Logger } from '../logging/logger.ts';
import type { NameResolver } from './name-resolver.ts';
import type { MakeSelfSigned } from './self-signed.ts';
import type { TlsFiles } from './tls-files.ts';

/** What TLS needs of the world; injected. */
export interface TlsTools {
  readonly files: TlsFiles;
  readonly resolver: NameResolver;
  readonly makeSelfSigned: MakeSelfSigned;
  readonly clock: Clock;
  readonly logger: Logger;
}
