// node scripts/fetch-real-etcd.ts [FOLDER]
//
// Brings the etcd that the interoperability tests compare with, out of Debian's packages and without
// touching the system: FOLDER/3.5 holds etcd, etcdctl and etcdutl 3.5 of Debian 13, FOLDER/3.4 holds
// etcd and etcdctl 3.4 of Debian 12. FOLDER is .cache/real-etcd unless given. The address of the archive
// comes from the machine's own apt sources, so a machine with a mirror uses its mirror.
// Does nothing where the programs already are. Prints FOLDER.

import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

interface Release {
  /** Also the folder's name. */
  readonly version: string;
  readonly suite: string;
  readonly programs: readonly string[];
}

const releases: readonly Release[] = [
  { version: '3.5', suite: 'trixie', programs: ['etcd', 'etcdctl', 'etcdutl'] },
  { version: '3.4', suite: 'bookworm', programs: ['etcd', 'etcdctl'] },
];

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Lines of a file; none when it does not exist. */
function linesOf(path: string): string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
}

/** The paths of apt's source lists with one of the endings. */
function sourceLists(): string[] {
  const folder = '/etc/apt/sources.list.d';
  const parts = existsSync(folder) ? readdirSync(folder).sort() : [];
  return ['/etc/apt/sources.list', ...parts.map((name) => join(folder, name))];
}

/** Address of the archive that this machine takes its own Debian packages from. */
function archiveAddress(): string {
  const release = new Map(linesOf('/etc/os-release').map((line) => splitOnce(line, '=')));
  const codename = release.get('VERSION_CODENAME')?.replaceAll('"', '');
  if (release.get('ID') !== 'debian' || codename === undefined) {
    throw new Error('works on Debian only, because it follows the apt sources of the machine');
  }
  for (const list of sourceLists()) {
    const content = linesOf(list);
    const address = list.endsWith('.sources')
      ? fromStanzas(content, codename)
      : fromOneLiners(content, codename);
    if (address !== undefined) return address;
  }
  throw new Error(`no apt source of this machine offers the main section of ${codename}`);
}

function splitOnce(line: string, separator: string): [string, string] {
  const at = line.indexOf(separator);
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1).trim()];
}

/** deb822 style: paragraphs of `Field: values`. */
function fromStanzas(lines: readonly string[], codename: string): string | undefined {
  const text = lines.filter((line) => !line.startsWith('#')).join('\n');
  for (const stanza of text.split(/\n\s*\n/)) {
    const fields = new Map(stanza.split('\n').map((line) => splitOnce(line, ':')));
    const values = (field: string) => (fields.get(field) ?? '').split(/\s+/);
    if (values('Suites').includes(codename) && values('Components').includes('main')) {
      return values('URIs')[0];
    }
  }
  return undefined;
}

/** The older style: `deb [options] address suite components`. */
function fromOneLiners(lines: readonly string[], codename: string): string | undefined {
  for (const line of lines) {
    const [kind, address, suite, ...components] = line.replace(/\[[^\]]*\]/, '').split(/\s+/);
    if (kind === 'deb' && suite === codename && components.includes('main')) return address;
  }
  return undefined;
}

/** Downloads and unpacks into `scratch`, with lists and caches of its own; returns the programs' folder. */
function unpack(release: Release, address: string, scratch: string): string {
  for (const folder of ['lists/partial', 'cache/archives/partial', 'root']) {
    mkdirSync(join(scratch, folder), { recursive: true });
  }
  const list = join(scratch, 'sources.list');
  writeFileSync(list, `deb [signed-by=${keyring}] ${address} ${release.suite} main\n`);
  const settings = [
    `Dir::Etc::sourcelist=${list}`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::Lists=${join(scratch, 'lists')}`,
    `Dir::Cache=${join(scratch, 'cache')}`,
    'APT::Sandbox::User=root',
  ].flatMap((setting) => ['-o', setting]);
  const apt = (...command: string[]) =>
    execFileSync('apt-get', ['-qq', ...settings, ...command], {
      cwd: scratch,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  apt('update');
  apt('download', 'etcd-server', 'etcd-client');
  for (const file of readdirSync(scratch).filter((name) => name.endsWith('.deb'))) {
    execFileSync('dpkg', ['-x', join(scratch, file), join(scratch, 'root')]);
  }
  return join(scratch, 'root/usr/bin');
}

/** Puts the programs in place as a whole folder, so that an interrupted run leaves none half filled. */
function install(release: Release, source: string, folder: string): void {
  const fresh = `${folder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  for (const program of release.programs) {
    copyFileSync(join(source, program), join(fresh, program));
  }
  const version = execFileSync(join(fresh, 'etcd'), ['--version'], { encoding: 'utf8' });
  const line = version.split('\n')[0] ?? '';
  if (!line.includes(` ${release.version}.`)) {
    throw new Error(`Debian ${release.suite} holds "${line}", not etcd ${release.version}`);
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(fresh, folder);
  console.error(`fetch-real-etcd: ${line} -> ${folder}`);
}

/** Brings what is missing in `folder`. */
function fetchInto(folder: string): void {
  const missing = releases.filter((release) =>
    release.programs.some((program) => !existsSync(join(folder, release.version, program))),
  );
  if (missing.length === 0) return;
  for (const needed of ['/usr/bin/apt-get', '/usr/bin/dpkg', keyring]) {
    if (!existsSync(needed)) throw new Error(`this machine has no ${needed}`);
  }
  const address = archiveAddress();
  const scratch = mkdtempSync(join(tmpdir(), 'kvorum-real-etcd-'));
  try {
    for (const release of missing) {
      const source = unpack(release, address, join(scratch, release.version));
      install(release, source, join(folder, release.version));
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const folder = resolve(process.argv[2] ?? join(import.meta.dirname, '../.cache/real-etcd'));
try {
  fetchInto(folder);
  console.log(folder);
} catch (error) {
  console.error(`fetch-real-etcd: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
