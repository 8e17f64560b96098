import { describe, expect, it } from 'vitest';
import { createLogger, type LoggerOptions } from './pino-logger.ts';

function loggerInMemory(level: LoggerOptions['level'] = 'info') {
  const lines: string[] = [];
  const sink = {
    write(line: string) {
      lines.push(line);
    },
  };
  const logger = createLogger({ level, sink, nowMs: () => Date.UTC(2026, 0, 2, 3, 4, 5, 678) });
  return { lines, logger };
}

describe('createLogger', () => {
  it("writes etcd's layout: level, ts, caller, msg, then the fields in order", () => {
    const { lines, logger } = loggerInMemory();
    logger.info('ready to serve client requests', { address: '127.0.0.1:2379', id: 5n });
    expect(lines).toEqual([
      '{"level":"info","ts":"2026-01-02T03:04:05.678000Z","caller":"main",' +
        '"msg":"ready to serve client requests","address":"127.0.0.1:2379","id":"5"}\n',
    ]);
  });

  it('names the component that speaks, once', () => {
    const { lines, logger } = loggerInMemory();
    logger.named('raft').named('rpc/watch').warn('x');
    expect(lines[0]).toContain('"level":"warn"');
    expect(lines[0]?.match(/"caller":"[^"]*"/g)).toEqual(['"caller":"rpc/watch"']);
  });

  it.each([
    ['debug', ['debug', 'info', 'warn', 'error', 'fatal']],
    ['info', ['info', 'warn', 'error', 'fatal']],
    ['warn', ['warn', 'error', 'fatal']],
    ['error', ['error', 'fatal']],
    ['panic', ['fatal']],
    ['fatal', ['fatal']],
  ] as const)('writes from level %s up', (level, expected) => {
    const { lines, logger } = loggerInMemory(level);
    logger.debug('x');
    logger.info('x');
    logger.warn('x');
    logger.error('x');
    logger.fatal('x');
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(expected);
    expect(logger.debugEnabled).toBe(level === 'debug');
  });

  it('keeps a field from replacing the message', () => {
    const { lines, logger } = loggerInMemory();
    logger.info('the message', { circular: undefined, level: 'x' });
    expect(JSON.parse(lines[0] ?? '').msg).toBe('the message');
  });
});
