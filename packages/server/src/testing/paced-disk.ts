import type { Disk, DiskFile, DiskLock, OpenOptions } from '@kvorum/wal';
import type { SimClock } from './sim-time.ts';

/** A disk whose syncs in place hold up the member's thread. Other syncs wait as `SimDiskOptions.syncDelay` says. */
export class PacedDisk implements Disk {
  readonly #disk: Disk;
  readonly #syncMs: () => number;
  readonly #clock: SimClock;

  constructor(disk: Disk, clock: SimClock, syncMs: () => number) {
    this.#disk = disk;
    this.#syncMs = syncMs;
    this.#clock = clock;
  }

  mkdir(path: string): void {
    this.#disk.mkdir(path);
  }

  list(dir: string): string[] {
    return this.#disk.list(dir);
  }

  exists(path: string): boolean {
    return this.#disk.exists(path);
  }

  open(path: string, options?: OpenOptions): DiskFile {
    const file = this.#disk.open(path, options);
    return {
      size: () => file.size(),
      read: (into, position) => file.read(into, position),
      write: (data, position) => file.write(data, position),
      truncate: (size) => file.truncate(size),
      close: () => file.close(),
      syncNow: () => {
        file.syncNow();
        this.#clock.holdUp(this.#syncMs());
      },
      sync: () => file.sync(),
    };
  }

  rename(from: string, to: string): void {
    this.#disk.rename(from, to);
  }

  remove(path: string): void {
    this.#disk.remove(path);
  }

  syncDir(dir: string): void {
    this.#disk.syncDir(dir);
  }

  lock(path: string): DiskLock {
    return this.#disk.lock(path);
  }
}
