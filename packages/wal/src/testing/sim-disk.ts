import type { Disk, DiskFile, DiskLock, OpenOptions } from '../disk.ts';
import { WalError } from '../errors.ts';
import { invariant } from '../invariant.ts';
import { Prng } from './prng.ts';
import { SimFile } from './sim-file.ts';

/** What a simulated disk can be told to refuse. */
export type DiskOperation =
  | 'create'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'mkdir'
  | 'rename'
  | 'remove'
  | 'syncDir';

/** A change on the disk, told right after it: a moment at which a crash may be tried. */
export interface Boundary {
  /** Counts from 1. */
  readonly number: number;
  readonly operation: DiskOperation;
  readonly path: string;
}

export interface SimDiskOptions {
  /** Decides what a failed sync loses; default 1. */
  readonly seed?: number;
  /** Runs before each asynchronous sync takes effect; default: a microtask. For virtual time. */
  readonly syncDelay?: () => Promise<void>;
}

interface Fault {
  readonly operation: DiskOperation;
  readonly path: string;
  skip: number;
}

/** A folder: names now, names that a crash cannot take, and the changes between, each atomic. */
class SimDir {
  readonly entries = new Map<string, SimNode>();
  readonly durable = new Map<string, SimNode>();
  changes: [string, SimNode | null][][] = [];

  change(...names: [string, SimNode | null][]): void {
    for (const [name, node] of names) put(this.entries, name, node);
    this.changes.push(names);
  }

  sync(): void {
    for (const names of this.changes) {
      for (const [name, node] of names) put(this.durable, name, node);
    }
    this.changes = [];
  }
}

type SimNode = SimFile | SimDir;

/**
 * A disk in memory that may crash. `crashClone` gives what a machine would find after losing power now; the
 * disk itself goes on, so a test can look at many possible crashes of one run.
 *
 * The model: a sync makes one file's content and size durable, a `syncDir` one folder's names. Of the rest, any
 * 512-byte sector may be as of any moment since, and any creation, rename or removal may be undone alone.
 */
export class SimDisk implements Disk {
  /** Told after every change. */
  onBoundary: ((boundary: Boundary) => void) | null = null;
  /** Told of each failure that `failNext` has led to, with the name that the file has by then. */
  onFault: ((operation: DiskOperation, path: string) => void) | null = null;
  readonly #options: SimDiskOptions;
  readonly #prng: Prng;
  readonly #locks = new Set<string>();
  readonly #faults: Fault[] = [];
  #root = new SimDir();
  #boundaries = 0;

  constructor(options: SimDiskOptions = {}) {
    this.#options = options;
    this.#prng = new Prng(options.seed ?? 1);
  }

  /** Changes so far. */
  get boundaries(): number {
    return this.#boundaries;
  }

