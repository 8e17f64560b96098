import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bannedCalls, layers, longFiles, pureBuiltins } from './layers.ts';
import { blankComments } from './source-text.ts';
import { packageFolders, projectFiles, root, SourceFile, sourceFiles } from './workspace.ts';

// STYLE.md as tests: what a formatter and a linter do not see. A ban names what to use instead.

const sources = sourceFiles();
const files = projectFiles();

/** Every place where a pattern occurs in code, as `path:line`. */
function placesOf(pattern: RegExp, among: readonly SourceFile[]): string[] {
  const global = new RegExp(pattern, 'g');
  return among.flatMap((file) =>
    [...file.code.matchAll(global)].map((match) => `${file.path}:${file.lineAt(match.index)}`),
  );
}

/** Whether a file may reach the world: host files may, as may tests and what is outside the packages. */
function isHost(file: SourceFile): boolean {
  const layer = layers[file.package ?? ''];
  if (layer === undefined || file.isForTests) return true;
  return layer.hostFiles.includes(file.pathInSource ?? '');
}

/** Package of a bare specifier: `@scope/name/sub` gives `@scope/name`. */
function packageOf(specifier: string): string {
  const [first = '', second = ''] = specifier.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}

/** What is wrong with one import; undefined when nothing is. */
function importProblem(file: SourceFile, specifier: string, typeOnly: boolean): string | undefined {
  if (specifier.startsWith('.')) {
    const target = join(file.path, '..', specifier);
    if (file.package !== undefined && !target.startsWith(`packages/${file.package}/`)) {
      return 'leaves the package: import the other package by its name';
    }
    if (/\/testing\/|\.test\.ts$/.test(target) && !file.isForTests) {
      return 'is not published: what tests use stays in tests';
    }
    return specifier.endsWith('.ts') ? undefined : 'needs the extension .ts';
  }
  const layer = layers[file.package ?? ''];
  if (layer === undefined || file.isForTests) return undefined;
  const isBelow = (folder: string) => file.pathInSource?.startsWith(folder) === true;
  if (specifier.startsWith('node:')) {
    if (typeOnly || layer.builtins === 'all' || isHost(file)) return undefined;
    const isPure = layer.builtins === 'pure' || layer.pureFolders?.some(isBelow) === true;
    if (isPure && pureBuiltins.includes(specifier)) return undefined;
    return 'enters by a host file only (scripts/layers.ts)';
  }
  const inFolder = Object.entries(layer.folderImports ?? {}).flatMap(([folder, names]) =>
    isBelow(folder) ? names : [],
  );
  const allowed = [...layer.imports, ...inFolder].includes(packageOf(specifier));
  return allowed ? undefined : 'is not below this package (scripts/layers.ts)';
}

