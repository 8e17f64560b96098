import { execFileSync } from 'node:child_process';
import { accessSync, appendFileSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect } from 'vitest';
import { type LeftOut, leftOutVariable } from '../../scripts/test-run-reporter.ts';

/** Paths of the programs of one real etcd release. */
export interface RealEtcd {
  /** Full version, such as "3.5.16". */
  readonly version: string;
  readonly etcd: string;
  readonly etcdctl: string;
  /** 3.5 only. */
  readonly etcdutl: string | undefined;
}

const realEtcdFolder =
  process.env.KVORUM_REAL_ETCD ?? join(import.meta.dirname, '../../.cache/real-etcd');

/**
 * The real etcd to compare with, or undefined where this machine has none. Then the calling file's tests
 * cannot run (`describe.skipIf(real === undefined)`), and the run says loudly which and why.
 *
 * Looks in the folder that KVORUM_REAL_ETCD names, else in `.cache/real-etcd`, where
 * `npm run fetch-etcd` puts it. Call it while the file is collected, not inside a test.
 */
export function realEtcd(release: '3.4' | '3.5'): RealEtcd | undefined {
  const program = (name: string) => {
    const path = join(realEtcdFolder, release, name);
    return isExecutable(path) ? path : undefined;
  };
  const etcd = program('etcd');
  const etcdctl = program('etcdctl');
  if (etcd === undefined || etcdctl === undefined) {
    leaveOut(`etcd ${release}`, 'npm run fetch-etcd (on Debian)');
    return undefined;
  }
  const answer = execFileSync(etcd, ['--version'], { encoding: 'utf8' });
  const version = /etcd Version: (\S+)/.exec(answer)?.[1] ?? release;
  return { version, etcd, etcdctl, etcdutl: program('etcdutl') };
}

/** Debian packages that hold the other programs tests use. */
const debianPackages = {
  chromium: 'chromium',
  curl: 'curl',
  'discovery.etcd.io': 'etcd-discovery',
  dnsmasq: 'dnsmasq-base',
  h2load: 'nghttp2-client',
  nghttp: 'nghttp2-client',
  openssl: 'openssl',
  python3: 'python3',
  script: 'bsdutils',
  'systemd-analyze': 'systemd',
} as const;

/** Path of a program on the PATH or among the system's, or undefined, with the same consequences as `realEtcd`. */
export function systemProgram(name: keyof typeof debianPackages): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'];
  const path = folders.map((folder) => join(folder, name)).find(isExecutable);
  if (path === undefined) leaveOut(name, `apt-get install ${debianPackages[name]}`);
  return path;
}

/** Path of a Python that has gRPC's own library for it, or undefined, with the same consequences. */
export function pythonWithGrpc(): string | undefined {
  return pythonWith('grpc', "Python's grpcio", 'python3-grpcio');
}

/** Path of a Python that has the client of etcd's v2 API, or undefined, with the same consequences. */
export function pythonWithEtcd(): string | undefined {
  return pythonWith('etcd', "Python's etcd", 'python3-etcd');
}

function pythonWith(module: string, name: string, debianPackage: string): string | undefined {
  // Debian's, whatever else the PATH has: its packages are for no other.
  const python = '/usr/bin/python3';
  try {
    execFileSync(python, ['-c', `import ${module}`], { stdio: 'ignore' });
    return python;
  } catch {
    leaveOut(name, `apt-get install ${debianPackage}`);
    return undefined;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function leaveOut(missing: string, remedy: string): void {
  const testFile = expect.getState().testPath ?? 'a test file';
  const entry: LeftOut = { testFile, missing, remedy };
  const path = process.env[leftOutVariable];
  if (path === undefined) console.error(`left out: ${testFile} needs ${missing}; ${remedy}`);
  else appendFileSync(path, `${JSON.stringify(entry)}\n`);
}
