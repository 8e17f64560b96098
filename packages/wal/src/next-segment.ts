import type { Disk, DiskFile } from './disk.ts';
import { causeText, WalError } from './errors.ts';

/** Source of zeros; also the largest single write while preparing. */
const ZEROS = new Uint8Array(256 * 1024);

/** Fills [start, end) of a file with zeros, so that the disk allocates the blocks now and not under load. */
export function writeZeros(file: DiskFile, start: number, end: number): void {
  for (let at = start; at < end; at += ZEROS.length) {
    file.write(end - at < ZEROS.length ? ZEROS.subarray(0, end - at) : ZEROS, at);
  }
}

/**
 * The file that will become the next segment: zeros under a temporary name, made ahead of need and in slices.
 *
 * Nothing that matters is in it yet, so trouble here never breaks the log: the file is dropped, the error is
 * told once by `prepare`, and a later call begins anew.
 */
export class NextSegment {
  readonly #disk: Disk;
  readonly #dir: string;
  readonly #segmentBytes: number;
  /** Numbers the temporary files, as etcd does: `0.tmp`, `1.tmp`, and again. */
  #turn = 0;
  #file: DiskFile | null = null;
  #written = 0;
  #synced = 0;
  #syncing = false;
  #error: unknown;

  constructor(disk: Disk, dir: string, segmentBytes: number) {
    this.#disk = disk;
    this.#dir = dir;
    this.#segmentBytes = segmentBytes;
  }

  /** Path of the file, whether it exists or not. */
  get path(): string {
    return `${this.#dir}/${this.#turn}.tmp`;
  }

  /** Does one slice of work; see `Wal.prepareNext`. */
  prepare(budgetBytes: number): boolean {
    if (this.#error !== undefined) {
      const cause = this.#error;
      this.#error = undefined;
      throw this.#failed(cause);
    }
    if (this.#syncing) return false;
    if (this.#synced === this.#segmentBytes) return true;
    try {
      const file = this.#file ?? this.#create();
      const end = Math.min(this.#segmentBytes, this.#written + Math.max(1, budgetBytes));
      writeZeros(file, this.#written, end);
      this.#written = end;
      this.#startSync(file, end);
    } catch (cause) {
      this.discard();
      throw this.#failed(cause);
    }
    return false;
  }

  /**
   * Hands over the file, as far as it was prepared, with `path` still its name; what is missing is extended
   * without allocation. A file whose sync is running is not used: a failure would be told to that sync alone,
   * and a later sync of the same file would wrongly succeed.
   */
  take(): DiskFile {
    if (this.#syncing) this.discard();
    const file = this.#file ?? this.#create();
    if (this.#written < this.#segmentBytes) file.truncate(this.#segmentBytes);
    this.#forget();
    return file;
  }

  /** The file got its lasting name; the next one gets another. */
  taken(): void {
    this.#turn = 1 - this.#turn;
  }

  /** Closes and removes the file. */
  discard(): void {
    const file = this.#file;
    this.#forget();
    if (file === null) return;
    file.close();
    try {
      this.#disk.remove(this.path);
    } catch {
      // `open` removes leftovers, and `#create` truncates one.
    }
  }

  #create(): DiskFile {
    const file = this.#disk.open(this.path, { create: true });
    file.truncate(0);
    this.#file = file;
    return file;
  }

  #startSync(file: DiskFile, end: number): void {
    this.#syncing = true;
    file.sync().then(
      () => {
        if (this.#file !== file) return;
        this.#syncing = false;
        this.#synced = end;
      },
      (error: unknown) => {
        if (this.#file !== file) return;
        this.discard();
        this.#error = error;
      },
    );
  }

  #forget(): void {
    this.#file = null;
    this.#written = 0;
    this.#synced = 0;
    this.#syncing = false;
  }

  #failed(cause: unknown): WalError {
    const text = `cannot prepare the next segment: ${causeText(cause)}`;
    return new WalError('io', text, { file: this.path, cause });
  }
}
