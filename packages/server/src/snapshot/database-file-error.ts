/**
 * - `foreign`    the file is something else, or of a version that nobody here knows
 * - `truncated`  it ends before its end
 * - `corrupt`    what it says contradicts itself
 */
export type DatabaseFileErrorCode = 'foreign' | 'truncated' | 'corrupt';

/** A database file that can't be read. The text is for people and says where in the file it is wrong. */
export class DatabaseFileError extends Error {
  override readonly name = 'DatabaseFileError';
  readonly code: DatabaseFileErrorCode;

  constructor(code: DatabaseFileErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The error of a page that is not what it must be. */
export function corruptPage(id: number, what: string): DatabaseFileError {
  return new DatabaseFileError('corrupt', `page ${id} ${what}`);
}
