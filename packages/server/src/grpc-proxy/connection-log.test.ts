import { expect, it } from 'vitest';
import { type Logger, silentLogger } from '../logging/logger.ts';
import { ConnectionLog } from './connection-log.ts';

it('an outage is logged once, and so is its end', () => {
  const lines: string[] = [];
  const add: Logger['info'] = (message, fields) => {
    lines.push([message, fields?.endpoint, fields?.error].filter((one) => one).join(' '));
  };
  const log = new ConnectionLog({ ...silentLogger, info: add, warn: add });
  const refused = new Error('refused');
  for (const [state, error] of [
    ['connecting', undefined],
    ['waiting', refused],
    ['connecting', undefined],
    ['waiting', refused],
    ['ready', undefined],
    ['idle', refused],
  ] as const) {
    log.note({ endpoint: 'a:1', state, error });
  }
  expect(lines).toEqual([
    'no connection to an endpoint a:1 refused',
    'connected to an endpoint a:1',
    'no connection to an endpoint a:1 refused',
  ]);
});
