import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Certificate } from '@kubernetes-models/cert-manager/cert-manager.io/v1';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import { StatefulSet } from 'kubernetes-models/apps/v1';
import { CronJob } from 'kubernetes-models/batch/v1';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { PersistentVolumeClaim, Service, ServiceAccount } from 'kubernetes-models/v1';
import type { Manifest } from './helm-chart.ts';

const root = join(import.meta.dirname, '../..');

interface Validated {
  validate(): void;
}

/** By apiVersion and kind: who checks it, and the module that has its type. */
const models: Readonly<Record<string, readonly [new (data: never) => Validated, string]>> = {
  'apps/v1 StatefulSet': [StatefulSet, 'kubernetes-models/apps/v1'],
  'batch/v1 CronJob': [CronJob, 'kubernetes-models/batch/v1'],
  'cert-manager.io/v1 Certificate': [
    Certificate,
    '@kubernetes-models/cert-manager/cert-manager.io/v1',
  ],
  'monitoring.coreos.com/v1 ServiceMonitor': [
    ServiceMonitor,
    '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1',
  ],
  'networking.k8s.io/v1 NetworkPolicy': [NetworkPolicy, 'kubernetes-models/networking.k8s.io/v1'],
  'policy/v1 PodDisruptionBudget': [PodDisruptionBudget, 'kubernetes-models/policy/v1'],
  'v1 PersistentVolumeClaim': [PersistentVolumeClaim, 'kubernetes-models/v1'],
  'v1 Service': [Service, 'kubernetes-models/v1'],
  'v1 ServiceAccount': [ServiceAccount, 'kubernetes-models/v1'],
};

function modelOf({
  apiVersion,
  kind,
}: Manifest): readonly [new (data: never) => Validated, string] {
  const model = models[`${apiVersion} ${kind}`];
  if (model === undefined) throw new Error(`no model of ${apiVersion} ${kind}`);
  return model;
}

/** Throws unless the values of a manifest are such as its kind may have. */
export function validate(manifest: Manifest): void {
  const [Model] = modelOf(manifest);
  new Model(manifest as never).validate();
}

/**
 * Throws, with the compiler's words, when manifests have fields that their kinds do not know, which servers drop or
 * refuse: object literals are checked for those, and validators are not that strict.
 */
export function checkFields(manifests: readonly Manifest[]): void {
  const cache = join(root, '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'manifests-'));
  try {
    const lines = manifests.map((manifest, at) => {
      const [, module] = modelOf(manifest);
      const type = `import('${module}').I${manifest.kind}`;
      return `export const manifest${at}: ${type} = ${JSON.stringify(manifest, null, 2)};`;
    });
    const file = join(folder, 'manifests.ts');
    writeFileSync(file, lines.join('\n'));
    const flags = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--module',
      'nodenext',
      '--ignoreConfig',
    ];
    execFileSync(join(root, 'node_modules/.bin/tsc'), [...flags, file], { encoding: 'utf8' });
  } catch (error) {
    const { stdout } = error as { readonly stdout?: string };
    throw stdout === undefined ? error : new Error(stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
