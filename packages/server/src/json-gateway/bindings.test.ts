import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { etcdServices } from '@kvorum/api';
import { expect, it } from 'vitest';
import { bindMethods } from './bindings.ts';

it('the page about the gateway lists its paths', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/json-gateway.md'), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `/v3/'));
  const listed = rows.flatMap((row) =>
    [...row.matchAll(/`(\/v3\/[^`]+)`/g)].map(([, path]) => path),
  );
  expect(listed.sort()).toEqual([...bindMethods(etcdServices, new Map()).keys()].sort());
});
