import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { blankComments, blankNonCode } from './source-text.ts';

/** Folder of the repository. */
export const root = join(import.meta.dirname, '..');

const ignoredFolders = new Set([
  'node_modules',
  'dist',
  'gen',
  'coverage',
  '.git',
  '.turbo',
  '.cache',
]);

/** Paths of all files that belong to the project, relative to its root, sorted. Generated code is not in it. */
export function projectFiles(folder = ''): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  return entries
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (path === 'data' || ignoredFolders.has(entry.name)) return [];
      if (entry.isDirectory()) return projectFiles(path);
      return entry.isFile() ? [path] : [];
    })
    .sort();
}

/** Names of the folders under packages/. */
export function packageFolders(): string[] {
  return readdirSync(join(root, 'packages')).sort();
}

/** One TypeScript file of the project. */
export class SourceFile {
  /** Relative to the root. */
  readonly path: string;
  readonly text: string;
  #code: string | undefined;

  constructor(path: string) {
    this.path = path;
    this.text = readFileSync(join(root, path), 'utf8');
  }

  /** The text without comments and the insides of strings; same offsets. */
  get code(): string {
    this.#code ??= blankNonCode(this.text);
    return this.#code;
  }

  /** Folder under packages/; undefined for files elsewhere. */
  get package(): string | undefined {
    return /^packages\/([^/]+)\//.exec(this.path)?.[1];
  }

  /** Path below the package's src/; undefined for files elsewhere. */
  get pathInSource(): string | undefined {
    return /^packages\/[^/]+\/src\/(.*)$/.exec(this.path)?.[1];
  }

  /** Whether it is there for tests or measurements only and is not published. */
  get isForTests(): boolean {
    return /\.test\.ts$|\/testing\/|\/bench\/|^(tests|bench)\//.test(this.path);
  }

  /** Modules it imports. */
  imports(): readonly { readonly specifier: string; readonly typeOnly: boolean }[] {
    const found = [];
    const text = blankComments(this.text);
    const statement = /^(?:import|export)\s+(type\s)?(?:[^;'"]*?\sfrom\s+)?'([^']+)'/gm;
    for (const match of text.matchAll(statement)) {
      found.push({ specifier: match[2] ?? '', typeOnly: match[1] !== undefined });
    }
    for (const match of text.matchAll(/\b(?:import|require)\(\s*'([^']+)'/g)) {
      found.push({ specifier: match[1] ?? '', typeOnly: false });
    }
    return found;
  }

  /** Number of the line that holds an offset, from 1. */
  lineAt(offset: number): number {
    return this.text.slice(0, offset).split('\n').length;
  }
}

/** Every TypeScript file of the project that people write. */
export function sourceFiles(): SourceFile[] {
  return projectFiles()
    .filter((path) => path.endsWith('.ts'))
    .map((path) => new SourceFile(path));
}
