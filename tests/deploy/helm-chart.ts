import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

/** What the chart makes for the API server. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: unknown;
}

const root = join(import.meta.dirname, '../..');
export const chartFolder: string = join(root, 'deploy/helm/kvorum');

/** Helm, from `scripts/fetch-helm.ts`, in the folder that KVORUM_HELM names or in `.cache/helm`; undefined without. */
export function helmProgram(): string | undefined {
  const path = join(process.env.KVORUM_HELM ?? join(root, '.cache/helm'), 'helm');
  if (existsSync(path)) return path;
  console.warn(
    'no Helm to test the chart with (node scripts/fetch-helm.ts): those tests are left out',
  );
  return undefined;
}

/** Runs Helm on the chart. Throws with what it printed when it refuses. */
export function runHelm(helm: string, args: readonly string[]): string {
  // Helm keeps nothing and asks nobody.
  const env = { PATH: '', HOME: '/nonexistent', HELM_PLUGINS: '/nonexistent' };
  return execFileSync(helm, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** What the chart makes of some values, given as Helm's `--set` takes them. */
export function render(helm: string, values: readonly string[]): Manifest[] {
  const sets = values.flatMap((value) => ['--set-json', value]);
  const text = runHelm(helm, ['template', 'prod', chartFolder, '--namespace=store', ...sets]);
  const documents = parseAllDocuments(text).map((document) => document.toJS() as Manifest | null);
  return documents.filter((document) => document !== null);
}

/** The one of a kind, with what is in it. */
export function only<T>(manifests: readonly Manifest[], kind: string): Manifest & { spec: T } {
  const [found, ...others] = manifests.filter((one) => one.kind === kind);
  if (found === undefined || others.length > 0) throw new Error(`not one ${kind}`);
  return found as Manifest & { spec: T };
}
