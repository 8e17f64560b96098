import type { TlsFiles } from './tls-files.ts';

export interface ReloadedOptions<T> {
  readonly files: TlsFiles;
  readonly paths: readonly string[];
  /** Makes it of the contents of the files, in the order of `paths`. Throws when they don't fit. */
  readonly make: (contents: readonly Buffer[]) => T;
  /** It was made again. */
  readonly onReload: (value: T) => void;
  /** It could not be made again, so the one before goes on. Called once for each change. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Something made of files, and made again when they have changed. They are read each time it is asked for, since times
 * and sizes of files don't tell of every change; that takes microseconds, a handshake a millisecond. Files that are
 * replaced one after the other, as certificate and key are, don't fit together for a moment: it stays as it was then.
 */
export class Reloaded<T> {
  readonly #options: ReloadedOptions<T>;
  #contents: readonly Buffer[];
  #value: T;
  /** What went wrong last; '' when nothing did. */
  #failure = '';

  /** Reads the files. Throws the system's error, or what `make` throws. */
  constructor(options: ReloadedOptions<T>) {
    this.#options = options;
    this.#contents = this.#read();
    this.#value = options.make(this.#contents);
  }

  /** The newest there is. */
  get(): T {
    const { make, onReload, onFailure } = this.#options;
    try {
      const contents = this.#read();
      if (contents.every((content, i) => content.equals(this.#contents[i] ?? content))) {
        this.#failure = '';
        return this.#value;
      }
      this.#value = make(contents);
      this.#contents = contents;
      this.#failure = '';
      onReload(this.#value);
    } catch (error) {
      const text = String(error);
      if (text !== this.#failure) onFailure(error);
      this.#failure = text;
    }
    return this.#value;
  }

  #read(): readonly Buffer[] {
    const { files, paths } = this.#options;
    return paths.map((path) => files.read(path));
  }
}
