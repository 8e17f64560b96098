import * as fs from 'node:fs';
import type { Disk, DiskFile, DiskLock, OpenOptions } from './disk.ts';
import { lockFile } from './node-lock.ts';

/** The machine's file system. Throws Node's own errors, with `code` and `path`. */
export function nodeDisk(): Disk {
  return new NodeDisk();
}

class NodeDisk implements Disk {
  mkdir(path: string): void {
    fs.mkdirSync(path, { recursive: true, mode: 0o700 });
  }

  list(dir: string): string[] {
    return fs.readdirSync(dir).sort();
  }

  exists(path: string): boolean {
    return fs.existsSync(path);
  }

  open(path: string, options: OpenOptions = {}): DiskFile {
    const { O_CREAT, O_RDONLY, O_RDWR } = fs.constants;
    const access = options.create || options.write ? O_RDWR : O_RDONLY;
    return new NodeDiskFile(fs.openSync(path, access | (options.create ? O_CREAT : 0), 0o600));
  }

  rename(from: string, to: string): void {
    fs.renameSync(from, to);
  }

  remove(path: string): void {
    fs.unlinkSync(path);
  }

  syncDir(dir: string): void {
    // Windows neither needs nor allows it.
    if (process.platform === 'win32') return;
    const descriptor = fs.openSync(dir, fs.constants.O_RDONLY);
    try {
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
  }

  lock(path: string): DiskLock {
    return lockFile(path);
  }
}

class NodeDiskFile implements DiskFile {
  readonly #descriptor: number;
  #syncs = 0;
  #closing = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  size(): number {
    return fs.fstatSync(this.#descriptor).size;
  }

  read(into: Uint8Array, position: number): number {
    let got = 0;
    while (got < into.length) {
      const count = fs.readSync(this.#descriptor, into, got, into.length - got, position + got);
      if (count === 0) break;
      got += count;
    }
    return got;
  }

  write(data: Uint8Array, position: number): void {
    let done = 0;
    while (done < data.length) {
      done += fs.writeSync(this.#descriptor, data, done, data.length - done, position + done);
    }
  }

  syncNow(): void {
    fs.fdatasyncSync(this.#descriptor);
  }

  sync(): Promise<void> {
    this.#syncs++;
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#descriptor, (error) => {
        this.#syncs--;
        if (this.#closing && this.#syncs === 0) fs.closeSync(this.#descriptor);
        if (error) reject(error);
        else resolve();
      });
    });
  }

  truncate(size: number): void {
    fs.ftruncateSync(this.#descriptor, size);
  }

  /** A pool thread must not find the descriptor's number reused: closing waits for running syncs. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    if (this.#syncs === 0) fs.closeSync(this.#descriptor);
  }
}
