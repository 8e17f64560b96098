import { createHash } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { SnapshotResponseSchema } from '@kvorum/api';
import type { GrpcMethod, StreamCall, StreamReceiver } from '@kvorum/h2';
import type { Disk, DiskFile } from '@kvorum/wal';
import type { Access } from '../auth/access.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logging/logger.ts';
import {
  SENT_FILE_SUFFIX,
  type SnapshotSource,
  writeEtcdSnapshot,
} from '../snapshot/etcd-snapshot.ts';
import { statusOf } from './method.ts';

export interface SnapshotOptions {
  readonly disk: Disk;
  /** Folder for the file while it's sent; it's removed afterwards. */
  readonly dir: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly access: Access;
  readonly source: () => SnapshotSource;
  readonly onDone: (durationMs: number) => void;
}

/** Bytes of the file per message, as in etcd. */
const BLOB_BYTES = 32 * 1024;
/** A send of the file is handed to the client's window in so many bytes before others get a turn. */
const BLOBS_PER_TURN = 16;

/** etcdserverpb.Maintenance/Snapshot: the state as an etcd database file, then its SHA-256. */
export function snapshotMethod(options: SnapshotOptions): [string, GrpcMethod] {
  let started = 0;
  const open = (call: StreamCall) => {
    started += 1;
    return new SnapshotStream(options, call, `${options.dir}/stream-${started}${SENT_FILE_SUFFIX}`);
  };
  return ['/etcdserverpb.Maintenance/Snapshot', { kind: 'stream', open }];
}

class SnapshotStream implements StreamReceiver {
  readonly #options: SnapshotOptions;
  readonly #call: StreamCall;
  readonly #path: string;
  #started = false;
  #aborted = false;
  #drained: (() => void) | undefined;

  constructor(options: SnapshotOptions, call: StreamCall, path: string) {
    this.#options = options;
    this.#call = call;
    this.#path = path;
  }

  onMessage(): void {
    if (this.#started) return;
    this.#started = true;
    this.#run().then(
      () => this.#call.end(),
      (error: unknown) => {
        const { status, text } = statusOf(error);
        this.#call.end(status, text);
      },
    );
  }

  onHalfClose(): void {}

  onDrain(): void {
    this.#drained?.();
  }

  onAbort(): void {
    this.#aborted = true;
    this.#drained?.();
  }

  async #run(): Promise<void> {
    const { disk, dir, clock, logger, source, onDone, access } = this.#options;
    access.mustBeRoot(access.callerOf(this.#call));
    const startMs = clock.nowMs();
    disk.mkdir(dir);
    const file = disk.open(this.#path, { create: true });
    try {
      const state = source();
      const size = await writeEtcdSnapshot(state, file, () => this.#nextTurn());
      logger.info('sending database snapshot to client', { 'total-bytes': size });
      await this.#send(file, size, state.cluster.version ?? '');
      onDone(clock.nowMs() - startMs);
      logger.info('successfully sent database snapshot to client', { 'total-bytes': size });
    } finally {
      file.close();
      disk.remove(this.#path);
    }
  }

  async #send(file: DiskFile, size: number, version: string): Promise<void> {
    const hash = createHash('sha256');
    let blobs = 0;
    for (let position = 0; position < size && !this.#aborted; position += BLOB_BYTES) {
      const blob = Buffer.alloc(Math.min(BLOB_BYTES, size - position));
      file.read(blob, position);
      hash.update(blob);
      await this.#sendBlob(blob, size - position - blob.length, version);
      blobs += 1;
      if (blobs % BLOBS_PER_TURN === 0) await this.#nextTurn();
    }
    await this.#sendBlob(hash.digest(), 0, version);
  }

  async #sendBlob(blob: Uint8Array, remaining: number, version: string): Promise<void> {
    const response = create(SnapshotResponseSchema, {
      remainingBytes: BigInt(remaining),
      blob,
      version,
    });
    if (this.#call.send(toBinary(SnapshotResponseSchema, response)) || this.#aborted) return;
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
    this.#drained = undefined;
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => this.#options.clock.nextTurn(resolve));
  }
}
