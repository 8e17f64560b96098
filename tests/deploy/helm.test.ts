import { describe, expect, it } from 'vitest';
import { chartFolder, helmProgram, type Manifest, only, render, runHelm } from './helm-chart.ts';
import { checkFields, validate } from './kubernetes-types.ts';
import { ToldCluster } from './told-cluster.ts';

const helm = helmProgram();

interface Container {
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly volumeMounts: readonly { readonly name: string }[];
}

interface StatefulSetSpec {
  readonly replicas: number;
  readonly serviceName: string;
  readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly template: {
    readonly metadata: { readonly labels: Readonly<Record<string, string>> };
    readonly spec: {
      readonly containers: readonly Container[];
      readonly volumes: readonly { readonly name: string }[];
    };
  };
  readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
}

const everything = [
  'replicaCount=5',
  'tls.client={"enabled":true,"clientCertAuth":true}',
  'tls.peer.enabled=true',
  'certManager={"enabled":true,"issuerRef":{"name":"ours"},"extraDnsNames":["etcd.example.org"]}',
  'metrics.serviceMonitor={"enabled":true,"labels":{"release":"prometheus"}}',
  'networkPolicy={"enabled":true,"clients":[{"namespaceSelector":{}}]}',
  'backup={"enabled":true,"credentialsSecret":"root","clientCertSecret":"backup"}',
  'service={"type":"LoadBalancer","annotations":{"a":"b"}}',
  'persistence={"storageClass":"fast","annotations":{"c":"d"}}',
  'extraArgs=["--log-level=warn"]',
  'extraEnv=[{"name":"MALLOC_ARENA_MAX","value":"2"}]',
  'podAnnotations={"e":"f"}',
  'podLabels={"g":"h"}',
  'nodeSelector={"disk":"nvme"}',
  'tolerations=[{"key":"store","operator":"Exists"}]',
  'affinity={"nodeAffinity":{}}',
  'imagePullSecrets=[{"name":"pull"}]',
  'priorityClassName="system-cluster-critical"',
  'serviceAccount.annotations={"i":"j"}',
];

/** What people may ask the chart for. */
const variants: Readonly<Record<string, readonly string[]>> = {
  'as it comes': [],
  'with everything': everything,
  'with one member, in memory': ['replicaCount=1', 'persistence.enabled=false'],
  'with certificates of somebody else': [
    'tls.client={"enabled":true,"existingSecret":"client"}',
    'tls.peer={"enabled":true,"existingSecret":"peer"}',
    'backup={"enabled":true,"existingClaim":"tapes"}',
  ],
  'without what is optional': [
    'serviceAccount.create=false',
    'podDisruptionBudget.enabled=false',
    'resources={}',
  ],
};

function program(): string {
  if (helm === undefined) throw new Error('there is no Helm');
  return helm;
}

/** Kinds and names, in order. */
function namesOf(manifests: readonly Manifest[]): string[] {
  return manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort();
}

describe.skipIf(helm === undefined)('the Helm chart', () => {
  it.each(Object.entries(variants))('%s, is what Kubernetes takes', (_name, values) => {
    const sets = values.flatMap((value) => ['--set-json', value]);
    expect(runHelm(program(), ['lint', '--strict', chartFolder, ...sets])).toContain(
      '0 chart(s) failed',
    );
    const manifests = render(program(), values);
    for (const manifest of manifests) validate(manifest);
    checkFields(manifests);
  });

  it('is held to fields that there are', () => {
    const [first] = render(program(), ['podDisruptionBudget.enabled=true']);
    if (first === undefined) throw new Error('the chart makes nothing');
    const mistyped = { ...first, spec: { ...(first.spec ?? {}), minAvailabel: 2 } };
    expect(() => checkFields([mistyped])).toThrow(/minAvailabel/);
    expect(() => validate({ ...first, spec: { minAvailable: [] } })).toThrow(/minAvailable/);
  });

  it('mounts what it has, and selects its own pods', () => {
    for (const values of Object.values(variants)) {
      const { spec } = only<StatefulSetSpec>(render(program(), values), 'StatefulSet');
      const { metadata, spec: pod } = spec.template;
      const claims = spec.volumeClaimTemplates?.map((claim) => claim.metadata.name) ?? [];
      const volumes = [...pod.volumes.map(({ name }) => name), ...claims].sort();
      const mounts = pod.containers.flatMap(({ volumeMounts }) => volumeMounts);
      expect(mounts.map(({ name }) => name).sort()).toEqual(volumes);
      expect(metadata.labels).toMatchObject(spec.selector.matchLabels);
    }
  });

  it('makes no more than it was asked for', () => {
    expect(namesOf(render(program(), []))).toEqual([
      'PodDisruptionBudget prod-kvorum',
      'Service prod-kvorum',
      'Service prod-kvorum-headless',
      'ServiceAccount prod-kvorum',
      'StatefulSet prod-kvorum',
    ]);
    expect(namesOf(render(program(), everything))).toEqual([
      'Certificate prod-kvorum-client',
      'Certificate prod-kvorum-peer',
      'CronJob prod-kvorum-backup',
      'NetworkPolicy prod-kvorum',
      'PersistentVolumeClaim prod-kvorum-backup',
      'PodDisruptionBudget prod-kvorum',
      'Service prod-kvorum',
      'Service prod-kvorum-headless',
      'ServiceAccount prod-kvorum',
      'ServiceMonitor prod-kvorum',
      'StatefulSet prod-kvorum',
    ]);
  });

  it('lets no more members be drained than a majority can spare', () => {
    for (const [members, available] of [
      [3, 2],
      [4, 3],
      [5, 3],
    ] as const) {
      const manifests = render(program(), [`replicaCount=${members}`]);
      expect(only(manifests, 'PodDisruptionBudget').spec).toMatchObject({
        minAvailable: available,
      });
    }
  });

  it.each([
    ['no members', 'replicaCount=0', /replicaCount/],
    ['values that it does not know', 'replicas=3', /additional properties 'replicas' not allowed/],
    ['TLS without certificates', 'tls.peer.enabled=true', /tls.peer.existingSecret or certManager/],
    ['what is no flag', 'extraArgs=["log-level"]', /extraArgs/],
  ])('refuses %s', (_name, value, reason) => {
    expect(() => render(program(), [value])).toThrow(reason);
  });

  it('runs members that find each other', async () => {
    const { metadata, spec } = only<StatefulSetSpec>(render(program(), []), 'StatefulSet');
    const [container] = spec.template.spec.containers;
    expect(container?.command).toEqual(['kvorum']);
    const names = Array.from({ length: spec.replicas }, (_, at) => `${metadata.name}-${at}`);
    const told = names.map((name) => {
      const args = container?.args.map((flag) => flag.replaceAll('$(POD_NAME)', name)) ?? [];
      return { host: `${name}.${spec.serviceName}.store.svc`, args, env: {} };
    });
    await using cluster = await ToldCluster.start(told);
    expect(await cluster.names()).toEqual(names);
    for (const { host } of told) {
      for (const path of ['/livez', '/readyz', '/metrics']) {
        expect((await fetch(`${cluster.url(host, 2381)}${path}`)).status).toBe(200);
      }
    }
  });
});
