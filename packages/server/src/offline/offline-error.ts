/**
 * - `exists`      something is where something new is to be made
 * - `missing`     there is nothing where something is to be read
 * - `hash`        a file has no hash, though one was asked for
 * - `auth`        the snapshot is of a cluster that asks who its clients are, which the server can't do
 * - `foreign`     a data folder is another program's
 * - `running`     a member writes to files that are read
 */
export type OfflineErrorCode = 'exists' | 'missing' | 'hash' | 'auth' | 'foreign' | 'running';

/** Why something wasn't done to files; the text is for people, in etcdutl's words where it has some. */
export class OfflineError extends Error {
  override readonly name = 'OfflineError';
  readonly code: OfflineErrorCode;

  constructor(code: OfflineErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
