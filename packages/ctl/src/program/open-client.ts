import { ClientError, type RpcClient } from '@kvorum/client';
import { badArguments, ExitError, exitCodes } from '../exit-error.ts';
import type { GlobalFlags } from '../flags/global-flags.ts';
import type { Host } from '../host.ts';
import { connectOptions, credentialsOf } from './connect-options.ts';
import { debugInterceptor } from './debug-log.ts';
import { errorText } from './error-text.ts';

/** A client as the global flags describe it, let in by the server. Rejects with `ExitError`. */
export async function openClient(
  host: Host,
  flags: GlobalFlags,
  endpoints: readonly string[],
): Promise<RpcClient> {
  const credentials = await credentialsOf(flags, host.stdin);
  const plain = connectOptions(flags, endpoints, credentials);
  const options = flags.debug ? { ...plain, interceptors: [debugInterceptor(host)] } : plain;
  let client: RpcClient | undefined;
  try {
    client = await host.connect(options);
    await client.authenticate();
    return client;
  } catch (error) {
    client?.close();
    if (!(error instanceof ClientError)) throw error;
    if (error.code === 'configuration') throw badArguments(error.message);
    throw new ExitError(exitCodes.badConnection, errorText(error));
  }
}
