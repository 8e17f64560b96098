import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  Event_EventType as EventType,
  etcdErrors,
  type KeyValue,
  type RequestOpSchema,
  type WatchResponse,
} from '@kvorum/api';
import { openEnd, prefixEnd, type RpcClient } from '@kvorum/client';
import { badArguments, ExitError, exitCodes } from '../../exit-error.ts';
import {
  booleanFlag,
  type FlagValues,
  integerFlag,
  stringFlag,
  unsignedFlag,
} from '../../flags/flag.ts';
import type { GlobalFlags } from '../../flags/global-flags.ts';
import type { Host } from '../../host.ts';
import { bytesOfText } from '../../output/byte-text.ts';
import { defineCommand } from '../../program/command.ts';
import { openClient } from '../../program/open-client.ts';
import { ResumingWatch } from '../watch/resuming-watch.ts';

const mirrorFlags = {
  'dest-cacert': stringFlag(
    'Verify certificates of TLS enabled secure servers using this CA bundle',
  ),
  'dest-cert': stringFlag(
    'Identify secure client using this TLS certificate file for the destination cluster',
  ),
  'dest-insecure-transport': booleanFlag('Disable transport security for client connections', true),
  'dest-key': stringFlag('Identify secure client using this TLS key file'),
  'dest-password': stringFlag(
    "Destination password for authentication (if this option is used, --user option shouldn't include password)",
  ),
  'dest-prefix': stringFlag(
    'destination prefix to mirror a prefix to a different prefix in the destination cluster',
  ),
  'dest-user': stringFlag(
    'Destination username[:password] for authentication (prompt if password is not supplied)',
  ),
  'max-txn-ops': unsignedFlag(
    'Maximum number of operations permitted in a transaction during syncing updates.',
    128n,
  ),
  'no-dest-prefix': booleanFlag('mirror key-values to the root of the destination cluster'),
  prefix: stringFlag('Key-value prefix to mirror'),
  rev: integerFlag('Specify the kv revision to start to mirror'),
};

type MirrorFlags = FlagValues<typeof mirrorFlags>;

/** How often the count of mirrored keys is printed, in ms. */
const reportIntervalMs = 30_000;
/** Keys of one read while what is there already is copied. */
const pageKeys = 1000n;

export const makeMirror = defineCommand({
  use: 'make-mirror [options] <destination>',
  flags: mirrorFlags,
  run: async (invocation) => {
    const { args, flags, host } = invocation;
    const [endpoint, ...more] = args;
    if (endpoint === undefined || more.length > 0) {
      throw badArguments('make-mirror takes one destination argument');
    }
    const destination = await openClient(host, destinationFlags(invocation.globals(), flags), [
      endpoint,
    ]);
    try {
      const source = await invocation.client();
      if (flags['no-dest-prefix'] && flags['dest-prefix'] !== '') {
        const both = '`--dest-prefix` and `--no-dest-prefix`';
        throw badArguments(`${both} cannot be set at the same time, choose one`);
      }
      const mirror = new Mirror(source, destination, flags, host);
      const stopReports = reports(host, () => invocation.writeLine(String(mirror.total)));
      try {
        await mirror.run();
      } finally {
        stopReports();
      }
    } finally {
      destination.close();
    }
  },
});

/** The global flags, with those for the destination in place of the source's. */
function destinationFlags(globals: GlobalFlags, flags: MirrorFlags): GlobalFlags {
  return {
    ...globals,
    cacert: flags['dest-cacert'],
    cert: flags['dest-cert'],
    key: flags['dest-key'],
    'insecure-transport': flags['dest-insecure-transport'],
    'insecure-skip-tls-verify': false,
    user: flags['dest-user'],
    password: flags['dest-password'],
    'auth-jwt-token': '',
  };
}

function reports(host: Host, report: () => void): () => void {
  let callOff = () => {};
  const arm = () => {
    callOff = host.after(reportIntervalMs, () => {
      report();
      arm();
    });
  };
  arm();
  return () => callOff();
}

type Operation = MessageInitShape<typeof RequestOpSchema>;

/** Copies a prefix to another cluster, and goes on with what changes in it. Leases stay behind. */
class Mirror {
  /** Keys written or deleted at the destination so far. */
  total = 0;
  readonly #source: RpcClient;
  readonly #destination: RpcClient;
  readonly #flags: MirrorFlags;
  readonly #host: Host;
  readonly #prefix: Uint8Array;
  readonly #destinationPrefix: Uint8Array;

  constructor(source: RpcClient, destination: RpcClient, flags: MirrorFlags, host: Host) {
    this.#source = source;
    this.#destination = destination;
    this.#flags = flags;
    this.#host = host;
    this.#prefix = bytesOfText(flags.prefix);
    const isSame = !flags['no-dest-prefix'] && flags['dest-prefix'] === '' && flags.rev <= 1n;
    this.#destinationPrefix = bytesOfText(isSame ? flags.prefix : flags['dest-prefix']);
  }

  /** Ends by an error only. */
  async run(): Promise<void> {
    const startRevision = this.#flags.rev > 1n ? this.#flags.rev : (await this.#copyAll()) + 1n;
    const request = { ...this.#span(), startRevision };
    const watch = new ResumingWatch(this.#source, this.#host, request);
    for await (const response of watch.responses()) {
      if (response.compactRevision !== 0n) {
        throw new ExitError(exitCodes.error, etcdErrors.compacted.text);
      }
      await this.#apply(response);
    }
    throw new ExitError(exitCodes.error, etcdErrors.watchCanceled.text);
  }

  #span() {
    if (this.#prefix.length === 0) return { key: Uint8Array.of(0), rangeEnd: openEnd };
    return { key: this.#prefix, rangeEnd: prefixEnd(this.#prefix) };
  }

  /** Copies what is there, page by page, and resolves with the revision it was read at. */
  async #copyAll(): Promise<bigint> {
    const { key: start, rangeEnd } = this.#span();
    let key = start;
    let revision = 0n;
    for (;;) {
      const page = { key, rangeEnd, revision, limit: pageKeys };
      const { kvs, more, header } = await this.#source.kv.range(page);
      if (revision === 0n) revision = header?.revision ?? 0n;
      for (const keyValue of kvs) {
        await this.#destination.kv.put(this.#moved(keyValue));
        this.total += 1;
      }
      const last = kvs.at(-1);
      if (!more || last === undefined) return revision;
      key = Buffer.concat([last.key, Uint8Array.of(0)]);
    }
  }

  /** Each revision of the source is one transaction at the destination, or several when it is too large for one. */
  async #apply({ events }: WatchResponse): Promise<void> {
    let operations: Operation[] = [];
    let revision = 0n;
    const commit = async () => {
      const success = operations;
      operations = [];
      if (success.length > 0) await this.#destination.kv.txn({ success });
    };
    for (const { type, kv } of events) {
      if (kv === undefined) continue;
      const isFull = operations.length >= Number(this.#flags['max-txn-ops']);
      if (isFull || kv.modRevision > revision) await commit();
      revision = kv.modRevision;
      const { key, value } = this.#moved(kv);
      const request =
        type === EventType.DELETE
          ? ({ case: 'requestDeleteRange', value: { key } } as const)
          : ({ case: 'requestPut', value: { key, value } } as const);
      operations.push({ request });
      this.total += 1;
    }
    await commit();
  }

  #moved({ key, value }: KeyValue): { readonly key: Uint8Array; readonly value: Uint8Array } {
    const rest = key.subarray(this.#prefix.length);
    return { key: Buffer.concat([this.#destinationPrefix, rest]), value };
  }
}