describe('dependencies', () => {
  it('know every package', () => {
    expect(Object.keys(layers).sort()).toEqual(packageFolders());
  });

  it('point one way', () => {
    const wrong = sources.flatMap((file) =>
      file.imports().flatMap(({ specifier, typeOnly }) => {
        const problem = importProblem(file, specifier, typeOnly);
        return problem === undefined ? [] : [`${file.path}: ${specifier} ${problem}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('are declared where they are used', () => {
    for (const folder of packageFolders()) {
      const manifest = readManifest(`packages/${folder}`);
      const declared = Object.keys(manifest.dependencies ?? {});
      const allowed = layers[folder]?.imports ?? [];
      expect(declared.filter((name) => !allowed.includes(name))).toEqual([]);
      const inFolders = Object.values(layers[folder]?.folderImports ?? {}).flat();
      const peers = Object.keys(manifest.peerDependencies ?? {});
      expect(peers.sort()).toEqual([...new Set(inFolders)].sort());
      const optional = manifest.peerDependenciesMeta ?? {};
      expect(peers.filter((name) => optional[name]?.optional !== true)).toEqual([]);
    }
  });
});

describe('the outside world', () => {
  it.each(bannedCalls)('enters by host files only: $name, else $instead', ({ pattern }) => {
    const inner = sources.filter((file) => file.pathInSource !== undefined && !isHost(file));
    expect(placesOf(pattern, inner)).toEqual([]);
  });
});

describe('tests', () => {
  const tests = sources.filter((file) => file.path.endsWith('.test.ts'));

  it('do not sleep: they tick a clock or await a condition with a deadline', () => {
    const pattern = /\bsetTimeout\s*\(|\bsleep\s*\(|\bsetTimeout\s*\)|\bAtomics\.wait\b/;
    const inside = tests.filter((file) => file.package !== undefined);
    const imports = inside.filter((file) =>
      file.imports().some(({ specifier }) => specifier === 'node:timers/promises'),
    );
    expect([...placesOf(pattern, inside), ...imports.map((file) => file.path)]).toEqual([]);
  });

  it('all run: none is skipped, alone or still to be written', () => {
    expect(placesOf(/\b(it|test|describe)\.(only|skip|todo)\b|\bxit\s*\(/, tests)).toEqual([]);
  });

  it('use no mocks of our own code, but implementations that pass the same suite', () => {
    expect(placesOf(/\bvi\.(mock|doMock|spyOn)\s*\(/, tests)).toEqual([]);
  });
});

describe('sources', () => {
  it('have kebab-case names that say what is inside', () => {
    const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.(property|interop|test|bench|config|d))*\.ts$/;
    const vague = /(^|\/)(utils?|helpers?|common|misc|shared)(\/|\.ts$)/;
    const wrong = sources.filter(
      (file) => !kebab.test(basename(file.path)) || vague.test(file.path),
    );
    expect(wrong.map((file) => file.path)).toEqual([]);
  });

  it('have at most 1000 lines', () => {
    const lengths = sources.map((file) => ({
      path: file.path,
      lines: file.text.split('\n').length,
    }));
    const tooLong = lengths.filter(({ path, lines }) => lines > (longFiles[path] ?? 1000));
    expect(tooLong).toEqual([]);
    const settled = Object.keys(longFiles).filter((path) => {
      return !lengths.some((file) => file.path === path && file.lines > 1000);
    });
    expect(settled, 'take these off the list in layers.ts').toEqual([]);
  });

  it('have at most 100 columns of code and 120 of prose, but for long strings', () => {
    const wrong = sources.flatMap((file) => {
      const prose = blankComments(file.text).split('\n');
      const code = file.code.split('\n');
      return file.text.split('\n').flatMap((line, index) => {
        const isProse = prose[index]?.trim() === '';
        const wide = isProse ? line.length > 120 : (code[index] ?? '').trimEnd().length > 100;
        return wide && !/https?:|['"`]/.test(line) ? [`${file.path}:${index + 1}`] : [];
      });
    });
    expect(wrong).toEqual([]);
  });

  it('keep type checks switched on', () => {
    const switches = /@ts-(ignore|nocheck)|biome-ignore-all/;
    const wrong = sources.filter((file) => switches.test(file.text) && !isThisFile(file));
    expect(wrong.map((file) => file.path)).toEqual([]);
  });

  it('leave nothing for later without an issue', () => {
    const wrong = sources.filter((file) => {
      return /\b(TODO(?!\(#\d+\))|FIXME|XXX|HACK)\b/.test(file.text) && !isThisFile(file);
    });
    expect(wrong.map((file) => file.path)).toEqual([]);
  });
});

describe('the repository', () => {
  it('names no machine: no home folders, no private registries', () => {
    const wrong = files.filter((path) => {
      if (path.startsWith('scripts/') || path === 'pnpm-lock.yaml') return false;
      const text = readFileSync(join(root, path), 'latin1');
      return /(?:^|[\s"'`=(:])\/(?:home|Users|root|work|mnt)\/\w|artifactory|\bnexus\b/.test(text);
    });
    expect(wrong).toEqual([]);
  });

  it('takes packages from the public registry alone', () => {
    const lock = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8');
    expect(lock.match(/tarball:|https?:/g)).toBeNull();
    expect(files.filter((path) => basename(path) === '.npmrc')).toEqual([]);
  });
});

interface Manifest {
  readonly name?: string;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly description?: string;
  readonly license?: string;
  readonly type?: string;
  readonly private?: boolean;
  readonly engines?: { readonly node?: string };
  readonly files?: readonly string[];
  readonly sideEffects?: boolean;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;
}

describe.each(packageFolders())('packages/%s', (folder) => {
  const manifest = readManifest(`packages/${folder}`);

  it('says what it is', () => {
    expect(manifest).toMatchObject({
      name: `@kvorum/${folder}`,
      license: 'Apache-2.0',
      type: 'module',
      sideEffects: false,
      engines: { node: expect.stringMatching(/^>=22\.1[23]$/) },
      files: ['dist'],
    });
    expect(manifest.description).toMatch(/\.$/);
  });

  it('has a README and a licence', () => {
    for (const file of ['README.md', 'LICENSE']) {
      expect(existsSync(join(root, 'packages', folder, file)), file).toBe(true);
    }
  });

  it('has one door, one more for tests, and one for each part with needs or users of its own', () => {
    const doors = Object.keys(manifest.exports ?? {}).filter((entry) => entry !== './package.json');
    const parts = partsOf(folder).map((part) => `./${part}`.slice(0, -1));
    expect(doors.filter((entry) => entry !== '.' && entry !== './testing')).toEqual(parts);
  });

  it('says of everything it exports what it means', () => {
    const doors = ['', ...partsOf(folder)].flatMap((part) => publicNames(`${folder}/src/${part}`));
    const silent = doors.flatMap(({ path, names }) => {
      const file = new SourceFile(path);
      return names.filter((name) => !hasDocstring(file, name)).map((name) => `${path}: ${name}`);
    });
    expect(silent).toEqual([]);
  });

  it('pins what it takes from outside', () => {
    const outside = Object.entries(manifest.dependencies ?? {}).filter(([name]) => {
      return !name.startsWith('@kvorum/');
    });
    for (const [name, range] of outside) {
      expect(range, name).toMatch(/^(npm:@?[\w./-]+@)?\d+\.\d+\.\d+$/);
    }
  });
});

/** Folders of a package's src/ that are doors of their own, with the slash: with needs of their own, or for a few users. */
function partsOf(folder: string): string[] {
  const { folderImports = {}, doors = [] } = layers[folder] ?? {};
  return [...Object.keys(folderImports), ...doors];
}

/** Names that the index.ts of a folder under packages/ takes from each of its files. */
function publicNames(folder: string): { readonly path: string; readonly names: string[] }[] {
  return exportsOf(`packages/${folder}index.ts`);
}

/** Names that a file takes from others to export them, by the file they come from. */
function exportsOf(path: string): { readonly path: string; readonly names: string[] }[] {
  const { text } = new SourceFile(path);
  const statements = text.matchAll(/^export (?:type )?(?:\{([^}]*)\}|\*) from '(\.[^']+)'/gm);
  return [...statements].flatMap(([, list, from = '']) => {
    const origin = join(path, '..', from);
    if (list === undefined) return origin.includes('/gen/') ? [] : exportsOf(origin);
    const names = list
      .split(',')
      .map((name) => name.replace(/^\s*(type\s)?|\sas\s.*$/g, '').trim())
      .filter((name) => name !== '');
    return [{ path: origin, names }];
  });
}

/** Whether the declaration of a name, if the file has one, follows a docstring. */
function hasDocstring(file: SourceFile, name: string): boolean {
  const declaration = new RegExp(`^export [a-z ]*\\b${name}\\b`, 'm').exec(file.text);
  if (declaration === null) return true;
  return /\*\/\s*$/.test(file.text.slice(0, declaration.index));
}

/** Files that hold the patterns they look for. */
function isThisFile(file: SourceFile): boolean {
  return file.path.startsWith('scripts/tidy');
}