  /**
   * A disk as it may be found after a crash now. `unsyncedKept` (0..1, default 0.5) is the probability that a
   * change that was not synced has survived: 1 is a killed process, 0 the worst power cut. Locks are free.
   */
  crashClone(seed: number, options: { readonly unsyncedKept?: number } = {}): SimDisk {
    const clone = new SimDisk({ ...this.#options, seed });
    const crash = new Crash(new Prng(seed), options.unsyncedKept ?? 0.5);
    clone.#root = crash.dir(this.#root);
    return clone;
  }

  /** Makes an operation fail with EIO, once, after `skip` successful ones on paths that contain `path`. */
  failNext(operation: DiskOperation, options: { skip?: number; path?: string } = {}): void {
    this.#faults.push({ operation, path: options.path ?? '', skip: options.skip ?? 0 });
  }

  /** Failures that were asked for and have not come yet will not come. */
  failNoMore(): void {
    this.#faults.length = 0;
  }

  /** A copy of a file's content. */
  contentOf(path: string): Uint8Array {
    return this.#file(path).content();
  }

  mkdir(path: string): void {
    let dir = this.#root;
    for (const name of partsOf(path)) {
      let child = dir.entries.get(name);
      if (child === undefined) {
        this.#mayFail('mkdir', path);
        child = new SimDir();
        dir.change([name, child]);
        this.#boundary('mkdir', path);
      }
      if (!(child instanceof SimDir)) throw ioFault('ENOTDIR', path);
      dir = child;
    }
  }

  list(dir: string): string[] {
    return [...this.#dir(dir).entries.keys()].sort();
  }

  exists(path: string): boolean {
    return this.#find(path) !== undefined;
  }

  open(path: string, options: OpenOptions = {}): DiskFile {
    if (options.create === true && !this.exists(path)) {
      this.#mayFail('create', path);
      const [dir, name] = this.#parent(path);
      dir.change([name, new SimFile(new Uint8Array(0))]);
      this.#boundary('create', path);
    }
    const writable = options.create === true || options.write === true;
    return new OpenSimFile(this, path, this.#file(path), writable);
  }

  rename(from: string, to: string): void {
    const node = this.#find(from);
    if (node === undefined) throw ioFault('ENOENT', from);
    this.#mayFail('rename', to);
    const [fromDir, fromName] = this.#parent(from);
    const [toDir, toName] = this.#parent(to);
    invariant(fromDir === toDir, 'the simulated disk renames within one folder', from, to);
    const target = toDir.entries.get(toName);
    if (target instanceof SimDir && target.entries.size > 0) throw ioFault('ENOTEMPTY', to);
    toDir.change([fromName, null], [toName, node]);
    this.#boundary('rename', to);
  }

  remove(path: string): void {
    this.#file(path);
    this.#mayFail('remove', path);
    const [dir, name] = this.#parent(path);
    dir.change([name, null]);
    this.#boundary('remove', path);
  }

  syncDir(path: string): void {
    const dir = this.#dir(path);
    this.#mayFail('syncDir', path);
    dir.sync();
    this.#boundary('syncDir', path);
  }

  lock(path: string): DiskLock {
    if (this.#locks.has(path))
      throw new WalError('locked', `${path}: locked by this process already`);
    this.#locks.add(path);
    return { release: () => this.#locks.delete(path) };
  }

  /** For open files: the change itself, with faults before and the boundary after. */
  changeFile(
    operation: 'write' | 'truncate' | 'sync',
    path: string,
    file: SimFile,
    change: () => void,
  ): void {
    this.#mayFail(operation, path, file);
    change();
    this.#boundary(operation, path);
  }

  /** For open files: a sync that fails loses a part of what it was to save. */
  syncFile(path: string, file: SimFile, point: number): void {
    try {
      this.changeFile('sync', path, file, () => file.syncTo(point));
    } catch (error) {
      file.failSync(this.#prng);
      throw error;
    }
  }

  /** For open files: passes the time that a sync takes on a pool thread. */
  async syncDelay(): Promise<void> {
    await this.#options.syncDelay?.();
  }

  #boundary(operation: DiskOperation, path: string): void {
    this.#boundaries++;
    this.onBoundary?.({ number: this.#boundaries, operation, path });
  }

  #mayFail(operation: DiskOperation, path: string, file?: SimFile): void {
    for (const [i, fault] of this.#faults.entries()) {
      if (fault.operation !== operation || !path.includes(fault.path)) continue;
      if (fault.skip-- > 0) continue;
      this.#faults.splice(i, 1);
      this.onFault?.(operation, file === undefined ? path : this.#nameOf(file, path));
      throw ioFault('EIO', path);
    }
  }

  /** What an open file is called now; it may have been renamed since. */
  #nameOf(file: SimFile, openedAs: string): string {
    const folder = partsOf(openedAs).slice(0, -1).join('/');
    const dir = this.#find(folder);
    if (!(dir instanceof SimDir)) return openedAs;
    for (const [name, node] of dir.entries) if (node === file) return `${folder}/${name}`;
    return openedAs;
  }

  #find(path: string): SimNode | undefined {
    let node: SimNode | undefined = this.#root;
    for (const name of partsOf(path)) {
      node = node instanceof SimDir ? node.entries.get(name) : undefined;
    }
    return node;
  }

  #dir(path: string): SimDir {
    const node = this.#find(path);
    if (!(node instanceof SimDir)) throw ioFault(node === undefined ? 'ENOENT' : 'ENOTDIR', path);
    return node;
  }

  #file(path: string): SimFile {
    const node = this.#find(path);
    if (!(node instanceof SimFile)) throw ioFault(node === undefined ? 'ENOENT' : 'EISDIR', path);
    return node;
  }

  #parent(path: string): [SimDir, string] {
    const parts = partsOf(path);
    const name = parts.pop();
    invariant(name !== undefined, 'a path has a name', path);
    return [this.#dir(parts.join('/')), name];
  }
}

class OpenSimFile implements DiskFile {
  readonly #disk: SimDisk;
  readonly #path: string;
  readonly #file: SimFile;
  readonly #writable: boolean;
  #closed = false;

  constructor(disk: SimDisk, path: string, file: SimFile, writable: boolean) {
    this.#disk = disk;
    this.#path = path;
    this.#file = file;
    this.#writable = writable;
  }

  size(): number {
    return this.#mustBeOpen().size;
  }

  read(into: Uint8Array, position: number): number {
    return this.#mustBeOpen().read(into, position);
  }

  write(data: Uint8Array, position: number): void {
    const file = this.#mustBeOpen();
    if (!this.#writable) throw ioFault('EBADF', this.#path);
    this.#disk.changeFile('write', this.#path, file, () => file.write(data, position));
  }

  truncate(size: number): void {
    const file = this.#mustBeOpen();
    if (!this.#writable) throw ioFault('EBADF', this.#path);
    this.#disk.changeFile('truncate', this.#path, file, () => file.truncate(size));
  }

  syncNow(): void {
    const file = this.#mustBeOpen();
    this.#disk.syncFile(this.#path, file, file.now);
  }

  async sync(): Promise<void> {
    const file = this.#mustBeOpen();
    const point = file.now;
    await this.#disk.syncDelay();
    this.#disk.syncFile(this.#path, file, point);
  }

  close(): void {
    this.#closed = true;
  }

  #mustBeOpen(): SimFile {
    invariant(!this.#closed, 'a closed file is not used', this.#path);
    return this.#file;
  }
}

/** One crash: draws what survives, file by file and name by name. */
class Crash {
  readonly #prng: Prng;
  readonly #kept: number;
  readonly #clones = new Map<SimNode, SimNode>();

  constructor(prng: Prng, kept: number) {
    this.#prng = prng;
    this.#kept = kept;
  }

  dir(dir: SimDir): SimDir {
    const entries = new Map(dir.durable);
    for (const names of dir.changes) {
      if (!this.#prng.chance(this.#kept)) continue;
      for (const [name, node] of names) put(entries, name, node);
    }
    const clone = new SimDir();
    for (const [name, node] of entries) clone.change([name, this.#node(node)]);
    clone.sync();
    return clone;
  }

  #node(node: SimNode): SimNode {
    const known = this.#clones.get(node);
    if (known !== undefined) return known;
    const clone =
      node instanceof SimDir ? this.dir(node) : new SimFile(node.crashed(this.#prng, this.#kept));
    this.#clones.set(node, clone);
    return clone;
  }
}

function put(map: Map<string, SimNode>, name: string, node: SimNode | null): void {
  if (node === null) map.delete(name);
  else map.set(name, node);
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function ioFault(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: simulated, ${path}`), { code });
}
