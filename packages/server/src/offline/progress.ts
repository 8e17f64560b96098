/** What a long work is doing now. */
export type Stage = 'verifying' | 'checking' | 'restoring' | 'copying' | 'writing';

/**
 * Told again and again how far a work has come, in bytes of what it reads or writes. The work goes on when it resolves,
 * so it can let other things run; when it rejects, the work is given up and nothing is left of it.
 */
export type Progress = (stage: Stage, doneBytes: number, totalBytes: number) => Promise<void>;

/** Bytes between two looks at what else there is to do. */
export const PROGRESS_BYTES = 1024 * 1024;
