/**
 * The file system as the log needs it. All calls block, but `DiskFile.sync`. Failures throw whatever the
 * implementation throws; the log wraps them in `WalError`.
 *
 * Paths are strings joined with `/`. Folders are made with mode 0700 and files with 0600, as etcd's are.
 */
export interface Disk {
  /** Makes the folder and its missing parents; no error when it is there. Durable after `syncDir(parent)`. */
  mkdir(path: string): void;
  /** Names in a folder, sorted by code unit. */
  list(dir: string): string[];
  /** Whether there is such a file or folder. */
  exists(path: string): boolean;
  /** Opens a file for reading, or for both with `write`; `create` makes an absent one and implies `write`. */
  open(path: string, options?: OpenOptions): DiskFile;
  /** Moves a file or folder, replacing a file at `to`. Durable after `syncDir` of the parent. */
  rename(from: string, to: string): void;
  /** Removes a file. */
  remove(path: string): void;
  /** Makes the names in a folder durable. */
  syncDir(dir: string): void;
  /**
   * Takes the lock file at `path`, making it if absent. The lock ends with the process at the latest.
   * Throws `WalError` "locked", naming the owner's pid where it can be known.
   */
  lock(path: string): DiskLock;
}

/** How `Disk.open` opens a file; for reading alone by default. */
export interface OpenOptions {
  readonly create?: boolean;
  readonly write?: boolean;
}

/** An open file. Positions and sizes are bytes. */
export interface DiskFile {
  /** Its length, in bytes. */
  size(): number;
  /** Fills `into` from `position`; returns how many bytes there were, fewer only at the end of the file. */
  read(into: Uint8Array, position: number): number;
  /** Writes all of `data` to the page cache, extending the file if need be. `data` is free afterwards. */
  write(data: Uint8Array, position: number): void;
  /** Makes content and size durable, in place. */
  syncNow(): void;
  /** The same on another thread: covers all writes made before the call. Must be awaited. */
  sync(): Promise<void>;
  /** Cuts, or extends with zeros that are not allocated on disk. */
  truncate(size: number): void;
  /** Ends use of the file. A running `sync` is finished first, behind the caller's back. */
  close(): void;
}

/** A lock that is held. */
export interface DiskLock {
  /** Frees it; does nothing when called again. */
  release(): void;
}
