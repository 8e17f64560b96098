import { join } from 'node:path';
import type { DevClusterOptions } from './options.ts';

/** Where one member lives. */
export interface Place {
  /** m1, m2, ... */
  readonly name: string;
  readonly dataDir: string;
  readonly clientPort: number;
  /** What the others dial: a proxy of the dev-cluster. */
  readonly proxyPort: number;
  /** Where the member listens for them behind it. */
  readonly peerPort: number;
  /** Where its connections to the others begin, which tells the proxies who dials. */
  readonly localAddress: string;
}

export const HOST = '127.0.0.1';

/** Places of all members: each has three ports in a row, as etcd's Procfile spaces them or ten apart. */
export function placesOf(options: DevClusterOptions): Place[] {
  const { nodes, basePort, dataDir } = options;
  return Array.from({ length: nodes }, (_, index) => {
    const etcdPort = index === 0 ? 2379 : 12_379 + index * 10_000;
    const clientPort = basePort === undefined ? etcdPort : basePort + index * 10;
    const name = `m${index + 1}`;
    return {
      name,
      dataDir: join(dataDir, name),
      clientPort,
      proxyPort: clientPort + 1,
      peerPort: clientPort + 2,
      localAddress: `127.0.0.${index + 2}`,
    };
  });
}

/** The line that tells etcdctl where the members are. */
export function endpointsLine(places: readonly Place[]): string {
  return `export ETCDCTL_ENDPOINTS=${places.map((one) => `${HOST}:${one.clientPort}`).join(',')}`;
}

/** Flags of one member; `hasLocalAddresses` when the machine has all of 127.0.0.0/8. */
export function flagsOf(place: Place, all: readonly Place[], hasLocalAddresses: boolean): string[] {
  const url = (port: number) => `http://${HOST}:${port}`;
  return [
    `--name=${place.name}`,
    `--data-dir=${place.dataDir}`,
    `--listen-client-urls=${url(place.clientPort)}`,
    `--advertise-client-urls=${url(place.clientPort)}`,
    `--listen-peer-urls=${url(place.peerPort)}`,
    `--initial-advertise-peer-urls=${url(place.proxyPort)}`,
    `--initial-cluster=${all.map((one) => `${one.name}=${url(one.proxyPort)}`).join(',')}`,
    '--initial-cluster-token=kvorum-dev-cluster',
    '--log-format=console',
    // This process may end without a chance to stop them.
    '--kvorum-stop-with-stdin',
    ...(hasLocalAddresses ? [`--kvorum-peer-local-address=${place.localAddress}`] : []),
  ];
}
