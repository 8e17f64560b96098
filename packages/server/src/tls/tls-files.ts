/** Where certificates and keys are: the file system, or what stands in its place in a test. */
export interface TlsFiles {
  /** Throws the system's error, such as ENOENT. */
  read(path: string): Buffer;
  exists(path: string): boolean;
  /** Makes a folder, and those above it, for this user alone. */
  makeFolder(path: string): void;
  /** Puts a file in place as a whole: nobody sees half of it. `mode` is as for chmod. */
  write(path: string, text: string, mode: number): void;
}
