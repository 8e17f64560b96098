import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { golden } from './golden.ts';

const folder = mkdtempSync(join(tmpdir(), 'kvorum-ctl-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const unreachable = '127.0.0.1:1';

golden('cluster commands', [
  'put foo bar',
  'member list',
  'member list -w json',
  { args: 'member list -w json --hex', differs: ['hex-members'] },
  'member list -w fields',
  { args: 'member list -w fields --hex', differs: ['hex-fields'] },
  { args: 'member list -w table', differs: ['table-style'] },
  'member list -w protobuf',
  'member promote b71f75320dc06a6c',
  'member promote 1234',
  'member remove 1234',
  'member remove zz',
  'member remove -- -1',
  'member remove',
  'member update 1234 --peer-urls=http://127.0.0.1:2390',
  'member update b71f75320dc06a6c',
  'member update b71f75320dc06a6c --peer-urls=http://127.0.0.1:2380',
  'member add',
  'member add new',
  'member add new http://127.0.0.1:2390',
  'member add new --peer-urls=nonsense',
  'member add new --peer-urls=http://127.0.0.1:2380',
  'endpoint health',
  'endpoint health --cluster',
  'endpoint health -w json',
  'endpoint health -w fields',
  { args: 'endpoint health -w table', differs: ['table-style'], mask: /[ -]+/g },
  { args: 'endpoint hashkv -w json --rev 99', differs: ['empty-list'] },
  { args: 'endpoint hashkv', differs: ['hash-revision'], mask: /\d+/g },
  { args: 'endpoint hashkv -w json', differs: ['hash-revision'], mask: /\d+/g },
  { args: 'endpoint hashkv -w fields', differs: ['hash-revision'], mask: /\d+/g },
  { args: 'endpoint status', differs: ['status-columns'], mask: /[\d.]+ [kM]?B|, \d+/g },
  { args: 'endpoint status -w json', differs: ['status-columns'], mask: /\d+/g },
  { args: 'endpoint status -w fields', differs: ['status-columns'], mask: / \d+/g },
  'alarm list',
  'alarm list -w json',
  'alarm list -w fields',
  'alarm list surplus',
  'alarm disarm',
  'alarm disarm -w json',
  { args: 'defrag', differs: ['defrag-took'] },
  { args: 'defrag --cluster', differs: ['defrag-took'] },
  'move-leader',
  'move-leader zz',
  'move-leader 1234',
  { args: 'snapshot save', differs: ['snapshot-usage'] },
  {
    args: ['snapshot', 'save', join(folder, 'etcd.db')],
    differs: ['snapshot-progress'],
  },
  {
    args: ['snapshot', 'save', join(folder, 'missing', 'etcd.db')],
    differs: ['snapshot-progress', 'snapshot-error'],
  },
  {
    args: ['snapshot', 'save', join(folder, 'etcd.db')],
    env: { ETCDCTL_ENDPOINTS: `${unreachable},${unreachable}` },
    differs: ['snapshot-progress'],
  },
  {
    args: 'get foo --command-timeout=200ms',
    env: { ETCDCTL_ENDPOINTS: unreachable },
    differs: ['what-was-tried'],
  },
  {
    args: 'endpoint status --command-timeout=200ms',
    env: { ETCDCTL_ENDPOINTS: unreachable },
    differs: ['what-was-tried'],
  },
  {
    args: 'endpoint health --command-timeout=200ms',
    env: { ETCDCTL_ENDPOINTS: unreachable },
    differs: ['what-was-tried'],
  },
  { args: 'get foo', env: { ETCDCTL_NOSUCH: '1' }, differs: ['log-caller'] },
  { args: 'get foo --endpoints=x:1', differs: ['log-caller'] },
  'get foo --cert=/nonexistent/cert.pem --key=/nonexistent/key.pem',
  ['get', 'foo', '--cacert='],
]);
