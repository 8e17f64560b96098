import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { TlsFiles } from './tls-files.ts';

/** Certificates and keys in the file system of this machine. */
export const nodeTlsFiles: TlsFiles = {
  read: (path) => readFileSync(path),
  exists: (path) => existsSync(path),
  makeFolder: (path) => {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  },
  write: (path, text, mode) => {
    const draft = `${path}.tmp`;
    writeFileSync(draft, text, { mode });
    renameSync(draft, path);
  },
};
